"""Spec strings, keys and the lines for mistakes in them."""

import pytest

from tilth.errors import RequestError
from tilth.models import ScriptedModel, open_model, open_role, parse_spec, price_of
from tilth.models.spec import Spec


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("local", Spec("local", "smollm2-135m")),
        ("local?fast", Spec("local", "smollm2-135m", None, ("fast",))),
        ("local/other?fast", Spec("local", "other", None, ("fast",))),
        ("openai/gpt-4.1-mini", Spec("openai", "gpt-4.1-mini")),
        ("ollama/llama3.1:8b", Spec("ollama", "llama3.1:8b")),
        ("openrouter/meta-llama/llama-3.1-8b", Spec("openrouter", "meta-llama/llama-3.1-8b")),
        ("vllm/org/model@http://node7:8000/v1", Spec("vllm", "org/model", "http://node7:8000/v1")),
        ("openai/claude-3@20240307", Spec("openai", "claude-3@20240307")),
        (" openai/m@https://u:p@host/v1 ", Spec("openai", "m", "https://u:p@host/v1")),
    ],
)
def test_parse(text, expected):
    assert parse_spec(text) == expected


def test_a_spec_never_shows_the_user_part_of_an_address():
    parsed = parse_spec("openai/m@https://u:secret@host/v1?key=k99")
    assert str(parsed) == "openai/m@https://host/v1"
    assert "secret" not in repr(parsed)
    assert parsed.identity == "openai/m"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("opnai/gpt-4", "role 'judge': no provider is called 'opnai'. Did you mean 'openai'? See: tilth models list"),
        (
            "gpt-4.1",
            "role 'judge': no provider is called 'gpt-4.1'. Write PROVIDER/NAME, with one of: "
            "local, openai, anthropic, gemini, openrouter, ollama, vllm. See: tilth models list",
        ),
        ("openai/", "role 'judge': 'openai/' names no model. Write it as openai/NAME."),
        ("openai", "role 'judge': 'openai' names no model. Write it as openai/NAME."),
        ("local?slow", "role 'judge': 'local' takes the option 'fast', not 'slow'. Write local?fast."),
    ],
)
def test_lines_for_wrong_specs(text, line):
    with pytest.raises(RequestError) as caught:
        parse_spec(text, role="judge")
    assert str(caught.value) == line


def test_a_missing_key_says_what_to_do():
    with pytest.raises(RequestError) as caught:
        open_model("openai/gpt-4.1-mini", env={})
    assert str(caught.value) == (
        "OPENAI_API_KEY is not set, and role 'generator' uses openai/gpt-4.1-mini. Set it, or try without: -m generator=local"
    )
    assert caught.value.code == "model.key_missing"


def test_what_a_spec_opens():
    model = open_model("openai/gpt-4.1-mini", env={"OPENAI_API_KEY": "k"})
    assert (model.name, model.identity, model.endpoint) == ("openai/gpt-4.1-mini", "openai/gpt-4.1-mini", "https://api.openai.com")
    assert model.price == price_of("openai/gpt-4.1-mini")
    assert not model.can.prefill
    assert not model.can.completion
    model = open_model("openai/gpt-4.1-mini@http://h:9/v1", env={})
    assert (model.identity, model.endpoint, model.price) == ("openai/gpt-4.1-mini", "http://h:9", None)
    assert open_model("vllm/m", env={}).can.prefill
    assert open_model("vllm/m", env={}).price.output == 0
    assert open_model("openai/o4-mini", env={"OPENAI_API_KEY": "k"}).dialect.reasoning
    assert not open_model("openai/o4-mini@http://h:9/v1", env={}).dialect.reasoning
    assert open_model("openai/gpt-3.5-turbo-instruct", env={"OPENAI_API_KEY": "k"}).can.completion


def test_a_role_from_a_mapping():
    role = open_role(
        {
            "model": "openai/m@http://h:9/v1",
            "temperature": 0.2,
            "stop": "END",
            "concurrency": 3,
            "price": {"in": 1, "out": 2},
            "extra": {"top_k": 4},
            "rpm": 60,
        },
        role="judge",
        env={},
    )
    assert (role.name, role.identity, role.temperature, role.stop, role.rpm) == ("openai/m@http://h:9/v1", "openai/m", 0.2, ("END",), 60)
    assert (role.concurrency, role.price.input, role.price.output, role.extra) == (3, 1, 2, {"top_k": 4})


def test_a_role_from_a_model():
    model = ScriptedModel(lambda request: "x")
    role = open_role(model)
    assert role.model is model
    assert open_role(role) is role
    assert role.can.prefill
    assert open_role({"model": model, "max_tokens": 5}).max_tokens == 5


def test_what_a_model_can_do_may_be_said():
    guessed = open_role("openai/m@http://h:9/v1", env={})
    assert guessed.can.completion and guessed.guessed and open_role("vllm/m", env={}).guessed
    chats = open_role({"model": "openai/m@http://h:9/v1", "can": {"completion": False, "prefill": True}}, env={})
    assert (chats.can.completion, chats.can.prefill, chats.can.schema, chats.guessed) == (False, True, True, False)
    assert chats.model.can == chats.can  # the request's body is made by what the model can
    assert not open_role("openai/gpt-4.1-mini", env={"OPENAI_API_KEY": "k"}).guessed
    own = open_role({"model": ScriptedModel(lambda request: "x"), "can": {"completion": False}})
    assert not own.can.completion and own.can.deterministic and not own.guessed


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"model": "local", "can": {"score": True}},
            "role 'judge': 'can' must be a mapping such as {completion: false}, of chat, completion, prefill, logprobs, seed, schema, "
            "tools, images, not {'score': True}.",
        ),
        ({"model": "local", "temprature": 1}, "role 'judge': 'temprature' is not a key here. Did you mean 'temperature'?"),
        ({"temperature": 1}, "role 'judge': 'model' is missing. Name one, such as {model: openai/gpt-4.1-mini}."),
        ({"model": "local", "temperature": "hot"}, "role 'judge': 'temperature' must be a number of at least 0, not \"hot\"."),
        ({"model": "local", "max_tokens": 1.5}, "role 'judge': 'max_tokens' must be a whole number of at least 1, not 1.5."),
        ({"model": "local", "top_p": 0}, "role 'judge': 'top_p' must be a number above 0 and at most 1, not 0."),
        ({"model": "local", "price": {"in": 1}}, "role 'judge': 'price' needs both in and out, in US dollars per 1M tokens."),
        ({"model": "local", "seed": True}, "role 'judge': 'seed' must be a whole number of at least 0, not True."),
    ],
)
def test_lines_for_wrong_mappings(given, line):
    with pytest.raises(RequestError) as caught:
        open_role(given, role="judge", env={})
    assert str(caught.value) == line


def test_opening_is_light():
    import subprocess
    import sys

    code = "import sys, tilth.models.spec, tilth.models.roles, tilth.models; print([m for m in ('aiohttp', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_public_face_is_complete():
    import tilth.models as models

    assert list(models.__all__) == sorted(models.__all__)
    assert all(getattr(models, name) is not None for name in models.__all__)
    with pytest.raises(AttributeError):
        _ = models.nothing
