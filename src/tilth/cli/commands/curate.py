"""`tilth curate`: which records stay, and why the others do not; a run like any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilth.cli.options import Answer, Session, command
from tilth.errors import RequestError

if TYPE_CHECKING:
    from tilth.curate.base import Step
    from tilth.curate.stage import StepReport
    from tilth.records.folder import RunFolder

FILE = click.Path(dir_okay=True)
AROUND = 20
"""Records on each side of the border that --explain shows."""


@command(
    "curate",
    examples=(
        'curate alpaca.jsonl -s refusals -s "length words=[3,400]" -s "dedupe near=0.85" -s decontaminate --holdout test.jsonl',
        "curate alpaca-curated --rethreshold dedupe.near=0.9",
    ),
    help="Decide which records of DATA (a file, or a run) stay. A run is curated in place: its rows are never edited, and other "
    "thresholds make it anew. A file becomes a run called DATA-curated. Steps: see tilth.curate, or a flow's 'curate'.",
)
@click.argument("what", metavar="DATA|RUN")
@click.option("-s", "--step", "steps", multiple=True, metavar='"NAME [key=value ...]"', help="A step and its settings (YAML). In order.")
@click.option("--flow", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Take the steps of this flow's 'curate'.")
@click.option("--support", type=FILE, metavar="FILE", help="The examples that generation was shown.")
@click.option("--holdout", type=FILE, metavar="FILE", help="Rows that must not leak; only decontaminate reads them, no model does.")
@click.option("--against", type=FILE, metavar="FILE", help="The same as --holdout: what decontaminate compares with.")
@click.option("--rethreshold", multiple=True, metavar="STEP.SETTING=VALUE", help="The last curation, changed; kept scores are free.")
@click.option("--explain", metavar="STEP", help=f"The {AROUND} records on each side of a step's border, of the last curation.")
@click.option("-m", "--model", "models", multiple=True, metavar="[ROLE=]SPEC", help="judge: rates; generator: scores labels; embedder.")
@click.option("--task", metavar="FILE|TEXT", help="What the data is for; judges are told.")
@click.option("--seed", type=int, help="Seed of calls and draws. Default: the run's, else 0.")
@click.option("--budget", type=click.FloatRange(0, min_open=True), metavar="USD", help="Stop before more is spent (exit 4).")
@click.option("--max-calls", type=click.IntRange(1), help="Stop at so many calls.")
@click.option("--name", help="Name of the run's folder, for a file.")
@click.option("--require", type=click.IntRange(1), metavar="N", help="Exit 1 if fewer records are kept.")
@click.option("--strict", is_flag=True, help="Exit 1 unless one may train on what is kept: the gates decide.")
def curate(session: Session, what: str, explain: str | None, require: int | None, strict: bool, **options: Any) -> Answer:
    """Prepare, curate, show each step."""
    from tilth.cli import summary
    from tilth.cli.launching import Asked, go
    from tilth.cli.runs import data_named
    from tilth.flows import curating
    from tilth.flows.evaluating import run_of

    what = data_named(session, what)
    folder = run_of(what, session.runs) or run_of(curating.name_of(what), session.runs)
    if explain is not None:
        return _explain(session, folder, what, explain)
    steps = _steps(options, folder, what)
    again = options["rethreshold"] and folder is not None
    ready: Any = curating.prepare(str(folder.path) if again and folder is not None else what, steps, _wanted(session, **options))
    outcome = go(session, Asked(what, session.argv, budget=options["budget"]), ready)
    for report in ready.stage.report:
        session.printer.say("  ", (f"{report.step:<14}", "dim"), _line(report))
    answer = summary.finish(session, outcome, session.argv, require, options["budget"], advise=False, strict=strict)
    if outcome.status == "done" and ready.stage.report:
        last = ready.stage.report[-1].step
        line = f"tilth curate {outcome.folder.name} --explain {last}{session.where}"
        session.printer.advise(line, "look at the border before you trust it")
    answer.result = {**(answer.result or {}), "steps": [_facts(report) for report in ready.stage.report]}
    return answer


def _wanted(session: Session, **given: Any) -> Any:
    from tilth.cli.commands.evaluate import _task
    from tilth.cli.commands.run import roles
    from tilth.engine.budget import Caps
    from tilth.flows.evaluating import Wanted

    holdout = given["holdout"] or given["against"]
    return Wanted(
        sets={name: one for name, one in (("support", given["support"]), ("holdout", holdout)) if one is not None},
        models={role: specs[-1] for role, specs in roles(given["models"]).items()},
        task=_task(given["task"]),
        seed=given["seed"],
        caps=Caps(usd=given["budget"], calls=given["max_calls"]),
        runs=session.runs,
        name=given["name"],
    )


def _steps(options: dict[str, Any], folder: RunFolder | None, what: str) -> list[Any]:
    """The steps that are meant: of the flow, then those of -s; or of the last curation, with settings changed."""
    if options["rethreshold"]:
        if folder is None:
            raise RequestError(f"{what} was not curated yet, so there is nothing to change. Give steps with: -s", code="curate.none")
        return _changed(_last(folder), options["rethreshold"])
    found: list[Any] = []
    if options["flow"]:
        from tilth.flows.flow import Flow

        found += Flow.from_yaml(options["flow"]).spec.curate
    found += [parsed(text) for text in options["steps"]]
    if not found:
        raise RequestError('no step is given. Give some with: -s refusals -s "dedupe near=0.85", or --flow FILE', code="curate.no_steps")
    return found


def parsed(text: str) -> Any:
    """A step from the command line.

    >>> parsed("length words=[3,400]"), parsed("dedupe exact"), parsed("drop_if: helpful < 3")
    ({'length': {'words': [3, 400]}}, {'dedupe': 'exact'}, {'drop_if': 'helpful < 3'})

    Raises
    ------
    RequestError: the values are no YAML.
    """
    import shlex

    from tilth.cli.commands.run import values

    head, colon, rest = text.partition(":")
    if colon and head.strip().isidentifier():
        return {head.strip(): rest.strip()}
    try:
        name, *words = shlex.split(text)
    except ValueError:
        raise RequestError(f"-s {text}: a quote is not closed.", code="option.pair") from None
    if not words:
        return name
    if len(words) == 1 and "=" not in words[0]:
        return {name: words[0]}
    return {name: values(words, f"-s {name}")}


def _last(folder: RunFolder) -> list[dict[str, Any]]:
    import json

    path = folder.artifacts / "curation.json"
    if not path.exists():
        raise RequestError(f"{folder.name} was not curated yet. Give steps with: -s", code="curate.none")
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["settings"]
    return found


def _changed(steps: list[dict[str, Any]], changes: Sequence[str]) -> list[Any]:
    """The steps with settings changed: ``dedupe.near=0.9``."""
    from tilth.cli.commands.run import values
    from tilth.records.hints import did_you_mean

    for path, value in values(changes, "--rethreshold").items():
        name, dot, setting = path.partition(".")
        known = [settings["id"] or step for one in steps for step, settings in one.items()]
        found = next((settings for one in steps for step, settings in one.items() if name == (settings["id"] or step)), None)
        if not dot or found is None:
            raise RequestError(f"--rethreshold {path}: no step is called '{name}'.{did_you_mean(name, known)}", code="curate.unknown_step")
        found[setting] = value
    return list(steps)


def _line(report: StepReport) -> str:
    """`52,002 → 51,214    788 dropped   700 too_short, 88 too_long    scores kept`"""
    done = ", ".join(f"{n:,} {PAST[action]}" for action, n in report.actions.items()) or "nothing found"
    why = ", ".join(f"{n:,} {reason}" for reason, n in sorted(report.reasons.items(), key=lambda one: -one[1])[:4])
    time = "scores were kept" if report.reused else f"{report.seconds:.1f} s"
    return "    ".join(part for part in (f"{report.before:,} → {report.after:,}", done, why, time) if part)


PAST = {"drop": "dropped", "flag": "flagged", "weight": "weighted", "review": "for review", "relabel": "relabelled", "select": "selected"}


def _facts(report: StepReport) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(report)


def _explain(session: Session, folder: RunFolder | None, what: str, name: str) -> Answer:
    """Records around the border of a step, those that it acted upon first."""
    from tilth.cli.clean import cut
    from tilth.curate.catalog import step_of
    from tilth.records.hints import did_you_mean
    from tilth.score.rows import Stored
    from tilth.score.texts import text_of

    if folder is None:
        raise RequestError(f"no curated run is called '{Path(what).name}'. Curate first, with: -s", code="curate.none")
    steps = {step.step_id: step for step in map(step_of, _last(folder))}
    if name not in steps:
        raise RequestError(f"no step is called '{name}'.{did_you_mean(name, steps)}", code="curate.unknown_step")
    chosen = _border(folder, steps[name])
    wanted = {id_ for id_, _, _ in chosen}
    texts = {record.id: text_of(record) for record in Stored(folder.rows).rows() if record.id in wanted}
    rows = [("yes" if hit else "no", f"{value:.3f}", id_[:8], cut(texts.get(id_, ""), 90)) for id_, value, hit in chosen]
    session.printer.table(("found", "score", "id", "text"), rows, right=frozenset({1}), flex=3)
    return Answer({"step": name, "records": [{"id": id_, "score": value, "found": hit} for id_, value, hit in chosen]})


def _border(folder: RunFolder, step: Step) -> list[tuple[str, float, bool]]:
    """The rows nearest to the border, on both sides: (id, score, whether the step acted)."""
    from tilth.curate.scored import Scores

    scores = list(Scores.all(folder.scores / f"{step.step_id}.parquet"))
    hits = {decision.id for decision in step.decide(scores)}
    ranked = sorted(((score.id, score.number) for score in scores if score.number is not None), key=lambda one: (one[1], one[0]))
    inside = [(id_, value, True) for id_, value in ranked if id_ in hits]
    outside = [(id_, value, False) for id_, value in ranked if id_ not in hits]
    if inside and outside and inside[-1][1] <= outside[0][1]:
        return inside[-AROUND:] + outside[:AROUND]
    return inside[:AROUND] + outside[::-1][:AROUND]
