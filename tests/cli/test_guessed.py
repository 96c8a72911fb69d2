"""What a server of one's own is taken to do is told, and can be said otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cli.conftest import Tell
from tilth.models.faults import FaultServer

LABELS = ["-s", "task.labels=[good, bad]", "-s", "task.about=Films"]


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    def reply(job: Any) -> str:
        text = f"A film to see twice, said number {job.get('seed')}, and nobody in the whole wide house had any doubt of it."
        return f'{{"text": "{text}"}}' if "messages" in job else f"{text}\n"

    with FaultServer(reply=reply) as running:
        yield running


@pytest.fixture
def spec(server: FaultServer) -> str:
    return f"openai/test@{server.url}"


def chatted(tilth: Tell, run: str) -> bool:
    """Whether the run's first record was asked for in a chat."""
    record = tilth("trace", run, "--calls", "-n", "1", "--json").json["result"]["records"][0]
    return bool(record["calls"][0]["request"].get("messages"))


def test_bare_prompts_to_a_server_are_told_with_the_remedy_and_the_remedy_works(tilth: Tell, spec: str) -> None:
    told = tilth("run", "zerogen", "-n", "2", "-m", spec, *LABELS, "--name", "bare")
    assert "is given bare prompts to continue" in told.err and "-s models.generator.can.completion=false" in told.err
    assert not chatted(tilth, "bare")
    told = tilth("run", "zerogen", "-n", "2", "-m", spec, *LABELS, "--name", "chat", "-s", "models.generator.can.completion=false")
    assert told.exit == 0 and "bare prompts" not in told.err
    assert chatted(tilth, "chat")


def test_who_says_that_it_continues_is_not_told_again(tilth: Tell, spec: str) -> None:
    told = tilth("run", "zerogen", "-n", "2", "-m", spec, *LABELS, "-s", "models.generator.can={completion: true}")
    assert told.exit == 0 and "bare prompts" not in told.err


def test_a_method_that_needs_bare_prompts_is_refused_where_the_user_says_that_there_are_none(tilth: Tell, spec: str) -> None:
    told = tilth("run", "magpie", "-n", "2", "-m", spec, "-s", "models.generator.can.completion=false")
    assert told.exit == 2 and "needs a model with raw completion" in told.err


def test_a_capability_that_nobody_knows_is_a_mistake(tilth: Tell, spec: str) -> None:
    told = tilth("run", "zerogen", "-n", "2", "-m", spec, *LABELS, "-s", "models.generator.can.completions=false")
    assert told.exit == 2 and "completion" in told.err
