"""``local/smollm2-135m``: the embedded LLM as a :class:`tilth.models.base.Model`.

Exact by default: the same request and seed give the same text alone, in any batch and after a restart, on one type of
CPU. ``fast=True`` (``local?fast``) uses OpenVINO's default precisions: about twice the speed, but a reply then
depends on what else is in the batch, and a run with it is marked not reproducible.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from tilth.errors import Declined
from tilth.models.base import Capabilities, Price, Reply, Request, Usage
from tilth.models.local.chat import text_of
from tilth.models.local.weights import LLMS, is_pulled, path_of, pin_of

if TYPE_CHECKING:
    from tilth.models.local.engine import Engine, Generated

MAX_TOKENS: Final = 256
"""Bound on a reply where the request has none: the model seldom says anything new after that."""

EXTRAS: Final = frozenset({"top_k", "min_p", "repetition_penalty", "no_repeat_ngram_size", "min_new_tokens"})
"""Own parameters that ``Request.extra`` may carry."""


class LocalModel:
    """A small LLM in this process. All instances of one name and mode share one loaded pipeline.

    name: ``smollm2-135m``. fast: OpenVINO's default precisions; not reproducible.

    Weights are loaded in a thread at the first call; without them that call raises RequestError
    ``model.not_pulled`` (:meth:`check` raises it before). Log-probabilities are the model's own, before temperature.
    """

    endpoint = "local"
    concurrency: int | None = 32
    ceiling: int | None = 64
    price: Price | None = Price(0.0, 0.0)

    def __init__(self, name: str = "smollm2-135m", *, fast: bool = False) -> None:
        self._pin = pin_of(name)
        self._fast = fast
        self.name = f"local/{self._pin.name}" + ("?fast" if fast else "")
        self.identity = f"local/{self._pin.name}@{self._pin.digest[:12]}+f16" + ("?fast" if fast else "")
        self.can = Capabilities(
            chat=True, completion=True, prefill=True, logprobs=True, score=True, seed=True, schema=True, deterministic=not fast
        )

    def check(self) -> None:
        """Raise RequestError ``model.not_pulled`` or MissingExtra now rather than at the first call; loads nothing."""
        from tilth.errors import require

        path_of(self._pin)
        require("openvino_genai", extra="local", feature="the embedded model")

    async def complete(self, request: Request) -> Reply:
        """Answer one request together with all others in flight. Raises Declined (too long, bad schema or parameter)."""
        from tilth.models.local.engine import Job, shared_engine

        text, settings, schema = text_of(request), _settings(request), _schema_text(request.schema)
        engine = shared_engine(self._pin.name, exact=not self._fast)
        job = Job(text, settings, schema, context=self._pin.context)
        generated = await asyncio.wrap_future(engine.submit(job))
        return _reply(engine, generated, request, self.identity)

    async def score(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Sum of log p(continuation | prompt) in nats, rounded to 5 decimals. See :mod:`tilth.models.local.scoring`."""
        from tilth.models.local.scoring import shared_scorer

        scorer = shared_scorer(self._pin.name)
        return await asyncio.wrap_future(scorer.submit(prompt, tuple(continuations)))

    async def close(self) -> None:
        """Nothing to do: the pipeline belongs to the process; :func:`tilth.models.local.unload` frees it."""


def unload() -> None:
    """End this process's background threads and free the loaded models; later calls load them again."""
    import sys

    from tilth.models.local.embedder import unload_encoders

    unload_encoders()
    if "tilth.models.local.engine" not in sys.modules:
        return
    from tilth.models.local.engine import shared_engine
    from tilth.models.local.scoring import shared_scorer

    for name in LLMS:
        if is_pulled(name):
            shared_engine(name, exact=True).close()
            shared_engine(name, exact=False).close()
            shared_scorer(name).close()


def _settings(request: Request) -> dict[str, Any]:
    unknown = sorted(set(request.extra) - EXTRAS)
    if unknown:
        raise Declined(f"the embedded model has no parameter '{unknown[0]}' (it has: {', '.join(sorted(EXTRAS))})")
    settings: dict[str, Any] = {
        "max_new_tokens": MAX_TOKENS if request.max_tokens is None else max(1, request.max_tokens),
        "do_sample": request.temperature > 0,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
        "stop_strings": {stop for stop in request.stop if stop},
        "rng_seed": request.seed or 0,
    }
    if request.temperature > 0:
        settings |= {"temperature": request.temperature, "top_p": request.top_p}
    return settings | dict(request.extra)


def _schema_text(schema: Mapping[str, Any] | None) -> str | None:
    """The schema as JSON; a malformed one is declined here, as it would stop the whole batch later."""
    if schema is None:
        return None
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise Declined(f"not a JSON Schema: {error.message}") from None
    return json.dumps(schema)


def _reply(engine: Engine, generated: Generated, request: Request, identity: str) -> Reply:
    from tilth.models.local.engine import ENDS

    ids, logprobs = generated.ids, generated.logprobs
    ended = bool(ids) and ids[-1] in ENDS
    if ended:
        ids, logprobs = ids[:-1], logprobs[:-1]
    whole = engine.decode(ids)
    text = cut_at_stop(whole, request.stop, halted=not ended and not generated.cut)
    stopped = len(text) < len(whole) or not generated.cut
    pieces = _pieces(engine, ids, logprobs, text) if request.logprobs else None
    return Reply(
        text=text if stopped else text.rstrip("\ufffd"),  # a bound may cut a character of several tokens
        logprobs=pieces,
        finish="stop" if stopped else "length",
        usage=Usage(input=generated.input, output=len(generated.ids)),
        model=identity,
    )


def cut_at_stop(text: str, stops: Sequence[str], *, halted: bool = False) -> str:
    """`text` before the first occurrence of any stop string.

    halted: generation ended at a stop string. OpenVINO then drops a last token that the stop string covers in part
    (``"s "`` over `` was| a``), so that only its beginning is left at the end of the text: that goes too.

    >>> cut_at_stop("a. b!", ["!", "."])
    'a'
    >>> cut_at_stop("it was", ["s a"], halted=True)
    'it wa'
    """
    found = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
    if found:
        return text[: min(found)]
    begun = [n for stop in stops for n in range(1, len(stop)) if text.endswith(stop[:n])] if halted else []
    return text[: len(text) - max(begun, default=0)]


def _pieces(engine: Engine, ids: list[int], logprobs: list[float], text: str) -> tuple[tuple[str, float], ...]:
    """Token texts with their log-probabilities, up to the token in which `text` ends."""
    pieces: list[tuple[str, float]] = []
    covered = 0
    for token, logprob in zip(ids, logprobs, strict=True):
        if covered >= len(text):
            break
        piece = engine.decode([token])
        covered += len(piece)
        pieces.append((piece, logprob))
    return tuple(pieces)
