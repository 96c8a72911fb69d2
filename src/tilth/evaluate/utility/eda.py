"""EDA: rows made of rows by chance alone, the control that is known to add nothing to a fixed student."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tilth.records.ids import digest

SHARE = 0.1
"""Share of the words that one operation touches, at least one word (alpha of the paper)."""


def augmented(texts: Sequence[str], labels: Sequence[str], *, each: int = 4, seed: object = 0) -> list[list[str]]:
    """For each text `each` variants: words swapped, deleted, inserted, replaced, in turn.

    Wei & Zou 2019 (arXiv 1901.11196), with words drawn from the given texts of the same label instead of WordNet, as in
    the low-data measurements; a text of one word is only inserted into or replaced.

    >>> [len(one) for one in augmented(["a fine film", "dull"], ["p", "n"], each=4)]
    [4, 4]
    """
    words: dict[str, list[str]] = {}
    for text, label in zip(texts, labels, strict=True):
        words.setdefault(label, []).extend(text.split())
    out = []
    for row, (text, label) in enumerate(zip(texts, labels, strict=True)):
        rng = random.Random(digest("eda", str(seed), row, text))
        out.append([" ".join(_OPERATIONS[turn % len(_OPERATIONS)](text.split(), words[label], rng)) for turn in range(each)])
    return out


Operation = Callable[[list[str], list[str], random.Random], list[str]]


def _times(tokens: list[str]) -> int:
    return max(1, round(SHARE * len(tokens)))


def _swap(tokens: list[str], _: list[str], rng: random.Random) -> list[str]:
    for _time in range(_times(tokens) if len(tokens) > 1 else 0):
        one, other = rng.sample(range(len(tokens)), 2)
        tokens[one], tokens[other] = tokens[other], tokens[one]
    return tokens


def _delete(tokens: list[str], _: list[str], rng: random.Random) -> list[str]:
    kept = [token for token in tokens if rng.random() >= SHARE]
    return kept or [rng.choice(tokens)]


def _insert(tokens: list[str], words: list[str], rng: random.Random) -> list[str]:
    for _time in range(_times(tokens)):
        tokens.insert(rng.randrange(len(tokens) + 1), rng.choice(words))
    return tokens


def _replace(tokens: list[str], words: list[str], rng: random.Random) -> list[str]:
    for _time in range(_times(tokens)):
        tokens[rng.randrange(len(tokens))] = rng.choice(words)
    return tokens


_OPERATIONS: tuple[Operation, ...] = (_swap, _delete, _insert, _replace)
