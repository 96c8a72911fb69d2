"""Splits that keep what belongs together on one side, and the share of each label alike on all sides.

Together belong near-duplicates (`tilth.text.near`), a record and its parents, records with a common parent, and records that grew
from the same seed example. Groups are dealt out the largest first; the seed decides the order of equals, so that the same
records and the same seed give the same splits. Memory: that of `near_duplicates`, and about 40 bytes a record.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tilth.errors import RequestError
from tilth.records.ids import short_hash
from tilth.report.export.source import Row, Source
from tilth.stats.select import apportioned

NEAR = 0.85
"""Similarity from which two records are near-duplicates."""
NOWHERE = 255
LEAST = 0.5
"""A split that gets less than this part of what was asked for is no split."""


@dataclass(frozen=True)
class Splits:
    """Which record goes where.

    names: in the order asked for. of: number of the split by position, `NOWHERE` for a record that is not exported. notes: what the
    user should know.
    """

    names: tuple[str, ...]
    of: bytes
    groups: int
    notes: tuple[str, ...] = ()

    def rows(self, name: str) -> int:
        """How many records a split has."""
        return self.of.count(self.names.index(name))


def whole(source: Source) -> Splits:
    """One split, `train`, that holds everything."""
    if source.label != "people":
        return Splits(("train",), bytes(source.count), 0)
    of = bytearray([NOWHERE]) * source.count
    for row in source.plain.rows():
        of[row.position] = 0
    return Splits(("train",), bytes(of), 0)


def shares_of(text: str | Mapping[str, float]) -> dict[str, float]:
    """``"train=0.9,validation=0.1"`` as a mapping; RequestError where it is none, or the shares are not 1 in sum.

    >>> shares_of("train=0.9,test=0.1")
    {'train': 0.9, 'test': 0.1}
    """
    try:
        pairs = text.items() if isinstance(text, Mapping) else [part.split("=") for part in text.split(",")]
        shares = {str(name).strip(): float(share) for name, share in pairs}
    except ValueError:
        raise RequestError(f"--split {text}: write it as train=0.9,validation=0.1", code="export.split") from None
    good = all(name.isidentifier() for name in shares) and all(0 < share <= 1 for share in shares.values())
    if not good or len(shares) >= NOWHERE or abs(sum(shares.values()) - 1) > 1e-6 or "rejected" in shares:
        what = "names are words (not 'rejected'), and the shares are above 0 and add up to 1. Write it as train=0.9,validation=0.1"
        raise RequestError(f"--split: {what}", code="export.split")
    return shares


def split(source: Source, shares: Mapping[str, float], seed: int) -> Splits:
    """Deal the records out.

    Raises
    ------
    RequestError: they hang together so much that a split would stay empty.
    """
    source = source.plain
    positions = array("Q")
    rows = []
    for row in source.rows():
        positions.append(row.position)
        rows.append((row.meta["id"], _label(row, source.label_column)))
    links = Links(source)
    notes: list[str] = []
    dealt, groups = _dealt(links.groups(all_seeds=True), rows, shares, seed)
    if not _fair(dealt, shares):
        dealt, groups = _dealt(links.groups(all_seeds=False), rows, shares, seed)
        notes.append(
            "records that were shown the same several examples are on both sides: together they are too many for the shares asked for"
        )
    empty = [name for number, name in enumerate(shares) if not dealt.count(number)]
    if empty:
        largest = max(groups, default=0)
        what = f"'{empty[0]}' would be empty: of {len(rows)} records, {largest} hang together as near-duplicates or by common parents."
        raise RequestError(f"{what} Export without --split, or with other shares.", code="export.split")
    if not _fair(dealt, shares):
        notes.append(f"shares differ from those asked for: {max(groups)} records hang together as near-duplicates or by common parents")
    of = bytearray([NOWHERE]) * source.count
    for position, number in zip(positions, dealt, strict=True):
        of[position] = number
    return Splits(tuple(shares), bytes(of), len(groups), tuple(notes))


def _label(row: Row, column: str | None) -> str:
    return repr(row.columns[column]) if column is not None else ""


def _fair(dealt: bytearray, shares: Mapping[str, float]) -> bool:
    return all(dealt.count(number) >= LEAST * share * len(dealt) for number, share in enumerate(shares.values()) if share * len(dealt) >= 1)


class Links:
    """What ties records together; found once, joined as asked."""

    def __init__(self, source: Source) -> None:
        from tilth.score.texts import text_of
        from tilth.text.near import similar_pairs

        self._size = 0
        self._single = array("Q")  # key of a parent or of the only seed, and the record that names it
        self._several = array("Q")
        own = array("Q")
        for row in source.rows():
            position, meta = self._size, row.meta
            own.append(short_hash(meta["id"] or ""))
            several = len(meta["seed_ids"]) > 1
            for key in meta["parents"] if several else (*meta["parents"], *meta["seed_ids"]):
                self._single.extend((short_hash(key), position))
            for key in meta["seed_ids"] if several else ():
                self._several.extend((short_hash(key), position))
            self._size += 1
        self._own = own
        texts = (text_of(row.columns) for row in source.rows())
        self._near = array("Q")
        for pair in similar_pairs(texts, NEAR) if self._size else ():
            self._near.extend((pair.left, pair.right))

    def groups(self, *, all_seeds: bool) -> array[int]:
        """The root of each record's group. all_seeds: also those that stood with others in one prompt tie records together."""
        root = array("Q", range(self._size))
        for left, right in _twos(self._near):
            _join(root, left, right)
        first: dict[int, int] = {}
        for key, position in (*_twos(self._single), *(_twos(self._several) if all_seeds else ())):
            _join(root, first.setdefault(key, position), position)
        for position, key in enumerate(self._own):  # a parent or a seed may itself be among the records
            if key in first:
                _join(root, first[key], position)
        return array("Q", (_find(root, position) for position in range(self._size)))


