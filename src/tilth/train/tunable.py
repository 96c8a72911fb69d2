"""The seam to generators that can be tuned: conditions are learned, the model that writes stays frozen.

:class:`Tunable` is what a method sees (soft prompts of MSP, arXiv 2303.01580; a prefix per label as in FewGen, arXiv
2211.03044; private training that clips the gradient of each example). :class:`FrozenLM` is what a model must be able to do
so that :class:`tilth.train.soft_prompts.SoftPrompts` can tune conditions for it: `tilth.train.ngram` (numpy) and
`tilth.train.llama` (the embedded weights, by torch) are two.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from tilth.errors import RequestError
from tilth.records.atomic import replacing
from tilth.records.ids import digest, json_text, json_value
from tilth.stats.arrays import Floats

Condition = Sequence[str]
"""Names of attributes that a text shall have, each with learned vectors. Order matters to the mixture `concat` alone."""

Tokens = tuple[tuple[str, float], ...]
"""Token texts with their log-probabilities in nats, by the model itself: before temperature, penalties and cuts. As in
``Reply.logprobs``; joined they are the text, but for the space before it."""

Gradient = Mapping[str, Floats]
"""By the name of what is tuned; only what an example touches is in it."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What can be tuned: vectors before the input, vectors in each layer, low-rank changes, everything; and whether the gradient
    of each example is known (for clipping)."""

    soft_prompt: bool = False
    prefix: bool = False
    lora: bool = False
    full: bool = False
    per_example_grad: bool = False


@dataclass(frozen=True, slots=True)
class Decoding:
    """How texts are sampled.

    temperature: 0 is greedy. top_k: only the k likeliest tokens, 0: all. repetition_penalty: logits of tokens that this text holds
    already are divided by it where positive, else multiplied (CTRL, arXiv 1909.05858); 1: none. max_tokens: then the text is cut.
    """

    temperature: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    max_tokens: int = 64
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """A sampled text. finish: ``stop``, or ``length`` where it was cut. A token that ends the text is not among `tokens`."""

    text: str
    tokens: Tokens
    finish: str = "stop"


@dataclass(frozen=True, slots=True)
class Objective:
    """The negative log-likelihood of the rows, token-weighted where a hook says so, by Adam.

    Defaults are those of the repository of MSP: rate 0.1, batches of 8, 14 epochs.
    """

    rate: float = 0.1
    batch: int = 8
    epochs: int = 14
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """What a hook sees: texts, their conditions, and the loss of each token, one array a text (the end of the text included)."""

    texts: Sequence[str]
    conditions: Sequence[Condition]
    losses: Sequence[Floats]


@dataclass(frozen=True, slots=True)
class Hooks:
    """What others may do in the loop.

    token_weights: a weight for each token of a batch, of the shapes of ``Batch.losses``; None: each is worth 1 / (tokens of the batch).
    gradients: from the gradient of each example to the one that is used, such as the clipped sum with noise; None: the sum.
    after_epoch: told the epoch (from 0) and its mean loss per token; True ends the training.
    """

    token_weights: Callable[[Batch], Sequence[Floats]] | None = None
    gradients: Callable[[Sequence[Gradient]], Gradient] | None = None
    after_epoch: Callable[[int, float], bool | None] | None = None


@dataclass(frozen=True)
class State:
    """What was learned: arrays by name, and the settings under which they mean something (base, its digest, mixture, attributes).

    losses: mean loss per token of each epoch, in nats.
    """

    settings: Mapping[str, Any]
    arrays: Mapping[str, Floats]
    losses: tuple[float, ...] = field(default=())

    def packed(self) -> dict[str, Any]:
        """As JSON, arrays as float32 in base64: what ``run.do`` journals."""
        return {"settings": dict(self.settings), "losses": list(self.losses), "arrays": base64.b64encode(self._bytes()).decode("ascii")}

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any]) -> Self:
        """The state that :meth:`packed` wrote."""
        with np.load(io.BytesIO(base64.b64decode(packed["arrays"]))) as found:
            arrays = {name: found[name].astype(np.float64) for name in found.files}
        return cls(packed["settings"], arrays, tuple(packed["losses"]))

    def save(self, path: Path) -> None:
        """Write it as one JSON file, whole or not at all; equal states give equal bytes."""
        with replacing(path) as file:
            file.write(json_text(self.packed()).encode("utf-8"))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote. Raises RequestError where it is no such file."""
        try:
            return cls.unpacked(json_value(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RequestError(f"{path} holds no tuned conditions ({error}). Tune them again.", code="tunable.state") from None

    def digest(self) -> str:
        """Digest of settings and arrays (hex)."""
        return digest(json_text(dict(self.settings)), self._bytes()).hex()

    def _bytes(self) -> bytes:
        out = io.BytesIO()
        arrays: dict[str, Any] = {name: self.arrays[name].astype(np.float32) for name in sorted(self.arrays)}
        np.savez(out, **arrays)
        return out.getvalue()


@runtime_checkable
class Tunable(Protocol):
    """A frozen generator with conditions that can be learned.

    attributes: the names that a condition may hold; any other raises RequestError ``tunable.attribute`` before anything is computed.
    """

    can: Tuning
    attributes: tuple[str, ...]

    def fit(
        self,
        rows: Sequence[str],
        conditions: Sequence[Condition],
        objective: Objective = ...,
        hooks: Hooks = ...,
        *,
        contexts: Sequence[str] | None = None,
    ) -> State:
        """Forget what was learned and learn to write `rows` under their conditions; contexts: what stands before each."""
        ...

    def sample(self, condition: Condition, n: int, decoding: Decoding = ..., *, context: str = "") -> list[Written]:
        """`n` texts under a condition; the same seed gives the same texts."""
        ...

    def score(self, text: str, condition: Condition, *, context: str = "") -> Tokens:
        """Log-probability of each token of a given text."""
        ...

    def state(self) -> State:
        """What was learned."""
        ...

    def restore(self, state: State) -> None:
        """Take up what was learned before, by this base and these attributes; else RequestError ``tunable.state``."""
        ...

    def base_digest(self) -> str:
        """Digest of the frozen weights (hex): the same before and after :meth:`fit`."""
        ...


class FrozenLM(Protocol):
    """A language model that reads vectors before its input. Nothing here changes its weights.

    name: of the weights. dimension: of a prompt vector. can: what of it can be tuned.
    """

    @property
    def name(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def can(self) -> Tuning: ...

    def digest(self) -> str:
        """Digest of the weights (hex)."""
        ...

    def vectors(self, text: str) -> Floats:
        """The input vectors of a text's tokens, (tokens, dimension); at least one."""
        ...

    def losses(
        self,
        prompts: Sequence[Floats],
        texts: Sequence[str],
        contexts: Sequence[str],
        weigh: Callable[[Sequence[Floats]], Sequence[Floats]],
    ) -> tuple[list[Floats], list[Floats]]:
        """-log p of each token of each text behind its prompt and context, its end included; and the gradient of their weighted sum
        by each prompt. weigh: from losses to weights."""
        ...

    def write(self, prompt: Floats, context: str, n: int, decoding: Decoding) -> list[Written]:
        """`n` texts behind a prompt and a context."""
        ...

    def read(self, prompt: Floats, text: str, context: str) -> Tokens:
        """Log-probability of each token of a text, its end left out."""
        ...


def digest_of(weights: Iterable[tuple[str, npt.NDArray[Any]]]) -> str:
    """Digest of named arrays (hex): of what is in memory now, so that a changed weight shows."""
    out = blake2b(digest_size=16)
    for name, at in weights:
        out.update(f"{name} {at.dtype} {at.shape} ".encode())
        out.update(np.ascontiguousarray(at).data)
    return out.hexdigest()


def penalised(logits: Floats, held: Sequence[int], penalty: float) -> Floats:
    """Logits with those of `held` tokens made less likely; see :class:`Decoding`.

    >>> penalised(np.array([2.0, -1.0, 3.0]), [0, 1], 2.0).tolist()
    [1.0, -2.0, 3.0]
    """
    if penalty == 1 or not held:
        return logits
    out, at = logits.copy(), np.unique(np.asarray(held, dtype=np.int64))
    out[at] = np.where(out[at] > 0, out[at] / penalty, out[at] * penalty)
    return out


def pick(logits: Floats, decoding: Decoding, rng: np.random.Generator) -> int:
    """One token of the logits; temperature 0 takes the first of the largest."""
    if decoding.temperature <= 0:
        return int(np.argmax(logits))
    scaled = logits / decoding.temperature
    if 0 < decoding.top_k < len(scaled):
        lowest = np.partition(scaled, -decoding.top_k)[-decoding.top_k]
        scaled = np.where(scaled >= lowest, scaled, -np.inf)
    mass = np.cumsum(np.exp(scaled - scaled.max()))
    return int(min(np.searchsorted(mass, rng.random() * mass[-1], side="right"), len(mass) - 1))
