"""The inputs of a flow, opened; and whether they have what is asked of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tilth.errors import RequestError, TilthError
from tilth.flows.environment import expand
from tilth.flows.grammar import DataSpec, SplitSpec

if TYPE_CHECKING:
    from tilth.engine.method import Method, Task
    from tilth.records.data import Data

BadLines = Literal["stop", "skip"]


def open_data(name: str, spec: DataSpec, folder: Path, *, seed: int = 0, bad_lines: BadLines = "stop") -> Data:
    """One input of a flow; relative paths are relative to `folder`.

    Raises
    ------
    RequestError: no such file, an unknown format, a missing column.
    """
    from tilth.records.data import Data
    from tilth.records.read import read

    path = expand(spec.read)
    data = read(path if path == "-" else str(folder / path), columns=spec.columns, bad_lines=bad_lines, name=name)
    if spec.split is not None:
        data = _passages(data, spec.split, name)
    if spec.sample is None:
        return data
    # algorithm R: one pass, memory of the sample only; the order of the file is kept
    rng, held = random.Random(f"{seed}/sample/{name}"), []
    for number, record in enumerate(data):
        if number < spec.sample:
            held.append((number, record))
        elif (place := rng.randrange(number + 1)) < spec.sample:
            held[place] = (number, record)
    return Data.of([record for _, record in sorted(held, key=lambda one: one[0])], name=name)


def _passages(data: Data, spec: SplitSpec, name: str) -> Data:
    """The passages of data, cut anew each time they are read."""
    from tilth.flows.splitting import split
    from tilth.records.data import Data, check_columns

    check_columns(data, ["text"])
    return Data(lambda _: [(None, enumerate(split(data, spec), 1))], name=name, path=data.path)


def first_columns(spec: DataSpec, folder: Path) -> list[str]:
    """Column names of an input, or none where it cannot be read (which is reported elsewhere)."""
    try:
        return list(open_data("", spec.model_copy(update={"sample": None}), folder).columns)
    except (TilthError, OSError):
        return []


def check_inputs(method: Method, data: Mapping[str, Data], task: Task) -> None:
    """The method's inputs are there, with their columns, and labels are the task's.

    Raises
    ------
    RequestError: the first that is not right.
    """
    check_needs(method.name, method.inputs, data)
    check_values(method.inputs, data, task)


def check_needs(method: str, inputs: Mapping[str, str], data: Mapping[str, Data]) -> None:
    """The inputs that a method declares are there, with their columns.

    Raises
    ------
    RequestError: the first that is not right.
    """
    from tilth.records.data import check_columns

    for name, declared in inputs.items():
        optional, columns = declared.startswith("?"), needed(declared)
        if name not in data:
            if optional:
                continue
            have = f" (it has: {', '.join(data)})" if data else ""
            what = f"{method} reads '{name}'{with_columns(declared)}, which is not given{have}. Give it with: --data {name}=FILE"
            raise RequestError(what, code="data.missing")
        check_columns(data[name], columns)


def needed(declared: str) -> list[str]:
    """The columns that must be there, of what a method declares of an input.

    >>> needed("?text label?")
    ['text']
    """
    return [column for column in declared.lstrip("?").split() if not column.endswith("?")]


def with_columns(declared: str) -> str:
    """ " (with text, label)", or nothing where no column is needed."""
    return f" (with {', '.join(columns)})" if (columns := needed(declared)) else ""


def check_values(inputs: Mapping[str, str], data: Mapping[str, Data], task: Task) -> None:
    """Labels are the task's. inputs: what the method reads.

    Raises
    ------
    RequestError: the first that is not.
    """
    from tilth.records.data import check_labels

    if task.labels and task.kind in {"classification", "text"}:
        for name in _labelled(inputs, data):
            check_labels(data[name], task.labels)


def _labelled(inputs: Mapping[str, str], data: Mapping[str, Data]) -> Iterable[str]:
    """Inputs whose labels must be the task's: support, real and holdout, and those that the method reads labels of."""
    for name, one in data.items():
        fixed = name in {"support", "real", "holdout"} or "label" in inputs.get(name, "").lstrip("?").split()
        if fixed and "label" in one.columns:
            yield name
