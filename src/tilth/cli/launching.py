"""From the words of the command line to a run that is shown, can be interrupted, and ends as an `Outcome`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tilth.cli import again
from tilth.cli.options import Session
from tilth.cli.progress.choose import kind, shown
from tilth.cli.progress.watch import Header, Rates, Watcher, event, now
from tilth.cli.signals import Signals
from tilth.errors import TilthError

if TYPE_CHECKING:
    from tilth.engine.execute import Outcome
    from tilth.engine.progress import Progress
    from tilth.flows.launch import Prepared

EMBEDDED = "made by a 135M model on this machine: it proves that the flow works, not that the data are good."


@dataclass(frozen=True)
class Asked:
    """What the user wants run: `options` go to :func:`tilth.flows.launch.prepare`; `argv` is the command as typed."""

    what: Any
    argv: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    budget: float | None = None


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


def go(session: Session, asked: Asked, ready: Prepared) -> Outcome:
    """Run what is prepared: progress on stderr, numbers in progress.json, Ctrl-C as the rules say."""
    from tilth.engine.execute import Handle, start

    settings, printer = ready.settings, session.printer
    for note in ready.notes:
        printer.say(note)
    header = _header(asked, ready)
    if kind(session) == "live":
        _head(session, header)
    handle, progress = Handle(), settings.progress
    progress.method, progress.total = ready.method.name, ready.method.rows
    with Signals(printer, lambda: handle.in_flight) as signals, shown(session, header, progress), _recorded(ready, asked):
        signals.handle = handle
        outcome: Outcome = start(lambda: ready.execute(handle))
    _warn(session, outcome, ready)
    return outcome


def _header(asked: Asked, ready: Prepared) -> Header:
    models = {role: ", ".join(one.name for one in many) for role, many in ready.settings.roles.items()}
    folder = ready.folder
    return Header(folder.name, ready.settings.seed, str(folder.path), models, ready.settings.caps.usd)


def _head(session: Session, header: Header) -> None:
    from tilth import __version__
    from tilth.cli.numbers import money

    printer = session.printer
    printer.say((f"tilth {__version__} · ", "dim"), (header.name, "bold"), (f" · seed {header.seed} · {header.folder}", "dim"))
    models = " · ".join(f"{role} {name}" for role, name in header.models.items())
    printer.say((models + (f" · budget {money(header.budget_usd)}" if header.budget_usd else ""), "dim"))
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
    if outcome.kept and any(one.identity.startswith("local/smollm2-135m") for many in roles.values() for one in many):
        session.printer.warn(EMBEDDED, "model.embedded")
    generators = {one.identity: one.name for one in roles.get("generator", ())}
    same = [one.name for one in roles.get("judge", ()) if one.identity in generators]
    if same and "judge" in ready.method.roles:
        line = f"judge and generator are both {same[0]}; a model rates its own text too well. Choose another: -m judge=…"
        session.printer.warn(line, "model.same_judge")
