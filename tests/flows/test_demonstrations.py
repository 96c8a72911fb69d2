"""Demonstrations that depend on the row: the most alike, and those that are unlike each other."""

from __future__ import annotations

import json
import random
from pathlib import Path

from flows.support import go, model, said
from tilth.flows.grammar import DemonstrationSpec
from tilth.flows.showable import Demonstrations
from tilth.records.record import Record

TEXTS = ["the cat sat on the mat", "a cat on a mat", "shares fell sharply today", "shares rose today", "rain in the north tomorrow"]
POOL = [Record({"text": text, "label": text.split()[0]}) for text in TEXTS]


def chosen(select: str, k: int, text: str = "", seed: int = 0) -> list[str]:
    spec = DemonstrationSpec.model_validate({"from": "support", "k": k, "select": select})
    return [record["text"] for record in Demonstrations(spec, POOL).choose({"text": text, "row": 1}, random.Random(seed))]


def test_knn_shows_the_most_alike_and_the_nearest_last() -> None:
    assert chosen("knn", 2, "the cat sat on my mat") == ["a cat on a mat", "the cat sat on the mat"]
    assert set(chosen("knn", 2, "shares were flat today")) == {"shares fell sharply today", "shares rose today"}


def test_knn_never_shows_the_row_itself() -> None:
    spec = DemonstrationSpec.model_validate({"from": "support", "k": 1, "select": "knn"})
    shown = Demonstrations(spec, POOL).choose({**POOL[0].columns, "row": 1}, random.Random(0))
    assert [record["text"] for record in shown] == ["a cat on a mat"]


def test_diverse_takes_one_of_each_kind_and_begins_anywhere() -> None:
    found = {tuple(chosen("diverse", 3, seed=seed)) for seed in range(8)}
    assert len(found) > 1
    for three in found:
        topics = {"cat" if "cat" in text else "shares" if "shares" in text else "rain" for text in three}
        assert topics == {"cat", "shares", "rain"}


def test_fewer_than_asked_are_all_shown() -> None:
    assert sorted(chosen("diverse", 9)) == sorted(TEXTS) and sorted(chosen("knn", 9, "cat")) == sorted(TEXTS)


def test_a_flow_shows_each_row_its_neighbours() -> None:
    Path("s.jsonl").write_text("".join(json.dumps(record.columns) + "\n" for record in POOL))
    Path("q.jsonl").write_text('{"text": "the cat sat on my mat"}\n{"text": "shares were flat today"}\n')
    flow = """\
tilth: 1
task: {}
data: {support: s.jsonl, questions: q.jsonl}
generate:
  from: questions
  columns:
    topic:
      prompt: "{% for one in demonstrations %}{{ one.text }} = {{ one.label }}; {% endfor %}{{ text }} ="
      demonstrations: {from: support, k: 1, select: knn}
"""
    _, records = go(flow, model(said))
    assert records[0]["topic"].startswith("the cat sat on the mat = the;")
    assert records[1]["topic"].startswith("shares")
    assert len(records[0].meta["seed_ids"]) == 2
