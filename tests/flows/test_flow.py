"""A flow as an object: it round-trips, resolves, and says what every key means."""

from __future__ import annotations

from pathlib import Path

import pytest

from tilth.flows.flow import Flow

FULL = """\
tilth: 1
name: full
describe: Every key that this version builds.
seed: 3
licence: CC-BY-4.0
budget: {usd: 3, calls: 10, tokens: 1000, hours: 0.5}
models:
  generator: {model: openai/m, temperature: 0.5, price: {in: 0.4, out: 1.6}, extra: {a: 1}}
  judge: local
  pool: [local, openai/m]
task:
  kind: classification
  about: "a: b"
  labels: {"yes": "", "no": not so, "1": one}
  language: de
data:
  support: {read: s.csv, columns: {label: intent}, sample: 2}
generate:
  rows: 4
  columns:
    label: {values: labels}
    n: {integer: [1, 3], keep: false}
    seen: {from: support, field: text, keep: false}
    text:
      system: Be brief.
      prompt: |
        Write {{ label }}
          {{ seen }} {{ n }}
      demonstrations: {from: support, k: 2, select: fixed}
      samples: 2
      each: true
    items: {prompt: go, shape: {type: array, items: {type: string}}, when: n > 1}
    fit: {judge: {a: b}, scale: [0, 3], role: judge, keep: true}
"""


@pytest.fixture(autouse=True)
def support() -> None:
    Path("s.csv").write_text("text,intent\nA,yes\nB,no\n")


def test_yaml_round_trips() -> None:
    flow = Flow.from_text(FULL)
    again = Flow.from_text(flow.to_yaml())
    assert again.spec == flow.spec
    assert again.to_yaml() == flow.to_yaml()


def test_resolved_yaml_round_trips_and_means_the_same() -> None:
    flow = Flow.from_text(FULL)
    again = Flow.from_text(flow.to_yaml(resolved=True))
    assert again.resolve() == flow.resolve()
    assert again.spec.task == flow.spec.task


def test_python_and_yaml_are_the_same_flow() -> None:
    source = Flow.from_text(FULL).source.data
    assert Flow(**source).spec == Flow.from_text(FULL).spec


def test_short_forms_stay_short() -> None:
    text = (
        "tilth: 1\nmodels:\n  generator: local\ntask:\n  labels:\n  - a\n  - b\ngenerate:\n  rows: 1\n  columns:\n    x:\n      words: 2\n"
    )
    assert Flow.from_text(text).to_yaml() == text


def test_resolving_shows_the_parameters_of_a_method() -> None:
    flow = Flow(task={"labels": ["a", "b"]}, generate={"method": "attrprompt", "rows": 5})
    assert flow.resolve()["generate"][0]["with"]["temperature"] == flow.method().temperature  # type: ignore[attr-defined]
    assert Flow.from_text(flow.to_yaml(resolved=True)).method() == flow.method()


def test_files_are_read_only_when_asked_for() -> None:
    Path("s.csv").write_text("text,other\nA,yes\n")
    flow = Flow.from_text(FULL)
    with pytest.raises(Exception, match="has no column 'intent'"):
        flow.validate(files=True)


def test_a_codebook_reaches_the_task() -> None:
    Path("book.md").write_text("Rules.")
    flow = Flow(task={"codebook": "book.md"}, generate={"rows": 1, "columns": {"x": {"words": 1}}})
    assert flow.task().codebook == "Rules."


def test_x_keys_are_left_out() -> None:
    assert "x-note" not in Flow.from_text("x-note: 1\n" + FULL).to_yaml()


ROOT = Path(__file__).parents[2]
EXAMPLES = sorted([*(ROOT / "examples").glob("*.yaml"), *(ROOT / "examples" / "flows").glob("*.yaml")])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_flows_are_right(path: Path) -> None:
    flow = Flow.from_yaml(path).validate(files=True)
    assert flow.spec.describe or flow.spec.task.about


def test_there_are_example_flows() -> None:
    assert len(EXAMPLES) >= 2
