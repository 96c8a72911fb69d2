"""How the vectors of several attributes become the vectors of their combination (MSP, arXiv 2303.01580, section 3.3).

Of k attributes with L vectors each, a stack M of shape (k, L, d), and the vectors of the input:

    concat       all k L vectors, in the order of the condition: the only one that hears the order
    pooling      the mean over the attributes: L vectors
    attention    x = norm(W maxpool(input));  a = softmax over the attributes of M x / T;  sum_k a_k M_k: L vectors
    bottleneck   the same with x = norm(W_up silu(W_down maxpool(input)))

Each gives its value and the function that carries a gradient back; `tests/train` holds them against finite differences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tilth.stats.arrays import Floats

Mixture = Literal["concat", "pooling", "attention", "bottleneck"]
Parameters = Mapping[str, Floats]
NARROW = 8
"""A bottleneck is so many times narrower than the vectors."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """value: the vectors of the combination. back: from the gradient by them to that by the stack and by each parameter.
    shares: (k, L), what each attribute's vector counts for, where the mixture is a weighted sum."""

    value: Floats
    back: Callable[[Floats], tuple[Floats, dict[str, Floats]]]
    shares: Floats | None = None


def parameters(mixture: Mixture, dimension: int, rng: np.random.Generator) -> dict[str, Floats]:
    """What a mixture has to learn itself, as it is at the start."""
    if mixture == "attention":
        return {"read": rng.normal(size=(dimension, dimension)) / np.sqrt(dimension)}
    if mixture == "bottleneck":
        narrow = max(1, dimension // NARROW)
        down = rng.normal(size=(narrow, dimension)) / np.sqrt(dimension)
        return {"down": down, "up": rng.normal(size=(dimension, narrow)) / np.sqrt(narrow)}
    return {}


def mix(mixture: Mixture, stack: Floats, inputs: Floats, learned: Parameters) -> Mixed:
    """The vectors of a combination. stack: (k, L, d), k at least 1. inputs: (tokens, d), read by attention and bottleneck."""
    k, length, d = stack.shape
    if mixture == "concat":
        return Mixed(stack.reshape(k * length, d), lambda slope: (slope.reshape(k, length, d), {}))
    if mixture == "pooling":
        shares = np.full((k, length), 1 / k)
        return Mixed(stack.mean(axis=0), lambda slope: (np.repeat(slope[None] / k, k, axis=0), {}), shares)
    query = _attention(inputs, learned) if mixture == "attention" else _bottleneck(inputs, learned)
    return _weighted(stack, query)


@dataclass(frozen=True, slots=True)
class _Query:
    """What the input asks for, a vector; back: from the gradient by it to that by the parameters."""

    value: Floats
    back: Callable[[Floats], dict[str, Floats]]


def _attention(inputs: Floats, learned: Parameters) -> _Query:
    pooled = inputs.max(axis=0)
    value, back = _norm(learned["read"] @ pooled)
    return _Query(value, lambda slope: {"read": np.outer(back(slope), pooled)})


def _bottleneck(inputs: Floats, learned: Parameters) -> _Query:
    pooled, up = inputs.max(axis=0), learned["up"]
    low = learned["down"] @ pooled
    gate = 1 / (1 + np.exp(-low))
    value, back = _norm(up @ (low * gate))

    def backward(slope: Floats) -> dict[str, Floats]:
        wide = back(slope)
        narrow = (up.T @ wide) * (gate + low * gate * (1 - gate))
        return {"up": np.outer(wide, low * gate), "down": np.outer(narrow, pooled)}

    return _Query(value, backward)


def _norm(x: Floats) -> tuple[Floats, Callable[[Floats], Floats]]:
    """Layer normalisation of one vector, and its way back."""
    centred = x - x.mean()
    spread = float(np.sqrt((centred**2).mean() + 1e-5))
    y = centred / spread
    return y, lambda slope: (slope - slope.mean() - y * (slope * y).mean()) / spread


def _weighted(stack: Floats, query: _Query) -> Mixed:
    """sum_k a_k M_k with a = softmax over k of M x / T; T = sqrt(d), so that scores are of one size at any d."""
    heat = np.sqrt(stack.shape[2])
    scores = stack @ query.value / heat
    mass = np.exp(scores - scores.max(axis=0))
    shares = mass / mass.sum(axis=0)

    def backward(slope: Floats) -> tuple[Floats, dict[str, Floats]]:
        by_share = (stack * slope[None]).sum(axis=2)
        by_score = shares * (by_share - (shares * by_share).sum(axis=0)) / heat
        by_stack = shares[:, :, None] * slope[None] + by_score[:, :, None] * query.value
        return by_stack, query.back(np.einsum("kl,kld->d", by_score, stack))

    return Mixed((shares[:, :, None] * stack).sum(axis=0), backward, shares)
