"""The data of `tilth demo`: reviews of our own, and lists that the method accepts."""

import csv
from collections import Counter
from importlib.resources import files

import pytest
import yaml

from methods.growing import grow
from tilth.methods.classification.attrprompt import AttrPrompt

DEMO = files("tilth") / "assets" / "demo"


@pytest.fixture
def flow():
    return yaml.safe_load((DEMO / "classification.yaml").read_text(encoding="utf-8"))


def test_reviews_are_sixteen_different_texts_eight_of_each_label(flow):
    rows = list(csv.DictReader((DEMO / "reviews16.csv").read_text(encoding="utf-8").splitlines()))
    assert Counter(row["label"] for row in rows) == dict.fromkeys(flow["task"]["labels"], 8)
    assert len({row["text"] for row in rows}) == 16 and all(8 <= len(row["text"].split()) <= 40 for row in rows)


def test_its_lists_have_the_sizes_that_were_measured_and_no_word_for_both_labels(flow):
    given = flow["generate"]["with"]
    assert {name: len(values) for name, values in given["attributes"].items()} == {"genre": 12, "aspect": 10, "style": 5}
    positive, negative = (given["label_attributes"]["judgement"][label] for label in ("positive", "negative"))
    assert len(positive) == len(negative) == 12 and not set(positive) & set(negative)


def test_every_text_opens_with_the_judgement_of_its_label(flow):
    method = AttrPrompt(rows=40, **flow["generate"]["with"])
    grown = grow(method, lambda request: f", and so is number {request.seed}. It", task=flow["task"])
    assert len(grown.rows) == 40
    words = flow["generate"]["with"]["label_attributes"]["judgement"]
    for row in grown.rows:
        opening = row["text"].split(", and so is")[0]
        assert any(word in opening for word in words[row["label"]])
    assert len({row["text"].split(", and so is")[0] for row in grown.rows}) > 30


def test_its_own_prompt_replaces_the_numbered_list(flow):
    method = AttrPrompt(rows=4, **flow["generate"]["with"])
    grown = grow(method, lambda request: f", and so is number {request.seed}.", task=flow["task"])
    for prompt in grown.prompts:
        assert "Requirements:" not in prompt
        assert "The critic loved it" in prompt or "The critic hated it" in prompt
