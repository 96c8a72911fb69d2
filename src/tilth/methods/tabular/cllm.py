"""CLLM (Seedat, Huynh, van Breugel, van der Schaar, ICML 2024, arXiv 2312.12112): rows of a small table, curated by learning dynamics."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.methods.tabular._columns import Column, columns_of, key, matrix, missing, nearest_real
from tilth.models.base import Reply
from tilth.prompts.prompt import build
from tilth.records.ids import canonical
from tilth.records.record import Record
from tilth.stats.arrays import Floats
from tilth.train.dynamics import learning_dynamics

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.records.data import Data

Group = Literal["easy", "ambiguous", "hard"]
ALIASES = ("target", "label", "class", "outcome")
"""What models like to call the target column instead."""


class CLLM(Method):
    """New rows of a table, of which those are turned away that a model of the real rows is sure to be wrong.

    1. Each call shows `shown` real rows, drawn with replacement, says what each column holds, and asks for `per_call` new ones.
    2. Every flat ``{...}`` in the reply is read, also where the reply was cut off. Cells are cast to the column's type; rows with a
       missing column, an unknown category or a word of the schema are turned away, and so are copies.
    3. A gradient-boosted classifier is fitted on the REAL rows. Over its stages: confidence, the mean probability of the row's own
       label, and aleatoric uncertainty, the mean of p (1 - p).
    4. Confidence and uncertainty both low: hard, turned away. Confidence high and uncertainty low: easy. The rest: ambiguous.
       Easy and ambiguous rows are kept.

    Differs: scikit-learn's booster for XGBoost. What is missing after curation is written too, within `max_calls`. Confidence,
    uncertainty and the distance to the nearest real row (0: a copy) are scores in meta, not columns that a student would learn from.
    Rows with nested braces are not read. Columns of free text are written but not learned from. When: 20 to 200 real rows with a
    column to predict. Needs: support, with at least two labels in `target`; scikit-learn. Calls: 1 per `per_call` rows.
    """

    name: ClassVar[str] = "cllm"
    paper: ClassVar[str] = "2312.12112"
    family: ClassVar[str] = "tabular"
    inputs: ClassVar[Mapping[str, str]] = {"support": ""}
    columns: ClassVar[Mapping[str, object]] = {"group": str}
    prompts: ClassVar[Mapping[str, str]] = {
        "rows": (
            "You write synthetic rows for a table.{% if task.about %} What it holds: {{ task.about }}{% endif %}\n\n\n"
            "The new rows must follow the causal structure of the real ones, the distribution of each column, and how '{{ target }}' "
            "depends on the others; where you know the subject, use what you know. Be as diverse as you can, and copy no row.\n\n"
            "Columns:\n{% for one in columns %}\n- {{ one }}\n{% endfor %}\n\n"
            "Real rows:\n{{ rows }}\n\n"
            "Write {{ per_call }} new rows as a JSON list of flat objects with exactly these keys, one object a line, and nothing else."
        )
    }

    target: str | None = Field(None, description="The column to be predicted; default: the last.")
    leave_out: list[str] = Field([], description="Columns that are not written, such as numbers of rows.")
    shown: int = Field(20, ge=1, description="Real rows in each prompt.", json_schema_extra={"from": "repo, ic_samples"})
    per_call: int = Field(20, ge=1, description="Rows asked for at once; the repository leaves it to the model.")
    trees: int = Field(100, ge=2, description="Stages of the booster.", json_schema_extra={"from": "repo"})
    confidence: float = Field(0.2, gt=0, lt=0.5, description="Threshold; easy is above 1 - it.", json_schema_extra={"from": "repo"})
    aleatoric: float = Field(
        0.2, ge=0, le=0.25, description="Threshold of uncertainty; 0: 0.75 (max - min).", json_schema_extra={"from": "repo"}
    )
    max_calls: int = Field(500, ge=1, description="Calls at most.", json_schema_extra={"from": "repo"})
    lag: int = Field(8, ge=1, description="Calls under way ahead of the last rows read; at most so many are made in vain.")
    temperature: float = Field(0.75, ge=0, json_schema_extra={"from": "paper"})
    top_p: float = Field(0.95, gt=0, le=1, json_schema_extra={"from": "paper"})
    max_tokens: int = Field(8000, ge=1, json_schema_extra={"from": "paper"})

    def columns_for(self, data: Mapping[str, Data]) -> Mapping[str, Any]:
        """Those of the real rows, and `group`."""
        if "support" not in data:
            return self.columns
        return {**{one.name: one.type for one in self.table(list(data["support"]))[0]}, **self.columns}

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        given = list(run.data("support"))
        columns, target = self.table(given)
        real = [row for row in given if not missing(row[target])]
        for row in given:
            if missing(row[target]):
                run.reject(row, "no_label", detail=f"{target} is empty: nothing can be learned from this row.")
        wanted, kept, batch, threshold = self.rows or 1000, 0, list[Record](), self.aleatoric or None
        seen = {canonical(_cells(row, columns)) for row in real}

        async def write(number: int) -> list[Record]:
            return await self.write(run, columns, target, real)

        async for found in run.unfold(lambda number: number, write, lag=self.lag, label="write", limit=self.max_calls):
            batch += self.new(run, found, seen)
            if kept + len(batch) < wanted:
                continue
            curated, threshold = await self.curated(run, columns, target, real, batch, threshold)
            for record in self.enough(run, curated, wanted - kept):
                kept += 1
                yield record
            batch = []
            if kept >= wanted:
                return
        if batch:
            curated, _ = await self.curated(run, columns, target, real, batch, threshold)
            for record in self.enough(run, curated, wanted - kept):
                kept += 1
                yield record
        run.note(f"cllm: {wanted - kept} rows short of {wanted} after {self.max_calls} calls.")

    # the table

    def table(self, real: Sequence[Mapping[str, Any]]) -> tuple[list[Column], str]:
        """The columns that are written, and the name of the one that is to be predicted."""
        names = [name for name in (real[0] if real else ()) if name not in self.leave_out]
        target = self.target or (names[-1] if names else "")
        if target not in names:
            raise RequestError(f"cllm: support has no column '{target}' to predict (it has: {', '.join(names)}).", code="data.columns")
        if taken := sorted(set(names) & set(self.columns)):
            raise RequestError(f"cllm writes a column '{taken[0]}' itself: rename the one in support.", code="data.columns")
        columns = columns_of(real, names, target)
        labels = next(len(one.values) for one in columns if one.name == target)
        if not 2 <= labels <= max(2, len(real) // 2):
            what = f"cllm: '{target}' holds {labels} values in {len(real)} rows; it needs two labels or more, each in several rows."
            raise RequestError(what, code="data.labels")
        if all(one.kind == "text" for one in columns if one.name != target):
            what = f"cllm: beside '{target}' support has no column of numbers or categories, and free text is not learned from."
            raise RequestError(f"{what} For texts with labels see: tilth methods --family classification", code="data.columns")
        return columns, target

    # what is written

    async def write(self, run: Run, columns: Sequence[Column], target: str, real: Sequence[Record]) -> list[Record]:
        """The rows of one reply that fit the table."""
        rng = run.rng("shown")
        shown = [rng.choice(real) for _ in range(self.shown)]
        given = {
            "columns": [_said(one) + (" (this is what is to be predicted)" if one.name == target else "") for one in columns],
            "rows": "\n".join(json.dumps(_cells(row, columns), ensure_ascii=False) for row in shown),
            "target": target,
            "per_call": self.per_call,
        }
        prompt = build(self.prompts["rows"], task=run.task, conditions=given, parse=read)
        reply = await run.ask(prompt, temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens)
        meta = {"seed_ids": list(dict.fromkeys(row.id for row in shown))}
        rows: list[Record] = []
        for one in reply.value:
            try:
                rows.append(Record(cast(one, columns, target), meta=dict(meta)))
            except Failure as failure:
                run.reject(Record(meta=dict(meta)), failure.reason, detail=failure.detail, raw=json.dumps(one, ensure_ascii=False))
        return rows

    def new(self, run: Run, rows: Sequence[Record], seen: set[bytes]) -> list[Record]:
        """The rows that are no copy of a real row or of an earlier one."""
        fresh: list[Record] = []
        for row in rows:
            if (content := canonical(row.columns)) in seen:
                run.reject(row, "copy", detail="A real row or an earlier one is the same.")
            else:
                seen.add(content)
                fresh.append(row)
        return fresh

    # what is kept

    async def curated(
        self, run: Run, columns: Sequence[Column], target: str, real: Sequence[Record], rows: Sequence[Record], threshold: float | None
    ) -> tuple[list[Record], float]:
        """Easy and ambiguous rows, and the threshold of uncertainty, which the first batch sets where it is adaptive."""
        features = [one for one in columns if one.name != target and one.kind != "text"]
        x, labels = matrix(real, features), [key(row[target]) for row in real]
        new, own = matrix(rows, features), [key(row[target]) for row in rows]
        confident, aleatoric = await run.do(dynamics, x, labels, new, own, self.trees, run.seed)
        if threshold is None:
            threshold = adaptive(aleatoric)
        distances = nearest_real(matrix(rows, columns), matrix(real, columns), columns)
        kept: list[Record] = []
        for row, c, v, near in zip(rows, confident, aleatoric, distances, strict=True):
            which = group(c, v, self.confidence, threshold)
            row.meta["scores"] = {"confidence": round(c, 6), "aleatoric": round(v, 6), "nearest_real": round(float(near), 6)}
            graded = row.replace(group=which)
            if which == "hard":
                run.reject(graded, "hard", score=c, detail="A model of the real rows is sure of another label.")
            else:
                kept.append(graded)
        return kept, threshold

    def enough(self, run: Run, rows: Sequence[Record], wanted: int) -> Sequence[Record]:
        """The first `wanted` rows; the last replies may hold more."""
        for row in rows[wanted:]:
            run.reject(row, "surplus")
        return rows[:wanted]


def group(confidence: float, aleatoric: float, low: float, uncertain: float) -> Group:
    """hard: sure that the label is wrong; easy: sure that it is right; ambiguous: all else."""
    if aleatoric > uncertain:
        return "ambiguous"
    return "hard" if confidence <= low else "easy" if confidence >= 1 - low else "ambiguous"


def adaptive(aleatoric: Sequence[float]) -> float:
    """The threshold of uncertainty by the rows themselves: three quarters of its range."""
    return 0.75 * (max(aleatoric) - min(aleatoric))


def dynamics(real: Floats, labels: list[str], rows: Floats, own: list[str], trees: int, seed: int) -> list[list[float]]:
    """[confidences, uncertainties] of rows by a booster of the real ones."""
    return [[float(value) for value in found] for found in learning_dynamics(real, labels, rows, own, trees=trees, seed=seed)]


def read(reply: Reply) -> list[dict[str, Any]]:
    """Every complete flat object in a reply; nested braces are not read."""
    rows: list[dict[str, Any]] = []
    for found in re.findall(r"\{[^{}]*\}", reply.text):
        try:
            rows.append(json.loads(found))
        except ValueError:
            continue
    if not rows:
        raise Failure("no_rows", "The reply must be a JSON list of flat objects, one for each row.", raw=reply.text)
    return rows


def cast(row: Mapping[str, Any], columns: Sequence[Column], target: str) -> dict[str, Any]:
    """The row in the table's columns and types; Failure says which cell does not fit."""
    given = {str(name).strip().lower(): value for name, value in row.items()}
    if target.lower() not in given:
        alias = next((name for name in ALIASES if name in given and name not in {one.name.lower() for one in columns}), None)
        given |= {target.lower(): given[alias]} if alias else {}
    left_out = [one.name for one in columns if one.name.lower() not in given]
    if left_out:
        raise Failure("missing_column", f"The row has no {left_out[0]}.")
    return {one.name: one.cast(given[one.name.lower()]) for one in columns}


def _cells(row: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    """A real row in the table's types, as it is shown; what does not fit is shown as it is."""
    cells = {}
    for one in columns:
        try:
            cells[one.name] = one.cast(row.get(one.name))
        except Failure:
            cells[one.name] = row.get(one.name)
    return cells


def _said(column: Column) -> str:
    kinds = {"integer": "a whole number", "number": "a number", "text": "a text"}
    what = kinds.get(column.kind) or "one of " + " | ".join(json.dumps(value, ensure_ascii=False) for value in column.values.values())
    return f"{column.name}: {what}{', or null' if column.optional else ''}"
