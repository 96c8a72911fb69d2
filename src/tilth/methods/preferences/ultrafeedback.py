"""UltraFeedback (Cui, Yuan, Ding, Yao, He, Zhu, Ni, Xie, Xie, Lin, Liu, Sun, ICML 2024, arXiv 2310.01377): scaled AI feedback."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from pydantic import Field, field_validator

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.generate.judging import side_by_side
from tilth.generate.rows import filled
from tilth.methods.preferences._feedback import (
    DEFINITIONS,
    MIX,
    OTHER,
    PRINCIPLES,
    TYPED,
    Aspect,
    Principle,
    critique,
    ratings_parser,
)
from tilth.prompts import parsers
from tilth.prompts.prompt import Prompt, build
from tilth.records.record import Record

if TYPE_CHECKING:
    from random import Random

    from tilth.engine.run import Run
    from tilth.models.roles import RoleModel

Writer = tuple[str, "RoleModel"]
"""A model of the pool, and the role it stands in."""


@dataclass(slots=True)
class Completion:
    """One model's answer, and what the judge says of it. overall_score: None where there is no critique."""

    model: str
    principle: str
    system: str
    response: str
    annotations: dict[str, dict[str, Any]] = field(default_factory=dict)
    fine_grained_score: float | None = None
    critique: str | None = None
    overall_score: float | None = None


