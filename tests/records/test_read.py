"""Reading: the same rows and ids each time, and one line that names file, row and remedy when something is wrong."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import RequestError
from tilth.records.data import Data, check_columns, check_labels
from tilth.records.ids import content_id
from tilth.records.read import read
from tilth.records.record import Record
from tilth.records.schema import Schema
from tilth.records.write import write


def put(name: str, content: str | bytes) -> str:
    """A file in the test's own folder; the name is what errors show."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def error_of(call: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(RequestError) as caught:
        call(*args, **options)
    return str(caught.value)


REMEDY = "Fix the line, or skip such lines with: --bad-lines skip"
ROWS = [{"text": 'a, "b"', "label": "x"}, {"text": "two\nlines", "label": "é"}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("d.jsonl", "\n".join(json.dumps(row) for row in ROWS) + "\n\n"),
        ("d.jsonl", "\ufeff" + "\r\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)),
        ("d.json", json.dumps(ROWS, indent=2)),
        ("d.json", json.dumps({"text": [row["text"] for row in ROWS], "label": ["x", "é"]})),
        ("d.json", json.dumps({"data": ROWS})),
        ("d.json", "\n".join(json.dumps(row) for row in ROWS)),
        ("d.csv", 'text,label\n"a, ""b""",x\n"two\nlines",é\n'),
        ("d.csv", '\ufefftext;label\n"a, ""b""";x\n\n"two\nlines";é'),
        ("d.csv", ',text,label\n0,"a, ""b""",x\n1,"two\nlines",é\n'),
        ("d.TSV", 'text\tlabel\n"a, ""b"""\tx\n"two\nlines"\té\n'),
    ],
)
def test_formats_give_the_same_rows_and_ids(name: str, content: str) -> None:
    data = read(put(name, content))
    assert [dict(record) for record in data] == ROWS
    assert [record.id for record in data] == [content_id(row) for row in ROWS]
    assert (len(data), data.columns, data.path, [record["label"] for record in data.take(1)]) == (2, ("text", "label"), name, ["x"])


def test_windows_line_ends_do_not_reach_the_values() -> None:
    assert [dict(record) for record in read(put("d.csv", "text,label\r\nhello,x\r\n"))] == [{"text": "hello", "label": "x"}]


def test_text_files() -> None:
    assert [record["text"] for record in read(put("d.txt", "one\r\n\n  two\n"))] == ["one", "  two"]
    put("docs/b.md", "# B\n\nmore\n")
    put("docs/a.md", "# A\r\ntext")
    assert [record["text"] for record in read("docs/*.md")] == ["# A\ntext", "# B\n\nmore\n"]


