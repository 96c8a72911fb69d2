"""On a real terminal (a pty), without one, and stopped in every way: exit code, streams, saved rows, equal bytes."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.conftest import environment
from tilth.models.faults import FaultServer

FLOW = """\
tilth: 1
name: intents
seed: 7
models: {{generator: "openai/test@{url}"}}
task: {{kind: classification, about: Messages to a shop., labels: {{refund: wants money, order_status: asks where it is}}}}
generate:
  rows: {rows}
  columns:
    tone: {{values: [calm, angry], keep: false}}
    label: {{values: labels}}
    text: {{prompt: "Write a {{{{ tone }}}} message: {{{{ label }}}}"}}
curate: [refusals]
"""
HOSTILE = "\x1b[31mred \x1b]8;;http://evil\x07link\x1b]8;;\x07 \x1b]52;c;aGk=\x07 \u202eabc\u202c \x00nul \x9b2J fine"


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(reply=lambda job: f"{HOSTILE} {job.get('seed')}", latency=0.05) as running:
        yield running


CONTROLLING = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
"""Makes stdin the terminal that Ctrl-C comes from, then becomes the command."""


class Terminal:
    """A process whose stdin, stdout and stderr are a terminal of a given size."""

    def __init__(self, argv: list[str], folder: Path, size: tuple[int, int], **environ: str) -> None:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        env = environment(**{"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1", **environ})
        env.pop("COLUMNS", None)
        env.pop("CI", None)
        words = [sys.executable, "-c", CONTROLLING, "-m", "tilth", *argv]
        self.process = subprocess.Popen(
            words, stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=env, start_new_session=True, close_fds=True
        )
        os.close(slave)
        self._master = master
        self.text = ""

    def until(self, seen: Callable[[str], bool], seconds: float = 30.0) -> str:
        """Read until the text satisfies `seen`."""
        deadline = time.monotonic() + seconds
        while not seen(self.text):
            if not self._read(deadline):
                break
        assert seen(self.text), self.text[-2000:]
        return self.text

    def send(self, keys: str) -> None:
        time.sleep(0.3)  # reading a key begins with throwing away what was typed before
        os.write(self._master, keys.encode())

    def end(self, seconds: float = 40.0) -> int:
        """Read to the end; the exit code."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        code = self.process.wait(10)
        os.close(self._master)
        return code

    def _read(self, deadline: float) -> bool:
        if time.monotonic() > deadline or not select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError as error:
            if error.errno == errno.EIO:  # the other side is closed
                return False
            raise
        self.text += data.decode("utf-8", "replace")
        return bool(data)


def plain(text: str) -> str:
    """Without colours and cursor movements."""
    return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text).replace("\r", "")


def written(folder: Path, server: FaultServer, rows: int = 60, name: str = "intents.yaml") -> str:
    (folder / name).write_text(FLOW.format(url=server.url, rows=rows))
    return name


def prints(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes() for part in ("data", "rejected") for path in sorted((run / part).glob("*.parquet"))
    }


def rows_of(run: Path) -> int:
    return int(json.loads((run / "run.json").read_text())["totals"]["kept"])


def test_live_on_a_terminal_ctrl_c_saves_and_the_rest_gives_the_same_bytes(tmp_path: Path, server: FaultServer) -> None:
    flow = written(tmp_path, server)
    terminal = Terminal(["run", flow, "--concurrency", "4"], tmp_path, (100, 30))
    terminal.until(lambda text: " kept · 0 rejected" in plain(text) and re.search(r"\b(1[0-9]|2[0-9]) of 60 rows", plain(text)) is not None)
    terminal.send("\x03")
    code = terminal.end()
    text = plain(terminal.text)
    assert code == 130
    assert re.search(r"Stopping: \d+ calls? (are|is) in flight and already paid", text) and "continues here" in text
    assert "  1 generate  columns        ━" in text and "  2 curate    1 step         ╌ waiting" in text
    assert re.search(r"last kept   (refund|order_status)  .*red ", text)
    assert "\x1b]" not in terminal.text and not {"\x9b", "\u202e", "\x07", "\x00"} & set(terminal.text)
    assert "\x1b[?25h" in terminal.text[terminal.text.rindex("\x1b[?25l") :]  # the cursor is shown again
    saved = rows_of(tmp_path / "runs" / "intents")
    assert 10 <= saved < 60
    before = server.stats()["requests"]
    again = quiet(tmp_path, "run", flow)
    assert (again.returncode, again.stdout) == (0, "runs/intents\n")
    asked = server.stats()["requests"] - before
    assert asked <= 60 - saved
    whole = quiet(tmp_path, "run", flow, "--runs", "other")
    assert whole.returncode == 0 and prints(tmp_path / "runs" / "intents") == prints(tmp_path / "other" / "intents")


