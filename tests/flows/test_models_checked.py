"""Models are checked by their names before a key is needed: providers, and what a method needs of its role."""

from __future__ import annotations

import pytest

from tilth import catalog
from tilth.errors import RequestError
from tilth.flows.flow import Flow
from tilth.models.base import Capabilities
from tilth.models.scripted import ScriptedModel

NEEDY = """\
tilth: 1
models: {generator: MODEL}
task: {kind: classification, labels: [a, b]}
generate:
  rows: 3
  columns:
    text: {prompt: Write., prefill: 'Once'}
"""


def line(text: str) -> str:
    with pytest.raises(RequestError) as caught:
        Flow.from_text(text, name="f.yaml")
    return str(caught.value)


def test_a_model_that_cannot_do_what_columns_need_is_named_without_a_key() -> None:
    assert line(NEEDY.replace("MODEL", "openai/gpt-4.1-mini")) == (
        "f.yaml:2:21: this stage needs a model with prefill; openai/gpt-4.1-mini only chats. See: tilth models list --can prefill"
    )


@pytest.mark.parametrize("spec", ["local", "openai/mine@http://localhost:9/v1"])
def test_a_model_that_can_or_that_only_its_server_knows_passes(spec: str) -> None:
    assert Flow.from_text(NEEDY.replace("MODEL", spec)).spec


def test_a_model_of_the_stage_answers_for_its_role() -> None:
    text = NEEDY.replace("MODEL", "local").replace("  rows: 3\n", "  rows: 3\n  models: {generator: [local, anthropic/claude-haiku-4-5]}\n")
    assert line(text).startswith("f.yaml:6:31: this stage needs a model with prefill; anthropic/claude-haiku-4-5 only chats.")


def test_what_a_method_needs_of_a_role_is_asked_of_its_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog.find("zerogen").load(), "needs", {"generator": ("completion",)})
    text = "tilth: 1\nmodels: {generator: gemini/gemini-2.5-flash}\ntask: {labels: [a, b]}\ngenerate: {method: zerogen, rows: 3}\n"
    assert line(text) == (
        "f.yaml:2:21: zerogen needs a model with raw completion; gemini/gemini-2.5-flash only chats. "
        "See: tilth models list --can completion"
    )


def test_an_unknown_provider_is_named() -> None:
    assert line(NEEDY.replace("MODEL", "{model: opnai/m, temperature: 1}")).startswith(
        "f.yaml:2:29: role 'generator': no provider is called 'opnai'. Did you mean 'openai'?"
    )


def test_a_model_object_is_no_name() -> None:
    flow = Flow.from_text(NEEDY.replace("MODEL", "local"))
    model = ScriptedModel(lambda request: "x", can=Capabilities(prefill=True))
    assert flow.override({("models", "generator"): ["scripted"]}, objects={"generator": [model]}).spec


def test_a_batch_service_is_waited_for_and_not_replaced_by_single_calls() -> None:
    flow = Flow.from_text(NEEDY.replace("MODEL", "{model: local, batch: true}"), name="f")
    assert [str(one) for one in flow.waiting] == ["f:2:36: 'batch' is not in this version yet; the flow validates but cannot run."]
