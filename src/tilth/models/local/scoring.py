"""Log-probabilities of given continuations: how likely is each label after this text?

One pass over the prompt gives the first token of every continuation; longer ones share the prompt's cache and are
finished in one more pass together. The graph is cut so that only the asked positions reach the vocabulary layer, and only
log-probabilities come back (with logits of every position 1.6 texts/s were measured; so: 27 of 25 tokens, 20 behind four demonstrations).

What several prompts have in common is computed once: a prompt is always split at its :func:`shared_part`, whether
that was seen before or not, so a score is the same number at any order and concurrency. Passes are not batched:
measured, 32 texts of 70 tokens at once are no faster than one by one (arithmetic is the limit from 40 tokens on).
"""

from __future__ import annotations

import functools
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tilth.errors import Declined, require
from tilth.models.local.engine import EXACT
from tilth.models.local.weights import path_of, pin_of

DECIMALS: Final = 5
_LEAST_SHARED: Final = 16  # tokens; below, a pass of its own costs more than it saves
_KEPT_TOKENS: Final = 2048  # of common beginnings: 46 kB each, 94 MB at most
_TURN: Final = "<|im_start|>user\n"

Ids = npt.NDArray[np.int64]


def shared_part(prompt: str) -> str:
    """The beginning of a prompt that other prompts probably have too, read off the prompt alone.

    Up to the last blank line; else up to the last user turn; else all but the last two lines. It ends before white
    space, where the tokeniser always starts a new token.

    >>> shared_part("Review: Good.\\nSentiment: positive\\n\\nReview: Bad.\\nSentiment:")
    'Review: Good.\\nSentiment: positive'
    """
    for mark in ("\n\n", _TURN):
        place = prompt.rfind(mark)
        if place >= 0:
            return prompt[: place + len(mark)].rstrip()
    lines = prompt.splitlines(keepends=True)
    return "".join(lines[:-2]).rstrip()


@dataclass(frozen=True, slots=True)
class _Cut:
    """A prompt as tokens, the number of them that are shared, and each continuation's tokens."""

    ids: list[int]
    shared: int
    continuations: list[list[int]]


