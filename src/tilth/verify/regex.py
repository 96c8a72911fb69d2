"""Regular expressions, tried in a process that is killed at its limit: some take for ever on some texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, field_validator

from .base import Verdict
from .reading import OfRow
from .workers import Workers, unanswered, work

if TYPE_CHECKING:
    from ..engine.run import Run

Flag = Literal["ignorecase", "multiline", "dotall", "verbose", "ascii"]


class Regex(OfRow):
    """Whether a text matches an expression (Python's syntax), wholly by default.

    Failed with ``no_match``, or with ``match`` where it must not; unscored with ``no_text``, ``no_pattern``, ``bad_pattern`` (of a row) and
    ``timeout`` (catastrophic backtracking).
    """

    name: ClassVar[str] = "regex"
    arguments: ClassVar[Mapping[str, str]] = {"text": "the text", "pattern": "?the expression of this row; else the parameter 'expression'"}

    expression: str | None = Field(None, description="The expression, where rows have none of their own.", examples=[r"[A-Z]{2}\d{4}"])
    match: Literal["whole", "anywhere", "nowhere"] = Field("whole", description="Where it must match; nowhere: it must not.")
    flags: list[Flag] = Field(default=[], description="Flags of the expression.")
    seconds: float = Field(1.0, gt=0, le=60, description="Limit of one text.")

    _workers: Workers = PrivateAttr()

    @field_validator("expression")
    @classmethod
    def _compiles(cls, expression: str | None) -> str | None:
        try:
            re.compile(expression or "")
        except re.error as error:
            raise ValueError(f"not a regular expression ({error})") from None
        return expression

    def model_post_init(self, context: Any, /) -> None:
        self._workers = Workers("tilth.verify.regex:in_worker", seconds=self.seconds, megabytes=512)

    async def verify(self, run: Run | None, row: Mapping[str, Any]) -> Verdict:
        """Match a row's `text`."""
        taken = self.take(row)
        pattern = taken["pattern"] if taken["pattern"] is not None else self.expression
        if pattern is None or taken["text"] is None:
            return Verdict("unscored", "no_pattern" if pattern is None else "no_text")
        payload = {"text": str(taken["text"]), "pattern": str(pattern), "whole": self.match == "whole", "flags": list(self.flags)}
        reply = await work(run, self._workers, payload, version=self.version)
        if (nothing := unanswered(reply, pattern=payload["pattern"])) is not None:
            return nothing
        found = reply["value"]
        if "problem" in found:
            return Verdict("unscored", "bad_pattern", {"pattern": payload["pattern"], "problem": found["problem"]})
        evidence = {"pattern": payload["pattern"], "span": found["span"], "matched": found["matched"]}
        if (found["span"] is not None) == (self.match != "nowhere"):
            return Verdict("passed", "", evidence)
        return Verdict("failed", "match" if self.match == "nowhere" else "no_match", evidence)


def in_worker(payload: dict[str, Any]) -> dict[str, Any]:
    """What a worker process runs."""
    flags = re.NOFLAG
    for flag in payload["flags"]:
        flags |= re.RegexFlag[flag.upper()]
    try:
        compiled = re.compile(payload["pattern"], flags)
    except (re.error, OverflowError) as error:
        return {"problem": str(error)}
    found = compiled.fullmatch(payload["text"]) if payload["whole"] else compiled.search(payload["text"])
    return {"span": list(found.span()) if found else None, "matched": found[0][:200] if found else None}
