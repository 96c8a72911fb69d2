"""Which records the browser shows, and how each came to be: drawn by a seed, or chosen for a reason that is said."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tilth.records.folder import RunFolder
from tilth.records.record import Record
from tilth.report.counts import read

UNIFORM, OF_SCORE, OF_REASON, ALIKE, DOUBTED, LONGEST = 15, 5, 3, 5, 5, 5
"""Of 60 records, as product.md says; other numbers of records keep the shares."""
RANDOM = "random"


@dataclass(slots=True)
class Shown:
    """A record of the browser.

    state: kept or rejected. why: why it is shown; `random` for the uniform sample. calls: that made it, oldest first.
    path: (step, what it decided) in order.
    """

    record: Record
    state: str
    why: list[str]
    calls: list[dict[str, Any]] = field(default_factory=list)
    path: list[tuple[str, str]] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The record's id."""
        return str(self.record.id or "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to show beside the uniform sample. ids: (id, why) of kept records, the most telling first in turn."""

    ids: tuple[tuple[str, str], ...] = ()
    longest: tuple[Record, ...] = ()


def shares(samples: int) -> dict[str, int]:
    """How many of each kind, for so many records in all."""
    of = {"uniform": UNIFORM, "score": OF_SCORE, "reason": OF_REASON, "alike": ALIKE, "doubted": DOUBTED, "longest": LONGEST}
    return {name: max(1, round(n * samples / 60)) if samples else 0 for name, n in of.items()}


def choose(folder: RunFolder, drawn: Sequence[Record], wanted: Wanted, samples: int, seed: int) -> list[Shown]:
    """The records: a quarter uniform, then rejected ones by reason and those wanted in turn, and more uniform ones in what is left.

    drawn: the uniform sample of kept records, at least `samples` of them where there are so many.
    """
    sizes = shares(samples)
    out: dict[str, Shown] = {}
    order = list(drawn)
    random.Random(f"{seed}/report/order").shuffle(order)

    def add(record: Record, state: str, why: str) -> None:
        key = str(record.id)
        if key in out:
            out[key].why += [why] if why not in out[key].why else []
        elif len(out) < samples:
            out[key] = Shown(record, state, [why])

    for record in order[: sizes["uniform"]]:
        add(record, "kept", RANDOM)
    turns = [
        [(record, "rejected", f"rejected: {reason}") for reason, record in rejected(folder, sizes["reason"], seed)],
        [(record, "kept", why) for record, why in _fetched(folder, wanted.ids)],
        [(record, "kept", "longest") for record in wanted.longest[: sizes["longest"]]],
    ]
    for record, state, why in _in_turn(turns):
        add(record, state, why)
    for record in order[sizes["uniform"] :]:
        add(record, "kept", RANDOM)
    return list(out.values())


def _in_turn(lists: Sequence[Sequence[Any]]) -> Iterator[Any]:
    for at in range(max(map(len, lists), default=0)):
        yield from (one[at] for one in lists if at < len(one))


def rejected(folder: RunFolder, each: int, seed: int) -> list[tuple[str, Record]]:
    """Records of every reason, `each` of them, drawn uniformly; the reasons in turn, so that a cut leaves some of each."""
    held: dict[str, list[tuple[int, Record]]] = {}
    seen: dict[str, int] = {}
    rng = random.Random(f"{seed}/report/rejected")
    for at, record in enumerate(stored(folder, "rejected")):
        reason = str(record.meta.get("reason") or "unknown")
        seen[reason] = seen.get(reason, 0) + 1
        kept = held.setdefault(reason, [])
        if len(kept) < each:
            kept.append((at, record))
        elif each and (place := rng.randrange(seen[reason])) < each:
            kept[place] = (at, record)
    lists = [[(reason, record) for _, record in sorted(many, key=lambda one: one[0])] for reason, many in sorted(held.items())]
    return list(_in_turn(lists))


def stored(folder: RunFolder, state: str, ids: set[str] | None = None) -> Iterator[Record]:
    """The kept or rejected records of the result; before there is one, what generation has written so far. ids: only these."""
    import pyarrow.parquet as pq

    from tilth.records.parts import parts
    from tilth.records.schema import Schema

    results = bool(parts(folder.data, "part"))
    directory, stem = (folder.rows, "part" if state == "kept" else "rejected")
    if results:
        directory, stem = (folder.data if state == "kept" else folder.rejected, "part")
    for path in parts(directory, stem) if directory.is_dir() else ():
        schema = Schema.from_arrow(pq.read_schema(path))
        if schema is not None:
            yield from (schema.record(row) for row in _rows(path, ids))


def _rows(path: Path, ids: set[str] | None) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = None if ids is None else pa.array(sorted(ids), pa.string())
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=1024, use_threads=False):
            yield from (batch if wanted is None else batch.filter(pc.is_in(batch["id"], wanted))).to_pylist()


