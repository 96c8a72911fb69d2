"""The real rows that a run is compared with: from the options, else the run's own inputs where their files are still there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tilth.errors import TilthError
from tilth.records.folder import RunFolder
from tilth.report.counts import read as read_json

if TYPE_CHECKING:
    from tilth.records.data import Data

SETS = ("real", "holdout", "support")


def given_sets(folder: RunFolder, options: Mapping[str, str | Path | None]) -> dict[str, Data]:
    """Name to data of the sets that can be read. A file that was named is read or refused; one of the flow may be gone.

    Raises
    ------
    RequestError: a file that the options name cannot be read.
    """
    from tilth.records.read import read

    found = _of_flow(folder)
    for name, path in options.items():
        if path is not None:
            found[name] = read(path, name=name)
            len(found[name])  # now, so that a bad line is told before anything is written
    return found


def _of_flow(folder: RunFolder) -> dict[str, Data]:
    """Each input by itself: one whose file is gone does not hide the others."""
    from pydantic import ValidationError

    from tilth.flows.grammar import DataSpec
    from tilth.flows.inputs import open_data

    found: dict[str, Data] = {}
    for name, written in _named(folder).items():
        for place in (folder.path, folder.path.parent):  # a demo's flow lies beside the run's folder
            try:
                data = open_data(name, DataSpec.model_validate({"read": written} if isinstance(written, str) else written), place)
                len(data)
            except (TilthError, ValidationError, OSError):  # moved, deleted or changed since: the options name it then
                continue
            found[name] = data
            break
    return found


def _named(folder: RunFolder) -> dict[str, object]:
    """The sets that the run's flow names; of a run without a flow, those that run.json names."""
    from tilth.flows.load import load

    try:
        named = load(folder.flow).data.get("data") if folder.flow.exists() else None
    except (TilthError, OSError, AttributeError):  # of another version, or edited into something else
        named = None
    asked = read_json(folder.run_json).get("asked")
    named = named if named is not None else asked.get("data") if isinstance(asked, dict) else None
    return {name: named[name] for name in SETS if name in named} if isinstance(named, dict) else {}
