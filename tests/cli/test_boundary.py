"""Whatever happens is one line, one exit code and, with --json, one object."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from cli.conftest import Tell, environment
from cli.test_clean import Stream
from tilth.cli import boundary
from tilth.cli.options import Answer, Session
from tilth.cli.printer import Printer
from tilth.errors import (
    BudgetReached,
    Bug,
    CheckFailed,
    EndpointDown,
    Interrupted,
    ManyErrors,
    OutsideError,
    Pending,
    RequestError,
)


def fail(problem: BaseException, tmp_path: Path, **given: object) -> tuple[int, str, str]:
    out, err = Stream(), Stream()
    session = Session(given={"runs": str(tmp_path / "runs"), **given}, printer=Printer(out=out, err=err, environ={}))
    session.command = "run"
    session.prepare()

    def work() -> Answer:
        raise problem

    return boundary.guard(session, work), out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("problem", "code", "line"),
    [
        (RequestError("'a' is wrong. Do b.", file="f.yaml", line=3, column=1), 2, "error: f.yaml:3:1: 'a' is wrong. Do b."),
        (OutsideError("openai does not answer."), 3, "error: openai does not answer."),
        (CheckFailed("too few records."), 1, "error: too few records."),
        (BudgetReached("stopped at the budget."), 4, "error: stopped at the budget."),
        (EndpointDown("gone."), 3, "error: gone."),
        (Pending("a batch is on its way."), 75, "error: a batch is on its way."),
        (Interrupted("stopped.", signal_exit=143), 143, "error: stopped."),
        (KeyboardInterrupt(), 130, "error: stopped by Ctrl-C."),
        (
            OSError(errno.ENOSPC, "No space left on device", "runs/x"),
            3,
            "error: no space left on the disk of runs/x. All paid replies are in the journal: free space and run the same command again.",
        ),
    ],
)
def test_each_class_has_its_exit_code_and_one_line(problem: BaseException, code: int, line: str, tmp_path: Path) -> None:
    assert fail(problem, tmp_path) == (code, "", line + "\n")


def test_many_mistakes_are_listed_up_to_twenty_with_a_count(tmp_path: Path) -> None:
    many = ManyErrors([RequestError(f"mistake {n}.", file="f.yaml", line=n, column=1) for n in range(1, 26)])
    code, _, err = fail(many, tmp_path)
    lines = err.splitlines()
    assert code == 2
    assert lines[0] == "error: f.yaml:1:1: mistake 1."
    assert lines[20] == "error: and 5 more mistakes (25 in all)."
    assert len(lines) == 21


@pytest.mark.parametrize("problem", [ZeroDivisionError("no"), Bug("in a method", trace="Traceback: here")])
def test_a_defect_is_one_line_and_a_file(problem: BaseException, tmp_path: Path) -> None:
    code, out, err = fail(problem, tmp_path)
    assert (code, out) == (5, "")
    assert len(err.splitlines()) == 1
    assert "crash.txt" in err and "report it" in err
    assert "Traceback" in (tmp_path / "runs" / "crash.txt").read_text()


def test_excerpt_and_github_annotation(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("tilth: 1\nrows: 1k\n")
    problem = RequestError("'rows' must be a whole number.", file=str(path), line=2, column=7)
    _, _, err = fail(problem, tmp_path, errors="full")
    assert err.splitlines()[1:] == ["     2 | rows: 1k", "               ^"]
    _, _, err = fail(problem, tmp_path, errors="github")
    assert err == f"::error file={path},line=2,col=7::'rows' must be a whole number.\n"


def test_a_closed_pipe_is_silent_success() -> None:
    command = "import sys; from tilth.cli import main; sys.exit(main(['--help']))"
    process = subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), said) == (0, b"")


SCHEMA = json.loads(resources.files("tilth").joinpath("assets", "answer.schema.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--json", "rnu"], 2),
        (["run", "--json"], 2),
        (["run", "absent.yaml", "--json"], 2),
        (["--json", "status", "absent"], 2),
        (["doctor", "--json"], 0),
        (["status", "--json"], 0),
        (["methods", "--json"], 0),
        (["models", "list", "--json"], 0),
        (["--json", "run", "x.yaml", "--nonsense"], 2),
    ],
)
def test_json_is_one_object_also_on_error(argv: list[str], code: int, tilth: Tell) -> None:
    import jsonschema

    told = tilth(*argv)
    assert told.exit == code
    jsonschema.validate(told.json, SCHEMA)
    assert told.json["ok"] is (code == 0)
    assert (told.json["error"] is None) is (code == 0)
