"""No model text may steer a terminal."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.cli.clean import clean, cut, one_line, pad, width
from tilth.cli.printer import Printer


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\", "here"),
        ("\x1b]52;c;cm0gLXJm\x07after", "after"),
        ("\x1b]0;title\x07x", "x"),
        ("\x9b2Jx", "x"),
        ("a\x00b\x08c", "abc"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("\x1bP1$r\x1b\\x", "x"),
        ("\x1b]8;;unterminated", "8;;unterminated"),
        ("line\r\nnext\rlast", "line\nnext\nlast"),
        ("caf\u00e9 日本 \U0001f600", "caf\u00e9 日本 \U0001f600"),
        ("\ud800", "\ufffd"),
        ("\u200b\ufeffx\U000e0041", "x"),
    ],
)
def test_removes_what_steers_a_terminal_and_keeps_the_rest(raw: str, expected: str) -> None:
    assert clean(raw) == expected


HOSTILE = set("\x1b\x00\x07\x08\x0d\x7f\x9b\x9d\x90\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


@given(st.text(st.sampled_from("ab[]8;52c\\m \x1b\x07\x9b\x9d\x00\u202e\r\n\t")))
def test_nothing_hostile_is_left_whatever_the_order(raw: str) -> None:
    assert not HOSTILE & set(clean(raw))
    assert clean(clean(raw)) == clean(raw)


def test_cut_counts_terminal_cells() -> None:
    assert width("日本") == 4
    assert width("e\u0301") == 1
    assert cut("日本語テキスト", 7) == "日本語…"
    assert width(cut("x" * 50, 10)) == 10
    assert cut("a\nb   c", 20) == "a b c"
    assert pad("日", 4) == "日  "
    assert one_line("\x1b[1ma\n\nb") == "a b"


class Stream(io.StringIO):
    """A StringIO that says it is UTF-8 and perhaps a terminal."""

    encoding = "utf-8"  # type: ignore[assignment]

    def __init__(self, terminal: bool = False) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def printer(terminal: bool = False, environ: dict[str, str] | None = None, **more: object) -> tuple[Printer, Stream, Stream]:
    out, err = Stream(terminal), Stream(terminal)
    return Printer(out=out, err=err, environ=environ or {}, **more), out, err  # type: ignore[arg-type]


def test_colour_only_on_a_terminal_and_never_from_the_data() -> None:
    for terminal, environ, colored in [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {"FORCE_COLOR": "1"}, True),
    ]:
        one, _, err = printer(terminal, environ)
        one.mark("done", "\x1b[5mblink\x07")
        assert ("\x1b[32m✓" in err.getvalue()) is colored
        assert "\x1b[5m" not in err.getvalue()


@pytest.mark.parametrize(("quiet", "said", "errors"), [(0, True, True), (1, False, True), (2, False, False)])
def test_quiet_levels(quiet: int, said: bool, errors: bool) -> None:
    one, out, err = printer(quiet=quiet)
    one.say("narration")
    one.error("broken.")
    one.result("the result")
    assert out.getvalue() == "the result\n"
    assert ("narration" in err.getvalue()) is said
    assert ("error: broken." in err.getvalue()) is errors


def test_a_warning_is_written_once_and_kept_for_json() -> None:
    one, _, err = printer()
    one.warn("same")
    one.warn("same")
    assert err.getvalue().count("same") == 1
    assert one.warnings == [{"code": "warning", "message": "same"}]


def test_tables_are_tab_separated_and_whole_when_stdout_is_no_terminal() -> None:
    one, out, _ = printer()
    one.table(["id", "text"], [["a", "x" * 400], ["b", "tab\there\nline"]])
    assert out.getvalue() == f"id\ttext\na\t{'x' * 400}\nb\ttab here line\n"
    one, out, _ = printer(terminal=True, environ={"COLUMNS": "40", "NO_COLOR": "1"})
    one.table(["id", "text"], [["a", "x" * 400], ["日本", "short"]])
    assert all(width(line) <= 40 for line in out.getvalue().splitlines())


def test_without_utf8_symbols_become_words() -> None:
    out, err = Stream(), Stream()
    err.encoding = "ascii"  # type: ignore[misc]
    one = Printer(out=out, err=err, environ={})
    one.mark("done", "ready · 日本")
    one.advise("tilth demo")
    assert err.getvalue() == "ok ready - ??\n-> tilth demo\n"


def test_json_escapes_what_a_terminal_could_obey() -> None:
    one, out, _ = printer(json=True)
    one.result("never shown")
    one.envelope({"text": "\x9b2J\u202e\x1b[1m é \ud800 \U000e0041"})
    assert not HOSTILE & set(out.getvalue())
    assert json.loads(out.getvalue()) == {"text": "\x9b2J\u202e\x1b[1m é \ud800 \U000e0041"}


def test_a_broken_stderr_does_not_stop_the_work() -> None:
    class Broken(Stream):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    one = Printer(out=Stream(), err=Broken(), environ={})
    one.say("nobody listens")
