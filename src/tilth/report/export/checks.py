"""When an export is refused: a gate that must hold failed, an input's licence forbids the result's, there is nothing to export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilth.errors import CheckFailed, RequestError
from tilth.report.card.licences import Licence

if TYPE_CHECKING:
    from tilth.report.facts import Facts


def failed_gates(facts: Facts) -> list[str]:
    """The `must` gates that failed, each in a few words."""
    return [
        f"{one.gate.metric} is {one.shown}, and {one.bound} is asked"
        for one in facts.gates
        if one.state == "fails" and one.gate.level == "must" and not one.gate.suggested
    ]


def refuse(facts: Facts, licence: Licence, *, force: bool) -> None:
    """Raise where the export may not be made.

    force: a failed gate stops nothing, and the card says it in its first line; a licence is no matter of force.

    Raises
    ------
    CheckFailed: a gate that must hold failed. RequestError: a licence forbids it.
    """
    if licence.refused:
        remedy = "Set the flow's 'licence' to one that is allowed, or leave that input out."
        raise RequestError(f"{licence.refused} {remedy}", code="export.licence")
    failed = failed_gates(facts)
    if failed and not force:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        what = f"a gate that must hold does not: {failed[0]}{more}."
        raise CheckFailed(f"{what} Export all the same, with that in the card's first line: --force", code="export.gate")
