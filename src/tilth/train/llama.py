"""The embedded model as a frozen model for soft prompts: its forward pass in torch, on a GPU where torch finds one.

The weights are those that ``tilth models pull local`` put on this machine, as float32. Only the gradient by the vectors before
the input is computed; no weight has one. Texts are padded on the right: behind a causal mask nobody sees the padding. A text is one
line: a line break ends it, in training too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from tilth.errors import require
from tilth.models.local.tensors import SHAPES, tensors_of, tokenizer_of
from tilth.models.local.weights import pin_of
from tilth.stats.arrays import Floats
from tilth.train.tunable import Decoding, Tokens, Tuning, Written, digest_of, penalised, pick

FEATURE = "tuning the embedded model"
Cache = list[tuple[Any, Any]]


@lru_cache(maxsize=1)  # loading takes seconds and half a gigabyte; the weights are never written to
def shared_llama(name: str = "smollm2-135m") -> Llama:
    """The embedded model, loaded once for the process."""
    return Llama(name)


class Llama:
    """A :class:`tilth.train.tunable.FrozenLM`. Raises MissingExtra without torch, RequestError ``model.not_pulled`` without the weights.

    device: ``cuda`` where there is one, else ``cpu``.
    """

    def __init__(self, name: str = "smollm2-135m", *, device: str | None = None) -> None:
        self._torch = torch = require("torch", extra="train", feature=FEATURE)
        self.name = pin_of(name).name
        self.can = Tuning(soft_prompt=True, per_example_grad=True)
        self._shape = SHAPES[self.name]
        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._weights = {key: torch.from_numpy(at.astype(np.float32)).to(self._device) for key, at in tensors_of(self.name).items()}
        self._embedding = self._weights["model.embed_tokens.weight"]
        self._tokenizer = tokenizer_of(self.name)
        self._line = self._tokenizer.encode("\n")[0]
        self._ends = (self._line, *self._shape.ends)

    @property
    def dimension(self) -> int:
        """Of a prompt vector: the width of the embeddings."""
        return int(self._embedding.shape[1])

    def digest(self) -> str:
        """Digest of the weights as they are in memory now (hex); about a second."""
        return digest_of((key, self._weights[key].cpu().numpy()) for key in sorted(self._weights))

    def vectors(self, text: str) -> Floats:
        """See :class:`tilth.train.tunable.FrozenLM`."""
        return np.asarray(self._embedding[self._tokenizer.encode(text) or [0]].cpu().numpy(), dtype=np.float64)

    def losses(
        self,
        prompts: Sequence[Floats],
        texts: Sequence[str],
        contexts: Sequence[str],
        weigh: Callable[[Sequence[Floats]], Sequence[Floats]],
    ) -> tuple[list[Floats], list[Floats]]:
        """See :class:`tilth.train.tunable.FrozenLM`."""
        torch = self._torch
        leaves = [self._leaf(prompt, learns=True) for prompt in prompts]
        tokens = self._logprobs(leaves, texts, contexts, ended=True)
        found = [-each.detach().cpu().numpy().astype(np.float64) for each in tokens]
        weights = [torch.from_numpy(np.asarray(one, dtype=np.float32)).to(self._device) for one in weigh(found)]
        torch.stack([-(one * each).sum() for one, each in zip(weights, tokens, strict=True)]).sum().backward()
        return found, [leaf.grad.cpu().numpy().astype(np.float64) for leaf in leaves]

    def write(self, prompt: Floats, context: str, n: int, decoding: Decoding) -> list[Written]:
        """See :class:`tilth.train.tunable.FrozenLM`. Prompt and context are read once, and their keys and values kept."""
        torch = self._torch
        with torch.no_grad():
            ids = self._tokenizer.encode(context)
            x = torch.cat([self._leaf(prompt), self._embedding[ids]])[None]
            hidden, cache = self._hidden(x, None)
            last, cache = hidden[:, -1].expand(n, -1), [(k.expand(n, -1, -1, -1), v.expand(n, -1, -1, -1)) for k, v in cache]
            streams = [_Stream(np.random.default_rng([decoding.seed, number])) for number in range(n)]
            for _ in range(decoding.max_tokens):
                logits = (last @ self._embedding.T).cpu().numpy().astype(np.float64)
                chosen = [stream.take(row, decoding, self._ends) for stream, row in zip(streams, logits, strict=True)]
                if all(stream.ended for stream in streams):
                    break
                hidden, cache = self._hidden(self._embedding[chosen][:, None], cache)
                last = hidden[:, -1]
        return [self._written(stream) for stream in streams]

    def read(self, prompt: Floats, text: str, context: str) -> Tokens:
        """See :class:`tilth.train.tunable.FrozenLM`."""
        with self._torch.no_grad():
            (found,) = self._logprobs([self._leaf(prompt)], [text], [context], ended=False)
        return tuple((self._tokenizer.decode([at]), float(p)) for at, p in zip(self._ids(text), found.cpu().numpy(), strict=True))

    def _written(self, stream: _Stream) -> Written:
        tokens = tuple((self._tokenizer.decode([at]), p) for at, p in zip(stream.ids, stream.logprobs, strict=True))
        return Written(self._tokenizer.decode(stream.ids).strip(), tokens, "stop" if stream.ended else "length")

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(f" {text.strip()}")

    def _leaf(self, prompt: Floats, *, learns: bool = False) -> Any:
        return self._torch.from_numpy(np.asarray(prompt, dtype=np.float32)).to(self._device).requires_grad_(learns)

    def _logprobs(self, leaves: Sequence[Any], texts: Sequence[str], contexts: Sequence[str], *, ended: bool) -> list[Any]:
        """Log-probability of each token of each text behind its prompt and context."""
        torch = self._torch
        wanted = [[*self._ids(text), *([self._line] if ended else [])] for text in texts]
        rows, starts = [], []
        for leaf, ids, context in zip(leaves, wanted, contexts, strict=True):
            before = self._tokenizer.encode(context)
            starts.append(len(leaf) + len(before))
            rows.append(torch.cat([leaf, self._embedding[[*before, *ids[:-1]]]]))
        hidden, _ = self._hidden(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), None)
        out = []
        for row, (start, ids) in enumerate(zip(starts, wanted, strict=True)):
            logits = hidden[row, start - 1 : start - 1 + len(ids)] @ self._embedding.T
            out.append(torch.log_softmax(logits, dim=-1)[range(len(ids)), ids])
        return out

    def _hidden(self, x: Any, cache: Cache | None) -> tuple[Any, Cache]:
        """The last layer's output for vectors (rows, length, dimension) behind what is in the cache, and the cache with them."""
        torch, shape = self._torch, self._shape
        before = cache[0][0].shape[2] if cache else 0
        turn = _rotations(torch, before, x.shape[1], x.shape[2] // shape.heads, shape.theta, self._device)
        kept: Cache = []
        for layer in range(shape.layers):
            weights = _Part(self._weights, f"model.layers.{layer}.")
            attended, pair = self._attended(self._norm(x, weights["input_layernorm"]), weights, turn, cache[layer] if cache else None)
            kept.append(pair)
            x = x + attended
            y = self._norm(x, weights["post_attention_layernorm"])
            wide = torch.nn.functional.silu(y @ weights["mlp.gate_proj"].T) * (y @ weights["mlp.up_proj"].T)
            x = x + wide @ weights["mlp.down_proj"].T
        return self._norm(x, self._weights["model.norm.weight"]), kept

    def _attended(self, y: Any, weights: _Part, turn: tuple[Any, Any], past: tuple[Any, Any] | None) -> tuple[Any, tuple[Any, Any]]:
        """Grouped-query attention with rotary positions; and keys and values for the cache."""
        torch, shape = self._torch, self._shape
        rows, length, width = y.shape

        def heads(name: str, n: int) -> Any:
            return (y @ weights[f"self_attn.{name}_proj"].T).view(rows, length, n, width // shape.heads).transpose(1, 2)

        q, k = (_turned(torch, heads(name, n), turn) for name, n in (("q", shape.heads), ("k", shape.key_heads)))
        v = heads("v", shape.key_heads)
        if past is not None:
            k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        group = shape.heads // shape.key_heads
        wide_k, wide_v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        out = torch.nn.functional.scaled_dot_product_attention(q, wide_k, wide_v, is_causal=past is None)
        return out.transpose(1, 2).reshape(rows, length, width) @ weights["self_attn.o_proj"].T, (k, v)

    def _norm(self, x: Any, weight: Any) -> Any:
        return x * self._torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self._shape.epsilon) * weight


class _Part:
    """The weights of one layer."""

    def __init__(self, weights: Mapping[str, Any], prefix: str) -> None:
        self._weights, self._prefix = weights, prefix

    def __getitem__(self, name: str) -> Any:
        return self._weights[f"{self._prefix}{name}.weight"]


class _Stream:
    """One text that is being sampled, with its own chance."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.ended = False

    def take(self, logits: Floats, decoding: Decoding, ends: Sequence[int]) -> int:
        """Choose the next token; once a text has ended, only the padding of its row."""
        if self.ended:
            return ends[0]
        open_to = penalised(logits, self.ids, decoding.repetition_penalty)
        if not self.ids:
            open_to = open_to.copy()
            open_to[list(ends)] = -np.inf
        at = pick(open_to, decoding, self.rng)
        if at in ends:
            self.ended = True
        else:
            top = logits.max()
            self.ids.append(at)
            self.logprobs.append(float(logits[at] - top - np.log(np.exp(logits - top).sum())))
        return at


def _rotations(torch: Any, before: int, length: int, width: int, theta: float, device: str) -> tuple[Any, Any]:
    """Cosines and sines of the rotary positions (Su et al., arXiv 2104.09864), halves side by side as in Llama."""
    frequency = theta ** (-torch.arange(0, width, 2, dtype=torch.float32, device=device) / width)
    angles = torch.outer(torch.arange(before, before + length, dtype=torch.float32, device=device), frequency)
    both = torch.cat([angles, angles], dim=-1)
    return both.cos(), both.sin()


def _turned(torch: Any, x: Any, turn: tuple[Any, Any]) -> Any:
    half = x.shape[-1] // 2
    return x * turn[0] + torch.cat([-x[..., half:], x[..., :half]], dim=-1) * turn[1]
