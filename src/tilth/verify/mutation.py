"""Tests are good when they notice mistakes: the share of small mistakes put into the code that make a test fail."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from .base import Verdict
from .mutants import Mutant, mutants
from .python import OfCode, tested, verdict_of
from .sandbox import Sandbox

if TYPE_CHECKING:
    from ..engine.run import Run

_SHOWN = 5


class Mutation(OfCode):
    """A sample of mutants of the code (:mod:`tilth.verify.mutants`) is run against the tests; `caught` is the share that fails.

    passed: at least `at_least` of them were caught. unscored: the code does not pass its own tests (`code_fails`), there is
    nothing to change in it (`no_mutants`), or there are no tests. A mutant that cannot be told from the code counts as not
    caught, so 1.0 is not always possible; the evidence names those that survived.
    """

    name: ClassVar[str] = "mutation"

    mutants: int = Field(default=10, ge=1, le=200, description="Mutants to try.")
    at_least: float = Field(default=0.5, ge=0, le=1, description="Share of mutants that the tests must catch.")
    seed: int = Field(default=0, description="Which mutants are drawn.")

    async def verify(self, run: Run | None, row: Mapping[str, Any]) -> Verdict:
        """The verdict on a row's tests by mutants of its code."""
        asked = self.asked(row)
        if isinstance(asked, Verdict):
            return asked
        found = await self._work(run, try_mutants, {**asked, "n": self.mutants, "seed": self.seed})
        if found["reason"]:
            return Verdict("unscored", found["reason"], found)
        enough = found["caught"] >= self.at_least
        return Verdict("passed" if enough else "failed", "" if enough else "survived", found)


def try_mutants(sandbox: Sandbox, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The code itself, then its mutants, against the tests; as JSON."""
    none: dict[str, Any] = {"caught": None, "of": 0, "survivors": []}
    if verdict_of(tested(sandbox, payload)).state != "passed":
        return {"reason": "code_fails", **none}
    drawn = mutants(payload["code"], payload["n"], random.Random(payload["seed"]))
    if not drawn:
        return {"reason": "no_mutants", **none}
    caught, survivors = 0, []
    for mutant in drawn:
        found = sandbox.run_tests_now(mutant.code, payload["tests"], module=payload["module"])
        caught += not found.passed
        if found.passed:
            survivors.append(_shown(mutant))
    return {"reason": "", "caught": caught / len(drawn), "of": len(drawn), "survivors": survivors[:_SHOWN]}


def _shown(mutant: Mutant) -> dict[str, Any]:
    site = mutant.site
    return {"operator": site.operator, "line": site.line, "before": site.before[:200], "after": mutant.after[:200]}
