"""Reading the file: YAML 1.2 scalars, places, and friendly lines for what is not YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from tilth.errors import ManyErrors, RequestError
from tilth.flows.environment import expand
from tilth.flows.load import load, loads


def message(text: str) -> str:
    with pytest.raises(RequestError) as caught:
        loads(text, file="x.yaml")
    return str(caught.value)


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "y", "0x1f", "1_000", "12:30:00", "2026-11-20", "0o17"])
def test_words_of_yaml_1_1_stay_text(word: str) -> None:
    assert loads(f"a: {word}").data == {"a": word}


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("False", False), ("~", None), ("", None), ("010", 10), ("-3", -3), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0)],
)
def test_scalars(text: str, value: object) -> None:
    found = loads(f"a: {text}").data["a"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text() -> None:
    assert loads("labels: {0: bad, 1: good, true: x}").data == {"labels": {"0": "bad", "1": "good", "true": "x"}}


def test_places_of_values_keys_and_items() -> None:
    source = loads("a: 1\nb:\n  - {c: 2}\n  - d\n")
    assert source.place(("b", 0, "c")) == (3, 9)
    assert source.key(("b", 0, "c")) == (3, 6)
    assert source.place(("b", 1)) == (4, 5)
    assert source.place(("b", "gone", 0, "c")) == (3, 9)


def test_places_inside_texts() -> None:
    source = loads('a: |\n\n    one\n    two\nb: "xy"\nc: xy\nd: >\n  folded\n  text\n')
    assert source.inside(("a",), 3, 2) == (4, 6)
    assert source.inside(("b",), 1, 2) == (5, 6)
    assert source.inside(("c",), 1, 2) == (6, 5)
    assert source.inside(("d",), 1, 9) == (7, 4)


def test_anchors_and_merge_keys_work_and_keep_places() -> None:
    source = loads("x-base: &base {rows: 3, seed: 1}\ngenerate:\n  <<: *base\n  seed: 2\n")
    assert source.data == {"generate": {"rows": 3, "seed": 2}}
    assert source.place(("generate", "rows")) == (1, 22)
    assert source.place(("generate", "seed")) == (4, 9)
    assert source.extra == {"x-base": {"rows": 3, "seed": 1}}


def test_a_key_given_twice() -> None:
    assert message("tilth: 1\nname: a\nseed: 1\nname: b\n") == "x.yaml:4:1: 'name' is given twice; the first is on line 2."


def test_every_key_given_twice_is_reported() -> None:
    with pytest.raises(ManyErrors) as caught:
        loads("a: 1\na: 2\nb: {c: 1, c: 2}\n", file="x.yaml")
    assert (
        str(caught.value)
        == "x.yaml:2:1: 'a' is given twice; the first is on line 1.\nx.yaml:3:11: 'c' is given twice; the first is on line 3."
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb:\n\tc: 1\n", "x.yaml:3:1: not valid YAML: found character '\\t' that cannot start any token. Indent with spaces."),
        ("", "x.yaml: the file is empty. Start one with: tilth flow init"),
        ("# only a comment\n", "x.yaml: the file is empty. Start one with: tilth flow init"),
        ("- a\n", "x.yaml:1:1: a flow is a mapping; begin with: tilth: 1"),
        ("a: b: c\n", "x.yaml:1:5: not valid YAML: mapping values are not allowed here. Text with : # ? { or , needs quotes."),
        ("a: *gone\n", "x.yaml:1:4: not valid YAML: found undefined alias 'gone'."),
        (
            "a: !!python/name:os.system x\n",
            "x.yaml:1:4: not valid YAML: could not determine a constructor for the tag 'tag:yaml.org,2002:python/name:os.system'.",
        ),
        ("? [a, b]\n: c\n", "x.yaml:1:3: a key must be text."),
        ("a: &a [*a]\n", "x.yaml:1:4: an anchor contains itself."),
        ("a: \x07\n", "x.yaml: not valid YAML: character #x0007 is not allowed."),
    ],
)
def test_what_is_not_a_flow(text: str, line: str) -> None:
    assert message(text) == line


def test_many_anchors_of_anchors_are_refused_quickly() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert message("\n".join(rows)).endswith("more than 100000 values. Use fewer anchors.")


def test_missing_file_suggests_its_neighbour() -> None:
    Path("intents.yaml").write_text("tilth: 1")
    with pytest.raises(RequestError) as caught:
        load("intent.yaml")
    assert str(caught.value) == "no such flow: intent.yaml. Did you mean 'intents.yaml'?"


def test_a_file_that_is_not_utf8() -> None:
    Path("f.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(RequestError) as caught:
        load("f.yaml")
    assert str(caught.value) == "f.yaml: this is not UTF-8 text (byte 9). Save the file as UTF-8."


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    Path("f.yaml").write_bytes(b"\xef\xbb\xbftilth: 1")
    assert load("f.yaml").data == {"tilth": 1}


def test_variables_of_the_environment() -> None:
    assert expand("${DIR}/a-${X}.csv", {"DIR": "/d", "X": "1"}) == "/d/a-1.csv"
    assert expand("$DIR and {DIR}", {"DIR": "x"}) == "$DIR and {DIR}"
    for name in ("MY_KEY", "HF_TOKEN", "client_secret"):
        with pytest.raises(RequestError, match="keys do not belong in a flow"):
            expand(f"${{{name}}}", {name: "x"})
