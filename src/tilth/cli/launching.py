"""From the words of the command line to a run that is shown, can be interrupted, and ends as an `Outcome`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.cli import again
from tilth.cli.numbers import count, plural
from tilth.cli.options import Session
from tilth.cli.progress.choose import kind, shown
from tilth.cli.progress.watch import Header, Rates, StageLine, Watcher, event, now
from tilth.cli.runs import SCAN
from tilth.cli.signals import Signals
from tilth.errors import RequestError, TilthError

if TYPE_CHECKING:
    from tilth.engine.execute import Outcome
    from tilth.engine.progress import Progress
    from tilth.flows.launch import Prepared

EMBEDDED = "made by a 135M model on this machine: it proves that the flow works, not that the data are good."


@dataclass(frozen=True)
class Asked:
    """What the user wants run: `options` go to :func:`tilth.flows.launch.prepare`; `argv` is the command as typed.

    budget: in dollars, for advice. estimate: what its first units said the whole would take, for the displays.
    """

    what: Any
    argv: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    budget: float | None = None
    estimate: str = ""


def request(
    session: Session,
    what: str,
    *,
    models: Sequence[str] = (),
    settings: Sequence[str] = (),
    parameters: Sequence[str] = (),
    data: Sequence[str] = (),
    budget: float | None = None,
    max_calls: int | None = None,
    max_tokens: int | None = None,
    max_hours: float | None = None,
    concurrency: int | None = None,
    **same: Any,
) -> Asked:
    """Parse the options of `tilth run`; those in `same` have the name that `prepare` knows them by.

    Raises
    ------
    RequestError: a word that is not NAME=VALUE, or a value that is no YAML.
    """
    from tilth.cli.commands.run import pairs, roles, values

    usd = session.config.get("budget", budget).value
    caps = {"usd": usd, "calls": max_calls, "tokens": max_tokens, "hours": max_hours}
    options = {
        **same,
        "models": roles(models),
        "set": values(settings, "-s"),
        "parameters": values(parameters, "-p"),
        "data": pairs(data, "--data"),
        "budget": {name: value for name, value in caps.items() if value is not None} or None,
        "concurrency": session.config.get("concurrency", concurrency).value,
        "runs": session.runs,
    }
    return Asked(what, session.argv, {name: value for name, value in options.items() if value not in (None, (), {})}, usd)


def prepared(session: Session, asked: Asked, **more: Any) -> Prepared:
    """Everything before the first call. Raises RequestError for what is wrong."""
    from tilth.flows.launch import prepare

    options = {**asked.options, **more}
    preset = session.config.models()
    if preset.get("generator") and "generator" not in options.get("models", {}):
        options["models"] = {"generator": preset["generator"], **options.get("models", {})}
    ready = prepare(asked.what, **options)
    for model in (one.model for many in ready.settings.roles.values() for one in many):
        check = getattr(model, "check", None)
        if check is not None:  # weights that are not on this machine: said now, not at the first call
            check()
    return ready


def launch(session: Session, asked: Asked, **more: Any) -> Outcome:
    """Prepare, run, show, and return how it ended. Raises RequestError for what is wrong."""
    return go(session, asked, prepared(session, asked, **more))


def stopped_after(ready: Prepared, until: str | None) -> Prepared:
    """The same run without the stages after `until`; None: all of it.

    Raises
    ------
    RequestError: it has no such stage.
    """
    if until is None:
        return ready
    names = ["generate", *(stage.name for stage in ready.stages)]
    if until not in names:
        raise RequestError(f"--until {until}: this flow has no such stage (it has: {', '.join(names)}).", code="run.no_stage")
    ready.stages = ready.stages[: names.index(until)]
    return ready


def scripted(asked: Asked) -> Asked:
    """The same with a function in the place of every model: what it says depends on the prompt alone, and costs nothing."""
    from dataclasses import replace

    from tilth.cli.script import model
    from tilth.flows.overriding import flow_of, overridden

    changes = {name: asked.options.get(name) for name in ("task", "data", "parameters")}
    flow = overridden(flow_of(asked.what), settings=asked.options.get("set"), **changes)
    given: dict[str, Any] = asked.options.get("models", {})
    named = {"generator": None, **flow.models(), **given}
    pools = {role: len(specs) if isinstance(specs, list) else 1 for role, specs in named.items() if role != "embedder"}
    models: dict[str, Any] = {role: [model(number) for number in range(n)] for role, n in pools.items()}
    models |= {"embedder": given["embedder"]} if "embedder" in given else {}
    return replace(asked, options={**asked.options, "models": models})


def go(session: Session, asked: Asked, ready: Prepared, *, brief: bool = False) -> Outcome:
    """Run what is prepared: progress on stderr, numbers in progress.json, Ctrl-C as the rules say.

    brief: a trial of some units, which says nothing but what a live display shows while it runs.
    """
    from tilth.engine.execute import Handle, start

    settings, printer = ready.settings, session.printer
    for note in ready.notes:
        printer.say(note)
    header = _header(asked, ready, brief)
    live = kind(session) == "live"
    if live and not brief:
        _head(session, header)
    handle, progress = Handle(), settings.progress
    progress.method, progress.total = ready.method.name, ready.method.rows
    display = shown(session, header, progress) if live or not brief else contextlib.nullcontext()
    with Signals(printer, lambda: handle.in_flight) as signals, display, _recorded(ready, asked):
        signals.handle = handle
        outcome: Outcome = start(lambda: ready.execute(handle))
    if not brief:
        _warn(session, outcome, ready)
    return outcome


def _header(asked: Asked, ready: Prepared, brief: bool) -> Header:
    models = {role: ", ".join(one.name for one in many) for role, many in ready.settings.roles.items()}
    folder = ready.folder
    alone = getattr(ready, "stage", None)  # `tilth curate` and `evaluate` prepare one stage, over rows that exist
    if alone is not None:
        lines = [_stage_line(alone)]
    else:
        lines = [StageLine("generate", ready.method.name, rows=True), *(_stage_line(stage) for stage in ready.stages)]
    spent = _spent(ready.settings.journal or folder.journal)
    return Header(folder.name, ready.settings.seed, str(folder.path), models, ready.settings.caps.usd, spent, asked.estimate, lines, brief)


def _spent(journal: Path) -> float:
    """Dollars that earlier starts paid, as far as their prices are known."""
    import sqlite3

    if not journal.exists() or journal.stat().st_size > SCAN:
        return 0.0
    try:
        with contextlib.closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=1)) as connection:
            return float(connection.execute("SELECT sum(usd) FROM calls WHERE paid").fetchone()[0] or 0.0)
    except sqlite3.Error:
        return 0.0


def _stage_line(stage: Any) -> StageLine:
    """What the displays say of a stage after generation. `report` and `values` grow while it works."""
    if hasattr(stage, "steps"):
        return StageLine(stage.name, plural(len(stage.steps), "step"), lambda: _step_now(stage), lambda: _steps_over(stage))
    if hasattr(stage, "metrics"):
        what = plural(len(stage.metrics), "metric")
        return StageLine(stage.name, what, lambda: f"{count(len(stage.values))} values so far", lambda: _values_over(stage))
    return StageLine(stage.name, "")


def _step_now(stage: Any) -> str:
    number = len(stage.report)
    return f"step {number + 1} of {len(stage.steps)}: {stage.steps[number].step_id}" if number < len(stage.steps) else ""


def _steps_over(stage: Any) -> str:
    done = list(stage.report)
    return f"{count(done[-1].after)} kept, {count(done[0].before - done[-1].after)} dropped" if done else ""


def _values_over(stage: Any) -> str:
    return f"{plural(sum(one.value is not None for one in stage.values), 'value')} in metrics.json"


def _head(session: Session, header: Header) -> None:
    from tilth import __version__
    from tilth.cli.numbers import money

    printer = session.printer
    printer.say((f"tilth {__version__} · ", "dim"), (header.name, "bold"), (f" · seed {header.seed} · {header.folder}", "dim"))
    models = " · ".join(f"{role} {name}" for role, name in header.models.items())
    printer.say((models + (f" · budget {money(header.budget_usd)}" if header.budget_usd else ""), "dim"))
    if header.estimate:
        room = printer.columns(printer.err) - len("estimate  ")
        said = header.estimate if len(header.estimate) <= room else header.estimate.partition(" (")[0]
        printer.say((f"estimate  {said}", "dim"))
    printer.say()


@contextlib.contextmanager
def _recorded(ready: Prepared, asked: Asked) -> Any:
    """Write progress.json each second, so that `tilth status --watch` sees the run from another process."""
    progress, rates = ready.settings.progress, Rates()
    aside = ready.settings.journal
    same = {"command": again.command(asked.argv), "pid": os.getpid(), "journal": str(aside) if aside else None}

    def look(final: bool) -> None:
        rates.add(now(), progress)
        with contextlib.suppress(OSError, TilthError):  # a display file is worth no failure
            ready.folder.write_progress({**event(progress, rates), **same, **_unknown(progress)})

    watcher = Watcher(look, 1.0)
    watcher.start()
    try:
        yield
    finally:
        watcher.stop()


def _unknown(progress: Progress) -> dict[str, Any]:
    return {"usd_unknown": progress.usd_unknown}


def _warn(session: Session, outcome: Outcome, ready: Prepared) -> None:
    for line in outcome.warnings:
        session.printer.warn(line, "run.note")
    roles = ready.settings.roles
    wrote = [one for role in ready.settings.progress.answered for one in roles.get(role, ())]
    if outcome.kept and any(one.identity.startswith("local/smollm2-135m") for one in wrote):
        session.printer.warn(EMBEDDED, "model.embedded")
    asks = [getattr(ready.method, "roles", {}), *(getattr(stage, "asks", ()) for stage in _stages(ready))]
    if any("judge" in one for one in asks):
        _same_judge(session, roles)


def _stages(ready: Prepared) -> list[Any]:
    """The stages after generation; the one stage of `tilth curate` and `evaluate`."""
    alone = getattr(ready, "stage", None)
    return ready.stages if alone is None else [alone]


def _same_judge(session: Session, roles: Any) -> None:
    """Warn where a model rates its own text; an unset judge is the generator."""
    generators = {one.identity: one.name for one in roles.get("generator", ())}
    same = [one.name for one in roles.get("judge") or roles.get("generator", ()) if one.identity in generators]
    if same and not same[0].startswith("scripted"):
        line = f"judge and generator are both {same[0]}; a model rates its own text too well. Choose another: -m judge=…"
        session.printer.warn(line, "model.same_judge")
