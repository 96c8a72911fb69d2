"""What is declared is what the files hold, and every record comes back from its row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import Failure, RequestError
from tilth.records.parts import PartWriter, read_parts
from tilth.records.record import META_KEYS, Record
from tilth.records.schema import WHY, Schema

TEXT = st.text()
FLOATS = st.floats(allow_nan=False)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": st.none() | TEXT},
    optional={"name": TEXT, "tool_call_id": TEXT, "tool_calls": st.lists(st.dictionaries(TEXT, ANY, max_size=2), max_size=2)},
)
COLUMNS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "text": (str, TEXT),
    "count": (int, st.integers(-(2**63), 2**63 - 1)),
    "weight": (float, FLOATS),
    "good": (bool, st.booleans()),
    "tokens": (list[str], st.lists(TEXT, max_size=4)),
    "numbers": (list[int], st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4)),
    "vector": (list[float], st.lists(FLOATS, max_size=4)),
    "facts": (dict, st.dictionaries(TEXT, ANY, max_size=3)),
    "steps": (list, st.lists(ANY, max_size=3)),
    "messages": (list[dict], st.lists(MESSAGE, max_size=3)),
    "label": ("str | None", st.none() | TEXT),
    "year": (int | None, st.none() | st.integers(0, 3000)),
    "label_probs": (dict, st.dictionaries(TEXT, FLOATS, max_size=3)),
}
SCHEMA = Schema.of({name: declared for name, (declared, _) in COLUMNS.items()})
SCORE = st.none() | FLOATS | st.fixed_dictionaries({"value": st.none() | FLOATS, "detail": TEXT})
EXTRA_NAMES = TEXT.filter(lambda name: name not in {*COLUMNS, *META_KEYS, "scores", "extras", "meta"})
META = st.fixed_dictionaries(
    {},
    optional={
        "id": TEXT,
        "run": TEXT,
        "place": TEXT,
        "origin": st.sampled_from(["human", "model", "mixed"]),
        "parents": st.lists(TEXT, max_size=3),
        "seed_ids": st.lists(TEXT, max_size=3),
        "round": st.integers(0, 2**31 - 1),
        "scores": st.dictionaries(TEXT, SCORE, max_size=3),
        "conditions": st.dictionaries(TEXT, ANY, max_size=3),
        "extras": st.dictionaries(TEXT, ANY, max_size=2),
    },
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    columns = {name: draw(values) for name, (_, values) in COLUMNS.items()}
    return Record(columns, meta=draw(META), **draw(st.dictionaries(EXTRA_NAMES, ANY, max_size=3)))


@given(records())
def test_a_record_comes_back_from_its_row(record: Record) -> None:
    assert SCHEMA.record(SCHEMA.row(record)) == record


@given(st.lists(records(), max_size=4))
def test_a_record_comes_back_from_a_file(tmp_path_factory: pytest.TempPathFactory, made: list[Record]) -> None:
    folder = tmp_path_factory.mktemp("rows")
    with PartWriter(folder, "part", SCHEMA, rows_per_part=2) as writer:
        for record in made:
            writer.add(SCHEMA.row(record))
    assert [SCHEMA.record(row) for row in read_parts(folder, "part")] == made


@given(records(), st.text(min_size=1), FLOATS)
def test_a_rejected_record_comes_back_with_its_reason(record: Record, reason: str, score: float) -> None:
    schema = SCHEMA.rejected()
    back = schema.record(SCHEMA.rejected_row(record, reason=reason, score=score, step="curate"))
    assert {key: back.meta[key] for key in ("reason", "score", "step")} == {"reason": reason, "score": score, "step": "curate"}
    kept = {name: value for name, value in record.items() if value is not None or name not in SCHEMA.columns}
    assert back.columns == kept


def test_declared_columns_come_first_then_lineage() -> None:
    arrow = Schema.of({"text": str, "label": str}).to_arrow()
    assert arrow.names == ["text", "label", *META_KEYS, "scores", "label_probs", "extras"]
    assert arrow.field("round").type == pa.int32()
    assert Schema.of({"text": str}).rejected().to_arrow().names[-7:] == list(WHY)


def test_the_schema_is_found_in_its_files() -> None:
    assert Schema.from_arrow(SCHEMA.to_arrow()) == SCHEMA
    assert Schema.from_arrow(SCHEMA.rejected().to_arrow()) == SCHEMA.rejected()
    assert Schema.from_arrow(pa.schema([("text", pa.string())])) is None


@pytest.mark.parametrize(
    ("declared", "value", "detail"),
    [
        (str, 7, "column 'x' must be str, not int 7"),
        (int, "7", "column 'x' must be int, not str '7'"),
        (int, True, "column 'x' must be int, not bool True"),
        (int, 2**63, "column 'x' must be int, not int 9223372036854775808 (beyond 64 bits)"),
        (float, "high", "column 'x' must be float, not str 'high'"),
        (bool, 1, "column 'x' must be bool, not int 1"),
        (list[str], ["a", 1], "column 'x' must be list[str], not list ['a', 1]"),
        (list[str], "abc", "column 'x' must be list[str], not str 'abc'"),
        (dict, [1], "column 'x' must be dict, not list [1]"),
        (str, "\ud800", "column 'x' must be str, not str '\\ud800' (it holds half of a surrogate pair)"),
        (list[dict], [{"content": "x"}], "column 'x' must be list[dict], not list [{'content': 'x'}] (a message needs a role)"),
        (int, "word " * 20, "column 'x' must be int, not str 'word word word word word word word word..."),
    ],
)
def test_a_value_that_does_not_fit_is_the_rows_own_fault(declared: Any, value: Any, detail: str) -> None:
    with pytest.raises(Failure) as caught:
        Schema.of({"x": declared}).row({"x": value})
    assert (caught.value.reason, caught.value.detail) == ("schema", detail)


@pytest.mark.parametrize(("row", "detail"), [({}, "column 'x' is missing"), ({"x": None}, "column 'x' is None, not str")])
def test_a_column_that_is_not_there(row: dict[str, Any], detail: str) -> None:
    with pytest.raises(Failure, match=detail):
        Schema.of({"x": str}).row(row)
    assert Schema.of({"x": str | None}).row(row)["x"] is None


def test_numbers_of_numpy_fit() -> None:
    schema = Schema.of({"n": int, "x": float, "v": list[float], "good": bool})
    row = schema.row({"n": np.int64(3), "x": 2, "v": np.array([0.5, 1.0]), "good": np.bool_(True)})
    assert (row["n"], row["x"], row["v"], row["good"]) == (3, 2.0, [0.5, 1.0], True)
    assert type(row["x"]) is float


def test_a_rejected_record_keeps_what_does_not_fit() -> None:
    schema = Schema.of({"text": str, "score": float})
    back = schema.rejected().record(schema.rejected_row(Record(text=["not", "text"], score=0.5, odd=object()), reason="schema", score=1.0))
    assert back["text"] == ["not", "text"]
    assert back["score"] == 0.5  # the column; the rejection's own score is lineage
    assert back.meta["score"] == 1.0
    assert back["odd"].startswith("<object object")


def test_a_rejected_record_is_never_lost_over_strange_values() -> None:
    row = Schema.of({"text": str}).rejected_row({"text": "\udfff", "meta": 3}, reason="\ud800", raw=b"x", score="high", trace=KeyError("x"))
    assert (row["reason"], row["raw"], row["score"], row["text"]) == ("\\ud800", "b'x'", None, None)
    pa.RecordBatch.from_pylist([row], schema=Schema.of({"text": str}).rejected().to_arrow())


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"id": str}, "'id' cannot be a column: records use it for their lineage. Call it otherwise."),
        ({"x": "date"}, "column 'x' has the type date, which cannot be stored. Use one of: str, int,"),
        ({"x": list[bytes]}, "column 'x' has the type list[bytes], which cannot be stored."),
    ],
)
def test_a_schema_that_cannot_be(columns: dict[str, Any], what: str) -> None:
    with pytest.raises(RequestError) as caught:
        Schema.of(columns)
    assert str(caught.value).startswith(what)


def test_meta_that_does_not_fit_is_named() -> None:
    with pytest.raises(Failure, match="meta 'round' must be int32, not str 'two'"):
        Schema.of({"x": str}).row(Record(x="a", meta={"round": "two"}))


def test_parts_load_without_us(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    schema = Schema.of({"messages": list[dict], "label_probs": dict})
    record = Record(messages=[{"role": "user", "content": "hi"}], label_probs={"a": 1.0}, meta={"scores": {"judge": None}})
    with PartWriter(tmp_path, "part", schema) as writer:
        writer.add(schema.row(record))
    (row,) = pq.read_table(tmp_path).to_pylist()
    assert row["messages"][0]["role"] == "user"
    assert row["label_probs"] == [{"label": "a", "prob": 1.0}]
    assert row["scores"] == [{"name": "judge", "value": None, "detail": None}]
