"""The YAML header of a card, by the Hub's rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tilth.report.card.about import is_synthetic
from tilth.report.card.features import features
from tilth.report.card.licences import Licence
from tilth.report.contents import Contents, Part

if TYPE_CHECKING:
    from tilth.report.facts import Facts

SIZES = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"), (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B"), (10**12, "100B<n<1T"),
)  # fmt: skip
"""Sizes end below the number."""

TASKS: dict[str, str] = {
    "classification": "text-classification",
    "nli": "text-classification",
    "extraction": "token-classification",
    "qa": "question-answering",
    "instruction": "text-generation",
    "dialogue": "text-generation",
    "math": "text-generation",
    "code": "text-generation",
    "text": "text-generation",
    "preference": "text-generation",
    "tabular": "tabular-classification",
}


def size_category(rows: int) -> str:
    """The Hub's bucket for a number of records.

    >>> size_category(999), size_category(1000), size_category(9_999), size_category(10_000)
    ('n<1K', '1K<n<10K', '1K<n<10K', '10K<n<100K')
    """
    return next((name for end, name in SIZES if rows < end), "n>1T")


def header(facts: Facts, contents: Contents, licence: Licence, origins: frozenset[str]) -> dict[str, Any]:
    """The header as a mapping, in the order in which it is written. origins: who wrote the records (human, model, mixed)."""
    kind = str(facts.task.get("kind") or "text")
    task = TASKS.get(kind, TASKS["text"])
    if kind == "tabular" and contents.kinds.get(_target(facts)) == "float":
        task = "tabular-regression"
    synthetic = is_synthetic(facts, origins)
    head: dict[str, Any] = {
        "pretty_name": pretty(facts, synthetic),
        "license": licence.id,
        "language": [str(facts.task.get("language") or "en")],
        "task_categories": [task],
        **({"task_ids": ["natural-language-inference"]} if kind == "nli" else {}),
        "size_categories": [size_category(contents.rows)],
        "annotations_creators": _annotators(contents, origins, facts),
        "language_creators": _writers(origins, facts.given),
        "source_datasets": _sources(facts),
        "tags": _tags(facts, kind, synthetic=synthetic),
        "configs": _configs(contents),
        "dataset_info": [_info(contents, config) for config in dict.fromkeys(part.config for part in contents.parts)],
    }
    return head


def _info(contents: Contents, config: str) -> dict[str, Any]:
    typed = features(contents, config)
    splits = [_split(contents, part) for part in contents.parts if part.config == config]
    return {"config_name": config, **({"features": typed} if typed else {}), "splits": splits}


def _split(contents: Contents, part: Part) -> dict[str, Any]:
    """`datasets` takes this in only with a number of bytes, for which the files stand."""
    size = sum((contents.folder / path).stat().st_size for path in part.files)
    return {"name": part.split, "num_bytes": size, "num_examples": part.rows}


def pretty(facts: Facts, synthetic: bool) -> str:
    """The name for people: `Support intents (synthetic)`."""
    words = facts.name.replace("-", " ").replace("_", " ").strip()
    return f"{words[:1].upper()}{words[1:]}" + (" (synthetic)" if synthetic else "")


def _target(facts: Facts) -> str:
    generate = facts.asked.get("generate") or []
    stages = generate if isinstance(generate, list) else [generate]
    return next((str(stage["with"]["target"]) for stage in stages if (stage.get("with") or {}).get("target")), "")


def _annotators(contents: Contents, origins: frozenset[str], facts: Facts) -> list[str]:
    """Labels and answers come from models, unless the records were given with labels of their own."""
    if facts.given and not origins - {"human"}:
        return ["found"]
    return ["machine-generated"]


def _writers(origins: frozenset[str], given: bool) -> list[str]:
    written = ["machine-generated"] if origins - {"human"} or (not origins and not given) else []
    return [*written, *(["found"] if origins & {"human", "mixed"} or not written else [])]


def _sources(facts: Facts) -> list[str]:
    """``original``, or the Hub's data that was read."""
    data = facts.asked.get("data") or {}
    read = [str(one.get("read") if isinstance(one, Mapping) else one) for one in data.values()]
    hub = [one.removeprefix("hf:").split("@")[0].split(":")[0] for one in read if one.startswith("hf:")]
    return [f"extended|{name}" for name in hub] or ["original"]


def _tags(facts: Facts, kind: str, *, synthetic: bool) -> list[str]:
    """`synthetic` always, but for texts that no model is known to have written."""
    methods = [name for name in facts.methods if name not in ("columns", "given")]
    judged = ["rlaif"] if kind == "preference" and facts.models.get("judge") else []
    return list(
        dict.fromkeys(
            [*(["synthetic"] if synthetic else []), "tilth", *methods, *(["preference"] if kind == "preference" else []), *judged]
        )
    )


def _configs(contents: Contents) -> list[dict[str, Any]]:
    names = dict.fromkeys(part.config for part in contents.parts)
    return [
        {
            "config_name": name,
            **({"default": True} if name == "default" else {}),
            "data_files": [{"split": part.split, "path": pattern(part)} for part in contents.parts if part.config == name],
        }
        for name in names
    ]


def pattern(part: Part) -> str:
    """One path for all files of a split: ``data/train-*.parquet``."""
    if not part.files:
        return f"{part.split}-*.parquet"
    first = part.files[0]
    if not first.endswith(".parquet"):
        return first
    return f"{first.rsplit('-', 3)[0]}-*.parquet" if "-of-" in first else f"{first.rsplit('-', 1)[0]}-*.parquet"


def written(head: Mapping[str, Any]) -> str:
    """The header as YAML between its lines; short lists on one line."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Lists of words and small mappings in one line."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def listed(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.SequenceNode:
        return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=all(isinstance(one, str) for one in data))

    def mapped(dumper: yaml.SafeDumper, data: dict[str, Any]) -> yaml.MappingNode:
        return dumper.represent_mapping(
            "tag:yaml.org,2002:map",
            data.items(),
            flow_style=set(data) in ({"split", "path"}, {"name", "num_bytes", "num_examples"}, {"name", "dtype"}, {"name", "list"}),
        )

    Dumper.add_representer(list, listed)
    Dumper.add_representer(dict, mapped)
    return f"---\n{yaml.dump(dict(head), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1000)}---\n"
