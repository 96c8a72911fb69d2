"""Columns in the order in which they can be made: what a column names comes before it."""

from __future__ import annotations

from collections.abc import Mapping

from tilth.flows.grammar import ColumnSpec
from tilth.flows.load import Where
from tilth.flows.names import TemplateMistake, expression_uses, template_uses


def references(column: ColumnSpec) -> list[tuple[Where, str, bool]]:
    """Every text of a column that may name others: (where in the column, text, whether it is a template)."""
    found: list[tuple[Where, str, bool]] = []
    for key in ("system", "prompt", "prefill"):
        text = getattr(column, key)
        if text is not None:
            found.append(((key,), text, True))
    if isinstance(column.judge, str):
        found.append((("judge",), column.judge, True))
    elif column.judge:
        found += [(("judge", criterion), text, True) for criterion, text in column.judge.items()]
    for key in ("when", "compute"):
        text = getattr(column, key)
        if text is not None:
            found.append(((key,), text, False))
    return found


def uses(column: ColumnSpec) -> set[str]:
    """Names that the column's texts and its `using` name; texts with mistakes (reported elsewhere) name none."""
    named = {name for _, text, is_template in references(column) for name in _names(text, template=is_template)}
    return named | set(column.using.values())


def _names(text: str, *, template: bool) -> set[str]:
    try:
        return {use.name for use in (template_uses(text) if template else expression_uses(text))}
    except TemplateMistake:
        return set()


def shown_to(name: str, columns: Mapping[str, ColumnSpec]) -> list[str]:
    """Columns that the judge `name` sees: those that its question names, else all that are kept and rest on no judge."""
    question = columns[name].judge
    texts = [question] if isinstance(question, str) else list((question or {}).values())
    named = {use for text in texts for use in _names(text, template=True)}
    return [other for other in columns if other in named] or [
        other for other, one in columns.items() if one.kept and not _judged(other, columns, frozenset())
    ]


def _judged(name: str, columns: Mapping[str, ColumnSpec], seen: frozenset[str]) -> bool:
    """Whether the column is a judge's, or is made from one."""
    if columns[name].kind == "judge":
        return True
    return any(
        _judged(other, columns, seen | {name}) for other in uses(columns[name]) & set(columns) if other not in seen and other != name
    )


def needs(name: str, columns: Mapping[str, ColumnSpec]) -> list[str]:
    """Columns that must be there before `name`, in the order of the file; a judge needs what it sees."""
    column = columns[name]
    named = uses(column) | ({column.by} if column.by else set())
    if column.kind == "judge":
        named |= set(shown_to(name, columns))
    return [other for other in columns if other in named and other != name] + ([name] if name in named else [])


def order(columns: Mapping[str, ColumnSpec]) -> list[str]:
    """Names of the columns, what is needed first; otherwise in the order of the file. There must be no circle."""
    done: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        for other in needs(name, columns):
            visit(other)
        done.append(name)

    for name in columns:
        visit(name)
    return done


def circle(columns: Mapping[str, ColumnSpec]) -> list[str]:
    """``[a, b, a]`` when columns need each other in a circle, else nothing."""
    finished: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in finished:
            return []
        for other in needs(name, columns):
            ring = visit(other, [*way, name])
            if ring:
                return ring
        finished.add(name)
        return []

    for name in columns:
        ring = visit(name, [])
        if ring:
            return ring
    return []
