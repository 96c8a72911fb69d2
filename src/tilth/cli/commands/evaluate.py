"""`tilth evaluate`: what a dataset is worth, in figures with intervals, references and controls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from tilth.cli.options import Answer, Session, command
from tilth.errors import RequestError
from tilth.evaluate.gates import family, known
from tilth.records.figures import figure

if TYPE_CHECKING:
    from tilth.engine.execute import Outcome
    from tilth.engine.method import Task
    from tilth.report.facts import Facts

BETTER = {"up": "higher", "down": "lower"}
_GATE = re.compile(r"\s*([A-Za-z_]\w*)\s*(>=|<=)\s*([-+]?(?:\d+\.?\d*|\.\d+))((?:\s+(?:on=(?:point|interval)|level=(?:must|should)))*)\s*")
FILE = click.Path(dir_okay=True)


@command(
    "evaluate",
    examples=(
        "evaluate support-intents --real train.csv --holdout test.csv --utility",
        "evaluate reviews.jsonl --holdout test.jsonl --metrics near_duplicates,contamination --gate 'near_duplicates<=0.05' --strict",
    ),
    help="Measure DATA (a file, or a run) against real data. Each figure has its interval, the same figure for real data, and what "
    "it rests on; a metric that cannot be computed says why. Writes metrics.json.",
)
@click.argument("what", metavar="DATA|RUN")
@click.option("--real", type=FILE, metavar="FILE", help="Real rows; what generation may have learned from.")
@click.option("--holdout", type=FILE, metavar="FILE", help="Real rows that nothing else has seen.")
@click.option("--support", type=FILE, metavar="FILE", help="The examples that generation was shown.")
@click.option("--unlabelled", type=FILE, metavar="FILE", help="Real texts that a model labelled: the control 'annotate instead'.")
@click.option("--metrics", metavar="A,B,...", help="Only these. Default: all that can be measured, without utility.")
@click.option("--metric", "more", multiple=True, metavar="NAME", help="The same, one at a time.")
@click.option("--utility", is_flag=True, help="Train students on real, synthetic and both, with all controls.")
@click.option("--students", "--student", "students", metavar="A,B", help="Of utility: tfidf, embedding. Default: both.")
@click.option("--sizes", metavar="N,N", help="Of utility: real rows, in all. Default: 16,100.")
@click.option("--seeds", "--draws", "seeds", type=click.IntRange(1), metavar="N", help="Of utility: draws of real rows. Default: 10.")
@click.option("--gate", "bounds", multiple=True, metavar="NAME>=V", help="A bound that a figure must keep; or NAME<=V.")
@click.option("--strict", is_flag=True, help="Exit 1 unless one may train on it.")
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the figures there too (JSON).")
@click.option(
    "--templates",
    type=FILE,
    metavar="FILE",
    help="Of utility: template texts with labels.",
)
@click.option("--text", metavar="COLUMN", help="The column that holds the text. Default: the one that is found.")
@click.option("--label", default="label", show_default=True, metavar="COLUMN", help="The column that holds the label.")
@click.option("--task", metavar="FILE|TEXT", help="What the data is for; its language is what 'language' asks for.")
@click.option("-m", "--model", "models", multiple=True, metavar="[ROLE=]SPEC", help="embedder: makes vectors; generator: llm_agreement.")
@click.option("--seed", type=int, help="Seed of samples and draws. Default: the run's, else 0.")
@click.option("--budget", type=click.FloatRange(0, min_open=True), metavar="USD", help="Stop before more is spent (exit 4).")
@click.option("--name", help="Name of the run's folder, for a file.")
def evaluate(session: Session, what: str, **options: Any) -> Answer:
    """Prepare, measure, show."""
    from tilth.cli import answering, shipping
    from tilth.cli.launching import Asked, go
    from tilth.cli.runs import data_named
    from tilth.flows.evaluating import prepare
    from tilth.report.facts import facts

    what = data_named(session, what)
    ready: Any = prepare(what, _wanted(session, **options))
    outcome = go(session, Asked(what, session.argv, budget=options["budget"]), ready)
    if outcome.status != "done":
        from tilth.cli import summary

        return summary.finish(session, outcome, session.argv, None, options["budget"], strict=options["strict"])
    document = json.loads(outcome.folder.metrics.read_text("utf-8")) if outcome.folder.metrics.exists() else {"values": []}
    show(session, document)
    found = facts(outcome.folder, where=session.where)
    answering.show(session, found)
    if found.folder.readme.exists():  # the card speaks of the figures
        shipping.describe(session, outcome, found)
    if options["out"] is not None:
        options["out"].write_bytes(outcome.folder.metrics.read_bytes())
    session.printer.result(str(options["out"] or outcome.folder.metrics))
    error = answering.strict(found.verdict) if options["strict"] and outcome.exit == 0 else None
    if error:
        session.printer.error(error[1])
    elif found.verdict.remedy and not found.verdict.passed:
        session.printer.advise(found.verdict.remedy, "what is missing for a better answer")
    return Answer(_facts(outcome, document, found), 1 if error else outcome.exit, error)


def _wanted(session: Session, **given: Any) -> Any:
    """The options as `tilth.flows.evaluating.Wanted`."""
    from tilth.cli.commands.run import roles
    from tilth.engine.budget import Caps
    from tilth.flows.evaluating import Wanted

    by_role = roles(given["models"])
    asked = {
        "students": _list(given["students"]),
        "sizes": _numbers(given["sizes"]),
        "seeds": given["seeds"],
    }
    utility = {name: value for name, value in asked.items() if value is not None}
    bounds = gates(given["bounds"])
    metrics = [*(_list(given["metrics"]) or ()), *given["more"]] or None
    measure = given["utility"] or utility or any(family(name) == "utility" for name in bounds)
    return Wanted(
        sets={name: given[name] for name in ("real", "holdout", "support", "unlabelled", "templates") if given[name] is not None},
        metrics=metrics,
        utility=utility if measure else None,
        gates=bounds,
        text=given["text"],
        label=given["label"],
        models={role: specs[-1] for role, specs in by_role.items()},
        task=_task(given["task"]),
        seed=given["seed"],
        caps=Caps(usd=given["budget"]),
        runs=session.runs,
        name=given["name"],
    )


def _list(text: str | None) -> list[str] | None:
    return None if text is None else [one.strip() for one in text.split(",") if one.strip()]


def _numbers(text: str | None) -> list[int] | None:
    try:
        return None if text is None else [int(one) for one in _list(text) or ()]
    except ValueError:
        raise RequestError(f"--sizes {text}: whole numbers, separated by commas.", code="option.number") from None


def _task(given: str | None) -> Task | None:
    """A task file, or a sentence."""
    if given is None:
        return None
    from tilth.engine.method import Task
    from tilth.flows.load import load

    if Path(given).suffix in (".yaml", ".yml") and Path(given).is_file():
        from tilth.flows.grammar import TaskSpec

        spec = TaskSpec.model_validate(load(given).data)
        return Task(about=spec.about, kind=spec.kind, labels=spec.labels, language=spec.language)
    return Task(about=Path(given).read_text("utf-8") if Path(given).is_file() else given)


def show(session: Session, document: Mapping[str, Any]) -> None:
    """The table, what was found, and for utility its controls. -v: also what each figure was measured with."""
    printer = session.printer
    measured = [value for value in document["values"] if value["value"] is not None]
    columns = ("metric", "value", "reference (real)", "better", "n", *(("kernel",) if printer.verbose else ()))
    rows = [_row(value)[: len(columns)] for value in measured]
    printer.table(columns, rows, right=frozenset({4}), flex=5 if printer.verbose else 2)
    for value in document["values"]:
        if value["value"] is None:
            printer.say("  ", (f"{value['metric']}: not measured, {value['detail'].get('why', 'no reason was given')}", "dim"))
    for one in document.get("findings", ()):
        printer.warn(one["finding"], f"evaluate.{one['metric']}")
    controls = document.get("controls")
    if controls:
        _controls(session, cast("Mapping[str, Any]", controls))


def _controls(session: Session, controls: Mapping[str, Any]) -> None:
    printer = session.printer
    for sentence in controls["headlines"]:
        printer.result("  ", sentence)
    for line in controls["missing"]:
        printer.warn(f"control missing: {line}", "evaluate.control")
    for line in (*controls["warnings"], *controls["known_zero"]):
        printer.warn(line, "evaluate.utility")


def _row(value: Mapping[str, Any]) -> Sequence[str]:
    better = BETTER.get(value["direction"]) or ("the reference" if value["reference"] is None else figure(value["reference"]))
    found = figure(value["value"], value["interval"])
    return (value["metric"], found, _reference(value), better, f"{value['n']:,}", value["kernel"])


def _reference(value: Mapping[str, Any]) -> str:
    """The same figure for real data; for utility also what the most frequent label gives."""
    if value["reference"] is None:
        return "–"
    text = figure(value["reference"], value["reference_interval"])
    majority = value["detail"].get("majority")
    if family(value["metric"]) != "utility" or not majority:
        return text
    return f"{value['metric'].split('_')[1]} real {text} · majority {figure(majority[0])}"


def _facts(outcome: Outcome, document: Mapping[str, Any], found: Facts) -> dict[str, Any]:
    """The `result` of the JSON object."""
    answer = {"gates": [one.to_json() for one in found.gates], "verdict": found.verdict.to_json()}
    return {"run": outcome.folder.name, "path": str(outcome.path), "state": outcome.status, **document, **answer}


def gates(given: Iterable[str]) -> dict[str, dict[str, Any]]:
    """`NAME>=V` words as a flow writes gates; after the bound may stand ``on=point`` and ``level=should``.

    >>> gates(["utility>=0.6", "contamination<=0 on=point"])
    {'utility': {'at_least': 0.6}, 'contamination': {'at_most': 0.0, 'on': 'point'}}

    Raises
    ------
    RequestError: a word that is no gate, or a metric that nobody knows.
    """
    found: dict[str, dict[str, Any]] = {}
    for text in given:
        match = _GATE.fullmatch(text)
        if match is None:
            line = f"--gate {text}: write it as 'NAME>=NUMBER' or 'NAME<=NUMBER', then on=point or level=should where that is meant."
            raise RequestError(line, code="option.gate")
        name, sign, bound, rest = match.groups()
        known(name)
        settings = dict(word.split("=", 1) for word in rest.split())
        found.setdefault(name, {}).update({"at_least" if sign == ">=" else "at_most": float(bound), **settings})
    return found
