"""One call: its key, the journal, the budget, the endpoint's limiter, the model, the commit.

Infrastructure never rejects a row: what an endpoint fails to answer is asked again, and what stays unanswered leaves its
row unfinished. Only a request that the model itself refuses (400, 413, 422, a filter) is the row's own fault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

import orjson

from tilth.engine.budget import Spent, cost
from tilth.engine.limiter import Limiter, Outcome, backoff
from tilth.engine.place import Frame
from tilth.engine.shelf import Entry
from tilth.engine.wire import read_reply, reply_bytes, request_bytes, score_bytes
from tilth.errors import Declined, EndpointDown, Failure, Misconfigured, Pending, Stop, Throttled, Unanswered, Unavailable
from tilth.models.base import Reply, Request, Usage
from tilth.records.ids import digest

if TYPE_CHECKING:
    from tilth.engine.session import Session
    from tilth.models.roles import RoleModel

TRIES = 10
"""A request that failed so often while others of its endpoint were answered is left unanswered: its row stays unfinished."""

DEFAULT_MAX_TOKENS = 1024
"""Used only under a USD or token cap, where every call needs a bound."""


@dataclass(slots=True)
class Endpoint:
    """What shares one limiter."""

    name: str
    limiter: Limiter
    answered: int = 0


@dataclass(slots=True)
class Call:
    """One call on its way: what is asked, under which key, and from where."""

    frame: Frame
    role: str
    chosen: RoleModel
    kind: str
    key: bytes
    body: bytes
    max_tokens: int
    send: Callable[[], Awaitable[tuple[bytes, Usage]]]
    sampled: bool = False
    held: Spent | None = None
    declined: bool = False

    @property
    def most(self) -> int:
        """The most tokens that its answer can have, for the budget."""
        return 0 if self.kind == "score" else self.max_tokens or DEFAULT_MAX_TOKENS


@dataclass(slots=True)
class Attempts:
    """How often one call has failed, and how many others its endpoint answered meanwhile."""

    failed: int = 0
    throttled: int = 0
    answered_at_first: int = 0


class Caller:
    """Answers the calls of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._endpoints: dict[str, Endpoint] = {}
        self._flights: dict[tuple[bytes, int], asyncio.Future[bytes]] = {}
        self._jitter = Random(session.settings.seed)

    # what a method asks for

    async def ask(self, frame: Frame, role: str, chosen: RoleModel, request: Request) -> Reply:
        """One completion: from the journal, else from the model."""
        model = chosen.model
        body = request_bytes(model.identity, request)
        key = digest(body)
        sampled = request.temperature > 0
        seed: int | None = None
        if sampled:
            key = digest(frame.place, key, frame.occurrence(key))
            if model.can.seed:
                seed = int.from_bytes(key[:4], "big") >> 1

        async def send() -> tuple[bytes, Usage]:
            reply = await model.complete(_with_seed(request, seed) if seed is not None else request)
            return reply_bytes(reply), reply.usage

        call = Call(frame, role, chosen, "ask", key, body, request.max_tokens or 0, send, sampled)
        stored = await (self._answer(call) if sampled else self._shared(call))
        if b'"error"' in stored:
            _raise_error(stored)
        return read_reply(stored, key.hex())

    async def score(self, frame: Frame, role: str, chosen: RoleModel, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Sum of log p(continuation | prompt) of each continuation."""
        body = score_bytes(chosen.model.identity, prompt, continuations)

        async def send() -> tuple[bytes, Usage]:
            values = await chosen.model.score(prompt, continuations)  # type: ignore[attr-defined]
            # a scoring reply brings no usage: four bytes of the texts count as one token
            return orjson.dumps({"scores": values}), Usage(input=len(body) // 4 + 1)

        call = Call(frame, role, chosen, "score", digest(body), body, 0, send)
        stored = await self._shared(call)
        if b'"error"' in stored:
            _raise_error(stored)
        return [float(value) for value in orjson.loads(stored)["scores"]]

    # journal first

    async def _shared(self, call: Call) -> bytes:
        """Equal requests without a seed share one call, in flight as in the journal."""
        flight = self._flights.get((call.key, call.max_tokens))
        if flight is not None:
            self._session.journal.note_use(call.frame.path, call.key)
            return await asyncio.shield(flight)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._flights[(call.key, call.max_tokens)] = future
        try:
            stored = await self._answer(call)
        except BaseException as error:
            future.set_exception(error)
            future.exception()  # nobody may be waiting: mark it as seen
            raise
        finally:
            del self._flights[(call.key, call.max_tokens)]
        future.set_result(stored)
        return stored

    async def _answer(self, call: Call) -> bytes:
        session = self._session
        session.progress.answered.add(call.role)
        found = None if session.journal.fresh and call.sampled else session.journal.get(call.key, call.max_tokens)
        if found is None:
            return await self._pay(call)
        session.progress.from_journal += 1
        if found.reused:
            await session.journal.put(self._entry(call, found.reply, Usage(), None, 0.0, paid=False))
        elif found.place != call.frame.path:
            session.journal.note_use(call.frame.path, call.key)
        return found.reply

    async def _pay(self, call: Call) -> bytes:
        """Reserve, send until answered, commit, settle."""
        session = self._session
        price = call.chosen.price
        session.check_stop()
        usage: Usage | None = None
        learn = len(call.body)
        try:
            stored, usage, seconds = await self._send(call)
            if call.held is not None and usage == Usage() and not call.declined:
                # the server told no usage: the worst case is booked, and journaled, so that a later start counts it too
                usage, learn = Usage(call.held.tokens - call.most, call.most), 0
            entry = self._entry(call, stored, usage, price, seconds, paid=True)
            await session.journal.put(entry)
            session.book(call.role, call.chosen.name, usage, entry.usd, free=call.kind != "ask" and entry.usd is None)
            return stored
        finally:
            if call.held is not None:
                session.budget.settle(call.held, price, usage, 0 if call.declined else learn)

    def _entry(self, call: Call, stored: bytes, usage: Usage, price: Any, seconds: float, *, paid: bool) -> Entry:
        where = (call.key, call.max_tokens, call.kind, call.frame.path, call.role, call.chosen.model.identity)
        return Entry(*where, call.body, stored, usage.input, usage.output, cost(price, usage), seconds, paid)

    # the wire

    async def _send(self, call: Call) -> tuple[bytes, Usage, float]:
        """Send until there is an answer (or an error that belongs to the request)."""
        session = self._session
        endpoint = self._endpoint(call.chosen)
        attempts = Attempts(answered_at_first=endpoint.answered)
        while True:
            limiter = endpoint.limiter
            if not limiter.try_acquire():
                await limiter.acquire(call.frame.order, len(call.body) // 4 + call.max_tokens)
            if session.stopping is not None or not self._affords(call):
                limiter.release(Outcome.CANCELLED, latency=0.0)
                await self._wait_for_room()
                continue
            session.progress.in_flight += 1
            started = session.clock.now()
            outcome, retry_after = Outcome.CANCELLED, None
            try:
                stored, usage = await call.send()
                outcome = Outcome.OK
                endpoint.answered += 1
                session.progress.waiting_for = ""
                return stored, usage, round(session.clock.now() - started, 4)
            except Declined as error:
                outcome, call.declined = Outcome.OK, True
                return _error_bytes("declined", error.what), Usage(), 0.0
            except Misconfigured as error:
                raise session.stop(EndpointDown(error.what, code=f"model.http_{error.status or 0}")) from None
            except Pending as pending:  # a batch: the answer comes at a later start
                raise session.leave(pending) from None
            except Throttled as error:
                outcome, retry_after = Outcome.THROTTLED, error.retry_after
                session.progress.waiting_for = f"{call.chosen.name}: 429"
                attempts.throttled += 1
            except Unavailable as error:
                outcome, retry_after = Outcome.FAILED, error.retry_after
                attempts.failed += 1
                last = error.what
            finally:
                session.progress.in_flight -= 1
                limiter.release(outcome, latency=session.clock.now() - started, retry_after=retry_after)
            if limiter.broken:
                said = last if attempts.failed else "429: too many requests"
                raise session.stop(EndpointDown(_down(said, limiter.broken), code="net.unreachable"))
            if attempts.failed >= TRIES and endpoint.answered - attempts.answered_at_first >= TRIES:
                raise session.leave(Unanswered(f"a request failed {attempts.failed} times while others were answered: {last}"))
            session.progress.retries += 1
            delay = max(backoff(attempts.failed + attempts.throttled, self._jitter), retry_after or 0.0)
            if outcome is Outcome.THROTTLED:
                session.progress.waiting_for = f"{call.chosen.name}: 429, next try in {max(1, round(delay))} s"
            await session.pause(delay)

    def _affords(self, call: Call) -> bool:
        """Hold the worst case of a call. After its turn came, not before: earlier places spend first."""
        budget = self._session.budget
        if budget.bounded and call.held is None:
            call.held = budget.reserve(call.chosen.price, len(call.body), call.most)
            return call.held is not None
        return True

    async def _wait_for_room(self) -> None:
        self._session.check_stop()
        try:
            await self._session.budget.room()
        except Stop as stop:
            raise self._session.stop(stop) from None

    def _endpoint(self, chosen: RoleModel) -> Endpoint:
        model = chosen.model
        endpoint = self._endpoints.get(model.endpoint)
        if endpoint is None:
            endpoint = self._endpoints[model.endpoint] = Endpoint(model.endpoint, self._limiter(chosen))
            if hasattr(model, "on_headers"):
                model.on_headers = endpoint.limiter.observe_headers
        return endpoint

    def _limiter(self, chosen: RoleModel) -> Limiter:
        asked = self._session.settings.concurrency or chosen.concurrency
        model = chosen.model
        ceiling = asked or model.ceiling or 1024
        start = asked or model.concurrency or 32
        return Limiter(start=min(start, ceiling), ceiling=ceiling, clock=self._session.clock.now, rpm=chosen.rpm, tpm=chosen.tpm)

    def limit(self) -> tuple[int, str]:
        """The sum of the limits in force, and which way the busiest is going; for the display."""
        limiters = [endpoint.limiter for endpoint in self._endpoints.values()]
        if not limiters:
            return 0, "steady"
        return sum(limiter.limit for limiter in limiters), max(limiters, key=lambda limiter: limiter.in_flight).direction

    def fail_waiting(self, stop: BaseException) -> None:
        """Wake everything that waits for its turn: no new call is sent."""
        for endpoint in self._endpoints.values():
            endpoint.limiter.fail_all(stop)


def _with_seed(request: Request, seed: int) -> Request:
    return replace(request, seed=seed)


def _error_bytes(kind: str, what: str) -> bytes:
    return orjson.dumps({"error": {"kind": kind, "what": what}, "finish": "error"})


def _raise_error(stored: bytes) -> None:
    """A journaled error is the row's own fault, at every start."""
    error = orjson.loads(stored).get("error")
    if error is not None:
        raise Failure(error["kind"], error["what"])


def _down(last: str, why: str) -> str:
    """What the endpoint said last is a whole line already; why it was given up follows where it had answered before."""
    return last if why == "it has never answered" else f"{last.rstrip('.')} ({why}). Everything is saved; run the same command again."
