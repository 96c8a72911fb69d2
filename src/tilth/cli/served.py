"""The names of models that an OpenAI-compatible server on this machine offers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

TIMEOUT = 2.0
"""Seconds to wait for a server on this machine."""


def names(base_url: str) -> list[str] | None:
    """Names as `GET /models` lists them; None when nothing answers."""
    try:
        with urllib.request.urlopen(f"{base_url}/models", timeout=TIMEOUT) as answer:
            document = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return None
    rows = document.get("data") if isinstance(document, dict) else None
    return [str(row["id"]) for row in rows or [] if isinstance(row, dict) and "id" in row]
