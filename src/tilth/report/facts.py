"""One reading of a run's folder: what screen, JSON object, report, card and comparison all say the same of.

Counts come from the rows themselves, not from what a start wrote about them, so that they hold for stopped, continued,
curated and copied runs. What cannot be read counts as absent: an odd folder gives facts with less in them, never an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tilth.evaluate.base import Value
from tilth.evaluate.gates import Checked, Gate, check
from tilth.evaluate.verdict import Evidence, Verdict, verdict
from tilth.records.folder import RunFolder
from tilth.report.counts import Counts, Loss, counts
from tilth.report.measured import Measured, measured
from tilth.report.usage import Usage, usage
from tilth.report.written import Written, written

STALE = "it was measured on other records than those kept now"

__all__ = ["Facts", "Loss", "Usage", "facts", "gates"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a run.

    asked: the request as run.json keeps it. finished: whether generation and all stages came to their end. given: the rows
    were not generated here but taken over from a file. seconds: of the last start.
    tried: rows that were attempted (given: read). generated: rows that left generation. kept, rejected: as in data/ and
    rejected/. to_review: kept rows that wait for people. wanted: rows asked for.
    losses: in the order in which they happened. models: role to names, none where none was asked. columns: of data/, without lineage.
    inputs: name to file (base name), sha256, rows, licence, as far as known. values, controls, findings: of metrics.json;
    sizes: rows of each set that it read; stale: it speaks of other records than those in data/, and so counts for no gate.
    """

    folder: RunFolder
    name: str
    describe: str
    asked: Mapping[str, Any]
    status: str
    finished: bool
    task: Mapping[str, Any]
    seed: int
    versions: Mapping[str, Any]
    started: str
    ended: str | None
    seconds: float
    given: bool
    tried: int
    generated: int
    kept: int
    rejected: int
    to_review: int
    wanted: int | None
    losses: tuple[Loss, ...]
    usage: Usage
    models: Mapping[str, tuple[str, ...]]
    methods: tuple[str, ...]
    columns: tuple[str, ...]
    inputs: Mapping[str, Mapping[str, Any]]
    values: tuple[Value, ...]
    controls: Mapping[str, Any] | None
    findings: tuple[str, ...]
    sizes: Mapping[str, int]
    stale: bool
    gates: tuple[Checked, ...]
    verdict: Verdict

    @property
    def set_gates(self) -> tuple[Checked, ...]:
        """The gates that the user has set; without the suggested ones."""
        return tuple(one for one in self.gates if not one.gate.suggested)


def facts(folder: RunFolder, *, where: str = "") -> Facts:
    """Read a run's folder.

    Parameters
    ----------
    where: ` --runs DIR`, for the commands in the verdict.
    """
    state, found = written(folder), counts(folder)
    figures, used = measured(folder), usage(folder)
    models = {**used.models, **state.models}
    if state.status == "done" and used.silent:
        # a model that was named and never asked wrote nothing
        models = {role: names for role, names in models.items() if role == "embedder"}
    checked = _checked(state.gates, figures)
    return Facts(
        folder=folder,
        name=folder.name,
        describe=state.describe,
        asked=state.asked,
        status=state.status,
        finished=state.status == "done",
        task=state.task,
        seed=state.seed,
        versions=state.versions,
        started=state.started,
        ended=state.ended,
        seconds=state.seconds,
        given=found.given,
        tried=found.tried,
        generated=found.generated,
        kept=found.kept,
        rejected=found.rejected,
        to_review=found.to_review,
        wanted=state.wanted,
        losses=found.losses,
        usage=used,
        models=models,
        methods=state.methods or found.methods,
        columns=found.columns,
        inputs=state.inputs,
        values=figures.values,
        controls=figures.controls,
        findings=figures.findings,
        sizes=figures.sizes,
        stale=figures.stale,
        gates=checked,
        verdict=verdict(checked, _evidence(folder, state, found, figures, models, where)),
    )


def gates(folder: RunFolder) -> tuple[Checked, ...]:
    """The gates that the user has set for a run, held against its figures: a part of its facts that is quick to read."""
    figures = measured(folder)
    return _checked([one for one in written(folder).gates if not one.suggested], figures)


def _checked(asked: Iterable[Gate], figures: Measured) -> tuple[Checked, ...]:
    """The gates against the figures; those of other records are none."""
    every = list(asked)
    if not figures.stale:
        return check(every, figures.values)
    was = {one.gate: one.value is not None for one in check(every, figures.values)}
    return tuple(replace(one, why=STALE) if was[one.gate] else one for one in check(every, ()))


def _evidence(
    folder: RunFolder, state: Written, found: Counts, figures: Measured, models: Mapping[str, tuple[str, ...]], where: str
) -> Evidence:
    """What the verdict may go by; stale figures are none."""
    generators = () if found.given else models.get("generator", ())
    return Evidence(
        run=folder.name,
        where=where,
        kind=str(state.task.get("kind") or "text"),
        language=str(state.task.get("language") or ""),
        kept=found.kept,
        values=() if figures.stale else figures.values,
        holdout=0 if figures.stale else figures.sizes.get("holdout", 0),
        embedded=any(_embedded(name) for name in generators),
        generators=generators,
        judges=models.get("judge", ()),
        unscored=found.unscored,
        steps=found.steps,
        loosened=figures.loosened,
        stale=figures.stale,
        named=tuple(name for name in state.inputs if name in (state.asked.get("data") or {})),
    )


def _embedded(name: str) -> bool:
    """Whether a model is the small one on this machine, or none at all (bundled replies)."""
    return name == "local" or name.startswith(("local/", "local?", "scripted"))
