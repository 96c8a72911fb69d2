"""`tilth catalog`: every part that a flow can name, where it is, and which tests prove it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click

from tilth.cli.options import Answer, Session, command


@dataclass(frozen=True)
class Part:
    """One part. slug: as a flow writes it. entry: module and object. tests: the file in the repository that tests it.

    JSON says of a method what it is, reads, makes and costs, and its parameters, too.
    """

    slug: str
    kind: str
    entry: str
    tests: str


@command(
    "catalog",
    examples=("catalog --json", "catalog --kind metric"),
    help="Every method, flow, step, metric and verifier of this version, every file ending that is read and every format that is "
    "written: its name, where it is, and the tests of it.",
)
@click.option("--kind", type=click.Choice(["method", "flow", "step", "metric", "verifier", "reader", "format"]), help="Only these.")
def catalog(session: Session, kind: str | None) -> Answer:
    """One row a part."""
    found = [part for part in everything() if kind in (None, part.kind)]
    session.printer.table(["slug", "kind", "entry", "tests"], [[one.slug, one.kind, one.entry, one.tests] for one in found])
    if not session.json:
        return Answer()
    return Answer({"parts": [_in_full(one) for one in found]})


def _in_full(part: Part) -> dict[str, Any]:
    """As JSON; the parameters of a method are read from its class, which only this needs."""
    bare = asdict(part)
    if part.kind != "method":
        return bare
    from tilth import catalog
    from tilth.cli.commands.methods import described, parameters

    entry = catalog.find(part.slug)
    return {**bare, **described(entry), "parameters": parameters(entry.load())}


def everything() -> list[Part]:
    """All parts, by kind."""
    return [part for many in (_methods, _flows, _steps, _metrics, _verifiers, _readers, _formats) for part in many()]


def _methods() -> Iterator[Part]:
    from tilth import catalog

    for name, entry in catalog.methods().items():
        yield Part(name, "method", f"{entry.module}:{entry.cls}", f"tests/methods/test_{name.replace('-', '_')}.py")


def _flows() -> Iterator[Part]:
    from tilth.flows.presets import presets

    for name in presets():
        yield Part(name, "flow", f"tilth.flows.presets:{name}.yaml", "tests/flows/test_presets.py")


def _steps() -> Iterator[Part]:
    from tilth.curate.catalog import STEPS

    for name, entry in STEPS.items():
        yield Part(name, "step", entry, "tests/curate/test_steps.py")


def _metrics() -> Iterator[Part]:
    from tilth.evaluate.metrics import ALL
    from tilth.evaluate.utility.metric import Utility

    for metric in ALL:
        yield Part(metric.name, "metric", f"{metric.__module__}:{metric.__name__}", "tests/evaluate/test_metrics.py")
    yield Part("utility", "metric", f"{Utility.__module__}:{Utility.__name__}", "tests/evaluate/test_experiment.py")


def _verifiers() -> Iterator[Part]:
    from tilth.verify.catalog import VERIFIERS

    for name, entry in VERIFIERS.items():
        yield Part(name, "verifier", entry.target, "tests/verify/test_verifier_catalog.py")


def _readers() -> Iterator[Part]:
    from tilth.records.formats import READERS

    for ending, entry in READERS.items():
        yield Part(ending.removeprefix("."), "reader", f"tilth.records.formats.{entry}", "tests/records/test_read.py")


def _formats() -> Iterator[Part]:
    from tilth.report.export.formats import FORMATS

    for name in FORMATS:
        yield Part(name, "format", "tilth.report.export.formats:FORMATS", "tests/report/export/test_round_trip.py")
