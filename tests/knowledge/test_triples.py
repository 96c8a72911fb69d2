"""Graphs of facts, lines of triples, the closed world and F1 of sets."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.knowledge.closed import Scores, Trie, scores
from tilth.knowledge.graph import Graph, Triple, Walks, connected
from tilth.knowledge.linear import NOWHERE, _place, linearise, ordered, parse, unmentioned

STAR = [Triple("hub", f"r{n % 3}", f"e{n}") for n in range(12)]
CHAIN = [Triple(f"e{n}", "next", f"e{n + 1}") for n in range(6)]
NAMES = st.text(alphabet="abc_[]\\;sroe \n/é日", min_size=1, max_size=8).map(lambda one: " ".join(one.split())).filter(bool)
TRIPLES = st.lists(st.builds(Triple, NAMES, NAMES, NAMES), max_size=6, unique=True)


def test_a_walk_ends_where_the_graph_has_no_more():
    islands = Graph([Triple("a", "r", "b"), Triple("a", "q", "a"), Triple("c", "r", "d")])
    sizes = Counter(len(Walks(islands).draw(Random(seed), 5)) for seed in range(40))
    assert set(sizes) == {1, 2}


def test_a_fact_that_is_given_twice_is_one():
    assert len(Graph([*CHAIN, *CHAIN])) == 6


def test_walks_depend_on_the_seed_alone():
    drawn = [[Walks(Graph(STAR + CHAIN)).draw(Random(5), 4) for _ in range(3)] for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_impossible_walks_are_refused():
    with pytest.raises(ValueError, match="no triple"):
        Walks(Graph([]))
    with pytest.raises(ValueError, match="smoothing"):
        Walks(Graph(CHAIN), smoothing=0)


def test_what_hangs_together():
    assert connected(CHAIN) and connected(STAR) and connected([])
    assert not connected([CHAIN[0], CHAIN[2]])


@given(TRIPLES)
@settings(max_examples=200)
def test_a_line_is_read_back_in_both_forms(triples):
    assert parse(linearise(triples)) == triples
    assert parse(linearise(triples, collapsed=True)) == triples


def test_the_collapsed_form_writes_a_subject_once():
    line = linearise([Triple("a b", "r", "c"), Triple("a b", "q", "d"), Triple("c", "r", "e")], collapsed=True)
    assert line == "[s] a_b [r] r [o] c [r] q [o] d [e] [s] c [r] r [o] e [e]"


@pytest.mark.parametrize(
    "line",
    ["[s] a [r] r [o] b [e] [s] c [r] q", "[s] a [r] r [o] b [e] [s] c", "[s] a [r] r [o] b [e] [o] x [e] [s", "x [s] a [r] r [o] b"],
)
def test_a_tail_that_was_cut_gives_no_triple(line):
    assert parse(line) == [Triple("a", "r", "b")]


def test_a_line_without_marks_is_empty():
    assert parse("nothing here") == parse("") == []


def test_an_unmentioned_name_comes_last():
    facts = [Triple("Zed", "r", "a"), Triple("Brook", "r", "Mill"), Triple("Brook", "r", "Alder"), Triple("Brook", "r", "Nowhere")]
    told = ordered(facts, "In Alder and at the mill the Brook is loud.")
    assert [(one.subject, one.object) for one in told] == [("Brook", "Alder"), ("Brook", "Mill"), ("Brook", "Nowhere"), ("Zed", "a")]
    assert _place("", ["a"])[0] == _place("x", [])[0] == NOWHERE


def test_a_name_counts_as_mentioned_by_its_longest_part():
    text = "York lies in the north; its cities and mills grew in 1957."
    assert unmentioned(["New York", "city", "mill", "1957-03-02"], text) == []
    assert unmentioned(["New Orleans", "1958", "mills race"], text) == ["New Orleans", "1958"]
    assert unmentioned(["New York"], text, share=0.9) == ["New York"]


@given(st.sets(st.text(alphabet="abc ", min_size=1, max_size=6), min_size=1, max_size=8), st.integers(0, 99))
@settings(max_examples=60)
def test_decoding_gives_only_names_of_the_trie(names, seed):
    rng = Random(seed)
    assert Trie(names).decode(lambda begun, allowed: rng.choice(allowed)) in names


def test_a_choice_outside_of_the_trie_is_refused():
    with pytest.raises(ValueError, match="cannot follow"):
        Trie(["a"]).decode(lambda begun, allowed: "b")
    assert Trie(["ab", "a"]).after("a") == ("", "b")


def test_f1_is_of_sets():
    a, b, c = Triple("x", "r", "y"), Triple("x", "q", "z"), Triple("x", "r", "z")
    assert scores([[b, a]], [[a, b]]) == scores([[a, b, a]], [[a, b]]) == Scores(1.0, 1.0)
    assert scores([[a, c]], [[a, b]]) == Scores(0.5, pytest.approx((2 / 3 + 0) / 2))
    assert scores([[]], [[a]]) == scores([[a]], [[]]) == scores([[]], [[]]) == scores([], []) == Scores(0.0, 0.0)
    assert scores([[a], [b]], [[b], [a]]) == Scores(0.0, 0.0)
    with pytest.raises(ValueError, match="1 predictions for 2"):
        scores([[a]], [[a], [b]])
