"""SynthIE: connected sets of facts with even coverage, texts that tell them all, lines that read back."""

import json
import math
import re
from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.errors import RequestError
from tilth.knowledge.closed import Trie, scores
from tilth.knowledge.graph import Graph, Triple, Walks, connected
from tilth.knowledge.linear import linearise, ordered, parse
from tilth.methods.extraction.synthie import SynthIE

PLACES = ["Brenn", "Alme", "Tarrow", "Quist", "Holm [s] Head", "New_Arden", "Lisk", "Varn"]
PEOPLE = ["Ada", "Otto", "Mira", "Jon", "Edda", "Ruth"]
FACTS = [
    *(("lies near", a, b) for a, b in pairwise(PLACES)),
    *(("born in", person, PLACES[n % 8]) for n, person in enumerate(PEOPLE)),
    *(("lives in", person, PLACES[(3 * n + 1) % 8]) for n, person in enumerate(PEOPLE)),
    ("founded", "Ada", "Varn"), ("twinned_with", "Lisk", "Quist"),
]  # fmt: skip
TRIPLES = [{"id": f"t{n}", "head": head, "relation": relation, "tail": tail} for n, (relation, head, tail) in enumerate(FACTS)]


def facts_of(request):
    """The facts of the last list of a prompt."""
    last = asked_of(request).rsplit("Facts:", 1)[1]
    return [Triple(*one) for one in re.findall(r"\((.*?); (.*?); (.*?)\)", last)]


def say(facts):
    return "It is told: " + ", and ".join(" ".join(fact) for fact in facts) + "."


def verbalise(request):
    """A template; at some seeds a refusal, the list itself, or a text that leaves a fact out."""
    facts = facts_of(request)
    kind = request.seed % 11
    if kind == 0:
        return "I'm sorry, but I cannot assist with that request."
    if kind == 1:
        return "; ".join(facts[0]) + "."
    return say(reversed(facts[:-1] if kind == 2 and len(facts) > 1 else facts))


def synthie(reply=verbalise, triples=TRIPLES, *, entities=None, seed=0, **parameters):
    data = {"triples": triples} | ({"entities": entities} if entities else {})
    return grow(SynthIE(**{"sizes": (1, 4), "rows": 20, **parameters}), reply, data=data, seed=seed)


def sets_of(grown):
    return [[Triple(**one) for one in json.loads(row["triples"])] for row in grown.rows]


def entropy(counts):
    total = sum(counts.values())
    return -sum(n / total * math.log2(n / total) for n in counts.values() if n)


SCENARIO = Scenario(SynthIE(rows=14, sizes=(1, 4)), verbalise, data={"triples": TRIPLES})
LOCAL = {"parameters": {"sizes": (1, 2), "max_retries": 1}}


def test_invariant_1_sets_are_connected_without_repeats_and_of_the_sizes_asked_for():
    grown = synthie(sizes=(2, 4))
    sets = sets_of(grown)
    assert len(sets) == 20 and {len(one) for one in sets} == {2, 3, 4}
    assert all(connected(one) and len(set(one)) == len(one) for one in sets)


def skewed():
    """Relation n has 2^n facts; the entities are many."""
    rng = Random(3)
    return Graph(Triple(f"e{rng.randrange(60)}", f"r{n}", f"e{rng.randrange(60)}") for n in range(7) for _ in range(2**n))


def test_invariant_2_reweighting_evens_out_the_relations():
    drawn = {}
    for every in (0, 5):
        walks, rng = Walks(skewed(), every=every), Random(1)
        for _ in range(300):
            walks.draw(rng, rng.randint(1, 4))
        drawn[every] = Counter({f"r{n}": walks.relations[f"r{n}"] for n in range(7)})
    assert entropy(drawn[5]) > entropy(drawn[0]) + 0.2
    assert max(drawn[5].values()) / min(drawn[5].values()) < 0.5 * max(drawn[0].values()) / min(drawn[0].values())


def test_the_method_reweighs_and_tells_its_coverage():
    told = {}
    triples = [{"head": one.subject, "relation": one.relation, "tail": one.object} for one in skewed().triples]
    for reweigh in (0, 5):
        grown = synthie(lambda request: say(facts_of(request)), triples, rows=100, reweigh=reweigh)
        told[reweigh] = json.loads((grown.folder / "artifacts" / "synthie.json").read_text("utf-8"))
    assert told[5]["relation_entropy_bits"] > told[0]["relation_entropy_bits"]
    assert len(told[5]["relations"]) == 7 and told[5]["entities_drawn"] <= told[5]["entities"]


def test_invariant_3_both_targets_read_back_to_the_set():
    for row, facts in zip((grown := synthie()).rows, sets_of(grown), strict=True):
        assert parse(row["target"]) == parse(row["target_collapsed"]) == facts
        assert parse(row["target"].rsplit("[o]", 1)[0]) == facts[:-1]
    assert any("Holm [s] Head" in row["entities"] for row in grown.rows)


def test_invariant_4_decoding_stays_in_the_closed_world():
    names = {name for row in synthie().rows for name in row["entities"]}
    rng = Random(0)
    assert {Trie(names).decode(lambda begun, allowed: rng.choice(allowed)) for _ in range(200)} == names


def test_invariant_5_f1_does_not_see_order_or_repeats():
    sets = sets_of(synthie())
    assert scores([[*reversed(one), one[0]] for one in sets], sets).micro == 1.0
    assert scores([[] for _ in sets], sets).macro == 0.0


