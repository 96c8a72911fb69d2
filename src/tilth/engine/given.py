"""Records that exist already, as a method: so that curating or evaluating a file is a run like any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, ClassVar

from tilth.engine.method import Method
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.records.data import Data

INPUT = "rows"
"""Name of the input that holds the records."""

SAMPLE = 1000
"""Rows looked at to tell the types of columns; a later value that does not fit rejects its row with reason ``schema``."""


class Given(Method):
    """Takes over the records of the input ``rows`` as they are; ids and lineage stay. Made by :func:`given`."""

    name: ClassVar[str] = "given"
    inputs: ClassVar[dict[str, str]] = {INPUT: ""}
    roles: ClassVar[dict[str, int | str]] = {}

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        """Yield them in order; who wrote them is not known unless they say so."""
        for record in run.data(INPUT):
            yield Record({name: record.get(name) for name in type(self).columns}, meta={"origin": None, **record.meta})


def given(data: Data) -> Given:
    """The method for this data: its columns are the data's, with the types of its first rows (all may be missing)."""
    kinds: dict[str, str] = {}
    for record in data.take(SAMPLE):
        for name, value in record.items():
            kinds[name] = _wider(kinds.get(name, ""), _kind(value))
    columns = {name: f"{kind or 'str'} | None" for name, kind in kinds.items()}
    body = {"columns": columns, "__module__": __name__, "__annotations__": {"columns": ClassVar[Any]}}
    made: type[Given] = type("GivenRows", (Given,), body)
    return made()


def _kind(value: Any) -> str:
    for kind, types in (("bool", bool), ("int", int), ("float", float), ("str", str), ("dict", dict)):
        if isinstance(value, types):
            return kind
    if isinstance(value, list):
        return "list[str]" if all(isinstance(one, str) for one in value) else "list"
    return ""


def _wider(known: str, new: str) -> str:
    """The type that holds both; text and numbers mixed become JSON."""
    if not known or known == new:
        return new or known
    if not new:
        return known
    if {known, new} == {"int", "float"}:
        return "float"
    return "list" if {known, new} <= {"list", "list[str]"} else "dict" if {known, new} <= {"dict", "list", "list[str]"} else "str"
