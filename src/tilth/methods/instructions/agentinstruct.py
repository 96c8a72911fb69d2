"""AgentInstruct (Mitra, Del Corro, Zheng, Mahajan, Rouhana, Codas et al., Microsoft, 2024, arXiv 2407.03502)."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import Field, model_validator

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.generate.rows import filled
from tilth.methods.instructions._agent_prompts import PROMPTS
from tilth.methods.instructions._agents import Agents
from tilth.methods.instructions._course import Course, portions
from tilth.methods.instructions._skills import SHIPPED, Skill, skill_of
from tilth.methods.instructions._versions import Drawn, Item, Source, first, gives_away, some, text_of, user_of, version
from tilth.records.ids import digest
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.records.data import Data

Value = TypeVar("Value")


class AgentInstruct(Method):
    """Raw texts become tasks of many kinds: agents transform the text, others write tasks, pairs of a suggester and an editor harden them.

    Each seed goes through the skill of its column ``skill``, else through each of `skills`. For one seed and skill:

    1. Transformation: `transforms` agents are drawn; each writes the text anew as its genre (for tool use: as a list of functions).
    2. Tasks: of the types that suit the transformation some are drawn; the agent of each writes tasks by the type's own definition.
    3. Answer: a responder answers what the kept user message says. With functions it holds a conversation; the role `tool` plays them.
    4. Refinement, `rounds` times: a suggester reads text and task (for tool use the conversation too) and says how each of the skill's
       goals could be reached; an editor carries each suggestion out. Every version is a record of its own with its parent, and is
       answered anew from its own text. Each round refines what the round before made.

    A reply that fails ends its branch: a text with all that would come of it, a type, a task, one edit. The most items that seeds can
    give is known before the first call (``artifacts/agentinstruct.json``, `tilth preview`); above `most_per_seed` nothing starts.

    Differs: skills are tables (assets/skills, all wordings ours); three are shipped, the others are for you to write (`own_skills`).
    The goals of a round are drawn, one suggestion each. Functions are hypothesised, not retrieved from similar code. Transformed texts that
    copy the seed, edits that change nothing and equal user messages are turned away. Refusals are not: they may be the right
    answer. When: raw text or code at hand, and tasks of kinds that can be named. Needs: data 'seeds'; a strong model.
    Calls: per record about 2, and for tool use 3 to 10.
    """

    name: ClassVar[str] = "agentinstruct"
    paper: ClassVar[str] = "2407.03502"
    family: ClassVar[str] = "instructions"
    inputs: ClassVar[Mapping[str, str]] = {"seeds": "text skill?"}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "responder": 1, "tool": 1}
    columns: ClassVar[Mapping[str, object]] = {"messages": "list[dict]", "tools": "list", "text": str, "skill": str, "type": str}
    prompts: ClassVar[Mapping[str, str]] = PROMPTS

    skills: list[str] = Field(
        ["reading_comprehension", "text_modification"], min_length=1, description="Of seeds that name none; 'tool_use' wants code."
    )
    own_skills: dict[str, Skill] = Field({}, description="Skills, or parts of shipped ones: about, transforms, types, types_of, goals ...")
    only: dict[str, list[str]] = Field({}, description="Skill to the types that are asked for; a missing one: all.")
    transforms: int = Field(1, ge=1, description="Transformation agents drawn for a seed.", json_schema_extra={"from": "paper"})
    types: int | None = Field(None, ge=1, description="Types drawn for a text; None: as the skill says.")
    tasks: int = Field(1, ge=1, description="Tasks of a type, at most.")
    rounds: int = Field(1, ge=0, le=4, description="Rounds of refinement.", json_schema_extra={"from": "paper, 1 or 2"})
    suggestions: int = Field(3, ge=1, description="Suggestions for a version and round, a goal each.")
    most_per_seed: int = Field(100, ge=1, description="Records of one seed and skill; parameters that could give more are refused.")
    copied_words: int = Field(25, ge=1, description="So many words of the seed in a row are a copy of it.")
    steps: int = Field(8, ge=1, description="Replies in a conversation with functions, at most.")
    temperature: float = Field(1.0, ge=0, description="Of all agents but the responder.")
    answer_temperature: float = Field(0.7, ge=0, description="Of the responder.")
    max_tokens: int = Field(2048, ge=1)
    system: str = Field("", description="System message of every record; none where it is empty.")

    @model_validator(mode="after")
    def _sound(self) -> AgentInstruct:
        for name in dict.fromkeys([*self.skills, *self.own_skills, *self.only]):
            if wrong := self._wrong(name):
                raise ValueError(wrong)
        return self

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        run.artifact("agentinstruct", self.plan(run.data("seeds")))
        seeds, left, seen, gone = self._seeds(run), self.rows, set[bytes](), set[str]()
        while block := list(self._block(seeds, left)):
            async for record in run.map(partial(self._grow, run), block, label="seed", key=lambda one: f"{one.course.name} {one.seed.id}"):
                said = digest(" ".join(str(user_of(record)).casefold().split()))
                orphan = bool(gone.intersection(record.meta.get("parents", ())))
                if left == 0 or said in seen or orphan:
                    run.reject(record, "surplus" if left == 0 else "parent_rejected" if orphan else "duplicate")
                    gone.add(str(record.id))
                    continue
                seen.add(said)
                left = None if left is None else left - 1
                yield record
        if left:
            run.note(f"{left} short of {self.rows} rows: all seeds were used. Raise types, tasks or rounds, or give more seeds.")

    # before the first call

    @cached_property
    def _courses(self) -> dict[str, Course]:
        drawn = {name: getattr(self, name) for name in ("transforms", "types", "tasks", "rounds", "suggestions")}
        names = dict.fromkeys([*SHIPPED, *self.own_skills])
        return {name: Course(name, skill_of(name, self.own_skills), self.only.get(name), **drawn) for name in names}

    def _wrong(self, name: str) -> str:
        """Why nothing can go through a skill, or an empty text."""
        course = self._courses.get(name)
        if course is None:
            return f"no skill is called '{name}'. There are: {', '.join(self._courses)}."
        if course.items > self.most_per_seed and not course.problem:
            what = f"a seed of '{name}' could give {course.items} records, more than most_per_seed ({self.most_per_seed})"
            return f"{what}. Lower transforms, types, tasks, rounds or suggestions, or raise it."
        return course.problem and f"{course.problem}."

    def most_rows(self, data: Mapping[str, Data]) -> int | None:
        """What `plan` says of the seeds."""
        return sum(one["items"] for one in self.plan(data["seeds"]).values()) if "seeds" in data else None

    def plan(self, seeds: Data) -> dict[str, dict[str, int]]:
        """Skill to its seeds, the most items that they can give, and the calls for these: conversations and second tries come on top."""
        counts = Counter(course.name for seed in seeds if text_of(seed) for course in self._courses_of(seed))
        return {name: {"seeds": n, "items": n * (one := self._courses[name]).items, "calls": n * one.calls} for name, n in counts.items()}

    def _courses_of(self, seed: Record) -> list[Course]:
        names = [own] if (own := str(seed.get("skill") or "").strip()) else self.skills
        if wrong := self._wrong(names[0]):
            raise RequestError(f"seed {seed.id}: {wrong}", code="data.skill")
        return [self._courses[name] for name in names]

    def _seeds(self, run: Run) -> Iterator[tuple[Record, Course]]:
        return ((seed, course) for seed in filled(run, "seeds", "text") for course in self._courses_of(seed))

    def _block(self, seeds: Iterator[tuple[Record, Course]], left: int | None) -> Iterator[Drawn]:
        """The next seeds: as many as are needed if nothing fails."""
        for seed, course in islice(seeds, 256):
            yield Drawn(seed, course, course.items if left is None else min(course.items, left))
            left = None if left is None else left - course.items
            if left is not None and left <= 0:
                return

    # the flows

    async def _grow(self, run: Run, drawn: Drawn) -> AsyncIterator[Record]:
        """All that one seed gives for one skill."""
        course = drawn.course
        agents = some(run.rng("transforms"), course.agents, self.transforms)
        shares = portions(drawn.wanted, [course.n_types(agent) * self.tasks * course.chain for agent in agents])
        jobs = list(zip(agents, shares, strict=False))
        async for record in run.map(partial(self._from_text, run, drawn), jobs, label="text", key=first):
            yield record

    async def _from_text(self, run: Run, drawn: Drawn, job: tuple[str, int]) -> AsyncIterator[Record]:
        """Flow 1 by one agent, and all types for what it wrote."""
        agent, wanted = job
        course = drawn.course
        source = Source(drawn.seed, course, agent, text_of(drawn.seed))
        if course.skill.transforms[agent]:
            text = await self._tried(run, version(source), Agents(run, self).transform(source))
            if text is None:
                return
            source = source._replace(text=text)
        types = some(run.rng("types"), course.suiting(agent), course.n_types(agent))
        jobs = list(zip(types, portions(wanted, [self.tasks * course.chain] * len(types)), strict=False))
        async for record in run.map(partial(self._of_type, run, source), jobs, label="type", key=first):
            yield record

    async def _of_type(self, run: Run, of: Source, job: tuple[str, int]) -> AsyncIterator[Record]:
        """Flow 2 by the agent of one type, and what becomes of each task."""
        type_, wanted = job
        tasks = await self._tried(run, version(of, self.system, of.text, type_=type_), Agents(run, self).write_tasks(of, type_))
        shares = portions(wanted, [of.course.chain] * len(tasks or ()))
        jobs = [(number, type_, task, share) for number, (task, share) in enumerate(zip(tasks or (), shares, strict=False))]
        async for record in run.map(partial(self._branch, run, of), jobs, label="task", key=first):
            yield record

    async def _branch(self, run: Run, of: Source, job: tuple[int, str, str, int]) -> AsyncIterator[Record]:
        """Flow 3: a task, and round after round what was made of the versions before."""
        _, type_, task, wanted = job
        item = await self._answered(run, Item(of, of.text, task, version(of, self.system, of.text, task, type_)))
        if item is None:
            return
        yield item.record  # it has its id from here on
        level = [item]
        for number in range(1, self.rounds + 1):
            wanted -= len(level)
            jobs = list(zip(level, portions(wanted, [of.course.width] * len(level)), strict=False))
            level = await run.map(partial(self._refine, run, number), jobs, label="refine", key=lambda job: job[0].record.id)
            for one in level:
                yield one.record

    async def _refine(self, run: Run, number: int, job: tuple[Item, int]) -> AsyncIterator[Item]:
        """One suggester, and an editor for each of its suggestions."""
        parent, wanted = job
        goals = some(run.rng("goals"), list(parent.of.course.skill.goals), self.suggestions, again=True)
        found = await self._tried(run, self._child(parent, number), Agents(run, self).suggest(parent, goals))
        if found is None:
            return
        for goal in [goal for goal, suggestion in zip(goals, found, strict=True) if not suggestion]:
            run.reject(self._child(parent, number, goal), "goal_not_possible")
        jobs = [(at, goal, suggestion) for at, (goal, suggestion) in enumerate(zip(goals, found, strict=True)) if suggestion]
        async for item in run.map(partial(self._edited, run, number, parent), jobs[:wanted], label="edit", key=first):
            yield item

    async def _edited(self, run: Run, number: int, parent: Item, job: tuple[int, str, str]) -> Item | None:
        """One suggestion carried out and answered."""
        _, goal, suggestion = job
        asked = Agents(run, self).edit(parent, goal, suggestion)
        changed = await self._tried(run, self._child(parent, number, goal, suggestion), asked)
        if changed is None:
            return None
        text, task = changed
        record = self._child(parent, number, goal, suggestion, text, task)
        return await self._answered(run, Item(parent.of, text, task, record))

    async def _answered(self, run: Run, item: Item) -> Item | None:
        """Flow 4: the version with the answer to its own user message; None where it fails or gives the seed away."""
        if gives_away(item, self.copied_words):
            run.reject(item.record, "copies_seed", detail=f"{self.copied_words} words in a row stand in the seed.")
            return None
        tools = item.of.course.skill.context == "tools"
        agents = Agents(run, self)
        said = await self._tried(run, item.record, agents.converse(item) if tools else agents.respond(item))
        if said is None:
            return None
        return item._replace(record=item.record.replace(messages=[*item.record["messages"], *said]))

    # what they share

    async def _tried(self, run: Run, record: Record, agent: Coroutine[Any, Any, Value]) -> Value | None:
        """What an agent gives; None where it fails: then `record` is rejected, and only its branch ends."""
        try:
            return await agent
        except Failure as failure:
            run.reject(record, failure.reason, detail=failure.detail, raw=failure.raw)
            return None

    def _child(self, parent: Item, number: int, goal: str = "", suggestion: str = "", text: str = "", task: str = "") -> Record:
        record = version(parent.of, self.system, text, task, parent.record["type"], goal=goal, suggestion=suggestion)
        record.meta |= {"parents": [parent.record.id], "round": number}
        return record
