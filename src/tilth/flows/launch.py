"""From a flow or a method to a run: overrides, inputs, models, identity, folder; then the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from tilth.flows.flow import Flow
from tilth.flows.identity import choose_folder, identity_of, journal_of
from tilth.flows.inputs import BadLines, check_inputs
from tilth.flows.opening import check_capabilities, check_stage, fallbacks, open_roles
from tilth.flows.overriding import flow_of, overridden
from tilth.flows.stages import fenced

if TYPE_CHECKING:
    from tilth.engine.budget import Caps
    from tilth.engine.execute import Handle, Outcome, Stage
    from tilth.engine.method import Method, Task
    from tilth.engine.progress import Progress
    from tilth.engine.session import Settings
    from tilth.records.folder import RunFolder


class Options(TypedDict, total=False):
    """What a run may be given beside its flow.

    rows: records wanted. task: a `Task`, a mapping, a file (.yaml: a task; else its text is `about`) or a sentence.
    data: name to a file, `Data`, or records in memory. models: role to a spec, a mapping, a model, or a list of these.
    parameters: of the method or the preset. set: dotted path in the flow to value. seed: governs every draw.
    budget: US dollars, a mapping of usd, calls, tokens, hours, or `Caps`; wins over the flow's, bound by bound.
    runs, name: the folder is ``runs/<name>``; another flow under the same name goes to ``<name>-2``, which pays nothing again.
    reuse: runs (folders, or names in `runs`) whose replies are used. concurrency: most calls at once.
    journal: another folder for the journal. bad_lines: ``stop`` or ``skip``. progress: an object that a display reads.
    """

    rows: int | None
    task: Task | Mapping[str, Any] | str | Path | None
    data: Mapping[str, Any] | None
    models: Mapping[str, Any] | None
    parameters: Mapping[str, Any] | None
    set: Mapping[str, Any] | None
    seed: int | None
    budget: float | Mapping[str, Any] | Caps | None
    runs: str | Path
    name: str | None
    reuse: Sequence[str | Path]
    concurrency: int | None
    journal: str | Path | None
    bad_lines: BadLines
    progress: Progress | None


@dataclass
class Prepared:
    """A run that can start. notes: lines for the user, such as which folder was chosen."""

    flow: Flow
    method: Method
    settings: Settings
    notes: list[str] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)

    @property
    def folder(self) -> RunFolder:
        """Where the run will be."""
        return self.settings.folder

    async def execute(self, handle: Handle | None = None) -> Outcome:
        """Write the run's ``flow.yaml`` and run to the end, or to a stop."""
        from tilth.engine.execute import execute
        from tilth.flows.recorded import recorded
        from tilth.flows.topping import top_up
        from tilth.records.atomic import replacing

        folder = self.folder.create()
        specs = {name: spec for name, spec in self.flow.spec.data.items() if name not in self.flow.held}
        self.settings.noted = {"inputs": recorded(self.settings.data, specs, self.flow.source.folder)}
        text = self.flow.to_yaml(beside=folder.path)
        if not folder.flow.exists() or folder.flow.read_text("utf-8") != text:
            with replacing(folder.flow) as file:
                file.write(text.encode("utf-8"))
        rounds = self.flow.stage.top_up
        return await (top_up(self, rounds, handle) if rounds else execute(self.method, self.settings, stages=self.stages, handle=handle))


def run(what: Flow | Method | str | Path, *, handle: Handle | None = None, **options: Unpack[Options]) -> Outcome:
    """Run a flow, a flow file, a preset or a method to its end, or to a stop; continue it where it was cut off.

    Works in scripts and inside a running event loop (a notebook): then in a thread of its own.

    Parameters
    ----------
    what: a `Flow`, a flow file, the name of a preset or a method, or a method object.
    handle: lets a signal handler stop the run gently. options: see `Options`.

    Raises
    ------
    RequestError, ManyErrors: what was asked is wrong; nothing was spent. Every other end is an Outcome.
    """
    from tilth.engine.execute import start

    prepared = prepare(what, **options)
    outcome: Outcome = start(lambda: prepared.execute(handle))
    outcome.warnings[:0] = [note for note in prepared.notes if note not in outcome.warnings]
    return outcome


def prepare(what: Flow | Method | str | Path, **options: Unpack[Options]) -> Prepared:
    """Everything that comes before the first call; writes nothing. See :func:`run`."""
    from tilth.engine.execute import check_prices

    flow = overridden(
        flow_of(what),
        rows=options.get("rows"),
        task=options.get("task"),
        data=options.get("data"),
        models=options.get("models"),
        parameters=options.get("parameters"),
        settings=options.get("set"),
        seed=options.get("seed"),
    )
    flow.check_built()
    inputs = flow.data(bad_lines=options.get("bad_lines", "stop"))
    method = flow.method(inputs)
    task = flow.task()
    check_inputs(method, inputs, task)
    stages = stages_of(flow)
    roles = open_roles(flow, method, [role for stage in stages for role in getattr(stage, "asks", ())])
    check_capabilities(method, roles, flow.name if method.name == "columns" else method.name)
    for stage in stages:
        check_stage(stage, roles)
    identity = identity_of(flow, method, roles, inputs)
    runs = Path(options.get("runs", "runs"))
    folder, earlier, notes = choose_folder(runs, options.get("name") or flow.name, identity, own=flow.name)
    settings = _settings(flow, options, folder, inputs, roles, identity, task, earlier)
    check_prices(settings)
    return Prepared(flow, method, settings, [*fallbacks(flow, roles), *notes], stages)


def stages_of(flow: Flow) -> list[Stage]:
    """What the flow does after generation, in order."""
    stages: list[Stage] = []
    if flow.spec.curate:
        from tilth.flows.curating import stage_of as curation_of

        stages.append(curation_of(flow.spec))
    if flow.spec.evaluate is not None:
        from tilth.flows.evaluating import stage_of

        stages.append(stage_of(flow.spec.evaluate))
    return stages


def _settings(
    flow: Flow,
    options: Options,
    folder: RunFolder,
    inputs: Mapping[str, Any],
    roles: Mapping[str, Any],
    identity: bytes,
    task: Task,
    earlier: Sequence[Path],
) -> Settings:
    from tilth.engine.progress import Progress
    from tilth.engine.session import Settings

    aside = options.get("journal")
    progress = options.get("progress")
    return Settings(
        folder=folder,
        roles=roles,
        identity=identity,
        task=task,
        data=inputs,
        fenced=fenced(flow.spec),
        seed=flow.spec.seed,
        caps=_caps(flow, options.get("budget")),
        concurrency=options.get("concurrency"),
        reuse=[*earlier, *(journal_of(one, Path(options.get("runs", "runs"))) for one in options.get("reuse", ()))],
        journal=Path(aside) / f"{folder.name}.db" if aside is not None else None,
        asked={**flow.resolve(), "name": folder.name},
        progress=progress if progress is not None else Progress(),
    )


def _caps(flow: Flow, budget: float | Mapping[str, Any] | Caps | None) -> Caps:
    """The flow's bounds, with those that were given instead."""
    from tilth.engine.budget import Caps
    from tilth.flows.grammar import Budget

    if isinstance(budget, Caps):
        return budget
    given = {"usd": budget} if isinstance(budget, (int, float)) else dict(budget or {})
    bounds = {name: getattr(flow.spec.budget, name) for name in Budget.model_fields}
    return Caps(**{**bounds, **{name: value for name, value in given.items() if value is not None}})
