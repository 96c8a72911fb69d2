"""Licences: what an input's licence asks of the result, and how each is written on the Hub and in Croissant.

The flow's licence is the result's. Where it is unset, one that an input passes on (share-alike, non-commercial) is taken over; else the
card says ``other`` and that none was chosen. Inputs that only evaluation reads ask nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FREE, NOTICE, SHARE, NONCOMMERCIAL, CLOSED = range(5)
"""What a licence asks, from nothing to that nothing be made of the work."""

_CC = "https://creativecommons.org/licenses/"
_SPDX = "https://spdx.org/licenses/"

_LICENCES: dict[str, tuple[str, int, str]] = {
    "cc0-1.0": ("CC0-1.0", FREE, "https://creativecommons.org/publicdomain/zero/1.0/"),
    "unlicense": ("Unlicense", FREE, f"{_SPDX}Unlicense.html"),
    "pddl": ("PDDL-1.0", FREE, f"{_SPDX}PDDL-1.0.html"),
    "cc-by-4.0": ("CC-BY-4.0", NOTICE, f"{_CC}by/4.0/"),
    "cc-by-3.0": ("CC-BY-3.0", NOTICE, f"{_CC}by/3.0/"),
    "cc-by-2.0": ("CC-BY-2.0", NOTICE, f"{_CC}by/2.0/"),
    "odc-by": ("ODC-By-1.0", NOTICE, f"{_SPDX}ODC-By-1.0.html"),
    "mit": ("MIT", NOTICE, f"{_SPDX}MIT.html"),
    "apache-2.0": ("Apache-2.0", NOTICE, f"{_SPDX}Apache-2.0.html"),
    "bsd-2-clause": ("BSD-2-Clause", NOTICE, f"{_SPDX}BSD-2-Clause.html"),
    "bsd-3-clause": ("BSD-3-Clause", NOTICE, f"{_SPDX}BSD-3-Clause.html"),
    "cdla-permissive-2.0": ("CDLA-Permissive-2.0", NOTICE, f"{_SPDX}CDLA-Permissive-2.0.html"),
    "cc-by-sa-4.0": ("CC-BY-SA-4.0", SHARE, f"{_CC}by-sa/4.0/"),
    "cc-by-sa-3.0": ("CC-BY-SA-3.0", SHARE, f"{_CC}by-sa/3.0/"),
    "odbl": ("ODbL-1.0", SHARE, f"{_SPDX}ODbL-1.0.html"),
    "cdla-sharing-1.0": ("CDLA-Sharing-1.0", SHARE, f"{_SPDX}CDLA-Sharing-1.0.html"),
    "gpl-3.0": ("GPL-3.0-only", SHARE, f"{_SPDX}GPL-3.0-only.html"),
    "agpl-3.0": ("AGPL-3.0-only", SHARE, f"{_SPDX}AGPL-3.0-only.html"),
    "cc-by-nc-2.0": ("CC-BY-NC-2.0", NONCOMMERCIAL, f"{_CC}by-nc/2.0/"),
    "cc-by-nc-3.0": ("CC-BY-NC-3.0", NONCOMMERCIAL, f"{_CC}by-nc/3.0/"),
    "cc-by-nc-4.0": ("CC-BY-NC-4.0", NONCOMMERCIAL, f"{_CC}by-nc/4.0/"),
    "cc-by-nc-sa-3.0": ("CC-BY-NC-SA-3.0", NONCOMMERCIAL, f"{_CC}by-nc-sa/3.0/"),
    "cc-by-nc-sa-4.0": ("CC-BY-NC-SA-4.0", NONCOMMERCIAL, f"{_CC}by-nc-sa/4.0/"),
    "cc-by-nd-4.0": ("CC-BY-ND-4.0", CLOSED, f"{_CC}by-nd/4.0/"),
    "cc-by-nc-nd-3.0": ("CC-BY-NC-ND-3.0", CLOSED, f"{_CC}by-nc-nd/3.0/"),
    "cc-by-nc-nd-4.0": ("CC-BY-NC-ND-4.0", CLOSED, f"{_CC}by-nc-nd/4.0/"),
}
"""The Hub's id to SPDX id, what it asks, and where its text is."""

_SAME = {
    "cc0": "cc0-1.0", "pddl-1.0": "pddl", "odc-by-1.0": "odc-by", "odbl-1.0": "odbl", "gpl-3.0-only": "gpl-3.0",
    "gpl-3.0-or-later": "gpl-3.0", "agpl-3.0-only": "agpl-3.0", "agpl-3.0-or-later": "agpl-3.0", "apache-2": "apache-2.0",
}  # fmt: skip

