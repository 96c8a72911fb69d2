"""Keys of stored calls are made here, so the bytes are pinned: a change would make users pay again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.records.ids import Occurrences, canonical, content_id, digest, hex_digest, json_text, json_value
from tilth.records.record import Record

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20)
KEYS = st.lists(st.text(max_size=3) | st.integers() | st.binary(max_size=3), max_size=4)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((), "cae66941d9efbd404e4d88758ea67670"),
        (("tilth/1", 7), "f00d5e6f49da3b8df4d9509dfd5d59a7"),
        ((b"\x00", "é", -1), "702d9ee49d62e2e327c7230e47817cae"),
    ],
)
def test_digest_is_pinned(parts: tuple[bytes | str | int, ...], expected: str) -> None:
    assert digest(*parts).hex() == hex_digest(*parts) == expected


@given(KEYS, KEYS)
def test_different_parts_give_different_digests(one: list[bytes | str | int], other: list[bytes | str | int]) -> None:
    same = [(type(part), part) for part in one] == [(type(part), part) for part in other]
    assert (digest(*one) == digest(*other)) == same


def test_a_part_must_be_bytes_text_or_a_whole_number() -> None:
    assert digest(np.int64(7)) == digest(7)
    with pytest.raises(TypeError):
        digest(1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": "é\n"}, '{"a":"é\\n","b":1}'),
        ({"a": None, "b": [None, {"c": None}]}, '{"b":[null,{}]}'),
        ((1, 2.0, 0.1, 1e-7, True), "[1,2.0,0.1,1e-7,true]"),
        ({1: "x", None: "y", 2.5: False}, '{"1":"x","2.5":false,"null":"y"}'),
        ({"n": 10**30}, '{"n":1000000000000000000000000000000}'),
        ([float("nan"), float("inf"), -float("inf")], '["NaN","Infinity","-Infinity"]'),
        (np.float64(0.1), "0.1"),
        ({"x": np.int64(3), "y": np.array([1, 2]), "z": np.bool_(True)}, '{"x":3,"y":[1,2],"z":true}'),
        (Record(text="x", meta={"id": "1"}), '{"text":"x"}'),
        ({"s": {"b", "a"}, "raw": b"\x01\xff"}, '{"raw":"01ff","s":["a","b"]}'),
        ("\ud800", '"\\\\ud800"'),
        ("null", '"null"'),
        (Path("a/b"), '"a/b"'),
    ],
)
def test_canonical_is_pinned(value: object, expected: str) -> None:
    assert canonical(value).decode() == expected


@given(JSON)
def test_canonical_ignores_the_order_of_keys(value: object) -> None:
    def turned(item: object) -> object:
        if isinstance(item, dict):
            return {key: turned(item[key]) for key in reversed(item)}
        return tuple(turned(inner) for inner in item) if isinstance(item, list) else item

    assert canonical(turned(value)) == canonical(value)


@given(JSON)
def test_json_text_keeps_everything(value: object) -> None:
    assert json_value(json_text(value)) == value


@given(JSON)
def test_canonical_is_json_without_null_in_mappings(value: object) -> None:
    def has_none(item: object) -> bool:
        if isinstance(item, dict):
            return any(inner is None or has_none(inner) for inner in item.values())
        return isinstance(item, list) and any(has_none(inner) for inner in item)

    assert not has_none(json.loads(canonical(value)))


def test_canonical_takes_dataclasses_and_models() -> None:
    @dataclasses.dataclass
    class Point:
        y: int
        x: int | None = None

    assert canonical(Point(2)) == b'{"y":2}'


def test_a_value_without_a_json_form_is_an_error() -> None:
    with pytest.raises(TypeError):
        canonical({"f": object()})


def test_content_ids_are_pinned_and_ignore_lineage() -> None:
    assert content_id({"text": "x"}) == content_id(Record(text="x", meta={"id": "7"})) == "37035787f7bd278e4bcbed5ec21456de"
    assert content_id({"text": "x"}, 1) != content_id({"text": "x"})


@given(st.lists(st.integers(0, 50).map(str)), st.sampled_from([32, 64]))
def test_occurrences_count_from_zero(keys: list[str], bits: int) -> None:
    seen = Occurrences(bits)
    assert [seen.next(key) for key in keys] == [keys[:at].count(key) for at, key in enumerate(keys)]
    assert len(seen) == len(set(keys))


@pytest.mark.parametrize(("bits", "most"), [(64, 15), (32, 8)])
def test_occurrences_grow_and_stay_small(bits: int, most: int) -> None:
    seen = Occurrences(bits)
    assert not any(seen.next(f"row {number}") for number in range(20_000))
    assert seen.next("row 7") == 1
    assert seen.next("row 7") == 2
    assert sum(table.itemsize * len(table) for table in seen._tables) <= most * 20_000 * 1.1


def test_long_numbers_keep_their_digits() -> None:
    number = 123456789012345678901234567890
    assert json_value(f'{{"id": {number}}}') == {"id": number}
    assert orjson.loads(f"[{number}]") != [number]  # why json_value exists
