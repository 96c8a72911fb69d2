"""Models and embedders behind any server that speaks the OpenAI API."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, InitVar, dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import orjson

from tilth.errors import Declined, Misconfigured, ModelError
from tilth.models.base import Capabilities, Price, Reply, Request
from tilth.models.keys import Secret, split_address
from tilth.models.openai_body import STANDARD, Dialect, NotAReply, reply_of, request_body
from tilth.models.problems import Speaker, from_body
from tilth.models.wire import OnHeaders, Wire

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

COMPATIBLE = Capabilities(completion=True, logprobs=True, seed=True, schema=True, tools=True, images=True)
"""What a server that calls itself compatible is taken to do. Prefill is not in the API; vLLM has it."""

TIMEOUT = 600.0
"""Seconds for one request: a slow reasoning model needs minutes."""


@dataclass(eq=False, repr=False)
class OpenAIServer:
    """A name at an address, with its connections: what models and embedders have in common.

    Parameters
    ----------
    name: what the user wrote; its part before the first ``/`` is the provider in error lines.
    base_url: address up to and without ``/chat/completions``. A user part is sent as basic authorization, never shown.
    model: the server's name of the model; None: `name` without provider and address.
    key_env: environment variable that holds the key; None or unset: no key is sent.
    identity: part of every call key; "": `name` without address.
    timeout: seconds for one request. role: for error lines. env: where to look for the key; None: this process's.

    Raises
    ------
    RequestError: `base_url` is no address.
    """

    name: str
    _: KW_ONLY
    base_url: str
    model: str | None = None
    key_env: str | None = None
    identity: str = ""
    timeout: float = TIMEOUT
    role: str = "generator"
    env: InitVar[Mapping[str, str] | None] = None

    def __post_init__(self, env: Mapping[str, str] | None) -> None:
        self.name = _shown(self.name)
        bare = self.name.partition("@http")[0]
        provider, _, rest = bare.partition("/")
        self.identity = self.identity or bare
        self.model = self.model or rest or bare
        self.base_url, query, hidden, user = split_address(self.base_url)
        key = (os.environ if env is None else env).get(self.key_env or "") or None
        secret = Secret.bearer(key.strip()) if key else Secret.basic(*user) if user else Secret()
        parts = urlsplit(self.base_url)
        self.endpoint = f"{parts.scheme}://{parts.netloc}"
        self.speaker = Speaker(provider, self.model, bare, self.endpoint, self.key_env, self.role, secret.joined(hidden))
        self.wire = Wire(self.base_url, query, self.speaker, self.timeout)
        self._known: list[str] | None = None
        self._asking: asyncio.Lock | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.endpoint!r})"

    @property
    def on_headers(self) -> OnHeaders | None:
        """Called with the headers of every reply, errors too (rate limits stand there); None: nobody listens."""
        return self.wire.on_headers

    @on_headers.setter
    def on_headers(self, listener: OnHeaders | None) -> None:
        self.wire.on_headers = listener

    async def names(self) -> list[str]:
        """Names of the server's models, sorted (``GET /models``). Raises a `ModelError` where it has no such list."""
        body = await self.wire.get("/models")
        try:
            return sorted(str(each["id"]).removeprefix("models/") for each in orjson.loads(body)["data"])
        except (ValueError, KeyError, TypeError):
            raise from_body(self.speaker, body, "the list of models is malformed") from None

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self.wire.close()

    async def _suggest(self, error: Misconfigured) -> Misconfigured:
        """The same error, with the nearest of the server's model names where it is about the name."""
        if "has no model" not in error.what:
            return error
        if self._asking is None:
            self._asking = asyncio.Lock()  # belongs to the running loop, so it is not made before
        async with self._asking:  # asked for once; of many requests that fail together, the first must not go without
            if self._known is None:
                try:
                    self._known = await self.names()
                except ModelError:
                    self._known = []  # the suggestion is a courtesy
        return self.speaker.no_model(self._known)


