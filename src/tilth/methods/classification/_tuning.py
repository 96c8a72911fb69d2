"""The work of soft prompting that is done once and journaled: tuning conditions, and sampling from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from tilth.errors import require
from tilth.models.local.weights import path_of
from tilth.train.ngram import NgramLM
from tilth.train.soft_prompts import SoftPrompts
from tilth.train.tunable import Decoding, FrozenLM, Objective, State

Backend = Literal["ngram", "smollm2-135m"]
VERSION = 1
"""Raised where a change of `tilth.train` must give other results: ``run.do`` sees only the functions here."""


def tuned(given: Mapping[str, Any], corpus: Sequence[str], rows: Sequence[str], conditions: Any, contexts: Any, objective: Any) -> Any:
    """The conditions that `rows` teach, packed as JSON. given: backend, and how the prompts are made (see :func:`prompts_of`)."""
    made = prompts_of(given, corpus)
    return made.fit(rows, conditions, Objective(**objective), contexts=contexts).packed()


def sampled(given: Mapping[str, Any], corpus: Sequence[str], packed: Mapping[str, Any], wanted: Any, decoding: Any) -> Any:
    """One text for each of `wanted` (attributes, context, seed), with its mean log-probability."""
    made = prompts_of(given, corpus)
    made.restore(State.unpacked(packed))
    out = []
    for attributes, context, seed in wanted:
        (written,) = made.sample(attributes, 1, Decoding(**decoding, seed=seed), context=context)
        mean = sum(p for _, p in written.tokens) / max(1, len(written.tokens))
        out.append({"text": written.text, "finish": written.finish, "logprob": round(mean, 6)})
    return out


def prompts_of(given: Mapping[str, Any], corpus: Sequence[str]) -> SoftPrompts:
    """Untuned prompts over the frozen model of a backend; `given` holds backend, attributes, instruction, mixture, lengths, seed."""
    more = {name: value for name, value in given.items() if name not in ("backend", "attributes", "dimension")}
    return SoftPrompts(model_of(given["backend"], tuple(corpus), given["dimension"]), given["attributes"], **more)


def ready(backend: Backend) -> None:
    """Raise MissingExtra or RequestError ``model.not_pulled`` now, where a backend lacks what it needs; loads no weights."""
    if backend != "ngram":
        require("torch", extra="train", feature="tuning the embedded model")
        path_of(backend)


def model_of(backend: Backend, corpus: tuple[str, ...], dimension: int) -> FrozenLM:
    """The frozen model: n-grams of the corpus, or the embedded weights."""
    if backend == "ngram":
        return _counted(corpus, dimension)
    from tilth.train.llama import shared_llama

    return shared_llama(backend)


@lru_cache(maxsize=1)  # counting a large corpus takes longer than sampling a part of the texts
def _counted(corpus: tuple[str, ...], dimension: int) -> NgramLM:
    return NgramLM.of(corpus, dimension=dimension)
