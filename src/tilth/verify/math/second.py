"""Math-Verify for what our own grammar does not read (integrals, sums, unusual LaTeX). Runs only in a worker process.

Its plain-text parser evaluates Python and is not used; its LaTeX parser gets only text of a small alphabet.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from math_verify import LatexExtractionConfig, parse, verify

_ALPHABET = re.compile(r"[A-Za-z0-9\s\\{}()\[\]+\-*/^_=<>.,;:!|&%]*")
_FORBIDDEN = re.compile(r"__|import|eval|exec|lambda|open|getattr|system|[A-Za-z)\]]\s*\.\s*[A-Za-z]", re.IGNORECASE)
_LONGEST = 400


def warm() -> None:
    """The first formula makes sympy and the parser load for seconds."""
    in_worker({"gold": r"\frac12", "answer": r"\int_0^1 x dx"})


def in_worker(payload: dict[str, Any]) -> dict[str, Any]:
    """``{"equal": true | false | null}``; null where one of the two was not read. The gold comes first: the order matters."""
    gold, answer = _read(payload["gold"]), _read(payload["answer"])
    if gold is None or answer is None:
        return {"equal": None}
    # their own limits use signals of the main thread; this process is killed from outside instead
    return {"equal": bool(verify(gold, answer, float_rounding=6, timeout_seconds=None, raise_on_error=True))}


def _read(text: str) -> list[Any] | None:
    if len(text) > _LONGEST or not _ALPHABET.fullmatch(text) or _FORBIDDEN.search(text) or re.search(r"\d{50}|\^\s*\{?\d{4}", text):
        return None
    found = parse(f"${text}$", extraction_config=[LatexExtractionConfig()], fallback_mode="no_fallback", parsing_timeout=None)
    return [one for one in found if not isinstance(one, str)] or None
