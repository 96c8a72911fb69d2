"""Verify columns: a verdict taken outside whatever wrote the row. Passed is true, failed is false, and what nobody can say is null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tilth.flows.grammar import ColumnSpec

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.verify.base import Verifier
    from tilth.verify.catalog import Entry

SHARES = {"mutation": "caught"}
"""Verifiers whose value is a share, by where it stands in their evidence; the value of the others is whether the row passed."""


def verifiers() -> Mapping[str, Entry]:
    """The verifiers of this version, by the name that a flow uses."""
    from tilth.verify.catalog import VERIFIERS

    return VERIFIERS


def verifier(column: ColumnSpec) -> Verifier:
    """The verifier of a column.

    Raises
    ------
    RequestError: its extra is not installed.
    """
    from tilth.verify.catalog import verifier_of

    return verifier_of(str(column.verify), using=column.using)


async def verify(column: ColumnSpec, by: Verifier, values: Mapping[str, Any], run: Run) -> tuple[Any, dict[str, Any]]:
    """The column's value for a row, and its score: 1, 0 or a share, null where nobody can say, and why."""
    verdict = await by.verify(run, values)
    share = SHARES.get(str(column.verify))
    if verdict.state == "unscored":
        value: Any = None
    else:
        value = verdict.evidence.get(share) if share is not None else verdict.passed
    return value, {"value": None if value is None else float(value), "detail": verdict.reason}
