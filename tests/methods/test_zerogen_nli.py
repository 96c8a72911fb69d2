"""ZeroGen for pairs: real premises, hypotheses of each relation, balanced."""

from collections import Counter

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.errors import RequestError
from tilth.methods.classification.zerogen_nli import LINKS, ZeroGenNLI

LABELS = {"entailment": "", "neutral": "", "contradiction": ""}
PREMISES = {"unlabelled": [{"text": f"Premise number {i} is here."} for i in range(5)]}


def writes(request):
    return f'a hypothesis of some words {request.seed}" and more'


def sometimes_unfinished(request):
    return "no end in sight" if request.seed % 5 == 0 else writes(request)


SCENARIO = Scenario(ZeroGenNLI(rows=18), sometimes_unfinished, task={"labels": LABELS}, data=PREMISES)
LOCAL = {"parameters": {"attempts": 2}}


def test_invariant_1_each_prompt_holds_its_premise_and_the_words_of_its_label_and_ends_open():
    grown = grow(ZeroGenNLI(rows=12), writes, task={"labels": LABELS}, data=PREMISES)
    prompts = {request.seed: asked_of(request) for request in grown.requests}
    assert Counter(row["label"] for row in grown.rows) == dict.fromkeys(LABELS, 4)
    for row in grown.rows:
        prompt = prompts[int(row["hypothesis"].split()[-1])]
        assert prompt == f'"{row["premise"]}" {LINKS[row["label"]]}: "'


def test_premises_are_the_datas_own_and_each_serves_all_labels():
    grown = grow(ZeroGenNLI(entries=1), writes, task={"labels": LABELS}, data=PREMISES)
    assert Counter(row["premise"] for row in grown.rows) == {row["text"]: 3 for row in PREMISES["unlabelled"]}
    assert all(len(row["seed_ids"]) == 1 and row["origin"] == "mixed" for row in grown.rows)


def test_a_hypothesis_that_repeats_its_premise_is_rejected():
    def copies(request):
        return "Premise number 0 is here.\nmore"

    grown = grow(ZeroGenNLI(rows=3, attempts=1), copies, task={"labels": LABELS}, data=PREMISES)
    assert not grown.rows and {row["reason"] for row in grown.rejected} == {"copied"}


def test_own_labels_need_words_between_premise_and_hypothesis():
    with pytest.raises(RequestError, match="needs words for label 'related'"):
        grow(ZeroGenNLI(rows=2), writes, task={"labels": {"related": "", "unrelated": "It is about something else"}}, data=PREMISES)
    links = {"related": "On the same subject", "unrelated": "On another subject"}
    grown = grow(ZeroGenNLI(rows=2, links=links), writes, task={"labels": dict.fromkeys(links, "")}, data=PREMISES)
    assert [link in prompt for link, prompt in zip(links.values(), grown.prompts, strict=True)] == [True, True]


def test_empty_data_is_a_wrong_request():
    with pytest.raises(RequestError, match="'unlabelled' is empty"):
        grow(ZeroGenNLI(rows=3), writes, task={"labels": LABELS}, data={"unlabelled": []})