@given(st.lists(st.fixed_dictionaries({"text": st.text(), "n": st.integers()}), min_size=1, max_size=5))
def test_parquet_and_json_lines_agree(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    folder = tmp_path_factory.mktemp("data")
    rows = [{**row, "n": row["n"] % 2**63} for row in rows]
    for name in ("d.parquet", "d.jsonl", "d.json"):
        assert write(rows, folder / name) == len(rows)
    first, *others = [[(record.id, dict(record)) for record in read(folder / name)] for name in ("d.parquet", "d.jsonl", "d.json")]
    assert all(other == first for other in others)
    assert [row for _, row in first] == rows


def test_equal_rows_get_different_stable_ids() -> None:
    data = read(put("d.txt", "same\nother\nsame\nsame\n"))
    ids = [record.id for record in data]
    assert len(set(ids)) == 4
    assert ids == [record.id for record in data]
    assert ids[0] == content_id({"text": "same"})


def test_a_row_keeps_its_own_id() -> None:
    data = read(put("d.jsonl", '{"id": 7, "text": "a"}\n{"id": null, "text": "b"}\n{"id": "x", "text": "c"}\n'))
    assert [record.id for record in data] == ["7", content_id({"id": None, "text": "b"}), "x"]
    assert data.columns == ("text",)


def test_an_id_that_comes_twice() -> None:
    data = read(put("d.csv", "id,text\n1,a\n2,b\n1,c\n"))
    assert error_of(len, data) == "d.csv:4: the id '1' is already taken by an earlier row. Ids must be unique."


def test_ids_are_unique_over_several_files() -> None:
    put("a.jsonl", '{"text": "same"}\n')
    put("b.jsonl", '{"text": "same"}\n')
    data = read(["a.jsonl", "b.jsonl"])
    assert len({record.id for record in data}) == 2
    assert [record.id for record in read("?.jsonl")] == [record.id for record in data]


def test_a_mapping_renames_and_keeps_the_ids() -> None:
    path = put("d.csv", "text,intent\nhi,greeting\n")
    (record,) = read(path, columns={"label": "intent"})
    assert dict(record) == {"label": "greeting", "text": "hi"}
    assert record.id == next(iter(read(path))).id
    assert (
        error_of(read, path, columns={"label": "intnet"}) == "d.csv has no column 'intnet' (it has: text, intent). Did you mean 'intent'?"
    )


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(b'{"text": "a"}\n{"text": "b"}\n')

    monkeypatch.setattr("sys.stdin", Input)
    data = read("-")
    assert [record["text"] for record in data] == [record["text"] for record in data] == ["a", "b"]


def test_records_in_memory() -> None:
    data = Data.of([{"text": "a"}, Record(text="b", meta={"id": "own", "round": 2}), {"text": "a"}], name="seeds")
    assert [record.id for record in data][:2] == [content_id({"text": "a"}), "own"]
    assert (len(data), data.columns, data.take(2)[1].meta["round"], len({record.id for record in data})) == (3, ("text",), 2, 3)


def test_records_of_a_run_keep_their_lineage(tmp_path: Path) -> None:
    schema = Schema.of({"text": str, "facts": dict})
    made = [Record(text="a", facts={"n": None}, odd=[1], meta={"id": "i1", "parents": ["p"], "scores": {"judge": 0.5}, "seed": 3})]
    (tmp_path / "data").mkdir()
    write(made, tmp_path / "data" / "part-00000.parquet", schema=schema)
    assert list(read(tmp_path)) == made
    write(made, tmp_path / "out.jsonl", meta=True)
    assert list(read(tmp_path / "out.jsonl")) == made


# --- what is wrong, in one line ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("p.jsonl", '{"a": 1}\n{"text": "never ends\n', f"p.jsonl:2: not JSON (unterminated string at column 10). {REMEDY}"),
        ("p.jsonl", '{"a": 1}\n[1]\n', f"p.jsonl:2: an array, not an object. {REMEDY}"),
        ("p.jsonl", '{"a": 1,}\n', "p.jsonl:1: not JSON ("),
        ("p.jsonl", '{"a": Infinity}\n', "p.jsonl:1: not JSON (Infinity is no number in JSON). Fix"),
        ("p.jsonl", '{"a": "\\ud800"}\n', "p.jsonl:1: not JSON (half of a surrogate pair in a string). Fix"),
        ("p.jsonl", b'{"a": 1}\n{"a": "caf\xe9"}\n', "p.jsonl:2: not UTF-8 (byte 0xe9 at column 11). Save it as UTF-8."),
        ("p.csv", "a,b\n1,2\n3\n", "p.csv:3: 1 value for 2 columns. Fix the row, or skip such rows with: --bad-lines skip"),
        ("p.csv", 'a,b\n"x\ny",2\n3,4,5\n', "p.csv:4: 3 values for 2 columns. Fix"),
        ("p.csv", 'a,b\n1,2\n"open,3\n', "p.csv:3: not readable as CSV (unexpected end of data). Fix"),
        ("p.csv", "a,a\n1,2\n", "p.csv:1: the header names 'a' twice."),
        ("p.csv", "a,,b\n1,2,3\n", "p.csv:1: column 2 of the header has no name."),
        ("p.csv", b"a\ncaf\xe9\n", "p.csv:2: not UTF-8 (byte 0xe9 at column 4). Save it as UTF-8."),
        ("p.txt", "a".encode("utf-16"), "p.txt:1: not UTF-8 but UTF-16. Save it as UTF-8."),
        ("p.json", '[{"a": 1}, 2]', "p.json: row 2 is a number, not an object. Fix the line"),
        ("p.json", '{"a": [1], "b": [1, 2]}', "p.json: its columns differ in length (a 1, b 2)."),
        ("p.json", '{"a": 1}', "p.json: an object that is no table. Give an array of objects, or an object of equally long lists."),
        ("p.json", '[{"a": 1}', "p.json: not JSON (expecting ',' delimiter at column 10)."),
        ("p.jsonl", "", "p.jsonl has no rows."),
        ("p.csv", "a,b\n", "p.csv has no rows."),
        ("p.txt", " \n", "p.txt has no rows."),
        ("p.xlsx", "x", "p.xlsx has an ending that is not known. Use one of: .jsonl, .ndjson, .json, .csv, .tsv, .parquet, .txt, .md"),
        ("p.parquet", "x", "p.parquet is not a Parquet file ("),
    ],
)  # fmt: skip
def test_a_wrong_file(name: str, content: str | bytes, line: str) -> None:
    put(name, content)
    assert error_of(lambda: len(read(name))).startswith(line)


