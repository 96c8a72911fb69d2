"""From what an endpoint answers to a :class:`tilth.errors.ModelError` with a line for people."""

from __future__ import annotations

import difflib
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from tilth.errors import Declined, Misconfigured, ModelError, Throttled, Unavailable
from tilth.models.keys import Secret

_LONGEST = 300
_BAD_KEY = re.compile(
    r"api[_ -]?key.{0,40}(not valid|invalid|expired)|(invalid|incorrect).{0,10}api[_ -]?key|API_KEY_INVALID", re.IGNORECASE
)
_NO_CREDIT = re.compile(
    r"insufficient_quota|exceeded your current quota|credit balance is too low|insufficient (credits|balance)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who is asked, in the words of error lines; `secret` is taken out of every one of them."""

    provider: str
    model: str
    spec: str
    origin: str
    key_env: str | None = None
    role: str = "generator"
    secret: Secret = field(default_factory=Secret)

    def refused_key(self, status: int) -> Misconfigured:
        """The line for 401 and 403."""
        if self.secret:
            what, remedy = f"refused the key in {self.key_env}", "Set a valid key"
        else:
            what, remedy = f"wants a key at {self.origin}", f"Set {self.key_env}" if self.key_env else "Set a key"
        return Misconfigured(
            f"{self.provider} {what} ({status}). Nothing was paid. {remedy}, then run the same command again.", status=status
        )

    def no_credit(self, status: int, said: str) -> Misconfigured:
        """The line for an account that cannot pay."""
        return Misconfigured(
            f"{self.provider} has no credit left for this key ({status}: {said}). Add credit, then run the same command again.",
            status=status,
        )

    def no_model(self, known: Sequence[str] = ()) -> Misconfigured:
        """The line for 404; `known` are the model names to suggest from."""
        near = difflib.get_close_matches(self.model, known, n=1, cutoff=0.6)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        return Misconfigured(
            f"{self.provider} has no model '{self.model}' (404; role '{self.role}'). {hint}See: tilth models list {self.provider}",
            status=404,
        )

    def no_path(self, path: str) -> Misconfigured:
        """The line for a 404 that does not speak about the model."""
        return Misconfigured(
            f"{self.origin} has no {path} (404; role '{self.role}', {self.spec}). Check the address: most servers end in /v1.", status=404
        )

    def nothing_answers(self) -> Unavailable:
        """The line for a refused connection."""
        start = {"ollama": "Start it with: ollama serve", "vllm": f"Start it with: vllm serve {self.model}"}
        remedy = start.get(self.provider, "Start the server or check the address, then run the same command again.")
        return Unavailable(f"nothing answers at {self.origin} (role '{self.role}', {self.spec}). {remedy}")


def from_status(speaker: Speaker, status: int, headers: Mapping[str, str], body: bytes) -> ModelError:
    """The error for a status other than 2xx. 404 is a plain :class:`Misconfigured` that the model may refine."""
    said, code = _said(body)
    said = speaker.secret.hide(said)
    if status == 429:
        if _NO_CREDIT.search(f"{code} {said}"):
            return speaker.no_credit(status, said)
        return Throttled(f"{speaker.provider}: {said or 'too many requests'} (429)", status=429, retry_after=retry_after(headers))
    if status >= 500 or status in (408, 409, 425):
        return Unavailable(f"{speaker.provider}: {said or 'server error'} ({status})", status=status, retry_after=retry_after(headers))
    if status == 402 or (status == 400 and _NO_CREDIT.search(f"{code} {said}")):
        return speaker.no_credit(status, said)
    if status == 401 or (status == 403 and "flagged" not in said) or (status == 400 and _BAD_KEY.search(f"{code} {said}")):
        return speaker.refused_key(status)
    if status == 404:
        return speaker.no_model()
    if 300 <= status < 400 or status == 405:
        return Misconfigured(f"{speaker.origin} answers with status {status} (role '{speaker.role}'). Check the address.", status=status)
    return Declined(f"{speaker.provider} declined the request ({status}): {said or 'no reason given'}", status=status)


def speaks_of_model(body: bytes, model: str) -> bool:
    """Whether a 404 is about the model rather than about the path."""
    said, code = _said(body)
    return model in said or "model" in code or "model" in said.lower()


def from_body(speaker: Speaker, body: bytes, what: str) -> ModelError:
    """The error for a body with status 200 that is no reply; some proxies put an error's JSON there."""
    try:
        status = int(orjson.loads(body)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return Unavailable(f"{speaker.provider}: {what}")
    return from_status(speaker, status, {}, body) if 300 <= status < 600 else Unavailable(f"{speaker.provider}: {what}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the headers say: ``retry-after-ms``, ``retry-after`` in seconds or as an HTTP date.

    >>> retry_after({"retry-after": "1.5"}), retry_after({"retry-after-ms": "20"}), retry_after({})
    (1.5, 0.02, None)
    """
    milliseconds = headers.get("retry-after-ms")
    if milliseconds is not None and (seconds := _number(milliseconds)) is not None:
        return seconds / 1000
    value = headers.get("retry-after")
    if value is None:
        return None
    if (seconds := _number(value)) is not None:
        return seconds
    try:
        until = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError):
        return None
    # the server's own clock where it tells it, so that a wrong clock here does no harm
    try:
        now = parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, TypeError):
        now = time.time()
    return max(0.0, until - now)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return max(0.0, value) if math.isfinite(value) else None


def _said(body: bytes) -> tuple[str, str]:
    """(the server's message on one line, its code and type) out of the shapes in use."""
    try:
        made: Any = orjson.loads(body)
    except ValueError:
        return _line(body.decode("utf-8", "replace")), ""
    if isinstance(made, list) and made:
        made = made[0]  # Gemini wraps errors in a list
    error = made.get("error", made) if isinstance(made, dict) else made
    if isinstance(error, str):
        return _line(error), ""
    if not isinstance(error, dict):
        return "", ""
    message = error.get("message") or error.get("detail") or ""
    code = f"{error.get('code') or ''} {error.get('type') or ''} {error.get('status') or ''}"
    return _line(message if isinstance(message, str) else orjson.dumps(message).decode()), code.strip()


def _line(text: str) -> str:
    text = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * _LONGEST]).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
