"""The second half of an error line: the nearest known name, or what there is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name` (difflib ratio of at least 0.6), or None."""
    found = difflib.get_close_matches(name, sorted(set(known)), n=1, cutoff=0.6)
    return found[0] if found else None


def listed(names: Iterable[str], limit: int = 8) -> str:
    """Names for an error line: at most `limit`, then dots."""
    names = list(names)
    return ", ".join(names[:limit]) + (", ..." if len(names) > limit else "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``" Did you mean 'x'?"``, else ``" There is: a, b."``, else nothing; begins with a space."""
    known = list(known)
    best = nearest(name, known)
    if best is not None:
        return f" Did you mean '{best}'?"
    return f" There is: {listed(known)}." if known else ""