def _twos(flat: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _find(root: array[int], at: int) -> int:
    while root[at] != at:
        root[at] = root[root[at]]
        at = root[at]
    return at


def _join(root: array[int], one: int, other: int) -> None:
    one, other = _find(root, one), _find(root, other)
    if one != other:
        root[max(one, other)] = min(one, other)


def _dealt(roots: array[int], rows: Sequence[tuple[str, str]], shares: Mapping[str, float], seed: int) -> tuple[bytearray, list[int]]:
    """The split of each record, and the sizes of the groups."""
    members: dict[int, list[int]] = {}
    for position, root in enumerate(roots):
        members.setdefault(root, []).append(position)
    left = _wanted(Counter(label for _, label in rows), list(shares.values()))
    order = sorted(members.values(), key=lambda group: (-len(group), short_hash(f"{seed}:{min(rows[at][0] or '' for at in group)}")))
    dealt = bytearray(len(rows))
    for group in order:
        labels = Counter(rows[at][1] for at in group)
        best = max(range(len(left)), key=lambda number: (_want(left[number], labels), -number))
        for label, n in labels.items():
            left[best][label] -= n
        for at in group:
            dealt[at] = best
    return dealt, [len(group) for group in order]


def _want(left: Mapping[str, int], labels: Mapping[str, int]) -> float:
    """How well a group fits what a split still lacks: what it fills, less what it puts in excess."""
    return sum(min(n, left[label]) + 1e-6 * left[label] for label, n in labels.items())


def _wanted(labels: Mapping[str, int], shares: Sequence[float]) -> list[dict[str, int]]:
    """Records of each label for each split: whole numbers that add up to the labels, and to the shares of all records."""
    total = sum(labels.values())
    room = apportioned(total, shares)
    wanted = [{label: int(share * n + 1e-9) for label, n in labels.items()} for share in shares]
    for number, one in enumerate(wanted):
        room[number] -= sum(one.values())
    for label in sorted(labels):
        rest = labels[label] - sum(one[label] for one in wanted)
        for _ in range(rest):
            best = max(range(len(shares)), key=lambda number: (room[number], shares[number], -number))
            wanted[best][label] += 1
            room[best] -= 1
    return wanted
