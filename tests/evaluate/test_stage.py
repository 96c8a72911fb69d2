"""Where an evaluation reads and writes: files, runs, flows, the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluate.evaluating import by_name, evaluated, review, reviews
from tilth.cli import main
from tilth.engine.execute import start
from tilth.errors import ManyErrors, RequestError
from tilth.evaluate.utility.controls import drawn_openings
from tilth.flows.evaluating import Wanted, prepare
from tilth.flows.flow import Flow
from tilth.flows.launch import run
from tilth.models.hashed import HashedTfidf
from tilth.models.scripted import ScriptedModel
from tilth.records.data import Data
from tilth.records.record import Record

FLOW = """\
tilth: 1
name: made
task: {kind: classification, labels: [good, bad]}
data: {real: real.jsonl, holdout: holdout.jsonl}
generate:
  rows: 40
  columns:
    label: {values: labels}
    text: {prompt: "Write a {{ label }} review."}
evaluate:
  against: {real: real}
  metrics: [near_duplicates, label_agreement, contamination]
"""


def write(path: str, rows: list[dict[str, Any]]) -> str:
    Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def files() -> None:
    write("rows.jsonl", reviews(60, 1, "row"))
    write("real.jsonl", reviews(100, 3, "real"))
    write("holdout.jsonl", reviews(60, 2, "test"))


def writes(request: Any) -> str:
    import random

    label = "good" if "good" in str(request.messages) else "bad"
    return review(random.Random(request.seed), label)


def ran(text: str = FLOW) -> Any:
    Path("flow.yaml").write_text(text)
    return run("flow.yaml", models={"generator": ScriptedModel(writes), "embedder": HashedTfidf(64)}, runs="runs")


@pytest.mark.usefixtures("files")
def test_a_flow_evaluates_what_it_made() -> None:
    outcome = ran()
    assert outcome.status == "done", (outcome.stop, outcome.trace)
    document = json.loads(outcome.folder.metrics.read_text())
    assert [value["metric"] for value in document["values"]] == [
        "near_duplicates",
        "label_agreement",
        "contamination_8",
        "contamination_13",
    ]
    assert document["n"] == {"synthetic": 40, "real": 100, "holdout": 60}
    assert document["data"]


@pytest.mark.usefixtures("files")
def test_a_run_is_evaluated_in_place_and_keeps_what_it_says_of_itself() -> None:
    outcome = ran(FLOW[: FLOW.index("evaluate:")])
    before = outcome.folder.read_state()
    assert not outcome.folder.metrics.exists()
    ready = prepare("made", Wanted(metrics=["near_duplicates", "contamination"], runs=Path("runs")))
    found = start(ready.execute)
    assert found.status == "done", (found.stop, found.trace)
    values = by_name(ready.stage)
    assert values["contamination_8"].value is not None  # the flow itself named the holdout
    after = outcome.folder.read_state()
    assert after["stages"]["evaluate"]["status"] == "done"
    assert {name: after[name] for name in before} == before
    again = run("flow.yaml", models={"generator": ScriptedModel(writes), "embedder": HashedTfidf(64)}, runs="runs")
    assert again.folder.name == "made"
    assert again.from_journal == again.kept == 40


@pytest.mark.usefixtures("files")
def test_the_same_evaluation_gives_the_same_file() -> None:
    texts = []
    for _ in range(2):
        ready = prepare("rows.jsonl", Wanted(sets={"real": "real.jsonl"}, metrics=["distinct_n", "c2st"], runs=Path("runs")))
        assert start(ready.execute).status == "done"
        texts.append(ready.folder.metrics.read_bytes())
    assert texts[0] == texts[1]


@pytest.mark.usefixtures("files")
def test_generation_cannot_read_the_holdout_but_evaluation_can() -> None:
    stage = prepare("rows.jsonl", Wanted(sets={"holdout": "holdout.jsonl"}, metrics=["contamination"], runs=Path("runs"))).stage
    assert "holdout" in stage.reads


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("near_duplicates,", "near_duplicate,", "no metric is called 'near_duplicate'. Did you mean 'near_duplicates'?"),
        ("{real: real}", "{real: reel}", "'reel', which 'data' does not define. Did you mean 'real'?"),
        ("  metrics:", "  gates: {vendi: 3}\n  metrics:", "'vendi' must be a mapping, not 3."),
        ("  metrics:", "  utility: {sizzes: [8]}\n  metrics:", "'sizzes' is not a key here. Did you mean 'sizes'?"),
        ("  metrics:", "  utility: {student: forest}\n  metrics:", 'cannot be "forest"'),
        ("  metrics:", "  utility: {test: held}\n  metrics:", "'held', which 'data' does not define."),
    ],
)
@pytest.mark.usefixtures("files")
def test_mistakes_in_a_flow_are_one_line_with_a_place(old: str, new: str, says: str) -> None:
    Path("flow.yaml").write_text(FLOW.replace(old, new))
    with pytest.raises((RequestError, ManyErrors)) as caught:
        Flow.from_yaml("flow.yaml")
    assert says in str(caught.value)
    assert str(caught.value).startswith("flow.yaml:")


@pytest.mark.usefixtures("files")
def test_a_flow_with_utility_names_its_controls() -> None:
    outcome = ran(FLOW + "  utility: {student: tfidf_lr, sizes: [10], seeds: 2, compare: [real, real+synthetic, majority]}\n")
    document = json.loads(outcome.folder.metrics.read_text())
    assert {cell["arm"] for cell in document["controls"]["cells"]} >= {"real only", "majority", "EDA", "synthetic"}
    assert any(line.startswith("templates:") for line in document["controls"]["missing"])
    assert any(line.startswith("annotate instead:") for line in document["controls"]["missing"])


@pytest.mark.usefixtures("files")
def test_the_command_prints_a_table_and_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["evaluate", "rows.jsonl", "--real", "real.jsonl", "--holdout", "holdout.jsonl", "--progress", "none"]
    argv += ["--metrics", "near_duplicates,contamination,utility", "--students", "tfidf", "--sizes", "10", "--draws", "2"]
    assert main(argv) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[0].split("\t") == ["metric", "value", "reference (real)", "better", "n"]
    assert "utility_10_tfidf" in told.out
    assert "over real only" in told.out
    assert "control missing: templates" in told.err
    assert main([*argv, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["result"]["values"][0]["metric"] == "near_duplicates"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--metrics", "vendy"], "no metric is called 'vendy'. Did you mean 'vendi'?"),
        (["--sizes", "many"], "--sizes many: whole numbers, separated by commas."),
        (["--students", "forest"], "utility: 'students.0'"),
        (["--real", "nothing.jsonl"], "no such file: nothing.jsonl"),
    ],
)
@pytest.mark.usefixtures("files")
def test_wrong_options_are_one_line_and_exit_2(more: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "rows.jsonl", *more]) == 2
    assert says in capsys.readouterr().err


def test_openings_of_attrprompt_rows_become_the_control() -> None:
    drawn = {"genre": {"value": "crime", "index": 0}, "opening": {"value": "The {{ genre }} film is a mess", "index": 3}}
    rows = [
        Record({"text": "The crime film is a mess and too long.", "label": "bad"}, meta={"conditions": drawn}),
        Record({"text": "no conditions", "label": "bad"}),
        Record({"text": "unknown name", "label": "bad"}, meta={"conditions": {"opening": "The {{ actor }}"}}),
    ]
    assert [tuple(one) for one in drawn_openings(rows)] == [("The crime film is a mess", "bad")]


def test_drawn_openings_are_used_by_utility(tmp_path: Path) -> None:
    rows = [
        Record({"text": one["text"], "label": one["label"]}, meta={"id": one["id"], "conditions": {"opening": f"a {one['label']} opening"}})
        for one in reviews(40, 1, "row")
    ]
    utility = {"students": ["tfidf"], "sizes": [10], "seeds": 2}
    found = evaluated(rows, tmp_path, metrics=[], utility=utility, real=reviews(60, 3, "real"), holdout=reviews(60, 2, "test"))
    value = found.values[0]
    assert value.detail["over_templates"] is not None
    assert not any(line.startswith("templates:") for line in value.detail["controls"]["missing"])


def test_annotate_instead_is_an_arm_where_labelled_texts_are_given(tmp_path: Path) -> None:
    sets = {"real": reviews(60, 3, "real"), "holdout": reviews(60, 2, "test"), "unlabelled": reviews(60, 4, "more")}
    utility = {"students": ["tfidf"], "sizes": [10], "seeds": 2}
    found = evaluated(reviews(40, 1, "row"), tmp_path, metrics=[], utility=utility, **sets)
    controls = found.values[0].detail["controls"]
    assert "annotate instead" in {cell["arm"] for cell in controls["cells"]}
    bare = [{"id": row["id"], "text": row["text"]} for row in sets["unlabelled"]]
    found = evaluated(reviews(40, 1, "row"), tmp_path / "bare", metrics=[], utility=utility, **{**sets, "unlabelled": bare})
    assert any("tilth annotate" in line for line in found.values[0].detail["controls"]["missing"])


def test_data_in_memory_is_read_again_and_again(tmp_path: Path) -> None:
    ready = prepare(Data.of(reviews(20, 1, "row")), Wanted(metrics=["distinct_n"], runs=tmp_path))
    assert start(ready.execute).status == "done"
    assert ready.folder.name == "evaluation"


@pytest.mark.slow
def test_published_rows_of_fewgen(shared: Path, tmp_path: Path) -> None:
    """3,000 rows that a tuned CTRL wrote, against SST-2: labels as good as real ones, half of the vocabulary, recognisable."""
    data = shared / "data"
    sets = {"real": data / "text_classification/sst2/train.jsonl", "holdout": data / "text_classification/sst2/test.jsonl"}
    metrics = ["label_agreement", "near_duplicates", "distinct_n", "contamination"]
    ready = prepare(data / "synthetic_published/fewgen_sst2/train.jsonl", Wanted(sets=sets, metrics=metrics, runs=tmp_path))
    assert start(ready.execute).status == "done"
    found = by_name(ready.stage)
    assert found["label_agreement"].interval[0] > found["label_agreement"].reference
    assert found["near_duplicates"].interval[0] > found["near_duplicates"].reference_interval[1]
    assert found["distinct_2"].value < 0.5 * found["distinct_2"].reference
    assert 0 < found["contamination_13"].value < 0.005


def test_given_templates_are_the_control(tmp_path: Path) -> None:
    sets = {"real": reviews(60, 3, "real"), "holdout": reviews(60, 2, "test"), "templates": reviews(20, 5, "template")}
    found = evaluated(reviews(40, 1, "row"), tmp_path, metrics=[], utility={"students": ["tfidf"], "sizes": [10], "seeds": 2}, **sets)
    assert "templates" in {cell["arm"] for cell in found.values[0].detail["controls"]["cells"]}


@pytest.mark.usefixtures("files")
def test_curation_is_compared_with_as_many_rows_at_random() -> None:
    from tilth.records.results import finalise, schema_of, write_decisions
    from tilth.score.rows import Rows

    outcome = ran(FLOW[: FLOW.index("evaluate:")])
    dropped = list(Rows.kept(outcome.folder).ids())[::2]
    empty = {"score": None, "neighbour": None, "before": None, "after": None}
    write_decisions(outcome.folder, [{"id": one, "step": "length", "action": "drop", "reason": "short", **empty} for one in dropped])
    schema = schema_of(outcome.folder)
    assert schema is not None
    finalise(outcome.folder, schema)
    utility = {"students": ["tfidf"], "sizes": [10], "seeds": 3}
    ready = prepare("made", Wanted(metrics=[], utility=utility, runs=Path("runs")))
    assert start(ready.execute).status == "done"
    cells = ready.stage.values[0].detail["controls"]["cells"]
    assert {cell["filter"] for cell in cells if cell["arm"] == "synthetic"} == {"", "curated", "random half for curated"}
    curated = next(cell for cell in cells if cell["filter"] == "curated" and cell["way"] == "add")
    assert curated["over_random_half"] is not None
