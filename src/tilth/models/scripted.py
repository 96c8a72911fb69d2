"""A model that is a Python function: for tests, for demonstrations, and for trying out a flow without paying."""

from __future__ import annotations

import asyncio
import inspect
import json
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from tilth.models.base import Capabilities, Price, Reply, Request, Usage
from tilth.models.prices import FREE

EVERYTHING = Capabilities(
    completion=True, prefill=True, logprobs=True, score=True, seed=True, schema=True, tools=True, images=True, deterministic=True
)
"""All that a function can do; it has no batch API."""

ScriptFunction = Callable[[Request], "str | Reply | Awaitable[str | Reply]"]
ScoreFunction = Callable[[str, str], float]


class ScriptedModel:
    """Answers with ``function(request)``: a text, a :class:`Reply`, or a raised :class:`tilth.errors.ModelError`.

    >>> model = ScriptedModel(lambda request: "yes")
    >>> asyncio.run(model.complete(Request(prompt="Is it?"))).text, model.calls
    ('yes', 1)

    Parameters
    ----------
    function: sync or async. It must depend on the request alone for runs to be repeatable.
    name: also its identity and endpoint. can: all but batch by default. price: USD per 1M tokens; four characters of a
        text count as one token where the function gives no usage itself.
    latency: seconds before each answer; (lo, hi): uniform, drawn from `seed` in the order of calls.
    score: (prompt, continuation) -> log-probability in nats; None: minus the continuation's length in characters.
    keep: how many of the last requests are kept, at least 0.

    Attributes
    ----------
    calls: requests so far, failed ones too. open_now, open_peak: requests being answered, now and at most.
    concurrency, ceiling: as in :class:`tilth.models.base.Model`; set them where a test needs them.
    """

    def __init__(
        self,
        function: ScriptFunction,
        *,
        name: str = "scripted",
        can: Capabilities = EVERYTHING,
        latency: float | tuple[float, float] = 0.0,
        score: ScoreFunction | None = None,
        seed: int = 0,
        price: Price | None = FREE,
        keep: int = 10_000,
    ) -> None:
        self.name = self.identity = self.endpoint = name
        self.can = can
        self.price = price
        self.concurrency: int | None = None
        self.ceiling: int | None = None
        self.calls = self.open_now = self.open_peak = 0
        self._function = function
        self._score = score
        self._latency = latency
        self._stream = random.Random(seed)
        self._requests: deque[Request] = deque(maxlen=keep)

    def __repr__(self) -> str:
        return f"ScriptedModel({self.name!r})"

    @property
    def requests(self) -> list[Request]:
        """The last requests, oldest first."""
        return list(self._requests)

    async def complete(self, request: Request) -> Reply:
        """Call the function; whatever it raises is raised."""
        self.calls += 1
        self._requests.append(request)
        self.open_now += 1
        self.open_peak = max(self.open_peak, self.open_now)
        try:
            await self._wait()
            made = self._function(request)
            if inspect.isawaitable(made):
                made = await made
        finally:
            self.open_now -= 1
        reply = made if isinstance(made, Reply) else Reply(made, usage=_usage(request, made))
        reply.model = reply.model or self.identity
        return reply

    async def score(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """One log-probability per continuation, in nats."""
        self.calls += 1
        await self._wait()
        if self._score is None:
            return [-float(len(continuation)) for continuation in continuations]
        return [float(self._score(prompt, continuation)) for continuation in continuations]

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _wait(self) -> None:
        latency = self._latency
        if isinstance(latency, tuple):
            await asyncio.sleep(self._stream.uniform(*latency))
        elif latency:
            await asyncio.sleep(latency)


def _usage(request: Request, text: str) -> Usage:
    asked = request.prompt if request.messages is None else json.dumps([dict(message) for message in request.messages], default=str)
    output = len(text) // 4 + 1
    return Usage(len(asked or "") // 4 + 1, output if request.max_tokens is None else min(output, request.max_tokens))
