"""Section 7: is it useful? Students with and without the synthetic rows, on real rows that nothing else has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tilth.evaluate.base import Value
from tilth.report.look.material import Material
from tilth.report.page.blocks import Block, Line, Missing, Plot, sheet
from tilth.report.page.figures import USE, chosen, findings, named, not_measured, unmeasured, values_sheet
from tilth.report.plot.dots import Dot, Dots
from tilth.report.plot.figure import Figure
from tilth.report.plot.lines import Lines, Point, Series
from tilth.report.plot.numbers import interval, short

ANCHOR, TITLE, QUESTION = "usefulness", "Is it useful", "What a student learns from it, against every cheap control."
KINDS = {"real": "real", "synthetic": "synthetic", "majority": "plain", "eda": "review", "templates": "holdout"}


def blocks(m: Material) -> list[Block]:
    """Figures, arms with controls, the low-data curve, and what is missing."""
    values = chosen(m, named(USE))
    controls = m.facts.controls if not m.facts.stale else None
    if not values or not controls:
        why = "" if m.facts.sizes.get("holdout") else "no holdout"
        options = " --holdout FILE --utility" if why or not m.facts.sizes.get("holdout") else " --utility"
        out: list[Block] = [not_measured(m, "Is it useful?", options, why)]
        return [*out, *unmeasured(m, named(USE))]
    cells = [one for one in controls.get("cells") or () if isinstance(one, Mapping)]
    out = [values_sheet(m, values, "Students on real rows that nothing else has seen"), *findings(m, values)]
    for student in dict.fromkeys(str(one.get("student")) for one in cells):
        own = [one for one in cells if one.get("student") == student]
        out += [Plot(_arms(student, size, own, values)) for size in _sizes(own)]
        out += [Plot(figure)] if (figure := _curve(student, own)) is not None else []
    if not any(len(_sizes([one for one in cells if one.get("student") == name])) > 1 for name in {str(one.get("student")) for one in cells}):
        command = f"tilth evaluate {m.command} --utility --sizes 16,50,100"
        out.append(Missing("Low-data curve", "measured at one number of real rows only", command))
    out.append(Missing("Is more better?", "the score against the number of synthetic rows was not measured"))
    lines = [*controls.get("warnings", ()), *controls.get("known_zero", ())]
    out += [Line(str(one), "warning") for one in lines]
    missing = [[str(one).partition(":")[0], str(one).partition(":")[2].strip()] for one in controls.get("missing", ())]
    if missing:
        out.append(sheet("Controls that could not be had", ["control", "why"], missing))
    return out


def _sizes(cells: Sequence[Mapping[str, Any]]) -> list[int]:
    return sorted({int(one["size"]) for one in cells if one.get("size") and one.get("arm") == "synthetic"})


def _name(cell: Mapping[str, Any]) -> str:
    """An arm in words."""
    arm = str(cell.get("arm"))
    words = {"add": f"real + {arm}", "only": f"{arm} alone", "": arm}.get(str(cell.get("way", "")), arm)
    if arm in ("real", "majority"):
        words = {"real": "real rows alone", "majority": "most frequent label"}[arm]
    more = [part for part in (str(cell.get("filter") or ""), str(cell.get("weighting") or "").replace("plain", "")) if part]
    return f"{words} ({', '.join(more)})" if more else words


def _arms(student: str, size: int, cells: Sequence[Mapping[str, Any]], values: Sequence[Value]) -> Figure:
    own = [one for one in cells if one.get("size") == size or (one.get("size") == 0 and one.get("way") == "only")]
    own.sort(key=lambda one: (one["value"], _name(one)))
    real = next((one for one in own if one.get("arm") == "real"), None)
    dots = tuple(
        Dot(
            _name(one),
            one["value"],
            tuple(one["interval"]),
            one.get("n"),
            reference=real["value"] if real else None,
            kind=KINDS.get(str(one.get("arm")).lower(), "plain"),
            note=_gain(one),
        )
        for one in own
    )
    metric = str(own[0].get("metric", "score")).replace("_", " ")
    said = next((one for one in own if one.get("arm") == "synthetic" and one.get("way") == "add" and one.get("verdict")), None)
    title = f"{student}, {size} real rows: {_verdict(said)}"
    told = "; ".join(f"{_name(one)} {interval(one['value'], *one['interval'])}" for one in own)
    fits = own[0].get("fits")
    caption = f"{metric} on {own[0].get('n', 0):,} holdout rows; 95 % paired bootstrap over rows and draws of real rows; {fits} fits an arm"
    caption += f", seed {values[0].seed}. Upright line: the real rows alone."
    how = "Synthetic rows are worth something where real + synthetic lies right of the real rows alone, and right of templates, which no model wrote."
    low, high = min(one["interval"][0] for one in own), max(one["interval"][1] for one in own)
    mark = Dots(dots, max(0.0, low - 0.05), min(1.0, high + 0.05), f"{metric}, higher is better")
    return Figure(f"arms-{_slug(student)}-{size}", title, f"{title}. {told}.", caption, how, mark)


def _gain(one: Mapping[str, Any]) -> str:
    gain = one.get("gain")
    return f"over real {interval(gain['value'], *gain['interval'])}" if isinstance(gain, Mapping) else ""


def _verdict(said: Mapping[str, Any] | None) -> str:
    if said is None:
        return "what each arm scores"
    words = {"gain": "synthetic rows help", "loss": "synthetic rows harm", "no gain": "no gain is shown", "unknown": "a gain, but without its control"}
    gain = said.get("gain")
    by = f" ({100 * gain['value']:+.1f} points over the real rows alone)" if isinstance(gain, Mapping) else ""
    return words.get(str(said["verdict"]), str(said["verdict"])) + by


def _curve(student: str, cells: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Score against the number of real rows, for each arm that was added to them."""
    sizes = _sizes(cells)
    if len(sizes) < 2:
        return None
    lines: dict[str, list[Point]] = {}
    kinds: dict[str, str] = {}
    for one in cells:
        if one.get("size") and (one.get("way") == "add" or one.get("arm") in ("real", "majority")) and one.get("weighting") in ("plain", None):
            name = _name(one)
            lines.setdefault(name, []).append(Point(int(one["size"]), one["value"], tuple(one["interval"]), one.get("n")))
            kinds[name] = KINDS.get(str(one.get("arm")).lower(), "plain")
    series = tuple(Series(name, kinds[name], tuple(points)) for name, points in lines.items() if len(points) > 1)
    if not series:
        return None
    metric = str(cells[0].get("metric", "score")).replace("_", " ")
    title = f"{student}: what synthetic rows add as real ones become more"
    told = "; ".join(f"{one.name} {', '.join(f'{short(p.x)}: {short(p.y)}' for p in one.points)}" for one in series)
    caption = f"{metric} on {cells[0].get('n', 0):,} holdout rows; 95 % bands; plain weights; sizes {', '.join(map(str, sizes))}."
    how = "Where the lines meet, synthetic rows add nothing any more: so many real rows are worth as much."
    mark = Lines(series, ("real rows (log)", metric), log=True, floor=0.0, roof=1.0, every=True, x_name="real rows")
    return Figure(f"low-data-{_slug(student)}", title, f"{title}. {told}.", caption, how, mark)


def _slug(text: str) -> str:
    from tilth.report.page.sections.losses import slug

    return slug(text)
