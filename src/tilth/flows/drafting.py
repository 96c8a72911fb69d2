"""A first flow file to edit: commented, right as it is written, filled from a file of examples where there is one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tilth.errors import RequestError
from tilth.flows.words import suggestion

if TYPE_CHECKING:
    from tilth.engine.method import Method
    from tilth.records.record import Record

MODELINE = "# yaml-language-server: $schema=.tilth/flow.schema.json\n# $schema: .tilth/flow.schema.json\n"
"""Editors find the schema by the first (VS Code, Neovim, Zed, Helix) or the second line (JetBrains)."""

LOOK = 1000
"""Records of the file that are looked at for its labels."""

SHORT = 300
"""Tokens of a reply at most where the embedded model writes and a method would allow it more."""

MOST_LABELS = 50
"""A column with more different values than this holds no labels."""

LABEL_NAMES = ("label", "labels", "class", "category", "intent", "sentiment", "topic", "target")
TEXT_NAMES = ("text", "instruction", "prompt", "question", "sentence", "review", "message", "content", "body")

ABOUT = {
    "classification": "Short messages that people write. Say here what they are about and who writes them.",
    "instruction": "Questions and tasks for an assistant. Say here what for.",
    "dialogue": "Conversations between a user and an assistant. Say here about what.",
    "preference": "Everyday questions with a better and a worse answer. Say here what makes an answer better.",
    "code": "Small functions that a working programmer asks for. Say here in which language.",
    "math": "Word problems with one number as the answer. Say here of which difficulty.",
    "qa": "Questions with short answers. Say here about what.",
    "extraction": "Texts from which facts are read. Say here which texts and which facts.",
    "nli": "Pairs of sentences. Say here what the first one is about.",
    "tabular": "Rows of a table. Say here what one row stands for.",
    "text": "Short texts. Say here what they are about and who writes them.",
}
LABELS = {
    "classification": {"positive": "likes it", "negative": "does not like it"},
    "nli": {"entailment": "follows from the premise", "neutral": "may be true", "contradiction": "cannot be true"},
}

COLUMNS: dict[str, str] = {
    "classification": """\
    label: {values: labels}                    # drawn, as often as each other
    tone: {values: [plain, warm, curt], by: label, keep: false}
    text:
      prompt: |
        {{ task.about }}
        Write one {{ tone }} text that a careful person would label "{{ label }}"{% if labels[label] %} ({{ labels[label] }}){% endif %}.
        Reply with the text only.
    fits:
      judge: Would a careful person label the text "{{ label }}"{% if labels[label] %} ({{ labels[label] }}){% endif %}?
""",
    "instruction": """\
    topic: {words: 2, keep: false}             # random words keep prompts from being alike
    instruction:
      prompt: |
        {{ task.about }}
        Write one task or question that has to do with: {{ topic }}. Reply with it only.
    output:
      prompt: "{{ instruction }}"
    helpful:
      judge: Does the output do what the instruction asks?
""",
    "dialogue": """\
    topic: {words: 2, keep: false}
    messages:
      prompt: |
        {{ task.about }}
        Write a conversation of four turns that has to do with: {{ topic }}.
        Begin each turn with "User:" or "Assistant:".
      parse: messages
""",
    "preference": """\
    topic: {words: 2, keep: false}
    prompt:
      prompt: "{{ task.about }} Write one question that has to do with: {{ topic }}. Reply with it only."
    chosen:
      prompt: "{{ prompt }}"
    rejected:
      prompt: "{{ prompt }} Answer carelessly, in one sentence."
    better:
      judge: Is the text 'chosen' a better answer to the prompt than the text 'rejected'?
""",
    "code": """\
    topic: {words: 2, keep: false}
    instruction:
      prompt: "{{ task.about }} Ask for one small Python function that has to do with: {{ topic }}. Reply with the request only."
    code:
      prompt: "{{ instruction }} Reply with code only."
      parse: code
