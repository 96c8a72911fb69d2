"""Rows by quota: exactly so many of each label, whatever is rejected on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from tilth.records.ids import Occurrences, canonical
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run

DUPLICATE = "duplicate"


def split(rows: int, labels: Iterable[str]) -> dict[str, int]:
    """`rows` shared evenly: differences are at most 1, the first labels take what is over.

    >>> split(5, ["a", "b"])
    {'a': 3, 'b': 2}
    """
    names = list(labels)
    each, over = divmod(rows, len(names))
    return {name: each + (number < over) for number, name in enumerate(names)}


async def fill(
    run: Run,
    quotas: Mapping[str, int],
    write: Callable[[Record], Awaitable[Record | None]],
    *,
    attempts: Mapping[str, int],
    same: Callable[[Record], object],
    label: str = "write",
    seen: Occurrences | None = None,
) -> AsyncIterator[Record]:
    """Yield exactly `quotas[label]` records of each label, or say in the run's notes how many are missing.

    Works in rounds of one map: the first asks for every row, each later one for what was rejected or came twice.
    Within a round labels take turns, so a run that is stopped half-way is balanced too. Nothing but the number of
    the round depends on results, so the outcome is the same at any concurrency. A larger quota re-pays nothing but
    the replacements of later rounds. Memory: 8 bytes a row, for the duplicates.

    Parameters
    ----------
    write: makes one record of a slot, or raises Failure, or gives None for one that it rejected itself. The slot is a record
        with the `label` wanted and, in its meta, its ``number`` among the attempts of that label. The record has the same label.
    attempts: at most so many slots per label.
    same: records for which it is equal (as JSON) are duplicates; the first stays.
    label: the map's label; part of every call's key.
    seen: what was kept by earlier calls, where a method fills several times; this call adds to it.
    """
    kept, tried = dict.fromkeys(quotas, 0), dict.fromkeys(quotas, 0)
    seen = Occurrences() if seen is None else seen
    while missing := {name: n for name in quotas if (n := min(quotas[name] - kept[name], attempts[name] - tried[name])) > 0}:
        slots = _in_turns(missing, dict(tried))
        for name, n in missing.items():
            tried[name] += n
        async for record in run.map(write, slots, label=label, key=_key):
            if seen.next(canonical(same(record))):
                run.reject(record, DUPLICATE, detail="The same was kept before.")
                continue
            kept[record["label"]] += 1
            yield record
    _report(run, quotas, kept, tried)


def _in_turns(missing: Mapping[str, int], first: Mapping[str, int]) -> Iterator[Record]:
    for turn in range(max(missing.values())):
        for name, n in missing.items():
            if turn < n:
                yield Record(label=name, meta={"number": first[name] + turn})


def _key(slot: Record) -> str:
    return f"{slot['label']}-{slot.meta['number']}"


def _report(run: Run, quotas: Mapping[str, int], kept: Mapping[str, int], tried: Mapping[str, int]) -> None:
    for name, quota in quotas.items():
        if kept[name] < quota:
            run.note(f"label '{name}' is {quota - kept[name]} short of {quota} rows: {tried[name]} attempts gave {kept[name]}.")
