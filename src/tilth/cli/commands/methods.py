"""`tilth methods`: published methods and preset flows, in a list or as one card."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from tilth.cli import presets
from tilth.cli.options import Answer, Session, command
from tilth.errors import RequestError

COMMON = ("rows",)
"""Parameters of every method, listed last."""

_USUAL = {
    "rows": "records wanted; unset: as many as the input gives",
    "temperature": "0 always takes the likeliest token",
    "top_p": "nucleus sampling",
    "max_tokens": "most tokens of one reply",
    "prompts": "other templates, by name",
}


@dataclass(frozen=True)
class Card:
    """What the list shows of a method or of a preset flow."""

    name: str
    kind: str
    family: str
    makes: str
    summary: str
    paper: str
    needs: tuple[str, ...] = ()

    def about(self, words: tuple[str, ...]) -> bool:
        """Whether all words occur somewhere in the card."""
        text = " ".join((self.name, self.kind, self.family, self.makes, self.summary, self.paper)).lower()
        return all(word.lower().replace("_", "-") in text for word in words)


@command(
    "methods",
    examples=("methods", "methods attrprompt        one method: what it needs, its parameters"),
    help="Methods and preset flows: all, those that WORDS describe, or one by its NAME.",
)
@click.argument("words", nargs=-1, metavar="[NAME | WORDS...]")
@click.option("--family", help="Only this family, such as classification.")
@click.option("--needs", multiple=True, metavar="NAME", help="Only those that read this data or need this ability (support, completion).")
@click.option("--paper", metavar="ARXIV", help="Only those of this paper, by its arXiv number.")
def methods(session: Session, words: tuple[str, ...], family: str | None, needs: tuple[str, ...], paper: str | None) -> Answer:
    """List the cards, or show one."""
    found = cards()
    if len(words) == 1:
        name = words[0].replace("_", "-")
        exact = next((card for card in found if card.name == name), None)
        if exact is not None:
            return _preset(session, exact) if exact.kind == "flow" else _method(session, name)
    chosen = [card for card in found if card.about(words) and family in (None, card.family) and paper in (None, card.paper)]
    chosen = [card for card in chosen if set(needs) <= set(card.needs)]
    if not chosen and (words or family):
        raise _none(words, family, found)
    if not chosen:
        what = f"the paper {paper}" if paper else " and ".join(needs)
        raise RequestError(f"no method or flow is of, or needs, {what}. See: tilth methods", code="method.unknown")
    _list(session, chosen)
    return Answer({"methods": [_listed(card) for card in chosen]})


def _listed(card: Card) -> dict[str, Any]:
    from tilth import catalog

    if card.kind == "flow":
        return vars(card)
    described_ = described(catalog.find(card.name))
    return {**vars(card), **{key: described_[key] for key in ("inputs", "columns", "roles", "calls")}}


def cards() -> list[Card]:
    """All methods and preset flows, by family."""
    from tilth import catalog

    found = [
        Card(entry.name, "method", entry.family, ", ".join(entry.columns), entry.summary, entry.paper, _needs(entry))
        for entry in catalog.methods().values()
    ]
    flows = [Card(one.name, "flow", one.kind, one.makes, one.describe, one.paper, one.data) for one in presets.everything()]
    return sorted([*found, *flows], key=lambda card: (card.family, card.kind, card.name))


def _needs(entry: Any) -> tuple[str, ...]:
    """Data that it cannot do without, and abilities of its models."""
    data = [name for name, columns in entry.inputs.items() if not columns.startswith("?")]
    return tuple(dict.fromkeys([*data, *(able for many in entry.needs.values() for able in many)]))


def _none(words: tuple[str, ...], family: str | None, found: list[Card]) -> RequestError:
    from tilth import catalog

    if family is not None and family not in {card.family for card in found}:
        known = ", ".join(sorted({card.family for card in found if card.family}))
        return RequestError(f"no method is of the family '{family}' (there are: {known}).", code="method.family")
    if len(words) == 1:
        try:
            catalog.find(words[0])
        except RequestError as error:
            return error
    return RequestError(f"no method or flow fits '{' '.join(words)}'. See: tilth methods", code="method.unknown")


def _list(session: Session, chosen: list[Card]) -> None:
    rows = [[card.name, card.kind, card.family, card.paper, card.summary.rstrip(".")] for card in chosen]
    session.printer.table(["name", "kind", "family", "arXiv", "what it does"], rows)
    if chosen:
        session.printer.advise(f"tilth methods {chosen[0].name}")


def _preset(session: Session, card: Card) -> Answer:
    printer = session.printer
    text = presets.text(card.name)
    printer.result((card.name, "bold"), f"   {card.summary}")
    printer.result()
    for line in text.splitlines():
        printer.result("  ", line)
    given = next(one.data for one in presets.everything() if one.name == card.name)
    printer.advise(_try(card.name, given))
    return Answer({**vars(card), "flow": text})


def _method(session: Session, name: str) -> Answer:
    from tilth import catalog

    entry = catalog.find(name)
    cls = entry.load()
    table = parameters(cls)
    printer = session.printer
    printer.result((entry.name, "bold"), "   ", _title(cls) or entry.summary)
    for label, text in [*_facts(entry), *entry.notes.items()]:
        printer.item(label, text)
    printer.result()
    rows = [[one["name"], _short(one["default"]), one["source"], one["meaning"]] for one in table]
    printer.table(["parameter", "default", "from", "meaning"], rows, wrap=True)
    printer.advise(_try(entry.name, [data for data, columns in entry.inputs.items() if not columns.startswith("?")]))
    return Answer({"name": entry.name, "kind": "method", **described(entry), "parameters": table})


def described(entry: Any) -> dict[str, Any]:
    """What a method is, reads, makes and costs, as JSON holds it; read from its header, without importing it."""
    return {
        "summary": entry.summary,
        "paper": entry.paper,
        "family": entry.family,
        "inputs": dict(entry.inputs),
        "columns": {column: str(kind) for column, kind in entry.columns.items()},
        "roles": dict(entry.roles),
        "needs": {role: list(what) for role, what in entry.needs.items()},
        "calls": entry.calls,
        "notes": dict(entry.notes),
    }


def _try(name: str, data: Sequence[str]) -> str:
    return " ".join([f"tilth run {name} --task task.yaml", *(f"--data {one}=FILE" for one in data), "-n 20"])


def _title(cls: Any) -> str:
    """First line of the method's file: its paper in full."""
    module = sys.modules.get(cls.__module__)
    return ((module.__doc__ if module else "") or "").strip().split("\n")[0]


