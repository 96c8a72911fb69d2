"""`tilth curate` on a file: the table, another threshold for free, the border, and one line for a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tilth.cli.app import run
from tilth.cli.commands.curate import parsed

ROWS = [
    {"id": f"r{k}", "text": text}
    for k, text in enumerate(["a text that stays here", "a text that stays here .", "no", "and one more text of words"])
]


@pytest.fixture
def file() -> str:
    Path("set.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS))
    return "set.jsonl"


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict]:
    code = run([*argv, "--json", "--runs", "runs"])
    return code, json.loads(capsys.readouterr().out)


def test_a_file_is_curated_and_another_threshold_is_free(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys, "curate", file, "-s", "length words=[2,99]", "-s", "dedupe near=0.85")
    assert code == 0 and [(one["step"], one["before"], one["after"]) for one in out["result"]["steps"]] == [
        ("length", 4, 3),
        ("dedupe", 3, 2),
    ]
    code, out = said(capsys, "curate", "set-curated", "--rethreshold", "length.words=[1,99]")
    assert code == 0 and [one["after"] for one in out["result"]["steps"]] == [4, 3]
    assert out["result"]["steps"][0]["reused"]
    code, out = said(capsys, "curate", "set-curated", "--explain", "length")
    assert code == 0 and len(out["result"]["records"]) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-s", "dedup"), "no step is called 'dedup'. Did you mean 'dedupe'?"),
        (("-s", "decontaminate"), "a step reads 'holdout', which is not given. Give it with: --holdout FILE"),
        ((), 'no step is given. Give some with: -s refusals -s "dedupe near=0.85", or --flow FILE'),
        (("--rethreshold", "length.words=3"), "set.jsonl was not curated yet, so there is nothing to change. Give steps with: -s"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(file: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str) -> None:
    code, out = said(capsys, "curate", file, *words)
    assert code == 2 and out["error"]["message"] == message
    assert not Path("runs").exists()


def test_steps_are_written_as_in_a_flow() -> None:
    assert parsed("refusals") == "refusals"
    assert parsed("length words=[3,400] action=flag") == {"length": {"words": [3, 400], "action": "flag"}}
    assert parsed("dedupe exact") == {"dedupe": "exact"}
    assert parsed("keep_if: stars > 3") == {"keep_if": "stars > 3"}