@dataclass(eq=False, repr=False)
class OpenAIModel(OpenAIServer):
    """A model behind ``/chat/completions`` and ``/completions``; a :class:`tilth.models.base.Model`.

    >>> OpenAIModel("openai/gpt-4.1-mini", base_url="https://me:secret@example.org/v1")
    OpenAIModel('openai/gpt-4.1-mini', 'https://example.org')

    Parameters (besides those of :class:`OpenAIServer`)
    ----------
    can: what it claims to do; guessed: nobody claimed it, the API has it. dialect: where the server differs. price: None is unknown.
    concurrency, ceiling: requests at once, at first and at most; None: the limiter finds out.
    """

    _: KW_ONLY
    can: Capabilities = COMPATIBLE
    guessed: bool = False
    dialect: Dialect = STANDARD
    price: Price | None = None
    concurrency: int | None = None
    ceiling: int | None = None

    async def complete(self, request: Request) -> Reply:
        """Answer one request.

        Raises
        ------
        Throttled, Unavailable: ask again. Declined: this request will not be answered. Misconfigured: none will.
        """
        try:
            body = request_body(self.model or "", request, self.can, self.dialect)
        except TypeError as error:  # from orjson, or from our own default: lone surrogates, objects that are no JSON
            raise Declined(f"the request cannot be written as JSON: {error}") from None
        chat = request.messages is not None
        if request.prefill and chat and not self.can.prefill:
            raise Declined(f"{self.identity} cannot continue a given beginning of its answer (prefill)")
        try:
            answer = await self.wire.post("/chat/completions" if chat else "/completions", body)
            return reply_of(answer, self.identity)
        except NotAReply as error:
            raise from_body(self.speaker, answer, str(error)) from None
        except Misconfigured as error:
            if error.status != 404:
                raise
            problem = await self._suggest(error)
        raise problem


@dataclass(eq=False, repr=False)
class OpenAIEmbedder(OpenAIServer):
    """An embedder behind ``/embeddings``; vectors are made unit length, so a dot product is the cosine.

    Parameters (besides those of :class:`OpenAIServer`)
    ----------
    batch: texts per request (providers allow 100 to 2,048).
    dimensions: ask for shorter vectors where the model offers it.
    price: None is unknown.
    """

    _: KW_ONLY
    batch: int = 96
    dimensions: int | None = None
    price: Price | None = None
    can: ClassVar[Capabilities] = Capabilities(chat=False)
    concurrency: ClassVar[int | None] = None
    ceiling: ClassVar[int | None] = None

    def __post_init__(self, env: Mapping[str, str] | None) -> None:
        super().__post_init__(env)
        if self.dimensions is not None:  # other vectors, so another identity
            self.identity += f"?dimensions={self.dimensions}"

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Array of shape (len(texts), d), float32, each row of unit length. Raises a `ModelError`."""
        import numpy as np

        parts = [await self._embed(texts[at : at + self.batch]) for at in range(0, len(texts), self.batch)]
        if not parts:
            return np.zeros((0, self.dimensions or 0), dtype=np.float32)
        made = np.concatenate(parts)
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        unit: npt.NDArray[np.float32] = made / np.maximum(lengths, np.float32(1e-12))
        return unit

    async def _embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        import numpy as np

        # an empty string is refused by most servers; a space stands for it
        job: dict[str, Any] = {"model": self.model, "input": [text or " " for text in texts], "encoding_format": "float"}
        if self.dimensions is not None:
            job["dimensions"] = self.dimensions
        try:
            body = orjson.dumps(job)
        except TypeError as error:
            raise Declined(f"the texts cannot be written as JSON: {error}") from None
        try:
            answer = await self.wire.post("/embeddings", body)
        except Misconfigured as error:
            if error.status != 404:
                raise
            problem = await self._suggest(error)
        else:
            try:
                data = sorted(orjson.loads(answer)["data"], key=lambda each: each.get("index", 0))
                made = np.asarray([each["embedding"] for each in data], dtype=np.float32)
            except (ValueError, KeyError, TypeError, AttributeError):
                made = np.zeros(0, dtype=np.float32)
            if made.ndim == 2 and len(made) == len(texts) and np.isfinite(made).all():
                return made
            raise from_body(self.speaker, answer, "the embeddings are malformed")
        raise problem


def _shown(name: str) -> str:
    """The name as it may be shown: an address in it loses its user part and its query."""
    bare, found, address = name.partition("@http")
    return f"{bare}@{split_address('http' + address)[0]}" if found else name