def _facts(entry: Any) -> list[tuple[str, str]]:
    makes = ", ".join(entry.columns)
    roles = " · ".join(f"role {role}" + (f" ({number} models)" if str(number) != "1" else "") for role, number in entry.roles.items())
    able = " · ".join(f"{role}: {', '.join(what)}" for role, what in entry.needs.items() if what)
    data = " · ".join(_input(name, columns) for name, columns in entry.inputs.items()) or "no data"
    facts: list[tuple[str, str]] = [("makes", f"{makes} · family {entry.family}"), ("reads", f"{data} · {roles}")]
    return [*facts, ("model", f"must have {able}")] if able else facts


def _input(name: str, columns: str) -> str:
    """`data support (text, label), optional`; a `?` before all makes the data optional, one after a column that column.

    >>> _input("support", "?text label"), _input("seed", "instruction input?")
    ('data support (text, label), optional', 'data seed (instruction, input if there is one)')
    """
    names = [f"{one[:-1]} if there is one" if one.endswith("?") else one for one in columns.removeprefix("?").split()]
    bare = f" ({', '.join(names)})" if names else ""
    return f"data {name}{bare}" + (", optional" if columns.startswith("?") else "")


def parameters(cls: Any) -> list[dict[str, Any]]:
    """The parameters of a method, from its fields: name, type, default, source (paper) and meaning."""
    found = []
    for name, field in cls.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        meaning, source = _split(field.description or "", str(extra.get("source") or extra.get("from") or ""))
        meaning = meaning or _USUAL.get(field.alias or name, "")
        required = field.is_required()
        default = "required" if required else _plain(field.get_default(call_default_factory=True))
        kind = getattr(field.annotation, "__name__", None) if not hasattr(field.annotation, "__args__") else str(field.annotation)
        written = field.alias or name  # as a user writes it
        found.append({"name": written, "type": kind or str(field.annotation), "default": default, "source": source, "meaning": meaning})
    return sorted(found, key=lambda one: one["name"] in COMMON)


def _split(description: str, source: str) -> tuple[str, str]:
    """A field's description and its source, where it ends with `(source: ...)` or `[...]`."""
    found = re.search(r"\s*[\(\[](?:source|from)?:?\s*((?:paper|code|ours|tilth)[^\)\]]*)[\)\]]\.?\s*$", description, re.IGNORECASE)
    if found and not source:
        return description[: found.start()].rstrip(), found.group(1)
    return " ".join(description.split()), source


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 24 else text[:23] + "…"
