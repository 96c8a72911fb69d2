"""The page of a run: every section with data or what is missing, the same bytes each time, in bounds at any number of rows."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from curate.support import curate
from report.reporting import page
from tilth.records.data import Data
from tilth.records.folder import RunFolder
from tilth.records.parts import PartWriter
from tilth.records.record import Record
from tilth.records.schema import Schema
from tilth.report.page.build import Options, build
from tilth.report.page.sections import ALL

Bad = tuple[RunFolder, dict[str, Data]]


def section(html: str, name: str) -> str:
    found = re.search(rf'<section id="{name}".*?</section>', html, re.S)
    assert found, name
    return found.group(0)


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("&#39;", "'").replace("&#34;", '"').split())


@pytest.fixture(scope="module")
def full(bad: Bad, bad_files: dict[str, Path]) -> str:
    return page(bad[0], real=bad_files["real"], holdout=bad_files["holdout"])


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Two rows, nothing measured."""
    rows = [{"id": "a", "text": "a short text of five words", "label": "x"}, {"id": "b", "text": "another one", "label": "y"}]
    return curate(tmp_path_factory.mktemp("bare") / "bare", rows, ["refusals"]).folder


def test_all_sections_stand_in_order(full: str) -> None:
    assert re.findall(r'<section id="([a-z]+)"', full) == [module.ANCHOR for module in ALL]
    assert len(re.findall("<h1", full)) == 1
    levels = [int(one) for one in re.findall(r"<h(\d)", full)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_same_run_gives_the_same_bytes(bad: Bad, bad_files: dict[str, Path], full: str) -> None:
    assert page(bad[0], real=bad_files["real"], holdout=bad_files["holdout"]) == full


def test_every_plot_is_told_and_has_its_table(full: str) -> None:
    figures = re.findall(r"<figure.*?</figure>", full, re.S)
    assert len(figures) >= 14
    for one in figures:
        assert one.count('<svg class="plot wide"') == one.count('<svg class="plot narrow"') == 1
        for title, desc in re.findall(r"<title[^>]*>(.*?)</title><desc[^>]*>(.*?)</desc>", one):
            assert title and len(desc) > len(title)
        assert "<table>" in one and "How to read" in one and "<figcaption>" in one
        assert re.search(r"\bn\b|[Cc]ounted|calls|seconds|n:", plain(one)), "the caption says what it rests on"
    ids = re.findall(r'\bid="([^"]+)"', full)
    assert len(ids) == len(set(ids))
    targets = set(re.findall(r'href="#([^"]+)"', full))
    assert targets <= set(ids), "every link leads somewhere"


def test_the_faults_are_seen(full: str) -> None:
    losses = plain(section(full, "losses"))
    for reason in ("refused", "near duplicate", "leaked from holdout", "label says"):
        assert reason in losses
    assert "NOT KNOWN YET" in plain(section(full, "verdict"))
    assert "the largest loss is label says" in losses
    assert "reads as" in plain(section(full, "truth"))
    assert "today" in plain(section(full, "likeness")), "the word that only real rows have"
    assert "real rows alone" in plain(section(full, "usefulness")) and "kept synthetic rows" in plain(section(full, "usefulness"))


def test_numbers_are_those_that_were_measured(bad: Bad, full: str) -> None:
    from tilth.records.figures import figure

    values = json.loads(bad[0].metrics.read_text())["values"]
    measured = [one for one in values if one["value"] is not None]
    assert len(measured) > 8
    for one in measured:
        assert figure(one["value"], one["interval"]) in plain(full), one["metric"]
        assert one["metric"] in full


MISSING = {
    "content": "no real rows were given, or their file is gone. tilth report bare --real FILE",
    "truth": "Do the labels hold? Not known: not evaluated. tilth evaluate bare",
    "diversity": "Not known: not evaluated. tilth evaluate bare --real FILE",
    "likeness": "Not known: not evaluated. tilth evaluate bare --real FILE",
    "usefulness": "Is it useful? Not known: no holdout. tilth evaluate bare --holdout FILE --utility",
    "safety": "Not known: no holdout. tilth evaluate bare --holdout FILE",
    "people": "Not known: no person has judged a record yet, and tilth cannot ask one yet.",
    "losses": "Not known: no model was called.",
    "making": "Not known: made without a flow file.",
}


@pytest.mark.parametrize(("name", "line"), MISSING.items())
def test_what_is_missing_is_one_grey_line_with_its_command(bare: RunFolder, name: str, line: str) -> None:
    lines = re.findall(r'<p class="missing">.*?</p>', section(page(bare), name), re.S)
    assert any(line in plain(one) for one in lines), [plain(one) for one in lines]


def test_figures_of_other_records_count_as_missing(bad: Bad, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "changed"
    shutil.copytree(bad[0].path, other)
    (other / "data" / "part-00000.parquet").unlink()
    shutil.copy(bad[0].path / "rows" / "part-00000.parquet", other / "data" / "part-00000.parquet")
    html = page(RunFolder(other))
    assert "speaks of other records" in plain(section(html, "verdict"))
    assert "metrics.json speaks of other records" in plain(section(html, "usefulness"))
    assert "fig-c2st" not in html


def test_an_empty_run_has_a_page(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "empty").create()
    folder.write_state({"asked": {"name": "empty"}, "status": "running", "seed": 0})
    html = page(folder)
    assert len(re.findall("<section ", html)) == 11 and "Unfinished" in html


def test_no_text_shows_no_text(bad: Bad, bad_files: dict[str, Path]) -> None:
    html = page(bad[0], real=bad_files["real"], holdout=bad_files["holdout"], texts=False)
    assert "thriller" not in html and "harbour" not in html
    assert "made without texts" in plain(section(html, "records"))
    assert "fig-lengths" in html


def test_a_small_size_costs_records_first(bad: Bad) -> None:
    whole = build(bad[0], Options())
    small = build(bad[0], Options(max_mb=len(whole.text) / 1e6 * 0.9))
    assert len(small.text) < 0.9 * len(whole.text) and 0 < small.records < whole.records
    assert "so that this file stays below" in small.text and small.plots == whole.plots


def test_many_rows_do_not_make_it_larger(tmp_path: Path) -> None:
    def run(n: int) -> RunFolder:
        folder = RunFolder(tmp_path / f"n{n}").create()
        folder.write_state({"asked": {"name": "many"}, "status": "done", "seed": 0})
        schema = Schema.of({"text": str, "label": str})
        for directory in (folder.rows, folder.data):
            with PartWriter(directory, "part", schema) as writer:
                for k in range(n):
                    text = f"word{k % 97} and word{k % 89} or word{k % 83}"
                    writer.add(schema.row(Record(text=text, label=f"l{k % 5}", meta={"id": f"r{k:06}", "origin": "model"})))
        return folder

    sizes = [len(page(run(n), samples=20)) for n in (1100, 9000)]
    assert sizes[1] < 1.05 * sizes[0]


def test_another_run_stands_beside_it(bad: Bad, bare: RunFolder) -> None:
    html = page(bad[0], against=bare)
    assert "in bare" in plain(section(html, "diversity")) and "in bare" in plain(section(html, "losses"))


def test_markdown_and_json_say_the_same(bad: Bad) -> None:
    document = json.loads(build(bad[0], Options(form="json")).text)
    assert [one["number"] for one in document["sections"]] == list(range(1, 12))
    funnel = next(block for one in document["sections"] for block in one["blocks"] if block.get("name") == "funnel")
    assert funnel["table"]["rows"][0][:2] == ["read", 240]
    words = build(bad[0], Options(form="md")).text
    assert words.count("\n## ") == 11 and f"| {funnel['table']['rows'][1][0]} |".replace("_", "\\_") in words


def test_records_say_why_they_are_shown(full: str) -> None:
    records = section(full, "records")
    chance, chosen = (len(re.findall(r'<article class="record"', part)) for part in records.split("Chosen for a reason"))
    assert chance >= 15 and chance + chosen == 60
    assert len(re.findall(r"\[rejected: near_duplicate\]", records)) == 3
    assert "border of label_noise" in records and "most alike, pair 1" in records
    assert "path through curation" in records and "drop: near_duplicate" in records
