"""The formats by name: what each needs, what its rows look like, and what it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tilth.errors import RequestError
from tilth.records.hints import did_you_mean
from tilth.report.export import shapes

Shape = Callable[[Mapping[str, Any], str], Iterable[dict[str, Any]]]

TEXTS = {"prompt": "str", "completion": "str"}
CHATS = {"prompt": "list[dict]", "completion": "list[dict]"}


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    says: one line for people. ending: parquet, jsonl, json or csv. shape: makes its rows; None: the columns as they are.
    meta: whether lineage goes along unless asked otherwise; None: it never can. needs: what the columns must offer, in words and as
    columns (one of the tuples); kinds: the columns that come out.
    """

    name: str
    says: str
    ending: str
    shape: Shape | None = None
    meta: bool | None = False
    needs: tuple[tuple[str, ...], ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()

    @property
    def rejected(self) -> bool:
        """Whether rejected records can go along: they may lack any column."""
        return self.shape is None and self.ending != "json"

    @property
    def tabular(self) -> bool:
        """Whether Croissant can describe its files."""
        return self.ending != "json"


_PAIR = tuple((*asks, *says) for asks, says in shapes.PAIRS)
_ANY = (("messages",), *_PAIR)
_MESSAGES = (("messages", "list[dict]"),)

FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format("parquet", "Parquet files with one schema, for datasets and the Hub", "parquet", meta=True),
        Format("jsonl", "JSON Lines, the columns as they are", "jsonl", meta=True),
        Format("csv", "comma-separated values, lists as JSON", "csv"),
        Format("chat", "OpenAI messages, for fine-tuning", "jsonl", shapes.chat, needs=_ANY, kinds=_MESSAGES),
        Format("sharegpt", "conversations of from and value", "jsonl", shapes.sharegpt, needs=_ANY),
        Format("alpaca", "instruction, input, output", "jsonl", shapes.alpaca, needs=_ANY),
        Format("dpo", "prompt, chosen, rejected (TRL's preference type)", "jsonl", shapes.dpo, needs=(("chosen", "rejected"),)),
        Format(
            "kto",
            "prompt, completion, label (TRL's unpaired preference type)",
            "jsonl",
            shapes.kto,
            needs=(("prompt", "completion", "label"), ("prompt", "chosen", "rejected")),
        ),
        Format("prompt-completion", "prompt, completion (TRL)", "jsonl", shapes.prompt_completion, needs=_ANY),
        Format("text", "one text a record, for training on plain text", "jsonl", shapes.text, needs=(("text",), *_PAIR)),
        Format("label_studio", "tasks for Label Studio, with its labelling configuration", "json", meta=None),
        Format("argilla", "records and settings that Argilla reads from disk", "json", meta=None),
        Format("hub", "a folder as a dataset repository has it, with flow and prompts", "parquet", meta=True),
        Format("croissant", "Parquet files described in Croissant", "parquet", meta=True),
    )
}
"""Name to format, in the order in which they are listed."""

ALSO = {"messages": "chat", "openai": "chat", "ft": "chat", "preference": "dpo"}
"""Other names that people know formats by."""


def find(name: str) -> Format:
    """The format called `name` (``-`` and ``_`` alike); RequestError with the nearest where there is none."""
    wanted = name.strip().lower()
    for spelled in (ALSO.get(wanted, wanted), wanted.replace("_", "-"), wanted.replace("-", "_")):
        if spelled in FORMATS:
            return FORMATS[spelled]
    raise RequestError(f"no format is called '{name}'.{did_you_mean(wanted, FORMATS)}", code="export.format")


def check(form: Format, columns: Mapping[str, str]) -> None:
    """Raise RequestError where the columns cannot be written in the format; it prints both schemas."""
    if form.needs and not any(set(names) <= columns.keys() for names in form.needs):
        have = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        want = " or ".join(", ".join(names) for names in form.needs[:4]) + (" ..." if len(form.needs) > 4 else "")
        raise RequestError(
            f"{form.name} needs the columns {want}; there are: {have}. Write them as they are: --to jsonl", code="export.shape"
        )
    if form.name == "kto" and "completion" in columns and columns["label"] != "bool":
        raise RequestError(f"kto needs a label that is true or false; 'label' is {columns['label']}.", code="export.shape")


def kinds_of(form: Format, columns: Mapping[str, str]) -> dict[str, str]:
    """The columns of the rows that come out; list[dict] is a list of messages (or of turns)."""
    if form.shape is None:
        return dict(columns)
    chat = "messages" in columns
    if form.name == "sharegpt":
        return {"conversations": "turns"}
    if form.name == "alpaca":
        more = {"system": "str", "history": "pairs"} if chat else {}
        return {"instruction": "str", "input": "str", "output": "str", **more}
    if form.name == "prompt-completion":
        return CHATS if chat else TEXTS
    if form.name == "text":
        return {"text": "str"}
    if form.name in ("dpo", "kto"):
        return _preference(form.name, columns)
    return dict(form.kinds)


def _preference(name: str, columns: Mapping[str, str]) -> dict[str, str]:
    if name == "dpo":
        return {column: columns[column] for column in ("prompt", "chosen", "rejected") if column in columns}
    answer = columns.get("completion") or columns["chosen"]
    return {"prompt": columns["prompt"], "completion": answer, "label": "bool"}
