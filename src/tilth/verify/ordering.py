"""What an ORDER BY leaves open: rows with equal keys may stand in any order, and a LIMIT may cut through them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

_KEY = "tilth_order_key_"


def keyed(query: exp.Query) -> tuple[exp.Query, list[int]] | None:
    """The query without LIMIT, with the keys of its ORDER BY among the columns, and which columns these are (from 0).

    None where a key cannot be shown: no ORDER BY, or a key of a DISTINCT or UNION that is none of its columns.
    """
    order = query.args.get("order")
    if order is None:
        return None
    shown = query.copy()
    shown.set("limit", None)
    shown.set("offset", None)
    where: list[int] = []
    columns = len(shown.selects)
    starred = any(one.is_star for one in shown.selects)
    for term in order.expressions:
        at = _column(query, term.this)
        if at is None:
            if starred or not isinstance(shown, exp.Select) or shown.args.get("distinct"):
                return None
            shown = shown.select(exp.alias_(term.this.copy(), f"{_KEY}{columns}"), copy=False)
            at, columns = columns, columns + 1
        where.append(at)
    return shown, where


def _column(query: exp.Query, key: exp.Expression) -> int | None:
    """Which column of the result a key is: by its number, its name, or the same expression."""
    if isinstance(key, exp.Literal) and key.is_int:
        return int(key.name) - 1
    if any(one.is_star for one in query.selects):
        return None
    for at, one in enumerate(query.selects):
        name = one.alias_or_name
        if (isinstance(key, exp.Column) and not key.table and key.name.lower() == name.lower()) or one.unalias() == key:
            return at
    return None


def groups(keys: Sequence[tuple[object, ...]]) -> list[tuple[int, int]]:
    """Begin and end of each run of equal keys."""
    bounds = [at for at in range(len(keys)) if at == 0 or keys[at] != keys[at - 1]]
    return list(zip(bounds, [*bounds[1:], len(keys)], strict=True))


def cuts(keys: Sequence[tuple[object, ...]], begin: int, end: int) -> bool:
    """Whether taking rows begin to end leaves rows out that are ordered like some that are taken."""
    return any(0 < at < len(keys) and keys[at - 1] == keys[at] for at in (begin, end)) and begin < end
