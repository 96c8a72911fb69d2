"""JSON Lines and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from tilth.errors import RequestError
from tilth.records.formats import Rows, Source
from tilth.records.formats.texts import decoded, raw_lines
from tilth.records.ids import json_value

_REMEDY = "Fix the line, or skip such lines with: --bad-lines skip"


def jsonl(source: Source) -> Rows:
    """One JSON object a line; blank lines do not count. NaN is read as None."""
    for number, line in raw_lines(source):
        if not line.strip():
            continue
        try:
            row = parse(source, number, line.rstrip(b"\r\n"))
            if not isinstance(row, dict):
                raise ValueError(f"{_kind(row)}, not an object")
        except ValueError as error:
            if not source.skip:
                what = f"not JSON ({error}). {_REMEDY}" if not str(error).endswith("not an object") else f"{error}. {_REMEDY}"
                raise RequestError(what, code="data.bad_row", file=source.shown, line=number) from None
            source.skipped.append(f"{source.shown}:{number}")
            continue
        yield number, row


def json_file(source: Source) -> Rows:
    """An array of objects, or an object of equally long lists (columns); JSON Lines under this ending are read too."""
    data = b"".join(line for _, line in raw_lines(source))
    if not data.strip():
        return
    try:
        value = parse(source, 1, data)
    except ValueError as error:
        if str(error).startswith("extra data"):
            yield from jsonl(source)
            return
        raise RequestError(f"not JSON ({error}).", code="data.bad_row", file=source.shown) from None
    if isinstance(value, dict):
        value = _from_columns(source, value)
    if not isinstance(value, list):
        raise RequestError(f"{_kind(value)}, not an array of objects.", code="data.bad_row", file=source.shown)
    for number, row in enumerate(value, 1):
        if isinstance(row, dict):
            yield number, row
        elif source.skip:
            source.skipped.append(f"{source.shown}:{number}")
        else:
            raise RequestError(f"row {number} is {_kind(row)}, not an object. {_REMEDY}", code="data.bad_row", file=source.shown)


def parse(source: Source, number: int, data: bytes) -> Any:
    """Parse one JSON text. ValueError carries a message for people; RequestError where it is not UTF-8."""
    try:
        return json_value(data)
    except ValueError:
        text = decoded(source, number, data)
    try:
        value = json.loads(text, parse_constant=_constant)
        orjson.dumps(value, None, orjson.OPT_NON_STR_KEYS)
    except json.JSONDecodeError as error:
        where = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno} column {error.colno}"
        message = re.sub(r" starting$", "", error.msg.removesuffix(" at"))
        raise ValueError(f"{message[:1].lower()}{message[1:]} at {where}") from None
    except TypeError as error:
        if "surrogates" in str(error):
            raise ValueError("half of a surrogate pair in a string") from None
    return value


def _constant(name: str) -> None:
    if name != "NaN":
        _refuse(f"{name} is no number in JSON")


def _refuse(what: str) -> NoReturn:
    raise ValueError(what)


def _from_columns(source: Source, value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """pandas' ``orient="list"``; also an object whose only value is the array of objects (``{"data": [...]}``)."""
    columns = list(value.values())
    if not columns or not all(isinstance(column, list) for column in columns):
        what = "an object that is no table. Give an array of objects, or an object of equally long lists."
        raise RequestError(what, code="data.bad_row", file=source.shown)
    if len(columns) == 1 and columns[0] and all(isinstance(item, dict) for item in columns[0]):
        return list(columns[0])
    if len({len(column) for column in columns}) > 1:
        lengths = ", ".join(f"{name} {len(column)}" for name, column in list(value.items())[:8])
        raise RequestError(f"its columns differ in length ({lengths}).", code="data.bad_row", file=source.shown)
    return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]


def _kind(value: Any) -> str:
    names = {str: "a text", list: "an array", bool: "a truth value", type(None): "null", dict: "an object"}
    return names.get(type(value), "a number")
