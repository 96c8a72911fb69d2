"""The `curate` part of a flow: its steps checked, and made into a stage; and curation of a file or a run by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError
from tilth.flows import evaluating, planned, stages
from tilth.flows.recorded import recorded
from tilth.flows.staged import PreparedStage
from tilth.flows.words import suggestion

if TYPE_CHECKING:
    from tilth.curate.stage import Curation
    from tilth.engine.execute import Handle, Outcome
    from tilth.engine.progress import Progress
    from tilth.flows.grammar import FlowSpec
    from tilth.flows.load import Where
    from tilth.flows.validate import Problems
    from tilth.records.data import Data
    from tilth.records.folder import RunFolder

STAGE = "curate"
SETS = "sets"
"""Key of run.json under which the files of a curation stand, so that it can be done again without naming them."""


def check_steps(spec: FlowSpec, problems: Problems) -> None:
    """Every step is known, its settings are its own, and the data that it names is there."""
    from tilth.curate import Curation

    good = [_step(item, ("curate", index), spec, problems) for index, item in enumerate(spec.curate)]
    if all(good) and good:
        try:
            Curation(spec.curate)
        except RequestError as error:
            problems.add(("curate",), error.what, code=error.code)


def _step(item: Any, at: Where, spec: FlowSpec, problems: Problems) -> bool:
    from pydantic import ValidationError

    from tilth.curate.catalog import STEPS, problem, step_class, written

    named: Where = (*at, str(next(iter(item)))) if isinstance(item, Mapping) and len(item) == 1 else at
    called = item if isinstance(item, str) else str(named[-1]) if named != at else None
    if called is not None and called not in STEPS:
        if planned.is_planned(called, planned.STEPS):
            problems.wait(named, called, key=named != at)
        else:
            hint = suggestion(called, [*STEPS, *sorted(planned.STEPS)])
            problems.add(named, f"no curation step is called '{called}'. {hint}", code="curate.unknown_step", key=named != at)
        return False
    try:
        name, settings = written(item)
        step = step_class(name)(**settings)
    except RequestError as error:
        problems.add(named, error.what, code=error.code, key=named != at)
        return False
    except ValidationError as error:
        first = error.errors()[0]
        inside = next((part for part in first["loc"] if isinstance(part, str)), None)
        given = item[name] if isinstance(item, Mapping) else None
        known = isinstance(given, Mapping) and inside in given
        path: Where = (*named, str(inside)) if known else named
        unknown = known and first["type"] == "extra_forbidden"
        problems.add(path, f"step '{name}': {problem(error, step_class(name))}", code="curate.setting", key=unknown)
        return False
    for read in sorted(step.scorer.reads()):
        if read not in spec.data and read not in problems.held and not problems.reported(("data",)):
            what = f"step '{name}' reads '{read}', which 'data' does not define. {suggestion(read, list(spec.data))}".rstrip()
            problems.add(named, what, code="flow.unknown_data")
        elif read in stages.fenced(spec) and name != "decontaminate":
            problems.add(named, f"curation never sees '{read}'; only 'decontaminate' compares with it.", code="flow.holdout")
    return not _unknown_names(step, name, named, spec, problems)


def _unknown_names(step: Any, name: str, at: Where, spec: FlowSpec, problems: Problems) -> bool:
    """Report what an expression or `on` of a step names and the records do not have; of methods not all scores are known before."""
    from tilth.flows.check_columns import undefined
    from tilth.flows.names import expression_uses

    made = stages.made_columns(spec, len(spec.generate) - 1, problems.source.folder, problems.held)
    if made is None or spec.generate[-1].method is not None:
        return False
    before = len(problems.found)
    known = [*made, *stages.scored(spec.generate), "task", "labels", "weight"]
    condition = getattr(step, "condition", None)
    if isinstance(condition, str):
        undefined(name, expression_uses(condition), known, at, False, problems)
    for key in ("on", "by"):
        value = getattr(step, key, None)
        if key not in step.model_fields_set or value is None:
            continue
        for column in value if isinstance(value, tuple) else (value,):
            if column not in made:
                hint = suggestion(str(column), made)
                problems.add((*at, key), f"step '{name}': the records have no column '{column}'. {hint}", code="flow.unknown_name")
    return len(problems.found) > before


def stage_of(spec: FlowSpec) -> Curation:
    """The stage that a flow's `curate` asks for."""
    from tilth.curate import Curation

    return Curation(spec.curate)


