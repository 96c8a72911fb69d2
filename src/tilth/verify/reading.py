"""What verifiers of a row have in common: parameters as fields, and which column each argument is read from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..errors import RequestError
from ..records.hints import did_you_mean


class OfRow(BaseModel):
    """A verifier that reads some columns of a row. Fields are its parameters; :meth:`take` reads a row's arguments.

    arguments: name to what it is; a leading ``?`` makes one optional (it is then None, or what the class says).
    using: argument to column; an argument that is not named is read from the column of its own name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1
    arguments: ClassVar[Mapping[str, str]] = {}

    using: dict[str, str] = Field(default={}, description="Argument to the column that it is read from.")

    @field_validator("using")
    @classmethod
    def _known_arguments(cls, using: dict[str, str]) -> dict[str, str]:
        for argument in using:
            if argument not in cls.arguments:
                raise ValueError(f"'{argument}' is no argument of verify {cls.name}.{did_you_mean(argument, cls.arguments)}")
        return using

    def take(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row's value of each argument.

        Raises
        ------
        RequestError: a column is missing that is needed.
        """
        found: dict[str, Any] = {}
        for argument, what in self.arguments.items():
            column = self.using.get(argument, argument)
            if column in row:
                found[argument] = row[column]
            elif what.startswith("?") and argument not in self.using:
                found[argument] = None
            else:
                have = ", ".join(row) or "none"
                remedy = f"Write: using: {{{argument}: COLUMN}}"
                raise RequestError(f"verify {self.name} needs the column '{column}' (rows have: {have}). {remedy}", code="verify.column")
        return found

    def columns(self) -> frozenset[str]:
        """The columns that a row must have."""
        needed = [name for name, what in self.arguments.items() if not what.startswith("?") or name in self.using]
        return frozenset(self.using.get(name, name) for name in needed)
