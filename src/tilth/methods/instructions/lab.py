"""LAB (Sudalairaj, Bhandwaldar, Pareja, Xu, Cox, Srivastava, 2024, arXiv 2403.01081), as InstructLab makes its data."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.generate.quotas import split
from tilth.methods.instructions._lab_prompts import PROMPTS
from tilth.methods.instructions._leaves import Seed, in_turns, pairs, seeds_of, tagged
from tilth.models.base import Reply
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.prompts.ratings import rating
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run


class Draw(NamedTuple):
    """A seed, and how many records it is to give if all of them pass."""

    seed: Seed
    wanted: int


class Lab(Method):
    """Each leaf of a taxonomy is expanded by itself from its few seed examples; judges turn away what is weak.

    Seeds take turns over the leaves, so that coverage follows the tree. By what the seed has:

    1. Freeform: one call writes up to 30 questions in the style of the seed. A judge keeps (1) or drops (0) each. It is answered.
       A judge grades the pair from 1 to 3; 2 and better stay.
    2. Grounded (the seed has a context): ten new contexts are written, three questions for each; then as above, with the context in every
       prompt. The final question is context and question.
    3. Knowledge (the seed has a document): from the document and from a copy with mended spelling, pairs are written after three
       examples. Three judges: the answer rests on the document, it answers the question fully (2 of 2), and the question can be
       understood without the document.

    Judges are asked at temperature 0. A reply without a grade never passes.

    Differs: with `rows`, each leaf has its even share; its seeds are used one after the other until it is full, asked for half as many
    again as are missing. The verdict on faithfulness is a grade of 0 or 1, not YES or NO. Questions and answers are paired as they
    stand in the reply, not zipped by number. Copies of the seed's question and equal questions within a leaf are dropped. Mixing with
    earlier data, documents as auxiliary texts and replay belong to export and training. Prompts and tags are ours.
    When: skills or documents that a few experts can describe by examples, with coverage that can be counted.
    Needs: data 'seeds', a row for each example with its leaf, five a leaf. Calls: about 3 per freeform record, 4 per pair of a document.
    """

    name: ClassVar[str] = "lab"
    paper: ClassVar[str] = "2403.01081"
    family: ClassVar[str] = "instructions"
    inputs: ClassVar[Mapping[str, str]] = {"seeds": "leaf question answer context? document? task_description?"}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "judge": 1}
    columns: ClassVar[Mapping[str, object]] = {"messages": "list[dict]", "leaf": str, "kind": str}
    prompts: ClassVar[Mapping[str, str]] = PROMPTS
    scales: ClassVar[Mapping[str, tuple[int, int, int]]] = {
        "question": (0, 1, 1), "pair": (1, 3, 2), "faithful": (0, 1, 1), "relevant": (0, 2, 2), "standalone": (0, 1, 1),
    }  # fmt: skip
    """Judge to lowest and highest grade, and the least that stays."""

    questions: int = Field(30, ge=1, description="Questions asked for per freeform seed.", json_schema_extra={"from": "repo, full"})
    contexts: int = Field(10, ge=1, description="New contexts per grounded seed.", json_schema_extra={"from": "repo, full"})
    context_questions: int = Field(3, ge=1, description="Questions per context.", json_schema_extra={"from": "repo, full"})
    pairs: int = Field(10, ge=1, description="Questions with answers per document, at most.")
    examples: int = Field(3, ge=1, description="Questions and answers shown with a document.", json_schema_extra={"from": "repo, full"})
    corrected: bool = Field(True, description="Whether a copy with mended spelling is used too.", json_schema_extra={"from": "repo, full"})
    context_temperature: float = Field(0.7, ge=0, description="Of contexts; all else is greedy.", json_schema_extra={"from": "repo, full"})
    max_tokens: int = Field(2048, ge=1, json_schema_extra={"from": "repo, full"})
    min_seeds: int = Field(5, ge=1, description="A leaf with fewer is named in a note.", json_schema_extra={"from": "taxonomy"})
    system: str = Field("", description="System message of every record; none where it is empty.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        leaves, incomplete = seeds_of(run.data("seeds"), self.examples)
        for row in incomplete:
            run.reject(row, "incomplete_seed", detail="A seed needs a leaf, a question and an answer, or a document whose leaf has some.")
        if not leaves:
            raise RequestError("no row of 'seeds' has a leaf with a question and an answer.", code="data.seeds")
        thin = [leaf for leaf, seeds in leaves.items() if len(seeds) < self.min_seeds and seeds[0].kind != "knowledge"]
        if thin:
            run.note(f"{len(thin)} of {len(leaves)} leaves have fewer than {self.min_seeds} seeds, the first is '{thin[0]}'.")
        missing = Counter(split(self.rows, leaves)) if self.rows is not None else None
        waiting = {leaf: deque(seeds) for leaf, seeds in leaves.items()}
        seen: set[tuple[str, str]] = set()
        while drawn := self._draw(waiting, missing):
            async for made in run.map(partial(self._expand, run), drawn, label="seed", key=_key):
                for record in made:
                    if reason := _late(record, missing, seen):
                        run.reject(record, reason)
                        continue
                    if missing is not None:
                        missing[record["leaf"]] -= 1
                    yield record
        for leaf, n in (+missing).items() if missing is not None else ():
            run.note(f"leaf '{leaf}' is {n} short: all of its seeds were used.")

    def _draw(self, waiting: Mapping[str, deque[Seed]], missing: Counter[str] | None) -> list[Draw]:
        """The next round, leaves in turn: all seeds, or of each leaf as few as can give half as many records again as are missing."""
        if missing is None:
            everything = [Draw(seed, self._most(seed)) for seed in in_turns(waiting)]
            for seeds in waiting.values():
                seeds.clear()
            return everything
        drawn: dict[str, list[Draw]] = {}
        for leaf, n in (+missing).items():
            wanted = ceil(1.5 * n)
            while wanted > 0 and waiting[leaf]:
                seed = waiting[leaf].popleft()
                drawn.setdefault(leaf, []).append(Draw(seed, wanted))
                wanted -= self._most(seed)
        return list(in_turns(drawn))

    def _most(self, seed: Seed) -> int:
        """Records that a seed can give."""
        if seed.kind == "freeform":
            return self.questions
        return self.contexts * self.context_questions if seed.kind == "grounded" else self.pairs * (2 if self.corrected else 1)

    # one seed

    async def _expand(self, run: Run, drawn: Draw) -> list[Record]:
        """All that one seed gives and judges let pass."""
        if drawn.seed.kind == "knowledge":
            return await self._knowledge(run, drawn)
        if drawn.seed.kind == "freeform":
            n = min(self.questions, drawn.wanted)
            return await self._answered(run, drawn.seed, "", await self._questions(run, drawn.seed, "", n))
        n = min(self.contexts, ceil(drawn.wanted / self.context_questions))
        contexts = await run.map(partial(self._context, run, drawn.seed), range(n), label="context")
        distinct = [one for one in dict.fromkeys(contexts) if one != drawn.seed.row["context"]]
        found: list[list[Record]] = await run.map(partial(self._about, run, drawn.seed), distinct, label="about")
        return [record for records in found for record in records]

    async def _context(self, run: Run, seed: Seed, number: int) -> str:
        reply = await self._write(run, seed, "context", partial(tagged, tag="context"), self.context_temperature)
        return str(reply[0])

    async def _about(self, run: Run, seed: Seed, context: str) -> list[Record]:
        return await self._answered(run, seed, context, await self._questions(run, seed, context, self.context_questions))

    async def _questions(self, run: Run, seed: Seed, context: str, n: int) -> list[str]:
        """At most `n` questions, none of them the seed's own."""
        prompt = "context_questions" if context else "questions"
        written: list[str] = await self._write(run, seed, prompt, partial(tagged, tag="question"), n=n, context=context)
        return [question for question in written if question != seed.row["question"].strip()][:n]

    async def _answered(self, run: Run, seed: Seed, context: str, questions: list[str]) -> list[Record]:
        """Graded questions, answers, graded pairs."""

        async def one(question: str) -> Record | None:
            asked = self._record(seed, question, "", context)
            if not await self._passes(run, seed, asked, "question", question=question, context=context):
                return None
            answer = await self._write(run, seed, "answer", parsers.text(), question=question, context=context)
            record = self._record(seed, question, answer, context)
            record.meta["scores"] = asked.meta["scores"]
            passed = await self._passes(run, seed, record, "pair", question=question, answer=answer, context=context)
            return record if passed else None

        return list(await run.map(one, questions, label="question"))

    async def _knowledge(self, run: Run, drawn: Draw) -> list[Record]:
        """Pairs from a document and from its mended copy, past three judges."""
        seed, document = drawn.seed, str(drawn.seed.row["document"]).strip()
        versions, examples = ("original", "corrected")[: 1 + self.corrected], [_plain(row) for row in seed.examples]

        async def version(name: str) -> list[Record]:
            text = document
            if name == "corrected":
                text = (await self._write(run, seed, "mend", partial(tagged, tag="document"), document=document))[0]
            n = min(self.pairs, ceil(drawn.wanted / len(versions)))
            written = (await self._write(run, seed, "pairs", pairs, n=n, document=text, examples=examples))[:n]

            async def judged(pair: tuple[str, str]) -> Record | None:
                question, answer = pair
                record = self._record(seed, question, answer, "", document=name)
                for judge in ("faithful", "relevant", "standalone"):
                    if not await self._passes(run, seed, record, judge, question=question, answer=answer, context=text):
                        return None
                return record

            return list(await run.map(judged, written, label="pair"))

        return [record for records in await run.map(version, versions, label="version") for record in records]

    # calls

    async def _write(self, run: Run, seed: Seed, prompt: str, parse: Any, temperature: float = 0.0, **values: Any) -> Any:
        asked = build(self.prompts[prompt], task=run.task, conditions={**_shown(seed), **values})
        return (await run.ask(asked, parse=parse, temperature=temperature, max_tokens=self.max_tokens)).value

    async def _passes(self, run: Run, seed: Seed, record: Record, judge: str, **values: Any) -> bool:
        """Whether a judge lets a record pass; its grade goes into the record's scores. No grade, no pass."""
        low, high, least = self.scales[judge]
        grades = " or ".join(map(str, range(low, high + 1)))

        def grade(reply: Reply) -> int | None:
            return rating(reply.text, "Score", low, high)

        about = {**_shown(seed), **values, "grades": grades}
        asked = build(self.prompts[f"judge_{judge}"], task=run.task, conditions=about)
        try:
            reply = await run.ask(asked, role="judge", parse=grade, temperature=0.0, max_tokens=self.max_tokens)
        except Failure as failure:
            run.reject(record, f"{judge}_{failure.reason}", detail=failure.detail, raw=failure.raw)
            return False
        record.meta["scores"][judge] = float(reply.value)
        if reply.value < least:
            run.reject(record, f"{judge}_grade", score=float(reply.value), detail=f"At least {least} is needed.", raw=reply.text)
        return bool(reply.value >= least)

    def _record(self, seed: Seed, question: str, answer: str, context: str, **about: str) -> Record:
        said = [{"role": "system", "content": self.system}] if self.system else []
        said.append({"role": "user", "content": f"{context}\n\n{question}" if context else question})
        said += [{"role": "assistant", "content": answer}] if answer else []
        conditions = {"leaf": seed.leaf, "seed": seed.number, **about}
        meta = {"seed_ids": seed.seed_ids, "conditions": conditions, "scores": {}}
        return Record(messages=said, leaf=seed.leaf, kind=seed.kind, meta=meta)


def _key(drawn: Draw) -> str:
    return f"{drawn.seed.leaf} {drawn.seed.number}"


def _shown(seed: Seed) -> dict[str, Any]:
    return {"leaf": seed.leaf, "what": seed.task, "seed": _plain(seed.row)}


def _plain(row: Mapping[str, Any]) -> dict[str, str]:
    """What prompts show of a row; a column that it lacks is empty."""
    return {name: str(row.get(name) or "").strip() for name in ("question", "answer", "context")}


def _late(record: Record, missing: Counter[str] | None, seen: set[tuple[str, str]]) -> str:
    """Why a record that passed is not kept, or an empty text: its leaf has this question already, or is full."""
    key = (record["leaf"], next(one["content"] for one in record["messages"] if one["role"] == "user").casefold())
    if key in seen:
        return "duplicate"
    if missing is not None and missing[record["leaf"]] < 1:
        return "surplus"
    seen.add(key)
    return ""
