"""JSON Schema: a text is JSON, and the JSON fits. Checked in a process that can be killed, because patterns can hang."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr, field_validator

from .base import Verdict
from .reading import OfRow
from .workers import Workers, unanswered, work

if TYPE_CHECKING:
    from ..engine.run import Run

_FENCE = re.compile(r"\s*```(?:json)?[ \t]*\n(?P<inside>.*?)\n?```\s*", re.DOTALL | re.IGNORECASE)
_MOST_ERRORS = 5


class JsonSchema(OfRow):
    """Whether a text is one JSON value that fits a JSON Schema (draft 2020-12 unless it names another).

    Failed with ``not_json``, ``duplicate_key`` (two keys alike: readers disagree about which counts) or ``does_not_fit``;
    unscored with ``no_text``, ``no_schema``, ``bad_schema`` (of a row), ``unresolved`` (a reference outside the schema: nothing
    is fetched) and ``timeout``.
    """

    name: ClassVar[str] = "schema"
    arguments: ClassVar[Mapping[str, str]] = {
        "text": "JSON, as text or as a value",
        "schema": "?the JSON Schema of this row; else the parameter 'against'",
    }

    against: dict[str, Any] | bool | None = Field(None, description="The JSON Schema, where rows have none of their own.")
    fenced: bool = Field(True, description="Whether the text may stand in a ``` fence; prose around it is never accepted.")
    formats: bool = Field(True, description="Whether 'format' (date, email, ipv4 ...) is checked.")
    seconds: float = Field(2.0, gt=0, le=60, description="Limit of one text.")

    _workers: Workers = PrivateAttr()

    @field_validator("against")
    @classmethod
    def _is_a_schema(cls, against: dict[str, Any] | bool | None) -> dict[str, Any] | bool | None:
        if against is not None and (problem := _problem(against)):
            raise ValueError(f"not a JSON Schema ({problem})")
        return against

    def model_post_init(self, context: Any, /) -> None:
        self._workers = Workers("tilth.verify.schema:in_worker", seconds=self.seconds, megabytes=512)

    async def verify(self, run: Run | None, row: Mapping[str, Any]) -> Verdict:
        """Check a row's `text`."""
        taken = self.take(row)
        schema = taken["schema"] if taken["schema"] is not None else self.against
        if schema is None or taken["text"] is None:
            return Verdict("unscored", "no_schema" if schema is None else "no_text")
        value, problem = _read(taken["text"], self.fenced)
        if problem:
            return Verdict("failed", problem, {"error": value})
        if isinstance(schema, str):
            schema, problem = _read(schema, False)
            if problem:
                return Verdict("unscored", "bad_schema", {"error": schema})
        reply = await work(run, self._workers, {"value": value, "schema": schema, "formats": self.formats}, version=self.version)
        if (nothing := unanswered(reply)) is not None:
            return nothing
        found = reply["value"]
        if found["problem"]:
            return Verdict("unscored", found["problem"], {"error": found["detail"]})
        errors = found["errors"]
        return Verdict("failed", "does_not_fit", {"errors": errors}) if errors else Verdict("passed", "", {"errors": []})


class _Twice(ValueError):
    pass


def _read(text: Any, fenced: bool) -> tuple[Any, str]:
    """(value, "") or (what is wrong, the reason's name). A value that is no text stands for itself."""
    if not isinstance(text, str):
        return text, ""
    if fenced and (found := _FENCE.fullmatch(text)):
        text = found["inside"]
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse), ""
    except _Twice as error:
        return str(error), "duplicate_key"
    except (ValueError, RecursionError) as error:
        return f"{error}"[:300] or "nested too deeply", "not_json"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Twice(f"the key '{twice}' stands twice in one object")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _problem(schema: Any) -> str:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for

    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        return str(error.message)[:200]
    return ""


def warm() -> None:
    """Imports what the first text would wait for."""
    in_worker({"schema": {"type": "string", "format": "date"}, "value": "2000-01-01", "formats": True})


def in_worker(payload: dict[str, Any]) -> dict[str, Any]:
    """What a worker process runs: ``{"errors": [{"at", "message"}], "problem": "", "detail": ""}``."""
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    schema = payload["schema"]
    if not isinstance(schema, (dict, bool)) or (problem := _problem(schema)):
        return {"errors": [], "problem": "bad_schema", "detail": problem if isinstance(schema, (dict, bool)) else "no object"}
    kind = validator_for(schema, default=Draft202012Validator)
    checker = kind.FORMAT_CHECKER if payload["formats"] else None
    validator = kind(schema, registry=Registry(), format_checker=checker)  # an empty registry: nothing is fetched
    try:
        found = sorted(validator.iter_errors(payload["value"]), key=lambda error: (list(map(str, error.absolute_path)), error.message))
    except Unresolvable as error:
        return {"errors": [], "problem": "unresolved", "detail": str(error)[:200]}
    errors = [{"at": error.json_path, "message": error.message[:200]} for error in found[:_MOST_ERRORS]]
    return {"errors": errors, "problem": "", "detail": ""}