def quiet(folder: Path, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A run without a terminal."""
    words = [sys.executable, "-m", "tilth", *argv, *(["-q"] if argv[0] == "run" else [])]
    return subprocess.run(words, cwd=folder, env=environment(**environ), text=True, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("size", "environ", "live"),
    [
        ((40, 30), {}, False),
        ((100, 8), {"TERM": "dumb"}, False),
        ((100, 30), {"NO_COLOR": "1"}, True),
        ((100, 30), {"PYTHONUTF8": "0", "LANG": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}, False),
    ],
)
def test_where_it_is_live_and_where_plain(
    size: tuple[int, int], environ: dict[str, str], live: bool, tmp_path: Path, server: FaultServer
) -> None:
    terminal = Terminal(["run", written(tmp_path, server, 6)], tmp_path, size, **environ)
    assert terminal.end() == 0
    text = plain(terminal.text)
    assert ("\x1b[?25l" in terminal.text) is live
    assert ("generate done: 6 rows" in text) is not live
    if "NO_COLOR" in environ or "dumb" in environ.values():
        assert not re.search(r"\x1b\[[0-9;]*m", terminal.text)
    if environ.get("LANG") == "C":
        assert terminal.text.isascii() and "ok intents: 6 records kept" in text and "-> tilth" in text


def test_without_a_terminal_no_escape_and_no_broken_line(tmp_path: Path, server: FaultServer) -> None:
    long = "d" * 200
    (tmp_path / long).mkdir()
    flow = written(tmp_path, server, 6)
    words = [sys.executable, "-m", "tilth", "run", flow, "--runs", f"{long}/{'e' * 150}", "-v"]
    done = subprocess.run(words, cwd=tmp_path, env=environment(), text=True, capture_output=True, timeout=60, check=True)
    assert done.stdout == f"{long}/{'e' * 150}/intents\n"
    assert "\x1b" not in done.stdout + done.stderr
    assert any(f"{long}/{'e' * 150}/intents" in line for line in done.stderr.splitlines())
    live = json.loads((tmp_path / long / ("e" * 150) / "intents" / "progress.json").read_text())
    assert (live["kept"], live["total"]) == (6, 6) and live["command"].startswith("tilth run intents.yaml")


def test_a_closed_pipe_during_a_run_is_success_and_all_is_saved(tmp_path: Path, server: FaultServer) -> None:
    words = [sys.executable, "-m", "tilth", "run", written(tmp_path, server, 10)]
    process = subprocess.Popen(words, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(30) == 0 and "Traceback" not in said and "error" not in said
    assert rows_of(tmp_path / "runs" / "intents") == 10


PRICED = 'models: {{generator: {{model: "openai/test@{url}", price: {{in: 90, out: 900}}}}}}'


def dear(folder: Path, server: FaultServer) -> str:
    name = written(folder, server, 200)
    text = (folder / name).read_text()
    first = next(line for line in text.splitlines() if line.startswith("models:"))
    (folder / name).write_text(text.replace(first, PRICED.format(url=server.url)))
    return name


def test_a_dear_run_asks_on_a_terminal_and_no_is_no(tmp_path: Path, server: FaultServer) -> None:
    flow = dear(tmp_path, server)
    terminal = Terminal(["run", flow], tmp_path, (120, 30))
    terminal.until(lambda text: "Go on? [y/N]" in plain(text))
    assert re.search(r"About \$\d+\.\d\d \[\$\d+\.\d\d, \$\d+\.\d\d\] for \d+ calls\. Go on\? \[y/N\]", plain(terminal.text))
    before = server.stats()["requests"]
    terminal.send("n\r")
    assert terminal.end() == 0
    assert "the first units are kept" in terminal.text
    assert server.stats()["requests"] == before and not (tmp_path / "runs" / "intents" / "run.json").exists()


def test_without_a_terminal_nobody_is_asked_and_the_estimate_is_a_line(tmp_path: Path, server: FaultServer) -> None:
    words = [sys.executable, "-m", "tilth", "run", dear(tmp_path, server), "--until", "generate"]
    done = subprocess.run(words, cwd=tmp_path, env=environment(), text=True, capture_output=True, timeout=60, check=True)
    assert re.search(r"estimate about \$\d+\.\d\d \[.*\], 200 calls, .* \(from the first 20 units, which are kept\)", done.stderr)
    assert "Go on" not in done.stderr


def test_preview_on_a_terminal_goes_by_keys(tmp_path: Path, server: FaultServer) -> None:
    terminal = Terminal(["preview", written(tmp_path, server), "-n", "3"], tmp_path, (100, 30))
    terminal.until(lambda text: "record 1 of 3" in plain(text) and "q quit" in text)
    terminal.send("n")
    terminal.until(lambda text: "record 2 of 3" in plain(text))
    terminal.send("t")
    terminal.until(lambda text: "call 1, reply (stop)" in plain(text))
    terminal.send("q")
    assert terminal.end() == 0
    text = plain(terminal.text)
    assert "record 3 of 3" not in text and "estimate for 60 rows: cost unknown" in text
