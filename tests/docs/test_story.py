"""The README's ten minutes, played from its first line to its last: every `tilth` line, in order, in one folder."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from docs.blocks import blocks, inputs
from tilth.cli import main

ELSEWHERE = ("models", "doctor", "demo")
"""Lines of the README that need weights or look at the machine; `tests/cli` has them."""
SMALL = {"--utility": ["--sizes", "8", "--draws", "2", "--students", "tfidf"]}
"""What makes a line quick where the reader would wait for it."""


def lines() -> list[list[str]]:
    """The words of each `tilth` line."""
    shown = [line for block in blocks("README.md", "sh") for line in block.text.splitlines() if line.startswith("tilth ")]
    return [shlex.split(line, comments=True)[1:] for line in shown]


def played(words: list[str]) -> list[str]:
    """The line as the test plays it: on made-up replies, without a browser, with little to train."""
    more = [part for word in words for part in SMALL.get(word, ())]
    scripted = ["--scripted"] if words[0] in ("run", "preview", "demo") else []
    return [*(word for word in words if word != "--open"), *more, *scripted]


@pytest.mark.slow
def test_every_line_of_the_readme_works_in_its_order(capsys: pytest.CaptureFixture[str]) -> None:
    inputs(Path())
    Path("support-messages.yaml").write_text(blocks("README.md", "yaml")[0].text, encoding="utf-8")
    assert main(["demo", "--scripted", "-n", "8", "--runs", "runs"]) == 0
    done = []
    for words in lines():
        if words[0] in (*ELSEWHERE, "annotate"):
            continue
        if words[0] == "report" and not done:
            assert words[1] == "demo-classification"
        code = main([*played(words), "--runs", "runs"])
        told = capsys.readouterr()
        assert code == 0, f"tilth {shlex.join(words)}: {told.err}"
        assert "Traceback" not in told.err
        done.append(words[0])
    assert done.count("run") == 3 and {"flow", "preview", "status", "trace", "curate", "evaluate", "report", "export"} <= set(done)
    _look_at_what_is_left()


def _look_at_what_is_left() -> None:
    run = Path("runs/support-messages")
    for name in ("data", "rejected", "journal.db", "run.json", "report.html", "README.md", "croissant.json", "manifest.json"):
        assert (run / name).exists(), name
    assert len(Path("support.jsonl").read_text(encoding="utf-8").splitlines()) == len(list(_kept(run)))
    assert (Path("out/hub") / "README.md").exists()


def _kept(run: Path) -> list[object]:
    from tilth.records.read import read

    return list(read(run))


def test_the_annotate_line_labels_without_a_model_that_is_not_there(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """The model of the line is the embedded one; `--plan` shows what it would be asked and sends nothing."""
    inputs(Path())
    (words,) = [words for words in lines() if words[0] == "annotate"]
    assert main([*words, "--plan", "-m", "ollama/llama3.1:8b"]) == 0
    assert "positive" in "".join(capsys.readouterr())
