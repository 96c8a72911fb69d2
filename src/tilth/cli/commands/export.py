"""`tilth export`: a run's records in the formats that trainers, hubs and annotation tools read."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilth.cli import runs
from tilth.cli.options import Answer, Session, command

if TYPE_CHECKING:
    from tilth.records.folder import RunFolder


@command(
    "export",
    examples=("export support-intents --to chat --split train=0.9,validation=0.1 -o out/", "export . --to jsonl -o - | jq .text"),
    help="Write the kept records of RUN (a name in the folder of runs, a path, or . for the newest) in a format that others read, with a "
    "dataset card, a manifest and, for tables, Croissant. `tilth catalog` lists the formats.",
)
@click.argument("run", required=False)
@click.option("--to", default="parquet", show_default=True, metavar="FORMAT", help="parquet, jsonl, csv, chat, alpaca, sharegpt, dpo, kto, "
              "prompt-completion, text, hub, argilla, label_studio, croissant.")  # fmt: skip
@click.option("-o", "--out", metavar="PATH|-", help="A folder, a file, or - for stdout. Default: exports/FORMAT in the run's folder.")
@click.option("--split", metavar="NAME=SHARE,...", help="train=0.9,validation=0.1; near-duplicates and relatives stay on one side.")
@click.option("--seed", type=int, help="Seed of the split. Default: the run's.")
@click.option(
    "--with-meta/--drop-meta", "meta", default=None, help="With or without where each record comes from. Default: as usual there."
)
@click.option("--only", metavar="COLUMNS", help="Only these columns, with commas between them.")
@click.option("--include", type=click.Choice(["rejected"]), help="Rejected records too, with their reasons.")
@click.option("--label", type=click.Choice(["resolved", "model", "people"]), default="resolved", show_default=True, help="Whose label.")
@click.option("--sort", metavar="COLUMN", help="Sort the records by a column.")
@click.option("--repo", metavar="OWNER/NAME", help="hub: where it will be; for links in the card and in Croissant. Nothing is sent.")
@click.option("--defuse", is_flag=True, help="CSV: keep spreadsheets from taking a text for a formula.")
@click.option("--force", is_flag=True, help="Although a gate failed (the card says so first), and over a file that is there.")
@click.option("--verify", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR", help="Check an export's manifest.")
def export(session: Session, run: str | None, to: str, out: str | None, verify: Path | None, **options: Any) -> Answer:
    """Check, or write and say what was written."""
    from tilth.cli import shipping
    from tilth.records.folder import RunFolder
    from tilth.report.export.exporting import export as write

    if verify is not None:
        return _verified(session, verify)
    folder = RunFolder(runs.find(session, run).folder)
    asked = _asked(options)
    if out == "-":
        return _streamed(session, folder, to, asked)
    done = write(folder, to, out=out, **asked)
    shipping.show(session, done)
    session.printer.result(str(done.path))
    if done.path.is_dir():
        session.printer.advise(f"tilth export --verify {shlex.quote(str(done.path))}", "compares every file with the manifest")
    return Answer(shipping.as_json(done))


def _asked(options: dict[str, Any]) -> dict[str, Any]:
    names = options.pop("only")
    only = [name.strip() for name in names.split(",") if name.strip()] if names else []
    rejected = options.pop("include") == "rejected"
    return {**options, "only": only, "rejected": rejected}


def _streamed(session: Session, folder: RunFolder, to: str, asked: dict[str, Any]) -> Answer:
    """All records to stdout and nothing else."""
    from tilth.errors import RequestError
    from tilth.report.export.exporting import stream

    if session.json:
        raise RequestError("-o - writes records to stdout, where --json writes its object. Use one of them.", code="export.stream")
    out = session.printer.out
    out.flush()
    rows = stream(folder, to, getattr(out, "buffer", sys.stdout.buffer), **asked)
    session.printer.detail(f"{rows:,} rows")
    return Answer({"to": to, "rows": rows})


def _verified(session: Session, folder: Path) -> Answer:
    from tilth.report.manifest import verify

    found = verify(folder)
    for line in found:
        session.printer.result(line)
    if not found:
        session.printer.mark("done", f"{folder}: every file is as the manifest says")
        return Answer({"path": str(folder), "differs": []})
    line = f"{folder} is not what its manifest says: {found[0]}" + (f" (and {len(found) - 1} more)" if len(found) > 1 else "")
    session.printer.error(line)
    return Answer({"path": str(folder), "differs": found}, 1, ("export.differs", line))
