"""Evol-Instruct, of WizardLM (Xu, Sun, Zheng, Geng, Zhao, Feng, Tao, Lin, Jiang, ICLR 2024, arXiv 2304.12244): harder instructions."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure
from tilth.generate.rows import filled
from tilth.methods.instructions._evolving import COMPLICATED, OPERATIONS, copies_frame, lost_block, same, says_nothing, sorry
from tilth.models.base import Reply
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run

Name = Literal["constraints", "deepening", "concretizing", "reasoning", "complicating_input", "breadth"]


@dataclass(frozen=True, slots=True)
class Ancestor:
    """The latest instruction of a seed's line: the seed itself, or its last evolution that succeeded."""

    id: str
    instruction: str
    root: str
    depth: int = 0


class EvolInstruct(Method):
    """Each instruction rewritten round after round into a harder or a rarer one, and answered.

    In each of 4 rounds, for every instruction:

    1. One of six operations is drawn, each as likely: add constraints, deepen, make concrete, demand reasoning, complicate
       the input (depth), or a new instruction of the same kind (breadth). The model applies it, adding 10 to 20 words.
    2. The evolution is eliminated if it copies the evolving prompt, if a judge calls it equal to its parent, or if its
       answer is a short one with "sorry" in it or only punctuation and stop words.
    3. What succeeds is the parent of the next round. What fails is dropped, and its parent is tried again.

    The result is the seeds and all rounds together.

    Differs: prompts are ours. The answer is asked for last, and only for what the other rules have not eliminated: the same
    outcome for fewer calls. An evolution that is its parent but for case and spaces is equal without a judge; where the
    judge gives no verdict, it is eliminated too. Depth must keep code blocks and tables of the parent letter by letter. Answers that were
    cut off count as failed. A seed without an output is answered by the model. Rows come seed by seed, not shuffled, and
    are not sampled down to 70,000; with 'rows', only as many seeds are taken as it needs.
    When: there are simple instructions and harder ones are wanted. Needs: data 'seed'. Calls: 3 per seed and round.
    """

    name: ClassVar[str] = "evol-instruct"
    paper: ClassVar[str] = "2304.12244"
    family: ClassVar[str] = "instructions"
    inputs: ClassVar[Mapping[str, str]] = {"seed": "instruction input? output?"}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "judge": 1}
    columns: ClassVar[Mapping[str, object]] = {"instruction": str, "input": str, "output": str}
    prompts: ClassVar[Mapping[str, str]] = {
        "depth": (
            "You rewrite prompts for AI assistants into more demanding ones.\n"
            "Rewrite the #Given Prompt# so that even a strong assistant finds it somewhat harder. People must still be able to "
            "understand and to answer it, and it must make sense.\n"
            "Keep whatever in it is not plain text, such as tables and code, and keep its input.\n"
            "Do it in this way: {{ how }}\n"
            "Do not make it wordy: add only {{ added[0] }} to {{ added[1] }} words"
            "{% if demonstrations %}, not counting the data{% endif %}.\n"
            "The words 'given prompt' and 'rewritten prompt' must not appear in what you write. Write the new prompt alone.\n"
            "{% for shown in demonstrations %}\n\n#Given Prompt#:\n{{ shown.given }}\n#Rewritten Prompt#:\n{{ shown.rewritten }}\n"
            "{% endfor %}\n\n"
            "#Given Prompt#:\n{{ instruction }}\n"
            "#Rewritten Prompt#:"
        ),
        "breadth": (
            "You invent prompts for AI assistants.\n"
            "Take the #Given Prompt# as a model and create a new one. It belongs to the same domain but is rarer, it is about as "
            "long and as difficult, and people must be able to understand and to answer it.\n"
            "The words 'given prompt' and 'created prompt' must not appear in what you write. Write the new prompt alone.\n\n"
            "#Given Prompt#:\n{{ instruction }}\n"
            "#Created Prompt#:"
        ),
        "equal": (
            "Here are two instructions for an AI assistant. Are they equal? They are equal only if both hold:\n"
            "1. They have the same constraints and requirements.\n"
            "2. They ask equally deeply and equally broadly.\n\n"
            "First instruction:\n{{ parent }}\n\nSecond instruction:\n{{ instruction }}\n\n"
            "Answer with Equal or Not Equal alone."
        ),
        "answer": "{{ instruction }}",
    }

    rounds: int = Field(4, ge=1, description="Rounds of evolution.", json_schema_extra={"from": "paper, M"})
    operations: list[Name] = Field(
        default=list(get_args(Name)), min_length=1, description="What is drawn from, each as likely.", json_schema_extra={"from": "paper"}
    )
    added_words: tuple[int, int] = Field(
        (10, 20), description="Words that a rewriting in depth may add, as the prompt says.", json_schema_extra={"from": "paper"}
    )
    sorry_below: int = Field(
        80, ge=0, description='Answers with "sorry" and fewer words than this fail.', json_schema_extra={"from": "paper"}
    )
    include_seeds: bool = Field(True, description="Whether the seeds are part of the result.", json_schema_extra={"from": "paper"})
    temperature: float = Field(1.0, ge=0, description="Of evolving and answering.", json_schema_extra={"from": "paper"})
    top_p: float = Field(0.95, gt=0, le=1, description="The paper may have used 0.9.", json_schema_extra={"from": "repo"})
    max_tokens: int = Field(2048, ge=1, json_schema_extra={"from": "paper"})
    reasks: int = Field(1, ge=0, description="Times that a verdict other than Equal or Not Equal is asked for again.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        seeds, kept = filled(run, "seed", "instruction"), 0
        while block := list(self._next_seeds(seeds, kept)):
            async for record in run.map(partial(self._line, run), block, label="line", key=_seed_id):
                kept += 1
                yield record
        if self.rows is not None and kept < self.rows:
            run.note(f"{self.rows - kept} short of {self.rows} rows: all seeds were evolved.")

    def _next_seeds(self, seeds: Iterator[Record], kept: int) -> Iterator[Record]:
        """Seeds with the number of records wanted of each: all of it, but for the last seed that the rows need."""
        each = self.rounds + self.include_seeds
        short = None if self.rows is None else self.rows - kept
        for number, seed in enumerate(islice(seeds, None if short is None else -(-short // each))):
            yield Record(seed.columns, meta={**seed.meta, "wanted": each if short is None else min(each, short - number * each)})

    async def _line(self, run: Run, seed: Record) -> AsyncIterator[Record]:
        """A seed and its evolutions, round after round from the last that succeeded."""
        wanted, seed_id = seed.meta["wanted"], _seed_id(seed)
        parent = Ancestor(seed_id, _whole(seed), root=seed_id)
        if self.include_seeds:
            wanted -= 1
            if record := await self._seed(run, seed, parent):
                yield record
        for number in range(1, self.rounds + 1):
            if not wanted:
                return
            record = await self._evolve(run, parent, number)
            if record is not None:
                wanted -= 1
                yield record
                assert record.id is not None
                parent = Ancestor(record.id, record["instruction"], seed_id, parent.depth + 1)

    async def _seed(self, run: Run, seed: Record, root: Ancestor) -> Record | None:
        """The seed as a record of its own id; answered by the model where it has no output."""
        columns = {"instruction": str(seed["instruction"]), "input": str(seed.get("input") or "")}
        about = {"seed_ids": [root.id], "conditions": {"root": root.id, "depth": 0, "operation": None}}
        if seed.get("output"):
            return Record(columns, output=str(seed["output"]), meta={**about, "id": root.id, "origin": "human"})
        try:
            answer = await self._answer(run, root.instruction)
        except Failure as failure:
            run.reject(Record(columns, meta=about), failure.reason, detail=failure.detail, raw=failure.raw)
            return None
        return Record(columns, output=answer, meta={**about, "id": root.id, "origin": "mixed"})

    async def _evolve(self, run: Run, parent: Ancestor, number: int) -> Record | None:
        """One round: the evolution with its answer, or None where it was eliminated."""
        operation, shown = self._draw(run)
        conditions = {"operation": operation, "root": parent.root, "depth": parent.depth + 1, "format": shown[0].format if shown else None}
        about = {"parents": [parent.id], "seed_ids": [parent.root], "round": number, "conditions": conditions}
        columns: dict[str, str] = {"input": ""}
        try:
            columns["instruction"] = await self._rewrite(run, parent, operation, shown)
            self._check(operation, parent.instruction, columns["instruction"])
            await self._judge(run, parent.instruction, columns["instruction"])
            columns["output"] = await self._answer(run, columns["instruction"])
            self._check_answer(columns["output"])
        except Failure as failure:
            run.reject(Record(columns, meta=about), failure.reason, detail=failure.detail, raw=failure.raw)
            return None
        return Record(columns, meta=about)

    def _draw(self, run: Run) -> tuple[str, list[Any]]:
        """An operation, and what it shows: one of the demonstrations of complicated input."""
        rng = run.rng("operation")
        operation = rng.choice(self.operations)
        return operation, [rng.choice(COMPLICATED)] if operation == "complicating_input" else []

    # the calls of a round

    async def _rewrite(self, run: Run, parent: Ancestor, operation: str, shown: list[Any]) -> str:
        kind = OPERATIONS[operation]
        how = kind.how.format(format=shown[0].format if shown else "")
        conditions = {"instruction": parent.instruction, "how": how, "added": list(self.added_words)}
        prompt = build(self.prompts["depth" if kind.depth else "breadth"], task=run.task, conditions=conditions, demonstrations=shown)
        return await self._text(run, prompt)

    async def _answer(self, run: Run, instruction: str) -> str:
        return await self._text(run, build(self.prompts["answer"], task=run.task, conditions={"instruction": instruction}))

    async def _text(self, run: Run, prompt: Any) -> str:
        sampling: dict[str, Any] = {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens}
        return str((await run.ask(prompt, parse=parsers.whole(), reasks=0, **sampling)).value)

    async def _judge(self, run: Run, parent: str, instruction: str) -> None:
        """Rule a: Failure ``equal`` unless the judge finds that something was gained."""
        prompt = build(self.prompts["equal"], task=run.task, conditions={"parent": parent, "instruction": instruction})
        verdict = (await run.ask(prompt, role="judge", parse=_verdict, reasks=self.reasks, temperature=0.0)).value
        if verdict == "equal":
            raise Failure("equal", "The judge finds no gain over the parent.")

    # the rules that need no call

    def _check(self, operation: str, parent: str, instruction: str) -> None:
        """Rule d, equality by words, and what depth must keep."""
        if copies_frame(instruction):
            raise Failure("copies_prompt", "It holds a label of the evolving prompt.")
        if same(parent, instruction):
            raise Failure("equal", "It is its parent but for case and spaces.")
        if OPERATIONS[operation].depth and lost_block(parent, instruction):
            raise Failure("lost_block", "A code block or a table of its parent is missing.")

    def _check_answer(self, answer: str) -> None:
        """Rules b and c."""
        if sorry(answer, below=self.sorry_below):
            raise Failure("sorry", f'The answer has "sorry" in it and fewer than {self.sorry_below} words.')
        if says_nothing(answer):
            raise Failure("says_nothing", "The answer is only punctuation and stop words.")


def _seed_id(seed: Record) -> str:
    return str(seed.id)


def _whole(seed: Record) -> str:
    """Instruction and input as one text, as the rounds see it."""
    given = str(seed.get("input") or "").strip()
    return f"{seed['instruction']}\n{given}" if given else str(seed["instruction"])


def _verdict(reply: Reply) -> str:
    found = {"equal" if word == "equal" else "not equal" for word in re.findall(r"\b(?:not\W+|un)?equal\b", reply.text.lower())}
    if len(found) != 1:
        raise Failure("no_verdict", "The answer must be Equal or Not Equal.")
    return found.pop()
