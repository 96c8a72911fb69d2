"""From what a method asks to a request, and from a reply to a value, with a bounded number of new tries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tilth.engine.calls import DEFAULT_MAX_TOKENS
from tilth.errors import Failure, RequestError
from tilth.models.base import Message, Reply, Request

if TYPE_CHECKING:
    from tilth.engine.place import Frame
    from tilth.engine.session import Session
    from tilth.models.roles import RoleModel

SAMPLING = ("temperature", "top_p", "max_tokens", "stop", "prefill", "presence_penalty", "frequency_penalty")
KNOWN = frozenset((*SAMPLING, "schema", "tools", "logprobs", "top_logprobs"))

AGAIN = "This could not be used: {detail} Reply again, correctly, with nothing else."
"""What a chat model is told when its reply could not be parsed."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request with what makes a value of its reply."""

    request: Request
    parse: Callable[[Reply], Any] | None

    @classmethod
    def of(cls, prompt: Any, chosen: RoleModel, params: Mapping[str, Any], *, parse: Callable[[Reply], Any] | None, raw: bool) -> Question:
        """Resolve: the call's own parameters, else the prompt's, else the role's, else the defaults."""
        messages, text = _content(prompt, raw)
        given: dict[str, Any] = {}
        if not isinstance(prompt, (str, list, tuple)):
            given = {name: value for name in ("prefill", "stop", "schema") if (value := getattr(prompt, name, None))}
            parse = parse or getattr(prompt, "parse", None)
        extra = dict(chosen.extra)
        for name, value in params.items():
            if value is not None:
                (given if name in KNOWN else extra)[name] = value
        for name, default in (("temperature", 1.0), ("top_p", 1.0), ("max_tokens", None)):
            if name not in given:
                by_role = getattr(chosen, name)
                given[name] = default if by_role is None else by_role
        stop = given.get("stop") or chosen.stop
        if stop:
            given["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
        request = Request(messages=messages, prompt=text, extra=extra, **given)
        _check(request, chosen)
        return cls(request, parse)


def _content(prompt: Any, raw: bool) -> tuple[tuple[Message, ...] | None, str | None]:
    if isinstance(prompt, str):
        return (None, prompt) if raw else (({"role": "user", "content": prompt},), None)
    if isinstance(prompt, (list, tuple)):
        return tuple(prompt), None
    if prompt.text is not None:
        return None, prompt.text
    return tuple(prompt.messages or ()), None


def _check(request: Request, chosen: RoleModel) -> None:
    """A request that the model cannot serve is refused before anything is sent."""
    can = chosen.can
    for name, needed in (
        ("completion", request.prompt is not None),
        ("chat", request.messages is not None),
        ("prefill", request.prefill),
        ("schema", request.schema is not None),
        ("tools", request.tools),
        ("logprobs", request.logprobs or request.top_logprobs),
    ):
        if needed and not getattr(can, name):
            what = f"{chosen.name} cannot do {name}, which this prompt needs. See: tilth models list --can {name}"
            raise RequestError(what, code="model.cannot")


async def ask(session: Session, frame: Frame, role: str, chosen: RoleModel, question: Question, reasks: int) -> Reply:
    """Ask, parse, and ask again where parsing failed."""
    request = question.request
    if request.max_tokens is None and session.settings.caps.needs_max_tokens:
        request = replace(request, max_tokens=DEFAULT_MAX_TOKENS)
    for attempt in range(reasks + 1):
        reply = await session.caller.ask(frame, role, chosen, request)
        reply.value = reply.text
        if question.parse is None:
            return reply
        try:
            reply.value = question.parse(reply)
            return reply
        except Failure as failure:
            failure.raw = reply.text if failure.raw is None else failure.raw
            again = _again(request, question.request, reply, failure)
            if attempt == reasks or again is None:
                raise
            request = again
    raise AssertionError("unreachable")


def _again(request: Request, first: Request, reply: Reply, failure: Failure) -> Request | None:
    """The next request after a failed parse: a chat sees its error; a raw or prefilled one is sampled anew, if it is sampled."""
    if first.messages is None or first.prefill:
        return request if request.temperature > 0 else None
    said = {"role": "assistant", "content": reply.text}
    told = {"role": "user", "content": AGAIN.format(detail=failure.detail or failure.reason)}
    return replace(request, messages=(*first.messages, said, told))


def roles_of(roles: Mapping[str, Sequence[RoleModel]]) -> list[RoleModel]:
    """All models of all roles, each once."""
    seen: dict[int, RoleModel] = {}
    for models in roles.values():
        for model in models:
            seen[id(model)] = model
    return list(seen.values())
