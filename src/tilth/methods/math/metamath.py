"""MetaMath (Yu, Jiang, Shi, Yu, Liu, Zhang, Kwok, Li, Weller, Liu, ICLR 2024, arXiv 2309.12284): bootstrapped questions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure
from tilth.generate.rows import filled
from tilth.methods.math._masking import Masked, masked, split_last
from tilth.models.base import Reply
from tilth.prompts.prompt import build
from tilth.prompts.refusals import refusal
from tilth.records.ids import Occurrences, canonical
from tilth.records.record import Record
from tilth.verify.math import Math, extract, gold_answer

if TYPE_CHECKING:
    from tilth.engine.run import Run

Route = Literal["AnsAug", "Rephrased", "SV", "FOBAR"]
_STEPS = "Think step by step and write each step down. "


class Job(NamedTuple):
    """One candidate to make: a seed, a route, which repeat, and the number that is unknown (backward routes)."""

    seed: Record
    route: Route
    repeat: int
    mask: Masked | None = None


class MetaMath(Method):
    """Solved questions multiplied in four ways; what is kept was solved to the answer that must come out.

    * ``AnsAug``: the question is solved again; kept if the answer is the known one.
    * ``Rephrased``: the question is put in other words and solved; kept if the answer is still the ORIGINAL one, which
      filters rephrasings that changed the problem.
    * ``FOBAR``: a number of the question becomes unknown, the original answer is told, the unknown is asked for; kept if it
      is the number that stood there.
    * ``SV`` (self-verification): the same, with the last sentence of the question and its answer turned into a statement.

    Differs: prompts are ours. "Each one" and the like hold no number. An unknown is x, or another letter where the question
    uses x itself (the repository takes x or X). Numbers are equal as values. Backward questions need "the value of x is" in
    the solution; there is no last number to fall back on. SV unknowns are only in the part that stays (else the unknown is
    not in the question). Rows come repeat by repeat over all seeds, not shuffled, so that a run that is ended by 'rows' has
    spread over the seeds.
    When: questions with checked answers exist, and more are wanted. Needs: data 'seed'. Calls: 1 per AnsAug or FOBAR
    candidate, 2 per Rephrased or SV candidate.
    """

    name: ClassVar[str] = "metamath"
    paper: ClassVar[str] = "2309.12284"
    family: ClassVar[str] = "math"
    inputs: ClassVar[Mapping[str, str]] = {"seed": "question answer"}
    columns: ClassVar[Mapping[str, object]] = {
        "query": str, "response": str, "original_question": str, "type": str, "answer": str,
    }  # fmt: skip
    prompts: ClassVar[Mapping[str, str]] = {
        "solve": (
            _STEPS + 'End with a line "The answer is N." in which N is the answer alone'
            "{% if style == 'MATH' %}, in \\boxed{}{% endif %}.\n\n"
            "Question: A box holds 4 rows of 6 eggs. Three eggs are broken. How many are whole?\n"
            "A: Let's think step by step.\nThe box holds 4 * 6 = 24 eggs. 24 - 3 = 21 of them are whole.\n"
            "The answer is {% if style == 'MATH' %}$\\boxed{21}${% else %}21{% endif %}.\n\n"
            "Question: {{ question }}\nA: Let's think step by step."
        ),
        "rephrase": (
            "Put the question into other words. Keep every quantity, every condition and what is asked for. "
            "Reply with the new question alone.\n\n"
            "Question: A box holds 4 rows of 6 eggs. Three eggs are broken. How many are whole?\n"
            "Rephrased: There are 4 rows with 6 eggs each in a box, but 3 of the eggs have cracked. What number of eggs is intact?\n\n"
            "Question: {{ question }}\nRephrased:"
        ),
        "declare": (
            "Turn the question and its answer into one statement that gives the answer as a fact. Keep its conditions. "
            "Reply with that one sentence alone.\n\n"
            "Question: How many are whole? The answer is 21.\nStatement: 21 of them are whole.\n\n"
            "Question: If Tom sells them at $2 each, how much does he earn? The answer is 42.\n"
            "Statement: Tom earns $42 if he sells them at $2 each.\n\n"
            "Question: {{ asked }} The answer is {{ answer }}.\nStatement:"
        ),
        "solve_backward": (
            _STEPS + 'Find the unknown, and end with a line "The value of {{ unknown }} is N." in which N is its value alone.\n\n'
            "Question: A box holds {{ unknown }} rows of 6 eggs. Three eggs are broken. How many are whole? "
            "If the answer to this question is known to be 21, what is the value of the unknown {{ unknown }}?\n"
            "A: Let's think step by step.\nThe box holds 21 + 3 = 24 eggs. {{ unknown }} * 6 = 24, so {{ unknown }} = 4.\n"
            "The value of {{ unknown }} is 4.\n\n"
            "Question: {{ question }}\nA: Let's think step by step."
        ),
        "fobar": (
            "{{ question }} If the answer to this question is known to be {{ answer }}, what is the value of the unknown {{ unknown }}?"
        ),
        "sv": "{{ givens }} {{ statement }} What is the value of the unknown {{ unknown }}?",
    }

    routes: list[Route] = Field(
        default=["AnsAug", "Rephrased", "SV", "FOBAR"], min_length=1, description="Ways used.", json_schema_extra={"from": "paper"}
    )
    answers: int = Field(10, ge=0, description="AnsAug solutions of each question.", json_schema_extra={"from": "repo, num_repeat"})
    rephrasings: int = Field(40, ge=0, description="Rephrasings of each question.", json_schema_extra={"from": "repo, num_repeat"})
    rewrites: int = Field(40, ge=0, description="SV rewritings for each number.", json_schema_extra={"from": "repo, num_repeat"})
    backward: int = Field(20, ge=0, description="FOBAR solutions for each number.", json_schema_extra={"from": "repo, num_repeat"})
    style: Literal["GSM", "MATH"] = Field("GSM", description="Format of answers, and the beginning of 'type'.")
    temperature: float = Field(0.7, ge=0, description="Of every call.", json_schema_extra={"from": "repo"})
    max_tokens: int = Field(1024, ge=1)
    lag: int = Field(64, ge=1, description="Candidates asked ahead of the last one kept; at most so many are asked in vain.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        counts: Counter[str] = Counter()
        jobs, seen, math = self._jobs(run, counts), Occurrences(), Math.model_validate({"convention": "whole"})
        kept = 0
        results = run.unfold(lambda k: next(jobs, None), partial(self._make, run, math), lag=self.lag, label="candidate")
        async for record in results:
            if seen.next(canonical({"query": record["query"], "response": record["response"]})):
                run.reject(record, "duplicate", detail="The same question and solution were kept before.")
                continue
            yield record
            kept += 1
            if kept == self.rows:
                break
        self._report(run, counts, kept)

    # what is made

    def _jobs(self, run: Run, counts: Counter[str]) -> Iterator[Job]:
        """Repeat by repeat, seed by seed, route by route; numbers are found without a model."""
        times = self._times()
        for repeat in range(max(times.values())):
            for seed in filled(run, "seed", "question", "answer", tell=repeat == 0):
                for route in self.routes:
                    if repeat < times[route]:
                        yield from self._of(seed, route, repeat, counts)

    def _times(self) -> dict[Route, int]:
        every: dict[Route, int] = {"AnsAug": self.answers, "Rephrased": self.rephrasings, "SV": self.rewrites, "FOBAR": self.backward}
        return {route: every[route] for route in self.routes}

    def _of(self, seed: Record, route: Route, repeat: int, counts: Counter[str]) -> Iterator[Job]:
        if route in ("AnsAug", "Rephrased"):
            yield Job(seed, route, repeat)
            return
        question = str(seed["question"]).strip()
        bound = len(split_last(question)[0]) if route == "SV" else len(question)
        found = [mask for mask in masked(question) if mask.start < bound]
        if not found and not repeat:
            counts[route] += 1
        yield from (Job(seed, route, repeat, mask) for mask in found)

    async def _make(self, run: Run, math: Math, job: Job) -> Record | None:
        """One candidate: its question, its solution, and the check."""
        question = str(job.seed["question"]).strip()
        try:
            query = await self._query(run, job, question)
            prompt, unknown = ("solve_backward", job.mask.unknown) if job.mask else ("solve", "")
            conditions = {"question": query, "style": self.style, "unknown": unknown}
            reply = await self._ask(run, prompt, conditions, _solution)
        except Failure as failure:
            run.reject(self._record(job, question, "", ""), failure.reason, detail=failure.detail, raw=failure.raw)
            return None
        return await self._checked(run, math, job, query, str(reply.value))

    async def _query(self, run: Run, job: Job, question: str) -> str:
        """The question of a candidate."""
        answer = gold_answer(job.seed["answer"])
        if job.route == "Rephrased":
            return str((await self._ask(run, "rephrase", {"question": question}, _question)).value)
        if job.mask is None:
            return question
        told: dict[str, Any] = {"answer": answer, "unknown": job.mask.unknown}
        if job.route == "FOBAR":
            return self._text("fobar", told | {"question": job.mask.text})
        bound, asked = split_last(question)
        givens = job.mask.text[: len(bound) - len(job.mask.written) + len(job.mask.unknown)]
        parse = partial(_statement, answer)
        statement = (await self._ask(run, "declare", {"asked": asked, "answer": answer}, parse)).value
        return self._text("sv", told | {"givens": givens.replace("?", "."), "statement": statement})

    async def _checked(self, run: Run, math: Math, job: Job, query: str, text: str) -> Record | None:
        """The record, if its answer is the one that must come out."""
        target = job.mask.target if job.mask else gold_answer(job.seed["answer"])
        found = extract(text, "unknown" if job.mask else "metamath")
        record = self._record(job, query, _response(text, found.answer or ""), target)
        if found.answer is None:
            run.reject(record, "no_answer", detail=f"The answer is {target}.")
            return None
        compared = await math.compare(run, found.answer, target)
        if compared["equal"] is not True:
            reason = "wrong_answer" if compared["equal"] is False else "undecided"
            run.reject(record, reason, detail=f"{found.answer} for {target}.")
            return None
        return record

    def _record(self, job: Job, query: str, response: str, answer: str) -> Record:
        about = {"route": job.route, "repeat": job.repeat} | ({"masked": job.mask.written} if job.mask else {})
        return Record(
            query=query,
            response=response,
            original_question=str(job.seed["question"]).strip(),
            type=f"{self.style}_{job.route}",
            answer=answer,
            meta={"seed_ids": [job.seed.id], "origin": "mixed" if job.route == "AnsAug" else "model", "conditions": about},
        )

    # asking

    async def _ask(self, run: Run, name: str, conditions: Mapping[str, Any], parse: Callable[[Reply], str]) -> Reply:
        prompt = build(self.prompts[name], task=run.task, conditions=conditions, parse=parse, stop=("\nQuestion:",))
        return await run.ask(prompt, reasks=0, temperature=self.temperature, max_tokens=self.max_tokens)

    def _text(self, name: str, conditions: Mapping[str, Any]) -> str:
        return build(self.prompts[name], conditions=conditions, raw=True).text or ""

    def _report(self, run: Run, counts: Counter[str], kept: int) -> None:
        for route, n in sorted(counts.items()):
            run.note(f"{route}: {n} questions have no number that could be unknown; they give none of these.")
        if self.rows is not None and kept < self.rows:
            run.note(f"{self.rows - kept} short of {self.rows} rows: every candidate was tried.")


def _solution(reply: Reply) -> str:
    if reply.finish == "length":
        raise Failure("truncated", "The solution was cut off.")
    if marker := refusal(reply.text):
        raise Failure("refused", f"The reply is a refusal ({marker}).")
    return reply.text.strip()


def _question(reply: Reply) -> str:
    """The question alone, without its label."""
    text = " ".join(_solution(reply).removeprefix("Rephrased:").split())
    if not text:
        raise Failure("no_question", "The reply is empty.")
    return text


def _statement(answer: str, reply: Reply) -> str:
    """One statement that holds the answer and asks nothing."""
    text = " ".join(_solution(reply).removeprefix("Statement:").split())
    if not text or "?" in text:
        raise Failure("no_statement", "The reply must be one statement, without a question.")
    if not re.search(rf"(?<![\w.]){re.escape(answer.replace(',', ''))}(?!\w|\.\d)", text.replace(",", "")):
        raise Failure("answer_lost", f"The statement must say that the answer is {answer}.")
    return text


def _response(text: str, answer: str) -> str:
    """The solution with the closing line of the published set."""
    lines = text.rstrip().split("\n")
    if lines[-1].strip().rstrip(".") in (f"The answer is {answer}", f"The answer is: {answer}"):
        lines.pop()
    return "\n".join([*lines, f"The answer is: {answer}"]).strip()
