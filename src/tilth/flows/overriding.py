"""What is run: a flow by name, file or object, with what was given instead of what it says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError
from tilth.flows.flow import MEMORY, Flow
from tilth.flows.load import load
from tilth.flows.presets import preset, presets
from tilth.flows.words import near, suggestion

if TYPE_CHECKING:
    from tilth.engine.method import Method, Task
    from tilth.records.data import Data


def flow_of(what: Flow | Method | str | Path) -> Flow:
    """A flow from a file, the name of a preset or a method, or a method object. Unchecked, so that it can be completed.

    Raises
    ------
    RequestError: there is no such file, preset or method.
    """
    if isinstance(what, Flow):
        return what
    if not isinstance(what, (str, Path)):
        return from_object(what)
    text = str(what)
    if isinstance(what, Path) or text.endswith((".yaml", ".yml")) or "/" in text:
        return Flow.from_yaml(what, check=False)
    if text.replace("_", "-") in presets():
        return preset(text)
    return from_method(text)


def from_method(
    name: str, parameters: Mapping[str, Any] | None = None, task: Mapping[str, Any] | None = None, data: Mapping[str, str] | None = None
) -> Flow:
    """A flow that is only a method.

    Raises
    ------
    RequestError: no method or preset is called so.
    """
    from tilth import catalog

    try:
        entry = catalog.find(name)
    except RequestError as error:
        close = near(name.replace("_", "-"), [*catalog.methods(), *presets()])
        hint = f"Did you mean '{close}'? " if close else ""
        raise RequestError(f"no method is called '{name}'. {hint}See: tilth methods", code=error.code) from None
    stage: dict[str, Any] = {"method": entry.name}
    if parameters:
        stage["with"] = dict(parameters)
    flow = Flow(name=entry.name, task=dict(task or {}), data=dict(data or {}), generate=stage)
    flow.source.file = flow.label = entry.name
    return flow


def from_object(method: Method) -> Flow:
    """A flow around a method object, which need not be in the catalog."""
    name = method.name or type(method).__name__
    parameters = method.model_dump(mode="json", by_alias=True, exclude={"rows"}, exclude_defaults=True)
    stage: dict[str, Any] = {
        "method": name,
        **({"with": parameters} if parameters else {}),
        **({"rows": method.rows} if method.rows else {}),
    }
    flow = Flow(name=name, task={}, generate=stage)
    flow.source.file = flow.label = name
    flow.own = method
    return flow


def overridden(
    flow: Flow,
    *,
    rows: int | None = None,
    task: Task | Mapping[str, Any] | str | Path | None = None,
    data: Mapping[str, Any] | None = None,
    models: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> Flow:
    """The flow with what was given (see `tilth.flows.launch.Options`); the flow itself where nothing was.

    Raises
    ------
    RequestError: a role or a parameter that the flow does not have.
    """
    missing = [name for name in flow.wanted if name not in (data or {}) and f"data.{name}" not in (settings or {})]
    if missing:
        raise RequestError(
            f"{flow.label} reads '{missing[0]}', which is not given. Give it with: --data {missing[0]}=FILE", code="data.missing"
        )
    changes: dict[tuple[str, ...], Any] = {}
    if rows is not None:
        changes["generate", "rows"] = rows
    if seed is not None:
        changes["seed",] = seed
    if task is not None:
        changes.update({("task", key): value for key, value in _task(task).items()})
    for name, value in (parameters or {}).items():
        changes[_parameter(flow, name)] = value
    held: dict[str, Data] = {}
    for name, given in (data or {}).items():
        changes["data", name] = _file(given, flow.source.folder) if isinstance(given, (str, Path)) else {"read": _hold(name, given, held)}
    objects: dict[str, list[Any]] = {}
    for role, chosen in (models or {}).items():
        changes["models", role] = _spec(role, chosen, objects)
    changes.update({tuple(path.split(".")): value for path, value in (settings or {}).items()})  # the most exact wording wins
    if not changes:
        return flow
    changed = flow.override(changes, held=held, objects=objects)
    for role, chosen in (models or {}).items():
        _known_role(flow, changed, role, chosen)
    return changed


def _task(task: Task | Mapping[str, Any] | str | Path) -> dict[str, Any]:
    """The task part of a flow."""
    if isinstance(task, Mapping):
        return dict(task)
    if not isinstance(task, (str, Path)):
        return task.model_dump(exclude_defaults=True)
    path = Path(task)
    try:
        is_file = path.is_file()
    except OSError:  # a sentence that is too long for a path
        is_file = False
    if is_file and path.suffix in {".yaml", ".yml"}:
        part = load(path).data
        inner = part.get("task", part)
        return dict(inner) if isinstance(inner, Mapping) else {"about": str(inner)}
    if is_file:
        return {"about": path.read_text("utf-8").strip()}
    if path.suffix in {".yaml", ".yml", ".md", ".txt"} and " " not in str(task):
        raise RequestError(f"no such file: {task}. --task takes a file or a sentence.", code="flow.not_found")
    return {"about": str(task)}


def _parameter(flow: Flow, name: str) -> tuple[str, ...]:
    """Where a parameter stands: under ``with`` of a method, or where a preset's ``x-parameters`` says."""
    given = flow.source.data.get("generate")
    stage = given[-1] if isinstance(given, list) and given else given
    if isinstance(stage, Mapping) and "method" in stage:
        return "generate", "with", name
    known = flow.source.extra.get("x-parameters")
    places = known if isinstance(known, Mapping) else {}
    if name not in places:
        hint = suggestion(name, places) if places else "It is a flow of columns; set any key with: -s KEY=VALUE"
        raise RequestError(f"{flow.source.file} has no parameter '{name}'. {hint}", code="flow.parameter")
    return tuple(str(places[name]).split("."))


def _file(given: str | Path, folder: Path) -> dict[str, Any]:
    """A file named on the command line is relative to the current folder, not to the flow's."""
    path = Path(given)
    if str(given) == "-" or path.is_absolute() or folder == Path("."):
        return {"read": str(given)}
    return {"read": str(path.absolute())}


def _hold(name: str, given: Any, held: dict[str, Data]) -> str:
    from tilth.records.data import Data

    held[name] = given if isinstance(given, Data) else Data.of(given, name=name)
    return held[name].path or MEMORY


def _spec(role: str, chosen: Any, objects: dict[str, list[Any]]) -> Any:
    """How a model is written down in the flow; model objects are kept beside it."""
    many = list(chosen) if isinstance(chosen, (list, tuple)) else [chosen]
    if all(isinstance(one, (str, Mapping)) for one in many):
        return many
    objects[role] = many
    return [one if isinstance(one, (str, Mapping)) else str(one.name) for one in many]


def _known_role(flow: Flow, changed: Flow, role: str, chosen: Any) -> None:
    """A model for a role that the flow does not have would silently do nothing."""
    from tilth.flows.launch import stages_of

    before = flow.source.data.get("models")
    method = changed.method({})
    asked = [name for stage in stages_of(changed) for name in getattr(stage, "asks", ())]
    roles = dict.fromkeys(["generator", *method.roles, *asked, *(before if isinstance(before, Mapping) else ()), "embedder"])
    if role not in roles and f'"{role}"' not in method.model_dump_json():  # a parameter may name roles of its own
        first = next(iter(chosen), "") if isinstance(chosen, (list, tuple)) else chosen
        shown = first if isinstance(first, str) else getattr(first, "name", "…")
        what = f"-m {role}={shown}: this flow has no role '{role}' (it has: {', '.join(roles)})."
        raise RequestError(what, code="flow.unknown_role")
