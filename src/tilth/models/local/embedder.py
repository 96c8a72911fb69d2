"""``local/minilm``: all-MiniLM-L6-v2 in this process, as a :class:`tilth.models.base.Embedder`.

Exact by default: a text has the same vector, bit for bit, alone, in any company and at any place, on one type of CPU.
That holds because what a row is padded to is read off its own length (:func:`padded`), never off its neighbours: at one
padded length the kernels were measured to give a row the same bits in batches of 1 to 64.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tilth.errors import Misconfigured, RequestError, require
from tilth.models.base import Capabilities, Price
from tilth.models.local.weights import EMBEDDERS, is_pulled, path_of, pin_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DIMENSIONS: Final = 384
MAX_TOKENS: Final = 256
"""What comes later in a text is not read: the limit that the model was published with."""

STEP: Final = 8
LEAST: Final = 16
"""Rows are padded to a multiple of STEP, at least LEAST tokens; at 8 the kernels take another way."""

_BATCH_TOKENS: Final = 2048  # arithmetic is the limit from here on: larger batches were no faster
_BATCH_ROWS: Final = 64
_CHUNK: Final = 512  # texts that the thread takes at once: what Ctrl-C or another caller waits for (1 to 5 s)
_FEATURE: Final = "embedding with local/minilm"


class LocalEmbedder:
    """A small embedder in this process. All instances of one mode share one loaded graph (0.5 s, 200 MB).

    name: ``minilm``. fast: bfloat16 arithmetic where the CPU has it; then a vector's last digits are not reproducible.

    Weights are loaded in a thread at the first call; without them that call raises RequestError ``model.not_pulled``
    (:meth:`check` raises it before). A text's first 256 tokens are read.
    """

    endpoint = "local"
    concurrency: int | None = 1
    ceiling: int | None = None
    price: Price | None = Price(0.0, 0.0)
    dimensions = DIMENSIONS

    def __init__(self, name: str = "minilm", *, fast: bool = False) -> None:
        self._pin = pin_of(name)
        if self._pin.name not in EMBEDDERS:
            raise RequestError(f"local/{self._pin.name} makes no vectors. Write: local/{EMBEDDERS[0]}", code="model.spec")
        self._fast = fast
        self.name = f"local/{self._pin.name}" + ("?fast" if fast else "")
        self.identity = f"local/{self._pin.name}@{self._pin.digest[:12]}" + ("?fast" if fast else "+f32")
        self.can = Capabilities(chat=False, deterministic=not fast)

    def __repr__(self) -> str:
        return f"LocalEmbedder({self.name!r})"

    def check(self) -> None:
        """Raise RequestError ``model.not_pulled`` or MissingExtra now rather than at the first call; loads nothing."""
        path_of(self._pin)
        for module in ("openvino", "tokenizers"):
            require(module, extra="local", feature=_FEATURE)

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors (len(texts), 384), float32, in the order of `texts`; computed in a thread. Raises Misconfigured."""
        import numpy as np

        made = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        if len(texts):
            encoder = shared_encoder(self._pin.name, exact=not self._fast)
            for start in range(0, len(texts), _CHUNK):
                answer = encoder.submit(texts[start : start + _CHUNK])
                vectors = await asyncio.wrap_future(answer)
                made[start : start + _CHUNK] = vectors
        return made

    async def close(self) -> None:
        """Nothing to do: the graph belongs to the process; :func:`tilth.models.local.unload` frees it."""


class Encoder:
    """The compiled graph and the tokeniser with their own thread; loads at the first call. See :func:`shared_encoder`."""

    def __init__(self, weights: Path, *, exact: bool) -> None:
        for module in ("openvino", "tokenizers"):
            require(module, extra="local", feature=_FEATURE)
        self._weights = weights
        self._exact = exact
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._tokenizer: Any = None
        self._infer: Any = None

    def submit(self, texts: Sequence[str]) -> Future[npt.NDArray[np.float32]]:
        """Queue some texts; the future gets their vectors, or Misconfigured."""
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tilth-embed")
            return self._thread.submit(self._encode, texts)

    def close(self) -> None:
        """End the thread and free the memory; a later submit starts anew."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(wait=True, cancel_futures=True)
            self._infer = self._tokenizer = None

    def _load(self) -> None:
        if self._infer is not None:
            return
        import openvino
        from tokenizers import Tokenizer

        from tilth.models.local.minilm_graph import build, read_safetensors

        properties = {"INFERENCE_PRECISION_HINT": "f32"} if self._exact else {}
        try:
            config = json.loads((self._weights.parent / "config.json").read_bytes())
            tokenizer = Tokenizer.from_file(str(self._weights.parent / "tokenizer.json"))
            graph = build(read_safetensors(self._weights), config)
            self._infer = openvino.Core().compile_model(graph, "CPU", properties).create_infer_request()
        except Exception as error:  # a boundary: native code, and files that may be damaged; any error means the same
            raise Misconfigured(f"local/minilm cannot be loaded: {error}") from error
        tokenizer.no_padding()  # its file pads everything to 128 tokens and cuts there, which the model was not published with
        tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer = tokenizer

    def _encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        import numpy as np

        self._load()
        # one by one: the tokeniser's own threads would complain in a process that forks later
        rows = [self._tokenizer.encode(_clean(text)).ids for text in texts]
        made = np.empty((len(rows), DIMENSIONS), dtype=np.float32)
        for batch, length in batches([len(row) for row in rows]):
            ids = np.zeros((len(batch), length), dtype=np.int32)
            mask = np.zeros((len(batch), length), dtype=np.float32)
            for line, index in enumerate(batch):
                ids[line, : len(rows[index])] = rows[index]
                mask[line, : len(rows[index])] = 1
            self._infer.infer({"ids": ids, "mask": mask})
            made[batch] = self._infer.get_output_tensor(0).data
        return made


def padded(length: int) -> int:
    """The number of tokens that a row of `length` tokens is padded to.

    >>> [padded(length) for length in (2, 16, 17, 250, 256)]
    [16, 16, 24, 256, 256]
    """
    return max(LEAST, -(-length // STEP) * STEP)


def batches(lengths: Sequence[int]) -> Iterator[tuple[list[int], int]]:
    """Rows that are run together, with what they are padded to: the same for all of a batch.

    >>> list(batches([3, 20, 5]))
    [([0, 2], 16), ([1], 24)]
    """
    order = sorted(range(len(lengths)), key=lambda index: padded(lengths[index]))
    for length, group in groupby(order, key=lambda index: padded(lengths[index])):
        rows = list(group)
        most = max(1, min(_BATCH_ROWS, _BATCH_TOKENS // length))
        for start in range(0, len(rows), most):
            yield rows[start : start + most], length


def _clean(text: str) -> str:
    """The text, with a question mark for each half of a surrogate pair, which no UTF-8 has."""
    return text.encode("utf-8", "replace").decode("utf-8")


def shared_encoder(name: str, *, exact: bool) -> Encoder:
    """The process's one encoder for these weights. Raises RequestError when they are not pulled, MissingExtra."""
    return _encoder(path_of(name), exact, os.getpid())


@functools.cache
def _encoder(weights: Path, exact: bool, process: int) -> Encoder:
    return Encoder(weights, exact=exact)  # `process`: a forked child has no thread, and starts its own


def unload_encoders() -> None:
    """End the threads and free the graphs of this process."""
    for name in EMBEDDERS:
        if is_pulled(name):
            for exact in (True, False):
                shared_encoder(name, exact=exact).close()