class Scorer:
    """The scoring graph with its own thread; loads at the first call (2 s, 700 MB). See :func:`shared_scorer`."""

    def __init__(self, weights: Path, context: int) -> None:
        self._genai = require("openvino_genai", extra="local", feature="scoring with the embedded model")
        self._weights = weights
        self._context = context
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._tokenizer: Any = None
        self._infer: Any = None
        self._kept: OrderedDict[tuple[int, ...], list[Any]] = OrderedDict()

    def submit(self, prompt: str, continuations: Sequence[str]) -> Future[list[float]]:
        """Queue one scoring; the future gets sums of log-probabilities in nats, or Declined."""
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tilth-score")
            return self._thread.submit(self._score, prompt, continuations)

    def close(self) -> None:
        """End the thread and free the memory; a later submit starts anew."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(wait=True, cancel_futures=True)
            self._infer = None
            self._kept.clear()

    def _load(self) -> None:
        import openvino

        if self._infer is None:
            self._tokenizer = self._genai.Tokenizer(str(self._weights.parent))
            core = openvino.Core()
            graph = scoring_graph(core.read_model(str(self._weights)))
            self._infer = core.compile_model(graph, "CPU", dict(EXACT)).create_infer_request()

    def _score(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        if not continuations:
            return []
        self._load()
        cut = self._cut(prompt, continuations)
        first = self._first_tokens(cut)
        rest = self._later_tokens(cut) if any(len(ids) > 1 for ids in cut.continuations) else np.zeros(len(first))
        return [round(float(value), DECIMALS) for value in first + rest]

    def _encode(self, text: str) -> list[int]:
        return [int(token) for token in self._tokenizer.encode(text, add_special_tokens=False).input_ids.data[0]]

    def _cut(self, prompt: str, continuations: Sequence[str]) -> _Cut:
        ids = self._encode(prompt) if prompt else []
        ends = [self._ending(prompt, ids, text) for text in continuations]
        if not ids or not all(ends):
            raise Declined("scoring needs a prompt and continuations that are not empty")
        if len(ids) + max(map(len, ends)) > self._context:
            raise Declined(f"a prompt of {len(ids)} tokens; the embedded model takes {self._context} with the continuation")
        part = shared_part(prompt)
        begin = self._encode(part) if part else []
        usable = _LEAST_SHARED <= len(begin) < len(ids) and ids[: len(begin)] == begin
        return _Cut(ids, len(begin) if usable else 0, ends)

    def _ending(self, prompt: str, ids: list[int], text: str) -> list[int]:
        """A continuation's tokens as they stand after the prompt, or its own where the two melt into one token."""
        if not text:
            return []
        whole = self._encode(prompt + text)
        return whole[len(ids) :] if whole[: len(ids)] == ids else self._encode(text)

    def _first_tokens(self, cut: _Cut) -> npt.NDArray[np.float64]:
        self._infer.reset_state()
        if cut.shared:
            self._begin_with(tuple(cut.ids[: cut.shared]))
        rest = np.array([cut.ids[cut.shared :]], dtype=np.int64)
        targets = [ids[0] for ids in cut.continuations]
        return self._pass(rest, cut.shared, [(0, rest.shape[1] - 1)] * len(targets), targets)

    def _begin_with(self, ids: tuple[int, ...]) -> None:
        """Put the model into the state after `ids`, from what was kept or by a pass."""
        kept = self._kept.get(ids)
        if kept is None:
            self._pass(np.array([ids], dtype=np.int64), 0, [(0, 0)], [0])
            self._keep(ids)
            return
        self._kept.move_to_end(ids)
        for state, value in zip(self._infer.query_state(), kept, strict=True):
            state.state = value

    def _keep(self, ids: tuple[int, ...]) -> None:
        import openvino

        self._kept[ids] = [openvino.Tensor(state.state.data.copy()) for state in self._infer.query_state()]
        while len(self._kept) > 1 and sum(map(len, self._kept)) > _KEPT_TOKENS:
            self._kept.popitem(last=False)

    def _later_tokens(self, cut: _Cut) -> npt.NDArray[np.float64]:
        """Second and later tokens: the prompt's state is repeated for each continuation, rows padded on the right."""
        ends = cut.continuations
        ids = np.zeros((len(ends), max(map(len, ends)) - 1), dtype=np.int64)
        places: list[tuple[int, int]] = []
        targets: list[int] = []
        for row, tokens in enumerate(ends):
            ids[row, : len(tokens) - 1] = tokens[:-1]
            places += [(row, column) for column in range(len(tokens) - 1)]
            targets += tokens[1:]
        found = self._pass(ids, len(cut.ids), places, targets, spread=True)
        sums = np.zeros(len(ends))
        np.add.at(sums, [row for row, _ in places], found)
        return sums

    def _pass(
        self, ids: Ids, past: int, places: Sequence[tuple[int, int]], targets: Sequence[int], *, spread: bool = False
    ) -> npt.NDArray[np.float64]:
        """Run `ids` (rows, tokens) after `past` tokens; log p(target) at each (row, column). spread: one state for all rows."""
        rows, length = ids.shape
        inputs = {
            "input_ids": ids,
            "attention_mask": np.ones((rows, past + length), dtype=np.int64),
            "position_ids": np.tile(np.arange(past, past + length), (rows, 1)),
            "beam_idx": np.zeros(rows, dtype=np.int32) if spread else np.arange(rows, dtype=np.int32),
            "places": np.array(places, dtype=np.int64),
            "targets": np.array(targets, dtype=np.int64),
        }
        self._infer.infer(inputs)
        found: npt.NDArray[np.float64] = self._infer.get_output_tensor(0).data.astype(np.float64).ravel()
        return found


def scoring_graph(model: Any) -> Any:
    """The language model's graph with two more inputs, ``places`` (n, 2) and ``targets`` (n), and one output: log p (n, 1)."""
    import openvino
    from openvino import opset13 as ops

    vocabulary = model.output(0).get_node().input_value(0).get_node()
    places = ops.parameter([-1, 2], openvino.Type.i64, name="places")
    targets = ops.parameter([-1], openvino.Type.i64, name="targets")
    for node, name in ((places, "places"), (targets, "targets")):
        node.get_output_tensor(0).set_names({name})
    asked = ops.gather_nd(vocabulary.input_value(0), places)
    logits = ops.matmul(asked, vocabulary.input_value(1), False, vocabulary.get_attributes()["transpose_b"])
    column = ops.unsqueeze(targets, ops.constant(np.int64(1)))
    chosen = ops.gather_elements(ops.log_softmax(logits, axis=1), column, 1)
    parameters = [*model.get_parameters(), places, targets]
    return openvino.Model([ops.result(chosen)], model.get_sinks(), parameters, "scoring")


def shared_scorer(name: str) -> Scorer:
    """The process's one scorer for these weights; always exact. Raises RequestError when the weights are not pulled."""
    return _scorer(path_of(name), pin_of(name).context, os.getpid())


@functools.cache
def _scorer(weights: Path, context: int, process: int) -> Scorer:
    return Scorer(weights, context)
