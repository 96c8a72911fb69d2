"""The run that the specification draws: `support-intents`, with its figures, as a folder (product.md, Appendix C)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from tilth.evaluate.base import Value
from tilth.evaluate.marks import files_mark
from tilth.records.folder import RunFolder
from tilth.records.parts import PartWriter
from tilth.records.results import finalise, write_decisions
from tilth.records.schema import Schema
from tilth.stats.intervals import wilson

LABELS = ("refund", "order_status", "cancel", "complaint", "other")
REFUSED = {"refused": 42, "unreadable": 25, "too_long": 11}
DROPPED = {"refusals": 4, "length": 9, "dedupe": 61, "decontaminate": 2, "judge": 73, "balance": 31}
REASONS = {
    "refusals": "refusal", "length": "too_short", "dedupe": "near_duplicate", "decontaminate": "in_the_holdout", "judge": "judge_below_4",
    "balance": "balance",
}  # fmt: skip
REVIEWED = 38
GATES = {
    "near_duplicates": {"at_most": 0.05},
    "contamination": {"at_most": 0, "on": "point"},
    "utility": {"at_least": 0.60},
    "label_agreement": {"at_least": 0.85},
}
ASKED: dict[str, Any] = {
    "name": "support-intents",
    "describe": "Customer messages for five support intents, grown from 16 real ones.",
    "seed": 7,
    "task": {"kind": "classification", "about": "Messages to a web shop.", "labels": dict.fromkeys(LABELS, ""), "language": "en"},
    "data": {"support": {"read": "examples16.csv", "licence": "CC-BY-4.0"}, "holdout": {"read": "real_test.csv"}},
    "models": {"generator": [{"model": "openai/gpt-4.1-mini"}], "judge": [{"model": "anthropic/claude-haiku-4-5"}]},
    "generate": [{"method": "attrprompt", "rows": 1000}],
    "curate": list(DROPPED),
    "evaluate": {"gates": GATES},
}
ROLES = {
    "generator": {"model": "openai/gpt-4.1-mini", "calls": 1138, "tokens_in": 432440, "tokens_out": 147940, "usd": 0.4097, "unpriced": 0},
    "judge": {"model": "anthropic/claude-haiku-4-5", "calls": 924, "tokens_in": 277200, "tokens_out": 36960, "usd": 0.462, "unpriced": 0},
}
TOTALS = {
    "kept": 820, "rejected": 258, "asked": 1000, "calls": 2062, "from_journal": 0, "tokens_in": 709640, "tokens_out": 184900, "usd": 0.8717,
    "usd_unknown": False, "roles": ROLES, "seconds": 288.0, "exit": 0,
}  # fmt: skip
UTILITY = Value(
    "utility_16_tfidf", 0.71, (0.67, 0.75), n=400, kernel="tfidf, logistic regression, macro_f1", reference=0.49,
    reference_interval=(0.44, 0.54), detail={"majority": [0.11, 0.1, 0.12], "verdict": "gain"},
)  # fmt: skip


def share(metric: str, hits: int, n: int, **more: Any) -> Value:
    """A share of `n` with its Wilson interval."""
    found = wilson(hits, n)
    assert found is not None
    return Value(metric, found.value, (found.low, found.high), n=n, **more)


def figures(audited: int | None = None) -> list[Value]:
    """What was measured; audited: of 100 records, how many labels people agreed with."""
    found = [share("near_duplicates", 17, 820), share("contamination_8", 0, 820), UTILITY]
    people = [share("label_agreement", audited, 100, detail={"people": 2})] if audited is not None else []
    return [*found, *people, Value("c2st", 0.83, (0.80, 0.86), n=820, direction="target", reference=0.5)]


def running_example(path: Path, *, audited: int | None = None) -> RunFolder:
    """Write the folder: rows, decisions, the result, metrics, run.json."""
    folder = RunFolder(path).create()
    schema = Schema.of({"text": str, "label": str})
    with PartWriter(folder.rows, "part", schema.to_arrow()) as writer:
        for number in range(1000):
            writer.add(schema.row(_record(number)))
    with PartWriter(folder.rows, "rejected", schema.rejected().to_arrow()) as writer:
        for number, reason in enumerate(name for name, n in REFUSED.items() for _ in range(n)):
            writer.add(schema.rejected_row({"meta": {}, **_record(2000 + number)}, reason=reason, step="attrprompt"))
    write_decisions(folder, _decisions())
    finalise(folder, schema)
    measure(folder, figures(audited))
    folder.write_state(
        {"asked": ASKED, "identity": "00", "seed": 7, "versions": {"tilth": "0.1.0"}, "started": "2026-11-20T12:00:00Z", "status": "done",
         "ended": "2026-11-20T12:04:48Z", "totals": TOTALS}
    )  # fmt: skip
    return folder


def measure(folder: RunFolder, values: list[Value]) -> None:
    """Write metrics.json for the records that are kept now."""
    document = {
        "data": "",
        "files": files_mark(folder),
        "n": {"synthetic": 820, "holdout": 400},
        "values": [one.to_json() for one in values],
    }
    folder.metrics.write_bytes(orjson.dumps({**document, "findings": [], "controls": None}))


def _record(number: int) -> Any:
    from tilth.records.record import Record

    meta = {"id": f"r{number:05}", "stage": "generate", "method": "attrprompt", "origin": "model"}
    return Record({"text": f"message {number}", "label": LABELS[number % 5]}, meta=meta)


def _decisions() -> Iterator[dict[str, Any]]:
    at = 0
    for step, n in DROPPED.items():
        for number in range(at, at + n):
            yield {"id": f"r{number:05}", "step": step, "action": "drop", "reason": REASONS[step], "score": 0.5}
        at += n
    for number in range(at, at + REVIEWED):
        yield {"id": f"r{number:05}", "step": "label_noise", "action": "review", "reason": "label_doubtful", "score": 0.1}
