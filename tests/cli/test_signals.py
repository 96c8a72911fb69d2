"""First Ctrl-C stops gently, the second leaves at once and says what is lost."""

from __future__ import annotations

import os
import signal

import pytest

from cli.test_clean import Stream
from tilth.cli.printer import Printer
from tilth.cli.signals import Signals


class Handle:
    """Remembers how it was interrupted."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    def interrupt(self, exit_code: int) -> None:
        self.codes.append(exit_code)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_once_and_twice(number: signal.Signals, code: int) -> None:
    err, left, handle = Stream(), [], Handle()
    before = signal.getsignal(number)
    with Signals(Printer(out=Stream(), err=err, environ={}), lambda: 24, left.append) as signals:
        signals.handle = handle
        os.kill(os.getpid(), number)
        assert handle.codes == [code] and left == []
        assert err.getvalue() == ("Stopping: 24 calls are in flight and already paid; waiting for them. Press Ctrl-C again to leave now.\n")
        os.kill(os.getpid(), number)
        assert handle.codes == [code] and left == [code]
        assert "24 calls in flight lost" in err.getvalue()
    assert signal.getsignal(number) is before


def test_before_the_run_has_begun_it_is_an_ordinary_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), Signals(Printer(out=Stream(), err=Stream(), environ={}), lambda: 0):
        os.kill(os.getpid(), signal.SIGINT)


def test_the_wait_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    done = threading.Event()
    monkeypatch.setitem(__import__("tilth.cli.signals", fromlist=["WAIT"]).WAIT, signal.SIGTERM, 0.01)
    with Signals(Printer(out=Stream(), err=Stream(), environ={}), lambda: 1, lambda code: done.set()) as signals:
        signals.handle = Handle()
        os.kill(os.getpid(), signal.SIGTERM)
        assert done.wait(5)
