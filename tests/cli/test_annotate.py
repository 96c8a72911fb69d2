"""annotate, on a server that answers from this process."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Tell
from cli.test_runs import parses
from tilth.models.faults import FaultServer
from tilth.records.read import read

HEAD = "text,label\n"
ROWS = "".join(f"film {number} is {'fine' if number % 2 else 'dull'},{'good' if number % 2 else 'bad'}\n" for number in range(12))


def answer(job: Any) -> str:
    """The right label, but for the text of number 10."""
    asked = str(job["messages"][-1]["content"]).rsplit("<text>", 1)[1]
    return "good" if "fine" in asked or "film 10" in asked else "bad"


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(reply=answer) as running:
        yield running


@pytest.fixture
def command(tilth: Tell, tmp_path: Path, server: FaultServer) -> list[str]:
    """`annotate films.csv` with this server; add options."""
    (tmp_path / "films.csv").write_text(HEAD + ROWS)
    return ["annotate", "films.csv", "--labels", "good,bad", "-m", f"openai/test@{server.url}"]


def test_it_labels_says_how_far_it_agrees_and_pays_once(tilth: Tell, command: list[str], server: FaultServer) -> None:
    told = tilth(*command)
    assert (told.exit, told.out) == (0, "runs/films-labels\n")
    assert "films-labels: 12 records kept of 12 tried" in told.err and "7 good, 5 bad" in told.err
    assert "accuracy 0.92 [0.65, 0.99] · kappa 0.83 [" in told.err and "n 12 with a given label" in told.err
    assert "entropy" not in told.err, "one answer has no probabilities"
    parses(told.advice)
    before = server.stats()["requests"]
    again = tilth(*command, "--json").json["result"]
    assert server.stats()["requests"] == before and again["usage"]["from_journal"] == 12
    assert again["annotation"]["agreement"]["confusion"] == {"bad": {"bad": 5, "good": 1}, "good": {"good": 6}}


def test_what_it_writes_can_be_read_as_data(tilth: Tell, command: list[str]) -> None:
    tilth(*command, "-n", "3", "--votes", "2")
    rows = list(read("runs/films-labels"))
    assert [row["label"] for row in rows] == ["bad", "good", "bad"]
    assert rows[0]["label_probs"] == {"good": 0.0, "bad": 1.0}
    assert rows[0].meta["labelled_how"] == "votes" and rows[0].meta.get("origin") is None


def test_a_run_can_be_labelled_and_support_is_shown(tilth: Tell, command: list[str], tmp_path: Path, server: FaultServer) -> None:
    tilth(*command, "-n", "4")
    (tmp_path / "support.jsonl").write_text("".join(json.dumps({"text": f"shown {n}", "label": "good"}) + "\n" for n in range(3)))
    (tmp_path / "rules.md").write_text("Dull films are bad.")
    told = tilth(
        "annotate", "films-labels", *command[2:], "--support", "support.jsonl", "-k", "2", "--codebook", "rules.md", "--name", "two"
    )
    assert told.exit == 0 and "accuracy 1.00" in told.err, "the labels of the run are what it is compared with"
    tree = tilth("trace", "two", "-n", "1", "--json").json["result"]["records"][0]["id"]
    shown = tilth("trace", "two", tree, "--calls").out
    assert "Dull films are bad." in shown and shown.count("<text>shown ") == 2


def test_labels_no_better_than_the_most_frequent_one_are_named(tilth: Tell, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text(HEAD + "".join(f"film {number} is dull,good\n" for number in range(4)))
    told = tilth(*command)
    assert told.exit == 0
    assert "the labels are not shown to be better than always the most frequent one (1.00)." in told.err


def test_the_cap_stops_with_4_and_the_same_command_goes_on(tilth: Tell, command: list[str]) -> None:
    told = tilth(*command, "--max-calls", "5")
    assert told.exit == 4 and "accuracy" not in told.err
    parses(told.advice)
    assert tilth(*command, "--json").json["result"]["usage"]["calls"] == 7


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["annotate", "films.csv"], "llm-labels needs task.labels: at least two, each with a definition."),
        (["annotate", "flims.csv", "--labels", "a,b"], "no file matches 'flims.csv' (looked in .). Did you mean 'films.csv'?"),
        (["annotate", "films.csv", "--labels", "a,b", "-p", "vote=2"], "'vote' is no parameter of llm-labels. Did you mean 'votes'?"),
        (["annotate", "bare.csv", "--labels", "a,b"], "bare.csv has no column 'text' (it has: body)."),
        (["annotate", "films.csv", "--labels", "a,b", "-p", "calibration=odd"], "It is one of 'none', 'batch', 'prior'."),
    ],
)
def test_what_is_wrong_gets_a_line(argv: list[str], line: str, tilth: Tell, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "bare.csv").write_text("body\nhello\n")
    told = tilth(*argv, *command[-2:])
    assert told.exit == 2 and line in told.err, told.err


def test_the_bar_names_the_labels_that_people_must_give_and_the_advice_sets_them_aside(tilth: Tell, command: list[str]) -> None:
    told = tilth(*command, "--bar", "0.58")
    assert "good  precision 0.86 [0.49, 0.97]   recall 1.00 [0.61, 1.00]" in told.err
    assert "bad   precision 1.00 [0.57, 1.00]   recall 0.83 [0.44, 0.97]" in told.err
    assert "not shown to be right at least 0.58 of the time: 'good', 'bad'" in told.err
    told = tilth(*command, "--bar", "0.5")
    assert "not shown to be right at least 0.5 of the time: 'good'. Let" in told.err
    parses(told.advice)
    curated = tilth(*shlex.split(next(line for line in told.advice if line.startswith("tilth curate")))[1:], "--json").json["result"]
    assert (curated["rows"]["kept"], curated["rows"]["to_review"]) == (12, 7)
    assert "every label is right at least 0.4 of the time" in tilth(*command, "--bar", "0.4").err


def test_a_bar_without_given_labels_says_what_it_needs(tilth: Tell, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "films.csv").write_text("text\nfilm 1 is fine\n")
    assert "--bar needs given labels" in tilth(*command, "--bar", "0.8").err
