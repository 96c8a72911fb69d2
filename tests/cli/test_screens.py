"""Screens as the specification draws them, from scripted numbers and models, at a width of 100."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.conftest import Tell
from cli.test_clean import Stream
from cli.test_runs import parses
from tilth.cli.printer import Printer
from tilth.cli.progress import live, plain, watch
from tilth.cli.progress.live import Live
from tilth.cli.progress.plain import Plain
from tilth.cli.progress.watch import Header, StageLine
from tilth.engine.progress import Progress

MODELS = {"generator": "openai/gpt-4.1-mini", "judge": "anthropic/claude-haiku-4-5"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the displays see."""
    moment = [0.0]
    for module in (plain, live, watch):
        monkeypatch.setattr(module, "now", lambda: moment[0])
    return moment


def header(**more: object) -> Header:
    stages = [
        StageLine("generate", "attrprompt", rows=True),
        StageLine("curate", "7 steps", lambda: "step 2 of 7: dedupe", lambda: "820 kept, 180 dropped"),
        StageLine("evaluate", "6 metrics"),
    ]
    return Header("support-intents", 7, "runs/support-intents", MODELS, 3.0, stages=stages, **more)  # type: ignore[arg-type]


def at_112_seconds(shot: Progress) -> None:
    """The numbers of the running example."""
    shot.kept, shot.rejected, shot.calls, shot.in_flight, shot.limit, shot.direction, shot.retries = 742, 58, 860, 24, 32, "rising", 3
    shot.tokens_in, shot.tokens_out, shot.usd = 326_800, 111_800, 0.3096
    shot.reasons.update({"refused": 31, "parse": 19, "too_long": 8})
    shot.last_kept = "order_status\tHi, my parcel should have come on Tuesday and the tracking page has not changed since then."


def drawn(shot: Progress, clock: list[float], head: Header, width: int = 100, **environ: str) -> list[str]:
    err = Stream(terminal=True)
    console = Console(file=err, width=width, height=30, color_system=None, force_terminal=True, highlight=False)
    display = Live(Printer(out=Stream(), err=err, environ={"NO_COLOR": "1", **environ}), head, shot, console)
    shot_now = (shot.kept, shot.calls)
    shot.kept, shot.calls = 0, 0
    display._rates.add(0.0, shot)
    shot.kept, shot.calls = shot_now
    clock[0] = 112.0
    display._rates.add(112.0, shot)
    with console.capture() as capture:
        console.print(display.frame())
    return [line.rstrip() for line in capture.get().splitlines()]


def test_the_live_display(clock: list[float]) -> None:
    shot = Progress(method="attrprompt", total=1000)
    at_112_seconds(shot)
    assert drawn(shot, clock, header()) == [
        "  1 generate  attrprompt     ━━━━━━━━━━━━━━━━━━━━━━────────  742 of 1,000 rows",
        "  2 curate    7 steps        ╌ waiting",
        "  3 evaluate  6 metrics      ╌ waiting",
        "",
        "  calls   860   7.7/s · 24 in flight, limit 32 (rising) · 3 retried · 0 from the journal",
        "  tokens  327k in · 112k out",
        "  cost    $0.31 of $3.00 · about $0.42 at the end",
        "  rows    742 kept · 58 rejected (7.2 %): 31 refused to answer, 19 reply not readable, 8 too long",
        "  time    1 min 52 s · about 39 s left",
        "",
        "  last kept   order_status  Hi, my parcel should have come on Tuesday and the tracking page has no…",
        "  Ctrl-C stops and saves · tilth status -w in another window",
    ]


def test_a_replay_a_slow_provider_and_a_model_without_a_price(clock: list[float]) -> None:
    shot = Progress(method="attrprompt", total=1000)
    at_112_seconds(shot)
    shot.from_journal, shot.unpriced, shot.usd, shot.waiting_for = 1093, 860, 0.0, "openai/gpt-4.1-mini: 429, next try in 8 s"
    shot.direction = "backing off"
    lines = drawn(shot, clock, header(), width=120)
    assert "limit 32 (backing off) · 3 retried · 1,093 from the journal, free" in lines[4]
    assert lines[6] == "  cost    unknown for openai/gpt-4.1-mini, anthropic/claude-haiku-4-5; tokens are counted"
    assert "  ! waiting for openai/gpt-4.1-mini: 429, next try in 8 s" in lines


def test_later_stages_and_what_earlier_starts_spent(clock: list[float]) -> None:
    shot = Progress(stage="curate", method="attrprompt", total=742)
    at_112_seconds(shot)
    lines = drawn(shot, clock, header(spent_usd=1.0))
    assert lines[0].endswith("━━━━━━━━━━  742 of 742 rows") and lines[1] == "  2 curate    7 steps        step 2 of 7: dedupe"
    assert lines[6] == "  cost    $1.31 of $3.00" and lines[8] == "  time    1 min 52 s"
    shot.stage = "evaluate"
    assert drawn(shot, clock, header())[1] == "  2 curate    7 steps        ✓ 820 kept, 180 dropped"


