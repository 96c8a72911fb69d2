"""A small language model of a corpus, numpy alone, that vectors before its input can steer: tuning without a network.

    p(w | two tokens before) = softmax_w( log p_0(w | two before) + gain * E_w . u ),    u = sum_j r_j P_j

p_0: a trigram model with Witten-Bell interpolation. E: a fixed vector of length 1 for each token, drawn once (nearly
orthogonal, by Johnson and Lindenstrauss), so that a prompt that begins as the vectors of some words makes them likelier.
r: prompt vectors nearer to the text count more, as they do in a network. Weights are p_0 and E; both are frozen. It knows no
grammar beyond three tokens: it proves the machinery and gives controls, not good texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from tilth.stats.arrays import Floats, Ints
from tilth.train.tunable import Decoding, Tokens, Tuning, Written, digest_of, penalised, pick

END, OTHER = 0, 1
"""The token that ends a text, and the one that stands for all that are not known; the latter is never written."""
GAIN = 4.0
HALF = 40.0
"""A prompt vector counts half as much as one that stands so many places later."""
CAN = Tuning(soft_prompt=True, per_example_grad=True)

_PIECE = re.compile(r" \w+| [^\w\s]|\w+|[^\w\s]")
Counts = Mapping[tuple[int, ...], tuple[Ints, Floats]]


def pieces(text: str) -> list[str]:
    """Words and marks with the space before them; joined they are the text with single spaces and one in front.

    >>> pieces("It is  good.")
    [' It', ' is', ' good', '.']
    """
    return _PIECE.findall(" " + " ".join(text.split()))


@dataclass(frozen=True)
class NgramLM:
    """A :class:`tilth.train.tunable.FrozenLM`. Make one with :meth:`of`.

    tokens: texts by id. counts: after zero, one or two tokens, the ids that followed and how often. embedding: (tokens, dimension).
    """

    tokens: tuple[str, ...]
    counts: Counts
    embedding: Floats
    name: str = "ngram"
    can: Tuning = CAN

    @classmethod
    def of(cls, texts: Iterable[str], *, dimension: int = 64, most: int = 4000, seed: int = 0) -> NgramLM:
        """Count a corpus. most: tokens that are known, the most frequent (ties: by text). seed: of the vectors."""
        split = [pieces(text) for text in texts]
        frequent = Counter(piece for one in split for piece in one)
        known = sorted(frequent, key=lambda piece: (-frequent[piece], piece))[:most]
        if not known:
            raise ValueError("the corpus holds no word")
        tokens = ("", "\ufffd", *known)
        place = {piece: at for at, piece in enumerate(tokens)}
        found: dict[tuple[int, ...], Counter[int]] = {}
        for one in split:
            before = (END, END)
            for at in [*(place.get(piece, OTHER) for piece in one), END]:
                for history in (before, before[1:], ()):
                    found.setdefault(history, Counter())[at] += 1
                before = (before[1], at)
        vectors = np.random.default_rng(seed).normal(size=(len(tokens), dimension))
        counts = {history: _arrays(found[history]) for history in sorted(found)}
        return cls(tokens, counts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    @property
    def dimension(self) -> int:
        """Of a prompt vector."""
        return int(self.embedding.shape[1])

    def digest(self) -> str:
        """Digest of tokens, counts and vectors (hex)."""
        counts = ((str(history), np.concatenate([ids, n])) for history, (ids, n) in self.counts.items())
        return digest_of(chain([("\n".join(self.tokens), self.embedding)], counts))

    def vectors(self, text: str) -> Floats:
        """See :class:`tilth.train.tunable.FrozenLM`. Without a known word: those of the unknown token."""
        return self.embedding[self._ids(text) or [OTHER]]

    def losses(
        self,
        prompts: Sequence[Floats],
        texts: Sequence[str],
        contexts: Sequence[str],
        weigh: Callable[[Sequence[Floats]], Sequence[Floats]],
    ) -> tuple[list[Floats], list[Floats]]:
        """See :class:`tilth.train.tunable.FrozenLM`. The context is not read: three tokens back is all that this model sees."""
        ends = [[*self._ids(text), END] for text in texts]
        logs = [self._logs(self._histories(ids), self._steer(prompt)) for ids, prompt in zip(ends, prompts, strict=True)]
        losses = [-one[np.arange(len(ids)), ids] for one, ids in zip(logs, ends, strict=True)]
        slopes: list[Floats] = []
        for ids, log, prompt, weights in zip(ends, logs, prompts, weigh(losses), strict=True):
            by_logit = np.exp(log) * weights[:, None]
            by_logit[np.arange(len(ids)), ids] -= weights
            slopes.append(GAIN * _hearing(len(prompt))[:, None] * (by_logit.sum(axis=0) @ self.embedding))
        return losses, slopes

    def write(self, prompt: Floats, context: str, n: int, decoding: Decoding) -> list[Written]:
        """See :class:`tilth.train.tunable.FrozenLM`. Text number k has a stream of its own: more texts leave the first ones as they are."""
        steer = self._steer(prompt)
        return [self._text(steer, decoding, np.random.default_rng([decoding.seed, number])) for number in range(n)]

    def read(self, prompt: Floats, text: str, context: str) -> Tokens:
        """See :class:`tilth.train.tunable.FrozenLM`."""
        ids = self._ids(text)
        log = self._logs(self._histories([*ids, END])[:-1], self._steer(prompt))
        return tuple((piece, float(log[at, ids[at]])) for at, piece in enumerate(pieces(text)))

    def _text(self, steer: Floats, decoding: Decoding, rng: np.random.Generator) -> Written:
        before, ids, logprobs = (END, END), list[int](), list[float]()
        while len(ids) < decoding.max_tokens:
            log = self._logs([before], steer)[0]
            open_to = log.copy()
            open_to[OTHER] = -np.inf
            if not ids:
                open_to[END] = -np.inf
            at = pick(penalised(open_to, ids, decoding.repetition_penalty), decoding, rng)
            if at == END:
                break
            ids.append(at)
            logprobs.append(float(log[at]))
            before = (before[1], at)
        written = tuple((self.tokens[at], value) for at, value in zip(ids, logprobs, strict=True))
        text = "".join(piece for piece, _ in written).strip()
        return Written(text, written, "length" if len(ids) == decoding.max_tokens else "stop")

    def _ids(self, text: str) -> list[int]:
        place = self._places()
        return [place.get(piece, OTHER) for piece in pieces(text)]

    def _places(self) -> dict[str, int]:
        found: dict[str, int] | None = self.__dict__.get("_place")
        if found is None:  # once; a frozen dataclass keeps what follows from its fields here
            found = {piece: at for at, piece in enumerate(self.tokens)}
            self.__dict__["_place"] = found
        return found

    def _histories(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """The two tokens before each token."""
        padded = [END, END, *ids]
        return [(padded[at], padded[at + 1]) for at in range(len(ids))]

    def _steer(self, prompt: Floats) -> Floats:
        """What a prompt adds to each token's logit."""
        return np.asarray(GAIN * (self.embedding @ (_hearing(len(prompt)) @ prompt)), dtype=np.float64)

    def _logs(self, histories: Sequence[tuple[int, int]], steer: Floats) -> Floats:
        """log p of every token behind each history, steered: (histories, tokens)."""
        logits = np.log(np.stack([self._plain(history) for history in histories])) + steer
        top = logits.max(axis=1, keepdims=True)
        return np.asarray(logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True)), dtype=np.float64)

    def _plain(self, history: tuple[int, int]) -> Floats:
        """p_0 behind a history: Witten-Bell (1991), p_n = (c + T p_(n-1)) / (N + T) with T different followers of N."""
        p = np.full(len(self.tokens), 1 / len(self.tokens))
        for known in ((), history[1:], history):
            if (found := self.counts.get(known)) is not None:
                ids, n = found
                p *= len(ids) / (n.sum() + len(ids))
                p[ids] += n / (n.sum() + len(ids))
        return p


def _arrays(found: Counter[int]) -> tuple[Ints, Floats]:
    ids = np.array(sorted(found), dtype=np.int64)
    return ids, np.array([found[int(at)] for at in ids], dtype=np.float64)


def _hearing(length: int) -> Floats:
    """r: what each of so many prompt vectors counts for; they sum to 1."""
    r = 2.0 ** (-np.arange(length - 1, -1, -1) / HALF)
    return np.asarray(r / r.sum(), dtype=np.float64)
