"""Python and YAML are one flow: whatever the grammar allows is written and read back to the same parts."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tilth.flows.flow import Flow
from tilth.flows.grammar import FlowSpec

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\x85\u2028\u2029\ufeff"), max_size=30)
PLAIN = TEXTS.filter(lambda text: "{" not in text)
WORDS = st.sampled_from(
    [
        "yes",
        "no",
        "on",
        "1",
        "1.5",
        "null",
        "~",
        "a: b",
        "#x",
        "- y",
        "'q'",
        '"',
        "2024-01-01",
        "ü",
        "true",
        "",
        " x ",
        "1E9",
        "010",
        "+1",
        ".5",
    ]
)
LINES = st.lists(PLAIN | WORDS, min_size=1, max_size=4).map("\n".join)
NUMBERS = st.floats(0.015625, 1.5, width=16).map(float)
NAMES = st.sampled_from(["one", "two", "three", "four"])


def options(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


MODELS = st.sampled_from(["local", "openai/gpt-4.1-mini", "vllm/a/b@http://h:1/v1"])
ROLE = MODELS | st.builds(
    dict, model=MODELS, temperature=NUMBERS, max_tokens=st.integers(1, 99), price=st.just({"in": 0.5, "out": 1.5}), extra=options(k=TEXTS)
)
DRAWN = st.one_of(
    st.builds(dict, values=st.lists(WORDS | st.integers() | st.booleans(), min_size=1, max_size=4, unique_by=repr), keep=st.booleans()),
    st.builds(dict, integer=st.just([1, 5])),
    st.builds(dict, number=st.just([0.5, 1.5])),
    st.builds(dict, date=st.just(["2024-01-01", "2024-12-31"])),
    st.builds(dict, words=st.integers(1, 3)),
    st.builds(lambda field: {"from": "support", "field": field}, st.just("text")),
)
ASKED = st.one_of(
    st.builds(dict, prompt=LINES, system=LINES, temperature=NUMBERS, samples=st.integers(1, 3)),
    st.builds(dict, prompt=PLAIN, shape=st.just({"type": "object", "required": ["a"]})),
    st.builds(
        dict, prompt=PLAIN, demonstrations=st.just({"from": "support", "k": 2, "select": "knn"}), parse=st.sampled_from(["text", "code"])
    ),
    st.builds(dict, judge=PLAIN.filter(bool) | st.dictionaries(NAMES, PLAIN, min_size=1), swap=st.booleans(), scale=st.just([0, 3])),
    st.builds(dict, compute=st.just("row + 1"), when=st.just("row > 1")),
)
COLUMNS = st.builds(lambda drawn, asked: {"text": {"prompt": "Hi"}, **drawn, **{f"a_{k}": v for k, v in asked.items()}},
                    st.dictionaries(NAMES, DRAWN, max_size=3), st.dictionaries(NAMES, ASKED, max_size=3))  # fmt: skip
STAGE = st.builds(lambda rows, columns: {"rows": rows, "columns": columns}, st.integers(1, 10**6), COLUMNS)
SECOND = st.builds(lambda columns: {"id": "second", "columns": {f"b_{k}": v for k, v in columns.items()}}, COLUMNS)
GENERATE = STAGE | st.builds(lambda first, second: [{"id": "first", **first}, second], STAGE, SECOND)
FLOWS = st.builds(
    lambda must, may: {**must, **may},
    st.fixed_dictionaries(
        {
            "tilth": st.just(1),
            "task": options(
                about=LINES,
                language=st.sampled_from(["en", "de"]),
                labels=st.dictionaries(WORDS, PLAIN, max_size=3) | st.lists(WORDS, unique=True),
            ),
            "data": st.just({"support": "s.csv", "real": {"read": "s.csv", "columns": {"label": "intent"}, "split": {"by": "paragraph"}}}),
            "generate": GENERATE,
        }
    ),
    options(
        name=st.just("a-b"),
        describe=LINES,
        seed=st.integers(0, 2**40),
        licence=WORDS,
        budget=options(usd=st.integers(1, 5) | NUMBERS, calls=st.integers(1, 10**9)),
        models=st.dictionaries(st.sampled_from(["generator", "judge"]), ROLE | st.lists(ROLE, min_size=1, max_size=2), max_size=2),
        curate=st.lists(
            st.sampled_from(["refusals", {"dedupe": "exact"}, {"length": {"words": [1, 9]}}, {"drop_if": "text == ''"}]), max_size=3
        ),
        evaluate=st.just({"metrics": ["near_duplicates", {"vendi": {}}], "gates": {"vendi": {"at_least": 2, "level": "should"}}}),
        review=options(audit=st.integers(0, 9) | NUMBERS, blind=st.sampled_from(["audit", "always"])),
        export=st.lists(st.sampled_from([{"to": "csv"}, {"to": "jsonl", "split": {"a": 0.5, "b": 0.5}}]), max_size=2),
    ),
)


@pytest.fixture(autouse=True)
def support() -> None:
    Path("s.csv").write_text("text,intent\nA,x\n")


@settings(
    max_examples=80,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(FLOWS)
def test_yaml_and_python_are_the_same_flow(parts: dict[str, Any]) -> None:
    flow = Flow(**{key: value for key, value in copy.deepcopy(parts).items() if key != "tilth"})
    text = flow.to_yaml()
    again = Flow.from_text(text)
    assert again.spec == flow.spec == FlowSpec.model_validate(parts)
    assert again.to_yaml() == text
    assert [str(one).partition(": ")[2] for one in again.waiting] == [str(one).partition(": ")[2] for one in flow.waiting]
    whole = flow.to_yaml(resolved=True)
    assert Flow.from_text(whole).to_yaml(resolved=True) == whole
