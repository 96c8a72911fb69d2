"""The error lines of the product, each by a real trigger, word for word.

Not here, because their part does not exist yet: reading PDF (15; another extra stands for it) and the push token (22).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Tell, Told, environment
from tilth.models.faults import Faults, FaultServer

FLOW = """\
tilth: 1
name: support-intents
task:
  kind: classification
  about: Short messages of customers of a web shop.
  labels: {refund: wants money back, order_status: asks where it is}
data:
  support: examples16.csv
generate:
  method: attrprompt
  rows: 200
  with: {attributes: {tone: [calm, angry]}, label_attributes: {}, max_tokens: 60}
"""
COLUMNS = """\
tilth: 1
task: {about: questions to a helpdesk}
data: {people: people.jsonl}
generate:
  rows: 6
  columns:
    persona: {from: people, keep: false}
    instruction: {prompt: "Ask as {{ personna }}."}
"""
GOOD = "text,label\nwhere is it,order_status\nmoney back,refund\n"

Flow = Callable[..., str]


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    """Write intents.yaml with changes to it; the examples beside it are in order."""

    def write(*changes: tuple[str, str], text: str = FLOW, examples: str = GOOD) -> str:
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "intents.yaml").write_text(text)
        (tmp_path / "examples16.csv").write_text(examples)
        (tmp_path / "people.jsonl").write_text('{"text": "a nurse"}\n{"text": "a smith"}\n')
        return "intents.yaml"

    return write


def line(told: Told, exit: int) -> str:
    """The one line of an error: nothing on stdout but a run's path, nothing else that begins with error."""
    found = [one for one in told.err.splitlines() if one.startswith("error:")]
    assert told.exit == exit and len(found) == 1, told.err
    return found[0]


def test_1_file_name(tilth: Tell, flow: Flow) -> None:
    flow()
    assert line(tilth("run", "intent.yaml"), 2) == "error: no such flow: intent.yaml. Did you mean 'intents.yaml'?"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            ("method: attrprompt", "method: atrprompt"),
            "error: intents.yaml:10:11: no method is called 'atrprompt'. Did you mean 'attrprompt'? See: tilth methods",
        ),
        (("generate:", "generatr:"), "error: intents.yaml:9:1: 'generatr' is not a key here. Did you mean 'generate'?"),
        (("rows: 200", "rows: 1k"), "error: intents.yaml:11:9: 'rows' must be a whole number, not \"1k\"."),
    ],
)
def test_2_3_4_method_key_and_type(change: tuple[str, str], expected: str, tilth: Tell, flow: Flow) -> None:
    assert line(tilth("run", flow(change)), 2) == expected


def test_5_template(tilth: Tell, flow: Flow) -> None:
    said = line(tilth("preview", flow(text=COLUMNS)), 2)
    assert said == (
        "error: intents.yaml:8:38: 'instruction' asks for '{{ personna }}', which is no column, input or builtin. Did you mean 'persona'?"
    )


def test_6_no_key(tilth: Tell, flow: Flow) -> None:
    assert line(tilth("run", flow(), "-m", "openai/gpt-4.1-mini"), 2) == (
        "error: OPENAI_API_KEY is not set, and role 'generator' uses openai/gpt-4.1-mini. Set it, or try without: -m generator=local"
    )


