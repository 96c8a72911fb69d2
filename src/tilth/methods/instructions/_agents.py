"""The agents of AgentInstruct: what each is asked, and what its reply must be. The flows between them are the method's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from tilth.errors import Failure
from tilth.generate.tools import World, simulated
from tilth.methods.instructions import _functions as functions
from tilth.methods.instructions._agent_replies import answer, numbered, only, tasks_or_none
from tilth.methods.instructions._skills import copies
from tilth.methods.instructions._versions import Item, Source, kind, same, user_of
from tilth.models.base import Message, Reply
from tilth.prompts.prompt import Prompt, build, language_line
from tilth.prompts.template import Template

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.methods.instructions.agentinstruct import AgentInstruct

LEAST = (60, 200)
"""Words asked for of a transformed text at least: as many as the seed has, within these. Under half of that is too short."""


class Agents:
    """Asks one run's models with one method's prompts and parameters; what comes back is read, or a Failure."""

    def __init__(self, run: Run, method: AgentInstruct) -> None:
        self._run, self._method = run, method

    async def transform(self, source: Source) -> str:
        """The seed's text anew, as the transformation says."""
        skill = source.course.skill
        tools, least = skill.context == "tools", max(LEAST[0], min(LEAST[1], len(source.text.split())))

        def parse(reply: Reply) -> str:
            text = functions.read_functions(reply) if tools else only(reply, "text")
            if not tools and len(text.split()) < least / 2:
                raise Failure("too_short", f"The text must be at least {least} words long.")
            if skill.hides_seed and copies(text, source.text, self._method.copied_words):
                raise Failure("copies_seed", "Use words of your own: a long run of words stands in the material.")
            return text

        about: dict[str, Any] = {"how": skill.transforms[source.transform], "least": least}
        return str(await self._ask(source, "functions" if tools else "transform", parse, **about))

    async def write_tasks(self, of: Source, type_: str) -> list[str]:
        """Tasks of one type, by its definition."""
        found: list[str] = await self._ask(of, "tasks", tasks_or_none, **kind(of, type_), n=self._method.tasks)
        if not found:
            raise Failure("not_applicable", f"The text allows no task of the kind '{type_}'.")
        return found[: self._method.tasks]

    async def suggest(self, parent: Item, goals: Sequence[str]) -> list[str]:
        """A suggestion for each goal; an empty one where it cannot be reached."""
        skill = parent.of.course.skill
        seen = functions.written(parent.record["messages"]) if skill.sees_answer else ""
        about: dict[str, Any] = {"given": parent.task, "goals": [skill.goals[goal].how for goal in goals], "answer": seen}
        about |= kind(parent.of, parent.record["type"])
        found: list[str] = await self._ask(parent.of, "suggest", partial(numbered, n=len(goals)), parent.text, **about)
        return found

    async def edit(self, parent: Item, goal: str, suggestion: str) -> tuple[str, str]:
        """Text and task after an edit. Failure ``unchanged``: what was to be changed is as it was."""
        about = parent.of.course.skill.goals[goal]

        def parse(reply: Reply) -> tuple[str, str]:
            text, task = only(reply, "text") if about.text else parent.text, only(reply, "task")
            if same(text, parent.text) and (about.text or same(task, parent.task)):
                raise Failure("unchanged", f"The {'text' if about.text else 'task'} must differ from the one that was given.")
            return text, task

        asked: dict[str, Any] = {"given": parent.task, "goal": about.how, "suggestion": suggestion, "whole": about.text}
        asked |= kind(parent.of, parent.record["type"])
        text, task = await self._ask(parent.of, "edit", parse, parent.text, **asked)
        return text, task

    async def respond(self, item: Item) -> list[Message]:
        """The answer to what the kept user message says."""
        prompt = Prompt.chat(str(user_of(item.record)), self._told(item, "respond"), parse=answer)
        sampling: dict[str, Any] = {"temperature": self._method.answer_temperature, "max_tokens": self._method.max_tokens}
        reply = await self._run.ask(prompt, role="responder", reasks=0, **sampling)  # a second try would answer another message
        return [{"role": "assistant", "content": reply.value}]

    async def converse(self, item: Item) -> list[Message]:
        """A conversation with functions; the role `tool` plays them, and knows the calls of this conversation but not its task."""
        there = functions.apis(item.text)
        opening = Prompt.chat(item.task, self._told(item, "converse")).messages or ()
        sampling: dict[str, Any] = {"temperature": self._method.answer_temperature, "max_tokens": self._method.max_tokens}

        async def reply(steps: Sequence[functions.Step]) -> functions.Step:
            messages, parse = [*opening, *functions.asked(steps)], partial(functions.read_step, there=there)
            step: functions.Step = (await self._run.ask(messages, role="responder", parse=parse, **sampling)).value
            return step

        async def play(call: functions.Call, world: World) -> str:
            prompt, most = self._method.prompts["simulate"], self._method.max_tokens
            return (await simulated(self._run, prompt, call.api, call.arguments, world, most)).text

        return await functions.converse(reply, play, self._method.steps)

    async def _ask(self, of: Source, prompt: str, parse: Any, text: str | None = None, **about: Any) -> Any:
        given = {"skill": of.course.skill, "text": of.text if text is None else text, **about}
        asked = build(self._method.prompts[prompt], task=self._run.task, conditions=given, parse=parse)
        return (await self._run.ask(asked, temperature=self._method.temperature, max_tokens=self._method.max_tokens)).value

    def _told(self, item: Item, prompt: str) -> str:
        """The responder's system message: that of the records, how to answer, the language."""
        about = {"task": self._run.task, "labels": self._run.task.labels, "skill": item.of.course.skill, "text": item.text}
        told = Template(self._method.prompts[prompt]).render(**about)
        return "\n\n".join(filter(None, (self._method.system, told, language_line(self._run.task.language))))
