"""Tools as data: API documents whose responses are scripted in the document, simulated by a model, or Python functions.

A document is a row. Nothing in it is executed: a scripted response is chosen by comparing arguments and state, and its texts
are filled in by the sandboxed templates. Simulated responses follow StableToolBench (Guo et al. 2024, arXiv 2403.07714).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.prompts.template import Template
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run

OK, UNKNOWN, BAD_INPUT, FINISHED, RESTART, FAILED, TRANSPORT = 0, 1, 2, 3, 4, 11, 12
"""Codes of ToolBench (5 to 12: the service failed). FAILED: its answer is an error. TRANSPORT: there is no answer."""

PythonTool = Callable[..., Any]
"""``tool(state, **arguments)``: a plain function that may change `state` and returns what JSON can hold."""

SIMULATE = (
    "You play an API for a test. Answer the call as the real service would, with realistic values that fit the document, the "
    "arguments and the calls before it; the same call gives the same answer. Do not help the caller beyond that.\n\n"
    "Document:\n{{ api.function().function | tojson }}\n\nCalls before, oldest first:\n{{ log | tojson }}\n\n"
    "The call: {{ call | tojson }}\n\n"
    'Reply with one JSON object {"error": "", "response": ...}; where the call cannot succeed, say why in "error".'
)
"""The prompt of a model that plays an API."""

_TYPES = {"string": "string", "str": "string", "enum": "string", "date": "string", "number": "number", "float": "number", "int": "integer",
          "integer": "integer", "boolean": "boolean", "bool": "boolean", "array": "array", "list": "array", "object": "object"}  # fmt: skip
_RESPONSE_KEYS = {"when", "state", "set", "returns", "error"}


@dataclass(frozen=True, slots=True)
class Api:
    """One API of a tool. name: as a function, ``search_for_flights``. parameters: JSON Schema of its arguments.

    responses: what it answers, the first that fits: ``when`` (arguments) and ``state`` (keys of the environment) must be equal;
    ``set`` changes the environment; ``returns`` is the answer, or ``error`` a failure. Texts in them are templates over `args` and
    `state`. None: not scripted.
    """

    name: str
    tool: str
    api: str
    description: str
    category: str
    collection: str
    parameters: Mapping[str, Any]
    responses: tuple[Mapping[str, Any], ...] | None
    id: str

    def function(self) -> dict[str, Any]:
        """As OpenAI's API declares a tool."""
        about = {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}
        return {"type": "function", "function": about}


@dataclass(slots=True)
class World:
    """What calls change: one environment, and the calls made in it so far with their answers."""

    state: dict[str, Any] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Observation:
    """What a call gave: its text and its code."""

    text: str
    code: int = OK


def read_api(row: Record) -> Api:
    """The API of a document: ``tool``, ``api``, ``description``, and as far as known ``category``, ``collection``, ``parameters`` (JSON
    Schema) or ``required_parameters`` and ``optional_parameters`` (lists of name, type, description, default), and ``responses``.

    Raises
    ------
    RequestError: the document is no such thing; names it.
    """
    tool, api = (str(row.get(key) or "").strip() for key in ("tool", "api"))
    name = function_name(tool, api)
    if not tool or not api:
        raise RequestError(f"an API document needs 'tool' and 'api' (row {row.id}).", code="data.api")
    responses = _value(row, "responses")
    if responses is not None and not (isinstance(responses, list) and all(isinstance(one, Mapping) for one in responses)):
        raise RequestError(f"'responses' of {name} must be a list of mappings.", code="data.api")
    for one in responses or ():
        if unknown := sorted(set(one) - _RESPONSE_KEYS):
            what = f"a response of {name} has the key '{unknown[0]}'. Use: {', '.join(sorted(_RESPONSE_KEYS))}"
            raise RequestError(what, code="data.api")
    parameters = _value(row, "parameters") or _schema(name, row)
    if not isinstance(parameters, Mapping) or not isinstance(parameters.get("properties", {}), Mapping):
        what = f"'parameters' of {name} must be a JSON Schema of an object. Lists go to 'required_parameters' and 'optional_parameters'"
        raise RequestError(f"{what}.", code="data.api")
    return Api(
        name=name,
        tool=tool,
        api=api,
        description=" ".join(str(row.get("description") or "").split()),
        category=str(row.get("category") or ""),
        collection=str(row.get("collection") or ""),
        parameters=parameters,
        responses=None if responses is None else tuple(responses),
        id=str(row.id),
    )


def function_name(tool: str, api: str) -> str:
    """A name that every function-calling API takes: ASCII, at most 64 characters.

    >>> function_name("Flight Finder", "Search (v2)")
    'search_v2_for_flight_finder'
    """
    return "_for_".join(re.sub(r"\W+", "_", part.lower(), flags=re.ASCII).strip("_") for part in (api, tool))[-64:]


