"""Soft prompts on any frozen model: one for the instruction, one for each attribute, mixed by condition (MSP, arXiv 2303.01580).

Input of the model: ``[instruction ; mix(attributes of the condition) ; context ; text]``. Only the prompts and the mixture
learn. The model gives the gradient by the vectors before its input; what leads from them to the prompts is here, once for
every model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tilth.errors import RequestError
from tilth.stats.arrays import Floats, same_length
from tilth.train.mixtures import Mixed, Mixture, mix, parameters
from tilth.train.tunable import Batch, Condition, Decoding, FrozenLM, Gradient, Hooks, Objective, State, Tokens, Written

INSTRUCTION, ATTRIBUTE, LEARNED = "instruction", "attribute:", "mixture:"


class SoftPrompts:
    """A :class:`tilth.train.tunable.Tunable` over a frozen model.

    Parameters
    ----------
    lm: writes and gives gradients; its weights stay as they are.
    attributes: name to description; a prompt starts as the vectors of its description, repeated to fill.
    instruction: what all texts are, in words; the start of the prompt that all conditions share.
    mixture: see :mod:`tilth.train.mixtures`. length, instruction_length: vectors of a prompt (the paper: 20 and 100).
    seed: of what a mixture starts from.
    """

    def __init__(
        self,
        lm: FrozenLM,
        attributes: Mapping[str, str],
        *,
        instruction: str = "Show me distinct texts.",
        mixture: Mixture = "attention",
        length: int = 20,
        instruction_length: int = 100,
        seed: int = 0,
    ) -> None:
        if not attributes or min(length, instruction_length) < 1:
            raise ValueError("soft prompts need an attribute, and a length of at least 1")
        self._lm = lm
        self.can = lm.can
        self.attributes = tuple(attributes)
        self.mixture: Mixture = mixture
        self._settings: dict[str, Any] = {
            "base": lm.name, "base_digest": lm.digest(), "mixture": mixture, "attributes": dict(attributes),
            "instruction": instruction, "length": length, "instruction_length": instruction_length, "seed": seed,
        }  # fmt: skip
        self._losses: tuple[float, ...] = ()
        self._arrays = self._start()

    def _start(self) -> dict[str, Floats]:
        """The prompts in words, so that learning begins near what was said."""
        given = self._settings
        rng = np.random.default_rng(given["seed"])
        words = {f"{ATTRIBUTE}{name}": (about or name, given["length"]) for name, about in given["attributes"].items()}
        words[INSTRUCTION] = (given["instruction"], given["instruction_length"])
        prompts = {name: _filled(self._lm.vectors(text), length) for name, (text, length) in words.items()}
        learned = parameters(self.mixture, self._lm.dimension, rng)
        return _rounded(prompts | {f"{LEARNED}{name}": at for name, at in learned.items()})

    def base_digest(self) -> str:
        """See :class:`tilth.train.tunable.Tunable`."""
        return self._lm.digest()

    def state(self) -> State:
        """See :class:`tilth.train.tunable.Tunable`. Arrays are as :class:`State` stores them, float32."""
        return State(dict(self._settings), _rounded(self._arrays), self._losses)

    def restore(self, state: State) -> None:
        """See :class:`tilth.train.tunable.Tunable`."""
        other = [name for name, value in self._settings.items() if name != "seed" and state.settings.get(name) != value]
        if other:
            raise RequestError(f"these conditions were tuned with another {other[0]}. Tune them again.", code="tunable.state")
        self._arrays = {name: at.copy() for name, at in state.arrays.items()}
        self._losses = state.losses

    def sample(self, condition: Condition, n: int, decoding: Decoding | None = None, *, context: str = "") -> list[Written]:
        """See :class:`tilth.train.tunable.Tunable`."""
        self._check(condition)
        return self._lm.write(self.prompt(condition, context), context, n, decoding or Decoding())

    def score(self, text: str, condition: Condition, *, context: str = "") -> Tokens:
        """See :class:`tilth.train.tunable.Tunable`."""
        self._check(condition)
        return self._lm.read(self.prompt(condition, context), text, context)

    def prompt(self, condition: Condition, context: str = "") -> Floats:
        """The vectors before the input, (vectors, dimension): the instruction's, then those of the mixed attributes."""
        return np.vstack([self._arrays[INSTRUCTION], self.mixed(condition, context).value])

    def mixed(self, condition: Condition, context: str = "") -> Mixed:
        """The mixture alone; what it reads of the input are the context and the names of the attributes."""
        self._check(condition)
        stack = np.stack([self._arrays[f"{ATTRIBUTE}{name}"] for name in condition])
        learned = {name.removeprefix(LEARNED): at for name, at in self._arrays.items() if name.startswith(LEARNED)}
        return mix(self.mixture, stack, self._lm.vectors(" ".join([*sorted(condition), context]).strip()), learned)

    def fit(
        self,
        rows: Sequence[str],
        conditions: Sequence[Condition],
        objective: Objective | None = None,
        hooks: Hooks | None = None,
        *,
        contexts: Sequence[str] | None = None,
    ) -> State:
        """See :class:`tilth.train.tunable.Tunable`. Epochs go over the rows in an order of chance drawn from ``objective.seed``."""
        goal, hooks = objective or Objective(), hooks or Hooks()
        before = [""] * len(rows) if contexts is None else list(contexts)
        if not same_length("rows, conditions and contexts", rows, conditions, before):
            raise ValueError("there are no rows to learn")
        for condition in conditions:
            self._check(condition)
        self._arrays = self._start()
        rng, adam = np.random.default_rng(goal.seed), Adam(goal.rate)
        means: list[float] = []
        for epoch in range(goal.epochs):
            order, total, tokens = rng.permutation(len(rows)), 0.0, 0
            for start in range(0, len(rows), goal.batch):
                at = order[start : start + goal.batch]
                losses, gradient = self._gradient([rows[i] for i in at], [conditions[i] for i in at], [before[i] for i in at], hooks)
                total, tokens = total + sum(float(one.sum()) for one in losses), tokens + sum(map(len, losses))
                adam.step(self._arrays, gradient)
            means.append(round(total / max(tokens, 1), 6))
            if hooks.after_epoch is not None and hooks.after_epoch(epoch, means[-1]):
                break
        self._losses = tuple(means)
        self._arrays = _rounded(self._arrays)  # what is stored is what samples
        return self.state()

    def _gradient(
        self, texts: Sequence[str], conditions: Sequence[Condition], contexts: Sequence[str], hooks: Hooks
    ) -> tuple[list[Floats], Gradient]:
        """Token losses of a batch, and the gradient by everything that it touches."""
        mixed = [self.mixed(condition, context) for condition, context in zip(conditions, contexts, strict=True)]
        prompts = [np.vstack([self._arrays[INSTRUCTION], one.value]) for one in mixed]

        def weigh(losses: Sequence[Floats]) -> Sequence[Floats]:
            if hooks.token_weights is not None:
                return hooks.token_weights(Batch(texts, conditions, losses))
            share = 1 / max(1, sum(map(len, losses)))
            return [np.full(len(one), share) for one in losses]

        losses, slopes = self._lm.losses(prompts, texts, contexts, weigh)
        each = [self._carried(*one) for one in zip(slopes, mixed, conditions, strict=True)]
        return losses, (hooks.gradients or summed)(each)

    def _carried(self, slope: Floats, mixed: Mixed, condition: Condition) -> Gradient:
        """From the gradient by the vectors before the input to that by prompts and mixture."""
        at = self._arrays[INSTRUCTION].shape[0]
        by_stack, learned = mixed.back(slope[at:])
        out = {INSTRUCTION: slope[:at], **{f"{LEARNED}{name}": one for name, one in learned.items()}}
        for name, one in zip(condition, by_stack, strict=True):
            key = f"{ATTRIBUTE}{name}"
            out[key] = out[key] + one if key in out else one
        return out

    def _check(self, condition: Condition) -> None:
        if not condition:
            raise RequestError("a condition names no attribute.", code="tunable.attribute")
        unknown = [name for name in condition if name not in self._settings["attributes"]]
        if unknown:
            known = ", ".join(self.attributes)
            raise RequestError(f"'{unknown[0]}' was never tuned. There are: {known}.", code="tunable.attribute")


