"""The process of the tests: it runs them in order against names whose objects live in the process of the code.

The tests see plain data that was copied and handles that ask; the code under test never runs here, so it can neither read
an expected value nor touch a report.
"""

from __future__ import annotations

import ast
import sys
import types
from typing import Any

from .channel import Broken, Channel
from .peer import Peer
from .program import error_of, load, repr_of
from .remote import Remote, _builtin

FILE = "tests.py"


def tests(config: dict[str, Any], report: Channel) -> int:
    """Run what was planned: steps of {"id" (None: not a test), "kind", "source", "line", "name"}; each outcome is one message."""
    link = Channel(config["link"], config["link"])
    peer = Peer(link, strict=True)
    space = load("", "tests", FILE)
    space.__dict__["__equal__"] = _equal
    try:
        told = link.receive()
        if "error" in told:
            report.send({"load": told["error"]})
            return 1
        _adopt(told["names"], peer, space, config["module"])
    except (Broken, KeyError, TypeError, ValueError, AttributeError):
        report.send({"load": {"type": "Ended", "message": "the program ended while it was loaded", "frames": []}})
        return 1
    for step in config["steps"]:
        if not _step(step, space, report):
            break
    report.send({"done": config["nonce"]})
    return 0


def _adopt(names: dict[str, Any], peer: Peer, space: types.ModuleType, module: str) -> None:
    """The program's names, in the tests' own scope and as modules to import from."""
    import importlib

    stub = types.ModuleType(module)
    for name, shown in names.items():
        if "module" in shown:
            value: Any = importlib.import_module(str(shown["module"])) if _standard(str(shown["module"])) else None
        elif "exception" in shown:
            own, *above = shown["exception"]
            value = peer.errors[str(own)] = type(str(own), (_builtin(above) if above else Exception,), {})
        else:
            value = peer.get(shown["value"])
        setattr(stub, str(name), value)
        space.__dict__.setdefault(str(name), value)
    sys.modules[module] = sys.modules["solution"] = sys.modules["program"] = stub


def _standard(name: str) -> bool:
    return name.split(".")[0] in sys.stdlib_module_names


def _step(step: dict[str, Any], space: types.ModuleType, report: Channel) -> bool:
    """One step; False where no other can follow, for the program has gone."""
    name = step["id"]
    if name is not None:
        report.send({"start": name})
    try:
        _KINDS[step["kind"]](step, space)
    except Broken:
        report.send({"test": name, "status": "gone"})
        return False
    except BaseException as error:  # boundary: the tests, or the program's exception passed on
        report.send({"test": name, **_failure(error)})
        return name is not None
    if name is not None:
        report.send({"test": name, "status": "passed"})
    return True


def _failure(error: BaseException) -> dict[str, Any]:
    told = getattr(error, "told", None)
    found = told if isinstance(told, dict) else error_of(error, FILE)
    status = "failed" if isinstance(error, AssertionError) and told is None else "error"
    return {"status": status, "error": {key: found.get(key) for key in ("type", "message", "frames")}, "inside": told is not None}


def _statement(step: dict[str, Any], space: types.ModuleType) -> None:
    tree = ast.parse("\n" * (step["line"] - 1) + step["source"], FILE)
    exec(compile(ast.fix_missing_locations(Explained().visit(tree)), FILE, "exec", dont_inherit=True), space.__dict__)


def _function(step: dict[str, Any], space: types.ModuleType) -> None:
    space.__dict__[step["name"]]()


def _method(step: dict[str, Any], space: types.ModuleType) -> None:
    """A method of a plain test class or of a unittest.TestCase, with its setup and teardown around it."""
    owner, method = step["name"].split(".")
    kind = space.__dict__[owner]
    case = kind(method) if hasattr(kind, "assertEqual") else kind()
    before, after = ("setUp", "tearDown") if hasattr(kind, "assertEqual") else ("setup_method", "teardown_method")
    getattr(case, before, _nothing)()
    try:
        getattr(case, method)()
    finally:
        getattr(case, after, _nothing)()


def _nothing() -> None:
    """No setup."""


_KINDS = {"statement": _statement, "function": _function, "method": _method}


class Explained(ast.NodeTransformer):
    """`assert a == b` says what both were, as a person or a model wants to see it; the meaning is the same."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        test = node.test
        if node.msg is not None or not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
            return node
        call = ast.Call(ast.Name("__equal__", ast.Load()), [test.left, test.comparators[0]], [])
        return ast.copy_location(ast.Expr(ast.copy_location(call, node)), node)


def _equal(left: Any, right: Any) -> None:
    """Compared here, on plain data; a handle equals no plain value (:class:`Remote`)."""
    if isinstance(left, Remote) != isinstance(right, Remote) or not left == right:
        raise AssertionError(f"got {repr_of(left)[:300]}, expected {repr_of(right)[:300]}")
