"""Every mistake in a flow is one line: file, line, column, what is wrong, what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tilth.errors import ManyErrors, RequestError
from tilth.flows.flow import Flow
from tilth.flows.launch import run

GOOD = """\
tilth: 1
task:
  kind: classification
  labels: {good: likes it, bad: does not}
data:
  support: support.csv
generate:
  rows: 10
  columns:
    label: {values: labels}
    tone: {values: [calm, angry]}
    text:
      prompt: |
        Write a {{ tone }} text.
        Its label is {{ label }}.
    fit:
      judge: Does it fit {{ label }}?
"""

METHOD = """\
tilth: 1
task: {labels: [a, b]}
generate:
  method: attrprompt
  rows: 10
  with: {length: [15, 40]}
"""


@pytest.fixture(autouse=True)
def support() -> None:
    Path("support.csv").write_text("text,label\nfine,good\n")


def broken(text: str) -> str:
    """The message of a flow that must not pass."""
    Path("f.yaml").write_text(text)
    with pytest.raises(RequestError) as caught:
        Flow.from_yaml("f.yaml")
    return str(caught.value)


def test_the_flow_that_the_others_break_is_right() -> None:
    Path("f.yaml").write_text(GOOD)
    assert Flow.from_yaml("f.yaml", check=True).stage.rows == 10
    Path("m.yaml").write_text(METHOD)
    assert Flow.from_yaml("m.yaml").method().rows == 10


VARIANTS = {
    "top-level key": (
        ("generate:", "generatr:"),
        "f.yaml:7:1: 'generatr' is not a key here. Did you mean 'generate'?",
    ),
    "key that is no other": (
        ("tilth: 1", "tilth: 1\nzzz: 3"),
        "f.yaml:2:1: 'zzz' is not a key here. Known: tilth, name, describe, seed, licence, budget, models, task, ...",
    ),
    "task key": (("  kind:", "  knd:"), "f.yaml:3:3: 'knd' is not a key here. Did you mean 'kind'?"),
    "column key": (("      prompt: |", "      promt: |"), "f.yaml:13:7: 'promt' is not a key here. Did you mean 'prompt'?"),
    "key in a one-line mapping": (
        ("{values: [calm, angry]}", "{values: [calm, angry], wieghts: [1, 2]}"),
        "f.yaml:11:35: 'wieghts' is not a key here. Did you mean 'weights'?",
    ),
    "model key": (
        ("data:", "models: {generator: {model: local, temprature: 1}}\ndata:"),
        "f.yaml:5:36: 'temprature' is not a key here. Did you mean 'temperature'?",
    ),
    "misspelt required key": (
        ("data:", "models: {generator: {modl: local}}\ndata:"),
        "f.yaml:5:22: 'modl' is not a key here. Did you mean 'model'?",
    ),
    "missing required key": (
        ("data:", "models: {generator: {temperature: 1}}\ndata:"),
        "f.yaml:5:10: 'generator' needs 'model'.",
    ),
    "no grammar version": (("tilth: 1\n", ""), "f.yaml:1:1: 'tilth' is missing. Write as the first key: tilth: 1"),
    "no task": (
        ("task:\n  kind: classification\n  labels: {good: likes it, bad: does not}\n", ""),
        "f.yaml:1:1: 'task' is missing.\nf.yaml:7:21: 'labels' are the labels of the task, and task.labels is empty.",
    ),
    "whole number": (("rows: 10", "rows: 1k"), "f.yaml:8:9: 'rows' must be a whole number, not \"1k\"."),
    "true is no number": (("rows: 10", "rows: true"), "f.yaml:8:9: 'rows' must be a whole number, not true."),
    "too small": (("rows: 10", "rows: 0"), "f.yaml:8:9: 'rows' must be at least 1, not 0."),
    "text": (("  kind: classification", "  about: 3\n  kind: classification"), "f.yaml:3:10: 'about' must be text, not 3."),
    "mapping": (("  support: support.csv", "  support: 7"), "f.yaml:6:12: 'support' must be a mapping, not 7."),
    "one of two types": (
        ("{values: [calm, angry]}", "{values: calm}"),
        "f.yaml:11:20: 'values' must be a list or 'labels', not \"calm\".",
    ),
    "one of two other types": (
        ("      judge: Does it fit {{ label }}?", "      judge: 3"),
        "f.yaml:17:14: 'judge' must be text or a mapping, not 3.",
    ),
    "item of a list": (
        ("{values: [calm, angry]}", "{values: [calm, angry], weights: [1, x]}"),
        "f.yaml:11:48: an item of 'weights' must be a number, not \"x\".",
    ),
    "word of a list": (
        ("kind: classification", "kind: coding"),
        "f.yaml:3:9: 'kind' cannot be \"coding\". It is one of 'classification', 'instruction', 'dialogue', 'preference', 'code', "
        "'math', 'qa', 'extraction', 'nli', 'tabular', 'text'.",
    ),
    "budget": (("data:", "budget: {usd: -1}\ndata:"), "f.yaml:5:15: 'usd' must be more than 0, not -1."),
    "pair": (("{values: [calm, angry]}", "{integer: [1]}"), "f.yaml:11:21: 'integer' must have at least 2 items, not 1."),
    "template name": (
        ("{{ tone }}", "{{ tune }}"),
        "f.yaml:14:20: 'text' asks for '{{ tune }}', which is no column, input or builtin. Did you mean 'tone'?",
    ),
    "template name on a later line": (
        ("{{ label }}.", "{{ lable }}."),
        "f.yaml:15:25: 'text' asks for '{{ lable }}', which is no column, input or builtin. Did you mean 'label'?",
    ),
    "template name in a one-line text": (
        ("judge: Does it fit {{ label }}?", "judge: Does it fit {{ lable }}?"),
        "f.yaml:17:29: 'fit' asks for '{{ lable }}', which is no column, input or builtin. Did you mean 'label'?",
    ),
    "template name in quotes": (
        ("judge: Does it fit {{ label }}?", 'judge: "Does it fit {{ lable }}?"'),
        "f.yaml:17:30: 'fit' asks for '{{ lable }}', which is no column, input or builtin. Did you mean 'label'?",
    ),
    "template syntax": (("Write a {{ tone }} text.", "Write a {{ tone } text."), "f.yaml:14:17: template of 'text': unexpected '}'."),
    "expression": (
        ("{values: [calm, angry]}", "{compute: text | }"),
        "f.yaml:11:21: expression of 'tone': expected token 'name', got ')'.",
    ),
    "name in an expression": (
        ("      judge:", "      when: txt\n      judge:"),
        "f.yaml:17:13: 'fit' asks for 'txt', which is no column, input or builtin. Did you mean 'text'?",
    ),
    "circle": (
        ("{values: [calm, angry]}", "{compute: text}"),
        "f.yaml:11:5: columns need each other in a circle: tone -> text -> tone.",
    ),
    "weights": (
        ("{values: [calm, angry]}", "{values: [calm, angry], weights: [3]}"),
        "f.yaml:11:44: 'tone' has 2 values but 1 weight.",
    ),
    "two kinds": (
        ("      judge:", "      compute: text\n      judge:"),
        "f.yaml:16:5: a column is one thing; this one is judge and compute. Split it in two columns.",
    ),
    "no kind": (
        ("{values: [calm, angry]}", "{keep: false}"),
        "f.yaml:11:5: a column needs one of: "
        "values, integer, number, date, words, tree, graph, from, prompt, judge, verify, compute, python.",
    ),
    "option of another kind": (
        ("{values: [calm, angry]}", "{values: [calm, angry], field: x}"),
        "f.yaml:11:35: 'field' belongs to from, not to values.",
    ),
    "data file": (
        ("support.csv", "suport.csv"),
        "f.yaml:6:12: no file matches 'suport.csv' (looked in .). Did you mean 'support.csv'?",
    ),
    "name of data": (
        ("{values: [calm, angry]}", "{from: suport}"),
        "f.yaml:11:18: 'from' is 'suport', which 'data' does not define. Did you mean 'support'?",
    ),
    "holdout": (
        ("{values: [calm, angry]}", "{from: holdout}"),
        "f.yaml:11:18: generation never sees 'holdout'. Name other data, such as support.",
    ),
    "role": (
        ("      judge:", "      role: jugde\n      judge:"),
        "f.yaml:17:13: 'fit' asks the role 'jugde', which 'models' does not set. Did you mean 'judge'?",
    ),
    "shape": (
        ("      prompt: |", "      shape: {type: objct}\n      prompt: |"),
        "f.yaml:13:21: 'shape' is no JSON Schema: 'objct' is not valid under any of the given schemas.",
    ),
    "name of a column": (
        ("    tone:", "    origin:"),
        "f.yaml:11:5: 'origin' cannot be the name of a column: use letters, digits and '_', and no name that tilth uses itself.\n"
        "f.yaml:14:20: 'text' asks for '{{ tone }}', which is no column, input or builtin. "
        "Known: label, origin, fit, labels, row, task.",
    ),
    "rows": (("  rows: 10\n", ""), "f.yaml:8:3: 'rows' is missing: say how many records you want."),
    "key in a flow": (
        ("support.csv", "${OPENAI_API_KEY}.csv"),
        "f.yaml:6:12: keys do not belong in a flow; tilth reads OPENAI_API_KEY by itself.",
    ),
    "variable": (
        ("support.csv", "${NOWHERE}/x.csv"),
        "f.yaml:6:12: the environment variable 'NOWHERE' is not set. Set it, or write the value.",
    ),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_line_of(name: str) -> None:
    (old, new), message = VARIANTS[name]
    assert old in GOOD
    assert broken(GOOD.replace(old, new, 1)) == message


METHOD_VARIANTS = {
    "method name": (
        ("attrprompt", "atrprompt"),
        "f.yaml:4:11: no method is called 'atrprompt'. Did you mean 'attrprompt'? See: tilth methods",
    ),
    "parameter name": (
        ("length: [15, 40]", "lenght: [15, 40]"),
        "f.yaml:6:10: 'lenght' is no parameter of attrprompt. Did you mean 'length'?",
    ),
    "parameter type": (("length: [15, 40]", "temperature: hot"), "f.yaml:6:23: 'temperature' must be a number, not \"hot\"."),
    "rows among parameters": (
        ("length: [15, 40]", "rows: 3"),
        "f.yaml:6:10: 'rows' stands beside 'method', not under 'with'.",
    ),
    "both": (
        ("  rows: 10", "  rows: 10\n  columns: {a: {words: 3}}"),
        "f.yaml:6:3: a stage is a method or columns; this one is both. Split it in two stages.",
    ),
    "neither": (("  method: attrprompt\n", ""), "f.yaml:4:3: a stage needs 'method' or 'columns'."),
    "input": (
        ("attrprompt\n  rows: 10\n  with: {length: [15, 40]}", "zerogen_qa\n  rows: 10"),
        "f.yaml:4:11: zerogen_qa reads 'passages' (with text), which 'data' does not define. Add it: data: {passages: FILE}",
    ),
}


@pytest.mark.parametrize("name", METHOD_VARIANTS)
def test_line_of_a_method_flow(name: str) -> None:
    (old, new), message = METHOD_VARIANTS[name]
    assert old in METHOD
    assert broken(METHOD.replace(old, new, 1)) == message


def test_a_newer_grammar_names_the_upgrade() -> None:
    from tilth import __version__

    short = ".".join(__version__.split(".")[:2])
    line = f"f.yaml:1:8: this flow needs tilth grammar 2; this is tilth {short} (grammar 1). Upgrade with: pip install -U tilth"
    assert broken(GOOD.replace("tilth: 1", "tilth: 2")) == line


def test_all_mistakes_of_a_file_come_at_once_in_the_order_of_lines() -> None:
    text = (
        GOOD.replace("rows: 10", "rows: 1k").replace("{{ tone }}", "{{ tune }}").replace("kind:", "knd:").replace("support.csv", "no.csv")
    )
    lines = broken(text).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["f.yaml:3:3", "f.yaml:6:12", "f.yaml:8:9", "f.yaml:14:20"]


def test_a_misspelt_section_is_read_as_the_one_that_was_meant() -> None:
    lines = broken(GOOD.replace("generate:", "generatr:").replace("{{ tone }}", "{{ tune }}")).splitlines()
    assert lines == [
        "f.yaml:7:1: 'generatr' is not a key here. Did you mean 'generate'?",
        "f.yaml:14:20: 'text' asks for '{{ tune }}', which is no column, input or builtin. Did you mean 'tone'?",
    ]


def test_at_most_twenty_mistakes_are_listed_and_the_rest_is_counted() -> None:
    columns = "\n".join(f"    c{n}: {{compute: nothing{n}}}" for n in range(23))
    text = "tilth: 1\ntask: {}\ngenerate:\n  rows: 1\n  columns:\n" + columns
    Path("f.yaml").write_text(text)
    with pytest.raises(ManyErrors) as caught:
        Flow.from_yaml("f.yaml")
    assert len(caught.value.errors) == 21
    assert str(caught.value.errors[-1]) == "f.yaml: and 3 more mistakes."


def test_errors_carry_place_and_code_for_programs() -> None:
    Path("f.yaml").write_text(GOOD.replace("  kind:", "  knd:"))
    with pytest.raises(RequestError) as caught:
        Flow.from_yaml("f.yaml")
    error = caught.value
    assert (error.code, error.file, error.line, error.column) == ("flow.unknown_key", "f.yaml", 3, 3)


def test_a_flow_in_python_is_checked_too() -> None:
    with pytest.raises(RequestError) as caught:
        Flow(task={"labels": ["a"]}, generate={"rows": "x", "columns": {"text": {"prompt": "hi"}}}).validate()
    assert str(caught.value) == "flow: 'rows' must be a whole number, not \"x\"."


def test_paths_are_relative_to_the_flow() -> None:
    Path("sub").mkdir()
    Path("sub/f.yaml").write_text(GOOD)
    with pytest.raises(RequestError) as caught:
        Flow.from_yaml("sub/f.yaml")
    assert str(caught.value) == "sub/f.yaml:6:12: no file matches 'support.csv' (looked in sub)."


WAITING = {
    "review": (("data:", "review: {}\ndata:"), "f.yaml:5:1: 'review'"),
    "column": (("{values: [calm, angry]}", "{graph: facts.jsonl}"), "f.yaml:11:12: 'graph'"),
    "step": (("data:", "curate: [pii: {action: mask}]\ndata:"), "f.yaml:5:10: 'pii'"),
    "step without settings": (("data:", "curate: [refusals, toxicity]\ndata:"), "f.yaml:5:20: 'toxicity'"),
    "metric": (("data:", "evaluate: {metrics: [vendi, faithfulness]}\ndata:"), "f.yaml:5:29: 'faithfulness'"),
    "benchmark": (("data:", "evaluate: {benchmarks: [humaneval]}\ndata:"), "f.yaml:5:25: 'benchmarks: humaneval'"),
    "selection": (
        ("      prompt: |", "      demonstrations: {from: support, select: informative}\n      prompt: |"),
        "f.yaml:13:47: 'select: informative'",
    ),
}


@pytest.mark.parametrize("name", WAITING)
def test_what_this_version_does_not_have_is_named_and_no_mistake(name: str) -> None:
    (old, new), place = WAITING[name]
    assert old in GOOD
    Path("f.yaml").write_text(GOOD.replace(old, new, 1))
    flow = Flow.from_yaml("f.yaml")
    assert [str(one) for one in flow.waiting] == [f"{place} is not in this version yet; the flow validates but cannot run."]
    with pytest.raises(RequestError) as caught:
        run(flow, models={"generator": "local"})
    assert (str(caught.value), caught.value.exit) == (str(flow.waiting[0]), 2)
    assert not Path("runs").exists()


def test_a_method_that_is_planned_is_named() -> None:
    Path("f.yaml").write_text("tilth: 1\ntask: {}\ngenerate: {method: o1_journey_distillation, rows: 3}\n")
    assert [(str(one)) for one in Flow.from_yaml("f.yaml").waiting] == [
        "f.yaml:3:20: 'method: o1_journey_distillation' is not in this version yet; the flow validates but cannot run."
    ]
