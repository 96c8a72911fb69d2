"""In which language is a text? Script first; Latin script by frequent words and the trigrams of them.

Small on purpose: 18 languages of Latin script (`tilth.score.common_words`) and 16 of other scripts. It is meant to notice a row in a
foreign language among rows of the wanted one, not to tell Danish from Norwegian. Mixed texts get mixed probabilities. Texts
with hardly a letter are not judged.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tilth.score.common_words import WORDS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_SCRIPTS: tuple[tuple[str, str, str], ...] = (
    ("ja", "぀", "ヿ"), ("ko", "가", "힣"), ("ko", "ᄀ", "ᇿ"), ("th", "ก", "๛"), ("el", "Ͱ", "Ͽ"), ("he", "֐", "׿"), ("hi", "ऀ", "ॿ"),
    ("bn", "ঀ", "৿"), ("ta", "஀", "௿"),
    ("te", "ఀ", "౿"), ("ka", "Ⴀ", "ჿ"), ("hy", "԰", "֏"), ("zh", "㐀", "鿿"),
    ("ar", "؀", "ۿ"), ("ru", "Ѐ", "ӿ"),
)  # fmt: skip
"""Languages that their script tells, by ranges; Arabic and Cyrillic script are looked at more closely."""

_FAMILIES = {
    "ru": ("ru", {"uk": "іїєґ", "bg": "", "sr": "ђјљњћџ"}),
    "ar": ("ar", {"fa": "پچژگکی", "ur": "ٹڈڑےںہ"}),
}
_BULGARIAN = frozenset(["е", "са", "че", "на", "от", "да", "се", "за", "ще", "като", "при", "няма", "този", "тази"])

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
LONGEST = 20_000
"""Characters from the start that are read: more would not change the answer."""
WORD_SHARE = 0.75
"""How much of a word's probability comes from the list of frequent words; the rest is spelling."""
CALM = 0.6
"""Evidence of a word is scaled by it: neighbouring words are not independent."""
LEAST_LETTERS = 4
FEW = 8
"""With fewer words, none of them on any list, a text is not judged."""
TRUST = 0.95
"""The share of rows that are in the expected language, before their text was seen."""
SPELLING = 0.5
"""How much the spelling of unlisted words counts: names and technical words are spelt alike in many languages."""
UNLISTED = 5.0
"""What an unlisted word costs beside, so that listed words weigh more in the language that lists them."""
MARKED = -3.0
"""What a letter costs that a language does not write (a word with an accent, say)."""


def probabilities(text: str, expected: str | None = None) -> dict[str, float]:
    """Language to probability, of those above 0.001; empty where there is too little to go by.

    expected: the language that the texts should be in; it then takes evidence to call a text foreign (see `TRUST`).

    >>> found = probabilities("Der Film ist leider viel zu lang und sehr langweilig.")
    >>> max(found, key=found.get), found["de"] > 0.95
    ('de', True)
    >>> probabilities("12 + 30 = 42")
    {}
    """
    tokens = _tokens(text)
    letters = Counter(_script(char) for token in tokens for char in token)
    total = letters.total()
    if total < LEAST_LETTERS and not any(script not in ("latin", "other") for script in letters):
        return {}
    found: dict[str, float] = {}
    for script, count in _joined(letters).items():
        for code, share in _of_script(script, tokens, expected).items():
            found[code] = found.get(code, 0.0) + share * count / total
    return {code: share for code, share in found.items() if share > 0.001}


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(unicodedata.normalize("NFC", text[:LONGEST]).lower().replace("’", "'"))


@functools.lru_cache(maxsize=4096)
def _script(char: str) -> str:
    if char < "ɐ" or "Ḁ" <= char <= "ỿ":
        return "latin"
    return next((code for code, low, high in _SCRIPTS if low <= char <= high), "other")


def _joined(letters: Counter[str]) -> Counter[str]:
    """Han characters beside kana are Japanese."""
    out = Counter(letters)
    if out["ja"] and out["ja"] * 20 > out["zh"]:
        out["ja"] += out.pop("zh", 0)
    return Counter({script: count for script, count in out.items() if count})


def _of_script(script: str, tokens: list[str], expected: str | None) -> dict[str, float]:
    if script == "latin":
        return _latin([token for token in tokens if all(_script(char) == "latin" for char in token if char != "'")], expected)
    if script not in _FAMILIES:
        return {} if script == "other" else {script: 1.0}
    first, others = _FAMILIES[script]
    counts = Counter(char for token in tokens for char in token)
    for code, signs in others.items():
        if sum(counts[sign] for sign in signs) * 50 > counts.total():
            return {code: 1.0}
    if first == "ru" and not counts["ы"] and not counts["э"] and sum(token in _BULGARIAN for token in tokens) * 6 > len(tokens):
        return {"bg": 1.0}
    return {first: 1.0}


def _latin(words: list[str], expected: str | None) -> dict[str, float]:
    """Naive Bayes over words, each once: frequent ones by rank, the others by the trigrams of the frequent ones."""
    import numpy as np

    words = list(dict.fromkeys(words))
    found = [_evidence(word) for word in words]
    if not words or (len(words) < FEW and not any(listed for listed, _ in found)):
        return {}
    codes = list(WORDS)
    evidence = CALM * np.sum([one for _, one in found], axis=0)
    if expected in WORDS:
        evidence[codes.index(expected)] += math.log(TRUST * (len(codes) - 1) / (1 - TRUST))
    weights = np.exp(evidence - evidence.max())
    return dict(zip(codes, (weights / weights.sum()).tolist(), strict=True))


@functools.lru_cache(maxsize=50_000)
def _evidence(word: str) -> tuple[bool, npt.NDArray[np.float64]]:
    """Whether any language lists the word, and its log-probability in each."""
    import numpy as np

    models = _models().values()
    return any(word in model.frequent for model in models), np.array([model.log_probability(word) for model in models])


class _Model:
    """One language: how probable a word is in it."""

    def __init__(self, words: list[str], alphabet: frozenset[str]) -> None:
        ranks = {word: rank for rank, word in reversed(list(enumerate(words)))}
        mass = sum(1 / (rank + 5) for rank in ranks.values())
        self.frequent = {word: WORD_SHARE / (rank + 5) / mass for word, rank in ranks.items()}
        self._letters = frozenset("".join(words)) | alphabet
        self._trigrams = Counter(gram for word in ranks for gram in _trigrams(word))
        self._pairs: Counter[str] = Counter()
        for gram, count in self._trigrams.items():
            self._pairs[gram[:2]] += count

    def log_probability(self, word: str) -> float:
        """ln P(word)."""
        spelling = sum(math.log((self._trigrams[gram] + 0.3) / (self._pairs[gram[:2]] + 0.3 * 30)) for gram in _trigrams(word))
        foreign = sum(char not in self._letters for char in set(word))
        unlisted = math.exp(SPELLING * max(spelling, -80.0) + MARKED * foreign - UNLISTED)
        return math.log(self.frequent.get(word, 0.0) + (1 - WORD_SHARE) * unlisted)


def _trigrams(word: str) -> Iterator[str]:
    padded = f"^{word}$"
    return (padded[at : at + 3] for at in range(len(padded) - 2))


@functools.lru_cache(maxsize=1)
def _models() -> dict[str, _Model]:
    plain = frozenset("abcdefghijklmnopqrstuvwxyz'")
    return {code: _Model(words.split(), plain) for code, words in WORDS.items()}


LANGUAGES = frozenset(WORDS) | {code for code, _, _ in _SCRIPTS} | {code for _, signs in _FAMILIES.values() for code in signs}
"""Codes of all languages that are told apart."""
