"""What an export refuses, what it leaves out or adds, and that it appears whole or not at all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

import tilth
from report.export.making import LABELLED, folder_of, reviews
from tilth.errors import CheckFailed, RequestError
from tilth.records.folder import RunFolder
from tilth.report.export.exporting import stream
from tilth.report.manifest import verify


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return folder_of(tmp_path / "mails", reviews(40), LABELLED, rejected=[{"text": "short", "label": "good"}])


def texts(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]


def test_only_and_drop_choose_columns_and_lineage(run: RunFolder, tmp_path: Path) -> None:
    tilth.export(run, "jsonl", out=tmp_path / "a", only=["label"], meta=False)
    assert json.loads((tmp_path / "a" / "train.jsonl").read_text().splitlines()[0]) == {"label": "good"}
    tilth.export(run, "parquet", out=tmp_path / "b", drop=["meta", "label"])
    assert pq.read_schema(next((tmp_path / "b" / "data").iterdir())).names == ["text"]
    tilth.export(run, "csv", out=tmp_path / "c", meta=True)
    assert (tmp_path / "c" / "train.csv").read_bytes().startswith(b"text,label,meta\r\n")
    with pytest.raises(RequestError, match="has no column 'lable'. Did you mean 'label'"):
        tilth.export(run, "jsonl", only=["lable"])


def test_rejected_records_come_with_their_reasons(run: RunFolder, tmp_path: Path) -> None:
    done = tilth.export(run, "parquet", out=tmp_path / "out", rejected=True)
    part = next(part for part in done.parts if part.config == "rejected")
    row = pq.read_table(tmp_path / "out" / part.files[0]).to_pylist()[0]
    assert (row["text"], row["reason"], row["detail"], part.rows) == ("short", "too_short", "a reason", 1)
    with pytest.raises(RequestError, match="chat cannot hold rejected records"):
        tilth.export(run, "chat", rejected=True)


def test_sorting_orders_the_records(run: RunFolder, tmp_path: Path) -> None:
    tilth.export(run, "jsonl", out=tmp_path / "a.jsonl", sort="text")
    tilth.export(run, "jsonl", out=tmp_path / "b.jsonl")
    assert texts(tmp_path / "a.jsonl") == sorted(texts(tmp_path / "b.jsonl")) != texts(tmp_path / "b.jsonl")
    with pytest.raises(RequestError, match="cannot be sorted by 'size'"):
        tilth.export(run, "jsonl", out=tmp_path / "c.jsonl", sort="size")


def test_the_same_run_gives_the_same_bytes(run: RunFolder, tmp_path: Path) -> None:
    for name in ("a", "b"):
        tilth.export(run, "hub", out=tmp_path / name, split="train=0.8,test=0.2", rejected=True)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) >= 5
    for path in files:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes(), path


def test_a_format_that_the_columns_do_not_fit_prints_both_schemas(run: RunFolder) -> None:
    with pytest.raises(RequestError, match="dpo needs the columns chosen, rejected; there are: text str, label str"):
        tilth.export(run, "dpo")
    with pytest.raises(RequestError, match="no format is called 'parket'. Did you mean 'parquet'"):
        tilth.export(run, "parket")


def test_one_stream_holds_records_and_nothing_else(run: RunFolder, tmp_path: Path) -> None:
    with (tmp_path / "stream").open("wb") as file:
        assert stream(run, "jsonl", file, meta=False) == 40
    assert len(texts(tmp_path / "stream")) == 40
    with (tmp_path / "no").open("wb") as file, pytest.raises(RequestError, match="one stream"):
        stream(run, "parquet", file)


def test_the_label_before_any_decision(run: RunFolder, tmp_path: Path) -> None:
    from tilth.records.results import finalise, schema_of, write_decisions

    own = pq.read_table(next(run.data.iterdir()))["id"][0].as_py()
    decision = {"id": own, "step": "relabel", "action": "relabel", "reason": "votes", "score": None, "neighbour": None}
    write_decisions(run, [{**decision, "before": '{"label":"good"}', "after": '{"label":"bad"}'}])
    finalise(run, schema_of(run))  # type: ignore[arg-type]
    found = {}
    for label in ("resolved", "model"):
        tilth.export(run, "jsonl", out=tmp_path / f"{label}.jsonl", label=label)
        found[label] = json.loads((tmp_path / f"{label}.jsonl").read_text().splitlines()[0])["label"]
    assert found == {"resolved": "bad", "model": "good"}
    with pytest.raises(RequestError, match="no label of mails was decided by people"):
        tilth.export(run, "jsonl", label="people")


# --- refusals ---------------------------------------------------------------------------------------------------------


def _gated(run: RunFolder) -> None:
    """A gate that must hold, and a figure of this data that fails it."""
    from tilth.score.rows import Rows

    state = run.read_state()
    state["asked"]["evaluate"] = {"gates": {"near_duplicates": {"at_most": 0.05}}}
    run.write_state(state)
    value = {
        "metric": "near_duplicates",
        "value": 0.4,
        "interval": [0.3, 0.5],
        "n": 40,
        "direction": "down",
        "kernel": "words",
        "detail": {},
    }
    value |= {"seed": 0, "reference": None, "reference_interval": None, "finding": ""}
    run.metrics.write_bytes(
        orjson.dumps({"data": Rows.kept(run).mark.hex(), "n": {"synthetic": 40}, "seed": 0, "values": [value], "findings": []})
    )


def test_a_failed_gate_refuses_and_force_says_so_in_the_first_line(run: RunFolder, tmp_path: Path) -> None:
    _gated(run)
    with pytest.raises(CheckFailed, match="a gate that must hold does not: near_duplicates is 0.40"):
        tilth.export(run, "jsonl", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    tilth.export(run, "jsonl", out=tmp_path / "out", force=True)
    body = (tmp_path / "out" / "README.md").read_text().split("---\n", 2)[2]
    assert body.strip().split("\n")[2].startswith("> **Exported although a gate that must hold does not:** near_duplicates is 0.40")


def test_a_licence_of_an_input_refuses(tmp_path: Path) -> None:
    asked = {"licence": "CC-BY-4.0", "data": {"support": {"read": "a.csv", "licence": "CC-BY-NC-4.0"}}}
    run = folder_of(tmp_path / "closed", reviews(4), LABELLED, asked=asked)
    with pytest.raises(RequestError, match="the input 'support' is CC-BY-NC-4.0, which forbids CC-BY-4.0"):
        tilth.export(run, "jsonl", force=True)


def test_a_restricted_input_is_for_no_public_place(tmp_path: Path) -> None:
    run = folder_of(tmp_path / "own", reviews(4), LABELLED, asked={"data": {"support": {"read": "a.csv", "licence": "restricted"}}})
    done = tilth.export(run, "hub", out=tmp_path / "out")
    assert done.notes == ("an input is restricted: this folder is for no public place",)
    assert "this dataset is for no public place" in (done.path / "README.md").read_text()


# --- for the Hub ---------------------------------------------------------------------------------------------------------

SECRET = """
tilth: 1
models:
  generator: {model: "openai/m@https://me:secret@example.org/v1"}
