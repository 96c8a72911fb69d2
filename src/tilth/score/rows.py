"""Rows: the records that are still kept, read anew by each iteration, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError
from tilth.records.ids import canonical, content_id, digest
from tilth.records.record import Record
from tilth.score.texts import On, text_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tilth.records.folder import RunFolder


class Rows:
    """Records that can be read again and again, each with an id.

    Parameters
    ----------
    read: begins a new iteration. length: how many there are. mark: digest of the content; None: computed when asked for.
    """

    def __init__(self, read: Callable[[], Iterator[Record]], length: int, *, mark: bytes | None = None) -> None:
        self._read = read
        self._length = length
        self._mark = mark

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> Rows:
        """Rows in memory; a record without an id gets one from its content and place."""
        held = [_with_id(one, number) for number, one in enumerate(records)]
        return cls(lambda: iter(held), len(held))

    @classmethod
    def kept(cls, folder: RunFolder) -> Rows:
        """The result of a run: the records of ``data/``."""
        return Stored(folder.data).rows()

    def __iter__(self) -> Iterator[Record]:
        return self._read()

    def __len__(self) -> int:
        return self._length

    def ids(self) -> Iterator[str]:
        """The ids, in order."""
        return (record.id or "" for record in self)

    def column(self, name: str) -> list[Any]:
        """All values of one column; None where a record does not have it."""
        return [record.get(name) for record in self]

    def texts(self, on: On = None) -> list[str]:
        """The text of each record: of the columns `on`, or of those that :func:`tilth.score.texts.columns_of` finds."""
        return [text_of(record, on) for record in self]

    def require(self, columns: Iterable[str], who: str) -> None:
        """Raise RequestError where the records lack a column that `who` needs. Looks at the first record."""
        first = next(iter(self), None)
        missing = [name for name in columns if first is not None and name not in first]
        if first is not None and missing:
            have = ", ".join(first)
            what = f"{who} needs the column '{missing[0]}', which the rows do not have (they have: {have})."
            raise RequestError(what, code="data.column")

    @property
    def mark(self) -> bytes:
        """Digest of ids and content: equal marks mean equal rows."""
        if self._mark is None:
            whole = blake2b(digest_size=16)
            for record in self:
                whole.update(digest(record.id or "", canonical(record.columns)))
            self._mark = whole.digest()
        return self._mark


def _with_id(one: Mapping[str, Any], number: int) -> Record:
    record = one if isinstance(one, Record) else Record(one)
    if record.id is None:
        own = record.get("id")
        return Record(record.columns, meta={**record.meta, "id": str(own) if own not in (None, "") else content_id(record.columns, number)})
    return record


class Stored:
    """The parts of a folder, with what curation has decided so far laid over them.

    kept: which rows are still in, by position. changes: position to columns that are set anew.
    """

    def __init__(self, directory: Path) -> None:
        import numpy as np
        import pyarrow.parquet as pq

        from tilth.records.parts import parts
        from tilth.records.schema import Schema

        self.paths = parts(directory, "part")
        counts = [pq.read_metadata(path).num_rows for path in self.paths]
        schema = Schema.from_arrow(pq.read_schema(self.paths[0])) if self.paths else Schema()
        if schema is None:
            raise RequestError(f"{self.paths[0]} was not written by tilth.", code="data.foreign")
        self.schema = schema
        self.kept: npt.NDArray[np.bool_] = np.ones(sum(counts), dtype=np.bool_)
        self.changes: dict[int, dict[str, Any]] = {}
        self._base: bytes | None = None

    @property
    def base(self) -> bytes:
        """Digest of all rows as they were stored, whatever is kept of them."""
        if self._base is None:
            whole = blake2b(digest_size=16)
            for path in self.paths:
                whole.update(_file_digest(path))
            self._base = whole.digest()
        return self._base

    def rows(self) -> Rows:
        """The rows that are kept at this moment; later decisions do not change them."""
        kept, changes = self.kept.copy(), dict(self.changes)
        mark = digest(self.base, self.kept.tobytes(), canonical({str(at): changes[at] for at in sorted(changes)}))
        return _View(self, kept, changes, mark)

    def positions(self) -> Iterator[tuple[int, str]]:
        """Position and id of each row that is kept at this moment."""
        kept = self.kept.copy()
        return ((at, row["id"]) for at, row in enumerate(self.raw(["id"])) if kept[at])

    def raw(self, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
        """Every row as the files hold it."""
        from tilth.records.parts import read_rows

        for path in self.paths:
            yield from read_rows(path, columns)


class _View(Rows):
    """A snapshot of stored rows."""

    def __init__(self, stored: Stored, kept: npt.NDArray[np.bool_], changes: dict[int, dict[str, Any]], mark: bytes) -> None:
        super().__init__(self._records, int(kept.sum()), mark=mark)
        self._stored = stored
        self._kept = kept
        self._changes = changes

    def _records(self) -> Iterator[Record]:
        schema = self._stored.schema
        for at, row in enumerate(self._stored.raw()):
            if self._kept[at]:
                record = schema.record(row)
                yield record.replace(**self._changes[at]) if at in self._changes else record

    def ids(self) -> Iterator[str]:
        return (str(row["id"]) for at, row in enumerate(self._stored.raw(["id"])) if self._kept[at])

    def column(self, name: str) -> list[Any]:
        from tilth.records.values import read_value

        kind = self._stored.schema.columns.get(name)
        if kind is None or self._changes:
            return super().column(name)
        return [read_value(kind.name, row[name]) for at, row in enumerate(self._stored.raw([name])) if self._kept[at]]


def _file_digest(path: Path) -> bytes:
    whole = blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            whole.update(block)
    return whole.digest()
