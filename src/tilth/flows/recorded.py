"""What run.json keeps of the inputs: which file, its digest, how many rows. None of it makes another run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import TilthError

if TYPE_CHECKING:
    from tilth.flows.grammar import DataSpec
    from tilth.records.data import Data

COUNTED = 64_000_000
"""Bytes of files up to which rows are counted where nobody has counted them yet."""


def recorded(inputs: Mapping[str, Data], specs: Mapping[str, DataSpec] | None = None, folder: Path = Path()) -> dict[str, dict[str, Any]]:
    """Name to file (base name), sha256, rows and licence; what is not known is left out.

    Parameters
    ----------
    specs: the `data` of the flow, whose paths are relative to `folder`.
    """
    return {name: _one(data, (specs or {}).get(name), folder) for name, data in inputs.items()}


def _one(data: Data, spec: DataSpec | None, folder: Path) -> dict[str, Any]:
    from tilth.flows.environment import expand

    place = str(folder / expand(spec.read)) if spec is not None and spec.read != "-" else data.path
    files = _files(place)
    found = {
        "file": Path(place).name if place else None,
        "sha256": _digest(files),
        "rows": _rows(data, files),
        "licence": spec.licence if spec is not None else None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _files(place: str | None) -> list[Path]:
    """The files behind a path, a pattern or a run's folder, in order of their names."""
    from glob import glob

    if not place or place == "-":
        return []
    path = Path(place)
    if path.is_dir():
        return next((found for part in ("data", "rows", ".") if (found := sorted((path / part).glob("part-*.parquet")))), [])
    return [path] if path.is_file() else sorted(Path(one) for one in glob(place, recursive=True) if Path(one).is_file())


def _digest(files: Iterable[Path]) -> str | None:
    """SHA-256 of one file as `sha256sum` tells it; of several, that of the list of theirs."""
    found = []
    for path in files:
        whole = sha256()
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    whole.update(block)
        except OSError:  # it went between opening and now; the rows that were read are what counts
            return None
        found.append((path.name, whole.hexdigest()))
    if len(found) < 2:
        return found[0][1] if found else None
    return sha256("".join(f"{digest}  {name}\n" for name, digest in found).encode()).hexdigest()


def _rows(data: Data, files: list[Path]) -> int | None:
    if not data.counted and sum(path.stat().st_size for path in files if path.exists()) > COUNTED:
        return None
    try:
        return len(data)
    except TilthError:  # a bad line that nothing needs is no reason to stop
        return None
