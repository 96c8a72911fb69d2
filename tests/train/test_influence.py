"""Influence: what leaving a row out does, and which labels are wrong, also where the rows that judge are wrong themselves."""

import numpy as np
import pytest

from tilth.train.influence import influences
from tilth.train.logistic import fit
from tilth.train.robust import logit_gradients, row_losses
from train.noisy import auroc, gaussians

N, OTHERS, SEEDS = 600, 300, 10
C = 1 / (N * 1e-2)  # the L2 penalty 1e-2 of the mean loss


def found(seed, loss, noise, other_noise):
    """AUROC of influence against the rows whose label was flipped."""
    rng = np.random.default_rng(seed)
    (x, y), (v, u) = gaussians(rng, N), gaussians(rng, OTHERS)
    wrong = rng.random(N) < noise
    given, others = np.where(wrong, 1 - y, y), np.where(rng.random(OTHERS) < other_noise, 1 - u, u)
    return auroc(influences(x, np.eye(2)[given], v, np.eye(2)[others], c=C, loss=loss), wrong)


def mean(loss, other_noise):
    return np.mean([found(seed, loss, 0.3, other_noise) for seed in range(SEEDS)])


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("loss", ["rce", "ce"])
def test_leaving_a_row_out_changes_the_loss_by_minus_its_influence(loss, classes):
    rng = np.random.default_rng(0)
    (x, y), (v, u) = gaussians(rng, N, classes=classes), gaussians(rng, OTHERS, classes=classes)
    t, s = np.eye(classes)[y], np.eye(classes)[u]

    def loss_of(rows):
        student = fit(x[rows], t[rows], np.ones(len(rows)), C)
        return row_losses(student.probabilities(v), s, loss).mean()

    every = np.arange(N)
    whole = loss_of(every)
    changes = np.array([loss_of(np.delete(every, row)) - whole for row in range(25)])
    predicted = -influences(x, t, v, s, c=C, loss=loss)[:25] / N
    assert np.corrcoef(changes, predicted)[0, 1] > 0.99
    assert np.polyfit(predicted, changes, 1)[0] == pytest.approx(1, abs=0.1)


def test_wrong_labels_are_harmful_for_either_loss_where_the_others_are_clean():
    assert mean("rce", 0.0) > 0.8 and mean("ce", 0.0) > 0.8


@pytest.mark.parametrize("noise", [0.3, 0.4])
def test_only_the_reverse_cross_entropy_finds_them_where_the_others_are_as_wrong(noise):
    robust, plain = mean("rce", noise), mean("ce", noise)
    assert robust - plain > 0.2 and robust > 0.7, (robust, plain)


def test_at_forty_percent_the_cross_entropy_is_upside_down():
    assert mean("ce", 0.4) < 0.5


def test_sparse_rows_give_the_same_as_dense_ones():
    sparse = pytest.importorskip("scipy.sparse", reason="needs the 'ml' extra")
    rng = np.random.default_rng(1)
    (x, y), (v, u) = gaussians(rng, 80, classes=3), gaussians(rng, 40, classes=3)
    x, v = np.where(np.abs(x) > 1, x, 0.0), np.where(np.abs(v) > 1, v, 0.0)
    t, s = np.eye(3)[y], np.eye(3)[u]
    assert influences(sparse.csr_matrix(x), t, sparse.csr_matrix(v), s) == pytest.approx(influences(x, t, v, s), abs=1e-9)


@pytest.mark.parametrize("loss", ["rce", "ce"])
def test_the_gradients_are_those_of_the_losses(loss):
    rng = np.random.default_rng(2)
    logits, targets = rng.normal(size=(5, 3)), np.eye(3)[[0, 1, 2, 0, 1]]

    def shares(z):
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)

    slopes = logit_gradients(shares(logits), targets, loss, 10.0)
    for column in range(3):
        step = np.zeros(3)
        step[column] = 1e-6
        ahead, behind = (row_losses(shares(logits + sign * step), targets, loss, 10.0) for sign in (1, -1))
        assert slopes[:, column] == pytest.approx((ahead - behind) / 2e-6, rel=1e-4, abs=1e-7)


def test_the_reverse_cross_entropy_is_bounded():
    sure = np.array([[1.0, 0.0]])
    assert row_losses(sure, np.array([[0.0, 1.0]]), "rce", 10.0)[0] == pytest.approx(10, abs=0.01)
    assert row_losses(sure, np.array([[0.0, 1.0]]), "ce")[0] > 100