def test_no_such_file() -> None:
    put("prompts.jsonl", "{}")
    assert error_of(read, "promts.jsonl") == "no such file: promts.jsonl. Did you mean 'prompts.jsonl'?"
    assert error_of(read, "other/x.csv") == "no such file: other/x.csv."
    assert error_of(read, "*.csv") == "no file matches *.csv"


def test_bad_lines_are_skipped_and_counted() -> None:
    data = read(put("d.jsonl", 'x\n{"text": "a"}\n[]\n{"text": "b"}\n'), bad_lines="skip")
    assert [record["text"] for record in data] == ["a", "b"]
    assert (data.skipped, len(data)) == (["d.jsonl:1", "d.jsonl:3"], 2)
    ragged = read(put("d.csv", "a,b\n1\n1,2\n1,2,3\n"), bad_lines="skip")
    assert (len(ragged), ragged.skipped) == (1, ["d.csv:2", "d.csv:4"])
    assert error_of(read, put("e.jsonl", "x\n"), bad_lines="skip") == "e.jsonl: none of its 1 rows can be read."


def test_nan_is_read_as_none() -> None:
    assert [dict(record) for record in read(put("d.jsonl", '{"text": "a", "n": NaN}\n'))] == [{"text": "a", "n": None}]


def test_a_missing_column_suggests_the_mapping() -> None:
    data = read(put("examples16.csv", "text,intent\nhi,greeting\n"), name="support")
    line = "examples16.csv has no column 'label' (it has: text, intent). Map it in the flow: data.support.columns: {label: intent}"
    assert error_of(check_columns, data, ["text", "label"]) == line
    check_columns(data, ["text", "intent"])


def test_a_column_missing_in_one_row() -> None:
    data = read(put("d.jsonl", '{"text": "a", "label": "x"}\n{"text": "b"}\n'))
    assert error_of(check_columns, data, ["text", "label"]) == "d.jsonl:2: no column 'label' in this row (it has: text)."


def test_a_label_that_is_not_known() -> None:
    rows = "".join(f"t{number},refund\n" for number in range(7))
    data = read(put("examples16.csv", f"text,label\n{rows}x,refunds\n"))
    assert error_of(check_labels, data, ["refund", "greeting"]) == (
        "examples16.csv:9: label 'refunds' is none of task.labels. Did you mean 'refund'?"
    )
    assert error_of(check_labels, data, ["a", "b"]) == "examples16.csv:2: label 'refund' is none of task.labels. There is: a, b."
    check_labels(data, {"refund": "", "refunds": ""})
