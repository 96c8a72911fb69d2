"""Claims and sources as words, numbers, names and quotes, with the places where each is found. No model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..text import lexicon
from ..text import sentences as whole
from ..text.canonical import forms

_MARKS = str.maketrans("‘’‚‛“”„‟«»–—−‐‑\u00a0\u202f\u2009", '\'\'\'\'""""""-----   ')
_QUOTED = re.compile(r'"([^"]+)"|“([^“”]+)”|„([^„“”]+)[“”]|«([^«»]+)»|(?<!\w)‘([^‘’]{12,})’(?!\w)')
_PART = re.compile(r"(?:\A|\n)\s*(?:[-*•]\s+|\d{1,3}[.)]\s+)?|;\s+")
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*%?|[^\W\d_]+(?:['’][^\W\d_]+)?")
_WORDY = re.compile(rf"\b(?:{'|'.join(lexicon.TENS)})-(?:{'|'.join(lexicon.SMALL[1:10])})\b", re.IGNORECASE)
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_SUFFIXES = re.findall("[a-z]+", "ational ization isation ations ation ments ment ingly edly ings ing ied ies ed es ly s e")


def flat(text: str) -> str:
    """One form of white space, quotes, dashes and case: what two copies of the same words have in common."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_MARKS)).casefold().split())


def quotes(text: str, words: int) -> list[str]:
    """The quoted spans of at least so many words."""
    found = [next(part for part in match.groups() if part) for match in _QUOTED.finditer(text)]
    return [one for one in found if len(one.split()) >= words]


def parts_of(quote: str) -> list[str]:
    """A quote with omissions as the parts that must follow one another; the mark that ends the quoting sentence is not the source's."""
    parts = [flat(part).strip(" .,;:!?") for part in re.split(r"\[?(?:\.\s?){3}\]?|\[?…\]?|\[[^\]]*\]", quote)]
    return [part for part in parts if part]


def sentences(text: str) -> list[tuple[int, int]]:
    """Begin and end of each sentence; lines, items of lists and what a semicolon divides are taken apart too."""
    found: list[tuple[int, int]] = []
    cuts = [match.span() for match in _PART.finditer(text)]
    for (_, at), (end, _) in zip(cuts, [*cuts[1:], (len(text), 0)], strict=True):
        for one in whole.sentences(text[at:end]):
            if one.strip():
                found.append((at + len(one) - len(one.lstrip()), at + len(one.rstrip())))
            at += len(one)
    return found


def open_quote(text: str) -> bool:
    """Whether a quote begins in a text and does not end there."""
    return re.search(r'["“„«]', _QUOTED.sub("", text)) is not None


@dataclass(frozen=True)
class Words:
    """What a stretch of text says, as sets."""

    text: str

    @cached_property
    def _tokens(self) -> list[str]:
        hyphened = _WORDY.sub(lambda found: str(sum(int(lexicon.NUMERALS[part]) for part in found[0].lower().split("-"))), self.text)
        return _TOKEN.findall(hyphened.translate(_MARKS))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Numbers in one form: 1,000 is 1000, five is 5, 3 million is 3000000, 12% is 12."""
        return frozenset(self._numbers())

    def _numbers(self) -> Iterator[str]:
        tokens = self._tokens
        for at, token in enumerate(tokens):
            number = _number(token)
            if number is None:
                continue
            following = tokens[at + 1].casefold() if at + 1 < len(tokens) else ""
            if following in _SCALES:
                yield _plain(float(number) * _SCALES[following]) if _is_float(number) else number
            elif token.casefold() != "one":  # "one of them" counts nothing
                yield number

    @cached_property
    def stems(self) -> frozenset[str]:
        """Words that carry meaning, without their endings."""
        words = (token.casefold() for token in self._tokens if _number(token) is None)
        return frozenset(stem(word) for word in words if word not in _EMPTY and (len(word) > 2 or not word.isascii()))

    @cached_property
    def names(self) -> frozenset[str]:
        """Capitalised words that do not begin a sentence, and words in capitals or with digits; as stems."""
        found = set()
        for match in re.finditer(r"(?<![.!?:\"'(\[] )(?<!^)(?<!\n)(?<![\w])([A-ZÀ-Þ][\w'’-]+)", self.text):
            if match[1].casefold() not in _EMPTY and match[1] not in ("I",):
                found.add(stem(match[1].casefold().removesuffix("'s").removesuffix("’s")))
        return frozenset(found)


def stem(word: str) -> str:
    """The word without an ending, crudely, and the same for both sides; British spelling as American."""
    canonical = forms(word)
    word = canonical[0] if len(canonical) == 1 else word
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            break
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word


def _number(token: str) -> str | None:
    if token[0].isdigit():
        plain = token.rstrip("%")
        if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", plain):
            plain = plain.replace(",", "")
        return _plain(float(plain)) if _is_float(plain) and len(plain) < 16 else plain
    return lexicon.NUMERALS.get(token.casefold())


def _is_float(text: str) -> bool:
    return re.fullmatch(r"\d+(?:\.\d+)?", text) is not None


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


_MORE = frozenset({"yes", "there", "then", "than", "also", "such", "other", "been", "being"})
_EMPTY = (lexicon.SOFT | lexicon.LIGHT | lexicon.FREE | _MORE) - {"not", "no"}
"""Words that carry no claim."""


def windows(source: str, width: int) -> Sequence[tuple[int, int]]:
    """Every run of up to `width` sentences of a source."""
    found = sentences(source) or [(0, len(source))]
    return [(found[at][0], found[min(at + width, len(found)) - 1][1]) for at in range(max(1, len(found) - width + 1))]
