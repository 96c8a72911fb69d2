"""The seam to a model: a request goes in, a reply comes out, or a `ModelError` says why not.

Everything that talks to an LLM implements :class:`Model`; what else it can do is declared in
:class:`Capabilities` and checked before the first call, never discovered by failing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Message = Mapping[str, Any]
"""One message as the OpenAI API writes it: ``role``, ``content``, and for tools ``tool_calls``, ``tool_call_id``, ``name``."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can do. A request that needs more is refused before anything is sent.

    chat: takes messages. completion: takes a raw prompt. prefill: continues the given beginning of its answer.
    logprobs: log-probability of each token it wrote. score: sum of log p(continuation | prompt).
    seed: honours a request seed. schema: constrained JSON. tools: tool calls. images: image parts.
    batch: submit / poll / fetch. deterministic: the same request and seed give the same reply.
    """

    chat: bool = True
    completion: bool = False
    prefill: bool = False
    logprobs: bool = False
    score: bool = False
    seed: bool = False
    schema: bool = False
    tools: bool = False
    images: bool = False
    batch: bool = False
    deterministic: bool = False


SAYABLE = ("chat", "completion", "prefill", "logprobs", "seed", "schema", "tools", "images")
"""Capabilities that a user may say of a model; the others are ours to know."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per 1,000,000 tokens."""

    input: float
    output: float
    cached: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. ``output`` includes reasoning tokens; ``cached`` is part of ``input``."""

    input: int = 0
    output: int = 0
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """One call. Exactly one of `messages` (chat) and `prompt` (raw text to continue) is set.

    prefill: the given beginning of the answer; the reply's text starts *after* it.
    temperature >= 0 (0: greedy). top_p in (0, 1]. max_tokens: bound on the output, reasoning included.
    seed: 31 bits, from the engine; sent only where the model takes one. schema: JSON Schema of the reply.
    logprobs: ask for the log-probability of each token written; top_logprobs: and of so many likeliest tokens at each place (0: none;
    servers give 5 to 20 at most). extra: provider's own parameters, sent as they are.
    """

    messages: tuple[Message, ...] | None = None
    prompt: str | None = None
    prefill: str = ""
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None
    schema: Mapping[str, Any] | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    logprobs: bool = False
    top_logprobs: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Reply:
    """What came back.

    finish: ``stop`` (it ended by itself), ``length`` (cut at max_tokens), ``filter`` (withheld), ``tool_calls``.
    logprobs: one (token text, log-probability) per token written, if asked for. top_logprobs: per token written the likeliest
        tokens at its place, as pairs of the same kind, likeliest first.
    model: the identity that answered. key: the journal's key (hex), set by the engine.
    value: what the prompt's parser made of the text (engine), else the text itself.
    """

    text: str
    reasoning: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    logprobs: tuple[tuple[str, float], ...] | None = None
    top_logprobs: tuple[tuple[tuple[str, float], ...], ...] | None = None
    finish: str = "stop"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    key: str = ""
    value: Any = None


@runtime_checkable
class Model(Protocol):
    """An LLM. Implementations hold no per-request state, and may be used by many tasks at once.

    name: what the user wrote, such as ``openai/gpt-4.1-mini`` or ``local/smollm2-135m``.
    identity: provider/name plus revision or weights digest; no URL, no key. Part of every call key.
    endpoint: what shares one limiter (scheme://host:port for a server, the name for anything else).
    concurrency: how many requests it is worth sending at once at first; None: the limiter finds out.
    ceiling: never more than this at once; None: no bound of its own.
    price: None when unknown (shown as unknown, and refused under a USD cap).
    """

    name: str
    identity: str
    endpoint: str
    can: Capabilities
    concurrency: int | None
    ceiling: int | None
    price: Price | None

    async def complete(self, request: Request) -> Reply:
        """Answer one request, or raise a :class:`tilth.errors.ModelError`."""
        ...

    async def close(self) -> None:
        """Let go of connections and memory. May be called twice."""
        ...


@runtime_checkable
class Scores(Protocol):
    """A model that scores given continuations."""

    async def score(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Sum of log p(continuation | prompt) for each continuation, in nats."""
        ...


@runtime_checkable
class Batches(Protocol):
    """A model that also answers whole batches, hours later and cheaper. `complete` may then raise :class:`tilth.errors.Pending`."""

    async def submit(self, requests: Sequence[Request]) -> str:
        """Send a batch; its id is journaled before the run leaves."""
        ...

    async def poll(self, batch: str) -> bool:
        """Whether it is answered."""
        ...

    async def fetch(self, batch: str) -> Sequence[Reply | Exception]:
        """One reply, or why there is none, per request in the order of `submit`."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors."""

    name: str
    identity: str

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Array of shape (len(texts), d), float32, each row of unit length."""
        ...