""",
    "math": """\
    topic: {words: 2, keep: false}
    question:
      prompt: "{{ task.about }} Write one problem that has to do with: {{ topic }}. Reply with it only."
    answer:
      prompt: "{{ question }} Think step by step, then give the number after 'Answer:'."
      temperature: 0
""",
    "qa": """\
    topic: {words: 2, keep: false}
    question:
      prompt: "{{ task.about }} Write one question that has to do with: {{ topic }}. Reply with it only."
    answer:
      prompt: "{{ question }} Answer in a few words."
""",
    "extraction": """\
    topic: {words: 2, keep: false}
    text:
      prompt: "{{ task.about }} Write one short text that has to do with: {{ topic }}. Reply with it only."
    facts:
      prompt: "Who does what in this text? {{ text }}"
      shape: {type: object, required: [who, what], properties: {who: {type: string}, what: {type: string}}}
""",
    "nli": """\
    label: {values: labels}
    topic: {words: 2, keep: false}
    premise:
      prompt: "{{ task.about }} Write one sentence that has to do with: {{ topic }}. Reply with it only."
    hypothesis:
      prompt: |
        {{ premise }}
        Write one sentence about it that is of the kind "{{ label }}": it {{ labels[label] }}. Reply with it only.
""",
    "tabular": """\
    age: {integer: [18, 90]}
    joined: {date: [2020-01-01, 2024-12-31]}
    plan: {values: [basic, plus], weights: [3, 1]}
    reason:
      prompt: "{{ task.about }} Why did a person of {{ age }} choose the plan {{ plan }}? One sentence."
""",
    "text": """\
    topic: {words: 2, keep: false}
    text:
      prompt: "{{ task.about }} Write one text that has to do with: {{ topic }}. Reply with it only."
