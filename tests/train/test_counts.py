"""n-gram counts: those of scikit-learn, and nothing learned from texts that are only read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.train.counts import TextFeatures

text = pytest.importorskip("sklearn.feature_extraction.text", reason="needs the 'ml' extra")
TEXT = st.text(st.sampled_from("abA é\n\t'.-1_ß日İ"), max_size=30)


@given(st.lists(TEXT, min_size=1, max_size=5))
def test_the_counts_are_those_of_sklearn(texts: list[str]) -> None:
    counters = (text.CountVectorizer(ngram_range=(1, 2)), text.CountVectorizer(analyzer="char_wb", ngram_range=(3, 5)))
    features = TextFeatures.of(texts)
    for ours, vocabulary, theirs in zip(features.blocks, features.vocabularies, counters, strict=True):
        try:
            expected = theirs.fit_transform(texts).toarray()
        except ValueError:  # sklearn refuses texts without any n-gram
            assert ours.shape == (len(texts), 0)
            continue
        assert vocabulary.columns.keys() == theirs.vocabulary_.keys()
        order = sorted(vocabulary.columns, key=theirs.vocabulary_.__getitem__)
        assert np.array_equal(ours.toarray()[:, [vocabulary.columns[gram] for gram in order]], expected)


def test_texts_that_are_only_read_add_no_column() -> None:
    features = TextFeatures.of(["a good film", "a bad film"])
    more = features.more(["a good unknown goodness", ""])
    assert [block.shape[1] for block in more.blocks] == [block.shape[1] for block in features.blocks]
    assert more.blocks[0].sum() == 1  # "good"
    columns = features.vocabularies[1].columns
    assert more.blocks[1][0, columns[" goo"]] == 2  # of "good" and of "goodness"
    again = features.more(["goodness"])
    assert again.blocks[1][0, columns[" goo"]] == 1


def test_parts_are_taken_by_row_numbers() -> None:
    features = TextFeatures.of(["one two", "two three", "three four"])
    part = features[np.array([2, 0])]
    assert len(part) == 2
    assert np.array_equal(part.blocks[1].toarray(), features.blocks[1].toarray()[[2, 0]])