data:
  support: {read: ../../private/place/a.csv}
  other: /private/place/b.csv
generate: {rows: 1, columns: {text: {prompt: Hi}}}
"""


def test_a_hub_folder_bears_flow_and_prompts_and_no_place_of_this_machine(run: RunFolder, tmp_path: Path) -> None:
    run.flow.write_text(SECRET)
    done = tilth.export(run, "hub", out=tmp_path / "out", repo="acme/mails")
    flow = (done.path / "flow.yaml").read_text()
    assert "read: a.csv" in flow and "other: b.csv" in flow and "https://example.org/v1" in flow
    files = [path for path in done.path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"private/place" in path.read_bytes() or b"secret" in path.read_bytes()]
    assert list((done.path / "prompts").glob("attrprompt.text-*.txt"))
    assert 'load_dataset("acme/mails")' in (done.path / "README.md").read_text()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib, as mlcroissant uses it
def test_croissant_of_a_hub_folder_names_the_repository(run: RunFolder, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="needs the 'hub' extra")
    done = tilth.export(run, "hub", out=tmp_path / "out", repo="acme/mails", split="train=0.5,test=0.5")
    document = json.loads((done.path / "croissant.json").read_text())
    assert [one.get("includes") for one in document["distribution"]] == [None, "data/train-*.parquet", "data/test-*.parquet"]
    assert document["url"].endswith("/acme/mails")
    described = mlcroissant.Dataset(jsonld=str(done.path / "croissant.json"))
    assert not described.metadata.ctx.issues.errors and not described.metadata.ctx.issues.warnings


# --- where it lands -----------------------------------------------------------------------------------------------------


def test_an_export_replaces_an_export_and_nothing_else(run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tilth.export(run, "jsonl", out=out)
    tilth.export(run, "csv", out=out)
    assert not (out / "train.jsonl").exists()
    (out / "mine.txt").write_text("keep me")
    with pytest.raises(RequestError, match="holds mine.txt, which no export wrote"):
        tilth.export(run, "jsonl", out=out)
    assert (out / "train.csv").exists() and (out / "mine.txt").read_text() == "keep me"
    other = tmp_path / "other"
    other.mkdir()
    (other / "a").write_text("")
    with pytest.raises(RequestError, match="holds a, which no export wrote"):
        tilth.export(run, "jsonl", out=other)
    with pytest.raises(RequestError, match="holds .*no export wrote"):
        tilth.export(run, "jsonl", out=run.path)


def test_a_file_that_is_there_is_replaced_only_by_force(run: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    target.write_text("mine")
    with pytest.raises(RequestError, match="is there already. Replace it with: --force"):
        tilth.export(run, "jsonl", out=target)
    assert target.read_text() == "mine"
    assert tilth.export(run, "jsonl", out=target, force=True).rows == 40


def test_an_export_that_fails_leaves_the_earlier_one_and_no_rest(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tilth.report.export import beside

    out = tmp_path / "out"
    tilth.export(run, "jsonl", out=out)

    def broken(*args: Any, **more: Any) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(beside, "croissant", broken)
    with pytest.raises(ValueError, match="broken"):
        tilth.export(run, "csv", out=out)
    assert verify(out) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mails", "out"]


KILLED = """
import sys, time
import tilth
from tilth.report.export import files
add = files.JsonLines.add
def slow(self, row):
    add(self, row)
    self._file.flush()
    time.sleep(0.05)
