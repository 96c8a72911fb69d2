"""Prices of some well-known models in US dollars per 1,000,000 tokens.

These are examples of the date below, and they change: check the provider's page, and write the price that holds for
you into the flow (``models: {generator: {model: ..., price: {in: 0.4, out: 1.6}}}``), which always wins. A model that
is not listed has an unknown price; it is shown as unknown and never taken for 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from tilth.errors import RequestError
from tilth.models.base import Price
from tilth.models.providers import PROVIDERS

DATE = "2026-11-01"
"""When the table was made."""

PRICES = MappingProxyType(
    {
        "openai/gpt-4.1": Price(2.00, 8.00, 0.50),
        "openai/gpt-4.1-mini": Price(0.40, 1.60, 0.10),
        "openai/gpt-4.1-nano": Price(0.10, 0.40, 0.025),
        "openai/gpt-4o": Price(2.50, 10.00, 1.25),
        "openai/gpt-4o-mini": Price(0.15, 0.60, 0.075),
        "openai/o4-mini": Price(1.10, 4.40, 0.275),
        "openai/text-embedding-3-small": Price(0.02, 0.0),
        "anthropic/claude-haiku-4-5": Price(1.00, 5.00, 0.10),
        "anthropic/claude-sonnet-4-5": Price(3.00, 15.00, 0.30),
        "gemini/gemini-2.5-flash": Price(0.30, 2.50, 0.075),
        "gemini/gemini-2.5-flash-lite": Price(0.10, 0.40, 0.025),
        "gemini/gemini-2.5-pro": Price(1.25, 10.00, 0.31),
    }
)

FREE = Price(0.0, 0.0, 0.0)


def price_table() -> Mapping[str, Price]:
    """The prices that hold here: the table above, with what ``tilth models prices --set`` wrote over it on this machine.

    Raises
    ------
    RequestError: the file of one's own prices cannot be read.
    """
    own = own_prices()
    return {**PRICES, **own} if own else PRICES


def own_path() -> Path:
    """The file of one's own prices, in the folder that also holds the embedded models: JSON, identity to ``{"in": ..., "out": ...}``."""
    from tilth.models.local.weights import home

    return home().parent / "prices.json"


def own_prices() -> dict[str, Price]:
    """What that file holds; empty where there is none."""
    import json

    path = own_path()
    try:
        text = path.read_text("utf-8")
    except OSError:
        return {}
    try:
        return {name: Price(float(one["in"]), float(one["out"]), one.get("cached")) for name, one in json.loads(text).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"{path} cannot be read as prices ({error}). Mend it, or remove it."
        raise RequestError(what, code="models.prices") from error


def write_own(given: Mapping[str, tuple[float, float]], forget: Iterable[str] = ()) -> None:
    """Set prices (in, out) of one's own, and forget others; the file is replaced atomically."""
    import json

    from tilth.records.atomic import replacing

    own: dict[str, dict[str, float | None]] = {n: {"in": p.input, "out": p.output, "cached": p.cached} for n, p in own_prices().items()}
    own.update({name: {"in": came, "out": went} for name, (came, went) in given.items()})
    for name in forget:
        own.pop(name, None)
    path = own_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(json.dumps(own, indent=2, sort_keys=True).encode() + b"\n")


def price_of(identity: str) -> Price | None:
    """Price of a model by its identity; 0 for models on one's own machines, None when unknown.

    >>> price_of("openai/gpt-4.1-mini").output, price_of("openai/nothing-like-it"), price_of("local/any").input
    (1.6, None, 0.0)
    """
    provider = identity.partition("/")[0]
    if provider == "local" or (provider in PROVIDERS and PROVIDERS[provider].free):
        return FREE
    return price_table().get(identity)
