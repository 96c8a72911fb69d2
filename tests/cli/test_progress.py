"""The displays show a snapshot, whatever it holds, and never write escapes of its text."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from rich.console import Console

from cli.test_clean import Stream
from tilth.cli.options import Session
from tilth.cli.printer import Printer
from tilth.cli.progress import choose, live, plain, watch
from tilth.cli.progress.events import Events
from tilth.cli.progress.watch import Header, Rates, Watcher
from tilth.engine.progress import Progress

HEADER = Header("intents", 7, "runs/intents", {"generator": "openai/gpt-4.1-mini"}, 3.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Seconds that the displays see."""
    moment = [0.0]
    for module in (plain, live, watch):
        monkeypatch.setattr(module, "now", lambda: moment[0])
    monkeypatch.setattr("tilth.cli.progress.events.now", lambda: moment[0])
    yield moment


def snapshot() -> Progress:
    return Progress(method="attrprompt", total=1000)


def advance(shot: Progress, kept: int) -> None:
    shot.kept, shot.calls, shot.in_flight, shot.limit, shot.direction = kept, kept + 100, 24, 32, "rising"
    shot.rejected, shot.tokens_in, shot.tokens_out, shot.usd = 58, 326_800, 111_800, 0.3096
    shot.reasons.update({"refused": 31, "parse": 19, "too_long": 8})
    shot.last_kept = "\x1b[31mHi, my parcel \u202eshould\x07 have come\n" + "日本" * 80


def test_plain_writes_when_ten_seconds_and_five_percent_have_passed(clock: list[float]) -> None:
    err, shot = Stream(), snapshot()
    display = plain.Plain(Printer(out=Stream(), err=err, environ={}), HEADER, shot)
    display.begin()
    lines = lambda: [line.split(" ", 1)[1] for line in err.getvalue().splitlines()]  # noqa: E731
    assert lines() == ["run intents, seed 7, runs/intents"]
    clock[0] = 9.0
    advance(shot, 400)
    display.look(False)
    assert len(lines()) == 1
    clock[0] = 20.0
    display.look(False)
    assert lines()[1].startswith("generate 400/1000 rows, 58 rejected, 500 calls, 327k in, 112k out, $0.31 of $3.00")
    clock[0] = 40.0
    shot.kept = 420
    display.look(False)
    assert len(lines()) == 2
    clock[0] = 100.0
    display.look(False)
    assert len(lines()) == 3
    shot.finished, shot.total = True, 420
    display.look(True)
    assert lines()[-1] == (
        "generate done: 420 rows, 58 rejected (31 refused to answer, 19 reply not readable, 8 too long), 500 calls, $0.31"
    )


def test_events_are_json_lines_in_order(clock: list[float]) -> None:
    err, shot = Stream(), snapshot()
    display = Events(Printer(out=Stream(), err=err, environ={}), HEADER, shot)
    display.begin()
    display.look(False)
    clock[0] = 112.0
    advance(shot, 742)
    shot.warnings.append("look out")
    display.look(True)
    found = [json.loads(line) for line in err.getvalue().splitlines()]
    names = [one["event"] for one in found]
    assert names == ["run_started", "stage_started", "progress", "warning", "progress", "stage_done", "run_done"]
    assert found[4] == {
        "event": "progress", "t": 112.0, "stage": "generate", "done": 742, "total": 1000, "kept": 742, "rejected": 58,
        "reasons": {"refused": 31, "parse": 19, "too_long": 8}, "calls": 842, "in_flight": 24, "concurrency": 32, "retries": 0,
        "from_journal": 0, "tokens_in": 326800, "tokens_out": 111800, "usd": 0.3096, "usd_end": 0.417251, "eta_s": 39,
    }  # fmt: skip


def test_the_time_left_is_hidden_at_first_and_unknown_without_a_total() -> None:
    rates, shot = Rates(), snapshot()
    rates.add(0.0, shot)
    shot.kept = 100
    rates.add(5.0, shot)
    assert rates.eta(shot) is None
    rates.add(20.0, shot)
    assert rates.eta(shot) == 180.0
    shot.total = None
    assert rates.eta(shot) is None


@pytest.mark.parametrize("columns", [60, 100])
def test_the_live_frame_fits_and_is_clean(columns: int, clock: list[float]) -> None:
    err, shot = Stream(terminal=True), snapshot()
    console = Console(file=err, width=columns, height=30, color_system=None, force_terminal=True, highlight=False)
    display = live.Live(Printer(out=Stream(), err=err, environ={"NO_COLOR": "1"}), HEADER, shot, console)
    advance(shot, 742)
    clock[0] = 112.0
    with console.capture() as capture:
        console.print(display.frame())
    text = capture.get()
    assert "\x1b[31m" not in text and "\u202e" not in text and "\x07" not in text
    lines = text.splitlines()
    assert all(len(line) <= columns for line in lines)
    assert lines[0].strip().startswith("1 generate  attrprompt     ━━━")
    assert "24 in flight" in text and "327k in · 112k out" in text and "$0.31 of $3.00" in text


@pytest.mark.parametrize(
    ("terminal", "given", "expected"),
    [
        (True, {}, "plain"),
        (False, {}, "plain"),
        (False, {"progress": "json"}, "json"),
        (False, {"quiet": 1}, "none"),
        (True, {"progress": "none"}, "none"),
    ],
)
def test_the_choice_of_a_display(terminal: bool, given: dict[str, object], expected: str) -> None:
    session = Session(given=given, printer=Printer(out=Stream(), err=Stream(terminal), environ={}))
    session.prepare()
    assert choose.kind(session) == expected  # a StringIO has no size, so not even a terminal gets the live one


def test_a_model_without_a_price_is_unknown_not_free() -> None:
    shot = snapshot()
    shot.unpriced = 3
    assert watch.cost(shot, None) == "unknown"
    assert watch.event(shot, Rates())["usd"] is None


def test_the_watcher_looks_a_last_time() -> None:
    seen, ready = [], threading.Event()

    def look(final: bool) -> None:
        seen.append(final)
        ready.set()

    watcher = Watcher(look, 0.001)
    watcher.start()
    assert ready.wait(5)
    watcher.stop()
    watcher.stop()
    assert seen[-1] is True and seen.count(True) == 1 and seen[0] is False
