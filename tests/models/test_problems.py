"""Every trouble of an endpoint becomes the right error, with the exact line."""

import time
from email.utils import formatdate

import aiohttp
import orjson
import pytest
from aiohttp import client_exceptions
from yarl import URL

from tilth.errors import Declined, Misconfigured, ModelError, Throttled, Unavailable
from tilth.models.keys import Secret
from tilth.models.problems import Speaker, from_body, from_status, retry_after
from tilth.models.wire import from_exception

KEY = "sk-very-secret-0123456789"
SPEAKER = Speaker("openai", "gpt-4.1-nini", "openai/gpt-4.1-nini", "https://api.example.org", "OPENAI_API_KEY", secret=Secret.bearer(KEY))


def error(status, message="m", headers=None, **more):
    return from_status(SPEAKER, status, headers or {}, orjson.dumps({"error": {"message": message, **more}}))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, Misconfigured),
        (400, Declined),
        (401, Misconfigured),
        (402, Misconfigured),
        (403, Misconfigured),
        (404, Misconfigured),
        (405, Misconfigured),
        (408, Unavailable),
        (409, Unavailable),
        (413, Declined),
        (422, Declined),
        (425, Unavailable),
        (429, Throttled),
        (451, Declined),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (529, Unavailable),
    ],
)
def test_kind_by_status(status, kind):
    made = error(status)
    assert type(made) is kind
    assert made.status == status


def test_exact_lines():
    assert error(401).what == (
        "openai refused the key in OPENAI_API_KEY (401). Nothing was paid. Set a valid key, then run the same command again."
    )
    assert SPEAKER.no_model(["gpt-4.1-mini", "gpt-4o"]).what == (
        "openai has no model 'gpt-4.1-nini' (404; role 'generator'). Did you mean 'gpt-4.1-mini'? See: tilth models list openai"
    )
    ollama = Speaker("ollama", "llama3.1:8b", "ollama/llama3.1:8b", "http://localhost:11434")
    assert ollama.nothing_answers().what == (
        "nothing answers at http://localhost:11434 (role 'generator', ollama/llama3.1:8b). Start it with: ollama serve"
    )


def test_the_servers_message_is_told_in_one_line():
    assert error(400, "too\nlong\x1b[31m").what == "openai declined the request (400): too long [31m"
    assert from_status(SPEAKER, 400, {}, b"<html>" + b"x" * 5000).what.endswith("…")
    assert "detail here" in from_status(SPEAKER, 422, {}, b'{"detail": "detail here"}').what
    assert "boom" in from_status(SPEAKER, 500, {}, b'[{"error": {"message": "boom", "code": 500}}]').what
    assert "plain" in from_status(SPEAKER, 500, {}, b'{"error": "plain"}').what


def test_trouble_with_money_or_key_hidden_in_other_statuses():
    assert type(error(429, "You exceeded your current quota", code="insufficient_quota")) is Misconfigured
    assert type(error(400, "Your credit balance is too low")) is Misconfigured
    assert type(error(400, "API key not valid. Please pass a valid API key.")) is Misconfigured
    assert type(error(403, "Your input was flagged")) is Declined


def test_an_error_in_a_body_with_status_200():
    assert type(from_body(SPEAKER, b'{"error": {"code": 429, "message": "slow down"}}', "no choices")) is Throttled
    assert type(from_body(SPEAKER, b'{"error": {"code": 502}}', "no choices")) is Unavailable
    assert type(from_body(SPEAKER, b'{"error": {"code": "x"}}', "no choices")) is Unavailable
    assert type(from_body(SPEAKER, b"<html>", "no JSON")) is Unavailable


def test_retry_after():
    assert error(429, headers={"retry-after": "2.5"}).retry_after == 2.5
    assert error(503, headers={"retry-after": "3"}).retry_after == 3
    assert retry_after({"retry-after": "-1"}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({"retry-after": "nan"}) is None
    assert retry_after({"retry-after": "Fri, 20 Nov 2026 10:00:07 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}) == 7
    assert retry_after({"retry-after": formatdate(time.time() + 30, usegmt=True)}) == pytest.approx(30, abs=3)
    assert retry_after({"retry-after": "Fri, 20 Nov 2020 10:00:07 GMT"}) == 0


def library_exceptions():
    """One of each of the HTTP library's client exceptions, made with the key inside where it fits."""
    from multidict import CIMultiDict, CIMultiDictProxy

    headers = CIMultiDictProxy(CIMultiDict({"Authorization": f"Bearer {KEY}"}))
    info = aiohttp.RequestInfo(URL(f"http://u:{KEY}@h/"), "POST", headers, URL("http://h/"))
    connection = type("Key", (), {"host": "h", "port": 1, "ssl": True, "is_ssl": True})()
    for name in client_exceptions.__all__:
        kind = getattr(client_exceptions, name)
        if issubclass(kind, aiohttp.ClientResponseError):
            yield kind(info, (), message=KEY)
        elif issubclass(kind, aiohttp.ClientConnectorCertificateError):
            yield kind(connection, Exception(KEY))
        elif issubclass(kind, aiohttp.ClientConnectorError):
            yield kind(connection, OSError(1, KEY))
        elif issubclass(kind, aiohttp.ServerFingerprintMismatch):
            yield kind(b"a", b"b", "h", 1)
        else:
            yield kind(KEY)


@pytest.mark.parametrize("trouble", list(library_exceptions()), ids=lambda trouble: type(trouble).__name__)
def test_every_exception_of_the_library_is_mapped_and_silent_about_the_key(trouble):
    made = from_exception(SPEAKER, trouble)
    assert isinstance(made, Misconfigured if isinstance(trouble, aiohttp.InvalidURL) else ModelError)
    assert KEY not in f"{made} {made!r} {made.args}"


@pytest.mark.parametrize("kind", [TimeoutError, ConnectionResetError, BrokenPipeError, EOFError, OSError])
def test_bare_network_errors_are_asked_again(kind):
    assert type(from_exception(SPEAKER, kind("x"))) is Unavailable