def test_7_wrong_key(tilth: Tell, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
    with FaultServer(faults=Faults(p401=1.0)) as server:
        told = tilth("run", flow(), "-n", "4", "-m", f"openai/gpt-4.1-mini@{server.url}")
    assert line(told, 3) == (
        "error: openai refused the key in OPENAI_API_KEY (401). Nothing was paid. Set a valid key, then run the same command again."
    )


def test_8_model_name(tilth: Tell, flow: Flow) -> None:
    with FaultServer(models=("gpt-4.1-mini", "gpt-4.1")) as server:
        told = tilth("run", flow(), "-n", "4", "-m", f"openai/gpt-4.1-nini@{server.url}")
    assert line(told, 3) == (
        "error: openai has no model 'gpt-4.1-nini' (404; role 'generator'). Did you mean 'gpt-4.1-mini'? See: tilth models list openai"
    )


def test_9_server_down(tilth: Tell, flow: Flow) -> None:
    with FaultServer() as server:
        gone = server.url
    told = tilth("run", flow(), "-n", "2", "-m", f"ollama/llama3.1:8b@{gone}")
    origin = gone.removesuffix("/v1")
    assert line(told, 3) == (f"error: nothing answers at {origin} (role 'generator', ollama/llama3.1:8b). Start it with: ollama serve")


def test_10_model_not_pulled(tilth: Tell, flow: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino_genai")
    monkeypatch.setenv("TILTH_HOME", str(tmp_path / "empty"))
    assert line(tilth("run", flow(), "-m", "local"), 2) == (
        "error: the embedded model 'smollm2-135m' is not on this machine. Get it (93 MB) with: tilth models pull local"
    )


def priced(flow: Flow, url: str) -> str:
    model = f'models: {{generator: {{model: "openai/test@{url}", price: {{in: 40, out: 400}}}}}}\n'
    return flow(("task:\n", f"{model}task:\n"))


def test_11_budget(tilth: Tell, flow: Flow) -> None:
    with FaultServer() as server:
        path = priced(flow, server.url)
        told = tilth("run", path, "--budget", "0.70")
        asked = server.stats()["requests"]
        said = line(told, 2)
        assert said.startswith("error: a budget of $0.70 cannot do this: the estimate is $")
        assert said.endswith("]. Raise --budget, lower -n, or use --budget-ok-partial.")
        assert asked <= 21 and not Path("runs/support-intents/run.json").exists()
        partial = tilth("run", path, "--budget", "0.70", "--budget-ok-partial")
        assert partial.exit == 4 and "stopped at the budget: " in partial.err


def test_12_13_column_and_label(tilth: Tell, flow: Flow) -> None:
    assert line(tilth("run", flow(examples="text,intent\na,refund\n")), 2) == (
        "error: examples16.csv has no column 'label' (it has: text, intent). Map it in the flow: data.support.columns: {label: intent}"
    )
    assert line(tilth("run", flow(examples=GOOD + "hello,refunds\n")), 2) == (
        "error: examples16.csv:4: label 'refunds' is none of task.labels. Did you mean 'refund'?"
    )


def test_14_bad_line(tilth: Tell, flow: Flow, tmp_path: Path) -> None:
    path = flow(("personna", "persona"), text=COLUMNS)
    (tmp_path / "people.jsonl").write_text('{"text": "a nurse"}\n{"text": "a sm\n')
    said = line(tilth("run", path, "--scripted"), 2)
    assert said.startswith("error: people.jsonl:2: not JSON (") and said.endswith(
        "). Fix the line, or skip such lines with: --bad-lines skip"
    )
    assert tilth("run", path, "--scripted", "--bad-lines", "skip", "-n", "1").exit == 0


def test_15_extra(tilth: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino_genai", None)
    assert line(tilth("demo"), 2) == ("error: the embedded model needs openvino_genai. Install it with: pip install 'tilth[local]'")


def test_16_run_in_use(tilth: Tell, flow: Flow, tmp_path: Path) -> None:
    from tilth.records.folder import RunFolder

    with RunFolder(tmp_path / "runs" / "support-intents").lock():
        said = line(tilth("run", flow(), "--scripted", "-n", "4"), 2)
    assert said.startswith(f"error: runs/support-intents is being written by process {os.getpid()} since ")
    assert said.endswith(". Watch it with: tilth status support-intents --watch")


def test_17_role_name(tilth: Tell, flow: Flow) -> None:
    assert line(tilth("run", flow(), "-m", "writer=openai/gpt-4.1"), 2) == (
        "error: -m writer=openai/gpt-4.1: this flow has no role 'writer' (it has: generator, embedder)."
    )


def test_18_capability(tilth: Tell, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-any")
    said = line(tilth("run", flow(text=FLOW + "curate: [label_probability]\n"), "-m", "openai/gpt-4.1-mini"), 2)
    assert said == (
        "error: curate needs a model with scores of given texts; openai/gpt-4.1-mini only chats. See: tilth models list --can score"
    )


def test_20_no_run(tilth: Tell, flow: Flow) -> None:
    assert tilth("run", flow(), "--scripted", "-n", "4").exit == 0
    assert line(tilth("status", "suport-intents"), 2) == "error: no run called 'suport-intents' in ./runs. Did you mean 'support-intents'?"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_21_disk(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tilth", "catalog"], stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), cwd=tmp_path
        )
    assert done.returncode == 3
    assert done.stderr == (
        "error: no space left on the disk. All paid replies are in the journal: free space and run the same command again.\n"
    )


def test_23_judge_is_the_generator(tilth: Tell, flow: Flow) -> None:
    with FaultServer() as server:
        spec = f"openai/test@{server.url}"
        steps = "curate:\n  - judge: {asks: does it fit the label, keep: 1}\n"
        told = tilth("run", flow(text=FLOW + steps), "-n", "2", "-m", spec)
        other = tilth("run", "intents.yaml", "-n", "2", "-m", spec, "-m", f"judge=openai/other@{server.url}")
    assert other.exit == 0 and "judge and generator" not in other.err
    assert f"warning: judge and generator are both {spec}; a model rates its own text too well. Choose another: -m judge=…" in told.err


@pytest.mark.slow
def test_24_embedded_model(tilth: Tell, flow: Flow) -> None:
    pytest.importorskip("openvino_genai")
    from tilth.models.local.weights import is_pulled, pin_of

    if not is_pulled(pin_of("local")):
        pytest.skip("the embedded model is not on this machine")
    told = tilth("run", flow(), "-n", "1", "-m", "local", "-p", "max_tokens=8", "--json")
    assert "made by a 135M model on this machine: it proves that the flow works, not that the data are good." in [
        one["message"] for one in told.json["warnings"]
    ]
