"""Prompt columns: E(task, conditions, demonstrations), asked and parsed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from tilth.errors import Failure, RequestError
from tilth.flows.grammar import ColumnSpec, DemonstrationSpec
from tilth.flows.names import template_uses
from tilth.flows.showable import Demonstrations
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.method import Task
    from tilth.engine.run import Run
    from tilth.models.base import Reply
    from tilth.prompts.prompt import Parser, Prompt

MOST_DEMONSTRATIONS = 10_000
"""Records of an input that demonstrations are chosen from."""

JSON_LINE = "Answer with JSON only, which must match this JSON Schema:\n"


class Asker:
    """Asks one prompt column for any row.

    Parameters
    ----------
    name, column: the column. run: the run. `ask` may be called for many rows at once.
    """

    def __init__(self, name: str, column: ColumnSpec, run: Run) -> None:
        self.name = name
        self.column = column
        self.run = run
        self._demonstrations = Demonstrations(column.demonstrations, pool(column.demonstrations, run))
        # a model that cannot be held to a schema reads it in the prompt, and its reply is checked all the same
        models = run.models(column.role or "generator")
        self._held = bool(models) and models[0].can.schema
        texts = (column.prompt, column.system, column.prefill)
        self._placed = any(use.name == "demonstrations" for text in texts if text for use in template_uses(text))

    async def ask(self, values: Mapping[str, Any]) -> tuple[Any, list[str]]:
        """The column's value for a row that sees `values`, and the ids of the demonstrations shown.

        Raises
        ------
        Failure: the reply cannot be read, or the template cannot be filled for this row.
        """
        shown = self._demonstrations.choose(values, self.run.rng("demonstrations", self.name))
        prompt = self._prompt(values, shown)
        replies = [await self._once(prompt) for _ in range(self.column.samples)]
        several = self.column.samples > 1
        return (replies if several else replies[0]), [record.id for record in shown if record.id]

    def show(self, values: Mapping[str, Any]) -> Prompt:
        """The prompt for a row that sees `values`, as it would be asked."""
        shown = self._demonstrations.choose(values, self.run.rng("demonstrations", self.name))
        return self._prompt(values, shown)

    async def _once(self, prompt: Prompt) -> Any:
        column = self.column
        reply = await self.run.ask(
            prompt,
            role=column.role or "generator",
            temperature=column.temperature,
            max_tokens=column.max_tokens,
        )
        return reply.value

    def _prompt(self, values: Mapping[str, Any], shown: Sequence[Record]) -> Prompt:
        from tilth.prompts.prompt import build
        from tilth.prompts.template import Template

        column = self.column
        sees = {**values, "demonstrations": shown}
        try:
            prefill = Template(column.prefill).render(**sees) if column.prefill else ""
            built = build(
                str(column.prompt),
                task=self.run.task,
                conditions=values,
                demonstrations=shown,
                system=column.system,
                prefill=prefill,
                schema=column.shape if self._held else None,
                parse=parser(column, self.run.task, prefill),
            )
        except RequestError as error:  # names were checked before, so it is this row's values
            raise Failure("template", f"column '{self.name}': {error.what}") from error
        before = "" if self._placed or not shown else written(shown) + "\n\n"
        after = f"\n\n{JSON_LINE}{_compact(column.shape)}" if column.shape is not None else ""
        return _around(built, before, after) if before or after else built


def pool(spec: DemonstrationSpec | None, run: Run) -> list[Record]:
    """The records that demonstrations are chosen from."""
    if spec is None or spec.k == 0:
        return []
    return list(islice(run.data(spec.source), MOST_DEMONSTRATIONS))


def written(records: Sequence[Record]) -> str:
    """Demonstrations for a prompt that does not place them itself."""
    blocks = ["\n".join(f"{name}: {value}" for name, value in record.items() if value is not None) for record in records]
    return "Examples:\n\n" + "\n\n".join(blocks)


def parser(column: ColumnSpec, task: Task, prefill: str) -> Parser:
    """What makes a value of a reply. A prefill is part of the answer where its form matters (JSON, code, lists, labels)."""
    from tilth.prompts.parsers import PARSERS

    kind = kind_of_reply(column)
    if kind == "label":
        parse = PARSERS["label"](list(task.labels))
    elif kind == "json":
        parse = PARSERS["json"](column.shape)
    else:
        parse = PARSERS[kind]()
    if not prefill or kind == "text":
        return parse

    def whole(reply: Reply) -> Any:
        return parse(dataclasses.replace(reply, text=prefill + reply.text))

    return whole


def kind_of_reply(column: ColumnSpec) -> str:
    """``parse``, else json where the reply has a shape, else text."""
    return column.parse or ("json" if column.shape is not None else "text")


def _around(prompt: Prompt, before: str, after: str) -> Prompt:
    """The prompt with text before and after its last message."""
    messages = tuple(prompt.messages or ())
    last = {**messages[-1], "content": f"{before}{messages[-1]['content']}{after}"}
    return dataclasses.replace(prompt, messages=(*messages[:-1], last))


def _compact(shape: Mapping[str, Any]) -> str:
    import json

    return json.dumps(shape, ensure_ascii=False)
