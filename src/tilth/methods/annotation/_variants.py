"""CoAnnotating's ways of asking one question, each with a reader of its own: nothing that one variant says is read by another's rules."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence

from tilth.errors import Failure
from tilth.models.base import Reply
from tilth.prompts import parsers
from tilth.prompts.parsers import Parser, match_label
from tilth.prompts.refusals import refusal

LETTERS = string.ascii_uppercase
NAMED = ("instruction", "text_first", "classify", "question", "multiple_choice")
OF_TWO = ("true_false", "true_false_negated", "yes_no", "yes_no_negated")
OF_MORE = ("one_true", "one_false")

_LEAD = r"^(?:the\s+)?(?:(?:right|correct|best|my)\s+)?(?:answer|option|choice|label|statement|number)?(?:\s+is)?\s*[:#]?\s*"
_LETTER = re.compile(_LEAD + r"(?P<open>\()?(?P<letter>[A-Za-z])(?P<close>[).:])?(?=$|[\s,;.)-])(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(_LEAD + r"\(?(\d{1,3})\b(?!\s*(?:or|and|/|,)\s*\d)", re.IGNORECASE)
_TRUTH = re.compile(r"\b(not\s+true|untrue|not\s+false|true|false)\b", re.IGNORECASE)
_AGREE = re.compile(r"^(?:i\s+)?(?:(?:do\s+)?(?P<no>no|not\s+agree|don't\s+agree|disagree)|(?P<yes>yes|agree))\b", re.IGNORECASE)
_SURE = re.compile(
    r"^(?P<label>.+?)[;,|\n]\s*(?:confidence\s*[:=]?\s*)?(?P<number>\d*\.?\d+)\s*(?P<percent>%?)\W*$", re.IGNORECASE | re.DOTALL
)


def variants(labels: Sequence[str]) -> tuple[str, ...]:
    """The variants that fit so many labels: 9 for two; 7 for more, where statements about one label cannot name the others."""
    named = NAMED if len(labels) <= len(LETTERS) else tuple(name for name in NAMED if name != "multiple_choice")
    return (*named, *(OF_TWO if len(labels) == 2 else OF_MORE))


def reader(variant: str, labels: Sequence[str]) -> Parser:
    """Turns the reply to a variant into a label, or raises Failure: then it counts as another answer, never as a guess."""
    if variant == "multiple_choice":
        return _reading(lambda body: _lettered(body, labels))
    if variant in OF_MORE:
        return _reading(lambda body: _numbered(body, labels))
    if variant in OF_TWO:
        judged = _true if variant.startswith("true_false") else _agreed
        negated = variant.endswith("_negated")
        return _reading(lambda body: None if (said := judged(body)) is None else labels[int(said is negated)])
    return parsers.label(labels)


def sure_reader(labels: Sequence[str]) -> Callable[[Reply], tuple[str, float]]:
    """A label and how sure the model says it is, from 0 to 1 (or in per cent)."""

    def parse(reply: Reply) -> tuple[str, float]:
        found = _SURE.match(_said(reply))
        label = match_label(parsers.clean(found["label"]), labels) if found else None
        sure = float(found["number"]) / (100 if found["percent"] else 1) if found else -1.0
        if label is None or not 0 <= sure <= 1:
            raise Failure("not_label_and_confidence", "The reply must be a label, a semicolon and a number from 0 to 1.", raw=reply.text)
        return label, sure

    return parse


def _reading(read: Callable[[str], str | None]) -> Parser:
    def parse(reply: Reply) -> str:
        label = read(_said(reply))
        if label is None:
            raise Failure("not_an_answer", "The reply is none of the answers that were asked for.", raw=reply.text)
        return label

    return parse


def _said(reply: Reply) -> str:
    """The reply without markup; what was withheld or declined is no answer."""
    body = re.sub(r"[*`\"]+", "", reply.text).strip()
    if not body or reply.finish == "filter" or refusal(body):
        raise Failure("refused" if body else "empty", "The reply holds no answer.", raw=reply.text)
    return body


def _lettered(body: str, labels: Sequence[str]) -> str | None:
    """By the first letter, where it stands alone; "A customer asks" is prose. Else by the only label that is named."""
    found = _LETTER.match(body)
    if found:
        at = LETTERS.find(found["letter"].upper())
        marked = found["open"] or found["close"] or not found["rest"].strip(" .)")
        named = 0 <= at < len(labels) and found["rest"].strip(" :.)-\n").casefold().startswith(labels[at].casefold())
        if 0 <= at < len(labels) and (marked or named):
            return labels[at]
    return match_label(parsers.clean(body), labels)


def _numbered(body: str, labels: Sequence[str]) -> str | None:
    """By the number at the beginning, else by the only number in the reply."""
    found = _NUMBER.match(body)
    numbers = {found[1]} if found else set(re.findall(r"\b\d{1,3}\b", body))
    if len(numbers) != 1:
        return None
    at = int(numbers.pop()) - 1
    return labels[at] if 0 <= at < len(labels) else None


def _true(body: str) -> bool | None:
    """Whether the statement is called true; "not true" is false."""
    found = [one.lower().replace("not ", "un") for one in _TRUTH.findall(re.sub(r"\s+", " ", body))]
    verdicts = {one in ("true", "unfalse") for one in found}
    if len(verdicts) == 1:
        return verdicts.pop()
    leading = re.match(r"(true|false)\b", body, re.IGNORECASE)
    return leading[1].lower() == "true" if leading else None


def _agreed(body: str) -> bool | None:
    """Whether the first word agrees."""
    found = _AGREE.match(body)
    return None if found is None else found["yes"] is not None
