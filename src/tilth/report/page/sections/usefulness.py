"""Section 7: is it useful? Students with and without the synthetic rows, on real rows that nothing else has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tilth.evaluate.base import Value
from tilth.evaluate.utility.arms import EDA, MAJORITY, REAL, TEMPLATES
from tilth.evaluate.utility.metric import CURATED, SYNTHETIC
from tilth.report.look.material import Material
from tilth.report.page.blocks import Block, Line, Missing, Plot, sheet
from tilth.report.page.figures import USE, chosen, findings, named, not_measured, unmeasured, values_sheet
from tilth.report.page.sections.losses import slug
from tilth.report.plot.dots import Dot, Dots
from tilth.report.plot.figure import Figure
from tilth.report.plot.lines import Lines, Point, Series
from tilth.report.plot.numbers import interval, short

ANCHOR, TITLE, QUESTION = "usefulness", "Is it useful", "What a student learns from it, against every cheap control."
KINDS = {REAL: "real", MAJORITY: "plain", EDA: "review", TEMPLATES: "holdout"}
WHOLE, AT_RANDOM = "rows before curation", "as many at random"


def blocks(m: Material) -> list[Block]:
    """Figures, arms with controls, the low-data curve, and what is missing."""
    values = chosen(m, named(USE))
    controls = m.facts.controls if not m.facts.stale else None
    if not values:
        why = "" if m.facts.sizes.get("holdout") else "no holdout"
        options = " --holdout FILE --utility" if why or not m.facts.sizes.get("holdout") else " --utility"
        out: list[Block] = [not_measured(m, "Is it useful?", options, why)]
        return [*out, *unmeasured(m, named(USE))]
    out = [values_sheet(m, values, "Students on real rows that nothing else has seen"), *findings(m, values)]
    if not controls:
        command = f"tilth evaluate {m.command} --utility"
        return [*out, Missing("Arms, controls and the low-data curve", "the table of the experiment was not kept", command)]
    cells = [one for one in controls.get("cells") or () if _sound(one)]
    for student in dict.fromkeys(str(one.get("student")) for one in cells):
        own = [one for one in cells if one.get("student") == student]
        out += [Plot(_arms(student, size, own, values)) for size in _sizes(own)]
        out += [Plot(figure)] if (figure := _curve(student, own)) is not None else []
    if len(_sizes(cells)) < 2:
        command = f"tilth evaluate {m.command} --utility --sizes 16,50,100"
        out.append(Missing("Low-data curve", "measured at one number of real rows only", command))
    out.append(Missing("Is more better?", "the score against the number of synthetic rows was not measured"))
    lines = [*controls.get("warnings", ()), *controls.get("known_zero", ())]
    out += [Line(str(one), "warning") for one in lines]
    missing = [[str(one).partition(":")[0], str(one).partition(":")[2].strip()] for one in controls.get("missing", ())]
    if missing:
        out.append(sheet("Controls that could not be had", ["control", "why"], missing))
    return out


def _sound(cell: Any) -> bool:
    """Whether a cell of metrics.json is one that can be drawn; another version may have written something else."""
    numbers = [cell.get("value"), *(cell.get("interval") or ())] if isinstance(cell, Mapping) else []
    return len(numbers) == 3 and all(isinstance(one, (int, float)) for one in numbers)


def _sizes(cells: Sequence[Mapping[str, Any]]) -> list[int]:
    return sorted({int(one["size"]) for one in cells if one.get("size") and one.get("arm") == SYNTHETIC})


def _arm(cell: Mapping[str, Any], curated: bool) -> str:
    """The rows of an arm in words. curated: the run was curated, so `synthetic` stands for the rows before that."""
    arm, filtered = str(cell.get("arm")), str(cell.get("filter") or "")
    if arm == SYNTHETIC:
        if filtered == CURATED:
            return "kept synthetic rows"
        if filtered.startswith("random half"):
            return AT_RANDOM
        return WHOLE if curated and not filtered else " ".join(part for part in (arm, filtered) if part)
    return f"{arm} ({filtered})" if filtered else arm


def _name(cell: Mapping[str, Any], curated: bool) -> str:
    """An arm with how it was used."""
    if cell.get("arm") in (REAL, MAJORITY):
        return "real rows alone" if cell.get("arm") == REAL else "most frequent label"
    rows = _arm(cell, curated)
    words = f"{rows} alone" if cell.get("way") == "only" else f"real + {rows}"
    return words if cell.get("weighting") in ("plain", "", None) else f"{words}, {cell.get('weighting')}"


def _kind(cell: Mapping[str, Any], curated: bool) -> str:
    arm = str(cell.get("arm"))
    if arm == SYNTHETIC:
        return {WHOLE: "rejected", AT_RANDOM: "plain"}.get(_arm(cell, curated), "synthetic")
    return KINDS.get(arm, "plain")


def _was_curated(cells: Sequence[Mapping[str, Any]]) -> bool:
    return any(one.get("filter") == CURATED for one in cells)


def _said(cells: Sequence[Mapping[str, Any]], curated: bool) -> Mapping[str, Any] | None:
    """The cell that speaks of the kept rows: plainly added to the real ones."""
    wanted = CURATED if curated else ""
    found = (one for one in cells if one.get("arm") == SYNTHETIC and one.get("way") == "add" and (one.get("filter") or "") == wanted)
    return next((one for one in found if one.get("verdict")), None)


def _arms(student: str, size: int, cells: Sequence[Mapping[str, Any]], values: Sequence[Value]) -> Figure:
    own = [one for one in cells if one.get("size") == size or (one.get("size") == 0 and one.get("way") == "only")]
    curated = _was_curated(own)
    own.sort(key=lambda one: (one["value"], _name(one, curated)))
    real = next((one["value"] for one in own if one.get("arm") == REAL), None)
    dots = tuple(_dot(one, curated, real) for one in own)
    metric = str(own[0].get("metric", "score")).replace("_", " ")
    title = f"{student}, {size} real rows: {_verdict(_said(own, curated))}"
    told = "; ".join(f"{one.label} {interval(one.value, *(one.around or (None, None)))}" for one in dots)
    caption = f"{metric} on {own[0].get('n', 0):,} holdout rows; 95 % paired bootstrap over rows and draws of real rows; "
    caption += f"{own[0].get('fits')} fits an arm, seed {values[0].seed}. Upright line: the real rows alone."
    how = "Synthetic rows are worth something where the real rows with them lie right of the real rows alone, and right of templates, "
    how += "which no model wrote. Balanced: as much weight for the synthetic rows together as for the real ones."
    low, high = min(one["interval"][0] for one in own), max(one["interval"][1] for one in own)
    mark = Dots(dots, max(0.0, low - 0.05), min(1.0, high + 0.05), f"{metric}, higher is better")
    return Figure(f"arms-{slug(student)}-{size}", title, f"{title}. {told}.", caption, how, mark)


def _dot(one: Mapping[str, Any], curated: bool, real: float | None) -> Dot:
    low, high = one["interval"]
    return Dot(
        _name(one, curated), one["value"], (low, high), one.get("n"), reference=real, kind=_kind(one, curated), note=_gain(one)
    )


def _gain(one: Mapping[str, Any]) -> str:
    gain = one.get("gain")
    return f"over real {interval(gain['value'], *gain['interval'])}" if isinstance(gain, Mapping) else ""


def _verdict(said: Mapping[str, Any] | None) -> str:
    if said is None:
        return "what each arm scores"
    words = {
        "gain": "synthetic rows help",
        "loss": "synthetic rows harm",
        "no gain": "no gain is shown",
        "unknown": "better than real rows alone, but a control is missing",
    }
    gain = said.get("gain")
    by = f" ({100 * gain['value']:+.1f} points)" if isinstance(gain, Mapping) else ""
    return words.get(str(said["verdict"]), str(said["verdict"])) + by


def _curve(student: str, cells: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Score against the number of real rows, for each arm that was added to them."""
    sizes = _sizes(cells)
    if len(sizes) < 2:
        return None
    lines: dict[str, list[Point]] = {}
    kinds: dict[str, str] = {}
    curated = _was_curated(cells)
    for one in cells:
        if not one.get("size") or _arm(one, curated) == AT_RANDOM or one.get("weighting") not in ("plain", "", None):
            continue
        if one.get("way") == "only" and one.get("arm") not in (REAL, MAJORITY):
            continue
        name, (low, high) = _name(one, curated), one["interval"]
        around = None if one.get("arm") == MAJORITY else (low, high)
        lines.setdefault(name, []).append(Point(int(one["size"]), one["value"], around, one.get("n")))
        kinds[name] = _kind(one, curated)
    series = tuple(Series(name, kinds[name], tuple(points)) for name, points in lines.items() if len(points) > 1)
    if not series:
        return None
    metric = str(cells[0].get("metric", "score")).replace("_", " ")
    title = f"{student}: what synthetic rows add as real ones become more"
    told = "; ".join(f"{one.name} {', '.join(f'{short(p.x)}: {short(p.y)}' for p in one.points)}" for one in series)
    caption = f"{metric} on {cells[0].get('n', 0):,} holdout rows; 95 % bands, none for the most frequent label; plain weights; "
    caption += f"sizes {', '.join(map(str, sizes))}."
    how = "Where the lines meet, synthetic rows add nothing any more: so many real rows are worth as much."
    mark = Lines(series, ("real rows (log)", metric), log=True, floor=0.0, roof=1.0, every=True, x_name="real rows")
    return Figure(f"low-data-{slug(student)}", title, f"{title}. {told}.", caption, how, mark)
