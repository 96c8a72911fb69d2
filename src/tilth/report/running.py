"""`tilth.run`: a run to its end, then what it leaves for others: the card, Croissant, the manifest, and the exports of its flow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from tilth.errors import TilthError
from tilth.flows import launch

if TYPE_CHECKING:
    from tilth.engine.execute import Handle, Outcome
    from tilth.engine.method import Method
    from tilth.flows.flow import Flow
    from tilth.report.export.exporting import Exported
    from tilth.report.facts import Facts


def run(what: Flow | Method | str | Path, *, handle: Handle | None = None, **options: Unpack[launch.Options]) -> Outcome:
    """Run a flow, a flow file, a preset or a method to its end, or to a stop; continue it where it was cut off.

    A run that is done has README.md, croissant.json and manifest.json in its folder, and what its flow says under ``export`` is written;
    an export that is refused is one of the outcome's warnings. Works in scripts and inside a running event loop (a notebook).

    Parameters
    ----------
    what: a `Flow`, a flow file, the name of a preset or a method, or a method object.
    handle: lets a signal handler stop the run gently. options: see `tilth.flows.launch.Options`.

    Raises
    ------
    RequestError, ManyErrors: what was asked is wrong; nothing was spent. Every other end is an Outcome.
    """
    from tilth.report.describe import describe
    from tilth.report.facts import facts

    outcome = launch.run(what, handle=handle, **options)
    if outcome.status == "done" and outcome.kept:
        found = facts(outcome.folder)
        describe(outcome.folder, found)
        outcome.warnings += [f"not exported to {to}: {done}" for to, done in exports(found) if isinstance(done, TilthError)]
    return outcome


def exports(found: Facts) -> Iterator[tuple[str, Exported | TilthError]]:
    """Carry out the flow's list of exports: format, and what was written or why it was not."""
    from tilth.report.export.exporting import export

    for one in found.asked.get("export") or ():
        options: dict[str, Any] = {"split": one.get("split") or None, "drop": one.get("drop") or ()}
        if one.get("path"):  # a hub's path names a repository, to which only people send
            options["repo" if one["to"] == "hub" else "out"] = one["path"]
        try:
            yield one["to"], export(found.folder, one["to"], **options)
        except TilthError as error:
            yield one["to"], error
