"""Near-duplicates: ours against datasketch, rensa and semhash, on edits whose truth is known; and the time for a million rows.

    python benchmarks/near_duplicates.py [--per-kind 200] [--seed 0] [--json]      # quality, on ../shared/data
    python benchmarks/near_duplicates.py --rows 1000000 [--json]                   # time and memory

Needs `pip install datasketch rensa semhash`; one that is absent is left out. The truth comes from `edits.py`, which was written
before the detector. A pair is a text and its edit; it is a duplicate when the edit keeps the meaning.

Average precision and F1 are over those pairs. The others are given every advantage: each pair is scored directly (no candidate
is lost in their index), datasketch and rensa with the best of three kinds of shingles, and all at the threshold with their best
F1, swept per data set. Ours runs over the whole set (texts and all edits together) at its default and is not swept.
`easy` is the average precision where the pairs that are no duplicates are two random texts instead of a text and its changed form.
semhash takes its vectors from outside: hashed TF-IDF here, or MiniLM where tilth's local embedder is installed (--minilm).
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from sys import path, stderr

import numpy as np

# isort: off
path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "src")]

from edits import Edit, corpus, data_sets, edits  # noqa: E402
from tilth.text.near import near_duplicates, similar_pairs  # noqa: E402
from tilth.text.ngrams import character_ngrams, words  # noqa: E402

Scores = np.ndarray
UNRELATED = "unrelated"
SHINGLES: dict[str, Callable[[str], list[str]]] = {
    "characters 5": lambda text: list(character_ngrams(text.lower(), 5)) or [text],
    "words 1": lambda text: words(text) or [text],
    "words 2": lambda text: [" ".join(pair) for pair in zip(words(text), words(text)[1:], strict=False)] or [text],
}

# ---- systems: (texts, edits) -> a score for every edit --------------------------------------------------------------


def ours(texts: Sequence[str], made: Sequence[Edit]) -> Scores:
    """Similarity of each pair that our detector reports over the whole set at its default; 0 for the others."""
    found: dict[int, dict[int, float]] = defaultdict(dict)
    for left, right, similarity in similar_pairs([*texts, *(edit.after for edit in made)]):
        found[left][right] = found[right][left] = similarity

    def score(number: int, edit: Edit) -> float:
        row = len(texts) + number
        direct = found[row].get(edit.source, 0.0)
        through = (min(similarity, found[edit.source].get(other, 0.0)) for other, similarity in found[row].items())
        return max(direct, *through, 0.0)  # repetitions of one text are paired with the first of them only

    return np.array([score(number, edit) for number, edit in enumerate(made)])


def with_datasketch(shingles: Callable[[str], list[str]]) -> Callable[[Sequence[str], Sequence[Edit]], Scores]:
    from datasketch import MinHash

    def sketch(text: str) -> MinHash:
        found = MinHash(num_perm=128)
        found.update_batch([part.encode() for part in shingles(text)])
        return found

    return lambda texts, made: np.array([sketch(edit.before).jaccard(sketch(edit.after)) for edit in made])


def with_rensa(shingles: Callable[[str], list[str]]) -> Callable[[Sequence[str], Sequence[Edit]], Scores]:
    from rensa import RMinHash

    def sketch(text: str) -> RMinHash:
        found = RMinHash(num_perm=128, seed=42)
        found.update(shingles(text))
        return found

    return lambda texts, made: np.array([sketch(edit.before).jaccard(sketch(edit.after)) for edit in made])


class Hashed:
    """A vector source with the interface that semhash asks of a model: TF-IDF of words and character trigrams, hashed to 2**12."""

    def __init__(self, texts: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

        self._hashing = HashingVectorizer(analyzer=self._features, n_features=1 << 12, norm=None, alternate_sign=False)
        self._weights = TfidfTransformer(sublinear_tf=True).fit(self._hashing.transform(texts))

    @staticmethod
    def _features(text: str) -> list[str]:
        return [*words(text), *(f"#{part}" for part in character_ngrams(text.lower(), 3))]

    def encode(self, inputs: Sequence[str], **ignored: object) -> np.ndarray:
        return self._weights.transform(self._hashing.transform(inputs)).toarray().astype(np.float32)


def with_semhash(texts: Sequence[str], made: Sequence[Edit]) -> Scores:
    """The cosine that semhash compares with its threshold, for each pair."""
    from semhash import SemHash
    from semhash.utils import compute_candidate_limit  # noqa: F401  (fails where another package has this name)

    assert SemHash
    return _cosine(Hashed(texts), made)


def with_minilm(texts: Sequence[str], made: Sequence[Edit]) -> Scores:
    import asyncio

    from tilth.models.local import LocalEmbedder  # type: ignore[attr-defined, unused-ignore]

    class Encoder:
        def encode(self, inputs: Sequence[str], **ignored: object) -> np.ndarray:
            return asyncio.run(LocalEmbedder().embed(list(inputs)))

    return _cosine(Encoder(), made)


def _cosine(model: object, made: Sequence[Edit]) -> Scores:
    sides = [model.encode([getattr(edit, side) for edit in made]) for side in ("before", "after")]
    sides = [side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9) for side in sides]
    return np.sum(sides[0] * sides[1], axis=1)


# ---- measures ---------------------------------------------------------------------------------------------------------


def average_precision(truth: np.ndarray, scores: Scores) -> float:
    """Area under precision by recall in steps; equal scores are one step."""
    precision, recall, _ = _curve(truth, scores)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def best_f1(truth: np.ndarray, scores: Scores) -> tuple[float, float]:
    """(F1, threshold) at the threshold where it is highest."""
    precision, recall, thresholds = _curve(truth, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    best = int(np.argmax(f1))
    return float(f1[best]), float(thresholds[best])


def _curve(truth: np.ndarray, scores: Scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    right = np.cumsum(truth[order])[last]
    return right / (last + 1), right / truth.sum(), scores[order][last]


def row_of(system: str, data: str, made: Sequence[Edit], scores: Scores, fixed: float | None) -> dict[str, object]:
    easy = np.array([edit.keeps or edit.kind == UNRELATED for edit in made])
    against_unrelated = average_precision(np.array([edit.keeps for edit in made])[easy], scores[easy])
    made, scores = [edit for edit in made if edit.kind != UNRELATED], scores[[edit.kind != UNRELATED for edit in made]]
    truth = np.array([edit.keeps for edit in made])
    f1, threshold = best_f1(truth, scores)
    if fixed is not None:
        threshold, chosen = fixed, scores >= fixed
        f1 = float(2 * (chosen & truth).sum() / (chosen.sum() + truth.sum()))
    chosen = scores >= threshold
    by_kind: dict[str, float] = {}
    for kind in dict.fromkeys(edit.kind for edit in made):
        of_kind = np.array([edit.kind == kind for edit in made])
        by_kind[kind] = float(chosen[of_kind].mean())
    return {
        "data": data, "system": system, "average_precision": average_precision(truth, scores),
        "against_unrelated": against_unrelated, "f1": f1, "threshold": threshold,
        "recall": float(chosen[truth].mean()), "changing_dropped": float(chosen[~truth].mean()), "by_kind": by_kind,
        "pairs": len(made), "keeping": int(truth.sum()),
    }  # fmt: skip


def unrelated(texts: Sequence[str], count: int, seed: int) -> list[Edit]:
    """Pairs of different texts of the set, drawn at random."""
    rng = random.Random(seed)
    drawn = (rng.sample(range(len(texts)), 2) for _ in range(count))
    return [Edit(one, UNRELATED, False, texts[one], texts[other]) for one, other in drawn if texts[one] != texts[other]]


def systems(minilm: bool) -> Iterator[tuple[str, Callable[[Sequence[str], Sequence[Edit]], Scores]]]:
    yield "tilth", ours
    for name, factory in (("datasketch", with_datasketch), ("rensa", with_rensa)):
        for shingles, cut in SHINGLES.items():
            try:
                yield f"{name}, {shingles}", factory(cut)
            except ImportError:
                print(f"{name} is not installed: left out", file=stderr)
    yield "semhash, TF-IDF", with_semhash
    if minilm:
        yield "semhash, MiniLM", with_minilm


def quality(per_kind: int, seed: int, minilm: bool, only: str | None) -> list[dict[str, object]]:
    found = []
    for data, texts in data_sets().items():
        if only not in (None, data):
            continue
        made = edits(texts, per_kind=per_kind, seed=seed)
        made += unrelated(texts, sum(edit.keeps for edit in made), seed)
        for name, system in systems(minilm):
            try:
                scores = system(texts, made)
            except ImportError as error:
                print(f"{name}: left out ({error})", file=stderr)
                continue
            found.append(row_of(name, data, made, scores, 0.85 if system is ours else None))
    return _best_shingles(found)


def _best_shingles(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Of the runs of one system on one data set, that with the highest average precision."""
    best: dict[tuple[object, str], dict[str, object]] = {}
    for row in rows:
        key = row["data"], str(row["system"]).split(",")[0] + ("+" if "MiniLM" in str(row["system"]) else "")
        if key not in best or row["average_precision"] > best[key]["average_precision"]:
            best[key] = row
    return list(best.values())