files.JsonLines.add = slow
tilth.export(sys.argv[1], "jsonl", out=sys.argv[2], meta=False)
"""


def test_a_killed_export_leaves_the_earlier_one_whole(run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tilth.export(run, "jsonl", out=out)
    environment = {**os.environ, "PYTHONPATH": str(Path(tilth.__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(run.path), str(out)], env=environment)
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in tmp_path.glob(".out.*.tmp/train.jsonl")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert verify(out) == []
    assert "meta" in json.loads((out / "train.jsonl").read_text().splitlines()[0])
    tilth.export(run, "jsonl", out=out)
    assert not list(tmp_path.glob(".out.*"))


def test_more_records_than_one_file_holds(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tilth.report.export import files

    monkeypatch.setattr(files, "ROWS_PER_FILE", 15)
    done = tilth.export(run, "parquet", out=tmp_path / "out")
    assert done.parts[0].files == tuple(f"data/train-0000{at}-of-00003.parquet" for at in range(3))
    assert [pq.read_metadata(tmp_path / "out" / path).num_rows for path in done.parts[0].files] == [15, 15, 10]
    assert verify(tmp_path / "out") == []
    mlcroissant = pytest.importorskip("mlcroissant", reason="needs the 'hub' extra")
    with pytest.warns(DeprecationWarning):
        described = mlcroissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))
        assert not described.metadata.ctx.issues.warnings
        assert len(list(described.records("train"))) == 40
