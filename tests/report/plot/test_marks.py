"""Marks: what is drawn is what the table says, at both widths, and nothing is too thin or too long to be seen."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter

import numpy as np
import pytest

from tilth.report.plot.bars import THINNEST, Bar, Bars, Part
from tilth.report.plot.canvas import NARROW, WIDE, Canvas, fitted, measure
from tilth.report.plot.dots import Dot, Dots
from tilth.report.plot.ecdf import Ecdf, curve
from tilth.report.plot.figure import Figure, Mark
from tilth.report.plot.heat import Heat
from tilth.report.plot.hexes import RINGS, hexes
from tilth.report.plot.lines import Lines, Point, Series
from tilth.report.plot.steps import Counted, Steps, whole_bins

WIDTHS = (WIDE, NARROW)
NS = "{http://www.w3.org/2000/svg}"


def drawn(mark: Mark, width: int) -> ET.Element:
    svg = mark.draw(width).svg("x", "title", "desc").replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return ET.fromstring(svg)


def of(root: ET.Element, tag: str, kind: str) -> list[ET.Element]:
    return [one for one in root.iter(f"{NS}{tag}") if set(kind.split()) <= set((one.get("class") or "").split())]


def texts(root: ET.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{NS}text")]


BARS = Bars(
    (Bar("tried", (Part(1078, "1,078", "plain"),)), Bar("refused", (Part(2, "2", "rejected"),)), Bar("kept", (Part(820, "820", "kept"),))),
    ("step", "records"),
)


@pytest.mark.parametrize("width", WIDTHS)
def test_bars_are_as_long_as_the_table_says(width: int) -> None:
    bars = [float(one.get("width", 0)) for one in of(drawn(BARS, width), "rect", "b")]
    values = [row[1] for row in BARS.table().rows]
    assert values == [1078, 2, 820]
    assert bars[2] / bars[0] == pytest.approx(820 / 1078, abs=0.002)
    assert bars[1] == THINNEST, "a loss of 2 records is seen"


def test_stacked_bars_stand_end_to_end() -> None:
    parts = (Part(3, "", "kept", "kept"), Part(0, ""), Part(1, "4", "rejected", "rejected"))
    mark = Bars((Bar("judge", parts),), ("role", "a", "b", "c"), stacked=True)
    one, two = of(drawn(mark, WIDE), "rect", "b")[2:]  # after the two of the key
    assert float(two.get("x", 0)) == pytest.approx(float(one.get("x", 0)) + float(one.get("width", 0)), abs=0.2)
    assert float(one.get("width", 0)) == pytest.approx(3 * float(two.get("width", 0)), rel=0.01)


DOTS = Dots((Dot("a", 0.25, (0.2, 0.4), 10, bound=0.5), Dot("b", 0.75, None, reference=0.6), Dot("c", None)), 0.0, 1.0, "share")


@pytest.mark.parametrize("width", WIDTHS)
def test_dots_stand_where_the_table_says(width: int) -> None:
    root = drawn(DOTS, width)
    a, b = [float(one.get("cx", 0)) for one in of(root, "circle", "b")]
    axis = of(root, "path", "axis")[-1].get("d", "")
    left, right = (float(one) for one in re.findall(r"[ML]([\d.]+)", axis))
    assert (a - left) / (right - left) == pytest.approx(DOTS.table().rows[0][1], abs=0.002)
    assert (b - left) / (right - left) == pytest.approx(DOTS.table().rows[1][1], abs=0.002)
    assert len(of(root, "path", "bound")) == 1 and "unknown" in texts(root)
    assert DOTS.table().columns == ("what", "value", "low", "high", "bound", "reference", "n")


def test_a_step_histogram_has_the_tables_shares() -> None:
    sets = (Counted("synthetic", "synthetic", (1, 3, 0), filled=True), Counted("real", "real", (2, 2, 0)))
    mark = Steps((0.0, 1.0, 2.0, 3.0), sets, "words")
    heights = [float(one.get("height", 0)) for one in of(drawn(mark, WIDE), "rect", "b")[1:]]
    shares = [row[3] for row in mark.table().rows]
    assert shares == [0.25, 0.75] and heights[1] / heights[0] == pytest.approx(3, rel=0.01)


def test_common_bins_lose_nothing_and_a_giant_presses_nobody() -> None:
    edges, (one, two), open_end = whole_bins([Counter({5: 300, 6: 500, 7: 199, 10_000: 1}), {6: 4}])
    assert sum(one) == 1000 and sum(two) == 4 and open_end
    assert edges == (5.0, 6.0, 7.0, 8.0) and one == (300, 500, 200)
    assert whole_bins([{2: 7}])[:2] == ((1.0, 2.0, 3.0, 4.0), [(0, 7, 0)])
    assert whole_bins([{}])[1] == [(0,)]


def test_lines_mark_each_point_of_the_table() -> None:
    mark = Lines((Series("real", "real", (Point(10, 0.2, (0.1, 0.3)), Point(100, 0.4))),), ("rows", "score"), log=True, floor=0.0, roof=1.0)
    dots = of(drawn(mark, WIDE), "circle", "b")
    assert len(dots) == len(mark.table().rows) == 2
    assert float(dots[0].get("cy", 0)) > float(dots[1].get("cy", 0)), "higher values stand higher"


def test_an_ecdf_passes_through_its_percentiles() -> None:
    found = curve("synthetic", "synthetic", [0.1, 0.2, 0.2, 0.9])
    mark = Ecdf((found,), "cosine")
    rows = {row[0]: row[1] for row in mark.table().rows}
    assert (rows["0 %"], rows["50 %"], rows["100 %"], rows["n"]) == (0.1, 0.2, 0.9, 4)
    path = of(drawn(mark, WIDE), "path", "l")[-1].get("d", "")
    assert len(path) < 3000 and path.count("L") >= 4


def test_a_matrix_shows_each_number_of_the_table() -> None:
    mark = Heat(("yes", "no"), ("yes", "no"), ((194.0, 4.0), (0.0, 186.0)), ((0.98, 0.02), (0.0, 1.0)), ("says", "given"))
    shown = texts(drawn(mark, NARROW))
    assert [cell for row in mark.table().shown() for cell in row[1:]] == ["194", "4", "0", "186"]
    assert {"194", "4", "0", "186"} <= set(shown)
    assert len(of(drawn(mark, WIDE), "rect", "cell")) == 4


def test_heads_that_do_not_fit_become_numbers_with_a_key() -> None:
    names = tuple(f"a rather long name {at}" for at in range(12))
    mark = Heat(("row",), names, (tuple(range(12)),), (tuple([0.5] * 12),), ("a", "b"))
    shown = texts(drawn(mark, NARROW))
    assert "12 a rather long name 11" in shown and "12" in shown


def test_a_map_counts_every_row_and_draws_few_marks() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(size=(5000, 2)), rng.normal(size=(3000, 2)) + 1
    mark = hexes(ours, theirs, ("1st", "2nd"))
    rows = mark.table().rows
    assert sum(row[1] for row in rows) == 5000 and sum(row[2] for row in rows) == 3000
    for width in WIDTHS:
        root = drawn(mark, width)
        assert len(of(root, "path", "cell")) == sum(row[1] > 0 for row in rows)
        assert len(list(root.iter())) < 2000 and len(of(root, "circle", "ring")) == RINGS + 1  # one in the key


def test_text_is_cut_to_its_room_and_controls_are_seen() -> None:
    assert fitted("a\x00b\u202ec", 1000) == "a␣b�c"
    short = fitted("m" * 200, 100)
    assert short.endswith("…") and measure(short) <= 100
    canvas = Canvas(NARROW)
    canvas.text(300, 10, "far too long for what is left")
    assert measure(re.findall(r">([^<]*)</text>", canvas.svg("n", "t", "d"))[0]) <= 40


def test_a_figure_is_told_to_those_who_do_not_see_it() -> None:
    figure = Figure("f", "A <finding>", "It is 5 & more", "n 3", "how", DOTS)
    for svg, name in ((figure.wide(), "f-w"), (figure.narrow(), "f-n")):
        assert f'role="img" aria-labelledby="{name}-t {name}-d"' in svg
        assert f'<title id="{name}-t">A &lt;finding&gt;</title><desc id="{name}-d">It is 5 &amp; more</desc>' in svg
        assert "style=" not in svg and "fill=" not in svg, "colours come from classes"
        assert not re.search(r"\d\.\d{2}", re.sub(r"<(title|desc|text).*?</\1>", "", svg)), "coordinates to a tenth"
