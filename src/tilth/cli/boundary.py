"""The boundary of errors: whatever a command raises becomes one line, one exit code and, with --json, one object."""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tilth.cli.options import Answer, Session
from tilth.errors import Bug, Interrupted, ManyErrors, Stop, TilthError

SHOWN = 20
"""At most so many mistakes of one file are listed."""


def guard(session: Session, work: Callable[[], Answer]) -> int:
    """Run `work` and answer its result or its error on the session's streams; return the exit code."""
    error: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    try:
        answer = work()
        result, code = answer.result, answer.exit
        if code:
            error = _object(*(answer.error or ("check.failed", "a check found something; see the result.")), code)
    except click.exceptions.Exit as leave:  # --help, --version
        return _flush(leave.exit_code)
    except (KeyboardInterrupt, click.Abort):
        error, code = _fail(session, "stopped by Ctrl-C.", "interrupted", 130), 130
    except BaseException as problem:  # the outermost boundary: nothing may leave as a traceback
        if _closed_pipe(problem):
            return _silence()
        error, code = _explain(session, problem)
    if session.json and (session.command or error):
        return _envelope(session, result, error, code)
    return _flush(code)


def _explain(session: Session, problem: BaseException) -> tuple[dict[str, Any], int]:
    if isinstance(problem, SystemExit):
        code = problem.code if isinstance(problem.code, int) else 1
        return _fail(session, str(problem.code), "exit", code, quiet=True), code
    if session.printer.verbose >= 2:
        session.printer.say("".join(traceback.format_exception(problem)).rstrip())
    if isinstance(problem, click.UsageError):
        return _fail(session, usage(problem, session), "usage", 2), 2
    if isinstance(problem, click.ClickException):
        return _fail(session, problem.format_message(), "usage", 2), 2
    if isinstance(problem, TilthError):
        return tell(session, problem), problem.exit
    if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
        where = f" of {problem.filename}" if problem.filename else ""
        line = f"no space left on the disk{where}. All paid replies are in the journal: free space and run the same command again."
        return _fail(session, line, "disk.full", 3), 3
    if isinstance(problem, Stop) and not isinstance(problem, Bug):
        code = problem.signal_exit if isinstance(problem, Interrupted) else problem.exit
        return _fail(session, problem.what or "the run was stopped.", problem.code, code), code
    return _crash(session, problem), 5


def tell(session: Session, problem: TilthError) -> dict[str, Any]:
    """Say what is wrong, one line each mistake, as the options want it; returns the error's object."""
    many = problem.errors if isinstance(problem, ManyErrors) else [problem]
    for one in many[:SHOWN]:
        _line(session, one)
    if len(many) > SHOWN:
        session.printer.error(f"and {len(many) - SHOWN} more mistakes ({len(many)} in all).")
    first = many[0]
    place = {"file": first.file, "line": first.line, "column": first.column}
    return {**_object(problem.code, first.what if len(many) == 1 else problem.what, problem.exit), **place}


def _line(session: Session, problem: TilthError) -> None:
    style = session.config.get("errors", session.given.get("errors")).value
    if style == "github" and problem.file:
        places = [f"{name}={value}" for name, value in (("file", problem.file), ("line", problem.line), ("col", problem.column)) if value]
        if session.printer.quiet < 2:
            session.printer.err.write(f"::error {','.join(places)}::{problem.what}\n")
        return
    session.printer.error(str(problem))
    full = style == "full" or (style is None and session.printer.terminal(session.printer.err))
    if full and problem.file and problem.line and session.printer.quiet < 2:
        _excerpt(session, Path(problem.file), problem.line, problem.column)


def _excerpt(session: Session, path: Path, line: int, column: int | None) -> None:
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            text = next((text.rstrip("\n") for number, text in enumerate(lines, 1) if number == line), None)
    except OSError:
        return
    if text is None:
        return
    column = column or 1
    room = max(20, session.printer.columns(session.printer.err) - 11)
    first = max(0, column - room) if column > room or len(text) <= room else 0  # the part of a long line that holds the mistake
    session.printer.say(f"  {line:>4} | ", (text[first : first + room], "dim"))
    session.printer.say(" " * (8 + column - first), ("^", "red"))


def _crash(session: Session, problem: BaseException) -> dict[str, Any]:
    trace = getattr(problem, "trace", "") or "".join(traceback.format_exception(problem))
    path = session.runs / "crash.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"command: tilth {session.command}\npython: {sys.version}\n\n{trace}", "utf-8")
        where = f"The traceback is in {path}: please report it."
    except OSError as error:
        where = f"The traceback could not be saved ({error.strerror}); -vv shows it. Please report it."
    what = " ".join(str(problem).split())[:200]
    return _fail(session, f"a defect of tilth ({type(problem).__name__}: {what}). {where}", "bug", 5)


def usage(problem: click.UsageError, session: Session) -> str:
    """A mistake in the arguments, in the form of all errors."""
    path = problem.ctx.command_path if problem.ctx else "tilth"
    if isinstance(problem, click.NoSuchOption):
        near = problem.possibilities or []
        hint = f"Did you mean '{sorted(near)[0]}'?" if near else f"See: {path} --help"
        return f"{path} has no option '{problem.option_name}'. {hint}"
    message = problem.format_message().rstrip()
    message = message[:1].lower() + message[1:]
    return f"{message if message.endswith(('.', '?')) else message + '.'} See: {path} --help"


def _fail(session: Session, what: str, code: str, exit_code: int, quiet: bool = False) -> dict[str, Any]:
    if not quiet:
        session.printer.error(what)
    return _object(code, what, exit_code)


def _object(code: str, what: str, exit_code: int) -> dict[str, Any]:
    parts = re.split(r"(?<=[.?!]) (?=[A-Z])", what, maxsplit=1)
    hint = parts[1] if len(parts) == 2 else None
    return {"code": code, "message": what, "hint": hint, "file": None, "line": None, "column": None, "exit": exit_code}


def _envelope(session: Session, result: dict[str, Any] | None, error: dict[str, Any] | None, code: int) -> int:
    from tilth import __version__

    document = {"ok": code == 0, "command": session.command or None, "tilth": __version__, "result": result}
    try:
        session.printer.envelope({**document, "warnings": session.printer.warnings, "error": error})
    except BrokenPipeError:
        return _silence()
    return _flush(code)


def _closed_pipe(problem: BaseException) -> bool:
    return isinstance(problem, BrokenPipeError) or (isinstance(problem, OSError) and problem.errno == errno.EPIPE)


def _flush(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _silence()
    return code


def _silence() -> int:
    """The reader of stdout has left: all is saved, so this is no error. Keep the interpreter from complaining at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError):
            continue
    return 0
