"""Running a program's text: as a script, or as a module whose functions are called; and saying where it went wrong."""

from __future__ import annotations

import sys
import types
from typing import Any

from .channel import Channel
from .plain import NotPlain, encode

FILE = "program.py"
_FRAMES, _MESSAGE, _REPR = 20, 2000, 10_000


def load(code: str, name: str, file: str = FILE) -> types.ModuleType:
    """`code` executed as the module `name`; its lines are known to tracebacks."""
    import linecache

    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    module = types.ModuleType(name)
    module.__dict__["__file__"] = file
    sys.modules[name] = module
    exec(compile(code, file, "exec", dont_inherit=True), module.__dict__)
    return module


def error_of(error: BaseException, file: str = FILE) -> dict[str, Any]:
    """Type, message and the frames in the program's own text: [line, function], outermost first."""
    frames, trace = [], error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            frames.append([trace.tb_lineno, trace.tb_frame.f_code.co_name])
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename == file and error.lineno:
        frames.append([error.lineno, "<syntax>"])
    return {"type": type(error).__name__, "message": text_of(error)[:_MESSAGE], "frames": frames[-_FRAMES:], "bases": bases(type(error))}


def bases(kind: type) -> list[str]:
    """Names of the built-in exceptions that a type descends from, nearest first."""
    return [base.__name__ for base in kind.__mro__ if base.__module__ == "builtins" and issubclass(base, BaseException)]


def text_of(value: Any) -> str:
    """str(value), whatever its class does."""
    try:
        return str(value)
    except BaseException:  # boundary: the program's own __str__
        return f"<{type(value).__name__}>"


def repr_of(value: Any) -> str:
    """repr(value), cut; whatever its class does."""
    try:
        shown = repr(value)
    except BaseException:  # boundary: the program's own __repr__
        return f"<{type(value).__name__}>"
    return str.__str__(shown)[:_REPR]


def script(config: dict[str, Any], report: Channel) -> int:
    """Run the text as `__main__`, its input being standard input. The exit code, as Python would give it."""
    try:
        load(config["code"], "__main__")
    except SystemExit as leaving:
        return _exit_code(leaving)
    except BaseException as error:  # boundary: the program
        report.send({"error": error_of(error)})
        _show(error)
        return 1
    return 0


def _exit_code(leaving: SystemExit) -> int:
    if leaving.code is None or isinstance(leaving.code, int):
        return int(leaving.code or 0)
    sys.stderr.write(f"{leaving.code}\n")
    return 1


def _show(error: BaseException) -> None:
    """The traceback on standard error, from the program's own first frame on."""
    import traceback

    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != FILE:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)


def calls(config: dict[str, Any], report: Channel) -> int:
    """Call `entry` with each of the arguments; each outcome is one message. What was expected is not in this process."""
    from .plain import decode

    try:
        module = load(config["code"], "solution")
        function: Any = module
        for part in config["entry"].split("."):
            function = getattr(function, part)
    except BaseException as error:  # boundary: the program
        report.send({"error": error_of(error)})
        return 1
    for number, (positional, named) in enumerate(config["arguments"]):
        report.send({"start": number})
        report.send({"call": number, **_outcome(function, decode(positional), decode(named))})
    report.send({"done": config["nonce"]})
    return 0


def _outcome(function: Any, positional: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    try:
        value = function(*positional, **named)
    except BaseException as error:  # boundary: the program, SystemExit and KeyboardInterrupt included
        return {"error": error_of(error)}
    try:
        return {"value": encode(value), "repr": repr_of(value)}
    except NotPlain:
        return {"opaque": type(value).__name__, "repr": repr_of(value)}
    except BaseException as error:  # boundary: an object's own methods, or no memory left
        return {"error": error_of(error)}
