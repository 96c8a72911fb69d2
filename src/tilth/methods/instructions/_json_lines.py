"""Lines of JSON in a reply, and the texts in them: what cannot be read is passed over."""

from __future__ import annotations

import json
from typing import Any

from tilth.errors import Failure
from tilth.models.base import Reply


def objects(name: str, reply: Reply) -> list[dict[str, Any]]:
    """The objects on the lines of a reply that have a `name`, also where commas make an array of them; other lines are passed over."""
    found = []
    for line in (one.strip().removesuffix(",") for one in reply.text.splitlines()):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and (called := text(value.get(name))):
            found.append({**value, name: called})
    if not found:
        raise Failure("no_lines", f'There must be one JSON object on each line, with the key "{name}".', raw=reply.text)
    return found


def text(value: object) -> str | None:
    """A text on one line; None where there is none."""
    return " ".join(value.split()) or None if isinstance(value, str) else None


def texts(value: object) -> list[str]:
    """The texts of a list, each once."""
    return list(dict.fromkeys(said for one in value if (said := text(one)))) if isinstance(value, list) else []
