"""The stage that curates: step after step over the rows that are still kept, scores from files where they are known."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tilth.curate.base import Decision, Step
from tilth.curate.catalog import step_of
from tilth.errors import Bug, RequestError

if TYPE_CHECKING:
    from tilth.curate.scored import Scores
    from tilth.engine.run import Run
    from tilth.records.folder import RunFolder
    from tilth.score.rows import Rows, Stored


@dataclass(slots=True)
class StepReport:
    """What one step did. before, after: rows that were kept. actions, reasons: how many of each. unscored: rows without a score.

    reused: its scores were there already. seconds: of this start. notes: what is worth knowing of its scores.
    """

    step: str
    name: str
    before: int
    after: int = 0
    actions: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    unscored: int = 0
    reused: bool = False
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


class Curation:
    """Curates the rows of a run; a stage of `execute`.

    Parameters
    ----------
    steps: in order; each a `Step`, or as a flow writes it: ``"refusals"``, ``{"length": {"words": [3, 400]}}``.

    Attributes
    ----------
    report: one `StepReport` per step, after :meth:`work`; also in ``artifacts/curation.json``.

    Raises
    ------
    RequestError: a step is unknown or wrong, or two have the same id.
    """

    name = "curate"

    def __init__(self, steps: Iterable[Step | Mapping[str, Any] | str]) -> None:
        self.steps = _named([step_of(one) for one in steps])
        self.report: list[StepReport] = []

    @property
    def reads(self) -> frozenset[str]:
        """Inputs that the steps read, fenced ones too: rows are compared with the holdout, no model sees it."""
        return frozenset().union(*(step.scorer.reads() for step in self.steps))

    @property
    def asks(self) -> dict[str, tuple[str, ...]]:
        """Roles whose models are asked, with what they must be able to do."""
        found: dict[str, set[str]] = {}
        for step in self.steps:
            for role, can in step.scorer.roles().items():
                found.setdefault(role, set()).update(can)
        return {role: tuple(sorted(can)) for role, can in found.items()}

    def settings(self) -> list[dict[str, Any]]:
        """The steps as plain values, as a flow could write them, with every default."""
        return [{step.name: step.model_dump(mode="json", by_alias=True, exclude_none=True)} for step in self.steps]

    async def work(self, run: Run, folder: RunFolder) -> None:
        """Score, decide, and write ``scores/``, ``decisions.parquet`` and ``artifacts/curation.json``."""
        from tilth.records.results import write_decisions
        from tilth.score.rows import Stored

        stored, self.report = Stored(folder.rows), []
        spool = run.spool("decisions")
        for step in self.steps:
            started, rows = time.perf_counter(), stored.rows()
            report = StepReport(step.step_id, step.name, before=len(rows))
            scores = await self._scores(run, folder, step, rows, stored, report)
            for decision in _applied(step, scores, stored, report):
                spool.append(_record(decision))
            report.after, report.seconds = int(stored.kept.sum()), round(time.perf_counter() - started, 3)
            _tell(run, step, scores, report)
            self.report.append(report)
        write_decisions(folder, (record.columns for record in spool))
        _forget_others(folder, {step.step_id for step in self.steps})
        timeless = [{key: value for key, value in asdict(one).items() if key not in ("seconds", "reused")} for one in self.report]
        run.artifact("curation", {"steps": timeless, "settings": self.settings()})

    async def _scores(self, run: Run, folder: RunFolder, step: Step, rows: Rows, stored: Stored, report: StepReport) -> Scores:
        from tilth.curate.scored import Scores, key_of, reusable, write

        path, scorer = folder.scores / f"{step.step_id}.parquet", step.scorer
        key = key_of(scorer, scorer.depends(run), rows, stored.base)
        report.reused = reusable(path, key, rows)
        if not report.reused:
            count = await write(path, key, scorer, scorer.score(run, rows))
            if count != len(rows):
                raise Bug(f"scorer '{scorer.name}' gave {count} scores for {len(rows)} rows; it must give one for each.", code="bug.scores")
        return Scores(path, rows)


def _named(steps: list[Step]) -> list[Step]:
    """The steps with ids of their own: a second ``length`` is ``length_2``, unless it has an id."""
    taken: dict[str, int] = {}
    out = []
    for step in steps:
        label = step.step_id
        taken[label] = taken.get(label, 0) + 1
        if taken[label] > 1 and step.id:
            raise RequestError(f"two steps have the id '{label}'. Give one of them another: id: NAME", code="curate.same_id")
        out.append(step if taken[label] == 1 else step.model_copy(update={"id": f"{label}_{taken[label]}"}))
    return out


def _applied(step: Step, scores: Scores, stored: Stored, report: StepReport) -> Iterator[Decision]:
    """The step's decisions, laid over the rows as they come."""
    actions: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    positions = stored.positions()
    for decision in step.decide(scores):
        at = next((position for position, id_ in positions if id_ == decision.id), None)
        if at is None:
            raise Bug(f"step '{step.step_id}' decided about {decision.id} out of row order, or twice.", code="bug.decide")
        actions[decision.action] += 1
        reasons[decision.reason] += 1
        if decision.action == "drop":
            stored.kept[at] = False
        elif decision.after:
            stored.changes[at] = {**stored.changes.get(at, {}), **decision.after}
        yield decision
    report.actions, report.reasons = dict(actions), dict(reasons)


def _record(decision: Decision) -> Any:
    from tilth.records.record import Record

    return Record(decision.row())


def _tell(run: Run, step: Step, scores: Scores, report: StepReport) -> None:
    """Counts for the summary, and what could not be scored."""
    if report.actions.get("drop"):
        for reason, n in report.reasons.items():
            run.tally(report.step, reason, n)
    report.unscored = sum(score.value is None for score in scores)
    report.notes = step.notes(scores)
    if report.unscored:
        share = report.unscored / max(1, report.before)
        run.note(f"{report.step}: {report.unscored:,} of {report.before:,} rows are not scored ({share:.1%}); they {step.unscored}.")
    for note in report.notes:
        run.note(f"{report.step}: {note}")


def _forget_others(folder: RunFolder, labels: set[str]) -> None:
    """Scores of steps that are no longer there."""
    for path in folder.scores.glob("*.parquet"):
        if path.stem not in labels:
            path.unlink()
