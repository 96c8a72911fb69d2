"""An export before its first byte: what is asked for, what is read, and whether anything forbids it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from tilth.errors import RequestError
from tilth.records.folder import RunFolder
from tilth.report.card.licences import Licence, licence_of
from tilth.report.export import checks, formats
from tilth.report.export.formats import Format
from tilth.report.export.source import Row, Source, scorers

if TYPE_CHECKING:
    from tilth.engine.outcome import Outcome
    from tilth.report.facts import Facts


class Options(TypedDict, total=False):
    """How to export.

    out: a folder, or a file of the format's ending; default: ``exports/FORMAT`` in the run's folder.
    split: name to share, or ``"train=0.9,validation=0.1"``; near-duplicates and relatives stay on one side. seed: of the split; default:
    the run's. meta: with or without lineage; default: as the format has it. only, drop: columns. rejected: rejected records too.
    label: ``resolved``, ``model`` or ``people``. sort: a column. defuse: CSV that is safe to open in a spreadsheet. repo:
    ``owner/name``, for a hub folder.
    force: although a gate failed (the card then says so first), and over a file that is there already.
    """

    out: str | Path | None
    split: str | Mapping[str, float] | None
    seed: int | None
    meta: bool | None
    only: Sequence[str]
    drop: Sequence[str]
    rejected: bool
    label: str
    sort: str | None
    repo: str | None
    defuse: bool
    force: bool


@dataclass(frozen=True)
class Plan:
    """An export that nothing forbids."""

    facts: Facts
    form: Format
    source: Source
    licence: Licence
    meta: bool
    options: Options = field(default_factory=lambda: Options())

    @property
    def kinds(self) -> dict[str, str]:
        """Columns that come out."""
        return formats.kinds_of(self.form, self.source.columns)

    def rows(self, row: Row) -> Iterator[dict[str, Any]]:
        """The rows that a record becomes."""
        from tilth.report.export import tools

        if self.form.ending == "json":
            yield tools.label_studio(row.columns, row.meta) if self.form.name == "label_studio" else tools.argilla(row.columns, row.meta)
            return
        shaped = [row.columns] if self.form.shape is None else self.form.shape(row.columns, system_of(self.facts, self.source.columns))
        try:
            for one in shaped:
                yield {**one, "meta": row.meta} if self.meta else one
        except RequestError as error:
            raise RequestError(f"record {str(row.meta['id'])[:8]}: {error.what}", code=error.code) from None


def planned(run: RunFolder | Outcome | str | Path, to: str, **options: Unpack[Options]) -> Plan:
    """Everything that is checked before the first byte is written."""
    from tilth.report.facts import facts

    form, folder = formats.find(to), _folder(run)
    found = facts(folder)
    source = _source(folder, found, options)
    licence = licence_of(found.asked, found.inputs, licences_in(source.paths))
    checks.refuse(found, licence, force=options.get("force", False))
    formats.check(form, source.columns)
    if options.get("rejected") and not form.rejected:
        raise RequestError(
            f"{form.name} cannot hold rejected records, which may lack its columns. Use: --to parquet", code="export.rejected"
        )
    wanted = options.get("meta")
    drops = "meta" in options.get("drop", ())
    if wanted and form.meta is None:
        raise RequestError(f"{form.name} has lineage in its own way; leave --with-meta out.", code="export.meta")
    return Plan(found, form, source, licence, bool(form.meta if wanted is None else wanted) and not drops, options)


def _folder(run: RunFolder | Outcome | str | Path) -> RunFolder:
    folder = run if isinstance(run, RunFolder) else RunFolder(run) if isinstance(run, (str, Path)) else run.folder
    if not folder.exists():
        raise RequestError(f"{folder.path} is not a run. See: tilth status", code="run.unknown")
    return folder


def _source(folder: RunFolder, found: Facts, options: Options) -> Source:
    label = options.get("label", "resolved")
    if label not in ("resolved", "model", "people"):
        raise RequestError(f"--label is resolved, model or people, not '{label}'.", code="export.label")
    judges = tuple(found.models.get("judge", ()) or found.models.get("generator", ()))
    source = Source(folder, label=label, by=scorers(folder, judges))
    drop = set(options.get("drop", ())) - {"meta"}
    _ = replace(source, only=tuple(sorted(drop))).columns  # raises for one that there is not, with the nearest name
    only = [name for name in (options.get("only") or source.columns) if name not in drop]
    source = replace(source, only=tuple(only) if options.get("only") or drop else (), sort=options.get("sort"))
    if label == "people" and next(source.plain.rows(), None) is None:
        raise RequestError(f"no label of {folder.name} was decided by people. Use: --label resolved", code="export.label")
    return source


def licences_in(paths: Sequence[Path]) -> dict[str, int]:
    """Licences that the records themselves name, with how many name each."""
    import pyarrow.parquet as pq

    total: Counter[str] = Counter()
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=65_536, columns=["licence"], use_threads=False):
                total.update({one["values"]: one["counts"] for one in batch["licence"].value_counts().to_pylist() if one["values"]})
    return dict(sorted(total.items()))


def system_of(found: Facts, columns: Mapping[str, str]) -> str:
    """What a model is told before a request, where the answer is a label: the task, and the labels to choose from."""
    from tilth.report.export.shapes import pair_of

    pair = pair_of(columns)
    if "messages" in columns or pair is None or pair[1] != ("label",):
        return ""
    about, labels = str(found.task.get("about") or ""), found.task.get("labels") or {}
    listed = f"Answer with one of: {', '.join(labels)}." if labels else ""
    return "\n".join(part for part in (about, listed) if part)
