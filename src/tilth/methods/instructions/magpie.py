"""Magpie (Xu, Jiang, Niu, Deng, Poovendran, Choi, Lin, ICLR 2025, arXiv 2406.08464): instructions from models asked nothing."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.methods.instructions._chat_templates import TEMPLATES, ChatTemplate, known
from tilth.models.base import Reply
from tilth.prompts import parsers
from tilth.prompts.prompt import Prompt, build
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.stats.arrays import Vectors

Kind = Literal["quality", "difficulty", "category"]
QUALITY = ("very poor", "poor", "average", "good", "excellent")
DIFFICULTY = ("very easy", "easy", "medium", "hard", "very hard")
CATEGORIES = (
    "information seeking", "reasoning", "planning", "editing", "coding and debugging", "math", "role playing", "data analysis",
    "creative writing", "advice seeking", "brainstorming", "others",
)  # fmt: skip
NAMES = {"quality": ("input_quality", QUALITY), "difficulty": ("difficulty", DIFFICULTY), "category": ("task_category", CATEGORIES)}
_ASSISTANT = re.compile(r"(?:^|\n)[ \t]*assistant[ \t]*:?[ \t]*(?:\n|$)|(?<=[.?!])assistant\b", re.IGNORECASE)
_QUERY = "This is what a user wrote to an assistant. Do not answer it.\n\n```\n{{ query }}\n```\n\n"


class Magpie(Method):
    """Instructions that an aligned model writes itself when it is given nothing but the opening of the user's turn, and its answers.

    1. The request is the chat template up to where the user would begin to write, byte for byte. What the model writes there, up to
       the first stop or the end of the line, is the instruction.
    2. The template is closed around it and the assistant's turn opened; the answer is decoded greedily.
    3. With `turns` above 1 the user's turn is opened again, sampled, and answered.
    4. A judge says quality, difficulty and category of each instruction; what cannot be read is left empty, the row stays.
    5. With `rewards` the judge also rates the answer and that of a base model (role base); their difference is what alignment adds.
    6. Each instruction's distance to the nearest other one is found. Filter: quality, difficulty, reward difference, no open end, and no
       earlier instruction within `distance` (even if that one was turned away). Of what is left the longest answers are kept.

    Differs: a judge's rating stands for the reward models; safety and language are left to curation, preference pairs to ultrafeedback.
    Neighbours are searched exactly, on unit vectors. "assistant" ends a text only as a line of its own or glued to the end of a sentence,
    since users write the word. Instructions that were cut at max_tokens are turned away. When: an open-weight chat model and no data
    at all. Needs: completion, and the model's chat template. Calls: 2 per turn and candidate, 1 per kind of tag, with rewards 3 more.
    """

    name: ClassVar[str] = "magpie"
    paper: ClassVar[str] = "2406.08464"
    family: ClassVar[str] = "instructions"
    columns: ClassVar[Mapping[str, object]] = {
        "instruction": str, "output": str, "messages": "list[dict]",
        "intent": "str | None", "knowledge": "str | None", "difficulty": "str | None", "input_quality": "str | None",
        "quality_explanation": "str | None", "task_category": "str | None", "other_task_category": "list[str]",
        "reward": "float | None", "reward_difference": "float | None", "min_neighbor_distance": "float | None",
    }  # fmt: skip
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "judge": 1, "base": 1, "embedder": 1}
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {"generator": ("completion",)}
    prompts: ClassVar[Mapping[str, str]] = {
        "follow_up": "You are a helpful assistant. The user will go on with further questions about what was said before.",
        "quality": (
            _QUERY + "How good is it as a request? Look at clarity, specific detail, coherence and grammar. Reply with JSON alone:\n"
            '{"explanation": "strengths and weaknesses in one or two sentences", "input_quality": "{{ scale|join(" | ") }}"}'
        ),
        "difficulty": (
            _QUERY + "What does the user want, what must one know to solve it, and how difficult is that? Reply with JSON alone:\n"
            '{"intent": "The user wants ...", "knowledge": "To solve it, one needs ...", "difficulty": "{{ scale|join(" | ") }}"}'
        ),
        "category": (
            _QUERY + "Of which kind is it? The kinds are: {{ scale|join(', ') }}.\nReply with JSON alone:\n"
            '{"primary_tag": "the one that fits best", "other_tags": ["others that fit too; may be empty"]}'
        ),
        "reward": (
            "Request:\n```\n{{ query }}\n```\n\nAnswer:\n```\n{{ answer }}\n```\n\nHow helpful, correct and complete is the answer, from 1 "
            '(useless) to 10 (nothing to add)? Reply with JSON alone: {"rating": N}'
        ),
        "base": (
            "Below are requests, and a helpful answer to each.\n\n# Request:\nName two colours of autumn leaves.\n\n# Answer:\nRed and "
            "yellow are two of them; oaks often turn brown as well.\n\n# Request:\n{{ query }}\n\n# Answer:"
        ),
    }

    template: str = Field("auto", description="Name of a chat template; auto: by the model's name.")
    own_template: ChatTemplate | None = Field(None, description="A template of your own: user, assistant, end, stops, system, bos.")
    bos: Literal["server", "text"] = Field("server", description="Who puts the beginning-of-text token; most servers do.")
    system: str = Field("", description="System message that steers the topic; none is best.", json_schema_extra={"from": "paper"})
    turns: int = Field(1, ge=1, description="User turns of each conversation.", json_schema_extra={"from": "repo, num_turns"})
    grid: list[tuple[float, float]] = Field(
        [(1.0, 1.0)], min_length=1, description="Temperature and top_p of user turns, in rotation.", json_schema_extra={"from": "repo"}
    )
    stop_at_newline: bool = Field(True, description="An instruction is one line.", json_schema_extra={"from": "repo, early_stopping"})
    max_tokens: int = Field(2048, ge=1, description="Of a user turn.", json_schema_extra={"from": "repo"})
    answer_tokens: int = Field(4096, ge=1, description="Of an answer.", json_schema_extra={"from": "repo"})
    tags: list[Kind] = Field(["quality", "difficulty", "category"], description="What the judge says.", json_schema_extra={"from": "repo"})
    rewards: bool = Field(False, description="Rate the answer, and a base model's.")
    least_quality: Literal["very poor", "poor", "average", "good", "excellent"] = Field(
        "good", description="Of the instruction.", json_schema_extra={"from": "repo"}
    )
    least_difficulty: Literal["very easy", "easy", "medium", "hard", "very hard"] = Field(
        "very easy", description="Air filter: medium.", json_schema_extra={"from": "repo, Pro filter"}
    )
    above_difference: float | None = Field(None, description="Of rewards; Air filter: 0.", json_schema_extra={"from": "paper, tau2 = 0"})
    distance: float = Field(0.05, ge=0, le=4, description="Squared distance of near-duplicates.", json_schema_extra={"from": "repo"})
    oversample: float = Field(10 / 3, ge=1, description="Candidates per row.", json_schema_extra={"from": "paper, 300K of 1M"})

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        wanted = self.rows or 1000
        found = await run.map(partial(self.candidate, run, self.chosen(run)), range(math.ceil(wanted * self.oversample)), label="candidate")
        vectors = await run.embed([row["instruction"] for row in found]) if found else None
        fit: list[Record] = []
        for row, (nearest, earlier) in zip(found, neighbours(vectors, self.distance), strict=True):
            measured = row.replace(min_neighbor_distance=nearest)
            reason = "near_duplicate" if earlier is not None else self.unfit(measured)
            if reason:
                run.reject(measured, reason, neighbour=None if earlier is None else found[earlier].id)
            else:
                fit.append(measured)
        longest = set(sorted(range(len(fit)), key=lambda at: (-len(fit[at]["output"]), at))[:wanted])
        for at, row in enumerate(fit):
            if at in longest:
                yield row
            else:
                run.reject(row, "shorter", detail=f"{wanted} rows with longer answers were kept.")
        if len(longest) < wanted:
            run.note(f"magpie: {wanted - len(longest)} rows short of {wanted}; {len(found)} candidates were read. Raise oversample.")

    # what is written

    def chosen(self, run: Run) -> ChatTemplate:
        """The chat template of the generator."""
        model = run.models()[0].name
        found = self.own_template or (known(model) if self.template == "auto" else TEMPLATES.get(self.template))
        if found is None:
            what = f"the chat template of {model}" if self.template == "auto" else f"a chat template '{self.template}'"
            remedy = f"Say it with -p template=NAME ({', '.join(TEMPLATES)}) or own_template."
            raise RequestError(f"magpie does not know {what}. {remedy}", code="method.template")
        if found.system is None and (self.system or self.turns > 1):
            what = "magpie: the model's chat template knows no system message, which 'system' and further turns need."
            raise RequestError(f"{what} Leave out system and set turns to 1.", code="method.template")
        return found

    async def candidate(self, run: Run, template: ChatTemplate, number: int) -> Record:
        """A conversation with its tags."""
        temperature, top_p = self.grid[number % len(self.grid)]
        turns: list[str] = []
        for _ in range(self.turns):
            system = self.system or (self.prompts["follow_up"] if turns else "")
            turns.append(await self.asked(run, template, template.text(turns, system, bos=self.bos == "text"), temperature, top_p))
            turns.append(await self.answered(run, template, template.text(turns, system, bos=self.bos == "text")))
        messages = [{"role": ("user", "assistant")[n % 2], "content": turn} for n, turn in enumerate(turns)]
        conditions = {"temperature": temperature, "top_p": top_p, "system": self.system}
        columns = {"instruction": turns[0], "output": turns[1], "messages": messages, "other_task_category": []}
        said = await self.tagged(run, turns[0])
        said |= await self.rewarded(run, turns[0], turns[1]) if self.rewards else {}
        return Record({**columns, **said}, meta={"conditions": conditions})

    async def asked(self, run: Run, template: ChatTemplate, text: str, temperature: float, top_p: float) -> str:
        """What the model writes in the user's place."""
        stops = (*template.stops, *(["\n"] if self.stop_at_newline else []))
        prompt = Prompt.raw(text, stop=stops, parse=partial(self._instruction, template))
        reply = await run.ask(prompt, temperature=temperature, top_p=top_p, max_tokens=self.max_tokens, reasks=0)
        return str(reply.value)

    def _instruction(self, template: ChatTemplate, reply: Reply) -> str:
        text = template.cut(unassisted(reply.text), *(["\n"] if self.stop_at_newline else []))
        if not text:
            raise Failure("empty", "Nothing was written in the user's place.")
        if reply.finish == "length":
            raise Failure("truncated", "The instruction did not end.")
        return text

    async def answered(self, run: Run, template: ChatTemplate, text: str) -> str:
        """The likeliest answer: greedy, whatever the instruction was sampled with."""

        def read(reply: Reply) -> str:
            body = template.cut(reply.text)
            if not body or reply.finish == "length":
                raise Failure("truncated" if body else "no_answer", "The answer did not end." if body else "Nothing was answered.")
            return body

        prompt = Prompt.raw(text, stop=tuple(template.stops), parse=read)
        return str((await run.ask(prompt, temperature=0.0, top_p=1.0, max_tokens=self.answer_tokens, reasks=0)).value)

    # what is said about it

    async def tagged(self, run: Run, query: str) -> dict[str, Any]:
        """The tags of an instruction; one that cannot be read is left out."""

        async def tag(kind: Kind) -> dict[str, Any]:
            scale = NAMES[kind][1]
            prompt = build(self.prompts[kind], conditions={"query": query, "scale": scale}, parse=partial(_tags, kind))
            return dict((await run.ask(prompt, role="judge", temperature=0.0, reasks=0)).value)

        found = await run.map(tag, self.tags, label="tag", on_failure="keep")
        return {name: value for one in found if isinstance(one, dict) for name, value in one.items()}

    async def rewarded(self, run: Run, query: str, answer: str) -> dict[str, float | None]:
        """The judge's rating of the answer, and how far it is above that of a base model's answer."""
        base = Prompt.raw(build(self.prompts["base"], conditions={"query": query}, raw=True).text or "", stop=("\n# ",))
        other = await run.ask(base, role="base", temperature=0.0, max_tokens=self.answer_tokens)

        async def rate(which: int) -> float:
            text = (answer, str(other.value).strip())[which]
            prompt = build(self.prompts["reward"], conditions={"query": query, "answer": text}, parse=_rating)
            return float((await run.ask(prompt, role="judge", temperature=0.0, reasks=0)).value)

        ratings = await run.map(rate, range(2), label="rate", on_failure="keep")
        good = [one if isinstance(one, float) else None for one in ratings]
        difference = None if good[0] is None or good[1] is None else good[0] - good[1]
        return {"reward": good[0], "reward_difference": difference}

    # what is kept

    def unfit(self, row: Mapping[str, Any]) -> str | None:
        """Why a row is turned away by what is written in it: the filter can be applied again to stored rows."""
        for kind, least in (("quality", self.least_quality), ("difficulty", self.least_difficulty)):
            name, scale = NAMES[kind]
            if kind in self.tags and scale.index(least) > 0:
                if row.get(name) is None:
                    return f"no_{kind}"
                if scale.index(row[name]) < scale.index(least):
                    return f"low_{kind}"
        if row["instruction"].endswith(":"):
            return "open_end"
        gain = row.get("reward_difference")
        if self.above_difference is not None and (gain is None or gain <= self.above_difference):
            return "no_gain_over_base"
        return None


