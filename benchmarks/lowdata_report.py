"""The tables of RESULTS.md: every figure absolute and relative with its interval, and the bars beside what was measured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from lowdata_measure import ANNOTATE, BOTH, NAMES

from tilth.evaluate.utility.arms import EDA, REAL, TEMPLATES

BEGIN: Final = "<!-- lowdata.py report: begin -->"
END: Final = "<!-- lowdata.py report: end -->"
ARMS: Final = (REAL, EDA, TEMPLATES, NAMES["zero_shot"], NAMES["attributed"], NAMES["prefill"], ANNOTATE, BOTH)
SHOWN: Final = {TEMPLATES: "T (templates, no LLM)", BOTH: "annotate instead + AttrPrompt with prefill"}
Row = Mapping[str, Any]
BARS: Final = (
    ("SST-2, TF-IDF, AttrPrompt with prefill over real only", "sst2-tfidf-main", NAMES["prefill"], "gain", 10.0),
    ("SST-2, TF-IDF, AttrPrompt with prefill over T", "sst2-tfidf-main", NAMES["prefill"], "over_templates", 7.0),
    ("SST-2, MiniLM, zero-shot chat over real only", "sst2-minilm-main", NAMES["zero_shot"], "gain", 9.5),
)
"""What the issue expects at 8 per class: (what, result, arm, which gain, points at least)."""


def report(runs: Path, target: Path) -> None:
    """Write the tables into `target`, between the two marks; what people wrote around them stays."""
    results = {path.stem: json.loads(path.read_bytes()) for path in sorted((runs / "results").glob("*.json"))}
    old = target.read_text("utf-8") if target.exists() else "# Results\n"
    if BEGIN not in old:
        old = f"{old.rstrip()}\n\n## Low-data text classification\n\n{BEGIN}\n{END}\n"
    before, _, rest = old.partition(BEGIN)
    text = "\n".join(section(results))
    target.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", "utf-8")


def section(results: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the section after its introduction."""
    yield from bars(results)
    yield from diagnosis(results)
    for dataset in ("sst2", "trec6"):
        for student in ("tfidf", "minilm"):
            parts = {part: found for part in ("main", "most", "balanced") if (found := results.get(f"{dataset}-{student}-{part}"))}
            if parts:
                yield f"\n### {dataset}, {student}\n"
                yield from table(parts)
                yield from filters(parts)
                yield from alone(parts)
        if f"{dataset}-facts" in results:
            yield from described(dataset, results[f"{dataset}-facts"])


def bars(results: Mapping[str, Any]) -> Iterator[str]:
    """The figures that the issue names."""
    yield "### The bars, at 8 real rows per class\n"
    yield "| figure | expected | measured, points | relative | generations |\n|---|---|---|---|---|"
    for what, name, arm, which, least in BARS:
        found = at(results.get(name), arm, 8)
        gain = found.get(which) if found else None
        met = "" if gain is None else "met" if 100 * gain["value"] >= least else "**missed**"
        made = results[name]["generations"].get(arm, 0) if name in results else 0
        relative = percent(found.get("gain_relative")) if found and which == "gain" else ""
        yield f"| {what} | >= {least:+g} | {points(gain)} {met} | {relative} | {made} |"
    for arm in (NAMES["prefill"], NAMES["attributed"]):
        found = at(results.get("sst2-minilm-main"), arm, 8)
        gain = found.get("over_templates") if found else None
        made = results["sst2-minilm-main"]["generations"].get(arm, 0) if found else 0
        yield f"| SST-2, MiniLM, {arm} over T | about 0 | {points(gain)} | | {made} |"


def diagnosis(results: Mapping[str, Any]) -> Iterator[str]:
    """What other word lists, openings, precisions and weights give in the first two cells of the bars."""
    found = dict(results.get("sst2-spread", {}))
    if eight := results.get("q8-sst2-tfidf-main"):
        found["committed, Q8_0 weights (3 generations)"] = {"T": at(eight, TEMPLATES, 8), "AP": at(eight, NAMES["prefill"], 8)}
    if not found:
        return
    yield "\n### Diagnosis: what the first two bars hang on (SST-2, TF-IDF, 8 per class; outside the headline)\n"
    yield "| lists | words: text, T | distinct T | in train rows | T over real only | AttrPrompt with prefill over real only | over T |"
    yield "|---|---|---|---|---|---|---|"
    for name, row in found.items():
        told = f"{row['words']}, {row['words_T']} | {row['distinct_T']} | {100 * row['common']:.1f} %" if "words" in row else " | | "
        gains = f"{points(row['T']['gain'])} | {points(row['AP']['gain'])} | {points(row['AP']['over_templates'])}"
        yield f"| {name} | {told} | {gains} |"


def at(result: Mapping[str, Any] | None, arm: str, shots: int, kept: str = "", way: str = "add") -> Row | None:
    """The row of one cell, or None."""
    for row in result["rows"] if result else ():
        r = result["shots"].get(str(row["size"]), 0) if result else 0
        if (row["arm"], row["filter"], row["way"]) == (arm, kept, way) and (r == shots or way == "only"):
            return dict(row)
    return None


