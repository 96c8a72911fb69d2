"""What goes in comes out: every format, with texts that break formats, read by plain Python and by `datasets`."""

from __future__ import annotations

import csv
import io
import json
import string
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tilth
from report.export.making import LABELLED, ODD, folder_of
from tilth.errors import RequestError
from tilth.report.export.files import Csv, JsonArray, JsonLines
from tilth.report.export.formats import FORMATS
from tilth.report.export.source import META

DIALOGUE = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": 'Hi\n"you"'},
    {"role": "assistant", "content": "Hello 🧵"},
    {"role": "user", "content": ""},
    {"role": "assistant", "content": "?"},
]
CALL = [{"id": "1", "type": "function", "function": {"name": "sum", "arguments": '{"a": 1}'}}]
TOOLS = [
    {"role": "user", "content": "1+1?"},
    {"role": "assistant", "content": None, "tool_calls": CALL},
    {"role": "tool", "content": "2", "tool_call_id": "1"},
    {"role": "assistant", "content": "2"},
]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [{"text": text, "label": ("a", "b")[at % 2]} for at, text in enumerate(ODD)]
    return folder_of(tmp_path_factory.mktemp("runs") / "odd", rows, LABELLED, asked={"task": {"kind": "classification"}}).path


def test_jsonl_holds_every_text_and_the_same_meta_in_each_line(odd: Path, tmp_path: Path) -> None:
    done = tilth.export(odd, "jsonl", out=tmp_path / "out")
    rows = lines(tmp_path / "out" / "train.jsonl")
    assert [row["text"] for row in rows] == list(ODD)
    assert done.rows == len(ODD)
    assert {tuple(row["meta"]) for row in rows} == {META}


def test_parquet_holds_every_text_in_one_schema(odd: Path, tmp_path: Path) -> None:
    done = tilth.export(odd, "parquet", out=tmp_path / "out", split={"train": 0.5, "test": 0.5})
    tables = [pq.read_table(tmp_path / "out" / path) for part in done.parts for path in part.files]
    assert sorted(text for table in tables for text in table["text"].to_pylist()) == sorted(ODD)
    assert len({table.schema for table in tables}) == 1
    assert [field.name for field in tables[0].schema.field("meta").type] == list(META)


def test_csv_holds_every_text(odd: Path, tmp_path: Path) -> None:
    tilth.export(odd, "csv", out=tmp_path / "out")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "train.csv").read_bytes().decode(), newline="")))
    assert [row["text"] for row in rows] == list(ODD)


def test_csv_can_be_made_safe_for_spreadsheets(odd: Path, tmp_path: Path) -> None:
    tilth.export(odd, "csv", out=tmp_path / "a.csv", defuse=True)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    assert "'=cmd()" in texts
    assert not [text for text in texts if text.startswith("=")]


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "text"])
def test_our_own_reader_reads_an_export(odd: Path, tmp_path: Path, form: str) -> None:
    from tilth.records.read import read

    target = tmp_path / f"one.{FORMATS[form].ending}"
    tilth.export(odd, form, out=target, only=["text"], meta=False)
    assert [record["text"] for record in read(target)] == list(ODD)


def test_a_label_goes_to_the_annotation_tools_as_the_models_opinion(odd: Path, tmp_path: Path) -> None:
    tilth.export(odd, "label_studio", out=tmp_path / "ls")
    tasks = json.loads((tmp_path / "ls" / "train.json").read_bytes())
    assert [task["data"]["text"] for task in tasks] == list(ODD)
    assert not any("annotations" in task for task in tasks)
    assert [task["predictions"][0]["result"][0]["value"]["choices"] for task in tasks[:2]] == [["a"], ["b"]]
    assert '<Text name="text" value="$text"/>' in (tmp_path / "ls" / "label_config.xml").read_text()
    tilth.export(odd, "argilla", out=tmp_path / "ar")
    records = json.loads((tmp_path / "ar" / "records.json").read_bytes())
    assert [record["fields"] for record in records] == [{"text": text} for text in ODD]
    assert {record["suggestions"]["label"]["agent"] for record in records} == {"attrprompt"}
    assert not any(record["responses"] for record in records)
    fields = json.loads((tmp_path / "ar" / "settings.json").read_bytes())["fields"]
    assert [field["name"] for field in fields] == ["text"]


