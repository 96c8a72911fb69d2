"""The hashed embedder: unit vectors, the same everywhere, close where texts share words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import RequestError
from tilth.models.base import Embedder
from tilth.models.hashed import KNOWN_WORDS, HashedTfidf

GOLDEN = [
    0.1765, -0.2050, 0.4386, 0.1765, 0.5292, 0.0, -0.1765, 0.0286, 0.2050, -0.2361, 0.0, -0.2050, 0.3815, -0.2050, 0.1479, -0.2050,
]  # fmt: skip


@given(st.lists(st.text(max_size=40), max_size=6))
def test_every_text_has_a_unit_vector_of_its_own_whatever_else_is_embedded(texts: list[str]) -> None:
    together = HashedTfidf(64).vectors(texts)
    assert together.shape == (len(texts), 64)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-6)
    for row, text in enumerate(texts):
        assert np.array_equal(HashedTfidf(64).vectors([text])[0], together[row])


async def test_it_is_an_embedder() -> None:
    embedder = HashedTfidf()
    assert isinstance(embedder, Embedder)
    assert (embedder.name, embedder.dimensions) == ("local/hashed-tfidf", 1024)
    assert np.array_equal(await embedder.embed(["one text", ""]), embedder.vectors(["one text", ""]))
    assert HashedTfidf(512).identity != embedder.identity


def test_texts_that_share_words_or_spellings_are_close() -> None:
    base, same_words, misspelt, other = HashedTfidf().vectors(
        ["The acting in this horror film is superb.", "This film has superb acting.", "The actting in this horor flim is superb",
         "Stocks fell sharply on Tuesday."]
    )  # fmt: skip
    assert base @ same_words > 0.5
    assert base @ misspelt > 0.4
    assert abs(base @ other) < 0.15


def test_common_short_words_do_not_make_texts_alike() -> None:
    one, two, three = HashedTfidf().vectors(["it is a of the to garden", "it is a of the to volcano", "the garden grows"])
    assert one @ three > one @ two + 0.1


def test_the_vectors_are_pinned() -> None:
    """Another vector for the same text would need another identity."""
    vector = HashedTfidf(16).vectors(["Golden text"])[0]
    assert vector.tolist() == pytest.approx(GOLDEN, abs=5e-5)


def test_memory_of_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.models.hashed.KNOWN_WORDS", 10)
    embedder = HashedTfidf(32)
    embedder.vectors([f"word{i} other{i}" for i in range(50)])
    assert len(embedder._known) <= 10 < KNOWN_WORDS


def test_too_few_dimensions_are_refused() -> None:
    with pytest.raises(RequestError, match="at least 16 dimensions"):
        HashedTfidf(8)
