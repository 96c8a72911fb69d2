"""How doubtful a text is that was written for a set of attributes (MSP, arXiv 2303.01580, section 3.4).

    noise(x) = 1/2 overlap(x) + 1/2 distance(x)
    overlap  = mean over the attributes of x of the share of seeds that have them: what is over-represented already is worth less
    distance = 1 - cos(vector of x, vector of its seed): what has drifted from its seed

In [0, 1.5]. The paper tried other weights than one half and found them not worth it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from tilth.stats.arrays import Floats, Vectors, decisive, same_length, unit_rows

Attributes = Collection[str]


def frequencies(seeds: Sequence[Attributes]) -> dict[str, float]:
    """The share of the seeds that have each attribute.

    >>> frequencies([["a", "b"], ["a"]])
    {'a': 1.0, 'b': 0.5}
    """
    return {name: n / len(seeds) for name, n in histogram(seeds).items()}


def histogram(rows: Sequence[Attributes]) -> dict[str, int]:
    """How many rows have each attribute, by name."""
    counts = Counter(name for row in rows for name in set(row))
    return {name: counts[name] for name in sorted(counts)}


def overlap(attributes: Attributes, known: Mapping[str, float]) -> float:
    """The mean frequency of a text's attributes; one that no seed has counts 0, and so does a text without any."""
    each = sorted(set(attributes))
    return sum(known.get(name, 0.0) for name in each) / len(each) if each else 0.0


def noise(attributes: Sequence[Attributes], seeds: Sequence[Attributes], vectors: Vectors, seed_vectors: Vectors) -> Floats:
    """The noise of each text, rounded so that last bits do not decide.

    Parameters
    ----------
    attributes: of each text. seeds: the attributes of all seeds. vectors, seed_vectors: of each text, and of its own seed.
    """
    same_length("attributes, vectors and seed_vectors", attributes, vectors, seed_vectors)
    known = frequencies(seeds)
    shares = np.array([overlap(one, known) for one in attributes], dtype=np.float64)
    cosines = np.einsum("ij,ij->i", unit_rows(vectors), unit_rows(seed_vectors), dtype=np.float64)
    return decisive(0.5 * shares + 0.5 * (1 - np.clip(cosines, -1.0, 1.0)))


def quietest(values: Sequence[float], ids: Sequence[str], keep: int) -> list[int]:
    """The places of the `keep` texts of least noise, least first; equal ones by id. One cut over all, without quotas."""
    same_length("values and ids", values, ids)
    return sorted(range(len(values)), key=lambda at: (values[at], ids[at]))[:keep]


def evenness(counts: Mapping[str, int]) -> float:
    """How flat a histogram is: its entropy by that of equal counts, in [0, 1]; 1 with fewer than two attributes.

    >>> evenness({"a": 5, "b": 5}), evenness({"a": 10, "b": 0})
    (1.0, 0.0)
    """
    n = np.array([value for value in counts.values()], dtype=np.float64)
    if len(n) < 2 or not n.sum():
        return 1.0
    p = n[n > 0] / n.sum()
    return float(decisive(-(p * np.log(p)).sum() / np.log(len(n))))
