"""`tilth export`: what it writes where, and that a flow's exports and the card follow a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Tell

FLOW = """
tilth: 1
name: notes
licence: CC-BY-4.0
task: {kind: text, about: Short notes.}
generate:
  rows: 12
  columns:
    text: {prompt: "Write note number {{ row }}."}
export:
  - {to: jsonl, split: {train: 0.75, test: 0.25}, path: out}
  - {to: hub, path: acme/notes}
"""


@pytest.fixture
def notes(tilth: Tell, tmp_path: Path) -> Path:
    (tmp_path / "notes.yaml").write_text(FLOW)
    told = tilth("run", "notes.yaml", "--scripted", "--yes")
    assert told.exit == 0, told.err
    assert "out/train.jsonl  9 records" in told.err
    assert "out/test.jsonl   3 records" in told.err
    return tmp_path / "runs" / "notes"


def test_a_finished_run_has_card_manifest_and_the_flows_exports(tilth: Tell, notes: Path) -> None:
    assert (notes / "README.md").read_text().startswith("---\npretty_name: Notes (synthetic)\nlicense: cc-by-4.0\n")
    assert {path.name for path in notes.glob("*.json")} >= {"croissant.json", "manifest.json", "run.json"}
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "README.md",
        "croissant.json",
        "manifest.json",
        "test.jsonl",
        "train.jsonl",
    ]
    hub = notes / "exports" / "hub"
    assert "read" not in (hub / "flow.yaml").read_text() and list((hub / "prompts").iterdir())
    assert tilth("export", "--verify", str(notes)).exit == 0
    assert tilth("export", "--verify", str(hub)).exit == 0


def test_the_result_is_the_path_and_the_rest_is_told_aside(tilth: Tell, notes: Path) -> None:
    told = tilth("export", "notes", "--to", "csv", "--only", "text", "-o", "table")
    assert (told.exit, told.out) == (0, "table\n")
    assert "table/train.csv  12 records" in told.err
    assert told.advice == ["tilth export --verify table"]
    assert Path("table/train.csv").read_bytes().startswith(b"text\r\n")


def test_records_go_to_stdout_and_nothing_else(tilth: Tell, notes: Path) -> None:
    told = tilth("export", ".", "--to", "jsonl", "-o", "-", "--drop-meta")
    rows = [json.loads(line) for line in told.out.splitlines()]
    assert (told.exit, len(rows), set(rows[0])) == (0, 12, {"text"})
    assert tilth("export", ".", "-o", "-", "--to", "parquet").exit == 2


def test_as_json(tilth: Tell, notes: Path) -> None:
    told = tilth("export", "notes", "--to", "jsonl", "--json", "--split", "train=0.5,test=0.5", "-o", "split")
    result = told.json["result"]
    assert (result["to"], result["path"], result["rows"]) == ("jsonl", "split", 12)
    assert [(part["split"], part["rows"]) for part in result["parts"]] == [("train", 6), ("test", 6)]


def test_a_changed_file_is_found(tilth: Tell, notes: Path) -> None:
    with Path("out/train.jsonl").open("a") as file:
        file.write("{}\n")
    told = tilth("export", "--verify", "out")
    assert told.exit == 1
    assert told.out == "train.jsonl: differs (SHA-256)\n"
    assert "error: out is not what its manifest says: train.jsonl: differs (SHA-256)" in told.err


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (("--to", "jsonk"), "error: no format is called 'jsonk'. Did you mean 'jsonl'?"),
        (("--to", "dpo"), "error: dpo needs the columns chosen, rejected; there are: text str. Write them as they are: --to jsonl"),
        (("--split", "train=0.5"), "error: --split: names are words"),
        (("--only", "txt"), "error: notes has no column 'txt'. Did you mean 'text'?"),
        (("-o", "notes.yaml", "--to", "csv"), "error: notes.yaml is a file; this export is a folder."),
    ],
)
def test_what_is_wrong_is_one_line(tilth: Tell, notes: Path, argv: tuple[str, ...], line: str) -> None:
    told = tilth("export", "notes", *argv)
    assert told.exit == 2
    assert told.err.startswith(line)
    assert told.out == ""


def test_no_such_run(tilth: Tell, notes: Path) -> None:
    told = tilth("export", "note")
    assert (told.exit, told.err) == (2, "error: no run called 'note' in ./runs. Did you mean 'notes'?\n")


def test_flows_and_exports_ask_for_the_same_columns() -> None:
    from typing import get_args

    from tilth.flows import afterwards
    from tilth.report.export import formats

    groups = {frozenset(group) for form in formats.FORMATS.values() for group in form.needs}
    for name in get_args(afterwards.Format):
        needed, form = afterwards.NEEDED.get(name), formats.find(name)
        for columns in groups | {frozenset({"text"}), frozenset({"prompt"})}:
            before = needed is None or any(set(group) <= columns for group in needed)
            assert before == (not form.needs or any(set(group) <= columns for group in form.needs)), (name, columns)