class Adam:
    """Adam (Kingma & Ba, arXiv 1412.6980) over arrays by name; what a step does not touch stays, its averages too."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._averages: dict[str, tuple[int, Floats, Floats]] = {}

    def step(self, arrays: dict[str, Floats], gradient: Gradient) -> None:
        """Move the arrays that have a gradient; each becomes a new array."""
        for name in sorted(gradient):
            slope = gradient[name]
            n, first, second = self._averages.get(name, (0, np.zeros_like(slope), np.zeros_like(slope)))
            n, first, second = n + 1, 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
            self._averages[name] = (n, first, second)
            arrays[name] = arrays[name] - self._rate * (first / (1 - 0.9**n)) / (np.sqrt(second / (1 - 0.999**n)) + 1e-8)


def summed(gradients: Sequence[Gradient]) -> Gradient:
    """The sum over examples."""
    out: dict[str, Floats] = {}
    for one in gradients:
        for name, slope in one.items():
            out[name] = out[name] + slope if name in out else slope
    return out


def _filled(vectors: Floats, length: int) -> Floats:
    """Vectors repeated or cut to `length`."""
    return np.resize(vectors, (length, vectors.shape[1])).astype(np.float64)


def _rounded(arrays: Mapping[str, Floats]) -> dict[str, Floats]:
    """As they are stored: float32."""
    return {name: at.astype(np.float32).astype(np.float64) for name, at in arrays.items()}
