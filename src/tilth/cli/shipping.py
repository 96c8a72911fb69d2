"""What a finished run leaves for others: card, Croissant and manifest in its folder, and the exports that its flow asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tilth.cli.numbers import count, plural
from tilth.cli.options import Session
from tilth.errors import TilthError

if TYPE_CHECKING:
    from tilth.engine.execute import Outcome
    from tilth.report.export.exporting import Exported
    from tilth.report.facts import Facts


def describe(session: Session, outcome: Outcome, found: Facts) -> None:
    """Write README.md, croissant.json and manifest.json of a run that is done and has kept records."""
    from tilth.report.describe import describe as write

    if outcome.status != "done" or not found.kept:
        return
    try:
        write(found.folder, found)
    except TilthError as error:  # the run itself is whole, and the next command writes them again
        session.printer.warn(f"the card could not be written: {error}", "card.failed")


def ship(session: Session, outcome: Outcome, found: Facts) -> list[dict[str, Any]]:
    """Carry out the flow's list of exports. One that is refused is a warning: the run is done all the same."""
    from tilth.report.running import exports

    made: list[dict[str, Any]] = []
    for to, done in exports(found) if outcome.status == "done" and found.kept else ():
        if isinstance(done, TilthError):
            session.printer.warn(f"not exported to {to}: {done}", done.code)
            continue
        show(session, done)
        made.append(as_json(done))
    return made


def show(session: Session, done: Exported) -> None:
    """One line for each file of data with its rows, then one for what stands beside them."""
    printer = session.printer
    lines = [(f"{done.path / path}", part) for part in done.parts for path in part.files[:1]] if done.path.is_dir() else []
    lines = lines or [(str(done.path), part) for part in done.parts]
    widest = max((len(path) for path, _ in lines), default=0)
    most = max((len(count(part.rows)) for _, part in lines), default=0)
    for path, part in lines:
        more = f" in {plural(len(part.files), 'file')}" if len(part.files) > 1 else ""
        printer.say(f"{path:<{widest}}  {count(part.rows):>{most}} {'record' if part.rows == 1 else 'records'}{more}")
    if done.also:
        prompts = sum(name.startswith("prompts/") for name in done.also)
        names = [name for name in done.also if not name.startswith("prompts/")]
        printer.say(", ".join([f"{done.path / names[0]}", *names[1:], *([f"prompts/ ({prompts})"] if prompts else [])]))
    for note in done.notes:
        printer.warn(note, "export.split")


def as_json(done: Exported) -> dict[str, Any]:
    """An export in the JSON object."""
    parts = [
        {"config": part.config, "split": part.split, "rows": part.rows, "labels": dict(part.labels), "files": list(part.files)}
        for part in done.parts
    ]
    return {
        "to": done.format,
        "path": str(done.path),
        "rows": done.rows,
        "parts": parts,
        "also": list(done.also),
        "notes": list(done.notes),
    }
