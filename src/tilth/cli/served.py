"""The names of models that an OpenAI-compatible server offers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

TIMEOUT = 2.0
"""Seconds to wait for a server on this machine."""


def names(base_url: str, key: str | None = None) -> list[str] | None:
    """Names as `GET /models` lists them; None when nothing answers, or the key is refused."""
    wanted = urllib.request.Request(f"{base_url}/models", headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urllib.request.urlopen(wanted, timeout=TIMEOUT if key is None else 5 * TIMEOUT) as answer:
            document = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return None
    rows = document.get("data") if isinstance(document, dict) else None
    return [str(row["id"]) for row in rows or [] if isinstance(row, dict) and "id" in row]
