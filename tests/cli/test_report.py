"""`tilth report`: where it writes, what it says, and one line for a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Tell
from curate.support import curate

ROWS = [{"id": f"r{k}", "text": f"a text number {k} with a few words", "label": "xy"[k % 2]} for k in range(8)]


@pytest.fixture
def run(tilth: Tell) -> Tell:
    """The command line beside two runs."""
    curate(Path("runs/one"), ROWS, ["refusals"])
    curate(Path("runs/two"), ROWS[:4], ["refusals"])
    return tilth


def test_it_writes_one_file_and_says_where(run: Tell) -> None:
    told = run("report", "one")
    assert told.exit == 0 and told.out == "runs/one/report.html\n"
    assert "✓ runs/one/report.html" in told.err and "8 records of 8" in told.err
    first = Path("runs/one/report.html").read_bytes()
    assert run("report", "one").exit == 0 and Path("runs/one/report.html").read_bytes() == first


def test_the_answer_as_json(run: Tell) -> None:
    result = run("report", "one", "--against", "two", "--json").json["result"]
    path = Path(result.pop("path"))
    assert result.pop("bytes") == len(path.read_bytes()) and result.pop("plots") > 3
    assert result == {"records": 8, "of": 8}
    assert "in two" in path.read_text("utf-8")


def test_other_forms_and_places(run: Tell) -> None:
    assert run("report", "one", "--format", "md").out == "runs/one/report.md\n"
    assert run("report", "one", "--format", "json", "--out", "-").json["run"] == "one"
    assert run("report", "one", "--theme", "dark", "--out", "page.html", "--samples", "3").exit == 0
    html = Path("page.html").read_text("utf-8")
    assert '<html lang="en" data-theme="dark">' in html and html.count("<article") == 3
    assert run("report", "one", "--no-text").exit == 0
    assert "a few words" not in Path("runs/one/report.html").read_text("utf-8")


def test_real_rows_are_taken_from_a_file(run: Tell) -> None:
    Path("real.csv").write_text("text,label\n" + "\n".join(f"some real words {k},x" for k in range(20)))
    assert run("report", "one", "--real", "real.csv").exit == 0
    assert "20 real" in Path("runs/one/report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("report", "thre"), "no run called 'thre'"),
        (("report", "one", "--against", "tow"), "Did you mean 'two'?"),
        (("report", "one", "--real", "none.csv"), "none.csv"),
        (("report", "one", "--out", "nowhere/page.html"), "there is no folder nowhere."),
        (("report", "one", "--out", "runs"), "runs is a folder. Name a file: --out runs/report.html"),
        (("report", "one", "--out", "-", "--open"), "leave out --open"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(run: Tell, words: tuple[str, ...], line: str) -> None:
    told = run(*words)
    assert told.exit == 2 and line in told.err and len([one for one in told.err.splitlines() if one.startswith("error")]) == 1
