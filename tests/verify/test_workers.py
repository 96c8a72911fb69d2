"""Worker processes: answers, limits, deaths, and what they must not see."""

import gc
import os
import pickle
import threading
import time

import pytest

from tilth.verify.workers import Broke, TimedOut, Workers


@pytest.fixture
def workers():
    made = []

    def make(name, **settings):
        made.append(Workers(f"verify.stuck:{name}", **{"seconds": 20, **settings}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_answers_are_not_mixed_with_what_a_library_prints(workers):
    echo = workers("echo")
    assert [echo.call({"n": n, "text": "ä\n"}) for n in range(3)] == [{"n": n, "text": "ä\n"} for n in range(3)]


def test_one_process_serves_many_calls(workers):
    echo = workers("echo")
    echo.call(1)
    first = echo._idle[0].pid
    echo.call(2)
    assert [one.pid for one in echo._idle] == [first]


@pytest.mark.parametrize("name", ["hang", "spin"])
def test_work_that_never_ends_is_killed_from_outside(workers, name):
    stuck = workers(name, seconds=0.2)
    with pytest.raises(TimedOut):
        stuck.call(1)
    assert stuck._idle == []


def test_a_dead_process_is_replaced(workers):
    die = workers("die")
    for _ in range(2):
        with pytest.raises(Broke, match="crashed"):
            die.call(1)
    die.target = "verify.stuck:echo"
    assert die.call(5) == 5


def test_a_process_killed_while_idle_breaks_one_call_only(workers):
    echo = workers("echo")
    echo.call(1)
    os.kill(echo._idle[0].pid, 9)
    echo._idle[0].wait()
    with pytest.raises(Broke):
        echo.call(2)
    assert echo.call(3) == 3


def test_memory_is_limited(workers):
    with pytest.raises(Broke, match="memory"):
        workers("fill", megabytes=300).call(2**30)


def test_an_exception_is_told_and_the_process_lives(workers):
    fail = workers("fail")
    for _ in range(2):
        with pytest.raises(Broke, match="ValueError: no good"):
            fail.call(1)
    assert len(fail._idle) == 1


def test_keys_are_not_handed_on(workers, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "sk-secret" not in workers("environment").call(None).values()


def test_no_more_processes_than_allowed(workers):
    echo = workers("echo", most=2)
    threads = [threading.Thread(target=echo.call, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(echo._idle) <= 2


def test_processes_end_with_their_owner(workers):
    echo = Workers("verify.stuck:echo", seconds=20)
    echo.call(1)
    pid = echo._idle[0].pid
    del echo
    gc.collect()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError("still running")


def test_workers_can_be_sent_to_another_process():
    copy = pickle.loads(pickle.dumps(Workers("verify.stuck:echo", seconds=3, megabytes=400, most=1)))
    assert (copy.target, copy.seconds, copy.megabytes, copy.most) == ("verify.stuck:echo", 3, 400, 1)
