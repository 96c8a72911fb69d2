"""`tilth report`: one page that says what a run made, what is known of it, and what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tilth.cli import runs
from tilth.cli.numbers import count, plural, size
from tilth.cli.options import Answer, Session, command
from tilth.errors import RequestError

FILE = click.Path(dir_okay=True)
NAMES = {"html": "report.html", "md": "report.md", "json": "report.json"}


@command(
    "report",
    examples=("report . --open", "report support-intents --real train.csv --against support-intents-2"),
    help="One page about RUN (a name, a path, or . for the newest) in one file that works from disk, by mail and in print: verdict, "
    "losses, quality, diversity, usefulness, safety, cost, and records with their provenance.",
)
@click.argument("run", required=False)
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
@click.option("-o", "--out", type=click.Path(), metavar="FILE", help="Where to write it; -: stdout. Default: in the run's folder.")
@click.option("--real", type=FILE, metavar="FILE", help="Real rows to compare with. Default: the run's own input of that name.")
@click.option("--holdout", type=FILE, metavar="FILE", help="Real rows that nothing else has seen; stand in where --real is not given.")
@click.option("--against", metavar="RUN", help="Another run, in a column beside this one.")
@click.option("--samples", type=click.IntRange(0, 200), default=60, show_default=True, help="Records shown.")
@click.option("--max-mb", type=click.FloatRange(0.2, 5), default=3.0, show_default=True, help="Above it fewer records are shown.")
@click.option("--format", "form", type=click.Choice(list(NAMES)), default="html", show_default=True)
@click.option("--theme", type=click.Choice(["auto", "light", "dark"]), default="auto", show_default=True)
@click.option("--label", default="label", show_default=True, metavar="COLUMN", help="The column that holds the label.")
@click.option("--no-text", is_flag=True, help="Numbers only: no record, prompt or reply, to share where the records are confidential.")
def report(session: Session, run: str | None, show: bool, out: str | None, **options: Any) -> Answer:
    """Build, write, show."""
    from tilth.records.folder import RunFolder
    from tilth.report.page.build import build

    view = runs.find(session, run)
    folder = RunFolder(view.folder)
    built = build(folder, _options(session, options))
    if out == "-":
        if session.json or show:
            raise RequestError("--out - writes the report to stdout; leave out --open and --json.", code="option.together")
        session.printer.result(built.text.rstrip("\n"))
        return Answer()
    path = Path(out) if out else view.folder / NAMES[options["form"]]
    _write(path, built.text)
    large = size(len(built.text.encode()))
    told = f"{large} · {plural(built.plots, 'plot')} · {count(built.records)} records of {count(built.of)}"
    printer = session.printer
    printer.mark("done", f"{path}   {told}")
    for note in built.notes:
        printer.warn(note, "report.smaller")
    if printer.quiet or not printer.terminal(printer.out):  # on a terminal the line above has said it
        printer.result(str(path))
    if show:
        _open(session, path)
    facts = {"path": str(path), "bytes": len(built.text.encode()), "plots": built.plots, "records": built.records, "of": built.of}
    return Answer(facts)


def _options(session: Session, given: dict[str, Any]) -> Any:
    from tilth.records.folder import RunFolder
    from tilth.report.page.build import Options

    against = runs.find(session, given["against"]).folder if given["against"] else None
    return Options(
        real=given["real"],
        holdout=given["holdout"],
        samples=given["samples"],
        max_mb=given["max_mb"],
        theme=given["theme"],
        texts=not given["no_text"],
        against=None if against is None else RunFolder(against),
        form=given["form"],
        label=given["label"],
    )


def _write(path: Path, text: str) -> None:
    from tilth.records.atomic import replacing

    if path.is_dir() or not path.parent.is_dir():
        what = f"{path} is a folder. Name a file: --out {path}/report.html" if path.is_dir() else f"there is no folder {path.parent}."
        raise RequestError(what, code="report.out")
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


def _open(session: Session, path: Path) -> None:
    """In the browser of the machine, where there is one."""
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        session.printer.warn(f"no browser could be opened. Open {path} in one.", "report.browser")
