"""The control T from the records themselves: the openings that a prompt drew, without what the LLM wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tilth.errors import RequestError
from tilth.evaluate.utility.arms import Example
from tilth.records.record import Record

OPENING = "opening"
"""Condition that holds the beginning which the text was given (AttrPrompt's prefill)."""


def drawn_openings(rows: Iterable[Record]) -> list[Example]:
    """The openings of records, filled in with their other conditions; none where no record names one.

    What the conditions say of a record is enough to make the template text again, so the control costs no call.
    """
    from tilth.prompts.template import Template

    out = []
    for row in rows:
        conditions = _conditions(row)
        opening = conditions.pop(OPENING, None)
        if not isinstance(opening, str) or row.get("label") is None:
            continue
        try:
            text = Template(opening).render(**{"label": row["label"], **conditions})
        except RequestError:  # a condition that the opening names is not kept: this row has no control
            continue
        if text.strip():
            out.append(Example(" ".join(text.split()), str(row["label"])))
    return out


def _conditions(row: Record) -> dict[str, Any]:
    """Name to value of a record's drawn conditions."""
    drawn = row.meta.get("conditions") or {}
    if not isinstance(drawn, Mapping):
        return {}
    return {name: one["value"] if isinstance(one, Mapping) and "value" in one else one for name, one in drawn.items()}
