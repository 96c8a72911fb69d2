"""Sentences of error messages: suggestions, lists of names, values as people wrote them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any


def near(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be (difflib ratio of at least 0.6), if there is one."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def suggestion(name: str, known: Iterable[str], *, most: int = 8) -> str:
    """``Did you mean 'x'?``, else ``Known: a, b, c.`` with at most `most` names, else nothing."""
    known = list(known)
    close = near(name, known)
    if close:
        return f"Did you mean '{close}'?"
    if not known:
        return ""
    end = ", ..." if len(known) > most else "."
    return f"Known: {', '.join(known[:most])}{end}"


def shown(value: Any, *, most: int = 40) -> str:
    """A value as a message shows it: text in double quotes, the rest as YAML writes it, cut when long."""
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= most else text[: most - 2] + '…"'


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
