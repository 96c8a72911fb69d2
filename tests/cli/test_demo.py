"""demo, doctor, methods and models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Tell
from cli.test_runs import parses
from tilth import catalog
from tilth.models.faults import FaultServer


def review(job: Any) -> str:
    return f"quite a film, number {job.get('seed')}, and I will not forget it. Nobody in the whole house did."


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(reply=review) as running:
        yield running


def test_the_demo_runs_shows_samples_and_leaves_its_flow(tilth: Tell, tmp_path: Path, server: FaultServer) -> None:
    told = tilth("demo", "--model", f"openai/test@{server.url}", "-n", "8", "--yes")
    assert (told.exit, told.out) == (0, "runs/demo-classification\n")
    assert "8 records kept of 8 tried" in told.err and "6 of the 8 records:" in told.err
    assert (tmp_path / "runs" / "demo-classification.yaml").is_file() and (tmp_path / "runs" / "reviews16.csv").is_file()
    parses(told.advice)
    again = tilth("demo", "--model", f"openai/test@{server.url}", "-n", "8", "--json")
    assert again.json["result"]["usage"]["calls"] == 0
    labels = [one["label"] for one in again.json["result"]["samples"]]
    assert sorted(labels) == ["negative"] * 3 + ["positive"] * 3


def test_it_rejects_what_has_a_fault_and_trace_says_which(tilth: Tell) -> None:
    def faulty(job: Any) -> str:
        text = str(job["messages"][0]["content"])
        return "." if "horror" in text else review(job) + " The reviewer was moved." if "crime" in text else review(job)

    with FaultServer(reply=faulty) as server:
        told = tilth("demo", "--model", f"openai/test@{server.url}", "-n", "48", "--json")
    reasons = {one["step"]: one["n"] for one in told.json["result"]["reasons"] if one["step"] in ("length", "drop_if")}
    assert set(reasons) == {"length", "drop_if"}
    short = tilth("trace", "demo-classification", "--reason", "too_short", "-n", "1").out
    assert "rejected: too short" in short
    step = tilth("trace", "demo-classification", "--reason", "drop_if", "--json").json["result"]["records"]
    assert step and all("reviewer" in one["columns"]["text"] for one in step)


def test_an_edited_flow_is_left_alone_and_used(tilth: Tell, tmp_path: Path, server: FaultServer) -> None:
    spec = f"openai/test@{server.url}"
    tilth("demo", "--model", spec, "-n", "4", "--keep", "mine")
    flow = tmp_path / "mine" / "demo-classification.yaml"
    flow.write_text(flow.read_text().replace("seed: 7", "seed: 8"))
    told = tilth("demo", "--model", spec, "-n", "4", "--keep", "mine")
    assert "mine/demo-classification.yaml was edited; it is used as it is" in told.err
    assert "seed: 8" in flow.read_text()


def test_without_the_model_and_without_a_terminal_it_says_how_to_get_it(
    tilth: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino_genai")
    monkeypatch.setenv("TILTH_HOME", str(tmp_path / "empty"))
    told = tilth("demo")
    assert (told.exit, told.out) == (2, "")
    assert told.err == ("error: the embedded model 'smollm2-135m' is not on this machine. Get it (93 MB) with: tilth models pull local\n")
    assert not (tmp_path / "runs").exists()
    doctor = tilth("doctor")
    assert doctor.exit == 0 and "embedded model smollm2-135m is not ready" in doctor.out
    parses(doctor.advice)


def test_doctor_says_where_settings_come_from_and_no_key(tilth: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tilth.toml").write_text('budget = 2.5\n[models]\ngenerator = "openai/m"\n')
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    told = tilth("doctor", "--json")
    assert "sk-very-secret" not in told.out and str(Path.home()) not in told.out
    checks = {one["name"]: one for one in told.json["result"]["checks"]}
    assert checks["settings"]["settings"]["budget"] == {"value": 2.5, "origin": "tilth.toml"}
    assert checks["keys"]["set"]["OPENAI_API_KEY"] is True
    assert "budget=2.5 (tilth.toml) · generator=openai/m (tilth.toml)" in tilth("doctor").out


def test_doctor_fails_where_runs_cannot_be_written(tilth: Tell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = tilth("doctor", "--runs", "/proc/nowhere", "--json")
    assert told.exit == 1
    assert told.json["ok"] is False and told.json["result"]["healthy"] is False


def test_every_method_and_flow_has_a_card(tilth: Tell) -> None:
    listed = tilth("methods", "--json").json["result"]["methods"]
    names = {one["name"] for one in listed}
    assert names >= set(catalog.methods()) | {"zero-shot", "few-shot"}
    for name in sorted(names):
        told = tilth("methods", name)
        assert told.exit == 0 and told.out.startswith(f"{name}   ")
        parses(told.advice)


def test_the_parameters_of_a_method_are_those_of_its_class(tilth: Tell) -> None:
    card = tilth("methods", "attrprompt", "--json").json["result"]
    fields = catalog.find("attrprompt").load().model_fields
    assert {one["name"] for one in card["parameters"]} == {field.alias or name for name, field in fields.items()}
    assert "prompts" in {one["name"] for one in card["parameters"]}
    assert "data seed (instruction, input if there is one, output if there is one)" in tilth("methods", "evol-instruct").out
    assert "data support (text, label), optional" in tilth("methods", "attrprompt").out
    needing = tilth("methods", "--needs", "unlabelled", "--json").json["result"]["methods"]
    reading = {name: one.inputs["unlabelled"] for name, one in catalog.methods().items() if "unlabelled" in one.inputs}
    assert {one["name"] for one in needing} == {name for name, columns in reading.items() if not columns.startswith("?")}
    assert all(one["meaning"] for one in card["parameters"])
    by_name = {one["name"]: one for one in card["parameters"]}
    assert by_name["attributes"]["source"] == "paper, section 3.1" and by_name["attributes"]["default"] == "ask"


def test_a_family_that_is_none_names_the_others(tilth: Tell) -> None:
    told = tilth("methods", "--family", "cooking")
    assert told.exit == 2 and told.err.startswith("error: no method is of the family 'cooking' (there are: ")


def test_models_are_listed_by_what_they_can(tilth: Tell) -> None:
    rows = tilth("models", "list", "--can", "score", "--json").json["result"]["models"]
    assert [row["spec"] for row in rows] == ["local/smollm2-135m"]
    assert "openai/gpt-4.1-mini\tchat logprobs" in tilth("models", "list", "openai").out


def test_check_asks_each_model_and_fails_when_one_does_not_answer(tilth: Tell, server: FaultServer) -> None:
    good, bad = f"openai/test@{server.url}", "openai/gpt-4.1-mini"
    assert "✓ answers in" in tilth("models", "check", good).out
    told = tilth("models", "check", good, bad, "--json")
    assert told.exit == 1
    assert [one["ok"] for one in told.json["result"]["models"]] == [True, False]
    assert "OPENAI_API_KEY is not set" in told.json["result"]["models"][1]["says"]
