"""`tilth annotate`: labels for texts that exist, by a model; a run like any other."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tilth.cli.clean import clean
from tilth.cli.commands.run import env_file_option, work_options
from tilth.cli.options import Answer, Session, command

SHOWN = 8
"""Examples that a prompt shows where --support is given and -k is not."""


@command(
    "annotate",
    examples=(
        "annotate reviews.csv --labels positive,negative -p text_name=Review -p label_name=Sentiment",
        "annotate gold250.csv --labels positive,negative --bar 0.85        which labels a model may give without people",
        "annotate tickets.jsonl --task task.yaml --support examples16.csv -k 8 --votes 5 -m openai/gpt-4.1-mini --budget 2",
    ),
    help="Label the texts of DATA (a file with a column 'text', or a run) with a model: with probabilities, where it scores given texts "
    "or where --votes are taken. A column 'gold' or 'label' is never shown to it; the command then says how far its labels agree, "
    "label by label. So validate first: annotate a file that people have labelled, with --bar.",
)
@click.argument("data_path", metavar="DATA")
@work_options
@click.option("--labels", metavar="A,B,...", help="The labels; with definitions: --task FILE.yaml.")
@click.option("--codebook", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="Labelling rules that the model is shown.")
@click.option("--support", type=str, metavar="FILE", help="Labelled examples to show (columns text and label).")
@click.option("-k", "shown", type=click.IntRange(0), metavar="K", help=f"How many of them, over all labels. Default: {SHOWN}.")
@click.option("--votes", type=click.IntRange(1), metavar="N", help="Answers per text; the share of a label is its probability.")
@click.option(
    "--calibration", type=click.Choice(["none", "batch", "prior"]), help="Of scores. Default: batch (labels about equally frequent)."
)
@click.option(
    "--bar",
    type=click.FloatRange(0, 1),
    metavar="P",
    help="Name the labels that are right less often than this, by the lower end of the interval of their precision.",
)
@click.option("--require", type=click.IntRange(1), metavar="N", help="Exit 1 if fewer records are labelled.")
@click.option("--plan", "planned", is_flag=True, help="Send nothing: show the first prompt, the number of calls, and about what they cost.")
@env_file_option
def annotate(session: Session, data_path: str, require: int | None, planned: bool, bar: float | None, **options: Any) -> Answer:
    """Translate the options into a run of the method llm-labels, run it, and say how it went."""
    from tilth.cli import launching, planning, summary
    from tilth.cli.runs import data_named

    data_path = data_named(session, data_path)
    asked = launching.request(session, "llm-labels", **_options(session, data_path, **options))
    if planned:
        return planning.plan(session, asked)
    outcome = launching.launch(session, asked)
    done = outcome.status == "done"
    answer = summary.finish(session, outcome, asked.argv, require, asked.budget, advise=False)
    path = outcome.folder.artifacts / "annotation.json"
    if done and outcome.kept and path.exists():
        facts = json.loads(path.read_text("utf-8"))
        _show(session, facts)
        answer.result = {**(answer.result or {}), "annotation": facts}
        if bar is not None:
            _hold(session, outcome.folder.name, facts, bar)
    if done:
        why = " --reason any" if outcome.rejected and not outcome.kept else ""
        session.printer.advise(f"tilth trace {outcome.folder.name}{why}{session.where}", "the first records, and how each was labelled")
    return answer


def _options(
    session: Session,
    data_path: str,
    *,
    labels: str | None,
    codebook: str | None,
    support: str | None,
    shown: int | None,
    votes: int | None,
    calibration: str | None,
    **same: Any,
) -> dict[str, Any]:
    """The options of `tilth run llm-labels` that these mean; those typed with -s and -p win."""
    settings: list[str] = []
    if labels is not None:
        settings.append(f"task.labels={json.dumps([one.strip() for one in labels.split(',') if one.strip()])}")
    if codebook is not None:
        settings.append(f"task.codebook={json.dumps(codebook)}")
    count = SHOWN if support is not None and shown is None else shown
    given = {"demonstrations": count, "votes": votes, "calibration": calibration}
    data = [f"unlabelled={_found(session, data_path)}", *([f"support={support}"] if support is not None else [])]
    return {
        **same,
        "settings": (*settings, *same["settings"]),
        "parameters": (*(f"{name}={value}" for name, value in given.items() if value is not None), *same["parameters"]),
        "data": (*data, *same["data"]),
        "name": same["name"] or _name(data_path),
    }


def _found(session: Session, data_path: str) -> str:
    """A file or a pattern as it is; a run, by its name or folder, becomes its kept records."""
    folders = (Path(data_path), session.runs / data_path)
    run = next((folder for folder in folders if (folder / "data").is_dir()), None)
    return data_path if run is None or Path(data_path).is_file() else str(run / "data" / "part-*.parquet")


def _name(data_path: str) -> str:
    """What the run is called after what it labels.

    >>> _name("data/my reviews.csv"), _name("-")
    ('my-reviews-labels', 'labels')
    """
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(data_path).stem).strip("-._")
    return f"{stem}-labels" if stem else "labels"


def _show(session: Session, facts: Mapping[str, Any]) -> None:
    """Labels and, where some were given, how far the model agrees with them."""
    printer = session.printer
    printer.say("  ", ("labels    ", "dim"), ", ".join(f"{n:,} {label}" for label, n in facts["labels"].items()))
    if facts["mean_entropy_bits"] is not None:
        printer.say("  ", ("unsure    ", "dim"), f"{facts['mean_entropy_bits']:.2f} bits of entropy on average, 0 is sure")
    found = facts["agreement"]
    if found is None:
        return
    parts = [f"accuracy {_interval(found['accuracy'])}", f"kappa {_interval(found['kappa'])}"]
    if found["calibration_error"]["value"] is not None:
        parts.append(f"calibration error {found['calibration_error']['value']:.2f}")
    printer.say("  ", ("agrees    ", "dim"), " · ".join(parts), f"   n {found['n']:,} with a given label")
    wide = max(map(len, found["per_label"]))
    for label, one in found["per_label"].items():
        right = f"precision {_interval(one['precision'])}   recall {_interval(one['recall'])}"
        printer.say("            ", f"{clean(label):<{wide}}  {right}")
    if found["accuracy"]["low"] <= found["majority"]:
        line = f"the labels are not shown to be better than always the most frequent one ({found['majority']:.2f})."
        printer.warn(line, "annotate.no_better")


def _hold(session: Session, run: str, facts: Mapping[str, Any], bar: float) -> None:
    """Which labels a model may give without people, and the command that sends the others to review."""
    if facts["agreement"] is None:
        session.printer.warn("--bar needs given labels: annotate a file that has a column 'label' or 'gold'.", "annotate.no_gold")
        return
    precision = {label: one["precision"] for label, one in facts["agreement"]["per_label"].items()}
    below = [label for label, one in precision.items() if one is None or one["low"] < bar]
    if not below:
        session.printer.say(f"  every label is right at least {bar:g} of the time, by the lower end of its interval")
        return
    listed = ", ".join(f"'{label}'" for label in below)
    session.printer.warn(f"not shown to be right at least {bar:g} of the time: {listed}. Let people give these.", "annotate.bar")
    step = f"drop_if condition={json.dumps(f'label in {below!r}', ensure_ascii=False)} action=review"
    session.printer.advise(f"tilth curate {run} -s {shlex.quote(step)}{session.where}", "sets them aside for review")


def _interval(value: Mapping[str, Any] | None) -> str:
    return "not defined" if value is None else f"{value['value']:.2f} [{value['low']:.2f}, {value['high']:.2f}]"
