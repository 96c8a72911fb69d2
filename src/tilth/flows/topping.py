"""Filling up: generation is repeated for what curation took away, at most so many rounds.

A round is the same run with more rows: what was made before comes from the journal, nothing is paid twice, and the result is that
of a run which had asked for so many rows at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilth.engine.execute import Handle, Outcome
    from tilth.engine.progress import Progress
    from tilth.flows.launch import Prepared

LEAST = 0.1
"""Share of the rows that curation is taken to keep at least: a round never asks for more than ten times what is missing."""


async def top_up(prepared: Prepared, rounds: int, handle: Handle | None) -> Outcome:
    """Run; then up to `rounds` times again with more rows, until as many are kept as were wanted. Evaluation comes last."""
    from tilth.engine.execute import execute

    method, wanted = prepared.method, prepared.method.rows or 0
    curating, rows = prepared.stages[:1], wanted
    for left in range(rounds, -1, -1):
        stages = prepared.stages if left == 0 else curating
        outcome = await execute(method.model_copy(update={"rows": rows}), prepared.settings, stages=stages, handle=handle)
        if outcome.status != "done" or left == 0:
            break
        if outcome.kept >= wanted:
            if len(prepared.stages) == 1:
                break
            _again(prepared.settings.progress)
            return await execute(method.model_copy(update={"rows": rows}), prepared.settings, stages=prepared.stages, handle=handle)
        share = max(LEAST, outcome.kept / rows)
        rows += math.ceil((wanted - outcome.kept) / share)
        _again(prepared.settings.progress)
    if outcome.status == "done" and outcome.kept < wanted:
        outcome.warnings.append(f"{outcome.kept} of {wanted} records are left after {rounds} rounds of filling up.")
    return outcome


def _again(progress: Progress) -> None:
    """A round counts its rows anew; what was paid stays counted."""
    progress.kept = progress.rejected = 0
    progress.reasons.clear()
    progress.stage = "generate"
