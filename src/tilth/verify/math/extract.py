"""The final answer in a text, by a declared convention; None rather than a guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...errors import RequestError
from ...records.hints import did_you_mean
from .normal import normalise

CONVENTIONS: Mapping[str, tuple[str, ...]] = {
    "auto": ("stated", "whole"),
    "gsm8k": ("hash", "phrase"),
    "math": ("boxed",),
    "metamath": ("phrase", "boxed", "last_number"),
    "unknown": ("unknown",),
    "choice": ("stated_choice",),
    "whole": ("whole",),
    "last_number": ("last_number",),
}
"""Convention to its rules, in the order in which they are tried; the first that finds something decides.

auto: what is stated last by "####", a phrase or a box; else the text itself where it is short. gsm8k: Cobbe et al. 2021.
math: the last box, Hendrycks et al. 2021. metamath: MetaMath's own order. unknown: what "the value of x is" names, as in its backward
questions. Only `metamath` and `last_number` take a last
number that nobody called the answer: in other texts it is often a year, a unit or a step.
"""

_PHRASE = re.compile(
    r"""\b(?:final[ ])?answer(?:[ ]is|[ ]=|:|[ ]to[ ]the[ ]question[ ]is)+(?:[ ]therefore|[ ]thus|[ ]then)?\**:?
    |(?-i:^A:)(?=[ ]*[-$(\\.\d][^\n]{0,40}\s*\Z)""",  # the last line "A: 18"; "A: Let us think" is no answer
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_UNKNOWN = re.compile(r"\bvalue of (?:the unknown )?(?:variable )?\$?[a-z]\$? (?:is|=):?", re.IGNORECASE)
_STOP = re.compile(r"[.!?](?=\s|$|\*\*)|,?\s+(?:because|since|which|where|as desired)\b|,\s+(?:so|and|then)\b|\n|I hope", re.IGNORECASE)
_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])")
_NUMBER = re.compile(r"(?<![\w.])[-−]?\$?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?|(?<![\w.])[-−]?\$?\.\d+%?")
_CHOICE = re.compile(r"\(?([A-J])\)?(?:[.:)]|$|\s+[-–]|\s*\n)")
_MATH_AHEAD = re.compile(r"\s*(\$\$.+?\$\$|\$(?![\d.,]+(?:\s|$|\.))[^$\n]+\$|\\\(.+?\\\)|\\\[.+?\\\])", re.DOTALL)
SHORT = 60
"""Characters of a text that may itself be the answer."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """answer: None where there is none. rule: which one found it, or failed for good.

    problem: ``no_answer``, ``unbalanced`` (a box that is never closed) or ``several`` (boxes that differ).
    """

    answer: str | None
    rule: str
    problem: str = ""


def extract(text: str | None, convention: str | Sequence[str] = "auto", *, several: bool = True) -> Extracted:
    """The final answer of `text`.

    >>> extract("So 3 + 4 = 7.\\n#### 7").answer, extract("thus \\\\boxed{x^{2}}.").answer, extract("2024 was a year.\\nSo it was.").answer
    ('7', 'x^{2}', None)

    Parameters
    ----------
    convention: a name of `CONVENTIONS`, or rules of your own in their order.
    several: take the last of several boxes that differ; False: they are no answer (OpenMathInstruct drops such solutions).

    Raises
    ------
    RequestError: there is no such convention or rule.
    """
    rules = _rules(convention)
    if not (text or "").strip():
        return Extracted(None, rules[0], "no_answer")
    assert text is not None
    if not several and len({normalise(one) for one in boxes(text) if one is not None}) > 1:
        return Extracted(None, "boxed", "several")
    for name in rules:
        found = _RULES[name](text)
        if found is not None:
            return found
    return Extracted(None, rules[-1], "no_answer")


def gold_answer(text: object) -> str:
    """The answer that a gold text states by "####", a phrase or a box; else the text itself. Published sets hold both.

    >>> gold_answer("15 + 3 = <<15+3=18>>18\\n#### 18"), gold_answer(" 18 ")
    ('18', '18')
    """
    whole = str(text).strip()
    found = _stated(whole)
    return found.answer if found and found.answer else whole


def boxes(text: str) -> list[str | None]:
    """The content of every \\boxed, in order, with matched braces; None for one that is never closed."""
    return [_box(text, found.end()) for found in _BOX.finditer(text)]


def _rules(convention: str | Sequence[str]) -> Sequence[str]:
    if isinstance(convention, str):
        if convention not in CONVENTIONS:
            what = f"no convention is called '{convention}'.{did_you_mean(convention, CONVENTIONS)}"
            raise RequestError(what, code="verify.convention")
        return CONVENTIONS[convention]
    unknown = [name for name in convention if name not in _RULES]
    if unknown or not convention:
        name = unknown[0] if unknown else ""
        raise RequestError(f"no rule is called '{name}'. There are: {', '.join(_RULES)}.", code="verify.convention")
    return convention


def _box(text: str, at: int) -> str | None:
    while at < len(text) and text[at] == " ":
        at += 1
    if at >= len(text) or text[at] != "{":
        return text[at:].split("$")[0].split()[0] if text[at:].split("$")[0].split() else None  # \boxed 5
    depth = 0
    for end in range(at, len(text)):
        escaped = text[end - 1] == "\\"
        if text[end] == "{" and not escaped:
            depth += 1
        elif text[end] == "}" and not escaped:
            depth -= 1
            if depth == 0:
                return text[at + 1 : end].strip()
    return None


def _last_box(text: str, rule: str = "boxed") -> Extracted | None:
    found = boxes(text)
    if not found:
        return None
    return Extracted(found[-1] or None, rule, "" if found[-1] else "unbalanced" if found[-1] is None else "no_answer")


def _hash(text: str) -> Extracted | None:
    if "####" not in text:
        return None
    lines = text.rpartition("####")[2].strip().splitlines()
    return _given(lines[0] if lines else "", "hash")


def _phrase(text: str) -> Extracted | None:
    """What follows the last phrase such as "the answer is", up to the end of its sentence or formula."""
    return _after(_PHRASE, text, "phrase")


def _unknown(text: str) -> Extracted | None:
    return _after(_UNKNOWN, text, "unknown")


def _after(phrase: re.Pattern[str], text: str, rule: str) -> Extracted | None:
    found = list(phrase.finditer(text))
    if not found:
        return None
    rest = text[found[-1].end() :].lstrip()
    stop, box, formula = _STOP.search(rest), _BOX.search(rest), _MATH_AHEAD.match(rest)
    end = formula.end() if formula else stop.start() if stop else len(rest)
    if box and box.start() < end:
        content = _box(rest, box.end())
        return Extracted(content or None, rule, "" if content else "unbalanced" if content is None else "no_answer")
    return _given(formula[1] if formula else rest[:end].strip(" *"), rule)


def _stated(text: str) -> Extracted | None:
    """Whichever of "####", a phrase and a box stands last in the text."""
    hashes, phrases, found = text.rfind("####"), list(_PHRASE.finditer(text)), list(_BOX.finditer(text))
    last = {_hash: hashes, _phrase: phrases[-1].start() if phrases else -1, _last_box: found[-1].start() if found else -1}
    rule = max(last, key=lambda one: last[one])
    return rule(text) if last[rule] >= 0 else None


def _stated_choice(text: str) -> Extracted | None:
    """One letter: what is stated must be the letter, or begin with it and a mark; "A train leaves" is no choice."""
    stated = _stated(text) or Extracted(text, "whole")
    if stated.answer is None:
        return stated
    found = _CHOICE.match(normalise(stated.answer))
    return Extracted(found[1], stated.rule) if found else Extracted(None, stated.rule, "no_answer")


def _whole(text: str) -> Extracted | None:
    """The text itself, where it is one short line, or a formula in its marks."""
    text = text.strip()
    formula = re.fullmatch(r"\$[^$]+\$|\\begin\{.*\}|[^a-z]*", text, re.DOTALL)
    if "\n" in text or (len(text) > SHORT and not formula):
        return None
    words = re.findall(r"(?<![\\A-Za-z])[A-Za-z]{2,}", re.sub(r"\\text\{[^}]*\}", "", text))
    return Extracted(text, "whole") if len(words) <= 5 else None


def _last_number(text: str) -> Extracted | None:
    found = _NUMBER.findall(text)
    return Extracted(found[-1].rstrip(",").replace("$", ""), "last_number") if found else None


def _given(answer: str, rule: str) -> Extracted:
    answer = answer.strip()
    return Extracted(answer or None, rule, "" if answer else "no_answer")


_RULES: Mapping[str, Callable[[str], Extracted | None]] = {
    "hash": _hash,
    "phrase": _phrase,
    "unknown": _unknown,
    "boxed": _last_box,
    "stated": _stated,
    "stated_choice": _stated_choice,
    "whole": _whole,
    "last_number": _last_number,
}