def _fetched(folder: RunFolder, ids: Iterable[tuple[str, str]]) -> list[tuple[Record, str]]:
    """The kept records of these ids, in the order of the ids; those that are not kept are left out."""
    wanted = list(ids)
    found = {str(record.id): record for record in stored(folder, "kept", {id_ for id_, _ in wanted})} if wanted else {}
    return [(found[id_], why) for id_, why in wanted if id_ in found]


def provenance(folder: RunFolder, shown: Sequence[Shown]) -> None:
    """Fill in the calls that made each record, and what every curation step said of it."""
    journal = journal_of(folder)
    if journal is not None:
        from tilth.engine.shelf import Shelf

        shelf = Shelf(journal)
        try:
            for one in shown:
                place = one.record.meta.get("place")
                one.calls = shelf.calls_at(str(place)) if place else []
        finally:
            shelf.close()
    paths = _paths(folder, {one.id for one in shown})
    for one in shown:
        one.path = paths.get(one.id, [])


def journal_of(folder: RunFolder) -> Path | None:
    """The run's journal: in its folder, or where --journal put it; None where there is none."""
    aside = read(folder.progress).get("journal")
    paths = [folder.journal, *([Path(aside)] if isinstance(aside, str) else [])]
    return next((path for path in paths if path.exists()), None)


def _paths(folder: RunFolder, ids: set[str]) -> dict[str, list[tuple[str, str]]]:
    """Id to (step, result) in the order of the steps."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    steps = [str(one.get("step")) for one in read(folder.artifacts / "curation.json").get("steps") or []]
    wanted = pa.array(sorted(ids), pa.string())
    decided: dict[tuple[str, str], Mapping[str, Any]] = {}
    if folder.decisions.exists():
        for batch in pq.ParquetFile(folder.decisions).iter_batches(batch_size=65_536, use_threads=False):
            for row in batch.filter(pc.is_in(batch["id"], wanted)).to_pylist():
                decided[(row["id"], row["step"])] = row
    out: dict[str, list[tuple[str, str]]] = {}
    for step in steps:
        path = folder.scores / f"{step}.parquet"
        columns = ["id", "score", "text"]
        for batch in pq.ParquetFile(path).iter_batches(batch_size=65_536, columns=columns, use_threads=False) if path.exists() else ():
            for row in batch.filter(pc.is_in(batch["id"], wanted)).to_pylist():
                out.setdefault(row["id"], []).append((step, _said(row, decided.get((row["id"], step)))))
    return out


def _said(score: Mapping[str, Any], decision: Mapping[str, Any] | None) -> str:
    """`passed 0.41`, `drop: near_duplicate 0.91 of b07e22`."""
    number = score["score"]
    amount = score["text"] or ("" if number is None else f"{number:.3g}")
    if decision is None:
        return f"passed {amount}".strip() if amount else "passed, not scored"
    near = f" of {str(decision['neighbour'])[:8]}" if decision.get("neighbour") else ""
    return f"{decision['action']}: {decision['reason']} {amount}{near}".strip()
