"""Reads scores on a scale from a judge's reply. A reply that holds no score is *not scored*, never 0."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tilth.errors import Failure

if TYPE_CHECKING:
    from tilth.models.base import Reply
    from tilth.prompts.prompt import Parser


def scores_parser(criteria: tuple[str, ...], low: int, high: int) -> Parser:
    """Reads ``criterion: number`` lines, JSON, or a bare number where there is one criterion.

    The value maps each criterion to its score; reasons of failure: ``no_score``, ``score_out_of_range``.
    """

    def parse(reply: Reply) -> dict[str, float]:
        return {criterion: _score(criterion, reply.text, len(criteria) == 1, low, high) for criterion in criteria}

    return parse


_NUMBER = r"(-?\d+(?:\.\d+)?)"


def _score(criterion: str, text: str, alone: bool, low: int, high: int) -> float:
    named = re.search(rf"(?<!\w){re.escape(criterion)}(?!\w)[\"'*_`\s]*(?:is|of|=|:|-)?[\"'*_`\s]*{_NUMBER}", text, re.IGNORECASE)
    numbers = [named[1]] if named else (re.findall(rf"(?<![\w.]){_NUMBER}(?![\w%])", _without_scale(text, low, high)) if alone else [])
    if len(set(numbers)) != 1:
        raise Failure("no_score", f"The reply must give '{criterion}: ' and a number from {low} to {high}.", raw=text)
    score = float(numbers[0])
    if not low <= score <= high:
        raise Failure("score_out_of_range", f"'{criterion}' must be from {low} to {high}, not {score:g}.", raw=text)
    return score


def _without_scale(text: str, low: int, high: int) -> str:
    """``4/5``, ``4 out of 5`` and ``on a scale of 1 to 5`` name the scale, which is no score."""
    text = re.sub(rf"(?:/|\bout\s+of)\s*{high}\b(?!\.\d)", "", text, flags=re.IGNORECASE)
    return re.sub(rf"\bscale\s+(?:of|from)\s+{low}\s*(?:to|-|–)\s*{high}\b", "", text, flags=re.IGNORECASE)
