"""`export`, `evaluate.gates` and `review`: checked with the flow, and handed on with what was asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.support import go, model
from tilth.errors import RequestError
from tilth.flows.afterwards import NEEDED, Format
from tilth.flows.flow import Flow

FLOW = """\
tilth: 1
task: {kind: classification, labels: [a, b]}
data: {support: s.csv, test: s.csv}
generate:
  rows: 4
  columns:
    label: {values: labels}
    text: {prompt: 'Write {{ label }}.'}
    fits: {judge: 'Does it fit?'}
"""


@pytest.fixture(autouse=True)
def support() -> None:
    Path("s.csv").write_text("text,label\nfine,a\nbad,b\n")


def broken(more: str) -> str:
    with pytest.raises(RequestError) as caught:
        Flow.from_text(FLOW + more, name="f.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("export: [{to: dpo}]", "f.yaml:10:15: format 'dpo' needs the columns 'chosen, rejected'; this flow makes label and text."),
        ("export: [{to: csv, split: {train: 0.9}}]", "f.yaml:10:27: the shares of a split must be above 0 and add up to 1, not to 0.9."),
        ("export: [{to: csv, drop: [fits]}]", "f.yaml:10:27: there is no column 'fits' to drop. Known: label, text, meta."),
        ("export: {to: csv}", "f.yaml:10:9: 'export' must be a list, not a mapping."),
        (
            "evaluate: {gates: {vendi: {at_least: 3}}, metrics: [c2st]}",
            "f.yaml:10:20: gate 'vendi' has no metric: add it under evaluate.metrics.",
        ),
        (
            "evaluate: {gates: {near_duplicates: {at_least: 0.3, at_most: 0.1}}}",
            "f.yaml:10:48: 'at_least' (0.3) is more than 'at_most' (0.1): no value can hold.",
        ),
        ("evaluate: {gates: {utility: {at_least: 0.3}}}", "f.yaml:10:20: gate 'utility' has no metric: add it under evaluate.metrics."),
        (
            "evaluate: {utility: {student: tfidf_lr}}",
            "f.yaml:10:12: 'utility' tests students on real data, and 'data' has no 'holdout'. Add it: data: "
            "{holdout: FILE}, or name it: test: NAME",
        ),
        (
            "evaluate: {metrics: [dcr]}",
            "f.yaml:10:22: metric 'dcr' needs a holdout set; without one a privacy number means nothing. Add "
            "--holdout FILE or drop the metric.",
        ),
        ("evaluate: {metrics: [{vendi: {kk: 3}}]}", "f.yaml:10:31: 'kk' is no setting of vendi. Known: most."),
        ("review: {audit: 10, order: {riskk: 1}}", "f.yaml:10:29: 'riskk' is not a key here. Did you mean 'risk'?"),
        ("curate: [{balance: {by: labl}}]", "f.yaml:10:25: step 'balance': the records have no column 'labl'. Did you mean 'label'?"),
        (
            "curate: [{drop_if: fit < 3}]",
            "f.yaml:10:20: 'drop_if' asks for 'fit', which is no column, input or builtin. Did you mean 'fits'?",
        ),
    ],
)
def test_mistakes_have_their_place(more: str, line: str) -> None:
    assert broken(more) == line


def test_what_the_result_is_tested_on_is_kept_from_generation() -> None:
    shown = FLOW.replace("prompt: 'Write {{ label }}.'", "prompt: 'Write {{ label }}.', demonstrations: {from: test}")
    assert Flow.from_text(shown)
    with pytest.raises(RequestError) as caught:
        Flow.from_text(shown + "evaluate: {against: {holdout: test}}", name="f.yaml")
    said = "f.yaml:8:65: generation never sees 'test': it is what the result is tested on. Name other data, such as support."
    assert str(caught.value) == said
    with pytest.raises(RequestError) as caught:  # by the name of its set, too
        Flow.from_text(shown + "evaluate: {against: {real: test}, utility: {test: real}}", name="f.yaml")
    assert str(caught.value) == said


def test_a_step_may_compare_with_the_holdout_only_to_decontaminate() -> None:
    more = "evaluate: {against: {holdout: test}}\ncurate: [decontaminate: {against: test}]"
    assert Flow.from_text(FLOW + more).waiting == ()


def test_gates_names_of_families_and_of_single_figures() -> None:
    metrics = "[distinct_n, contamination, near_duplicates]"
    gates = "{distinct_2: {at_least: 0.4}, contamination: {at_most: 0, on: point}, near_duplicates: {at_most: 0.05, level: should}}"
    flow = Flow.from_text(FLOW + f"evaluate: {{metrics: {metrics}, gates: {gates}}}")
    assert flow.spec.evaluate is not None and list(flow.spec.evaluate.gates) == ["distinct_2", "contamination", "near_duplicates"]


def test_gates_and_exports_are_part_of_what_was_asked() -> None:
    more = (
        "evaluate: {metrics: [near_duplicates], gates: {near_duplicates: {at_most: 0.05}}}\n"
        "export: [{to: jsonl, split: {train: 0.5, test: 0.5}}]\n"
    )
    outcome, _ = go(FLOW + more, model(lambda request: "Score: 4" if "fit?" in str(request.messages) else f"text {request.seed}"))
    asked = outcome.folder.read_state()["asked"]
    assert asked["export"] == [{"to": "jsonl", "split": {"train": 0.5, "test": 0.5}, "drop": [], "private": False}]
    assert asked["evaluate"]["gates"] == {"near_duplicates": {"at_most": 0.05, "level": "must", "on": "interval"}}
    assert Flow.from_yaml(outcome.folder.flow).spec.export[0].split == {"train": 0.5, "test": 0.5}


def test_formats_and_what_they_need_are_those_that_exports_have() -> None:
    from typing import get_args

    from tilth.report.export.formats import find

    for name in get_args(Format):
        form = find(name)
        needed = {frozenset(group) - {"input", "rationale"} for group in form.needs}
        assert needed == {frozenset(group) for group in NEEDED.get(name, ())}, name
