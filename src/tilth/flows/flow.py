"""A flow: the declarative file, as an object. The same parts in Python: ``Flow(task=..., generate=...)``."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError
from tilth.flows.grammar import FlowSpec, ModelSpec, Stage
from tilth.flows.inputs import BadLines, check_inputs, check_needs, check_values, open_data
from tilth.flows.load import FlowLoader, Source, Where, load, loads
from tilth.flows.stages import aliases, declared, ids
from tilth.flows.validate import Examined, examine, raise_all

if TYPE_CHECKING:
    from tilth.engine.method import Method, Task
    from tilth.records.data import Data


class Flow:
    """Where records come from: a method or columns, the task, its data and models.

    Nothing is checked before :meth:`validate` (or anything that needs the flow's parts) is called, so that a file can be
    completed first: see :meth:`override`.

    Parameters
    ----------
    folder: what relative paths are relative to; default: the current folder.
    parts: the keys of a flow file; ``from`` and ``with`` are written so, in mappings. ``tilth: 1`` may be left out.
    """

    def __init__(self, *, folder: str | Path = ".", **parts: Any) -> None:
        data = {"tilth": 1, **copy.deepcopy(parts)}
        self.source = Source(file="flow", folder=Path(folder), text="", data=data)
        self.label = "flow"
        self.held: dict[str, Data] = {}
        self.objects: dict[str, list[Any]] = {}
        self.own: Method | None = None
        self.wanted: tuple[str, ...] = ()
        self._examined: Examined | None = None

    @classmethod
    def from_yaml(cls, path: str | Path, *, check: bool = True) -> Flow:
        """Read a flow file. `check`: validate it at once; else when its parts are first used.

        Raises
        ------
        RequestError, ManyErrors: what is wrong, each with file, line and column.
        """
        flow = cls._of(load(path), Path(path).stem)
        return flow.validate() if check else flow

    @classmethod
    def from_text(cls, text: str, *, folder: str | Path = ".", name: str = "flow", check: bool = True) -> Flow:
        """A flow from the text of a file; `name` stands for the file in messages."""
        flow = cls._of(loads(text, file=name, folder=Path(folder)), Path(name).stem)
        return flow.validate() if check else flow

    @classmethod
    def _of(cls, source: Source, label: str) -> Flow:
        flow = cls()
        flow.source, flow.label = source, label
        return flow

    @property
    def spec(self) -> FlowSpec:
        """The flow's parts, checked. Raises what :meth:`validate` raises."""
        return self._examine().spec

    @property
    def waiting(self) -> tuple[RequestError, ...]:
        """Parts of the flow that this version does not have, each with its place: the flow is right, but cannot run."""
        return self._examine().waiting

    def _examine(self) -> Examined:
        if self._examined is None:
            self._examined = examine(self.source, held=frozenset(self.held), own=self.own, objects=frozenset(self.objects))
        return self._examined

    def check_built(self) -> None:
        """Raise what :attr:`waiting` holds, as mistakes."""
        raise_all(self.waiting)

    def validate(self, *, files: bool = False) -> Flow:
        """Check grammar, names, templates, method parameters and roles; no model is called, nothing is written.

        files: also read the data, and check its columns and labels.

        Raises
        ------
        RequestError, ManyErrors: what is wrong.
        """
        _ = self.spec
        if files:
            data = self.data()
            if self.waiting:
                for name, inputs in declared(self.spec):
                    check_needs(name, inputs, data)
                check_values({}, data, self.task())
            else:
                check_inputs(self.method(data), data, self.task())
        return self

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        return self.spec.name or self.label

    @property
    def stage(self) -> Stage:
        """The last stage of generation, which gives the records."""
        return self.spec.generate[-1]

    def task(self) -> Task:
        """The task, with the text of its codebook."""
        from tilth.engine.method import Task

        part = self.spec.task
        codebook = (self.source.folder / part.codebook).read_text("utf-8") if part.codebook else ""
        return Task(about=part.about, kind=part.kind, labels=part.labels, language=part.language, codebook=codebook)

    def data(self, *, bad_lines: BadLines = "stop") -> dict[str, Data]:
        """The inputs, opened: the first row of each is read."""
        spec = self.spec
        opened = {
            name: self.held[name] if name in self.held else open_data(name, part, self.source.folder, seed=spec.seed, bad_lines=bad_lines)
            for name, part in spec.data.items()
            if name in self.held or not part.read.startswith("hf:")  # not in this version yet
        }
        reads = aliases(spec) if len(spec.generate) == 1 else {}
        return {**opened, **{name: opened[source] for name, source in reads.items() if source in opened}}

    def method(self, data: Mapping[str, Data] | None = None) -> Method:
        """The method that makes the records; `data`: the opened inputs (opened here when they are needed and not given)."""
        from tilth.flows.making import made

        self.check_built()
        if len(self.spec.generate) > 1:
            return made(self.spec, self.task(), self.data() if data is None else data, self.source.folder)
        stage = self.stage
        if self.own is not None:
            own = {field.alias or name: getattr(self.own, name) for name, field in type(self.own).model_fields.items()}
            return type(self.own)(**{**own, **stage.parameters, "rows": stage.rows})
        if stage.method is None:
            from tilth.flows.columns import columns_method

            opened = self.data() if data is None else data
            method: Method = columns_method(stage, self.task(), opened, folder=self.source.folder)
            return method
        from tilth.flows.methods import find

        return find(stage.method)(**{**stage.parameters, **({"rows": stage.rows} if stage.rows is not None else {})})

    def models(self) -> dict[str, list[ModelSpec]]:
        """Models by role: the flow's, the stage's over them, and what was given over both."""
        given = {role: models for role, models in self.spec.models.items() if ("models", role) in self.source.given}
        if len(self.spec.generate) > 1:
            own = {f"{name}.{role}": one for name, stage in self._stages() for role, one in stage.models.items() if role not in given}
            return {**self.spec.models, **own}
        return {**self.spec.models, **self.stage.models, **given}

    def _stages(self) -> list[tuple[str, Stage]]:
        return list(zip(ids(self.spec), self.spec.generate, strict=True))

    def roles(self) -> list[str]:
        """Roles that the flow uses or sets, the generator first."""
        method = self.method({})
        return list(dict.fromkeys(["generator", *method.roles, *self.models()]))

    def override(
        self,
        changes: Mapping[tuple[str, ...], Any],
        *,
        held: Mapping[str, Data] | None = None,
        objects: Mapping[str, list[Any]] | None = None,
    ) -> Flow:
        """The flow with other values: path of keys to value (``("generate", "rows"): 5``). Unchecked until it is used.

        Of several stages one is meant by its name or number (``generate.solutions.rows``); without it the last, and for `rows`
        the last that draws as many as it says.
        held: inputs in memory, by name. objects: opened models, by role.
        """
        source = copy.copy(self.source)
        source.data, source.marks = copy.deepcopy(self.source.data), dict(self.source.marks)
        source.given = set(self.source.given)
        for path, value in changes.items():
            stages = source.data.get("generate")
            if path[0] == "generate" and isinstance(stages, list) and stages and len(path) > 1:
                index, rest = _stage_of(stages, path[1:])
                _set(stages[index], rest, value, source.file)
                where: Where = ("generate", index, *rest)
            else:
                _set(source.data, path, value, source.file)
                where = path
            source.given.add(where)
            for mark in [mark for mark in source.marks if mark[: len(where)] == where]:
                del source.marks[mark]  # the value does not come from the file any more
        flow = self._of(source, self.label)
        flow.held = {**self.held, **(held or {})}
        flow.objects = {**self.objects, **(objects or {})}
        flow.own = self.own
        return flow

    def resolve(self) -> dict[str, Any]:
        """The whole flow with every default and every parameter of its method, as plain values."""
        from tilth.flows.methods import find

        whole = self.spec.model_dump(by_alias=True, exclude_none=True, mode="json")
        for plain, stage in zip(whole["generate"], self.spec.generate, strict=True):
            if stage.method is not None and self.own is None and not self.waiting:
                plain["with"] = find(stage.method)(**stage.parameters).model_dump(
                    mode="json", by_alias=True, exclude={"rows"}, exclude_none=True
                )
            elif stage.method is not None and not self.waiting:
                plain["with"] = self.method({}).model_dump(mode="json", by_alias=True, exclude={"rows"}, exclude_none=True)
            for name, column in stage.columns.items():
                plain["columns"][name] = column.model_dump(by_alias=True, exclude_unset=True, mode="json")
        return {key: value for key, value in whole.items() if value not in ({}, [], "")}

    def to_yaml(self, *, resolved: bool = False, beside: str | Path | None = None) -> str:
        """The flow as text that reads back to the same parts.

        resolved: with all defaults. beside: the folder in which the text will lie; paths are then relative to it.
        """
        plain = self.resolve() if resolved else _short(self.spec.model_dump(by_alias=True, exclude_unset=True, mode="json"))
        if beside is not None:
            _move(plain, self.source.folder, Path(beside))
        return dump(plain)


def _stage_of(stages: list[Any], path: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    """Which stage of a list is meant, and the path inside it."""
    names = [str(stage.get("id") or number) for number, stage in enumerate(stages, 1) if isinstance(stage, dict)]
    if len(path) > 1 and len(names) == len(stages) and path[0] in names:
        return names.index(path[0]), path[1:]
    drawing = [index for index, stage in enumerate(stages) if isinstance(stage, dict) and "rows" in stage]
    return (drawing[-1] if drawing else 0) if path == ("rows",) else len(stages) - 1, path


def _set(data: dict[str, Any], path: tuple[str, ...], value: Any, file: str) -> None:
    """Set the value at `path`, making the mappings on the way."""
    for done, part in enumerate(path[:-1]):
        inside = data.get(part)
        if inside is None:
            inside = data[part] = {}
        if part in ROLES_OR_DATA and done == 0 and not isinstance(inside, dict):
            inside = data[part] = {}
        if isinstance(inside, list) and len(inside) == 1 and done == 1 and path[0] == "models":  # as -m gives it
            inside = data[part] = inside[0]
        if isinstance(inside, str) and done == 1 and path[0] in SHORT:  # the short form: SPEC, PATH
            inside = data[part] = {SHORT[path[0]]: inside}
        if not isinstance(inside, dict):
            raise RequestError(f"cannot set {'.'.join(path)}: '{part}' is no mapping.", code="flow.set", file=file)
        data = inside
    data[path[-1]] = value


def _move(plain: dict[str, Any], old: Path, new: Path) -> None:
    """Let relative paths that were relative to `old` be relative to `new`."""

    def moved(path: str) -> str:
        plainly = path != "-" and path != MEMORY and not path.startswith("${") and not Path(path).is_absolute()
        return Path(os.path.relpath(old / path, new)).as_posix() if plainly else path

    for name, part in plain.get("data", {}).items():
        plain["data"][name] = {**part, "read": moved(part["read"])} if isinstance(part, dict) else moved(part)
    for part, key in (("task", "codebook"), ("review", "codebook"), ("review", "gold")):
        if (plain.get(part) or {}).get(key):
            plain[part][key] = moved(plain[part][key])
    stages = plain["generate"] if isinstance(plain["generate"], list) else [plain["generate"]]
    for column in (one for stage in stages for one in stage.get("columns", {}).values()):
        for key in ("tree", "graph"):
            if column.get(key):
                column[key] = moved(column[key])


MEMORY = "memory"
"""What stands for data that was given as records, not as a file."""

SHORT = {"models": "model", "data": "read"}
ROLES_OR_DATA = frozenset(SHORT)


def _short(plain: dict[str, Any]) -> dict[str, Any]:
    """The short forms where they say everything: one stage, a model by its spec, data by its path."""
    if len(plain.get("generate", [])) == 1:
        plain["generate"] = plain["generate"][0]
    for part, key in SHORT.items():
        for name, value in plain.get(part, {}).items():
            one = value[0] if isinstance(value, list) and len(value) == 1 else value
            plain[part][name] = one[key] if isinstance(one, dict) and list(one) == [key] else one
    labels = plain.get("task", {}).get("labels")
    if labels and not any(labels.values()):
        plain["task"]["labels"] = list(labels)
    return plain


def dump(plain: Mapping[str, Any]) -> str:
    """YAML that people read: block scalars for long texts, keys in order; words such as ``yes`` stay words for us and for others."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Block scalars for text of several lines."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        block = "\n" in value and not any(line != line.rstrip() for line in value.split("\n"))
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if block else None)

    # quotes around what either kind of YAML would take for something else: yes (1.1), 1E9 (1.2)
    ours, theirs = FlowLoader.yaml_implicit_resolvers, yaml.SafeDumper.yaml_implicit_resolvers
    Dumper.yaml_implicit_resolvers = {key: [*theirs.get(key, []), *ours.get(key, [])] for key in {*ours, *theirs}}
    Dumper.add_representer(str, text)
    return str(yaml.dump(dict(plain), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120))
