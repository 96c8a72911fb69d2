"""Rows for annotation tools: Label Studio's tasks and Argilla's records, each with the settings that the import needs.

What a model said becomes a prediction (Label Studio) or a suggestion (Argilla); only what a person said becomes an annotation
or a response.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from tilth.report.export.shapes import as_text
from tilth.score.texts import columns_of

AGENT = "tilth"


def label_studio(columns: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
    """One task: ``data`` with all columns, and the label as a prediction (by a model) or an annotation (by a person)."""
    task: dict[str, Any] = {"data": {**{name: _shown(value) for name, value in columns.items()}, "tilth_id": meta["id"]}}
    if columns.get("label") is None or not isinstance(columns["label"], (str, int, bool)):
        return task
    choice = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [as_text(columns["label"])]}}
    if meta["label_source"] == "human":
        return {**task, "annotations": [{"result": [choice], "ground_truth": False}]}
    return {**task, "predictions": [{"model_version": meta["method"] or AGENT, "score": _sure(columns, meta), "result": [choice]}]}


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool, list, dict)) else str(value)


def _sure(columns: Mapping[str, Any], meta: Mapping[str, Any]) -> float | None:
    """The probability that the model gave its label; None where it gave none."""
    return next((one["prob"] for one in meta["label_probs"] if one["label"] == columns["label"]), None)


def label_studio_config(columns: Mapping[str, Any], labels: Sequence[str]) -> str:
    """The labelling configuration that fits the tasks (XML)."""
    shown = columns_of(dict.fromkeys(columns))
    lines = ["<View>"]
    for number, name in enumerate(shown):
        lines.append(f"  <Text name={quoteattr('text' if number == 0 else name)} value={quoteattr('$' + name)}/>")
    lines.append('  <Choices name="label" toName="text" choice="single">')
    lines += [f"    <Choice value={quoteattr(label)}/>" for label in labels]
    return "\n".join([*lines, "  </Choices>", "</View>"]) + "\n"


def argilla(columns: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
    """One record as `rg.Dataset.from_disk` reads it: fields, metadata, suggestions by question."""
    fields = {name: _field(value) for name, value in columns.items() if name != "label"}
    metadata = {name: meta[name] for name in ("method", "stage", "origin", "round") if meta[name] is not None}
    suggestions, responses = {}, {}
    if columns.get("label") is not None:
        said = as_text(columns["label"])
        if meta["label_source"] == "human":
            responses = {"label": [{"value": said, "user_id": None}]}
        else:
            suggestions = {"label": {"value": said, "score": _sure(columns, meta), "agent": meta["method"] or AGENT}}
    return {
        "id": meta["id"],
        "fields": fields,
        "metadata": metadata,
        "suggestions": suggestions,
        "responses": responses,
        "vectors": {},
        "_server_id": None,
    }


def _field(value: Any) -> Any:
    """A chat is a list of messages, everything else is text."""
    return value if _is_chat(value) else as_text(value)


def _is_chat(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) and "role" in one for one in value)


def argilla_settings(kinds: Mapping[str, str], labels: Sequence[str], guidelines: str) -> dict[str, Any]:
    """The settings beside the records: one field for each column, one question for the label (else one for a comment)."""
    fields = [
        {
            "name": name,
            "title": name,
            "required": False,
            "settings": {"type": "chat" if kind == "list[dict]" else "text", "use_markdown": False},
        }
        for name, kind in kinds.items()
        if name != "label"
    ]
    options = [{"value": label, "text": label, "description": None} for label in labels]
    asked: dict[str, Any] = {"name": "comment", "title": "comment", "settings": {"type": "text", "use_markdown": False}}
    if options:
        asked = {"name": "label", "title": "label", "settings": {"type": "label_selection", "options": options}}
    metadata = [
        {"name": name, "title": name, "visible_for_annotators": False, "settings": {"type": "integer" if name == "round" else "terms"}}
        for name in ("method", "stage", "origin", "round")
    ]
    return {
        "guidelines": guidelines or None,
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "fields": fields,
        "questions": [{**asked, "description": None, "required": True}],
        "metadata": metadata,
        "vectors": [],
    }
