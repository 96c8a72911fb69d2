"""The Run: everything a method may do to the world, each of it journaled or reproducible."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import orjson

from tilth.engine import vectors, work
from tilth.engine.asking import Question, ask
from tilth.engine.maps import Map, Results, Unfold
from tilth.engine.method import Task
from tilth.engine.people import Answer, ask_person
from tilth.engine.place import Reject, current
from tilth.engine.spool import Spool
from tilth.errors import RequestError
from tilth.models.base import Message, Reply
from tilth.records.atomic import replacing
from tilth.records.record import Record

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tilth.engine.session import Session
    from tilth.models.roles import RoleModel
    from tilth.records.data import Data

R = TypeVar("R")
OnFailure = Literal["reject", "raise", "keep"]


BARE = (
    "{name} is given bare prompts to continue, which a server of one's own is taken to offer. If its model is made for chats, say so: "
    "-s models.{role}.can.completion=false"
)


class Askable(Protocol):
    """What `ask` takes beside a text or messages: a prompt that knows its own beginning, stops, schema and parser."""

    @property
    def messages(self) -> Sequence[Message] | None: ...
    @property
    def text(self) -> str | None: ...
    @property
    def prefill(self) -> str: ...
    @property
    def stop(self) -> tuple[str, ...]: ...
    @property
    def schema(self) -> Mapping[str, Any] | None: ...
    @property
    def parse(self) -> Callable[[Reply], Any] | None: ...


class Run:
    """Given to :meth:`Method.generate`. Three bans keep it reproducible: no gather or create_task around `run.*`; items of a
    map do not depend on its own results (that is `unfold`); state shared between rows is touched only in the loop body.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    # what is given

    @property
    def task(self) -> Task:
        """What the data is for."""
        return self._session.settings.task

    @property
    def seed(self) -> int:
        """The run's seed; prefer :meth:`rng`."""
        return self._session.settings.seed

    def has(self, name: str) -> bool:
        """Whether an input of this name was given (a fenced one, such as holdout, counts as absent)."""
        return name in self._session.settings.data and name not in self._session.fenced

    def data(self, name: str) -> Data:
        """An input: re-iterable, streaming, each record with a stable id. Fenced inputs (holdout) raise."""
        settings = self._session.settings
        if name in self._session.fenced:
            raise RequestError(f"'{name}' is kept away from generation: only evaluation may read it.", code="data.fenced")
        if name not in settings.data:
            known = ", ".join(sorted(settings.data)) or "none"
            what = f"this run has no data called '{name}' (it has: {known}). Give it with: --data {name}=FILE"
            raise RequestError(what, code="data.missing")
        return settings.data[name]

    def models(self, role: str = "generator") -> list[RoleModel]:
        """The models of a role; an unset role falls back to the generator."""
        roles = self._session.settings.roles
        found = roles.get(role) or roles.get("generator")
        if not found:
            raise RequestError(f"no model is set for role '{role}'. Set one with: -m {role}=SPEC", code="model.no_role")
        return list(found)

    def continues(self, role: str = "generator") -> bool:
        """Whether a role's model continues bare prompts, for methods that would else chat. The user is told where that is a guess."""
        chosen = self.models(role)[0]
        if chosen.can.completion and chosen.guessed:
            self.note(BARE.format(name=chosen.name, role=role))
        return chosen.can.completion

    # one call

    async def ask(
        self,
        prompt: str | Sequence[Message] | Askable,
        *,
        role: str = "generator",
        model: RoleModel | None = None,
        parse: Callable[[Reply], Any] | None = None,
        reasks: int = 1,
        raw: bool = False,
        **params: Any,
    ) -> Reply:
        """One journaled call; returns after the reply is committed.

        Parameters
        ----------
        prompt: one user message, messages, or a prompt object. With ``raw`` the text is continued instead of answered.
        role: which of the run's models; `model` names one of several by value.
        parse: makes a value of the reply (``Reply.value``), or raises Failure. reasks: how often a reply that could not be
            parsed is asked for again: a chat is shown its reply and the error; a raw or prefilled request is sampled anew.
        params: temperature, top_p, max_tokens, stop, prefill, presence_penalty, frequency_penalty, schema, tools, logprobs, top_logprobs;
            unset ones come from the role's configuration. Anything else goes to the provider as it is.

        Raises
        ------
        Failure: no reply could be parsed, or the model declined; the row that asked is rejected.
        """
        chosen = model or self.models(role)[0]
        question = Question.of(prompt, chosen, params, parse=parse, raw=raw)
        return await ask(self._session, current(), role, chosen, question, reasks)

    async def score(self, prompt: str, continuations: Sequence[str], *, role: str = "generator") -> list[float]:
        """Sum of log p(continuation | prompt) of each continuation, in nats; journaled."""
        chosen = self.models(role)[0]
        if not chosen.can.score:
            raise RequestError(f"{chosen.name} cannot score given texts. See: tilth models list --can score", code="model.cannot")
        return await self._session.caller.score(current(), role, chosen, prompt, continuations)

    async def embed(self, texts: Sequence[str], *, role: str = "embedder") -> npt.NDArray[np.float32]:
        """Unit vectors, shape (len(texts), d), float32; cached as one array for the whole set under artifacts/.

        Made in chunks, and continued where a stop cut it off. Above 64 MB the array is mapped from its file; either way it may
        be written to, which changes no file.
        """
        current()  # only inside the run
        return await vectors.embed(self._session, role, list(texts))

    async def ask_person(self, question: str, *, options: Sequence[str] | None = None, about: Record | None = None) -> Answer:
        """People are a slow model: an unanswered question goes to the queue file and the run leaves with status `waiting`."""
        return await ask_person(self._session, current(), question, options, about)

    # many

    def map(
        self,
        fn: Callable[[Any], Any],
        items: Iterable[Any] | AsyncIterable[Any],
        *,
        label: str | None = None,
        key: Callable[[Any], object] | None = None,
        on_failure: OnFailure = "reject",
    ) -> Results[Any]:
        """fn over many items: overlapping, bounded, results in input order.

        Parameters
        ----------
        fn: async function (one result; None is skipped), async generator function (any number), or plain function (run in a thread).
        items: iterable or async iterable, such as another map: the two then overlap. Must not depend on results of this map.
        label: part of every call's key; give one, so that renaming fn does not re-pay. Defaults to fn's name.
        key: what tells items apart; defaults to id, the str or int itself, or a hash of the content.
        on_failure: a Failure rejects its row (``reject``), fails the enclosing row (``raise``), or is a value (``keep``).
        """
        return Map(self._session, label or _name(fn), fn, items, key=key, on_failure=on_failure)

    def unfold(
        self,
        draw: Callable[[int], Any],
        fn: Callable[[Any], Any],
        *,
        lag: int,
        label: str | None = None,
        limit: int | None = None,
        on_failure: OnFailure = "reject",
    ) -> Results[Any]:
        """A growing pool. draw(k) is called exactly when results 0..k-lag were consumed, so it may read what the loop body wrote.

        Parameters
        ----------
        draw: plain function of k; None ends the pool. fn: as in :meth:`map`.
        lag: how far draws run ahead, >= 1. Part of the method (it shapes the result), never the concurrency. 1 is strictly serial.
        limit: at most so many draws.
        on_failure: as in :meth:`map`. A loop that feeds draw(k) by counting its results wants ``keep``: a row that is rejected gives none,
            and the next draw comes before the loop's body.

        The only loop that may be left early; what was drawn before still runs to its end.
        """
        return Unfold(self._session, label or _name(fn), draw, fn, lag=lag, limit=limit, on_failure=on_failure)

    async def all(self, *awaitables: Awaitable[Any]) -> list[Any]:
        """Different branches side by side, each its own place; raises the first failure in the order given."""

        async def branch(number: int) -> Any:
            return (await awaitables[number],)

        results: list[Any] = await Map(self._session, "all", branch, range(len(awaitables)), key=None, on_failure="raise")
        return [value for (value,) in results]

    # chance and computation

    def rng(self, *name: object) -> Random:
        """One stream of chance per place and name; asking again continues it."""
        return current().rng(name)

    async def do(self, fn: Callable[..., Any], *args: Any, version: int = 0) -> Any:
        """Deterministic but expensive work (train, influence, cluster), journaled under its inputs and its source's digest.

        fn is a plain function; it runs in a thread, BLAS single-threaded. Its result must be JSON (or Records).
        Round floats before they decide.
        """
        return await work.do(self._session, current(), fn, args, version)

    def spool(self, name: str) -> Spool:
        """Rows on disk for whole-dataset steps: append, iterate, len, index."""
        frame = current()
        spool = Spool(self._session.settings.folder.spool / f"{frame.place.hex()[:12]}-{name}.jsonl")
        self._session.spools.append(spool)
        return spool

    def artifact(self, name: str, value: Any) -> Path:
        """A side file for people, artifacts/NAME.json: lists that were found, say. Written anew by every start, never read back."""
        path = self._session.settings.folder.artifacts / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(orjson.dumps(work.freeze(value), option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
        return path

    # leaving

    def reject(
        self,
        record: Record | Mapping[str, Any],
        reason: str,
        *,
        score: float | None = None,
        detail: str = "",
        neighbour: str | None = None,
        raw: str | None = None,
    ) -> None:
        """Keep a record out of the result, with its reason; allowed at any depth, leaves in program order."""
        frame = current()
        record = record if isinstance(record, Record) else Record(record)
        self._session.adopt(frame, record)
        step = frame.path.rsplit("/", 1)[-1].split(":")[0].split("#")[0] or self._session.stage
        frame.emit(Reject(record, reason, step, detail, score, neighbour, raw))

    def tally(self, step: str, reason: str, n: int = 1) -> None:
        """Count records that a stage turned away; shown in the summary beside generation's rejects."""
        self._session.reasons[(step, reason)] += n
        self._session.progress.reasons[reason] += n

    def note(self, text: str) -> None:
        """One line for the user (a shortage, say); said once."""
        self._session.note(text)


def _name(fn: Any) -> str:
    inner = fn
    while hasattr(inner, "func"):
        inner = inner.func
    name: str = getattr(inner, "__name__", "")
    if not name or name == "<lambda>":
        raise RequestError("a map over a lambda needs a label: run.map(…, label='name').", code="method.no_label")
    return name
