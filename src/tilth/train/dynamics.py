"""Learning dynamics: how a boosted classifier comes to see a row's own label, stage by stage (Seedat et al. 2022, arXiv 2210.13043).

p_e      = P(own label) by the first e trees, e = 1 .. E - 1
c        = mean_e p_e                confidence
v        = mean_e p_e (1 - p_e)      aleatoric uncertainty, at most 1/4 and at most c (1 - c)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tilth.errors import require
from tilth.stats.arrays import Floats


def learning_dynamics(
    real: npt.ArrayLike, labels: Sequence[str], rows: npt.ArrayLike, own: Sequence[str], *, trees: int = 100, seed: int = 0
) -> tuple[Floats, Floats]:
    """(confidence, aleatoric uncertainty) of each of `rows` with the label that it claims, by a booster fitted on `real` alone.

    Parameters
    ----------
    real, rows: (n, features), finite. labels, own: one label each; those of `own` must occur in `labels`.
    trees: stages, at least 2. seed: of the booster.

    Raises
    ------
    ValueError: fewer than two labels, or a row that claims another. MissingExtra: without scikit-learn.
    """
    classes = sorted(set(labels))
    if len(classes) < 2 or trees < 2:
        raise ValueError("learning dynamics need at least two labels and two trees")
    unknown = set(own) - set(classes)
    if unknown:
        raise ValueError(f"no real row has the label {min(unknown)!r}")
    ensemble = require("sklearn.ensemble", extra="ml", feature="The booster of learning dynamics")
    booster = ensemble.GradientBoostingClassifier(n_estimators=trees, random_state=seed)
    booster.fit(np.asarray(real, dtype=np.float64), np.array([classes.index(label) for label in labels]))
    if not len(own):
        return np.zeros(0), np.zeros(0)
    at = np.array([classes.index(label) for label in own])
    stages = booster.staged_predict_proba(np.asarray(rows, dtype=np.float64))
    p = np.stack([stage[np.arange(len(at)), at] for stage, _ in zip(stages, range(trees - 1), strict=False)])
    return np.round(p.mean(axis=0), 9), np.round((p * (1 - p)).mean(axis=0), 9)
