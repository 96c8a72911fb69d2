"""The `curate` part of a flow: what is said about mistakes, and that its steps run after generation."""

from __future__ import annotations

from pathlib import Path

import pytest

import tilth
from tilth.errors import TilthError
from tilth.flows.flow import Flow
from tilth.models.scripted import ScriptedModel
from tilth.records.parts import read_parts

FLOW = """tilth: 1
task: {about: Films.}
generate:
  rows: 4
  columns:
    text: {prompt: Write a text about films.}
curate:
"""


def said(steps: str) -> str:
    with pytest.raises(TilthError) as caught:
        Flow.from_text(FLOW + steps, name="f.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        ("  - dedup", "f.yaml:8:5: no curation step is called 'dedup'. Did you mean 'dedupe'?"),
        ("  - length: {wrds: [1, 2]}", "f.yaml:8:14: step 'length': 'wrds' is no setting. Did you mean 'words'?"),
        ("  - length: {words: [9, 2]}", "f.yaml:8:21: step 'length': words: goes from the least to the most, not [9, 2]."),
        ("  - refusals: 3", "f.yaml:8:5: step 'refusals' takes no plain value. Write: refusals: {setting: value}"),
        ("  - decontaminate", "f.yaml:8:5: step 'decontaminate' reads 'holdout', which 'data' does not define."),
        ("  - {length: 3, refusals: 1}", "f.yaml:8:5: a step is NAME, NAME: VALUE, or NAME: {setting: value}, one in each list item."),
        ("  - drop_if: 'x >'", "f.yaml:8:14: step 'drop_if': condition: 'x >' is no expression: "),
    ],
)
def test_a_mistake_is_said_at_its_place(steps: str, line: str) -> None:
    assert said(steps).startswith(line)


def test_the_steps_run_after_generation(tmp_path: Path) -> None:
    texts = iter(["a film of some length", "short", "another film of length", "short"])
    flow = Flow.from_text(FLOW + "  - refusals\n  - length: [3, 100]\n  - drop_if: \"'another' in text\"", name="f.yaml")
    model = ScriptedModel(lambda request: next(texts))
    outcome = tilth.run(flow, models={"generator": model}, runs=tmp_path, concurrency=1)
    assert [row["text"] for row in read_parts(outcome.path / "data", "part")] == ["a film of some length"]
    assert outcome.kept == 1
    again = tilth.run(flow, models={"generator": ScriptedModel(lambda request: "never asked")}, runs=tmp_path)
    assert again.kept == 1 and again.calls == 0


def test_a_resolved_flow_with_steps_reads_back(tmp_path: Path) -> None:
    flow = Flow.from_text(FLOW + "  - refusals\n  - dedupe: {near: 0.9}", name="f.yaml")
    assert Flow.from_text(flow.to_yaml(), name="f.yaml").spec.curate == flow.spec.curate
