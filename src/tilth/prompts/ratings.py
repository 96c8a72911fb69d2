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


_SAID = r"[\"'*_`\s]*[:=][\"'*_`\s]*[\[(<]?\s*"
_WHOLE = r"(?![\w%]|[.,]\d|\s*(?:-|–|—|to\b|or\b)\s*\d)"
"""What may not follow a number: more of it, or the other end of a range, as in a form that was copied (``1-10``)."""


def rating(text: str, name: str, low: int, high: int, *, none: bool = False) -> int | None:
    """The whole number behind the last ``name:`` at the beginning of a line; ``8/10`` is 8, ``10`` is 10 and never 1.

    >>> rating("Good work.\\n**Overall Score:** 10/10", "Overall Score", 1, 10)
    10

    Parameters
    ----------
    none: whether ``N/A`` is an answer; it is None, which is no number.

    Raises
    ------
    Failure: ``no_score``, ``score_out_of_range``.
    """
    wanted = f"The reply must give '{name}: ' and a whole number from {low} to {high}{', or N/A' if none else ''}."
    heads = list(re.finditer(rf"^[#>*_\-\s]*{re.escape(name)}(?!\w){_SAID}", text, re.IGNORECASE | re.MULTILINE))
    if not heads:
        raise Failure("no_score", wanted, raw=text)
    rest = text[heads[-1].end() :]
    if none and re.match(r"(?:N\s*/\s*A|not applicable)\b", rest, re.IGNORECASE):
        return None
    found = re.match(rf"(-?\d+)(?:\.0+)?(?:\s*(?:/|out\s+of)\s*(\d+))?{_WHOLE}", rest, re.IGNORECASE)
    if found is None:
        raise Failure("no_score", wanted, raw=text)
    if not low <= int(found[1]) <= high or (found[2] is not None and int(found[2]) != high):
        raise Failure("score_out_of_range", f"'{name}' must be from {low} to {high}, not {found[0].strip()}.", raw=text)
    return int(found[1])
