"""Read records: files in common formats, many files, standard input, or mappings in memory."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal

from tilth.errors import RequestError
from tilth.records.data import Data, check_columns, check_labels
from tilth.records.formats import READERS, Rows, Source, reader
from tilth.records.hints import did_you_mean

__all__ = ["Data", "check_columns", "check_labels", "read"]


def read(
    path: str | Path | Sequence[str | Path],
    *,
    columns: Mapping[str, str] | None = None,
    bad_lines: Literal["stop", "skip"] = "stop",
    name: str | None = None,
) -> Data:
    """Open data for reading. The first row is read at once, so that a wrong file is found before anything is spent.

    Parameters
    ----------
    path: a file (.jsonl, .json, .csv, .tsv, .parquet, .txt, .md), a pattern such as ``data/*.jsonl``, a run's folder
        (its kept records), ``-`` for JSON Lines on standard input, or several of these.
    columns: our column names to those of the file: ``{"label": "intent"}``.
    bad_lines: ``"stop"`` at a line that cannot be read, or ``"skip"`` it (see `Data.skipped`).
    name: what the flow calls this data; used in error lines.

    Raises RequestError in one line that names the file and the row.
    """
    if bad_lines not in ("stop", "skip"):
        raise RequestError(f"bad_lines must be 'stop' or 'skip', not '{bad_lines}'.", code="data.bad_lines")
    single = isinstance(path, (str, Path))
    given = [str(path)] if isinstance(path, (str, Path)) else [str(item) for item in path]
    keep: list[IO[bytes]] = []
    files = [file for item in given for file in _files(item, keep)]
    for _, shown, suffix in files:
        if suffix not in READERS:
            raise RequestError(f"{shown} has an ending that is not known. Use one of: {', '.join(READERS)}", code="data.format")
    shown_path = given[0] if single else ", ".join(given)

    def rows(skipped: list[str]) -> Iterable[tuple[str, Rows]]:
        for file, shown, suffix in files:
            yield shown, reader(suffix)(Source(file, shown, skip=bad_lines == "skip", skipped=skipped))

    uniform = all(suffix in (".csv", ".tsv", ".parquet", ".txt", ".md") for _, _, suffix in files)
    data = Data(rows, name=name, path=shown_path, mapping=columns, uniform=uniform, keep=keep)
    data.require_rows()
    return data


def _files(item: str, keep: list[IO[bytes]]) -> list[tuple[str, str, str]]:
    """``(path, name in errors, ending)`` of each file that one argument means, sorted by name."""
    if item == "-":
        return [(_spooled_input(keep), "-", ".jsonl")]
    if os.path.isdir(item):
        return _in_folder(item)
    if os.path.exists(item):
        return [(item, item, Path(item).suffix.lower())]
    if glob.has_magic(item):
        found = sorted(path for path in glob.glob(item, recursive=True) if os.path.isfile(path))
        if not found:
            raise RequestError(f"no file matches {item}", code="data.no_file")
        return [(path, path, Path(path).suffix.lower()) for path in found]
    folder = Path(item).parent
    near = [other.name for other in folder.iterdir()] if folder.is_dir() else []
    raise RequestError(f"no such file: {item}.{_suggestion(item, near)}", code="data.no_file")


def _suggestion(item: str, near: list[str]) -> str:
    hint = did_you_mean(Path(item).name, [name for name in near if Path(name).suffix.lower() in READERS])
    return hint if hint.startswith(" Did") else ""


def _in_folder(item: str) -> list[tuple[str, str, str]]:
    """A run's kept records: data/, or rows/ while the run has not finished."""
    for inside in ("data", "rows", "."):
        found = sorted(str(path) for path in Path(item, inside).glob("part-*.parquet"))
        if found:
            return [(path, path, ".parquet") for path in found]
    raise RequestError(f"{item} is a folder without records. Give its files: {Path(item) / '*.jsonl'}", code="data.no_file")


def _spooled_input(keep: list[IO[bytes]]) -> str:
    """Standard input can be read once; a temporary file can be read as often as a method likes."""
    import shutil
    import sys

    file = tempfile.NamedTemporaryFile(prefix="tilth-", suffix=".jsonl")  # noqa: SIM115 - lives as long as the data
    shutil.copyfileobj(sys.stdin.buffer, file)
    file.flush()
    keep.append(file)
    return file.name