def test_a_label_that_a_person_gave_is_an_annotation(tmp_path: Path) -> None:
    rows = [{"text": "x", "label": "a", "meta": {"origin": "human"}}, {"text": "y", "label": "b"}]
    run = folder_of(tmp_path / "mixed", rows, LABELLED)
    tilth.export(run, "label_studio", out=tmp_path / "out")
    first, second = json.loads((tmp_path / "out" / "train.json").read_bytes())
    assert "annotations" in first and "predictions" not in first
    assert "predictions" in second and "annotations" not in second


def test_instructions_in_every_format_of_trainers(tmp_path: Path) -> None:
    columns = {"instruction": str, "input": str, "output": str}
    rows = [{"instruction": f"Do {at}", "input": ODD[-at], "output": text} for at, text in enumerate(ODD)]
    run = folder_of(tmp_path / "orders", rows, columns, asked={"task": {"kind": "instruction", "about": "not shown"}})
    made = {form: lines(_file(run.path, form, tmp_path)) for form in ("alpaca", "chat", "sharegpt", "prompt-completion", "text")}
    assert made["alpaca"] == rows
    asked = [f"{row['instruction']}\n\n{row['input']}" if row["input"] else row["instruction"] for row in rows]
    assert [[turn["content"] for turn in row["messages"]] for row in made["chat"]] == [
        [ask, row["output"]] for ask, row in zip(asked, rows, strict=True)
    ]
    assert [[turn["value"] for turn in row["conversations"]] for row in made["sharegpt"]] == [
        [ask, row["output"]] for ask, row in zip(asked, rows, strict=True)
    ]
    assert [(row["prompt"], row["completion"]) for row in made["prompt-completion"]] == [
        (ask, row["output"]) for ask, row in zip(asked, rows, strict=True)
    ]
    assert [row["text"] for row in made["text"]] == [f"{ask}\n\n{row['output']}" for ask, row in zip(asked, rows, strict=True)]


def test_classification_tells_the_model_the_labels(tmp_path: Path) -> None:
    task = {"kind": "classification", "about": "Mails.", "labels": {"a": "", "b": ""}}
    run = folder_of(tmp_path / "mails", [{"text": "x", "label": "a"}], LABELLED, asked={"task": task})
    assert lines(_file(run.path, "chat", tmp_path)) == [
        {
            "messages": [
                {"role": "system", "content": "Mails.\nAnswer with one of: a, b."},
                {"role": "user", "content": "x"},
                {"role": "assistant", "content": "a"},
            ]
        }
    ]


def test_dialogues_keep_tool_calls_and_roles(tmp_path: Path) -> None:
    run = folder_of(tmp_path / "talks", [{"messages": DIALOGUE}, {"messages": TOOLS}], {"messages": "list[dict]"})
    assert [row["messages"] for row in lines(_file(run.path, "chat", tmp_path))] == [DIALOGUE, TOOLS]
    shared = [row["conversations"] for row in lines(_file(run.path, "sharegpt", tmp_path))]
    assert [turn["from"] for turn in shared[0]] == ["system", "human", "gpt", "human", "gpt"]
    assert [turn["from"] for turn in shared[1]] == ["human", "function_call", "observation", "gpt"]
    assert json.loads(shared[1][1]["value"]) == CALL
    parts = [(row["prompt"], row["completion"]) for row in lines(_file(run.path, "prompt-completion", tmp_path))]
    assert parts == [(DIALOGUE[:-1], DIALOGUE[-1:]), (TOOLS[:-1], TOOLS[-1:])]
    table = pq.read_table(next(Path(_folder(run.path, "parquet", tmp_path)).glob("data/*.parquet")))
    assert table["messages"].to_pylist()[1][1]["tool_calls"] == json.dumps(CALL, sort_keys=True, separators=(",", ":"))
    with pytest.raises(RequestError, match="record .*: alpaca holds dialogues"):
        tilth.export(run, "alpaca", out=tmp_path / "no")


def test_alpaca_takes_a_plain_dialogue_with_its_history(tmp_path: Path) -> None:
    run = folder_of(tmp_path / "talk", [{"messages": DIALOGUE}], {"messages": "list[dict]"})
    assert lines(_file(run.path, "alpaca", tmp_path)) == [
        {"instruction": "", "input": "", "output": "?", "system": "Be brief.", "history": [['Hi\n"you"', "Hello 🧵"]]}
    ]