def table(parts: Mapping[str, Any]) -> Iterator[str]:
    """Accuracy by arm and real rows: points over real only, and over T."""
    shots = [(part, r) for part in ("main", "most") if part in parts for r in parts[part]["shots"].values()]
    sizes = {(part, r): size for part in parts for size, r in parts[part]["shots"].items()}
    yield "| arm (generations) | " + " | ".join(f"r = {r} ({sizes[part, r]} rows)" for part, r in shots) + " |"
    yield "|---|" + "---|" * len(shots)
    for arm in ARMS:
        cells = [at(parts[part], arm, r) for part, r in shots]
        if any(cells):
            made = next(iter(parts.values()))["generations"].get(arm)
            name = SHOWN.get(arm, arm) + (f" ({made})" if made else "")
            yield f"| {name} | " + " | ".join(cell(row) for row in cells) + " |"
    if "balanced" in parts:
        yield "\nSynthetic rows weighted so that they weigh as much as the real ones together (`balanced`):\n"
        chosen = list(parts["balanced"]["shots"].values())
        yield "| arm | " + " | ".join(f"r = {r}" for r in chosen) + " |\n|---|" + "---|" * len(chosen)
        for arm in ARMS[2:]:
            cells = [at(parts["balanced"], arm, r) for r in chosen]
            if any(cells):
                yield f"| {SHOWN.get(arm, arm)} | " + " | ".join(cell(row) for row in cells) + " |"


def cell(row: Row | None) -> str:
    """Accuracy; points over real only with interval, relative gain; points over T."""
    if row is None:
        return "not measured"
    text = f"{100 * row['value']:.1f} [{100 * row['interval'][0]:.1f}, {100 * row['interval'][1]:.1f}]"
    if row.get("gain"):
        text += f"<br>{points(row['gain'])}, {percent(row['gain_relative'])}"
    if row.get("over_templates"):
        text += f"<br>T {points(row['over_templates'])}"
    return text


def filters(parts: Mapping[str, Any]) -> Iterator[str]:
    """What the LLM filter adds to each arm, and what it adds over as many rows at random."""
    result = parts.get("main")
    lines = []
    for arm in ARMS:
        for r in result["shots"].values() if result else ():
            if (row := at(result, arm, r, "llm")) and (half := at(result, arm, r, "random half for llm")) and (whole := at(result, arm, r)):
                gains = f"{points(row['gain'])}, {percent(row['gain_relative'])} | {points(row['over_random_half'])}"
                lines.append(f"| {arm} | {r} | {acc(whole)} | {acc(row)} | {acc(half)} | {gains} |")
    if lines:
        yield "\nLLM filter (better half of each label), with its random half:\n"
        yield "| arm | r | unfiltered | LLM filter | random half | filtered, over real only | over the random half |"
        yield "|---|---|---|---|---|---|---|"
        yield from lines


def alone(parts: Mapping[str, Any]) -> Iterator[str]:
    """Synthetic rows without any real one."""
    found = [(arm, kept, row) for arm in ARMS for kept in ("", "llm") if (row := at(parts.get("main"), arm, 0, kept, "only"))]
    if found:
        told = (f"{SHOWN.get(arm, arm)}{' (LLM filter)' if kept else ''} {acc(row)}" for arm, kept, row in found)
        yield "\nWithout real rows: " + "; ".join(told) + "."


def described(dataset: str, facts: Mapping[str, Any]) -> Iterator[str]:
    """Sizes, openings, agreement, contamination."""
    yield f"\n### {dataset}: the sets\n"
    yield "| set | generations | rows | distinct texts | mean words | the model agrees with the label | 8-grams shared with test rows |"
    yield "|---|---|---|---|---|---|---|"
    for name, fact in facts.items():
        shared, whole = fact["shared_8_grams"]
        agrees = fact.get("model_agrees", fact.get("label_accuracy"))
        note = " (against the real labels)" if "label_accuracy" in fact else ""
        told = "" if agrees is None else f"{100 * agrees:.1f} %{note}"
        share = 100 * shared / whole if whole else 0
        counts = f"{fact['generations']} | {'/'.join(map(str, fact['rows']))} | {'/'.join(map(str, fact['distinct']))}"
        yield f"| {SHOWN.get(name, name)} | {counts} | {fact['words']} | {told} | {shared} of {whole} ({share:.2f} %) |"


def acc(row: Row) -> str:
    """Accuracy in percent."""
    return f"{100 * row['value']:.1f}"


def points(gain: Row | None) -> str:
    """Points with their interval; said where it includes 0."""
    if gain is None:
        return "not measured"
    low, high = gain["interval"]
    text = f"{100 * gain['value']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
    return f"{text} (no gain)" if low <= 0 <= high else text


def percent(gain: Row | None) -> str:
    """A relative gain with its interval."""
    if gain is None:
        return ""
    low, high = gain["interval"]
    return f"{100 * gain['value']:+.0f} % [{100 * low:+.0f}, {100 * high:+.0f}]"