def show(rows: list[dict[str, object]]) -> None:
    print(f"{'data':10} {'system':26} {'AP':>6} {'easy':>6} {'F1':>6} {'at':>6} {'recall':>7} {'changing dropped':>17} {'pairs':>6}")
    for row in rows:
        measures = f"{row['average_precision']:6.3f} {row['against_unrelated']:6.3f} {row['f1']:6.3f} {row['threshold']:6.2f}"
        shares = f"{row['recall']:7.3f} {row['changing_dropped']:17.4f}"
        print(f"{row['data']:10} {row['system']:26} {measures} {shares} {row['pairs']:6}")
    print("\ntilth at its default: share of edits taken for duplicates, by kind")
    for row in rows:
        if row["system"] == "tilth":
            print(f"  {row['data']}: " + ", ".join(f"{kind} {share:.3f}" for kind, share in row["by_kind"].items()))


# ---- a million rows ---------------------------------------------------------------------------------------------------


def generated(rows: int, seed: int) -> Iterator[str]:
    """Rows like those of a generator: real texts with three words or numbers replaced, and one in ten a light edit of an earlier one."""
    base = [text for name, texts in data_sets().items() if name != "code" for text in texts]
    content = list(corpus(base).content)
    rng = random.Random(seed)
    earlier: list[str] = []
    for number in range(rows):
        if number % 10 == 9:
            yield rng.choice(("Please {}", "{} Thanks!", "  {}", "{}!", "So, {}")).format(rng.choice(earlier))
            continue
        parts = rng.choice(base).split(" ")
        for _ in range(3):
            at = rng.randrange(len(parts))
            parts[at] = str(rng.randrange(1000)) if parts[at][:1].isdigit() else rng.choice(content)
        text = " ".join(parts)
        if number % 10 == 0:
            earlier.append(text)
        yield text


def timing(rows: int, seed: int) -> dict[str, object]:
    texts = list(generated(rows, seed))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    started, processor = time.perf_counter(), time.process_time()
    dropped = sum(1 for _ in near_duplicates(texts))
    return {
        "rows": rows, "mean_characters": sum(map(len, texts)) / rows, "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - processor, "dropped": dropped, "planted": rows // 10,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, "peak_gib_before": before,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--per-kind", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=0, help="time this many generated rows instead")
    parser.add_argument("--minilm", action="store_true", help="semhash with tilth's local embedder too")
    parser.add_argument("--data", help="one data set only")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = timing(options.rows, options.seed) if options.rows else quality(options.per_kind, options.seed, options.minilm, options.data)
    if options.json:
        print(json.dumps(found, indent=1))
    elif isinstance(found, dict):
        print(", ".join(f"{name} {value:,.2f}" if isinstance(value, float) else f"{name} {value:,}" for name, value in found.items()))
    else:
        show(found)


if __name__ == "__main__":
    main()
