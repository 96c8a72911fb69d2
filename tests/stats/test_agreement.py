"""Agreement beyond chance: published examples, references, and undefined cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.stats.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha, observed_agreement

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", example C: four observers, twelve units.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
UNITS = [list(unit) for unit in zip(*OBSERVERS, strict=True)]


@pytest.mark.parametrize(("metric", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_the_published_example(metric: str, alpha: float) -> None:
    found = krippendorff_alpha(UNITS, metric=metric)  # type: ignore[arg-type]
    assert found is not None
    assert round(found.value, 3) == alpha
    assert found.low < found.value < found.high <= 1
    assert found.n == 11  # the last unit has one rating


def test_fleiss_kappa_of_the_published_example() -> None:
    """Fleiss 1971 as it is worked through in textbooks: 10 subjects, 14 raters, 5 categories, 0.210."""
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    found = fleiss_kappa([[label for label, n in enumerate(row) for _ in range(n)] for row in table])
    assert found is not None
    assert round(found.value, 3) == 0.210


def test_cohen_kappa_of_the_textbook_example() -> None:
    """20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed 0.7, expected 0.5."""
    a = ["yes"] * 25 + ["no"] * 25
    b = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = cohen_kappa(a, b)
    assert found is not None
    assert found.value == pytest.approx(0.4)
    assert found.low == pytest.approx(0.15, abs=0.05)
    assert found.high == pytest.approx(0.65, abs=0.05)
    plain = observed_agreement(a, b)
    assert plain is not None
    assert plain.value == 0.7


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40), st.sampled_from(["nominal", "linear", "quadratic"])
)
def test_cohen_kappa_agrees_with_sklearn(pairs: list[tuple[int, int]], weights: str) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="needs the 'ml' extra")
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    ours = cohen_kappa(a, b, weights=weights, order=[0, 1, 2, 3], draws=2)  # type: ignore[arg-type]
    if len({*a, *b}) == 1:
        assert ours is None
    else:
        theirs = metrics.cohen_kappa_score(a, b, labels=[0, 1, 2, 3], weights=None if weights == "nominal" else weights)
        assert ours is not None
        assert ours.value == pytest.approx(float(theirs), abs=1e-9)


def test_full_agreement_is_1_and_chance_is_about_0() -> None:
    labels = ["a", "b", "c"] * 60
    shuffled = [labels[i] for i in np.random.default_rng(0).permutation(180)]
    for ours, chance in (
        (cohen_kappa(labels, labels), cohen_kappa(labels, shuffled)),
        (krippendorff_alpha([[x, x] for x in labels]), krippendorff_alpha(list(zip(labels, shuffled, strict=True)))),
        (fleiss_kappa([[x, x] for x in labels]), fleiss_kappa(list(zip(labels, shuffled, strict=True)))),
    ):
        assert ours is not None and chance is not None
        assert (ours.value, ours.low, ours.high) == (pytest.approx(1.0),) * 3
        assert not chance.excludes(0.0)


def test_nothing_to_go_by_is_none() -> None:
    assert cohen_kappa([], []) is None
    assert cohen_kappa(["a", "a"], ["a", "a"]) is None
    assert cohen_kappa(["a", None], [None, "b"]) is None
    assert fleiss_kappa([]) is None
    assert krippendorff_alpha([["a", "a"], ["a", "a"]]) is None
    assert krippendorff_alpha([["a", None], ["b", None]]) is None
    assert observed_agreement([None], ["a"]) is None


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="krippendorff_alpha"):
        fleiss_kappa([["a", "b"], ["a", "b", "c"]])
    with pytest.raises(ValueError, match="NaN is no label"):
        krippendorff_alpha([[1.0, float("nan")]])
    with pytest.raises(ValueError, match="does not hold 'c'"):
        cohen_kappa(["a", "c"], ["a", "a"], order=["a", "b"])
    with pytest.raises(ValueError, match="different lengths"):
        cohen_kappa(["a"], ["a", "b"])


def test_order_decides_how_far_labels_are_apart() -> None:
    ratings = [["low", "mid"], ["mid", "high"], ["low", "low"], ["high", "high"], ["mid", "mid"], ["low", "mid"]]
    right = krippendorff_alpha(ratings, metric="ordinal", order=["low", "mid", "high"])
    sorted_by_name = krippendorff_alpha(ratings, metric="ordinal")
    assert right is not None and sorted_by_name is not None
    assert right.value > sorted_by_name.value
