"""What SuperGen reads out of a continuation: its sentences with their mean log-probabilities; and its words for labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tilth.errors import Failure
from tilth.models.base import Reply
from tilth.prompts.refusals import refusal
from tilth.text.sentences import abbreviated

Form = Literal["single", "pair", "next", "acceptability"]
Likelihood = Literal["logprobs", "score"]

STARTS = ("The", "This", "It", "I", "A", "One", "What", "You")
CONNECTIVES: Mapping[str, str] = {
    "entailment": "That is to say,",
    "paraphrase": "That is to say,",
    "neutral": "Besides that,",
    "not_paraphrase": "Besides that,",
    "contradiction": "But in truth,",
}
"""Our words between two sentences: one restates, one adds, one says what is so instead."""
FRAMES: Mapping[str, str] = {"contradiction": "Rumour has it:"}
TEMPERATURES: Mapping[str, float] = {"single": 0.2, "pair": 0.0, "next": 0.0}
TOKENS: Mapping[str, int] = {"single": 40, "pair": 40, "next": 100, "acceptability": 40}

BAD = re.compile(r"[\"“”„«»\r\n]")
"""Quotation marks and line breaks: a sentence that holds one has left the single speaker or the single line."""
_END = re.compile(r"[.!?]+(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence of a continuation. text: as it was written, with the space before it; behind: what was written before it.
    logprobs: of its tokens; a token belongs to the sentence in which it begins."""

    text: str
    behind: str
    logprobs: tuple[float, ...]

    def mean(self, total: float | None = None) -> float:
        """The mean log-probability of its tokens; total: their sum, where it is known otherwise."""
        return round((sum(self.logprobs) if total is None else total) / len(self.logprobs), 6)


def spoken(reply: Reply, most: int | None = None) -> list[Spoken]:
    """The first `most` whole sentences of a continuation; what follows the last end mark is dropped, and so is a later sentence with a
    bad mark.

    Raises Failure: ``no_logprobs``, ``empty``, ``refused``, ``unfinished`` (no end of a sentence), ``bad_mark`` in the first sentence.
    """
    text = reply.text
    if not text.strip():
        raise Failure("empty", "Nothing was written.")
    if marker := refusal(text):
        raise Failure("refused", f"The reply is a refusal ({marker}).")
    if not reply.logprobs:
        raise Failure("no_logprobs", "The server sent no log-probabilities.")
    ends = [found.end() for found in _END.finditer(text) if not abbreviated(text[: found.end()])][:most]
    if not ends:
        raise Failure("unfinished", "No sentence came to its end.")
    if BAD.search(text[: ends[0]].rstrip()):
        raise Failure("bad_mark", "A quotation mark or a line break stands in the text.")
    tokens = placed(reply.logprobs)
    out = []
    for begin, end in zip([0, *ends], ends, strict=False):
        mine = tuple(logprob for at, logprob in tokens if begin <= at < end)
        if mine and not BAD.search(text[begin:end].strip()):
            out.append(Spoken(text[begin:end], text[:begin], mine))
    return out


def placed(logprobs: Sequence[tuple[str, float]]) -> list[tuple[int, float]]:
    """Where in the text each token begins, and its log-probability."""
    out, at = list[tuple[int, float]](), 0
    for token, logprob in logprobs:
        out.append((at, logprob))
        at += len(token)
    return out


def likeliest(scores: Sequence[float], most: int) -> list[int]:
    """The places of the `most` highest scores, highest first; equal ones in the order in which they came.

    >>> likeliest([-2.0, -1.0, -2.0, -3.0], 3)
    [1, 0, 2]
    """
    return sorted(range(len(scores)), key=lambda at: (-scores[at], at))[:most]
