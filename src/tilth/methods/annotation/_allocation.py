"""What CoAnnotating says of its allocation: cost of both parts, and accuracy by entropy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tilth.methods.annotation._report import _plain
from tilth.stats.intervals import wilson


class Said(Protocol):
    """The part of an opinion that is counted here."""

    @property
    def label(self) -> str | None: ...
    @property
    def entropy(self) -> float: ...


def cost(calls: int, people: int, call_price: float, human_price: float) -> dict[str, Any]:
    """US dollars of both parts; every wording of every text is a call, also of the texts that people labelled."""
    llm, human = round(calls * call_price, 6), round(people * human_price, 6)
    return {"calls": calls, "llm_usd": llm, "human_labels": people, "human_usd": human, "usd": round(llm + human, 6)}


def table(opinions: Mapping[str, Said], known: Mapping[str, str], audited: Mapping[str, str]) -> dict[str, Any]:
    """Accuracy of the LLM's label by entropy in bits, over texts whose answer is known; null where none is.

    known: id of a text to its given label, else to a person's; where nothing was given these are the uncertain texts, so only the
    rows of the table are to be trusted, not their sum. audited: the random part, an estimate for all that the LLM labelled.
    """
    rows: dict[float, list[bool]] = {}
    for id_, answer in known.items():
        rows.setdefault(opinions[id_].entropy, []).append(opinions[id_].label == answer)
    bins = [
        {"entropy_bits": bits, "n": len(right), "accuracy": _plain(wilson(sum(right), len(right)))} for bits, right in sorted(rows.items())
    ]
    checked = [opinions[id_].label == answer for id_, answer in audited.items()]
    return {"accuracy_by_entropy": bins, "audit": _plain(wilson(sum(checked), len(checked))) if checked else None}
