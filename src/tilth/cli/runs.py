"""Runs on disk as the command line sees them: found by name, path or `.`, and what their files say."""

from __future__ import annotations

import difflib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tilth.cli.options import Session
from tilth.errors import RequestError


@dataclass
class RunView:
    """A run's folder, read once. `document` is run.json, `live` is progress.json (empty where there is none)."""

    folder: Path
    document: Mapping[str, Any]
    live: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.folder.name

    @property
    def status(self) -> str:
        """``running``, ``done``, ``stopped``...; ``interrupted`` when it says running and its process is gone."""
        said = str(self.document.get("status") or "unknown")
        return "interrupted" if said == "running" and not self.alive else said

    @property
    def alive(self) -> bool:
        """Whether a process is writing the run: it holds the folder's lock, and the system frees that when it ends."""
        return self.pid is not None

    @cached_property
    def pid(self) -> int | None:
        """The process that is writing the run; None when there is none."""
        return _holder(self.folder / ".lock")

    @property
    def totals(self) -> Mapping[str, Any]:
        """Numbers of the run: live ones while it runs, else the final ones."""
        saved = self.document.get("totals") or {}
        return self.live if self.status in ("running", "interrupted") else saved

    @property
    def last(self) -> float:
        """When something was last written (seconds since 1970)."""
        files = (self.folder / name for name in ("progress.json", "run.json"))
        return max((path.stat().st_mtime for path in files if path.exists()), default=0.0)

    @property
    def again(self) -> str:
        """The command that continues the run, as the command line noted it beside the numbers; "" for a run from Python."""
        return str(self.live.get("command") or "")


def _holder(path: Path) -> int | None:
    import fcntl

    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except OSError:
        text = os.pread(handle, 1000, 0)
    finally:
        os.close(handle)
    try:
        return int(json.loads(text)["pid"])
    except (ValueError, KeyError, TypeError):
        return 0


def read(folder: Path) -> RunView:
    """Read a run's folder; a file that is absent or cut off counts as empty."""
    return RunView(folder, _json(folder / "run.json"), _json(folder / "progress.json"))


def everything(root: Path) -> list[RunView]:
    """All runs in `root`, newest first."""
    found = [read(folder) for folder in _folders(root)]
    return sorted(found, key=lambda run: (-run.last, run.name))


def find(session: Session, name: str | None) -> RunView:
    """The run called `name` in the folder of runs, or at this path; None or ``.``: the newest, and a line says which.

    Raises
    ------
    RequestError: there is none.
    """
    root = session.runs
    if not name or name == ".":
        runs = everything(root)
        if not runs:
            raise RequestError(f"there is no run in {_shown(root)} yet. Begin with: tilth demo", code="run.none")
        session.printer.say((f"{runs[0].name} (newest run)", "dim"))
        return runs[0]
    for folder in (root / name, Path(name)):
        if (folder / "run.json").is_file() or (folder / "journal.db").is_file():
            return read(folder)
    near = difflib.get_close_matches(name, [run.name for run in everything(root)], 1, 0.6)
    hint = f"Did you mean '{near[0]}'?" if near else "See: tilth status"
    raise RequestError(f"no run called '{name}' in {_shown(root)}. {hint}", code="run.unknown")


def data_named(session: Session, what: str) -> str:
    """What a command that takes data or a run is to read: ``.`` is the newest run, everything else is as it was typed."""
    return find(session, what).name if what == "." else what


SCAN = 500_000_000
"""Bytes of a journal above which its sums are not taken again."""


def paid(run: RunView) -> dict[str, Any] | None:
    """Calls, tokens and dollars of all starts of the run together, from its journal; None where that cannot be read.

    run.json knows only what the last start paid, which is nothing when all was answered from the journal.
    """
    import sqlite3
    from contextlib import closing

    path = journal(run)
    if path is None or path.stat().st_size > SCAN:
        return None
    query = "SELECT count(*), sum(tokens_in), sum(tokens_out), sum(usd), count(usd) FROM calls WHERE paid AND kind != 'do'"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)) as connection:
            calls, tokens_in, tokens_out, usd, priced = connection.execute(query).fetchone()
    except sqlite3.Error:
        return None
    spent = None if priced < calls else usd or 0.0
    return {"calls": calls, "tokens_in": tokens_in or 0, "tokens_out": tokens_out or 0, "usd": spent}


def journal(run: RunView) -> Path | None:
    """The run's journal: in its folder, or where --journal put it; None where there is none."""
    aside = run.live.get("journal")
    paths = [run.folder / "journal.db", *([Path(aside)] if aside else [])]
    return next((path for path in paths if path.exists()), None)


def watch(run: RunView, period: float = 1.0) -> Iterator[RunView]:
    """The run again and again until it is over."""
    while True:
        yield run
        if run.status != "running":
            return
        time.sleep(period)
        run = read(run.folder)


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return [folder for folder in root.iterdir() if (folder / "run.json").is_file()]


def _shown(root: Path) -> str:
    return str(root) if root.is_absolute() else f"./{root}"


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