def test_invariant_6_a_text_that_leaves_a_fact_out_is_caught():
    def short(request):
        return say(facts_of(request)[1:]) if len(facts_of(request)) > 1 else say(facts_of(request))

    star = [{"head": "Ada", "relation": "knows", "tail": name} for name in (*PLACES, *PEOPLE[1:])]
    grown = synthie(short, star, sizes=(4, 4), rows=5)
    assert not grown.rows and {row["reason"] for row in grown.rejected} == {"missing_fact"}
    assert any("It does not name" in prompt for prompt in grown.prompts)
    assert len(synthie(short, star, sizes=(4, 4), rows=5, check=False).rows) == 5


def test_invariant_7_no_set_comes_twice_so_splits_share_none():
    halves = {"train": 1.0, "test": 1.0}
    runs = [synthie(seed=seed, rows=30, splits=halves) for seed in (0, 1)]
    by_set = [{frozenset(one): row["split"] for row, one in zip(grown.rows, sets_of(grown), strict=True)} for grown in runs]
    assert [len(one) for one in by_set] == [30, 30]
    assert set(by_set[0].values()) == {"train", "test"}
    both = by_set[0].keys() & by_set[1].keys()
    assert both and all(by_set[0][one] == by_set[1][one] for one in both)


def test_invariant_8_the_order_is_that_of_the_text_with_subjects_together():
    for row, facts in zip((grown := synthie()).rows, sets_of(grown), strict=True):
        assert facts == ordered(sorted(facts), row["text"]) == ordered(sorted(facts, reverse=True), row["text"])
        subjects = [fact.subject for fact in facts]
        assert [one for n, one in enumerate(subjects) if n == 0 or subjects[n - 1] != one] == list(dict.fromkeys(subjects))
        assert len(re.findall(r"(?<!\\)\[s\]", row["target_collapsed"])) == len(set(subjects))


def test_the_shown_fact_rows_are_named():
    ids = {
        Triple(row["head"].replace("_", " "), row["relation"].replace("_", " "), row["tail"].replace("_", " ")): row["id"]
        for row in TRIPLES
    }
    for row, facts in zip((grown := synthie()).rows, sets_of(grown), strict=True):
        assert sorted(row["seed_ids"]) == sorted(ids[fact] for fact in facts)


def test_rejections_have_reasons_and_are_made_up_for():
    grown = synthie(lambda request: verbalise(request) if request.seed % 2 else "; ".join(facts_of(request)[0]), rows=15)
    assert len(grown.rows) == 15 and "echo" in {row["reason"] for row in grown.rejected}


def test_a_graph_that_is_used_up_says_so():
    grown = synthie(lambda request: say(facts_of(request)), TRIPLES[:2], rows=9)
    assert len(grown.rows) == 3 and any("6 rows short" in line for line in grown.outcome.warnings)


def test_both_forms_are_limited_by_the_expanded_one():
    grown = synthie(lambda request: say(facts_of(request)), longest=40, rows=12)
    assert grown.rejected and {row["reason"] for row in grown.rejected} == {"target_too_long"}
    assert all(len(re.findall(r"\w+|[^\w\s]", row["target"])) <= 40 for row in grown.rows)


def test_ids_are_said_by_their_names_and_shared_names_are_left_out():
    triples = [{"head": "q1", "relation": "/a/b/born_in", "tail": "q2"}, {"head": "q1", "relation": "/x/b/born_in", "tail": "q3"},
               {"head": "q4", "relation": "x", "tail": "q5"}, {"head": "", "relation": "x", "tail": "q5"}]  # fmt: skip
    entities = [{"id": f"q{n}", "name": name} for n, name in enumerate(["", "Ada", "Brenn", "Alme_Bridge", "Twin", "Twin"])]
    entities[1]["aliases"] = ["the clockmaker"]
    grown = synthie(
        lambda request: say(facts_of(request)).replace("Ada", "The clockmaker"), triples, entities=entities, rows=2, sizes=(1, 1)
    )
    assert {fact for one in sets_of(grown) for fact in one} == {
        Triple("Ada", "a b born in", "Brenn"), Triple("Ada", "x b born in", "Alme Bridge"),
    }  # fmt: skip
    assert sorted(row["reason"] for row in grown.rejected) == ["ambiguous_name", "empty_name"]


def test_names_in_bold_are_plain_in_the_text():
    grown = synthie(lambda request: re.sub(r"\bAda\b", "**Ada**", say(facts_of(request))))
    assert any("Ada" in row["text"] for row in grown.rows) and not any("*" in row["text"] for row in grown.rows)


def test_impossible_parameters_are_refused():
    for wrong in ({"sizes": (0, 3)}, {"sizes": (3, 2)}, {"splits": {"train": 0.0}}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            SynthIE(**wrong)
    with pytest.raises(RequestError, match="no usable fact"):
        synthie(triples=[{"head": "", "relation": "", "tail": ""}])


@pytest.mark.parametrize(("folder", "entities"), [("umls_semantic_kg", True), ("fb15k237_named", False)])
def test_on_a_published_graph(shared, folder, entities):
    home = shared / "data" / "documents_kg" / folder
    triples = [json.loads(line) for line in (home / "dev.jsonl").read_text("utf-8").splitlines()[:600]]
    names = [json.loads(line) for line in (home / "entities.jsonl").read_text("utf-8").splitlines()] if entities else None
    grown = synthie(lambda request: say(facts_of(request)), triples, entities=names, rows=40, sizes=(1, 5))
    sets = sets_of(grown)
    assert len(sets) >= 36 and all(connected(one) for one in sets)
    assert all(parse(linearise(one)) == one for one in sets)
