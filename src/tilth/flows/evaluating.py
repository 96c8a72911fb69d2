"""From a file or a run to its evaluation: sets, metrics, embedder, folder; then the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError, TilthError
from tilth.flows.recorded import recorded
from tilth.flows.staged import PreparedStage

if TYPE_CHECKING:
    from tilth.curate.stage import Curation
    from tilth.engine.budget import Caps
    from tilth.engine.method import Method, Task
    from tilth.engine.progress import Progress
    from tilth.engine.session import Settings
    from tilth.evaluate.base import Metric
    from tilth.evaluate.gates import Gate
    from tilth.evaluate.stage import Evaluation
    from tilth.flows.afterwards import EvaluateSpec, MetricItem
    from tilth.models.roles import RoleModel
    from tilth.records.data import Data
    from tilth.records.folder import RunFolder

FALLBACK = "vectors are hashed words: 'local/minilm' is not on this machine. Get it with: tilth models pull minilm"


@dataclass(frozen=True)
class Wanted:
    """What to evaluate, and how. Paths of sets win over the inputs that a run's flow names.

    metrics: names, None: all that can be measured. utility: settings of it, None: not measured. text, label: columns.
    gates: metric to its bound, as a flow writes them; for a run in place of those of the same name.
    models: role (embedder, generator) to a spec or a model; unset: local/minilm, or hashed words where that is not there, and local.
    """

    sets: Mapping[str, str | Path | Data] = field(default_factory=dict)
    metrics: Sequence[str] | None = None
    utility: Mapping[str, Any] | None = None
    gates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    text: str | None = None
    label: str = "label"
    models: Mapping[str, Any] = field(default_factory=dict)
    task: Task | None = None
    seed: int | None = None
    caps: Caps | None = None
    runs: Path = Path("runs")
    name: str | None = None


def prepare(what: str | Path | Data, wanted: Wanted, *, progress: Progress | None = None) -> PreparedStage[Evaluation]:
    """Everything before the first measurement; writes nothing.

    Parameters
    ----------
    what: the name or folder of a run, a file, or data in memory.

    Raises
    ------
    RequestError: no such file or run, an unknown metric, a wrong setting.
    """
    from tilth.evaluate.stage import Evaluation

    folder = run_of(what, wanted.runs)
    own, all_gates = gates_for(folder, wanted.gates)
    stage = Evaluation(chosen(wanted.metrics, wanted.utility), gates=all_gates, text=wanted.text, label=wanted.label)
    roles, notes = opened_roles(wanted.models, stage)
    if folder is not None:
        method, settings = of_run(folder, wanted, roles)
    else:
        method, settings, more = of_data(what, wanted, roles)
        notes += more
    settings.noted = {"inputs": recorded(settings.data)}
    if progress is not None:
        settings.progress = progress
    return PreparedStage(stage, settings, method, folder is not None, notes, {"gates": own, **settings.noted})


def gates_for(folder: RunFolder | None, given: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], list[Gate]]:
    """The gates that the evaluations of a run have set, with those given now; and all gates that then hold for it.

    Raises
    ------
    RequestError: a gate that is none.
    """
    from pydantic import ValidationError

    from tilth.evaluate.gates import gates_of

    state = folder.read_state() if folder is not None else {}
    asked = (state.get("asked") or {}).get("evaluate") or {}
    noted = (state.get("stages") or {}).get("evaluate") or {}
    own = {**(noted.get("gates") or {}), **{name: dict(gate) for name, gate in given.items()}}
    try:
        return own, list(gates_of({**(asked.get("gates") or {}), **own}))
    except ValidationError as error:
        first = error.errors()[0]
        raise RequestError(f"gate: {first['msg'].removeprefix('Value error, ')}.", code="evaluate.gate") from None


def stage_of(part: EvaluateSpec) -> Evaluation:
    """The stage that a flow's `evaluate` asks for."""
    from tilth.evaluate.gates import gates_of
    from tilth.evaluate.stage import Evaluation

    settings: dict[str, Any] | None = None
    against: dict[str, str] = {str(name): one for name, one in part.against.items()}
    if part.utility is not None:
        students = [name.removesuffix("_lr") for name in part.utility.student]
        settings = {"students": students, "seeds": part.utility.seeds, "sizes": part.utility.sizes}
        if part.utility.test not in ("holdout", *against):
            against["holdout"] = part.utility.test
    gates = gates_of({name: gate.model_dump() for name, gate in part.gates.items()})
    return Evaluation(chosen(part.metrics, settings), gates=gates, against=against)


def chosen(metrics: Sequence[MetricItem] | None, utility: Mapping[str, Any] | None) -> list[Metric]:
    """The metrics by name, or ``NAME: {setting: value}``, then utility where it is asked for.

    Raises
    ------
    RequestError: no such metric, or a setting of utility that is none.
    """
    from tilth.evaluate.metrics import chosen as by_name

    settings = {name: one.get(name) or {} for one in metrics or () if isinstance(one, Mapping) for name in one}
    names = None if metrics is None else [next(iter(one)) if isinstance(one, Mapping) else one for one in metrics]
    found = by_name([name for name in names if name != "utility"] if names is not None else None)
    found = [type(metric)(**settings[metric.name]) if metric.name in settings else metric for metric in found]
    if utility is None and "utility" in (names or ()):
        utility = {}
    return found if utility is None else [*found, utility_of(utility)]


