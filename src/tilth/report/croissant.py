"""croissant.json: the folder in Croissant 1.1 with its vocabulary for responsible AI, as other tools read it.

One file object (or file set) for each split, one record set for each split; `meta` and messages as fields with parts. Paths are
relative, dates are those of the run. Before it is written, ids are unique and every column is one of its file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import Bug
from tilth.report.card.about import count, day, is_synthetic, listed, origins_of
from tilth.report.card.header import pattern, pretty
from tilth.report.card.licences import Licence
from tilth.report.card.sections import MEANINGS
from tilth.report.contents import Contents, Part, sha256
from tilth.report.export.source import META

if TYPE_CHECKING:
    from tilth.report.facts import Facts

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

HUB = "https://huggingface.co/datasets/"
ENCODINGS = {"parquet": "application/x-parquet", "jsonl": "application/jsonlines", "csv": "text/csv"}
_TYPES = {"int": "sc:Integer", "float": "sc:Float", "bool": "sc:Boolean", "list[int]": "sc:Integer", "list[float]": "sc:Float"}
_MESSAGE = {"role": "str", "content": "str", "name": "str", "tool_calls": "str", "tool_call_id": "str"}
_PARTS: dict[str, dict[str, str]] = {
    "list[dict]": _MESSAGE,
    "turns": {"from": "str", "value": "str"},
    "scores": {"name": "str", "value": "float", "by": "str", "detail": "str"},
    "own_scores": {"name": "str", "value": "float", "detail": "str"},
    "label_probs": {"label": "str", "prob": "float"},
}
_META_KINDS = {"parents": "list[str]", "seed_ids": "list[str]", "round": "int", "scores": "scores", "label_probs": "label_probs"}


def croissant(facts: Facts, contents: Contents, licence: Licence, *, said: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The document. said: what people wrote in the card, by name of the block.

    Raises
    ------
    Bug: two parts of it have the same id.
    """
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        **_about(facts, contents, licence, said or {}),
        **_rai(facts, contents, said or {}),
        **_provenance(facts),
        "distribution": list(_on_hub(contents))
        if contents.repo
        else [one for part in contents.parts for one in _distribution(contents, part)],
        "recordSet": [_records(contents, part) for part in contents.parts],
    }
    _check_ids(document)
    return document


def _about(facts: Facts, contents: Contents, licence: Licence, said: Mapping[str, str]) -> dict[str, Any]:
    labels = f" of {len(contents.labels)} labels" if contents.labels else ""
    synthetic = is_synthetic(facts, origins_of(facts))
    kind = "synthetic record" if synthetic else "record"
    identity = facts.folder.read_state().get("identity") or facts.name
    return {
        "name": facts.name,
        "description": f"{count(contents.rows, kind)}{labels}. {facts.describe}".strip(),
        "license": licence.url or " ".join([licence.id, *licence.lines]),
        "url": f"{HUB}{contents.repo}" if contents.repo else f"urn:tilth:{identity}",
        "version": "1.0.0",
        "datePublished": day(facts.ended or facts.started),
        "creator": {"@type": "sc:Organization", "name": said.get("creators", "").split("\n")[0] or "Not known"},
        "citeAs": f"@misc{{{facts.name}, title={{{pretty(facts, synthetic)}}}, year={{{facts.started[:4]}}}}}",
        "isLiveDataset": False,
        "keywords": [*(["synthetic"] if synthetic else []), "tilth", *facts.methods],
        "inLanguage": str(facts.task.get("language") or "en"),
    }


def _rai(facts: Facts, contents: Contents, said: Mapping[str, str]) -> dict[str, Any]:
    """What a run knows of itself in the vocabulary for responsible AI; what only people know where they wrote it."""
    models = [name for names in facts.models.values() for name in names if not name.startswith(("local/minilm", "local/hashed"))]
    steps = [f"{loss.step}: {loss.n:,} {loss.reason}" for loss in facts.losses if loss.stage != "generate"]
    writers = facts.models.get("generator", ())
    made = "Given" if facts.given else f"Generated by {listed(writers)}" if writers else "Made"
    known: dict[str, Any] = {
        "rai:dataCollection": f"{made} with the method {', '.join(facts.methods)}.",
        "rai:dataCollectionType": ["Synthetic" if is_synthetic(facts, origins_of(facts)) else "Others"],
        "rai:dataManipulationProtocol": f"{'; '.join(steps) or 'none after generation'}; all counts are in README.md",
        "rai:machineAnnotationTools": list(dict.fromkeys(models)),
        "rai:personalSensitiveInformation": said.get("sensitive", ""),
        "rai:dataBiases": said.get("bias", ""),
        "rai:dataUseCases": said.get("use", "") or f"{facts.verdict.text} {facts.verdict.sentence}".strip(),
        "rai:dataLimitations": "; ".join(facts.verdict.know),
        "rai:dataReleaseMaintenancePlan": said.get("maintenance", ""),
    }
    if contents.labels:
        known["rai:dataAnnotationProtocol"] = "Labels come from a model." if not facts.given else "Labels as given."
    return {name: text for name, text in known.items() if text}


