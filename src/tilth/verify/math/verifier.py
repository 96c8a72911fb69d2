"""The verifier of mathematical answers: extract both, compare, and say why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from ..base import Verdict
from ..reading import OfRow
from ..workers import Workers, work
from .extract import Extracted, extract
from .ladder import Percent, Rules, quick

if TYPE_CHECKING:
    from ...engine.run import Run

_SECOND = ("unread", "no common value", "mixed")
"""Reasons for which Math-Verify is asked, where it is installed (the extra `math`)."""


class Math(OfRow):
    """Whether the final answer of a text equals the gold answer.

    1. The answer is found by the declared convention (:data:`tilth.verify.math.extract.CONVENTIONS`), the gold one likewise.
    2. Equal strings and plain numbers are decided at once; all else in a process that is killed after `seconds`.
    3. What our grammar does not read goes to Math-Verify where it is installed; else the row is unscored.

    Passed, or failed with ``wrong_answer``, ``no_answer`` (none found; counted apart), ``several`` (boxes that differ) or ``unbalanced``
    (cut off within the box); unscored with ``no_gold``, ``timeout``, ``too_big``, ``unit`` and the like: nothing was shown either way.
    The gold of a text with units accepts a bare number; see `Rules` for percent, tolerance and intervals.
    """

    name: ClassVar[str] = "math"
    version: ClassVar[int] = 1
    arguments: ClassVar[Mapping[str, str]] = {"answer": "text that holds the answer", "gold": "the right answer, or a text that holds it"}

    convention: str | list[str] = Field("auto", description="How the answer is found; see CONVENTIONS.")
    gold_convention: str | list[str] = Field("auto", description="How the gold answer is found in its text; a bare answer is itself.")
    several: bool = Field(True, description="Take the last of several boxes that differ; false: such a text has no answer.")
    tolerance: float = Field(1e-6, ge=0, lt=0.1, description="Relative, for numbers with a point; integers and fractions are exact.")
    percent: Percent = Field("either", description="What a written % means beside a number without: unit (50), value (0.5), either.")
    intervals: bool = Field(False, description="Whether an inequality is accepted for a gold interval.")
    seconds: float = Field(5.0, gt=0, le=60, description="Limit of one comparison.", json_schema_extra={"from": "Math-Verify"})

    _own: Workers = PrivateAttr()
    _second: Workers = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        self._own = Workers("tilth.verify.math.ladder:in_worker", seconds=self.seconds, megabytes=512)
        self._second = Workers("tilth.verify.math.second:in_worker", seconds=self.seconds, megabytes=2048, most=1)
        extract("", self.convention)  # an unknown convention is a mistake of the request, not of a row
        extract("", self.gold_convention)

    async def verify(self, run: Run | None, row: Mapping[str, Any]) -> Verdict:
        """Compare a row's `answer` with its `gold`."""
        taken = self.take(row)
        gold = self._gold(taken["gold"])
        if gold.answer is None:
            return Verdict("unscored", "no_gold", {"gold_rule": gold.rule, "error": gold.problem})
        found = extract(_text(taken["answer"]), self.convention, several=self.several)
        if found.answer is None:
            nothing = {"equal": False, "method": "none", "reason": found.problem}
            return Verdict("failed", found.problem, self._evidence(found, gold, nothing))
        return self._verdict(found, gold, await self.compare(run, found.answer, gold.answer))

    async def compare(self, run: Run | None, answer: str, gold: str) -> dict[str, Any]:
        """Two extracted answers: ``{"equal": true | false | null, "method", "reason", "normalised", "gold_normalised"}``."""
        rules = Rules(self.tolerance, self.percent, self.intervals)
        if (done := quick(answer, gold, rules)) is not None:
            return done.as_json()
        payload = {"answer": answer, "gold": gold, "rules": asdict(rules)}
        reply = await work(run, self._own, payload, version=self.version)
        result: dict[str, Any] = reply.get("value") or {"equal": None, "method": "none", "reason": reply["error"]}
        if result["equal"] is None and str(result["reason"]).startswith(_SECOND) and _installed():
            payload = {"answer": result["normalised"], "gold": result["gold_normalised"]}
            second = await work(run, self._second, payload, version=self.version)
            equal = (second.get("value") or {}).get("equal")
            if equal is not None:
                result |= {"equal": equal, "method": "symbolic", "reason": "" if equal else "differs", "by": "math-verify"}
        return result

    def close(self) -> None:
        """End the processes; they also end with this object."""
        self._own.close()
        self._second.close()

    def _gold(self, gold: Any) -> Extracted:
        text = _text(gold)
        found = extract(text, self.gold_convention)
        if found.answer is None and text and "\n" not in text.strip() and self.gold_convention == "auto":
            return Extracted(text.strip(), "whole")  # a gold answer may be long; it is the answer all the same
        return found

    def _verdict(self, found: Extracted, gold: Extracted, compared: Mapping[str, Any]) -> Verdict:
        evidence = self._evidence(found, gold, compared)
        if compared["equal"] is None:
            return Verdict("unscored", str(compared["reason"]).split(":")[0].replace(" ", "_"), evidence)
        return Verdict("passed", "", evidence) if compared["equal"] else Verdict("failed", "wrong_answer", evidence)

    def _evidence(self, found: Extracted, gold: Extracted, compared: Mapping[str, Any]) -> dict[str, Any]:
        """The record of the card."""
        return {
            "extracted": found.answer,
            "extract_rule": found.rule,
            "gold": gold.answer,
            "normalised": compared.get("normalised", ""),
            "gold_normalised": compared.get("gold_normalised", ""),
            "equal": bool(compared["equal"]),
            "method": compared["method"],
            "error": compared.get("reason") or None,
        }


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _installed() -> bool:
    from importlib.util import find_spec

    return find_spec("math_verify") is not None
