"""Samples of equal size of the synthetic and the real rows, with vectors, neighbours and a map of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tilth.evaluate.base import LONGEST, Sets, Value, sampled
from tilth.records.record import Record
from tilth.report.look.sweep import label_of
from tilth.score.rows import Rows
from tilth.score.texts import text_of

if TYPE_CHECKING:
    from tilth.records.folder import RunFolder

Floats = npt.NDArray[np.float64]
MOST = 1000
"""Rows of a sample: as many as evaluation embeds, so that its vectors are found again."""
HASHED = "hashed words (no embedding was cached): close means the same words, not the same meaning"


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows with a text, as columns text and label. total: how many there are to draw from."""

    rows: tuple[Record, ...]
    total: int
    source: str

    @property
    def texts(self) -> list[str]:
        """Their texts, cut as evaluation cuts them."""
        return [one["text"][:LONGEST] for one in self.rows]


def draw(name: str, rows: Iterable[Record], total: int, most: int, *, seed: int, label: str = "label") -> Sample:
    """The rows of a set that evaluation's sample of `most` holds; `total`: its rows with a text. One pass."""
    wanted = set(sampled(name, total, most, seed))
    taken, at = [], -1
    for record in rows:
        text = text_of(record)
        if text.strip():
            at += 1
            if at in wanted:
                taken.append(Record({"text": text, "label": label_of(record, label)}, meta={"id": record.id}))
    return Sample(tuple(taken), total, name)


def sets_of(synthetic: Sample, real: Sample | None, seed: int) -> Sets:
    """The samples as the sets of an evaluation, for metrics that were not measured."""
    return Sets(Rows.of(synthetic.rows), real=Rows.of(real.rows) if real else None, text="text", seed=seed)


@dataclass(frozen=True, slots=True)
class Vectors:
    """Unit vectors of both samples by one embedder. kernel: what made them. cached: they are those of the evaluation."""

    synthetic: npt.NDArray[np.float32]
    real: npt.NDArray[np.float32] | None
    kernel: str
    cached: bool


def vectors_of(folder: RunFolder, values: Sequence[Value], synthetic: Sample, real: Sample | None) -> Vectors | None:
    """The vectors that evaluation cached; else hashed words, which need no model. None without rows."""
    from tilth.engine.vectors import cached
    from tilth.models.hashed import HashedTfidf

    if not synthetic.rows:
        return None
    parts = [synthetic.texts, *([real.texts] if real and real.rows else [])]
    for identity in _identities(values):
        found = [cached(folder.artifacts, identity, texts) for texts in parts]
        if all(one is not None for one in found):
            return Vectors(np.asarray(found[0]), np.asarray(found[1]) if len(found) > 1 else None, identity, True)
    made = [HashedTfidf().vectors(texts) for texts in parts]
    return Vectors(made[0], made[1] if len(made) > 1 else None, HASHED, False)


def _identities(values: Sequence[Value]) -> list[str]:
    """Embedders that a figure names in its kernel."""
    kernels = (one.kernel.removeprefix("cosine, ") for one in values if one.kernel.startswith("cosine, "))
    return list(dict.fromkeys(kernels))


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Cosine of each row to its nearest: synthetic to other synthetic, real to other real, synthetic to real.

    pairs: (row, row, cosine) of the most alike synthetic rows, each pair once.
    """

    synthetic: Floats
    real: Floats | None
    across: Floats | None
    pairs: tuple[tuple[int, int, float], ...]


def neighbourhood(vectors: Vectors, pairs: int = 5) -> Neighbourhood | None:
    """Exact; None with fewer than two rows."""
    from tilth.stats.neighbours import nearest

    if len(vectors.synthetic) < 2:
        return None
    own = nearest(vectors.synthetic, k=1)
    found: dict[tuple[int, int], float] = {}
    for at in np.argsort(-own.similarities[:, 0], kind="stable").tolist():
        other = int(own.indices[at, 0])
        found.setdefault((min(at, other), max(at, other)), float(own.similarities[at, 0]))
        if len(found) == pairs:
            break
    real = vectors.real if vectors.real is not None and len(vectors.real) > 1 else None
    return Neighbourhood(
        own.similarities[:, 0],
        nearest(real, k=1).similarities[:, 0] if real is not None else None,
        nearest(vectors.synthetic, real, k=1).similarities[:, 0] if real is not None else None,
        tuple((one, other, similar) for (one, other), similar in found.items()),
    )


@dataclass(frozen=True, slots=True)
class Plane:
    """Rows in the first two principal components. told: share of the variance that each of the two holds."""

    synthetic: Floats
    real: Floats | None
    told: tuple[float, float]


def plane(vectors: Vectors) -> Plane | None:
    """PCA of both samples together; each component's sign is set by its largest weight, so it never flips."""
    from threadpoolctl import threadpool_limits

    parts = [vectors.synthetic, *([vectors.real] if vectors.real is not None else [])]
    both = np.concatenate(parts).astype(np.float64)
    if len(both) < 3:
        return None
    centred = both - both.mean(axis=0)
    scatter = centred.T @ centred if centred.shape[1] <= len(centred) else centred @ centred.T
    with threadpool_limits(limits=1):  # sums in the same order whatever the machine has cores
        values, found = np.linalg.eigh(scatter)
    best = found[:, ::-1][:, :2]
    axes = best if centred.shape[1] <= len(centred) else centred.T @ best
    axes = axes / np.maximum(np.linalg.norm(axes, axis=0), 1e-12)
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    places = np.round(centred @ axes, 6)
    whole = max(float(values.clip(0).sum()), 1e-12)
    count = len(vectors.synthetic)
    told = (float(values[-1]) / whole, float(values[-2]) / whole)
    return Plane(places[:count], places[count:] if vectors.real is not None else None, told)