def _provenance(facts: Facts) -> dict[str, Any]:
    sources = [
        {
            "@id": f"input/{name}",
            "prov:label": ", ".join([str(one.get("file") or name), *([f"sha256 {one['sha256']}"] if one.get("sha256") else [])]),
        }
        for name, one in facts.inputs.items()
    ]
    activity = {"@type": "prov:Activity", "prov:label": f"tilth {facts.versions.get('tilth', '')}, run {facts.name}"}
    times = {"prov:startedAtTime": facts.started, "prov:endedAtTime": facts.ended}
    made = {"prov:wasGeneratedBy": {**activity, **{key: stamp for key, stamp in times.items() if stamp}}}
    return {**({"prov:wasDerivedFrom": sources} if sources else {}), **made}


def _distribution(contents: Contents, part: Part) -> Iterator[dict[str, Any]]:
    """One file object for each file; several files of a split are a file set too."""
    for path in part.files:
        file = contents.folder / path
        yield {
            "@type": "cr:FileObject",
            "@id": path,
            "name": Path(path).name,
            "contentUrl": path,
            "contentSize": f"{file.stat().st_size} B",
            "encodingFormat": ENCODINGS[contents.ending],
            "sha256": sha256(file),
        }
    if len(part.files) > 1:
        yield _file_set(contents, part)


def _file_set(contents: Contents, part: Part) -> dict[str, Any]:
    name = f"{part.split}-files"
    return {"@type": "cr:FileSet", "@id": name, "name": name, "encodingFormat": ENCODINGS[contents.ending], "includes": pattern(part)}


def _on_hub(contents: Contents) -> Iterator[dict[str, Any]]:
    """The repository, and the files of each split in it."""
    yield {
        "@type": "cr:FileObject",
        "@id": "repo",
        "name": "repo",
        "description": "The repository on the Hub; its files have their hashes in manifest.json.",
        "contentUrl": f"{HUB}{contents.repo}",
        "encodingFormat": "git+https",
        "sha256": "main",
    }
    for part in contents.parts:
        yield {**_file_set(contents, part), "containedIn": {"@id": "repo"}}


def _records(contents: Contents, part: Part) -> dict[str, Any]:
    alone = len(part.files) == 1 and not contents.repo
    where = {"fileObject": {"@id": part.files[0]}} if alone else {"fileSet": {"@id": f"{part.split}-files"}}
    fields = [_field(f"{part.split}/{name}", name, kind, where, name) for name, kind in contents.columns(part.config).items()]
    if contents.nested:
        fields.append(_meta(part.split, where))
    what = "kept records" if part.config == "default" else "rejected records, with their reasons"
    return {"@type": "cr:RecordSet", "@id": part.split, "name": part.split, "description": f"{part.rows} {what}.", "field": fields}


def _meta(split: str, where: Mapping[str, Any]) -> dict[str, Any]:
    own = f"{split}/meta"
    parts = [_field(f"{own}/{name}", name, _META_KINDS.get(name, "str"), where, "meta", name) for name in META]
    return {"@type": "cr:Field", "@id": own, "name": "meta", "description": "where the record comes from", "subField": parts}


def _field(own: str, name: str, kind: str, where: Mapping[str, Any], column: str, path: str = "") -> dict[str, Any]:
    """A column, or a part of one (`path`, within the column's value)."""
    field: dict[str, Any] = {"@type": "cr:Field", "@id": own, "name": name}
    if name in MEANINGS:
        field["description"] = MEANINGS[name]
    inside = _PARTS.get(kind)
    if inside is not None:
        field |= {"isArray": True, "arrayShape": "-1"}
        start = f"{path}[*]." if path else "[*]."
        field["subField"] = [_field(f"{own}/{key}", key, one, where, column, f"{start}{key}") for key, one in inside.items()]
        return field
    if kind.startswith("list[") or kind == "pairs":
        field |= {"isArray": True, "arrayShape": "-1,2" if kind == "pairs" else "-1"}
    field["dataType"] = _TYPES.get(kind, "sc:Text")
    field["source"] = {**where, "extract": {"column": column}, **({"transform": {"jsonPath": path}} if path else {})}
    return field


def _check_ids(document: Mapping[str, Any]) -> None:
    seen: set[str] = set()

    def look(node: Any) -> None:
        if isinstance(node, dict):
            if "@type" in node and "@id" in node:
                if node["@id"] in seen:
                    raise Bug(f"croissant.json would have the id '{node['@id']}' twice.", code="bug.croissant")
                seen.add(node["@id"])
            for value in node.values():
                look(value)
        elif isinstance(node, list):
            for one in node:
                look(one)

    look({key: value for key, value in document.items() if key != "@context"})