""",
}
"""Columns to begin with, for each kind."""

BY_KIND = {"classification": "attrprompt"}
"""The method to begin with, where there is one that needs nothing but the task."""

KIND_OF = {"classification": "classification", "nli": "nli", "qa": "qa", "instruction": "instruction", "dialogue": "dialogue"}
"""Family of a method to the kind of data that it makes, where the names agree."""


@dataclass
class Seen:
    """What a file of examples tells. text, label: its columns of that meaning, if it has them."""

    path: str
    columns: list[str]
    text: str | None = None
    label: str | None = None
    labels: list[str] = field(default_factory=list)
    first: list[Record] = field(default_factory=list)


def draft(
    name: str,
    *,
    method: str | None = None,
    kind: str | None = None,
    columns: bool = False,
    source: str | Path | None = None,
    folder: Path = Path("."),
    model: str = "local",
    rows: int = 100,
) -> str:
    """The text of a flow file that validates as it is.

    Parameters
    ----------
    method: which method makes the records; else columns, or the method of the kind. columns: write columns even so.
    source: a file of examples, of which columns, labels and three rows are read; or a folder of Markdown files, whose passages
        are asked about. folder: where the flow will lie.

    Raises
    ------
    RequestError: no such kind, method or file; a method that needs data, and no file.
    """
    from tilth.flows import documents
    from tilth.flows.methods import find

    files = documents.pattern(source) if source is not None and method is None and kind in (None, *documents.KINDS) else None
    if files is not None:
        kind = kind or "instruction"
        describe = f"New records of the kind {kind}, grown from {files}."
        return "\n".join([*_head(name, describe, model), *_task(kind, None, None), *documents.drafted(files, kind, rows, folder)]) + "\n"
    seen = look(source, folder) if source is not None else None
    found = find(method) if method is not None else None
    kind = _kind(kind, found, seen)
    chosen = None if columns else (method or BY_KIND.get(kind))
    cls = find(chosen) if chosen is not None else None
    head = _head(name, _describe(kind, seen), model)
    stage = _stage(kind, cls, seen, rows, small=model.startswith("local"))
    return "\n".join([*head, *_task(kind, seen, cls), *_data(seen, cls), *stage, *_after(kind, seen)]) + "\n"


def _head(name: str, describe: str, model: str) -> list[str]:
    return [
        MODELINE + "tilth: 1",
        f"name: {name}",
        f"describe: {json.dumps(describe, ensure_ascii=False)}",
        "seed: 7                                  # the same seed and replies give the same data",
        "# budget: {usd: 3}                       # the run stops before more is spent",
        "",
        "models:",
        f"  generator: {model:<30}# for example openai/gpt-4.1-mini; see: tilth models list",
        "",
    ]


def look(source: str | Path, folder: Path) -> Seen:
    """Columns, labels and three rows of a file; paths are written relative to `folder`."""
    import os

    from tilth.records.read import read

    data = read(str(source))
    rows = list(islice(data, LOOK))
    names = list(dict.fromkeys(name for row in rows for name in row))
    seen = Seen(Path(os.path.relpath(Path(source), folder)).as_posix(), names, first=rows[:3])
    seen.label = next((name for name in (*LABEL_NAMES, *names) if name in names and _labels(rows, name, by_name=name in LABEL_NAMES)), None)
    if seen.label is not None:
        seen.labels = _labels(rows, seen.label, by_name=True)
    others = [name for name in names if name != seen.label]
    seen.text = next((name for name in TEXT_NAMES if name in others), None) or _longest(rows, others)
    return seen


def _labels(rows: Sequence[Record], name: str, *, by_name: bool) -> list[str]:
    """The values of a column as labels; none where they are no labels: too many, too long, or (unless it is called so) hardly repeated."""
    values = [str(row[name]).strip() for row in rows if row.get(name) not in (None, "")]
    if not by_name and not all(isinstance(row.get(name), str) for row in rows):
        return []
    found = list(dict.fromkeys(values))
    short = all(len(value) <= 40 and not value.replace(".", "", 1).lstrip("-").isdigit() for value in found)
    repeated = len(values) >= 2 * len(found) or by_name
    return found if 2 <= len(found) <= MOST_LABELS and (short or by_name) and repeated else []


def _longest(rows: Sequence[Record], names: Sequence[str]) -> str | None:
    sizes = {name: sum(len(str(row.get(name) or "")) for row in rows) for name in names}
    return max(sizes, key=lambda name: sizes[name]) if sizes else None


def _kind(kind: str | None, method: type[Method] | None, seen: Seen | None) -> str:
    if kind is not None and kind not in COLUMNS:
        raise RequestError(f"'{kind}' is no kind of data. {suggestion(kind, COLUMNS)}", code="flow.kind")
    if kind is not None:
        return kind
    if method is not None:
        by_columns = "classification" if "label" in method.columns else "instruction" if "instruction" in method.columns else "text"
        return KIND_OF.get(method.family, by_columns)
    return "classification" if seen is None or seen.label is not None else "text"


def _describe(kind: str, seen: Seen | None) -> str:
    return f"New records of the kind {kind}" + (f", grown from {seen.path}." if seen is not None else ".")


def _task(kind: str, seen: Seen | None, method: type[Method] | None) -> list[str]:
    lines = ["task:", f"  kind: {kind}", f"  about: {json.dumps(ABOUT[kind])}"]
    labels = {label: "" for label in seen.labels} if seen is not None and seen.labels else dict(LABELS.get(kind, {}))
    if not labels and method is not None and "label" in method.columns:
        labels = dict(LABELS["classification"])
    if labels:
        lines.append("  labels:                                # what each label means, in the words of those who label")
        lines += [f"    {_scalar(label)}: {_scalar(text)}" for label, text in labels.items()]
    return [*lines, ""]


def _scalar(text: str) -> str:
    """A word as it is where YAML reads it back as the same text, else in quotes."""
    import yaml

    from tilth.flows.load import FlowLoader

    if not text:
        return '""'
    try:
        same = yaml.load(f"{{k: {text}}}", FlowLoader) == {"k": text} and yaml.load(f"{text}: 1", FlowLoader) == {text: 1}
    except yaml.YAMLError:
        same = False
    return text if same and ("\n" not in text) else json.dumps(text, ensure_ascii=False)


def _data(seen: Seen | None, method: type[Method] | None) -> list[str]:
    needed = [name for name, columns in (method.inputs if method else {}).items() if not columns.startswith("?")]
    if seen is None:
        if needed and method is not None:
            columns = method.inputs[needed[0]].replace("?", "")
            raise RequestError(f"{method.name} reads '{needed[0]}' ({columns}). Say which file: --from FILE", code="flow.needs_data")
        return []
    name = next(iter([*needed, *(method.inputs if method else ())]), "support")
    wanted = method.inputs[name].lstrip("?").split() if method is not None and name in method.inputs else ["text", "label"]
    renamed = {
        ours: theirs for ours, theirs in (("text", seen.text), ("label", seen.label)) if theirs not in (None, ours) and ours in wanted
    }
    renamed = {ours: theirs for ours, theirs in renamed.items() if ours not in seen.columns}
    lines = ["data:"]
    if renamed:
        pairs = ", ".join(f"{ours}: {_scalar(str(theirs))}" for ours, theirs in renamed.items())
        lines.append(f"  {name}: {{read: {_scalar(seen.path)}, columns: {{{pairs}}}}}")
    else:
        lines.append(f"  {name}: {_scalar(seen.path)}")
    lines.append(f"    # columns: {', '.join(seen.columns)}; the first rows:")
    return [*lines, *(f"    #   {_cut(json.dumps(row.columns, ensure_ascii=False, default=str))}" for row in seen.first), ""]


def _cut(text: str, most: int = 120) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _stage(kind: str, method: type[Method] | None, seen: Seen | None, rows: int, small: bool) -> list[str]:
    if method is None:
        shown = seen is not None and seen.text is not None and kind == "classification" and seen.label is not None
        columns = COLUMNS[kind].rstrip("\n").split("\n")
        if shown:
            place = next(number for number, line in enumerate(columns) if line.startswith("    fits:"))
            columns.insert(place, "      demonstrations: {from: support, k: 4, select: balanced}")
        return ["generate:", f"  rows: {rows}", "  columns:", *columns, ""]
    lines = ["generate:", f"  method: {method.name}", f"  rows: {rows}"]
    fields = {name: one for name, one in method.model_fields.items() if name not in ("rows", "own_prompts")}
    required = [name for name, one in fields.items() if one.is_required()]
    if required:
        raise RequestError(f"{method.name} needs parameters of your own: {', '.join(required)}. See: tilth methods {method.name}")
    bound = fields["max_tokens"].default if small and "max_tokens" in fields else None
    if isinstance(bound, int) and bound > SHORT:
        lines.append("  with:                                  # parameters; take the '#' away to change one")
        lines.append(f"    max_tokens: {SHORT}                      # of a reply; {bound} as a rule, which takes a small model minutes")
        del fields["max_tokens"]
    else:
        lines.append("  # with:                                # parameters; take the '#' away to change one")
    for name, one in fields.items():
        default = json.dumps(one.get_default(call_default_factory=True), ensure_ascii=False, default=str)
        meaning = f"  # {' '.join((one.description or '').split())}" if one.description else ""
        lines.append(_cut(f"  #   {one.alias or name}: {_cut(default, 40)}{meaning}"))
    return [*lines, ""]


def _after(kind: str, seen: Seen | None) -> list[str]:
    lines = ["curate:                                  # in this order; nothing is thrown away without a reason on file"]
    if kind != "tabular":
        lines.append("  - refusals")
    lines.append("  - dedupe: {near: 0.85}" if kind not in ("tabular", "dialogue") else "  - dedupe: exact")
    if kind == "classification":
        lines.append("  - balance: {by: label}")
    lines += ["", "# evaluate:                              # add real examples as data.holdout first: nothing else shows them to a model"]
    lines += ["#   metrics: [near_duplicates, distinct_n]", "#   gates: {near_duplicates: {at_most: 0.05}}"]
    return lines
