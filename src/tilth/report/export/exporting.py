"""From a run to files that others read: refusals first, then splits, then everything in one folder that appears at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Unpack

from tilth.errors import RequestError
from tilth.records.atomic import replacing
from tilth.records.folder import RunFolder
from tilth.report.contents import Part
from tilth.report.export import place
from tilth.report.export.beside import companions
from tilth.report.export.plan import Options, Plan, planned
from tilth.report.export.split import Splits, shares_of, split, whole
from tilth.report.export.writing import data_files, one_parquet_file, write_all, writer_of

if TYPE_CHECKING:
    from tilth.engine.outcome import Outcome


@dataclass(frozen=True)
class Exported:
    """What an export wrote. parts: split to its files and rows; also: the files beside the data; notes: what the user should know."""

    path: Path
    format: str
    parts: tuple[Part, ...]
    also: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of the kept records."""
        return sum(part.rows for part in self.parts if part.config == "default")


def export(run: RunFolder | Outcome | str | Path, to: str = "parquet", **options: Unpack[Options]) -> Exported:
    """Write the kept records of a run in a format that others read, with card, manifest and (for tables) Croissant.

    Parameters
    ----------
    run: a run's folder, its path, or what :func:`tilth.run` returned. to: a name of `tilth.report.export.formats.FORMATS`.
    options: see `Options`.

    Raises
    ------
    RequestError: what is asked cannot be written, or a licence forbids it. CheckFailed: a gate that must hold failed.
    """
    plan = planned(run, to, **options)
    given = options.get("out")
    target = Path(given) if given else plan.facts.folder.path / "exports" / plan.form.name
    if target.suffix == f".{plan.form.ending}" and not target.is_dir():
        return _one_file(plan, target)
    splits = _splits(plan)
    with place.folder(target) as aside:
        contents = data_files(plan, splits, aside)
        also = companions(plan, contents, target)
    return Exported(target, plan.form.name, contents.parts, tuple(also), (*contents.notes, *_warned(plan)))


def _warned(plan: Plan) -> list[str]:
    """What to know before the folder goes anywhere."""
    closed = plan.form.name == "hub" and not plan.licence.public
    return ["an input is restricted: this folder is for no public place"] if closed else []


def stream(run: RunFolder | Outcome | str | Path, to: str, file: BinaryIO, **options: Unpack[Options]) -> int:
    """Write all kept records to an open file and return how many rows that is; for text formats without splits."""
    plan = planned(run, to, **options)
    if plan.form.ending not in ("jsonl", "csv") or options.get("split") or options.get("rejected"):
        raise RequestError(
            "-o - writes one stream: jsonl, csv or a format of JSON Lines, without --split and --include.", code="export.stream"
        )
    return write_all(plan, writer_of(plan, file))


def _splits(plan: Plan) -> Splits:
    asked = plan.options.get("split")
    if not asked:
        return whole(plan.source)
    seed = plan.options.get("seed")
    return split(plan.source, shares_of(asked), plan.facts.seed if seed is None else seed)


def _one_file(plan: Plan, target: Path) -> Exported:
    """A single file, without card and manifest."""
    if plan.options.get("split") or plan.options.get("rejected"):
        raise RequestError(f"{target} is one file; with --split or --include rejected, -o names a folder.", code="export.place")
    if target.exists() and not plan.options.get("force"):
        raise RequestError(f"{target} is there already. Replace it with: --force", code="export.place")
    with replacing(target) as file:
        rows = one_parquet_file(plan, file) if plan.form.ending == "parquet" else write_all(plan, writer_of(plan, file))
    return Exported(target, plan.form.name, (Part("default", "train", (target.name,), rows),))
