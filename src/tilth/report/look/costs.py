"""What calls cost by role and by what became of the record they were made for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tilth.records.folder import RunFolder
from tilth.records.ids import short_hash
from tilth.records.parts import parts, read_rows
from tilth.report.look.records import journal_of

OUTCOMES = ("kept", "rejected", "retried", "shared")
"""kept, rejected: the first call for such a record; retried: further calls at the same place; shared: for no single record."""
QUERY = "SELECT role, place, tokens_in + tokens_out, usd, seconds FROM calls WHERE paid AND kind != 'do' ORDER BY role, place, id"


@dataclass(slots=True)
class Spent:
    """Sums of calls. priced: every call has a known price."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    priced: bool = True

    def add(self, tokens: int, usd: float | None, seconds: float) -> None:
        """One more call."""
        self.calls += 1
        self.tokens += tokens
        self.usd += usd or 0.0
        self.seconds += seconds
        self.priced &= usd is not None


@dataclass(slots=True)
class Costs:
    """Role to outcome to sums."""

    by_role: dict[str, dict[str, Spent]] = field(default_factory=dict)

    @property
    def priced(self) -> bool:
        """Whether all calls have a known price."""
        return all(one.priced for many in self.by_role.values() for one in many.values())

    @property
    def usd(self) -> float:
        """Dollars in all."""
        return sum(one.usd for many in self.by_role.values() for one in many.values())


def costs(folder: RunFolder) -> Costs | None:
    """Walk the journal once, place by place; 16 bytes of memory a record. None where there is no journal."""
    path = journal_of(folder)
    if path is None:
        return None
    fate, out, before = _Fate(folder), Costs(), ("", "")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=1)) as connection:
            for role, place, tokens, usd, seconds in connection.execute(QUERY):
                outcome = fate.of(place)
                if outcome != "shared" and (role, place) == before:
                    outcome = "retried"
                before = (role, place)
                out.by_role.setdefault(role, {}).setdefault(outcome, Spent()).add(tokens or 0, usd, seconds or 0.0)
    except sqlite3.Error:
        return None
    return out if out.by_role else None


class _Fate:
    """What became of the record at a place: by hashes of places and ids, sorted."""

    def __init__(self, folder: RunFolder) -> None:
        results = bool(parts(folder.data, "part"))
        kept, gone = ((folder.data, "part"), (folder.rejected, "part")) if results else ((folder.rows, "part"), (folder.rows, "rejected"))
        self._kept, self._gone = (self._hashes(*one) for one in (kept, gone))

    @staticmethod
    def _hashes(directory: Path, stem: str) -> npt.NDArray[np.uint64]:
        rows = (row for path in (parts(directory, stem) if directory.is_dir() else ()) for row in read_rows(path, ["id", "place"]))
        found = np.fromiter((short_hash(one) for row in rows for one in (row["place"], row["id"]) if one), np.uint64)
        return np.unique(found)

    def of(self, place: str) -> str:
        """kept, rejected, or shared: the call was for no single record."""
        for name in _names(place):
            wanted = np.uint64(short_hash(name))
            if _has(self._kept, wanted):
                return "kept"
            if _has(self._gone, wanted):
                return "rejected"
        return "shared"


def _names(place: str) -> Iterator[str]:
    """The place, the places around it, and the keys in it: one of these is a record's place or id."""
    pieces = place.split("/")
    for at in range(len(pieces), 0, -1):
        yield "/".join(pieces[:at])
        label, _, key = pieces[at - 1].partition(":")
        if key and label:
            yield key


def _has(hashes: npt.NDArray[np.uint64], wanted: np.uint64) -> bool:
    at = int(np.searchsorted(hashes, wanted))
    return at < len(hashes) and bool(hashes[at] == wanted)
