"""The data files of an export: one record after the other, each to the writer of its split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from tilth.errors import RequestError
from tilth.report.contents import MOST_LABELS, Contents, Part, has_classes, label_name
from tilth.report.export.files import Opened, Parquet, Writer, text_writer
from tilth.report.export.plan import Plan
from tilth.report.export.split import NOWHERE, Splits


def write_all(plan: Plan, writer: Writer) -> int:
    """All records to one writer."""
    count = 0
    for row in plan.source.rows():
        for one in plan.rows(row):
            writer.add(one)
            count += 1
    writer.close()
    return count


def _names(plan: Plan) -> list[str]:
    return [*plan.kinds, *(["meta"] if plan.meta else [])]


def writer_of(plan: Plan, file: BinaryIO) -> Writer:
    """The writer of a text format over an open file."""
    return text_writer(plan.form.ending, file, _names(plan), defuse=plan.options.get("defuse", False))


def one_parquet_file(plan: Plan, file: BinaryIO) -> int:
    """All records as one Parquet file."""
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory(prefix="tilth-export-") as aside:
        writer = Parquet(Path(aside), "train", 1, plan.kinds, meta=plan.meta, most=1 << 62)
        rows = write_all(plan, writer)
        with (Path(aside) / writer.names[0]).open("rb") as made:
            shutil.copyfileobj(made, file)
    return rows


def data_files(plan: Plan, splits: Splits, aside: Path) -> Contents:
    """The data files of all splits."""
    files: dict[str, tuple[str, ...]] = {}

    def opened(name: str, stack: ExitStack) -> Writer:
        writer, files[name] = _writer(plan, plan.kinds, name, splits, aside, stack)
        return writer

    rows: Counter[str] = Counter()
    labels: dict[str, Counter[str]] = {name: Counter() for name in splits.names}
    example: dict[str, Any] = {}
    classes = has_classes(plan.kinds)
    writers = Opened(opened)
    try:
        for name in splits.names:
            writers.of(name)
        for row in plan.source.rows():
            if splits.of[row.position] == NOWHERE:
                continue
            name = splits.names[splits.of[row.position]]
            for one in plan.rows(row):
                writers.of(name).add(one)
                rows[name] += 1
                example = example or {key: value for key, value in one.items() if key != "meta"}
                if classes and one.get("label") is not None and len(labels[name]) <= MOST_LABELS:
                    labels[name][label_name(one["label"])] += 1
    finally:
        writers.close()
    if not rows.total():
        raise RequestError(
            f"{plan.facts.name} has no records to export. See: tilth trace {plan.facts.name} --reason any", code="export.no_data"
        )
    kept = tuple(Part("default", name, files[name], rows[name], _classes(labels[name])) for name in splits.names)
    refused, kinds = _rejected(plan, aside)
    repo = plan.options.get("repo") if plan.form.name == "hub" else None
    return Contents(
        folder=aside,
        format=plan.form.name,
        ending=plan.form.ending,
        parts=(*kept, *refused),
        kinds=plan.kinds,
        rejected=kinds,
        nested=plan.meta,
        example=example,
        notes=splits.notes,
        repo=repo or "",
    )


def _classes(labels: Counter[str]) -> dict[str, int]:
    return dict(sorted(labels.items())) if len(labels) <= MOST_LABELS else {}


def _writer(
    plan: Plan, kinds: Mapping[str, str], name: str, splits: Splits, aside: Path, stack: ExitStack
) -> tuple[Writer, tuple[str, ...]]:
    if plan.form.ending == "parquet":
        folder = "rejected" if name == "rejected" else "data"
        total = splits.rows(name) if name in splits.names else 0
        writer = Parquet(aside / folder, name, total, kinds, meta=plan.meta)
        return writer, tuple(f"{folder}/{one}" for one in writer.names)
    path = f"{name}.{plan.form.ending}"
    if plan.form.name == "argilla":
        path = "records.json" if len(splits.names) == 1 else f"{name}/records.json"
    (aside / path).parent.mkdir(exist_ok=True)
    file = stack.enter_context((aside / path).open("wb"))
    names = [*kinds, *(["meta"] if plan.meta else [])]
    return text_writer(plan.form.ending, file, names, defuse=plan.options.get("defuse", False)), (path,)


def _rejected(plan: Plan, aside: Path) -> tuple[list[Part], dict[str, str]]:
    """Rejected records with their reasons, where they are asked for."""
    source = replace(plan.source, rejected=True, label="resolved", sort=None)
    if not plan.options.get("rejected") or not source.paths:
        return [], {}
    kinds, rows = source.columns, 0
    with ExitStack() as stack:
        writer, files = _writer(plan, kinds, "rejected", Splits(("rejected",), bytes(source.count), 0), aside, stack)
        for row in source.rows():
            writer.add({**row.columns, "meta": row.meta} if plan.meta else row.columns)
            rows += 1
        writer.close()
    return [Part("rejected", "rejected", files, rows)], kinds
