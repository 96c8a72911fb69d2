"""Grounding without a model: every quote, number, name and most words of a claim must stand in its source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from .base import Verdict
from .passages import Words, flat, open_quote, parts_of, quotes, sentences, windows
from .reading import OfRow

if TYPE_CHECKING:
    from ..engine.run import Run


class Grounding(OfRow):
    """Whether a text rests on its source, sentence by sentence, by what can be seen without understanding.

    A sentence is supported when its quotes are in the source (word for word but for white space, quote marks, dashes and
    case; omissions marked ... may skip), its numbers are (as numbers: 5 is not in 1995, "1,000" is "1000"), its names are,
    and at least `overlap` of its other content words are in some `window` sentences of the source. Questions and sentences
    without content are passed over.

    Failed with ``quote``, ``number``, ``name`` or ``words``, the first that is missing; unscored with ``no_claim`` and
    ``no_source``. A necessary condition only: a sentence in the source's own words that says the opposite passes, so a judge
    of entailment comes after it. Names at the beginning of a sentence are taken for words. The named-entity and number check
    is that of FactualityPrompt (Lee et al. 2206.04624); the order, cheapest first, is the card's for grounded generation.
    For languages that are written with spaces.
    """

    name: ClassVar[str] = "grounding"
    arguments: ClassVar[Mapping[str, str]] = {
        "claim": "the text to be checked",
        "source": "the text that it must rest on, or a list of texts",
    }

    overlap: float = Field(0.5, ge=0, le=1, description="Share of a sentence's content words that must stand together in the source.")
    window: int = Field(3, ge=1, description="Sentences of the source that may support one sentence together.")
    quote_words: int = Field(1, ge=1, description="Words from which a quoted span counts as a quote.")
    numbers: bool = Field(True, description="Whether numbers must be in the source.")
    names: bool = Field(True, description="Whether capitalised words must be in the source.")

    async def verify(self, run: Run | None, row: Mapping[str, Any]) -> Verdict:
        """Check a row's `claim` against its `source`."""
        taken = self.take(row)
        source, claim = _joined(taken["source"]), str(taken["claim"] or "")
        if not source.strip():
            return Verdict("unscored", "no_source")
        known = _Source(source, self.window)
        found = [self._sentence(claim, begin, end, known) for begin, end in _with_quotes_whole(claim)]
        checked = [one for one in found if one is not None]
        if not checked:
            return Verdict("unscored", "no_claim")
        bad = [one for one in checked if one["why"]]
        evidence = {"claims": checked, "supported": len(checked) - len(bad), "of": len(checked)}
        return Verdict("failed", bad[0]["why"], evidence) if bad else Verdict("passed", "", evidence)

    def _sentence(self, claim: str, begin: int, end: int, source: _Source) -> dict[str, Any] | None:
        """{"text", "why", "missing", "span"}; None where there is nothing to check."""
        text = claim[begin:end].strip()
        said = Words(text)
        quoted = quotes(text, self.quote_words)
        if text.endswith("?") or not (said.stems or said.numbers or quoted):
            return None
        told: dict[str, Any] = {"text": text, "why": "", "missing": [], "span": source.best(said)[1]}
        for why, missing in (
            ("quote", [one for one in quoted if not source.has(one)]),
            ("number", sorted(said.numbers - source.words.numbers) if self.numbers else []),
            ("name", sorted(one for one in said.names - source.words.stems if not source.begins(one)) if self.names else []),
        ):
            if missing:
                return told | {"why": why, "missing": missing}
        share, span, missing = source.best(said)
        if said.stems and share < self.overlap:
            return told | {"why": "words", "missing": missing, "span": span}
        return told


class _Source:
    """A source, read once for all sentences of a claim."""

    def __init__(self, text: str, width: int) -> None:
        self.words = Words(text)
        self.flat = flat(text)
        self._windows = [(list(span), Words(text[span[0] : span[1]])) for span in windows(text, width)]

    def has(self, quote: str) -> bool:
        """Whether the quote's parts follow one another, each at the bounds of words: "art" is not in "party"."""
        at = 0
        for part in parts_of(quote):
            found = self._find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return True

    def begins(self, name: str) -> bool:
        """Whether a word begins so: "lan" is not in "planned"."""
        return re.search(rf"(?<!\w){re.escape(name)}", self.flat) is not None

    def _find(self, part: str, at: int) -> int:
        while (found := self.flat.find(part, at)) >= 0:
            before, after = self.flat[max(0, found - 1) : found], self.flat[found + len(part) : found + len(part) + 1]
            if not (part[0].isalnum() and before.isalnum()) and not (part[-1].isalnum() and after.isalnum()):
                return found
            at = found + 1
        return -1

    def best(self, said: Words) -> tuple[float, list[int] | None, list[str]]:
        """(share of the content words, span, words missing there) of the sentences of the source that hold most of them."""
        if not said.stems:
            return 1.0, None, []
        span, words = max(self._windows, key=lambda one: len(said.stems & one[1].stems) + 0.5 * len(said.numbers & one[1].numbers))
        return len(said.stems & words.stems) / len(said.stems), span, sorted(said.stems - words.stems)


def _joined(source: Any) -> str:
    if isinstance(source, Sequence) and not isinstance(source, str):
        return "\n".join(str(one) for one in source)
    return str(source or "")


def _with_quotes_whole(claim: str) -> list[tuple[int, int]]:
    """The sentences; a quote that holds several is not cut in the middle."""
    found: list[tuple[int, int]] = []
    for begin, end in sentences(claim):
        if found and open_quote(claim[found[-1][0] : found[-1][1]]):
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found
