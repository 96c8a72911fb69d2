"""Who is the embedder where nobody set one, and what the user is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from flows.support import model
from tilth.engine.method import Method
from tilth.engine.run import Run
from tilth.flows.launch import prepare, run
from tilth.models.hashed import HashedTfidf
from tilth.models.local import is_pulled
from tilth.records.read import read
from tilth.records.record import Record


class Embedding(Method):
    """A method that embeds, and asks nothing."""

    name: ClassVar[str] = "embedding"
    roles: ClassVar[dict[str, int | str]] = {"embedder": 1}
    columns: ClassVar[dict[str, str]] = {"text": "str"}

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        """The name of the embedder and the size of its vectors."""
        made = await run.embed(["a", "b"])
        yield Record(text=f"{run.models('embedder')[0].name} {made.shape[1]}")


class Own:
    """No more than the protocol asks for."""

    name = "own"
    identity = "own/1"

    async def embed(self, texts):
        return np.ones((len(texts), 1), dtype=np.float32)


@pytest.fixture
def unpulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILTH_HOME", str(tmp_path / "home"))


def said(name: str = "run", **models: object) -> tuple[str, list[str]]:
    outcome = run(Embedding(), models={"generator": model(), **models}, name=name)
    (record,) = [row["text"] for row in read(outcome.path)]
    return record, outcome.warnings


def test_without_weights_hashed_words_stand_in_and_the_user_is_told(unpulled: None) -> None:
    record, warnings = said()
    assert record == "local/hashed-tfidf 1024"
    assert warnings == [
        "no embedder is set and local/minilm is not ready: texts are compared by their words, not by meaning. "
        "Get it: tilth models pull minilm (84 MB)"
    ]


def test_with_weights_the_embedded_embedder_is_used_and_nothing_is_said() -> None:
    pytest.importorskip("openvino", reason="needs tilth[local]", exc_type=ImportError)
    if not is_pulled("minilm"):
        pytest.skip("the embedded embedder is not on this machine: tilth models pull minilm")
    assert said() == ("local/minilm 384", [])


def test_an_embedder_that_was_set_is_used_without_a_word(unpulled: None) -> None:
    assert said("a", embedder="local/hashed-tfidf") == ("local/hashed-tfidf 1024", [])
    assert said("b", embedder=HashedTfidf(32)) == ("local/hashed-tfidf 32", [])
    assert said("c", embedder=Own()) == ("own 1", [])


def test_another_embedder_is_another_run(unpulled: None) -> None:
    base = prepare(Embedding(), models={"generator": model()}).settings.identity
    assert prepare(Embedding(), models={"generator": model(), "embedder": Own()}).settings.identity != base


def test_it_is_free_under_a_cap_in_dollars(unpulled: None) -> None:
    outcome = run(Embedding(), models={"generator": model()}, budget=1.0)
    assert outcome.exit == 0 and outcome.kept == 1