class UltraFeedback(Method):
    """Pairs of a better and a worse answer: four models answer each prompt, a judge rates four aspects and criticises each answer.

    1. Of the pool, `answers` different models answer each prompt, each steered by a principle (drawn by the prompt's source) that is
       told in one of its system messages.
    2. For each aspect the judge sees all answers side by side in an order of chance, and rates each 1 to 5. Honesty may be N/A,
       which enters no mean. For truthfulness the judge is told what is known of the right answer.
    3. For each answer alone the judge writes feedback and an overall score of 1 to 10; it is told the principle.
    4. The best by the mean of its ratings (or by the overall score) and one that is strictly worse are the pair.

    Differs: prompts are ours. The worse one is drawn among the strictly worse, so that only prompts whose answers all tie are lost.
    The release mends overall scores of 10 with low ratings, a fault of reading one character; scores are read exactly here. An
    answer that was cut off is not judged; two are enough for a pair. Where `writers` names a smaller pool, models answer more than
    once. When: prompts without answers, and models of unequal strength. Who trains on TruthfulQA's prompts cannot be tested
    on them. Needs: data 'prompts' and, without `writers`, as many models in the generator pool as `answers`.
    Calls: `answers` + aspects + `answers` (12) per prompt.
    """

    name: ClassVar[str] = "ultrafeedback"
    paper: ClassVar[str] = "2310.01377"
    family: ClassVar[str] = "preferences"
    inputs: ClassVar[Mapping[str, str]] = {"prompts": "prompt source? knowledge? correct_answers? incorrect_answers?"}
    columns: ClassVar[Mapping[str, object]] = {
        "prompt": str, "chosen": str, "rejected": str, "chosen_score": float, "rejected_score": float, "margin": float,
        "chosen_model": str, "rejected_model": str,
    }  # fmt: skip
    roles: ClassVar[Mapping[str, int | str]] = {"generator": "4+", "judge": 1}
    prompts: ClassVar[Mapping[str, str]] = {
        "principle": "{{ principle }}",
        "answer": "{{ prompt }}",
        "judge": "You assess texts by a given rubric. The texts are independent of each other: rate each by itself, not by its place.",
        "rate": (
            "{{ definition }}\n\n"
            "The instruction{{ ' and what is known about it' if knowledge }}:\n[Instruction]\n{{ prompt }}\n[End of instruction]\n"
            "{% if knowledge %}[Known]\n{{ knowledge }}\n[End of known]\n{% endif %}"
            "{% for text in texts %}\n[Text {{ loop.index }}]\n{{ text }}\n[End of text {{ loop.index }}]\n{% endfor %}\n"
            "Reply with {{ texts|length }} parts in exactly this form, without anything before or after:\n"
            "{% for text in texts %}\n#### Text {{ loop.index }}\n"
            "{% if typed %}Type: <numbers of the types that apply, or None>\nRationale: <why, briefly>\n"
            "Rating: <1 to 5>\nRationale For Rating: <why, briefly>\n"
            "{% else %}Rating: <1 to 5{{ ', or N/A' if may_not_apply }}>\nRationale: <why, briefly>\n{% endif %}{% endfor %}"
        ),
        **DEFINITIONS,
        "critique": (
            "You are a teacher who wants a student's answer to become better. Write specific, constructive feedback on the answer below: "
            "what is good, what is wrong or missing and how to mend it. Do not write a better answer yourself, and ask for nothing that "
            "the instruction does not ask for.\n\n"
            "[Instruction]\n{{ prompt }}\n(The answer was to keep to this: {{ principle }})\n[End of instruction]\n\n"
            "[Answer]\n{{ answer }}\n[End of answer]\n\n"
            "Reply in exactly this form:\nFeedback: <your feedback>\nOverall Score: <1 to 10>"
        ),
    }  # fmt: skip

    answers: int = Field(4, ge=2, le=8, description="Answers to each prompt.", json_schema_extra={"from": "paper, section 2.2"})
    writers: list[str] = Field(
        [], description="Roles whose models answer, such as [writer_a, writer_b]; default: the generator pool, all different."
    )
    aspects: list[Aspect] = Field(list(get_args(Aspect)), min_length=1, description="What is rated.", json_schema_extra={"from": "paper"})
    mix: dict[str, dict[Principle, float]] = Field(
        {}, description="Source of a prompt to the shares of its principles, over the published ones; 'other': those not listed."
    )
    principles: dict[Principle, list[str]] = Field({}, description="System messages of a principle, in place of ours.")
    criticise: bool = Field(True, description="Whether each answer gets feedback and a score.", json_schema_extra={"from": "paper"})
    by: Literal["aspects", "overall"] = Field("aspects", description="What decides: the mean of the ratings, or the overall score.")
    pair: Literal["best_random", "best_worst", "all"] = Field(
        "best_random", description="Which answers become pairs: the best and one drawn of the worse, the best and the worst, or all."
    )
    temperature: float = Field(1.0, ge=0, description="Of the answers.", json_schema_extra={"from": "repo"})
    max_tokens: int = Field(1024, ge=1, description="Of an answer and of its feedback.", json_schema_extra={"from": "repo"})
    rating_tokens: int = Field(500, ge=1, description="Of the ratings of one aspect.", json_schema_extra={"from": "repo"})
    judge_top_p: float = Field(0.6, gt=0, le=1, description="Of the judge, whose temperature is 0.", json_schema_extra={"from": "repo"})
    reasks: int = Field(10, ge=0, description="Times that a reply of the judge in another form is asked for again.",
                        json_schema_extra={"from": "repo"})  # fmt: skip

    def model_post_init(self, context: Any, /) -> None:
        """The roles are those that `writers` names."""
        super().model_post_init(context)
        if self.writers:
            self.__dict__["roles"] = {**dict.fromkeys(self.writers, "1+"), "judge": 1}

    @field_validator("mix")
    @classmethod
    def _shares(cls, mix: dict[str, dict[Principle, float]]) -> dict[str, dict[Principle, float]]:
        for source, shares in mix.items():
            if any(share < 0 for share in shares.values()) or not sum(shares.values()):
                raise ValueError(f"the shares of '{source}' must be 0 or more, and not all 0")
        return mix

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        pool, rows, kept = self.pool(run), filled(run, "prompts", "prompt"), 0
        each = self.answers * (self.answers - 1) // 2 if self.pair == "all" else 1
        while block := list(islice(rows, None if self.rows is None else math.ceil((self.rows - kept) / each))):
            most = {row.id: each if self.rows is None else min(each, self.rows - kept - at * each) for at, row in enumerate(block)}
            async for record in run.map(partial(self.compare, run, pool, most), block, label="prompt"):
                kept += 1
                yield record
        if self.rows is not None and kept < self.rows:
            run.note(f"ultrafeedback: {self.rows - kept} short of {self.rows} rows: all prompts were answered.")

    def pool(self, run: Run) -> list[Writer]:
        """The different models that may answer."""
        found: dict[str, Writer] = {}
        for role in self.writers or ["generator"]:
            for model in run.models(role):
                found.setdefault(model.identity, (role, model))
        if len(found) < self.answers:
            if not self.writers:
                what = f"ultrafeedback wants {self.answers} different models and has {len(found)}."
                raise RequestError(f"{what} Add models, or name a smaller pool in 'writers'.", code="model.too_few")
            run.note(f"ultrafeedback: {self.answers} answers to a prompt from a pool of {len(found)}: some are by the same model.")
        return list(found.values())

    async def compare(self, run: Run, pool: Sequence[Writer], most: Mapping[str | None, int], row: Record) -> AsyncIterator[Record]:
        """One prompt: its answers, what the judge says of them, its pairs."""
        prompt = str(row["prompt"]).strip()
        answers = await self.answer(run, pool, row, prompt)
        for aspect, ratings in zip(self.aspects, await self.rate(run, row, prompt, answers), strict=True):
            for one, annotation in zip(answers, ratings, strict=True):
                one.annotations[aspect] = annotation
        for one in answers:
            one.fine_grained_score = mean([found["rating"] for found in one.annotations.values()])
        await self.criticised(run, prompt, answers)
        about = {"seed_ids": [row.id], "origin": "mixed", "conditions": {"source": row.get("source"), "by": self.by},
                 "completions": [asdict(one) for one in answers]}  # fmt: skip
        try:
            pairs = self.pairs(answers, run.rng("pair"))
        except Failure as failure:
            run.reject(Record(prompt=prompt, meta=about), failure.reason, detail=failure.detail)
            return
        for better, worse in pairs[: most[row.id]]:
            high, low = self.score(better), self.score(worse)
            assert high is not None and low is not None
            yield Record(
                prompt=prompt, chosen=better.response, rejected=worse.response, chosen_score=high, rejected_score=low,
                margin=round(high - low, 6), chosen_model=better.model, rejected_model=worse.model, meta=about,
            )  # fmt: skip

    async def answer(self, run: Run, pool: Sequence[Writer], row: Record, prompt: str) -> list[Completion]:
        """Step 1. An answer that failed is rejected by itself; two must be left."""
        rng = run.rng("draw")
        drawn = draw(pool, self.answers, rng)
        mix = {**MIX, **self.mix}
        shares = mix.get(str(row.get("source")), mix[OTHER])
        names = rng.choices(list(shares), weights=list(shares.values()), k=self.answers)
        systems = [rng.choice(self.principles.get(name) or PRINCIPLES[name]) for name in names]

        async def write(at: int) -> Completion:
            role, model = drawn[at]
            given = {"prompt": prompt, "principle": systems[at]}
            asked = build(self.prompts["answer"], task=run.task, conditions=given, system=self.prompts["principle"], parse=parsers.whole())
            sampling: dict[str, Any] = {"temperature": self.temperature, "max_tokens": self.max_tokens}
            reply = await run.ask(asked, role=role, model=model, reasks=0, **sampling)
            return Completion(model.identity, names[at], systems[at], reply.value)

        written = await run.map(write, range(self.answers), label="answer", on_failure="keep")
        for at, one in enumerate(written):
            if isinstance(one, Failure):
                about = {"seed_ids": [row.id], "conditions": {"model": drawn[at][1].identity, "principle": names[at]}}
                run.reject(Record(prompt=prompt, meta=about), one.reason, detail=one.detail, raw=one.raw)
        whole_ones = [one for one in written if isinstance(one, Completion)]
        if len(whole_ones) < 2:
            raise Failure("too_few_answers", f"{len(whole_ones)} of {self.answers} answers could be used.")
        return whole_ones

    async def rate(self, run: Run, row: Record, prompt: str, answers: Sequence[Completion]) -> list[list[dict[str, Any]]]:
        """Step 2: for each aspect, the annotations of the answers in their own order."""

        async def one(aspect: Aspect) -> list[dict[str, Any]]:
            given = {"prompt": prompt, "definition": self.prompts[aspect], "typed": aspect in TYPED,
                     "may_not_apply": aspect == "honesty", "knowledge": known(row) if aspect == "truthfulness" else ""}  # fmt: skip

            def asked(texts: list[Any]) -> Prompt:
                parse = ratings_parser(aspect, len(texts))
                return build(
                    self.prompts["rate"], task=run.task, conditions={**given, "texts": texts}, system=self.prompts["judge"], parse=parse
                )

            texts = [answer.response for answer in answers]
            judging: dict[str, Any] = {"temperature": 0.0, "top_p": self.judge_top_p, "max_tokens": self.rating_tokens}
            return await side_by_side(run, texts, asked, reasks=self.reasks, **judging)

        return await run.map(one, self.aspects, label="rate", on_failure="raise")

    async def criticised(self, run: Run, prompt: str, answers: Sequence[Completion]) -> None:
        """Step 3: feedback and overall score of each answer alone; without a readable one it has no overall score."""
        if not self.criticise and self.by == "aspects":
            return

        async def one(at: int) -> tuple[str, int]:
            conditions = {"prompt": prompt, "answer": answers[at].response, "principle": answers[at].system}
            asked = build(self.prompts["critique"], task=run.task, conditions=conditions, parse=critique)
            judging: dict[str, Any] = {"temperature": 0.0, "top_p": self.judge_top_p, "max_tokens": self.max_tokens}
            found: tuple[str, int] = (await run.ask(asked, role="judge", reasks=self.reasks, **judging)).value
            return found

        said = await run.map(one, range(len(answers)), label="critique", on_failure="keep")
        for answer, found in zip(answers, said, strict=True):
            if not isinstance(found, Failure):
                answer.critique, answer.overall_score = found[0], float(found[1])

    def score(self, one: Completion) -> float | None:
        """What decides; None: it has none."""
        return one.fine_grained_score if self.by == "aspects" else one.overall_score

    def pairs(self, answers: Sequence[Completion], rng: Random) -> list[tuple[Completion, Completion]]:
        """Step 4: better and strictly worse."""
        scored = [(score, one) for one in answers if (score := self.score(one)) is not None]
        ordered = [
            (one, other) if high > low else (other, one)
            for (high, one), (low, other) in combinations(scored, 2)
            if high != low
        ]  # fmt: skip
        if not ordered:
            raise Failure("tie" if len(scored) > 1 else "no_scores", "No two of the answers have different scores.")
        if self.pair == "all":
            return ordered
        values = [score for score, _ in scored]
        best = rng.choice([one for score, one in scored if score == max(values)])
        least = min(values) if self.pair == "best_worst" else max(values)
        return [(best, rng.choice([one for score, one in scored if score < max(values) and score <= least]))]


def draw(pool: Sequence[Writer], n: int, rng: Random) -> list[Writer]:
    """`n` models, all different as far as the pool goes, then each once more."""
    drawn: list[Writer] = []
    while len(drawn) < n:
        drawn += rng.sample(list(pool), min(len(pool), n - len(drawn)))
    return drawn


def mean(ratings: Sequence[int | None]) -> float | None:
    """Of those that are not N/A; None where all are."""
    given = [rating for rating in ratings if rating is not None]
    return round(sum(given) / len(given), 6) if given else None


def known(row: Record) -> str:
    """What the judge of truthfulness is told: a note on the prompt, and right and wrong answers where they are known."""
    lines = [str(row["knowledge"])] if row.get("knowledge") else []
    for name, said in (("correct_answers", "Correct answers"), ("incorrect_answers", "Wrong answers")):
        if row.get(name):
            found = row[name]
            lines.append(f"{said}: {found if isinstance(found, str) else '; '.join(map(str, found))}")
    return "\n".join(lines)
