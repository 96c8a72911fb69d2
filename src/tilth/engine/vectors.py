"""Vectors of a set of texts: embedded in chunks into one array on disk, which is made once and grows over stops.

Neither the journal nor memory holds them: beside the texts, one chunk is in memory at a time, and a large array is mapped
from its file.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from tilth.engine.limiter import backoff
from tilth.errors import Declined, EndpointDown, Failure, Misconfigured, RequestError, Throttled, Unavailable
from tilth.records.atomic import no_space, sync_folder
from tilth.records.ids import digest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tilth.engine.session import Session

    Vectors = npt.NDArray[np.float32]

CHUNK = 1024
"""Texts that are embedded, and written down, at once: what a stop waits for, and what a crash costs."""

TRIES = 16
"""Failures of one chunk in a row before the endpoint counts as down: three and a half minutes."""

MAPPED = 64 * 2**20
"""Bytes above which the array is mapped from its file rather than read into memory."""


async def embed(session: Session, role: str, texts: Sequence[str]) -> Vectors:
    """See :meth:`tilth.engine.run.Run.embed`. Content-addressed under artifacts/: H("embed", identity, texts).

    Raises
    ------
    RequestError: nothing is set for the role, or it gave something else than one vector a text. EndpointDown: it cannot be reached.
    """
    embedder: Any = session.settings.roles[role][0].model if role in session.settings.roles else None
    if embedder is None:
        raise RequestError(f"no model is set for role '{role}'. Set one with: -m {role}=SPEC", code="model.no_role")
    if not hasattr(embedder, "embed"):
        raise RequestError(
            f"role '{role}': {embedder.name} makes no vectors. Set another with: -m {role}=local/minilm", code="model.cannot"
        )
    if not texts:
        empty: Vectors = await embedder.embed([])
        return empty
    name = _name(embedder.identity, texts)
    path = session.settings.folder.artifacts / f"embeddings-{name}.npy"
    async with session.embedding.setdefault(name, asyncio.Lock()):
        if not path.exists():
            await _fill(session, embedder, texts, Growing(path, len(texts)))
    return _load(path)


def cached(folder: Path, identity: str, texts: Sequence[str]) -> Vectors | None:
    """The vectors that an embedder has already made of these texts for a run; None where there are none."""
    path = folder / f"embeddings-{_name(identity, texts)}.npy"
    return _load(path) if texts and path.exists() else None


def _name(identity: str, texts: Sequence[str]) -> str:
    """Chunk by chunk, as a digest copies what it is given."""
    parts = (digest(*texts[start : start + CHUNK]) for start in range(0, len(texts), CHUNK))
    return digest("embed", identity, len(texts), *parts).hex()


def _load(path: Path) -> Vectors:
    """Writing to the array does not change the file (mapped: copy on write)."""
    import numpy as np

    found: Vectors = np.load(path, allow_pickle=False, mmap_mode="c" if path.stat().st_size > MAPPED else None)
    return found


async def _fill(session: Session, embedder: Any, texts: Sequence[str], array: Growing) -> None:
    import numpy as np

    start = array.rows
    while start < len(texts):
        chunk = texts[start : start + CHUNK]
        made = np.ascontiguousarray(await _embedded(session, embedder, chunk), dtype="<f4")
        if made.shape != (len(chunk), array.width or made.shape[-1]):
            what = f"{embedder.name} gave an array of shape {made.shape} for {len(chunk)} texts"
            raise RequestError(f"{what}{f', and {array.width} columns before' if array.width else ''}.", code="model.vectors")
        array.append(made)
        start += len(chunk)
    array.finish()


async def _embedded(session: Session, embedder: Any, texts: Sequence[str]) -> Any:
    """One chunk, asked again while the endpoint is busy or away."""
    jitter = Random(session.settings.seed)
    for attempt in range(1, TRIES + 1):
        session.check_stop()
        try:
            return await embedder.embed(texts)
        except Declined as error:
            raise Failure("declined", error.what) from None
        except Misconfigured as error:
            raise session.stop(EndpointDown(error.what, code=f"model.http_{error.status or 0}")) from None
        except (Throttled, Unavailable) as error:
            if attempt == TRIES:
                raise session.stop(EndpointDown(error.what, code="net.unreachable")) from None
            session.progress.retries += 1
            await session.pause(max(backoff(attempt, jitter), error.retry_after or 0.0))
    raise AssertionError("unreachable")


class Growing:
    """A ``.npy`` file that is written row by row under another name; what an earlier start wrote is kept.

    rows: how many are there. width: of a row; 0 before the first. The header with the final shape is written first, so
    that the file of an unfinished array is the beginning of the finished one.
    """

    def __init__(self, path: Path, length: int) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._length = length
        self.rows, self.width, self._start = 0, 0, 0
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._part.exists():
            self._resume()

    def _resume(self) -> None:
        from numpy.lib import format as npy

        try:
            with self._part.open("rb") as file:
                npy.read_magic(file)
                shape, _, kind = npy.read_array_header_1_0(file)
                start = file.tell()
        except ValueError:  # cut off within the header
            return
        if kind == "<f4" and len(shape) == 2 and shape[0] == self._length and shape[1]:
            self.width, self._start = shape[1], start
            self.rows = (self._part.stat().st_size - start) // (4 * self.width) // CHUNK * CHUNK  # the last chunk may be torn

    def append(self, vectors: Vectors) -> None:
        """Write rows down, synced."""
        from numpy.lib import format as npy

        try:
            with self._part.open("r+b" if self.rows else "wb") as file:
                if not self.rows:
                    self.width = vectors.shape[1]
                    npy.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (self._length, self.width)})
                    self._start = file.tell()
                file.seek(self._start + 4 * self.width * self.rows)
                file.write(vectors.data)
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise no_space(self._part) from error
            raise
        self.rows += len(vectors)

    def finish(self) -> None:
        """Give the whole array its name."""
        self._part.replace(self._path)
        sync_folder(self._path.parent)
