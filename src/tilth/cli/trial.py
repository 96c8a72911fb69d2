"""The first K units of a run, made aside: for `tilth preview`, `tilth run --dry-run`, and the question about cost.

The records go to ``<run>/preview/``, the replies to the run's own journal, so that the real run pays none of them again and
nothing of the run itself says that it began. Steps that look at each row alone are done; those that look at the whole set are
left out and named, for a few units say little about them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tilth.cli import launching
from tilth.cli.options import Answer, Session
from tilth.records.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from tilth.curate.base import Step
    from tilth.engine.execute import Outcome
    from tilth.flows.launch import Prepared

FOLDER = "preview"
WHOLE = frozenset({"balance", "label_noise"})
"""Steps whose decisions depend on the other rows, though each row is scored alone or by what was learned from all."""


@dataclass(frozen=True)
class Trial:
    """What was made. whole: the run as it would be; rows: how many it would have, None where nothing says so.

    left_out: ids of the steps that look at the whole set. labels: what the calls of the other steps are filed under.
    used: a journal that names the calls of this trial, where the run's journal held others before.
    """

    whole: Prepared
    folder: RunFolder
    journal: Path
    outcome: Outcome
    rows: int | None
    left_out: tuple[str, ...] = ()
    labels: frozenset[str] = frozenset()
    used: Path | None = None


def make(session: Session, asked: launching.Asked, k: int, whole: Prepared | None = None) -> Trial:
    """Run K units of what was asked, aside. whole: the run as it would be, where it is prepared already.

    Raises
    ------
    RequestError: something is wrong with the run as a whole.
    """
    whole = whole or launching.prepared(session, asked)
    rows = wanted(whole)
    asked = _once(asked, whole)
    few = launching.prepared(session, asked, rows=min(k, rows or k))
    stages, left_out, labels = _row_wise(few.stages)
    folder = RunFolder(whole.folder.path / FOLDER)
    journal = whole.settings.journal or whole.folder.journal
    whole.folder.path.mkdir(parents=True, exist_ok=True)
    with whole.folder.lock():
        shutil.rmtree(folder.path, ignore_errors=True)  # ours alone: an earlier preview
        settings = replace(few.settings, folder=folder, journal=journal)
        before = journal.exists()
        outcome = launching.go(session, asked, replace(few, settings=settings, stages=stages, notes=[]), brief=True)
        used = _used(session, asked, folder, journal, min(k, rows or k)) if before and outcome.kept else None
    return Trial(whole, folder, journal, outcome, rows, left_out, labels, used)


def _used(session: Session, asked: launching.Asked, folder: RunFolder, journal: Path, k: int) -> Path:
    """Which calls were this trial's, by doing it again: all of it is answered from the journal, into a journal of its own.

    The run's journal also holds the calls of other prompts at the same places, from previews before an edit.
    """
    from tilth.engine.execute import start

    again = launching.prepared(session, asked, rows=k)
    stages, _, _ = _row_wise(again.stages)
    twin = RunFolder(folder.path / "again")
    settings = replace(again.settings, folder=twin, journal=folder.path / "used.db", reuse=[*again.settings.reuse, journal])
    start(lambda: replace(again, settings=settings, stages=stages).execute())
    shutil.rmtree(twin.path, ignore_errors=True)
    return folder.path / "used.db"


def _once(asked: launching.Asked, whole: Prepared) -> launching.Asked:
    """The same without filling up what curation drops."""
    if not getattr(whole.flow.stage, "top_up", 0):
        return asked
    return replace(asked, options={**asked.options, "set": {**asked.options.get("set", {}), "generate.top_up": 0}})


def wanted(ready: Prepared) -> int | None:
    """Rows that the run would have: those asked for, else what the method foretells, else as many as its first input has."""
    method = ready.method
    if method.rows is not None:
        return method.rows
    if (foretold := method.most_rows(ready.settings.data)) is not None:
        return foretold
    for name, columns in method.inputs.items():
        if not columns.startswith("?") and name in ready.settings.data:
            return len(ready.settings.data[name])
    return None


def _row_wise(stages: list[Any]) -> tuple[list[Any], tuple[str, ...], frozenset[str]]:
    """Curation with only the steps that look at each row alone; the ids of the others; the labels of its calls."""
    from tilth.curate import Curation

    steps: list[Step] = [step for stage in stages if isinstance(stage, Curation) for step in stage.steps]
    alone = [step for step in steps if not (step.scorer.dataset_wise or step.name in WHOLE)]
    left_out = tuple(step.step_id for step in steps if step not in alone)
    return [Curation(alone)] if alone else [], left_out, frozenset(step.scorer.name for step in alone)


def ended(session: Session, trial: Trial) -> Answer | None:
    """The answer of a trial that did not come to its end, or that kept nothing; None where all is well."""
    from tilth.cli import again, summary
    from tilth.cli.numbers import reasons

    outcome = trial.outcome
    if outcome.status == "done" and outcome.kept:
        return None
    if outcome.status == "done":
        why = reasons(summary.by_reason(outcome)) or "the method yielded nothing"
        line, code, exit_code = f"no record was kept: {why}. See: tilth preview --trace", "run.empty", 1
    else:
        line, code, exit_code = outcome.stop or outcome.status, outcome.code or "stop", outcome.exit
        if exit_code == 4:
            line = f"stopped at the budget in the first units: {line}. Everything is saved."
    session.printer.error(line)
    if outcome.status != "done":
        session.printer.advise(again.command(session.argv), "continues here")
    result = {"run": trial.whole.folder.name, "path": str(trial.whole.folder.path), "state": outcome.status}
    return Answer(result, exit_code, (code, line))