def prepare(
    what: str | Path | Data, steps: Sequence[Any], wanted: evaluating.Wanted | None = None, *, progress: Progress | None = None
) -> PreparedStage[Curation]:
    """Everything before the first score; writes nothing.

    Parameters
    ----------
    what: a run by name or folder (curated in place), a file, or data in memory (a run of its own, ``<data>-curated``).
    steps: as for :class:`tilth.curate.Curation`. wanted: sets, models, task, seed, caps, where runs live.

    Raises
    ------
    RequestError: no such file or run, a wrong step, an input or a model that is missing.
    """
    from tilth.curate import Curation
    from tilth.flows.opening import check_stage

    wanted, stage = wanted or evaluating.Wanted(), Curation(steps)
    folder = evaluating.run_of(what, wanted.runs)
    sets = {**_sets(folder), **wanted.sets}
    wanted = replace(wanted, sets=sets)
    models = _models(folder, wanted, stage)
    roles, notes = evaluating.opened_roles(models, stage)
    if folder is not None:
        method, settings = evaluating.of_run(folder, wanted, roles)
    else:
        method, settings, more = evaluating.of_data(what, replace(wanted, name=wanted.name or name_of(what)), roles)
        notes += more
    for name in sorted(stage.reads - set(settings.data)):
        raise RequestError(f"a step reads '{name}', which is not given. Give it with: --{name} FILE", code="data.missing")
    check_stage(stage, roles)
    files = {name: str(Path(one).absolute()) for name, one in sets.items() if isinstance(one, (str, Path))}
    settings.asked = {**settings.asked, STAGE: stage.settings(), SETS: files}
    if progress is not None:
        settings.progress = progress
    settings.noted = {"inputs": recorded(settings.data)}
    return PreparedStage(stage, settings, method, folder is not None, notes, {"steps": stage.settings(), **settings.noted})


def _sets(folder: RunFolder | None) -> dict[str, Any]:
    """The files of the run's first curation, where they are still there."""
    asked = folder.read_state().get("asked") if folder is not None else None
    return {name: one for name, one in ((asked or {}).get(SETS) or {}).items() if Path(one).exists()}


def _models(folder: RunFolder | None, wanted: evaluating.Wanted, stage: Curation) -> dict[str, Any]:
    """The models that are given, else those of the run's flow; an unset role is the generator."""
    models: dict[str, Any] = {}
    if folder is not None and folder.flow.exists() and stage.asks:
        from tilth.flows.flow import Flow

        for role, many in Flow.from_yaml(folder.flow).models().items():
            models[role] = many[0].model_dump(by_alias=True, exclude_unset=True, exclude_none=True)
    models = {**models, **wanted.models}
    if "generator" in models:
        models = {**{role: models["generator"] for role in stage.asks if role != "embedder"}, **models}
    return models


def name_of(what: str | Path | Data) -> str:
    """What the run is called after what it curates.

    >>> name_of("data/my reviews.csv"), name_of("-")
    ('my-reviews-curated', 'curated')
    """
    import re

    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(what).stem).strip("-._") if isinstance(what, (str, Path)) else ""
    return f"{stem}-curated" if stem else "curated"


def curate(
    what: str | Path | Data, steps: Sequence[Any], wanted: evaluating.Wanted | None = None, *, handle: Handle | None = None
) -> Outcome:
    """Curate a run, a file or data in memory, to the end or to a stop. See :func:`prepare`."""
    from tilth.engine.execute import start

    ready = prepare(what, steps, wanted)
    outcome: Outcome = start(lambda: ready.execute(handle))
    outcome.warnings[:0] = [note for note in ready.notes if note not in outcome.warnings]
    return outcome
