"""STaR (Zelikman, Wu, Mu, Goodman, NeurIPS 2022, arXiv 2203.14465): rationales that lead to the right answer, with hints for the rest."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from tilth.engine.method import Method
from tilth.generate.rows import filled
from tilth.methods.math._rationales import MARK, Solved, Trainer, choices_of, chosen, demonstrations_of, read, shown
from tilth.prompts.prompt import build
from tilth.records.record import Record
from tilth.verify.math import Math, gold_answer

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.models.roles import RoleModel

_EXAMPLES = (
    "{% for shown in demonstrations %}\nQ: {{ shown.question }}\nA: {{ shown.rationale }}\n"
    + MARK
    + " {{ shown.answer }}\n\n{% endfor %}\nQ: {{ question }}\nA:"
)
"""Worked examples and the question, in a prompt."""


class Round(NamedTuple):
    """One iteration: its number, and the model that writes (None: the base model)."""

    number: int
    model: RoleModel | None
    examples: tuple[Record, ...]
    math: Math


class Star(Method):
    """Questions with answers become questions with rationales: whatever led the model to the right answer is kept.

    In each iteration, for every question that is drawn:

    1. The model writes a rationale and an answer. Right: kept as ``generated``.
    2. Wrong, or no answer: it is asked once more with the right answer shown as a hint. Right now: kept as ``rationalized``,
       stored as if it had been written without the hint. Still wrong: dropped.
    3. The base model, never the last one, is fine-tuned on what this iteration kept; the result writes in the next.

    Differs: fine-tuning needs a `trainer` (Python only); without one there is one iteration, which is the data of the paper's
    first. The answer stands behind ``####`` in every format. Answers are equal as values ("1,000" is "1000") where the
    repository compares strings; ``match: exact`` does that. Every iteration's records are in the result, told apart by
    `iteration`; data 'dev' ends the iterations when accuracy there stops rising. Prompts are ours; worked examples come from
    data 'examples'.
    When: answers are known and reasons are not. A wrong chain with a lucky answer is kept: judge what has few choices.
    Needs: data 'questions'; 'examples' for a model that only continues text. Calls: 1 to 2 per question and iteration.
    """

    name: ClassVar[str] = "star"
    paper: ClassVar[str] = "2203.14465"
    family: ClassVar[str] = "math"
    inputs: ClassVar[Mapping[str, str]] = {
        "questions": "question answer choices?",
        "examples": "?question rationale answer choices?",
        "dev": "?question answer choices?",
    }
    columns: ClassVar[Mapping[str, object]] = {
        "question": str, "rationale": str, "answer": str, "gold": str, "source": str, "iteration": int, "prompt": str, "completion": str,
    }  # fmt: skip
    prompts: ClassVar[Mapping[str, str]] = {
        "solve": (
            "{% if chat %}\nReason step by step in a few short lines, then write the answer alone on a last line that begins with "
            + MARK
            + ".\n\n{% endif %}\n"
            + _EXAMPLES
        ),
        "rationalize": (
            "{% if chat %}\nThe right answer is shown with the question. Reason step by step in a few short lines, as if you had "
            "found it yourself, then write the answer alone on a last line that begins with " + MARK + ".\n\n{% endif %}\n" + _EXAMPLES
        ),
        "stored": "Q: {{ question }}\nA:",
    }

    iterations: int = Field(64, ge=1, description="At most so many; one without a trainer.", json_schema_extra={"from": "repo"})
    n_train_samples: int = Field(10_000, ge=1, description="Questions drawn in each iteration.", json_schema_extra={"from": "repo"})
    p_rationalization: float = Field(
        1.0, ge=0, le=1, description="Share of failures tried with a hint.", json_schema_extra={"from": "repo"}
    )
    p_show_hint_save: float = Field(
        0.0, ge=0, le=1, description="Share of rationalizations stored with their hint.", json_schema_extra={"from": "repo"}
    )
    match: Literal["value", "exact"] = Field(
        "value", description="exact: the same text but for case.", json_schema_extra={"from": "repo: exact"}
    )
    start_steps: int = Field(40, ge=1, description="Training steps of the first iteration.", json_schema_extra={"from": "repo"})
    grow_steps: Literal["exponential", "linear"] = Field(
        "exponential", description="A fifth more each iteration, or 20 more.", json_schema_extra={"from": "repo, exponential_grow"}
    )
    copy_n: int = Field(0, ge=0, description="Earlier iterations whose records are trained on too.", json_schema_extra={"from": "repo"})
    temperature: float = Field(0.01, ge=0, json_schema_extra={"from": "repo"})
    top_p: float = Field(0.9, gt=0, le=1, json_schema_extra={"from": "repo"})
    max_tokens: int = Field(96, ge=1, description="Of a rationale; many models need more.", json_schema_extra={"from": "repo"})
    mode: Literal["auto", "chat", "completion"] = Field("auto", description="auto: completion with examples, where the model can.")
    lag: int = Field(64, ge=1, description="Questions asked ahead of the last one kept; at most so many are asked in vain.")
    trainer: Any = Field(None, exclude=True, description="What fine-tunes the base model; see Trainer. Python only.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        examples = tuple(filled(run, "examples", "question", "rationale", "answer")) if run.has("examples") else ()
        math, base = Math.model_validate({}), run.models("generator")[0]
        past: deque[list[dict[str, str]]] = deque(maxlen=self.copy_n + 1)
        model, best, kept = None, -1.0, 0
        for number in range(1, (self.iterations if self.trainer else 1) + 1):
            now = Round(number, model, examples, math)
            past.append([])
            async for record in self._iteration(run, now):
                past[-1].append({"prompt": record["prompt"], "completion": record["completion"]})
                yield record
                kept += 1
                if kept == self.rows:
                    return
            if self.trainer is None:
                break
            model = await self._train(run, base, [row for rows in past for row in rows], number)
            if run.has("dev"):
                accuracy = await self._accuracy(run, now._replace(model=model))
                if accuracy <= best:
                    run.note(f"stopped after iteration {number}: accuracy on dev is {accuracy:.1%}, before it was {best:.1%}.")
                    break
                best = accuracy
        if self.rows is not None:
            run.note(f"{self.rows - kept} short of {self.rows} rows: all questions were asked.")

    def steps(self, iteration: int) -> int:
        """Training steps of an iteration (from 1): 40, 48, 57 ... or 40, 60, 80 ..."""
        if self.grow_steps == "linear":
            return self.start_steps + 20 * (iteration - 1)
        return int(self.start_steps * 1.2 ** (iteration - 1))

    # one iteration

    def _iteration(self, run: Run, now: Round) -> Any:
        """The kept records of one iteration, in the order of the draw."""
        drawn = self._draw(run, now.number)
        learn = partial(self._learn, run, now)
        return run.unfold(lambda k: next(drawn, None), learn, lag=self.lag, label=f"iteration {now.number}")

    def _draw(self, run: Run, number: int) -> Iterator[Record]:
        """Shuffled, the first `n_train_samples`."""
        questions = partial(filled, run, "questions", "question", "answer")
        there = sum(1 for _ in questions(tell=number == 1))
        wanted = run.rng("questions", number).sample(range(there), min(self.n_train_samples, there))
        mine = set(wanted)
        rows = {at: row for at, row in enumerate(questions(tell=False)) if at in mine}
        return (rows[at] for at in wanted)

    async def _learn(self, run: Run, now: Round, row: Record) -> Record | None:
        """Steps 1 and 2 for one question."""
        first = await self._solve(run, now, row, hint=False)
        if await self._right(run, now, row, first):
            return self._record(row, now, first, source="generated", hint=False)
        chance = run.rng("hints")
        retried, keeps_hint = chance.random() < self.p_rationalization, chance.random() < self.p_show_hint_save
        last = await self._solve(run, now, row, hint=True) if retried else first
        if retried and await self._right(run, now, row, last):
            return self._record(row, now, last, source="rationalized", hint=keeps_hint)
        wrong = self._record(row, now, last, source="rationalized" if retried else "generated", hint=False)
        run.reject(wrong, "wrong_answer" if last.answer else "no_answer", detail=f"The answer is {gold_answer(row['answer'])}.")
        return None

    async def _solve(self, run: Run, now: Round, row: Record, *, hint: bool) -> Solved:
        """One call. A reply without an answer is a wrong one, not an error; what follows the answer's line is cut."""
        chats = self._chats(now.model or run.models("generator")[0], now.examples)
        prompt = build(
            self.prompts["rationalize" if hint else "solve"],
            task=run.task,
            conditions={"question": shown(row, hint=hint), "chat": chats},
            demonstrations=demonstrations_of(now.examples, hint=hint),
            raw=not chats,
            stop=("\nQ:",),
        )
        sampling: dict[str, Any] = {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens}
        reply = await run.ask(prompt, model=now.model, reasks=0, **sampling)
        if reply.finish == "length" and MARK not in reply.text:
            run.note(f"replies were cut off at {self.max_tokens} tokens before their answer: raise max_tokens.")
        solved = read(reply.text)
        return chosen(solved, choices_of(row)) if self.match == "value" else solved

    async def _right(self, run: Run, now: Round, row: Record, solved: Solved) -> bool:
        gold = gold_answer(row["answer"])
        if not solved.answer or not gold:
            return False
        if self.match == "exact" or row.get("choices"):
            return solved.answer.casefold() == gold.casefold()
        return (await now.math.compare(run, solved.answer, gold))["equal"] is True

    def _record(self, row: Record, now: Round, solved: Solved, *, source: str, hint: bool) -> Record:
        """The record; its prompt shows the hint only where `p_show_hint_save` drew so."""
        prompt = build(self.prompts["stored"], conditions={"question": shown(row, hint=hint)}, raw=True).text or ""
        return Record(
            question=shown(row, hint=False),
            rationale=solved.rationale,
            answer=solved.answer or "",
            gold=gold_answer(row["answer"]),
            source=source,
            iteration=now.number,
            prompt=prompt,
            completion=f" {solved.rationale}\n{MARK} {solved.answer or ''}",
            meta={"seed_ids": [row.id], "round": now.number, "origin": "mixed"},
        )

    # training

    async def _train(self, run: Run, base: RoleModel, rows: list[dict[str, str]], number: int) -> RoleModel:
        """The base model, fine-tuned; never the model of the iteration before."""
        checkpoint = await run.do(partial(_fit, self.trainer), self.trainer.name, base.name, rows, self.steps(number))
        loaded: RoleModel = self.trainer.load(checkpoint)
        return loaded

    async def _accuracy(self, run: Run, now: Round) -> float:
        async def right(row: Record) -> int:
            return int(await self._right(run, now, row, await self._solve(run, now, row, hint=False)))

        found = await run.map(right, filled(run, "dev", "question", "answer", tell=now.number == 1), label=f"dev {now.number}")
        return float(sum(found) / max(1, len(found)))

    def _chats(self, model: RoleModel, examples: tuple[Record, ...]) -> bool:
        """Raw text needs examples of the format: without them a model that can chat is told it."""
        told = model.can.chat and not examples
        return self.mode == "chat" or (self.mode == "auto" and (told or not model.can.completion))


def _fit(trainer: Trainer, name: str, base: str, rows: list[dict[str, str]], steps: int) -> str:
    return trainer.fit(base, rows, steps)
