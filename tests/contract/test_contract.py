"""The contract of every method, which it enters by existing: same bytes, nothing paid twice, budgets that add up."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from contract.scenario import Scenario, file_of, load, run_and_die
from engine.support import prints
from tilth.catalog import methods
from tilth.engine.budget import Caps
from tilth.errors import RequestError
from tilth.models.base import Request

NAMES = sorted(methods())


def scenario(name: str) -> tuple[Path, Scenario]:
    path = file_of(name)
    assert path is not None, f"{name} has no test file: tests/methods/test_{name.replace('-', '_')}.py"
    found = getattr(load(path), "SCENARIO", None)
    assert isinstance(found, Scenario), f"{path} declares no SCENARIO"
    assert found.method.name == name
    return path, found


@pytest.fixture(scope="module")
def server() -> multiprocessing.context.ForkServerContext:
    """Processes to be killed: started from a clean one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["contract.scenario", "pyarrow.parquet"])
    return context


@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str, tmp_path: Path, server: multiprocessing.context.ForkServerContext) -> None:
    path, method = scenario(name)
    whole, _ = method.run(tmp_path / "whole", concurrency=7)
    assert whole.status == "done" and whole.kept > 0, whole.stop
    assert whole.calls >= 10, "a scenario makes at least ten calls"
    expected = prints(tmp_path / "whole")

    for concurrency in (1, 64):
        method.run(tmp_path / f"c{concurrency}", concurrency=concurrency, latency=(0.0, 0.003))
        assert prints(tmp_path / f"c{concurrency}") == expected, f"other bytes at concurrency {concurrency}"

    again, asked = method.run(tmp_path / "whole")
    assert (again.calls, asked) == (0, 0) and again.from_journal > 0, "a finished run executed again makes no call"
    assert prints(tmp_path / "whole") == expected

    third = whole.calls // 3
    first, _ = method.run(tmp_path / "budget", caps=Caps(calls=third), concurrency=5, latency=(0.0, 0.002))
    second, _ = method.run(tmp_path / "budget", caps=Caps(calls=10**6), concurrency=5)
    assert first.exit == 4 and first.calls == third
    assert first.calls + second.calls == whole.calls and prints(tmp_path / "budget") == expected

    process = server.Process(target=run_and_die, args=(str(path), str(tmp_path / "killed"), 2 * whole.calls // 3))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, process.exitcode
    resumed, _ = method.run(tmp_path / "killed")
    assert prints(tmp_path / "killed") == expected and resumed.calls < whole.calls


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_cell_of_an_input_is_never_shown_to_a_model(name: str, tmp_path: Path) -> None:
    """A null in a column that a method needs harms its own row at most: no model is asked about the text None."""
    method = scenario(name)[1]
    for given, needed in _needed(method):
        rows = list(method.data[given])
        empty = {**rows[0], needed: None} | ({"id": "empty"} if "id" in rows[0] else {})
        shown: list[str] = []
        changed = replace(
            method,
            reply=_watched(method.reply, shown),
            roles={role: [_watched(one, shown) for one in pool] for role, pool in method.roles.items()},
            data={**method.data, given: [empty, *rows]},
        )
        try:
            outcome, _ = changed.run(tmp_path / f"{given}-{needed}")
        except RequestError:  # refused by name, before the first call
            assert not shown
            continue
        assert outcome.status == "done", f"{given}.{needed}: {outcome.stop}"
        assert not [text for text in shown if re.search(r"(?<![\[\w,] )\bNone\b(?![,\w])", text)], f"{given}.{needed}"


def _needed(method: Scenario) -> list[tuple[str, str]]:
    """Each (input, column) that must be there, of the inputs that the scenario has."""
    inputs = type(method.method).inputs
    return [
        (name, column)
        for name, columns in inputs.items()
        if method.data.get(name)
        for column in str(columns).removeprefix("?").split()
        if not column.endswith("?")
    ]


def _watched(reply: Callable[[Request], object], shown: list[str]) -> Callable[[Request], object]:
    def watching(request: Request) -> object:
        shown.append("\n".join(str(message["content"]) for message in request.messages or ()) + (request.prompt or ""))
        return reply(request)

    return watching


def test_the_labels_and_call_keys_of_every_method_are_as_released(tmp_path: Path) -> None:
    """A refactoring must not make users pay again: tests/contract/keys.json changes only on purpose (see CONTRIBUTING)."""
    path = Path(__file__).with_name("keys.json")
    found, pinned = {}, orjson.loads(path.read_bytes())
    for name in NAMES:
        try:
            method = scenario(name)[1]
        except pytest.skip.Exception:  # it needs what this machine lacks, a sandbox say; the others are compared
            found |= {name: pinned[name]} if name in pinned else {}
            continue
        method.run(tmp_path / name)
        found[name] = _labels_and_keys(tmp_path / name / "journal.db")
    if os.environ.get("WRITE_KEYS"):
        path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    assert orjson.loads(path.read_bytes()) == found


def _labels_and_keys(journal: Path) -> dict[str, object]:
    """How many calls each label made, and one digest over all their keys."""
    connection = sqlite3.connect(journal)
    rows = connection.execute("SELECT place, hex(key) FROM calls ORDER BY key").fetchall()
    connection.close()
    labels = Counter(re.sub(r":[^/]*", "", place) for place, _ in rows)
    return {"labels": dict(labels), "keys": hashlib.sha256("".join(key for _, key in rows).encode()).hexdigest()[:16]}