def utility_of(settings: Mapping[str, Any]) -> Metric:
    """The utility metric with these settings, or RequestError."""
    from pydantic import ValidationError

    from tilth.evaluate.utility.metric import Utility

    try:
        return Utility(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "utility"
        raise RequestError(f"utility: '{name}': {first['msg']}.", code="evaluate.utility") from None


def run_of(what: str | Path | Data, runs: Path) -> RunFolder | None:
    """The run that is meant; None where it is data."""
    from tilth.records.folder import RunFolder

    if not isinstance(what, (str, Path)) or str(what) == "-":
        return None
    for path in (Path(what), runs / what):
        if path.is_dir() and RunFolder(path).exists():
            return RunFolder(path)
    return None


def opened_roles(given: Mapping[str, Any], stage: Evaluation | Curation) -> tuple[dict[str, list[RoleModel]], list[str]]:
    """The models of the roles that the metrics ask, and what to tell the user about them."""
    from tilth.models.hashed import HashedTfidf
    from tilth.models.roles import RoleModel, open_role
    from tilth.models.spec import default_embedder, open_embedder

    roles: dict[str, list[RoleModel]] = {}
    for role, able in stage.asks.items():
        model: Any
        if role == "embedder":
            model = open_embedder(given[role]) if role in given else default_embedder()
            roles[role] = [RoleModel(model)]
        else:
            roles[role] = [open_role(given.get(role, "local"), role=role)]
        lacking = next((one for one in able if not getattr(roles[role][0].can, one, False)), None)
        if lacking is not None:
            what = f"{roles[role][0].name} cannot score given texts. See: tilth models list --can {lacking}"
            raise RequestError(what, code="model.cannot")
        check = getattr(roles[role][0].model, "check", None)
        if check is not None:
            check()
    hashed = "embedder" in roles and "embedder" not in given and isinstance(roles["embedder"][0].model, HashedTfidf)
    return roles, [FALLBACK] if hashed else []


def of_run(folder: RunFolder, wanted: Wanted, roles: Mapping[str, Sequence[RoleModel]]) -> tuple[Method, Settings]:
    from tilth.engine.budget import Caps
    from tilth.engine.given import Given
    from tilth.engine.method import Task
    from tilth.engine.session import Settings

    state = folder.read_state()
    asked = state.get("asked") or {}
    task = wanted.task
    if task is None:
        known = {name: value for name, value in (asked.get("task") or {}).items() if name in ("about", "kind", "labels", "language")}
        task = Task(**known)
    data = {**_inputs(folder), **_opened(wanted)}
    seed = wanted.seed if wanted.seed is not None else int(state.get("seed") or 0)
    return Given(), Settings(
        folder=folder,
        roles=roles,
        identity=bytes.fromhex(state.get("identity") or ""),
        task=task,
        data=data,
        seed=seed,
        caps=wanted.caps or Caps(),
        asked=asked,
    )


def _inputs(folder: RunFolder) -> dict[str, Data]:
    """The sets that the run's own flow names, where their files are still there."""
    from tilth.evaluate.base import SETS
    from tilth.flows.flow import Flow
    from tilth.flows.inputs import open_data

    found: dict[str, Data] = {}
    try:
        flow = Flow.from_yaml(folder.flow) if folder.flow.exists() else None
        for name in SETS[1:] if flow is not None else ():
            if flow is not None and name in flow.spec.data:
                found[name] = open_data(name, flow.spec.data[name], folder.path, seed=flow.spec.seed)
    except (TilthError, OSError):  # moved or given in memory: the options of the command take their place
        return found
    return found


def _opened(wanted: Wanted) -> dict[str, Data]:
    from tilth.records.read import read

    return {name: read(one, name=name) if isinstance(one, (str, Path)) else one for name, one in wanted.sets.items()}


def of_data(what: str | Path | Data, wanted: Wanted, roles: Mapping[str, Sequence[RoleModel]]) -> tuple[Method, Settings, list[str]]:
    from tilth.engine.budget import Caps
    from tilth.engine.given import INPUT, given
    from tilth.engine.method import Task
    from tilth.engine.session import Settings
    from tilth.flows.identity import choose_folder
    from tilth.records.ids import digest
    from tilth.records.read import read

    data = read(what, name=INPUT) if isinstance(what, (str, Path)) else what
    task = wanted.task or Task()
    name = wanted.name or _name(what)
    seed = wanted.seed or 0
    identity = digest("tilth/evaluate/1", *(record.id or "" for record in data))
    folder, _, notes = choose_folder(wanted.runs, name, identity)
    evaluate = {"what": str(what), "gates": {name: dict(gate) for name, gate in wanted.gates.items()}}
    asked = {"name": folder.name, "task": task.model_dump(exclude_defaults=True), "seed": seed, "evaluate": evaluate}
    settings = Settings(
        folder=folder,
        roles=roles,
        identity=identity,
        task=task,
        data={**_opened(wanted), INPUT: data},
        seed=seed,
        caps=wanted.caps or Caps(),
        asked=asked,
    )
    return given(data), settings, notes


def _name(what: str | Path | Data) -> str:
    """What the run is called after what it evaluates.

    >>> _name("data/my reviews.csv"), _name("-")
    ('my-reviews-evaluation', 'evaluation')
    """
    import re

    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(what).stem).strip("-._") if isinstance(what, (str, Path)) else ""
    return f"{stem}-evaluation" if stem else "evaluation"
