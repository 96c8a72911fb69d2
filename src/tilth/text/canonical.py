"""One form for all writings of a text: what stays different afterwards is a difference in meaning, or a misspelling.

Case, punctuation, white space, unicode forms, contractions, numerals against words, plural -s, British against American
spelling, openings ("Could you please"), closings ("Thanks in advance.") and articles are written alike or left out.
Programs are only freed of trailing blanks and empty lines: there, case, punctuation and indentation mean something.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import NamedTuple

from tilth.text import lexicon
from tilth.text.ngrams import PICTURES, UNSPACED, marks

_MAY_BE_CODE = re.compile(r"[{};=<>\[(|&]")
_CODE = re.compile(
    r"""[{};]\s*$ | ^\s*(?:def|class)\s\w+.*:\s*$ | ^\s*(?:const|let|var)\s\w+\s*= | ^\s*(?:import|from|\#include)\s\S+
      | \w\((?!e?s\))[^()]{0,80}\) | [=!<>]= | </?\w+[^<]*> | \w\[\w+\] | => | -> | && | \|\|
      | \bSELECT\b.*\bFROM\b | \w=\w | ^\s*\w+\s=\s""",
    re.VERBOSE | re.MULTILINE,
)
_CODE_TOKEN = re.compile(r"\n[ \t]*(?=\S)|\w+|[^\w\s]")
# Each alternative begins with the character it takes, and looks behind after that: then the regular expression engine can
# pass over an alternative by its first character, which makes it twice as fast.
_OPERATORS = "|".join(
    (
        r"[+/^<>=%$€£¥&]",
        r"-(?:(?<![^\W\d_][^\W\d_]-)(?=\s?\.?\d)|(?<=\b[a-z]-)(?=[a-z]\b)|(?<=\b[a-z]\s-)(?=\s[a-z]\b))",  # no hyphen
        r"\*(?:(?<=[\w)]\*)(?=[\w(])|(?<=[\w)]\s\*)(?=\s[\w(]))",  # no emphasis
    )
)
_NUMBER = r"\d+(?:[.,:]\d+)*(?:(?:st|nd|rd|th)\b)?"
_TWENTY_FIVE = re.compile(rf"\b({'|'.join(lexicon.TENS)})-({'|'.join(lexicon.SMALL[1:10])})\b")
_E_WORDS = re.compile(r"\be-(?=mail|commerce|book|learning)")
_TRANSLATED = {
    **{ord(c): "'" for c in "’‘ʼ`´′＇"},
    **{ord(c): "-" for c in "‐‑‒–—−―"},
    **dict.fromkeys((0x200B, 0xFEFF, 0xAD, 0x2060, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    **{ord(c): f"^{n}" for n, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{ord(c): f" {form}" for c, form in zip("½⅓⅔¼¾⅛", ("1/2", "1/3", "2/3", "1/4", "3/4", "1/8"), strict=True)},
    ord("×"): "*", ord("÷"): "/", ord("≤"): "<=", ord("≥"): ">=", ord("⁄"): "/",
}  # fmt: skip


class Canonical(NamedTuple):
    """code: the text is a program. tokens: raw tokens, each still to be mapped by `forms`."""

    code: bool
    tokens: list[str]


@functools.cache
def _prose(ascii_only: bool) -> re.Pattern[str]:
    if ascii_only:
        return re.compile(rf"[a-z](?:(?:\.[a-z])+\b\.?|(?:\+\+|\#)(?!\w)|[a-z]*)|{_NUMBER}|{_OPERATORS}")
    dotted = r"[a-z](?:\.[a-z])+\b\.?|[a-z](?:\+\+|\#)(?!\w)"
    letters = f"[{UNSPACED}][{marks()}]*|(?:(?![{UNSPACED}])[^\\W\\d_]|[{marks()}\u200c\u200d])+"
    return re.compile(f"{dotted}|{letters}|{_NUMBER}|{_OPERATORS}|[{PICTURES}]")


def is_code(text: str) -> bool:
    """Whether a text looks like a program or holds one.

    >>> is_code("def f(x):\\n    return x"), is_code("Name the product(s) of 3 and 4.")
    (True, False)
    """
    return bool(_MAY_BE_CODE.search(text)) and bool(_CODE.search(text))


def canonical(text: str) -> Canonical:
    """The raw tokens of a text, after everything that must be seen in its context: openings, contractions, closings."""
    if is_code(text):
        return Canonical(True, _code_tokens(text))
    plain = text.isascii()
    if not plain:
        text = unicodedata.normalize("NFKC", text.translate(_TRANSLATED)).translate(_TRANSLATED)
        plain = text.isascii()
    text = text.lower() if plain else text.casefold()
    text = _without_opening(text)
    if "'" in text:
        for pattern, expanded in lexicon.CONTRACTED:
            text = pattern.sub(expanded, text)
    if "e-" in text:
        text = _E_WORDS.sub("e", text)
    if "ty-" in text:
        text = _TWENTY_FIVE.sub(lambda found: str(sum(int(lexicon.NUMERALS[part]) for part in found.groups())), text)
    tokens = _prose(plain).findall(text)
    if tokens and tokens[-1] in lexicon.COURTESY:
        tokens = _without_closing(tokens)
    return Canonical(False, tokens or text.split())


def _code_tokens(text: str) -> list[str]:
    lines = "\n".join(line.rstrip() for line in text.splitlines() if line.strip())
    return _CODE_TOKEN.findall(lines.strip()) or [text]


def _without_opening(text: str) -> str:
    text = text.strip().strip('"“”*_').strip() or text
    while opening := lexicon.OPENING.match(text):
        if opening.end() == len(text):
            break
        text = text[opening.end() :].strip('"“”*_')
    return f"answer{text[1:]}" if text.startswith("a:") else text  # else it would pass for an article


def _without_closing(tokens: list[str]) -> list[str]:
    """Tokens without the courtesies at the end, unless nothing else is there.

    The closing is the longest run of courtesy words that begins with a word that begins courtesies.
    """
    first = len(tokens)
    while first and tokens[first - 1] in lexicon.COURTESY:
        first -= 1
    for start in range(first, len(tokens)):
        rest = tokens[start:]
        if tokens[start] in lexicon.COURTESY_FIRST and not lexicon.COURTESY_CORE.isdisjoint(rest):
            return tokens[:start] or tokens
    return tokens


def forms(token: str, code: bool = False) -> tuple[str, ...]:
    """What a raw token stands for: usually one canonical word; several for "e.g."; none for an article.

    >>> forms("colours"), forms("five"), forms("12,000"), forms("e.g."), forms("the")
    (('color',), ('5',), ('12000',), ('for', 'example'), ())
    """
    if code:
        return (token,)
    if token[0].isdecimal():
        return (_number(token),)
    token = token.rstrip(".") or token
    if token in lexicon.FREE:
        return ()
    if token in lexicon.EXPANSIONS:
        return tuple(form for part in lexicon.EXPANSIONS[token].split() for form in forms(part))
    if token in _SYMBOLS:
        return (_SYMBOLS[token],)
    if token in lexicon.NUMERALS or token in lexicon.ORDINALS:
        return (lexicon.NUMERALS.get(token) or lexicon.ORDINALS[token],)
    return (_spelling(_singular(token)),)


_SYMBOLS = {"&": "and", "%": "percent"}
_AMERICAN = {british: american for american, british in lexicon.SPELLINGS.items()}


def _number(token: str) -> str:
    digits = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in token)
    if digits[-1].isalpha():
        return f"#{digits[:-2]}"
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits):
        return digits.replace(",", "")
    return digits


def _singular(word: str) -> str:
    """Without the -s of a plural or of a third person; right for the regular ones, and the same for both numbers always."""
    if len(word) < 3 or word[-1] != "s" or word in lexicon.WHOLE or word[-2:] in ("ss", "us", "is") or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes")):
        return word[:-2]
    return word[:-1]


def _spelling(word: str) -> str:
    """The American spelling, by rule; applied to both texts, so a word that only looks British does no harm."""
    word = _AMERICAN.get(word, word)
    if len(word) < 4:
        return word
    for pattern, american in _BRITISH:
        word = pattern.sub(american, word)
    return word


_BRITISH = (
    (re.compile(r"(?<=[a-z]{3})is(?=(?:e|ed|er|ing|ation|ational)$)"), "iz"),
    (re.compile(r"(?<=[a-z]{2})ys(?=(?:e|ed|er|ing)$)"), "yz"),
    (re.compile(r"(?<=[a-z]{3})our(?=(?:|ed|ing|ite|able|ful|hood|al|er|ist)$)"), "or"),
    (re.compile(r"(?<=[a-z]{2})tre$"), "ter"),
)
