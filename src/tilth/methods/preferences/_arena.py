"""Parts of Arena Learning: which prompts may fight, slices that never overlap, games with their scores, and standings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tilth.errors import Failure
from tilth.models.base import Reply
from tilth.prompts.ratings import rating
from tilth.records.ids import digest
from tilth.stats.ranking import Game, elo, win_rates
from tilth.text.near import near_duplicates

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tilth.records.record import Record

STEPS = ("sft", "dpo", "reward")
GAPS: Mapping[str, tuple[float, ...]] = {"sft": (3.0, 1.0, 1.0), "dpo": (2.0,), "reward": (2.0,)}
"""Step to K by iteration; the last one holds for all that follow."""


@dataclass(slots=True)
class Battle:
    """All games over one prompt. means: (a, b) to the scores of a and b, each the mean of both orders."""

    row: Record
    answers: Mapping[str, str]
    means: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    games: list[dict[str, Any]] = field(default_factory=list)

    def against(self, one: str, other: str) -> tuple[float, float] | None:
        """The scores of `one` and `other` in their games; None where a game was discarded."""
        if (one, other) in self.means:
            return self.means[one, other]
        found = self.means.get((other, one))
        return None if found is None else (found[1], found[0])

    def standing(self, name: str) -> float | None:
        """The mean score of a model over all its games."""
        own = [scores[pair.index(name)] for pair, scores in self.means.items() if name in pair]
        return round(sum(own) / len(own), 6) if own else None

    def results(self) -> Iterator[list[Any]]:
        """One game for each pair of models, as JSON: prompt, a, b, and 1, 0.5 or 0 for a."""
        for (a, b), (high, low) in self.means.items():
            yield [self.row.id, a, b, 1.0 if high > low else 0.5 if high == low else 0.0]


@dataclass(frozen=True, slots=True)
class Selected:
    """Better and worse model of a battle, with the scores that decide."""

    chosen: str
    rejected: str
    high: float
    low: float


def loss_of(battle: Battle, target: str, gap: float) -> Selected | None:
    """The SFT step: of the models that beat the target by `gap`, the one that stands best in all games; None where none does."""
    found = []
    for number, name in enumerate(battle.answers):
        scores = battle.against(name, target) if name != target else None
        if scores is not None and scores[0] - scores[1] >= gap and scores[0] > scores[1]:
            found.append(((battle.standing(name) or 0.0, scores[0] - scores[1], -number), Selected(name, target, *scores)))
    return max(found, key=lambda one: one[0])[1] if found else None


def extremes_of(battle: Battle, gap: float) -> Selected | None:
    """The DPO step: best against worst by all games, the target like any other; None where they are closer than `gap`."""
    stand = [(standing, name) for name in battle.answers if (standing := battle.standing(name)) is not None]
    if not stand:
        return None
    high, low = max(stand, key=lambda one: one[0]), min(stand, key=lambda one: one[0])
    apart = high[0] - low[0]
    return Selected(high[1], low[1], high[0], low[0]) if apart >= gap and apart > 0 else None


def two_scores(reply: Reply) -> list[dict[str, Any]]:
    """The judge's scores of A and B, 1 to 10, and its explanation."""
    explanation = reply.text.split("Score A")[0].strip(" *#\n").removeprefix("Explanation:").strip()
    return [{"score": rating(reply.text, f"Score {name}", 1, 10), "explanation": explanation} for name in "AB"]


def slice_of(text: str, slices: int) -> int:
    """The slice of a prompt: by its content alone, so that every run of every step and iteration agrees on it."""
    return int.from_bytes(digest(" ".join(text.split()))[:8], "big") % slices


def unfit(texts: Sequence[str], min_chars: int, prefix_words: int, near: float) -> Iterator[tuple[int, str]]:
    """Prompts that are left out, by index, with the reason; in the paper's order."""
    out: dict[int, str] = {at: "too_short" for at, text in enumerate(texts) if len(text) < min_chars}
    seen: set[tuple[str, ...]] = set()
    for at, text in enumerate(texts):
        prefix = tuple(text.casefold().split()[:prefix_words])
        if at not in out and prefix_words and len(prefix) == prefix_words:
            if prefix in seen:
                out[at] = "same_beginning"
            seen.add(prefix)
    left = [at for at in range(len(texts)) if at not in out]
    out.update((left[one.row], "near_duplicate") for one in near_duplicates([texts[at] for at in left], near))
    return iter(sorted(out.items()))


def turns_of(row: Record) -> list[dict[str, str]]:
    """The dialogue before a prompt.

    Raises
    ------
    Failure: it is no list of turns (``bad_history``).
    """
    history = row.get("history") or []
    good = isinstance(history, list | tuple) and all(isinstance(turn, Mapping) and {"role", "content"} <= set(turn) for turn in history)
    if not good:
        raise Failure("bad_history", "history must be a list of turns, each with 'role' and 'content'.")
    return [{name: str(turn[name]) for name in ("role", "content")} for turn in history]


def near_benchmarks(vectors: npt.NDArray[np.float32], prompts: int, k: int) -> list[int]:
    """Which of the first `prompts` vectors are among the `k` nearest of any of the others, the benchmark's."""
    from tilth.stats.neighbours import nearest

    found = nearest(vectors[prompts:], vectors[:prompts], k=k).indices
    return sorted({int(at) for at in found.ravel() if at >= 0})


def table_of(results: list[list[Any]], anchor: str, at: float, draws: int, seed: int) -> dict[str, dict[str, float]]:
    """Elo, its interval and the share of points of every model, strongest first."""
    games = [Game(a, b, score) for _, a, b, score in results]
    rated = elo(games, anchor=anchor, at=at, draws=draws, seed=seed, clusters=[prompt for prompt, *_ in results])
    rates = win_rates(games)
    return {
        name: {"elo": one.value, "low": one.low, "high": one.high, "points": round(rates[name], 6), "prompts": one.n}
        for name, one in rated.items()
    }