@pytest.mark.parametrize("width", [60, 73])
def test_wide_characters_are_cut_by_what_they_take(width: int, clock: list[float]) -> None:
    from tilth.cli.clean import width as cells

    shot = Progress(method="attrprompt", total=1000)
    at_112_seconds(shot)
    shot.last_kept = "返品\t\x1b]52;c;aGk=\x07荷物はまだ届いていません。追跡ページも変わりません。返金してください。\u202e" + "荷" * 80
    lines = drawn(shot, clock, header(), width)
    assert max(cells(line) for line in lines) < width
    last = next(line for line in lines if "last kept" in line)
    assert last.startswith("  last kept   返品  荷物はまだ") and last.endswith("…") and not {"\x1b", "\x07", "\u202e"} & set(last)


def test_without_unicode_it_is_ascii(clock: list[float]) -> None:
    import io

    err = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    printer = Printer(out=Stream(), err=err, environ={"NO_COLOR": "1"})
    printer.mark("done", "support-intents: 820 kept · 1,000 → 820")
    printer.advise("tilth status")
    assert err.buffer.getvalue().decode() == "ok support-intents: 820 kept - 1,000 -> 820\n-> tilth status\n"  # type: ignore[attr-defined]


def test_plain(clock: list[float]) -> None:
    err, shot = Stream(), Progress(method="attrprompt", total=1000)
    estimate = "about $0.88 [$0.74, $1.06], 2,060 calls, 4 to 8 min (from the first 20 units, which are kept)"
    display = Plain(Printer(out=Stream(), err=err, environ={}), header(estimate=estimate), shot)
    display.begin()
    clock[0] = 112.0
    at_112_seconds(shot)
    display.look(False)
    shot.kept, shot.calls, shot.rejected, shot.usd, shot.stage = 1000, 1138, 78, 0.41, "curate"
    shot.reasons.update({"refused": 11, "parse": 6, "too_long": 3})
    display.look(False)
    shot.finished = True
    display.look(True)
    assert [line.split(" ", 1)[1] for line in err.getvalue().splitlines()] == [
        "run support-intents, seed 7, runs/support-intents",
        f"estimate {estimate}",
        "generate 742/1000 rows, 58 rejected, 860 calls, 327k in, 112k out, $0.31 of $3.00",
        "generate done: 1,000 rows, 78 rejected (42 refused to answer, 25 reply not readable, 11 too long), 1,138 calls, $0.41",
        "curate done: 820 kept, 180 dropped",
    ]


FLOW = """\
tilth: 1
name: support-intents
seed: 7
task: {kind: classification, about: Messages to a shop., labels: {refund: wants money, order_status: asks where it is}}
generate:
  rows: 1000
  columns:
    tone: {values: [calm, angry], keep: false}
    label: {values: labels}
    text: {prompt: "Write a {{ tone }} message: {{ label }}"}
curate:
  - drop_if: "'plot' in text"
  - dedupe: {near: 0.85}
"""


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose second message speaks of a plot."""
    from tilth.models.scripted import ScriptedModel

    monkeypatch.setattr("tilth.cli.script.model", lambda number: ScriptedModel(_message, name="scripted"))


def _message(request: Any) -> str:
    calm = "calm" in str(request.messages)
    return "Where is my parcel? It should have come on Tuesday." if calm else "The plot thickens: my money, now!"


def test_preview(tilth: Tell, tmp_path: Path, scripted: None) -> None:
    (tmp_path / "intents.yaml").write_text(FLOW)
    told = tilth("preview", "intents.yaml", "-n", "2", "--scripted", "--trace")
    assert told.exit == 0
    kept = [
        "  tone (hidden)      calm",
        "  label              order_status",
        "  text               Where is my parcel? It should have come on Tuesday.",
        "  drop_if            0",
        "    call 1, user",
        "      │ Write a calm message: order_status",
        "    call 1, reply (stop)",
        "      │ Where is my parcel? It should have come on Tuesday.",
    ]
    dropped = [
        "  tone (hidden)      angry",
        "  label              refund",
        "  text               The plot thickens: my money, now!",
        "  drop_if            1",
        "    call 1, user",
        "      │ Write a angry message: refund",
        "    call 1, reply (stop)",
        "      │ The plot thickens: my money, now!",
    ]
    lines = told.out.splitlines()
    heads = [line for line in lines if line.startswith("record ")]
    assert [head.split("  ")[0] for head in heads] in (
        ["record 1 of 2 · kept", "record 2 of 2 · rejected: drop_if \"'plot' in text\""],
        ["record 1 of 2 · rejected: drop_if \"'plot' in text\"", "record 2 of 2 · kept"],
    )
    assert all(head.endswith("1 call · $0.00") for head in heads)
    body = [line for line in lines if not line.startswith("record ")]
    assert sorted(body) == sorted([*kept, *dropped])
    assert told.err.splitlines()[-2:] == [
        "estimate for 1,000 rows: free, 1,000 calls, 1 to 1 s",
        "→ tilth run intents.yaml --scripted      the whole; these are used, not paid again",
    ]
    parses(told.advice)


def test_the_first_screen_is_as_drawn(tilth: Tell) -> None:
    lines = tilth().out.splitlines()
    assert lines[0] == "tilth grows datasets: from a task, a few examples or documents to data you can train on, with the evidence."
    assert lines[2].startswith("start   demo ") and any(line.startswith("        status  compare ") for line in lines)
    assert all(len(line) <= 110 for line in lines)
