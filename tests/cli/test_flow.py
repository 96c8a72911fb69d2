"""tilth flow: what it writes validates, what it says has its place, and its tables are what is in the file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from cli.conftest import Tell
from tilth import catalog
from tilth.errors import RequestError
from tilth.flows.drafting import COLUMNS, draft
from tilth.flows.flow import Flow
from tilth.flows.load import load

FLOWS = Path(__file__).parents[2] / "examples" / "flows"


@pytest.fixture
def flows(tilth: Tell) -> Tell:
    """The command line in a copy of the example flows."""
    shutil.copytree(FLOWS, ".", dirs_exist_ok=True)
    return tilth


def test_validate_counts_and_lists_what_this_version_does_not_have(flows: Tell) -> None:
    told = flows("flow", "validate", "handbook.yaml")
    assert told.exit == 0
    assert told.err.splitlines()[0] == (
        "✓ handbook.yaml: 7 columns, 2 model columns, 1 verifier, 1 judge, 5 curation steps, 2 gates; 7 passages, 4 personas"
    )
    assert "! handbook.yaml:66:1: 'review' is not in this version yet; the flow validates but cannot run" in told.err
    refused = flows("run", "handbook.yaml")
    assert refused.exit == 2 and not Path("runs").exists()
    assert "error: handbook.yaml:66:1: 'review' is not in this version yet; the flow validates but cannot run." in refused.err


def test_validate_says_everything_that_is_wrong_and_the_json_lists_it(flows: Tell) -> None:
    text = Path("intents.yaml").read_text()
    Path("bad.yaml").write_text(text.replace("rows: 1000", "rows: 1k").replace("gates:", "gatez:"))
    told = flows("flow", "validate", "intents.yaml", "bad.yaml", "--json")
    assert told.exit == 2
    answer = told.json
    assert [one["ok"] for one in answer["result"]["flows"]] == [True, False]
    places = [(error["file"], error["line"], error["column"], error["code"]) for error in answer["result"]["errors"]]
    assert places == [("bad.yaml", 29, 9, "flow.type"), ("bad.yaml", 47, 3, "flow.unknown_key")]
    assert answer["error"]["code"] == "flow.type"
    assert told.err.splitlines()[-1] == "error: bad.yaml:47:3: 'gatez' is not a key here. Did you mean 'gates'?"


def test_validate_reads_columns_and_labels_of_the_data(flows: Tell) -> None:
    Path("examples16.csv").write_text("text,label\nx,refund\ny,refunds\n")
    told = flows("flow", "validate", "intents.yaml")
    assert (told.exit, told.err) == (2, "error: examples16.csv:3: label 'refunds' is none of task.labels. Did you mean 'refund'?\n")
    Path("examples16.csv").write_text("text,intent\nx,refund\n")
    told = flows("flow", "validate", "intents.yaml")
    line = "error: examples16.csv has no column 'label' (it has: text, intent). Map it in the flow: data.support.columns: {label: intent}"
    assert (told.exit, told.err.strip()) == (2, line)


def test_show_lists_columns_in_order_with_what_each_needs(flows: Tell) -> None:
    told = flows("flow", "show", "handbook.yaml")
    rows = [line.split("\t") for line in told.out.splitlines()]
    assert rows[0][:3] == ["column", "made by", "needs"]
    assert rows[4:6] == [
        ["instruction", "ask generator", "passage, persona, depth", ""],
        ["output", "ask generator", "passage, instruction", ""],
    ]


def test_show_graph(flows: Tell) -> None:
    assert flows("flow", "show", "code.yaml", "--graph").out.splitlines() == [
        "instructions  self_oss_instruct 4,000 rows",
        "└─ solutions     columns",
        "   ├─ code             ask generator ×4, one record each         needs instruction",
        "   ├─ tests            ask generator                             needs instruction, code",
        "   ├─ passed           verify python (sandbox)                   needs code, tests",
        "   └─ mutants_caught   verify mutation (sandbox), when passed    needs code, tests, passed",
        "curate drop_if → drop_if → decontaminate → dedupe → select",
    ]


@pytest.mark.parametrize("name", ["intents", "handbook", "code", "preferences", "tabular"])
def test_show_resolved_reads_back_to_itself(flows: Tell, name: str) -> None:
    told = flows("flow", "show", f"{name}.yaml", "--resolved")
    again = Flow.from_text(told.out, name="again.yaml")
    assert again.to_yaml(resolved=True) == told.out
    assert again.spec.task == Flow.from_yaml(f"{name}.yaml").spec.task


def test_show_prompt_renders_the_first_row(flows: Tell) -> None:
    told = flows("flow", "show", "handbook.yaml", "--prompt", "output")
    assert told.out.startswith("user:\n  Answer only from this passage.")
    assert "Question: ‹instruction›" in told.out and any(name in told.out for name in ("# Leave", "## ", "# Expenses", "# Core hours"))
    judged = flows("flow", "show", "handbook.yaml", "--prompt", "quality").out
    assert "- helpful: the answer solves what was asked" in judged
    missed = flows("flow", "show", "handbook.yaml", "--prompt", "outputs")
    assert (missed.exit, missed.err) == (2, "error: 'outputs' asks no model here. Did you mean 'output'?\n")


def test_schema_goes_to_stdout_or_a_file(tilth: Tell) -> None:
    schema = json.loads(tilth("flow", "schema").out)
    Draft202012Validator.check_schema(schema)
    assert tilth("flow", "schema", "--out", "deep/s.json").out == "deep/s.json\n"
    assert json.loads(Path("deep/s.json").read_text()) == schema


def test_init_writes_a_flow_that_validates_and_the_schema_beside_it(tilth: Tell) -> None:
    rows = "".join(f"{text},{label}\n" for text, label in [("Nice thing", "yes"), ("Bad thing", "no")] * 3)
    Path("ex.csv").write_text("message,intent\n" + rows)
    told = tilth("flow", "init", "My Flow", "--from", "ex.csv", "--columns")
    assert (told.exit, told.out) == (0, "My Flow.yaml\n")
    source = load("My Flow.yaml")
    assert source.data["name"] == "my-flow"
    assert source.data["task"]["labels"] == {"yes": "", "no": ""}
    assert source.data["data"] == {"support": {"read": "ex.csv", "columns": {"text": "message", "label": "intent"}}}
    assert '#   {"message": "Nice thing", "intent": "yes"}' in source.text
    assert source.text.startswith("# yaml-language-server: $schema=.tilth/flow.schema.json\n# $schema: ")
    schema = json.loads(Path(".tilth/flow.schema.json").read_text())
    assert list(Draft202012Validator(schema).iter_errors(source.data)) == []
    assert tilth("flow", "validate", "My Flow.yaml").exit == 0
    again = tilth("flow", "init", "My Flow")
    assert (again.exit, again.err) == (
        2,
        "error: My Flow.yaml is there already. Choose another name, or write over it with --force.\n",
    )
    assert tilth("flow", "init", "My Flow", "--force").exit == 0


def test_init_without_a_name_writes_to_stdout_only(tilth: Tell) -> None:
    told = tilth("flow", "init", "--method", "attrprompt")
    assert Flow.from_text(told.out).stage.method == "attrprompt"
    assert "\n    max_tokens: 300 " in told.out  # a small model that does not stop would write 2048
    assert not list(Path().iterdir())


@pytest.mark.parametrize("kind", ["instruction", "qa", None])
def test_init_from_documents_asks_about_their_passages(tilth: Tell, kind: str | None) -> None:
    Path("manual/deep").mkdir(parents=True)
    Path("manual/deep/leave.md").write_text("# Leave\n\nEverybody has 28 days.\n\n# Pay\n\nOn the last day.\n", "utf-8")
    told = tilth("flow", "init", "sub/handbook", "--from", "manual/", *(["--kind", kind] if kind else []))
    assert told.exit == 0, told.err
    text = Path("sub/handbook.yaml").read_text("utf-8")
    assert "# 2 passages" in text and "read: ../manual/**/*.md" in text
    checked = tilth("flow", "validate", "sub/handbook.yaml")
    assert checked.exit == 0 and "2 passages" in checked.err
    ran = tilth("run", "sub/handbook.yaml", "--scripted", "-n", "2")
    assert "2 tried" in ran.err


def test_init_in_another_folder_finds_its_data_from_there(tilth: Tell) -> None:
    Path("data").mkdir()
    Path("data/t.jsonl").write_text('{"instruction": "Do it."}\n' * 10)
    assert tilth("flow", "init", "deep/tasks", "--from", "data/t.jsonl", "--method", "self-instruct").exit == 0
    assert load("deep/tasks.yaml").data["data"] == {"seed": "../data/t.jsonl"}
    assert tilth("flow", "validate", "deep/tasks.yaml").exit == 0


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--kind", "clasification"], "error: 'clasification' is no kind of data. Did you mean 'classification'?"),
        (["--method", "atrprompt"], "error: no method is called 'atrprompt'. Did you mean 'attrprompt'? See: tilth methods"),
        (["--method", "self-instruct"], "error: self-instruct reads 'seed' (instruction is_classification). Say which file: --from FILE"),
    ],
)
def test_init_says_what_is_wrong(tilth: Tell, words: list[str], line: str) -> None:
    told = tilth("flow", "init", *words)
    assert (told.exit, told.err.strip()) == (2, line)


@pytest.mark.parametrize("columns", [True, False], ids=["columns", "method"])
@pytest.mark.parametrize("kind", COLUMNS)
def test_every_kind_has_a_draft_that_is_right(kind: str, columns: bool) -> None:
    flow = Flow.from_text(draft("x", kind=kind, columns=columns))
    assert flow.waiting == () and flow.spec.task.kind == kind


def test_every_method_has_a_draft_that_is_right() -> None:
    drafted = 0
    for name in catalog.methods():
        try:
            text = draft("x", method=name)
        except RequestError as error:
            assert "--from FILE" in error.what or "needs parameters" in error.what
            continue
        drafted += 1
        assert Flow.from_text(text).method().name == name
    assert drafted


def test_odd_labels_are_read_back_as_they_are(tmp_path: Path) -> None:
    odd = ["a: b", "yes", "1", "#x", "it's", '"q"', "null", "ünï", "a, b", "{x}", "- y"]
    path = tmp_path / "odd.jsonl"
    path.write_text("".join(json.dumps({"text": f"t {n} {label}", "label": label}) + "\n" for label in odd for n in range(3)))
    flow = Flow.from_text(draft("x", source=path, columns=True, folder=tmp_path), folder=tmp_path).validate(files=True)
    assert list(flow.spec.task.labels) == odd
    assert yaml.safe_load(draft("x", source=path, folder=tmp_path))["task"]["kind"] == "classification"


def test_validate_asks_the_models_when_told_to(tilth: Tell) -> None:
    Path("f.yaml").write_text(draft("x", kind="text").replace("generator: local ", "generator: vllm/m@http://127.0.0.1:9/v1 "))
    assert tilth("flow", "validate", "f.yaml").exit == 0
    told = tilth("flow", "validate", "f.yaml", "--models", "--json")
    assert told.exit == 1
    assert told.json["error"]["code"] == "model.no_answer" and told.json["result"]["flows"][0]["models"][0]["ok"] is False
