"""Several stages: what each reads, what it gives, and which data no stage may read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import TilthError
from tilth.flows.grammar import FlowSpec, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence


def ids(spec: FlowSpec) -> list[str]:
    """Names of the stages; one without a name is called by its number, which nothing else can name.

    >>> ids(FlowSpec.model_construct(generate=[Stage(id="a"), Stage()]))
    ['a', '2']
    """
    return [stage.id or str(number) for number, stage in enumerate(spec.generate, 1)]


def before(spec: FlowSpec, index: int) -> str | None:
    """What the stage goes through, record by record: an earlier stage, or data; None where it draws rows by itself."""
    source = spec.generate[index].source
    if source is None and index:
        return ids(spec)[index - 1]
    return source


def reading(method: Any) -> str | None:
    """The input of a method that ``from`` stands for: the first that it cannot do without, else the first."""
    needed = [name for name, columns in method.inputs.items() if not columns.startswith("?")]
    return next(iter([*needed, *method.inputs]), None)


def aliases(spec: FlowSpec) -> dict[str, str]:
    """The input of a method stage to what `from` reads instead, for flows of one stage."""
    from tilth.flows.methods import find

    stage = spec.generate[0]
    if stage.method is None or stage.source is None:
        return {}
    try:
        name = reading(find(stage.method))
    except TilthError:
        return {}
    return {name: stage.source} if name is not None and name != stage.source else {}


def declared(spec: FlowSpec) -> Iterator[tuple[str, dict[str, str]]]:
    """(method, input from outside to the columns that it must have) of every stage that is in this version."""
    from tilth.flows import outputs
    from tilth.flows.methods import find

    names = ids(spec)
    for index, stage in enumerate(spec.generate):
        source, inputs = before(spec, index), dict[str, str]()
        if stage.method is None:
            inputs = outputs.inputs(stage)
        else:
            try:
                found = find(stage.method)
            except TilthError:
                continue
            alias = {reading(found): source} if source is not None else {}
            inputs = {alias.get(name) or name: columns for name, columns in found.inputs.items()}
        yield stage.method or "columns", {name: columns for name, columns in inputs.items() if name not in names[:index]}


def fenced(spec: FlowSpec) -> frozenset[str]:
    """Data that generation never sees: the holdout, and whatever `evaluate` tests on."""
    found = {"holdout"}
    if spec.evaluate is not None:
        found |= {name for role, name in spec.evaluate.against.items() if role == "holdout"}
        if spec.evaluate.utility is not None:
            against = {str(name): source for name, source in spec.evaluate.against.items()}
            found.add(against.get(spec.evaluate.utility.test, spec.evaluate.utility.test))
    return frozenset(found)


def given_columns(spec: FlowSpec, index: int, folder: Path, held: frozenset[str]) -> list[str] | None:
    """Columns of the records that the stage goes through; empty where it draws rows by itself, None where they are not known yet."""
    source = before(spec, index)
    if source is None:
        return []
    if source in ids(spec)[:index]:
        return made_columns(spec, ids(spec).index(source), folder, held)
    if source not in spec.data:
        return None
    if source in held:
        return None  # given in memory: known when the run opens it
    from tilth.flows.inputs import first_columns

    return first_columns(spec.data[source], folder)


def made_columns(spec: FlowSpec, index: int, folder: Path, held: frozenset[str]) -> list[str] | None:
    """Columns of the records that the stage gives; None where they are not known before it runs (a method that is not there)."""
    stage = spec.generate[index]
    if stage.columns:
        taken = carried(spec, index, folder, held)
        return None if taken is None else list(dict.fromkeys([*taken, *(name for name, one in stage.columns.items() if one.kept)]))
    from tilth.flows.methods import find

    try:
        return list(find(str(stage.method)).columns) or None
    except TilthError:
        return None


def carried(spec: FlowSpec, index: int, folder: Path, held: frozenset[str]) -> list[str] | None:
    """Columns that a stage of columns takes over from the earlier stage that it reads; what it reads from data stays there."""
    source = before(spec, index)
    if source is None or source in spec.data:
        return []
    return given_columns(spec, index, folder, held)


def scored(stages: Sequence[Stage]) -> list[str]:
    """Names of the scores that the stages leave: of judges and verifiers."""
    return [name for stage in stages for name, column in stage.columns.items() if not column.kept and column.kind in {"judge", "verify"}]
