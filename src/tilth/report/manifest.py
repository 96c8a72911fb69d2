"""manifest.json: every file with its hash, rows of each split and label, and the chain from inputs to output; and its check.

The README is listed by the hash of what tilth wrote: people may fill their blocks without breaking anything. `self` is the hash of the
manifest without itself, so that a changed number is noticed as well as a changed file. It is a check against mistakes, not a
signature: whoever changes a file on purpose can also write a new manifest.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from tilth.errors import RequestError
from tilth.records.ids import canonical
from tilth.report.card import human
from tilth.report.contents import Contents, Part, label_name, sha256

if TYPE_CHECKING:
    from tilth.report.facts import Facts

NAME = "manifest.json"
README = "README.md"


def manifest(facts: Facts, contents: Contents, also: Sequence[str], *, exported: bool) -> dict[str, Any]:
    """The document for a folder whose other files are all there.

    Parameters
    ----------
    also: files beside the data. exported: whether the folder is an export (which a later export may replace).
    """
    from tilth.report.prompts import prompt_hashes

    folder = contents.folder
    data = [path for part in contents.parts for path in part.files]
    files = [_file(folder, path) for path in sorted({*data, *also})]
    state = facts.folder.read_state()
    document: dict[str, Any] = {
        "tilth": facts.versions.get("tilth"),
        "export": {"format": contents.format} if exported else None,
        "run": {"name": facts.name, "identity": state.get("identity"), "seed": facts.seed, "started": facts.started, "ended": facts.ended},
        "rows": [
            {"config": part.config, "split": part.split, "rows": part.rows, "labels": dict(part.labels), "files": list(part.files)}
            for part in contents.parts
        ],
        "schema": {"default": _schema(contents, "default"), **({"rejected": _schema(contents, "rejected")} if contents.rejected else {})},
        "flow": flow_hash(facts),
        "prompts": prompt_hashes(facts.asked),
        "models": _models(facts),
        "versions": dict(facts.versions),
        "files": files,
        "chain": _chain(facts, {one["path"]: one["sha256"] for one in files if one["path"] in data}),
    }
    return {**document, "self": _own(document)}


def write(document: Mapping[str, Any], folder: Path) -> None:
    """Write it, whole or not at all."""
    from tilth.records.atomic import replacing

    with replacing(folder / NAME) as file:
        file.write(orjson.dumps(dict(document), str, orjson.OPT_INDENT_2) + b"\n")


def _file(folder: Path, path: str) -> dict[str, Any]:
    file = folder / path
    if path == README:
        text = human.without(file.read_text(encoding="utf-8"))
        return {"path": path, "sha256": hashlib.sha256(text.encode()).hexdigest(), "of": "the text without the blocks that people fill"}
    return {"path": path, "bytes": file.stat().st_size, "sha256": sha256(file)}


def _schema(contents: Contents, config: str) -> list[dict[str, str]]:
    columns = [{"column": name, "type": kind} for name, kind in contents.columns(config).items()]
    return [*columns, *([{"column": "meta", "type": "struct"}] if contents.nested else [])]


def flow_hash(facts: Facts) -> str:
    """SHA-256 of the resolved request, in canonical JSON."""
    return hashlib.sha256(canonical(dict(facts.asked))).hexdigest()


def _models(facts: Facts) -> list[dict[str, Any]]:
    """Role, name, and the day of the run: hosted models change under one name."""
    return [{"role": role, "model": name, "day": facts.started[:10]} for role, names in facts.models.items() for name in names]


def _chain(facts: Facts, output: Mapping[str, str]) -> list[dict[str, Any]]:
    """Inputs, request, generation, curation, output: each link is the hash of what it holds and of the link before."""
    from tilth.records.parts import parts

    folder = facts.folder
    rows = {path.name: sha256(path) for stem in ("part", "rejected") for path in parts(folder.rows, stem)}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("inputs", {name: one.get("sha256") for name, one in facts.inputs.items()}),
        ("request", {"flow": flow_hash(facts), "seed": facts.seed}),
        ("generate", rows),
        ("curate", {"decisions.parquet": sha256(folder.decisions)} if folder.decisions.exists() else {}),
        ("output", dict(output)),
    ]
    chain: list[dict[str, Any]] = []
    for stage, holds in steps:
        before = chain[-1]["sha256"] if chain else ""
        chain.append({"stage": stage, "holds": holds, "sha256": _link(stage, holds, before)})
    return chain


def _link(stage: str, holds: Mapping[str, Any], before: str) -> str:
    return hashlib.sha256(canonical({"stage": stage, "holds": dict(holds), "before": before})).hexdigest()


def _own(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical({key: value for key, value in document.items() if key != "self"})).hexdigest()


def verify(folder: Path) -> list[str]:
    """What in a folder differs from its manifest, one line each; empty where nothing does.

    Raises
    ------
    RequestError: the folder has no manifest that can be read.
    """
    try:
        document = json.loads((folder / NAME).read_text("utf-8"))
        files, rows, chain = document["files"], document["rows"], document["chain"]
    except FileNotFoundError:
        raise RequestError(f"{folder} has no {NAME}: it is no export of tilth.", code="export.no_manifest") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{folder / NAME} cannot be read ({error}).", code="export.manifest") from None
    found = list(_files_differ(folder, files))
    if _own(document) != document.get("self"):
        found.append(f"{NAME}: its own hash does not fit: it was changed")
    broken = {one.split(":")[0] for one in found}
    for part in rows:
        if not broken.intersection(part["files"]):
            found += _rows_differ(folder, part)
    found += _chain_differs(chain, {one["path"]: one["sha256"] for one in files})
    return found


def _files_differ(folder: Path, files: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in files:
        path = folder / one["path"]
        if not path.is_file():
            yield f"{one['path']}: is missing"
        elif _file(folder, one["path"])["sha256"] != one["sha256"]:
            yield f"{one['path']}: differs (SHA-256)"


def _rows_differ(folder: Path, part: Mapping[str, Any]) -> Iterator[str]:
    rows, labels = recount(folder, Part(part["config"], part["split"], tuple(part["files"]), part["rows"], part["labels"]))
    if rows != part["rows"]:
        yield f"{part['split']}: {rows:,} rows, and the manifest says {part['rows']:,}"
    if part["labels"] and labels != part["labels"]:
        yield f"{part['split']}: labels differ from those of the manifest"


def recount(folder: Path, part: Part) -> tuple[int, dict[str, int]]:
    """Rows and labels of a split, counted in its files."""
    from tilth.report.contents import labels_in

    paths = [folder / path for path in part.files]
    if all(path.suffix == ".parquet" for path in paths):
        import pyarrow.parquet as pq

        labels = labels_in(paths, bool(part.labels))
        return sum(int(pq.read_metadata(path).num_rows) for path in paths), labels
    from tilth.records.formats import Source, reader

    rows, counted = 0, Counter[str]()
    for path in paths:
        for _, row in reader(path.suffix)(Source(str(path), path.name)):
            rows += 1
            if part.labels and row.get("label") is not None:
                counted[label_name(row["label"])] += 1
    return rows, dict(sorted(counted.items()))


def _chain_differs(chain: Sequence[Mapping[str, Any]], files: Mapping[str, str]) -> Iterator[str]:
    before = ""
    for one in chain:
        if _link(one["stage"], one["holds"], before) != one["sha256"]:
            yield f"{NAME}: the link '{one['stage']}' of its chain does not fit"
        before = one["sha256"]
    for path, digest in chain[-1]["holds"].items() if chain else ():
        if files.get(path) != digest:
            yield f"{NAME}: the chain ends in another {path} than the list of files"