def unassisted(text: str) -> str:
    """`text` before the name of the role that the model went on to: a line of its own, or glued to the end of a sentence."""
    found = _ASSISTANT.search(text)
    return text[: found.start()] if found else text


def neighbours(vectors: Vectors | None, limit: float) -> Sequence[tuple[float | None, int | None]]:
    """For each vector the squared distance to the nearest OTHER one, and the first earlier one within `limit` (None: there is none)."""
    from tilth.stats.neighbours import nearest, pairs_above

    if vectors is None:
        return []
    similar = nearest(vectors, k=1).similarities[:, 0]
    distances = [None if one < -1 else round(max(0.0, 2 - 2 * float(one)), 6) for one in similar]
    earlier: list[int | None] = [None] * len(distances)
    for first, second, cosine in pairs_above(vectors, 1 - limit / 2):
        if earlier[second] is None and 2 - 2 * cosine < limit:
            earlier[second] = first
    return list(zip(distances, earlier, strict=True))


def _tags(kind: Kind, reply: Reply) -> dict[str, Any]:
    said = parsers.json({"type": "object"})(reply)
    name, scale = NAMES[kind]
    tag = parsers.match_label(str(said.get("primary_tag" if kind == "category" else name) or ""), scale)
    if tag is None:
        raise Failure("no_tag", f"There is no {name} of: {', '.join(scale)}.")
    if kind == "category":
        named = said.get("other_tags")
        others = [parsers.match_label(str(one), scale) for one in named] if isinstance(named, list) else []
        return {name: tag, "other_task_category": [one for one in dict.fromkeys(others) if one is not None and one != tag]}
    told = {"quality_explanation": "explanation"} if kind == "quality" else {"intent": "intent", "knowledge": "knowledge"}
    return {name: tag, **{column: str(said[key]) for column, key in told.items() if said.get(key)}}


def _rating(reply: Reply) -> float:
    schema = {"type": "object", "required": ["rating"], "properties": {"rating": {"type": "number", "minimum": 1, "maximum": 10}}}
    return float(parsers.json(schema)(reply)["rating"])