OWN = frozenset({"proprietary", "restricted", "other", "unknown"})
"""Words of the flow that are no licences. proprietary: the publisher's own. restricted: the result is for no public place."""


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of a result.

    id: the Hub's id, `other` where none fits. url: of its text, "" without. lines: what the card has to say. refused: why the result
    may not be made under this licence, "" where it may. public: whether it may go to a public place.
    """

    id: str
    url: str = ""
    lines: tuple[str, ...] = ()
    refused: str = ""
    public: bool = True
    of_inputs: Mapping[str, str] = field(default_factory=dict)


def hub_id(name: str) -> str:
    """The Hub's id of a licence given as SPDX id (in any case); ``other`` where it is not known.

    >>> hub_id("CC-BY-4.0"), hub_id("ODbL-1.0"), hub_id("Foo")
    ('cc-by-4.0', 'odbl', 'other')
    """
    key = name.strip().lower()
    key = _SAME.get(key, key)
    return key if key in _LICENCES else "other"


def licence_of(asked: Mapping[str, Any], inputs: Mapping[str, Mapping[str, Any]], records: Mapping[str, int]) -> Licence:
    """The licence of what came out.

    Parameters
    ----------
    asked: the flow. inputs: with their licences. records: licences that stand in the records themselves, with how many have each.
    """
    evaluated = _only_evaluated(asked)
    given = {name: str(one["licence"]) for name, one in inputs.items() if one.get("licence") and name not in evaluated}
    given |= {f"{n} record{'s' if n > 1 else ''}": name for name, n in records.items()}
    chosen = str(asked.get("licence") or "")
    return _chosen(chosen, given) if chosen else _unset(given)


def _only_evaluated(asked: Mapping[str, Any]) -> set[str]:
    """Inputs that nothing but evaluation reads: the fenced holdout."""
    evaluate = asked.get("evaluate")
    evaluate = evaluate if isinstance(evaluate, dict) else {}
    names = {"holdout", (evaluate.get("against") or {}).get("holdout"), (evaluate.get("utility") or {}).get("test")}
    return {str(name) for name in names if name}


def _chosen(chosen: str, given: Mapping[str, str]) -> Licence:
    key = hub_id(chosen)
    lines = [] if key != "other" or chosen.lower() in OWN else [f"Licence: {chosen}."]
    url = _LICENCES[key][2] if key in _LICENCES else ""
    refused = next((why for name, one in given.items() if (why := _forbids(name, one, key, chosen))), "")
    public = "restricted" not in {chosen.lower(), *(one.lower() for one in given.values())}
    return Licence(key, url, (*lines, *_about(given)), refused, public, dict(given))


def _unset(given: Mapping[str, str]) -> Licence:
    passed = sorted((_ask(one), one, name) for name, one in given.items() if SHARE <= _ask(one) < CLOSED)
    closed = next((why for name, one in given.items() if (why := _forbids(name, one, "other", ""))), "")
    public = "restricted" not in {one.lower() for one in given.values()}
    if not passed:
        return Licence("other", "", ("No licence was chosen.", *_about(given)), closed, public, dict(given))
    _, strictest, name = passed[-1]
    key = hub_id(strictest)
    line = f"No licence was chosen; that of the input '{name}' ({_LICENCES[key][0]}) is passed on."
    return Licence(key, _LICENCES[key][2], (line, *_about(given)), closed or _clash(passed), public, dict(given))


def _clash(passed: list[tuple[int, str, str]]) -> str:
    """Two licences that each must be passed on cannot both be."""
    different = {hub_id(one): name for _, one, name in passed}
    if len(different) < 2 or not any(_asks_same(key) for key in different):
        return ""
    both = " and ".join(f"'{name}' ({_LICENCES[key][0]})" for key, name in sorted(different.items())[:2])
    return f"the inputs {both} each pass their licence on, and a result has only one."


def _ask(name: str) -> int:
    key = hub_id(name)
    return _LICENCES[key][1] if key in _LICENCES else FREE


def _asks_same(key: str) -> bool:
    return _LICENCES[key][1] == SHARE or "-sa-" in key


def _forbids(name: str, licence: str, result: str, chosen: str) -> str:
    """Why an input's licence forbids the result's; "" where it does not, or where nobody here can tell."""
    key, asks = hub_id(licence), _ask(licence)
    spdx = _LICENCES[key][0] if key in _LICENCES else licence
    if asks == CLOSED:
        return f"the input '{name}' is {spdx}: nothing that is made of it may be passed on."
    if not chosen or key == result:
        return ""
    if asks == NONCOMMERCIAL and (result not in _LICENCES or _LICENCES[result][1] < NONCOMMERCIAL):
        return f"the input '{name}' is {spdx}, which forbids {chosen}: what is made of it stays non-commercial."
    if key in _LICENCES and _asks_same(key):
        return f"the input '{name}' is {spdx}, which forbids {chosen}: what is made of it keeps that licence."
    return ""


def _about(given: Mapping[str, str]) -> list[str]:
    lines = []
    for name, licence in given.items():
        if licence.lower() == "restricted":
            lines.append(f"The input '{name}' is restricted: this dataset is for no public place.")
        elif hub_id(licence) == "other" and licence.lower() not in OWN:
            lines.append(f"The input '{name}' is under {licence}, which tilth does not know: see what it asks.")
    return lines