def test_preferences_for_trl(tmp_path: Path) -> None:
    columns = {"prompt": str, "chosen": str, "rejected": str}
    rows = [{"prompt": f"p{at}", "chosen": text, "rejected": f"worse {text}"} for at, text in enumerate(ODD)]
    run = folder_of(tmp_path / "pairs", rows, columns, asked={"task": {"kind": "preference"}})
    assert lines(_file(run.path, "dpo", tmp_path)) == rows
    single = lines(_file(run.path, "kto", tmp_path))
    assert [row["label"] for row in single] == [True, False] * len(rows)
    assert [row["completion"] for row in single[::2]] == list(ODD)
    assert [row["prompt"] for row in single] == [row["prompt"] for row in rows for _ in range(2)]


def _file(run: Path, form: str, tmp_path: Path) -> Path:
    return Path(_folder(run, form, tmp_path)) / "train.jsonl"


def _folder(run: Path, form: str, tmp_path: Path) -> str:
    return str(tilth.export(run, form, out=tmp_path / f"{run.name}-{form}").path)


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


@settings(max_examples=60)
@given(st.lists(st.fixed_dictionaries({"text": text, "n": st.none() | st.integers(), "list": st.lists(text, max_size=3)}), max_size=6))
def test_writers_lose_nothing(rows: list[dict[str, Any]]) -> None:
    files = [io.BytesIO() for _ in range(3)]
    writers = [JsonLines(files[0]), JsonArray(files[1]), Csv(files[2], ["text", "n", "list"])]
    for writer in writers:
        for row in rows:
            writer.add(row)
        writer.close()
    assert [json.loads(line) for line in files[0].getvalue().split(b"\n") if line] == rows
    assert json.loads(files[1].getvalue()) == rows
    found = list(csv.DictReader(io.StringIO(files[2].getvalue().decode(), newline="")))
    assert [row["text"] for row in found] == [row["text"] for row in rows]
    assert [json.loads(row["list"]) for row in found] == [row["list"] for row in rows]
    assert [int(row["n"]) if row["n"] else None for row in found] == [row["n"] for row in rows]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib and pandas, as mlcroissant uses them
@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv", "chat", "hub"])
def test_others_read_what_was_written(odd: Path, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    datasets = pytest.importorskip("datasets", reason="needs the 'hub' extra")
    mlcroissant = pytest.importorskip("mlcroissant", reason="needs the 'hub' extra")
    datasets.disable_progress_bars()
    done = tilth.export(odd, form, out=tmp_path / "out", split="train=0.75,test=0.25")
    loaded = datasets.load_dataset(str(done.path), cache_dir=str(tmp_path / "cache"))
    assert {name: len(part) for name, part in loaded.items()} == {part.split: part.rows for part in done.parts}
    texts = [row["text"] if "text" in row else row["messages"][-2]["content"] for part in loaded.values() for row in part]
    empty = [one for one in texts if one is None]  # `datasets` reads an empty cell of a CSV file as nothing
    assert sorted(one or "" for one in texts) == sorted(ODD)
    assert form == "csv" or not empty
    described = mlcroissant.Dataset(jsonld=str(done.path / "croissant.json"))
    assert not described.metadata.ctx.issues.errors
    assert not described.metadata.ctx.issues.warnings
    records = list(described.records("train"))
    assert len(records) == loaded["train"].num_rows
    if form == "parquet":
        assert [record["train/text"].decode() for record in records] == loaded["train"]["text"][:]
        assert {record["train/meta"]["train/meta/method"] for record in records} == {b"attrprompt"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of `datasets`' own dependencies
def test_json_lines_whose_first_values_are_all_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that guesses types from the first lines fails on the last, unless the card declares them."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="needs the 'hub' extra")
    datasets.disable_progress_bars()
    late = {"scores": {"quality": 0.5}, "licence": "MIT", "parents": ["a"]}
    rows = [{"text": f"t{at}", "n": None if at < 150 else at, "meta": {} if at < 150 else late} for at in range(200)]
    run = folder_of(tmp_path / "late", rows, {"text": str, "n": "int | None"})
    for number, meta in enumerate((True, False)):
        done = tilth.export(run, "jsonl", out=tmp_path / str(number), meta=meta)
        loaded = datasets.load_dataset(str(done.path), cache_dir=str(tmp_path / "cache"), chunksize=2000)["train"]
        assert loaded[0]["n"] is None and loaded[199]["n"] == 199
        assert not meta or loaded[199]["meta"]["scores"][0]["value"] == 0.5


def test_only_printable_names_leave(odd: Path) -> None:
    assert all(set(name) <= set(string.ascii_letters + "-_") for name in FORMATS)