def read_arguments(arguments: Any) -> dict[str, Any] | None:
    """A call's arguments, from JSON text if need be; None where they are no JSON object."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except ValueError:
            return None
    return dict(arguments) if isinstance(arguments, Mapping) else None


def answer(api: Api, arguments: Mapping[str, Any] | None, world: World, tool: PythonTool | None = None) -> Observation | None:
    """Answer a call in `world`, which it may change; None where the document has no responses, so that a model must play the API.

    The text is ``{"error": ..., "response": ...}``. Code BAD_INPUT: the arguments do not fit the document. FAILED: nothing answers them.

    Raises
    ------
    RequestError: a template in the document cannot be filled in; names the API.
    """
    if problem := _problem(api, arguments):
        return observation(error=problem, code=BAD_INPUT)
    given = {name: about.get("default") for name, about in api.parameters.get("properties", {}).items()} | dict(arguments or {})
    if tool is not None:
        try:
            return observation(tool(world.state, **dict(arguments or {})))
        except (ValueError, LookupError, ArithmeticError) as error:  # as a service answers what it cannot do
            return observation(error=f"{type(error).__name__}: {error}", code=FAILED)
    if api.responses is None:
        return None
    try:
        return _scripted(api.responses, given, world)
    except RequestError as error:
        raise RequestError(f"a response of {api.name}: {error.what}", code="data.api") from error


def observation(response: Any = "", *, error: str = "", code: int = OK) -> Observation:
    """In the form in which every answer is shown."""
    return Observation(json.dumps({"error": error, "response": response}, ensure_ascii=False, default=str), code)


async def simulated(run: Run, prompt: str, api: Api, arguments: Mapping[str, Any] | None, world: World, max_tokens: int) -> Observation:
    """A model in the role `tool` plays the API; it knows the calls of this world, and nothing of what they are for.

    Raises
    ------
    Failure: it did not answer with an object.
    """
    call = {"function": api.name, "arguments": arguments}
    about = {"api": api, "call": call, "log": world.log}
    asked = build(prompt, task=run.task, conditions=about, parse=parsers.json({"type": "object"}))
    said = (await run.ask(asked, role="tool", temperature=0.0, max_tokens=max_tokens)).value
    error = str(said.get("error") or "")
    return observation(said.get("response", ""), error=error, code=TRANSPORT if error else OK)


def _scripted(responses: Sequence[Mapping[str, Any]], args: Mapping[str, Any], world: World) -> Observation:
    def filled(value: Any) -> Any:
        return _filled(value, {"args": args, "state": world.state})

    for one in responses:
        when, state = filled(one.get("when") or {}), filled(one.get("state") or {})
        if not all(_same(args.get(key), value) for key, value in when.items()):
            continue
        if not all(_same(world.state.get(key), value) for key, value in state.items()):
            continue
        returns, error, changes = filled(one.get("returns", "")), filled(one.get("error", "")), filled(one.get("set") or {})
        world.state.update(changes)
        return observation(returns, error=str(error), code=FAILED if error else OK)
    return observation(error="nothing was found for these arguments", code=FAILED)


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """With every text, keys included, as a template; a text that is filled in and then reads as JSON becomes that value."""
    if isinstance(value, Mapping):
        return {str(_filled(key, values)): _filled(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values) for inner in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    text = Template(value).render(**values)
    try:
        return json.loads(text) if text != value else text
    except ValueError:
        return text


def _same(given: Any, wanted: Any) -> bool:
    """Equal, texts in any case; 2 is also "2"."""
    return bool(given == wanted) or (given is not None and str(given).strip().casefold() == str(wanted).strip().casefold())


def _problem(api: Api, arguments: Mapping[str, Any] | None) -> str:
    if arguments is None:
        return "the arguments are not a JSON object"
    known = api.parameters.get("properties", {})
    missing = [name for name in api.parameters.get("required", ()) if name not in arguments]
    unknown = [name for name in arguments if name not in known]
    if missing:
        return f"the required parameter '{missing[0]}' is missing"
    return f"there is no parameter '{unknown[0]}'" if unknown else ""


def _schema(name: str, row: Record) -> dict[str, Any]:
    """JSON Schema of lists of parameters, as API hubs write them."""
    required, optional = (_value(row, key) or [] for key in ("required_parameters", "optional_parameters"))
    properties = {}
    for one in [*required, *optional]:
        if not isinstance(one, Mapping) or not one.get("name"):
            raise RequestError(f"a parameter of {name} has no name.", code="data.api")
        about: dict[str, Any] = {"type": _TYPES.get(str(one.get("type") or "string").lower(), "string")}
        about |= {key: one[key] for key in ("description", "enum", "default") if one.get(key) not in (None, "")}
        properties[str(one["name"])] = about
    return {"type": "object", "properties": properties, "required": [str(one["name"]) for one in required]}


def _value(row: Record, key: str) -> Any:
    """A column that holds JSON, or the text of it."""
    value = row.get(key)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else None
    except ValueError:
        raise RequestError(f"'{key}' of {row.get('tool')}/{row.get('api')} is not JSON.", code="data.api") from None
