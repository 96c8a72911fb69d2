"""The command that continues a run, as a line to copy."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence

_ALONE = ("--json", "-q", "-qq", "--quiet", "-v", "-vv", "--verbose", "-y", "--yes", "--no-input")
_WITH_VALUE = ("--progress", "--color", "--errors")


def command(argv: Sequence[str]) -> str:
    """The command as it was typed, without what only concerns the display.

    >>> command(["run", "--json", "my flow.yaml", "--progress", "json", "-n", "5"])
    "tilth run 'my flow.yaml' -n 5"
    """
    kept: list[str] = []
    skip = False
    for word in argv:
        if skip or word in _ALONE or word.startswith(tuple(f"{name}=" for name in _WITH_VALUE)):
            skip = False
        elif word in _WITH_VALUE:
            skip = True
        else:
            kept.append(word)
    return "tilth " + shlex.join(kept)


def without(argv: Sequence[str], *options: str) -> list[str]:
    """The words of `argv` without these options and their values.

    >>> without(["run", "a.yaml", "--budget", "3", "-n=5"], "--budget")
    ['run', 'a.yaml', '-n=5']
    """
    kept: list[str] = []
    skip = False
    for word in argv:
        if skip:
            skip = False
        elif word in options:
            skip = True
        elif not word.startswith(tuple(f"{name}=" for name in options)):
            kept.append(word)
    return kept


def wet(argv: Sequence[str]) -> list[str]:
    """The command without --dry-run and its number, if it has one.

    >>> wet(["run", "a.yaml", "--dry-run", "5", "-n", "9"])
    ['run', 'a.yaml', '-n', '9']
    """
    found = [word for word in argv if not word.startswith("--dry-run=")]
    if "--dry-run" in found:
        at = found.index("--dry-run")
        del found[at : at + (2 if found[at + 1 : at + 2] and found[at + 1].isdigit() else 1)]
    return found


def larger(argv: Sequence[str], spent: float, kept: int, asked: int | None) -> tuple[str, str]:
    """The command with a budget that should do, and how much more that is; for a run that stopped at `spent` dollars."""
    whole = spent * asked / kept if kept and asked else 2 * spent
    budget = _round(max(1.1 * whole, 1.1 * spent, 0.01))
    more = f"continues (about ${whole - spent:.2f} more)" if kept and asked else "continues"
    return command([*without(argv, "--budget"), "--budget", budget]), more


CAPS = {"usd": "--budget", "calls": "--max-calls", "tokens": "--max-tokens", "hours": "--max-hours"}


def raised(argv: Sequence[str], caps: Mapping[str, float | None], kept: int, asked: int | None) -> tuple[str, str]:
    """The command with larger caps, and how much larger; also where a flow set them, which a command without the option keeps.

    >>> raised(["run", "a.yaml"], {"usd": None, "calls": 100}, 0, 6)
    ('tilth run a.yaml --max-calls 200', 'continues here with 2 times the cap')
    >>> raised(["run", "a.yaml", "--max-calls", "3"], {"calls": 3}, 1, 8)
    ('tilth run a.yaml --max-calls 27', 'continues here with 9 times the cap')
    """
    times = max(2, math.ceil(1.1 * asked / kept) if kept and asked else 2)
    held = {CAPS[name]: cap for name, cap in caps.items() if cap is not None}
    more = [word for option, cap in held.items() for word in (option, f"{cap * times:g}" if isinstance(cap, float) else str(cap * times))]
    return command([*without(argv, *CAPS.values()), *more]), f"continues here with {times} times the cap"


def _round(value: float) -> str:
    if value >= 10:
        return str(math.ceil(value))
    return f"{math.ceil(value * 100) / 100:g}"
