"""Self-Instruct (Wang, Kordi, Mishra, Liu, Smith, Khashabi, Hajishirzi, ACL 2023, arXiv 2212.10560): tasks from a growing pool."""

from __future__ import annotations

import string
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.generate.rows import filled
from tilth.methods.instructions._examples import INPUT_FIRST, OUTPUT_FIRST, TYPED
from tilth.methods.instructions._instances import Instance, dropped, input_first, listed, output_first
from tilth.methods.instructions._pool import TaskPool, unsuitable
from tilth.models.base import Reply
from tilth.prompts.prompt import Prompt, build
from tilth.prompts.refusals import refusal
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.maps import Results
    from tilth.engine.run import Run

MOST_AT_ONCE = 256
"""Tasks whose instances are written at once. No part of the result."""

_BLACKLIST = ["image", "images", "graph", "graphs", "picture", "pictures", "file", "files", "map", "maps", "draw", "plot", "go to"]


class SelfInstruct(Method):
    """New tasks after eight others, from a pool that grows by them, each with inputs and outputs.

    1. Eight tasks of the pool, six by people and two by the model as soon as it has written any, are numbered 1 to 8; the
       model goes on at 9. One call gives several candidates; a reply that was cut gives none.
    2. Candidates pass rules (length, words for pictures and files, how they begin), then are compared one after the other
       with every task of the pool, the ones just accepted included: a ROUGE-L F1 over 0.7 rejects.
    3. For each accepted task the model says whether it is classification.
    4. Instances, at most 5: for classification the label is written first and then an input to it, so that labels do not
       all fall alike; for other tasks the input first, or only an output. Broken, copied and contradictory ones are dropped.

    Differs: prompts and their examples are ours (8 and 7 tasks in step 4). A model that only chats gets the same text as
    one message. The first letter of a task is made capital, the others stay as they are (the code lower-cases them). A
    list ends at a line that begins with 16, not at any "16.". "Yes." is a yes. Only the most similar task is recorded,
    not ten and their mean. Requests overlap: task k is drawn when request k - `lag` was read; the authors draw batches of
    5. Training templates and the seeds in the result are left to export. The rule against tasks that begin with a
    non-ASCII letter holds for English only. The loop ends when `patience` requests in a row add nothing.
    When: instruction tuning from a hundred or so tasks written by people. Needs: data 'seed', at least 8 tasks.
    Calls: 2 per task, and one request for tasks to about every 3 to 7 of them.
    """

    name: ClassVar[str] = "self-instruct"
    paper: ClassVar[str] = "2212.10560"
    family: ClassVar[str] = "instructions"
    inputs: ClassVar[Mapping[str, str]] = {"seed": "instruction is_classification?"}
    columns: ClassVar[Mapping[str, object]] = {"instruction": str, "input": str, "output": str}
    prompts: ClassVar[Mapping[str, str]] = {
        "tasks": (
            "{% if task.about %}\n{{ task.about }}\n{% endif %}\n"
            "{% if classification_only %}\n"
            "A list of different classification tasks. Where it is possible they name the labels:\n"
            "{% else %}\n"
            "A list of different tasks:\n"
            "{% endif %}\n"
            "{% for shown in demonstrations %}\n{{ loop.index }}. {{ shown }}\n{% endfor %}\n"
            "{% if chat %}\n\nGo on with this list, from number {{ first }} to {{ last }}: one new task a line, each after its number, "
            "unlike the others. Write nothing else.{% else %}\n{{ first }}.{% endif %}"
        ),
        "type": (
            "Can each task be seen as classification, where the output is one of a few labels?\n\n"
            f"{TYPED}\n\n"
            "Task: {{ instruction }}\n"
            "Is it classification?{% if chat %} (Answer Yes or No.){% endif %}\n"
        ),
        "input_first": (
            "Give examples for each task, several if possible. Where a task needs no input, write its output at once.\n\n"
            f"{INPUT_FIRST}\n\n"
            "Task: {{ instruction }}\n{% if chat %}\n(Only this task is left; begin with Example 1 or with Output:)\n{% endif %}\n"
        ),
        "output_first": (
            "For each classification task and each of its class labels, write the label and then an input that has it. "
            "Where a task needs no input, write the labels alone.\n\n"
            f"{OUTPUT_FIRST}\n\n"
            "Task: {{ instruction }}\n{% if chat %}\n(Only this task is left; begin with Class label:)\n{% endif %}\n"
        ),
    }

    instructions: int = Field(
        100, ge=1, description="Tasks to add to the pool where 'rows' is not given.", json_schema_extra={"from": "repo; paper: 52,445"}
    )
    classification_only: bool = Field(
        False, description="Show and ask for classification tasks only.", json_schema_extra={"from": "repo, use_clf_seed_tasks_only"}
    )
    demonstrations: int = Field(8, ge=1, description="Tasks shown in each prompt.", json_schema_extra={"from": "paper"})
    machine_demonstrations: int = Field(
        2, ge=0, description="How many of them are the model's own, when it has any.", json_schema_extra={"from": "paper"}
    )
    list_end: int = Field(16, ge=2, description="The list is cut where this number begins.", json_schema_extra={"from": "repo"})
    lag: int = Field(
        32,
        ge=1,
        description="Requests for tasks under way at once: a prompt sees the pool as it was `lag` requests before. Part of the result.",
        json_schema_extra={"from": "repo: batches of 5"},
    )
    patience: int = Field(50, ge=1, description="Requests in a row without a new task after which the loop ends.")
    rouge: float = Field(
        0.7,
        gt=0,
        le=1,
        description="A candidate more similar than this to a task of the pool is rejected.",
        json_schema_extra={"from": "paper"},
    )
    min_words: int = Field(4, ge=1, description="Shorter tasks are rejected.", json_schema_extra={"from": "repo"})
    max_words: int = Field(150, ge=1, description="Longer tasks are rejected.", json_schema_extra={"from": "repo"})
    blacklist: list[str] = Field(
        default=_BLACKLIST, description="A task with one of these words is rejected, in any case.", json_schema_extra={"from": "repo"}
    )
    max_instances: int = Field(5, ge=1, description="Instances of a task, at most.", json_schema_extra={"from": "repo"})
    max_tasks: int | None = Field(None, ge=1, description="With 'rows': tasks tried at most; default: 20, or 4 per row wanted.")
    temperature: float = Field(0.7, ge=0, description="Of step 1; the others are greedy.", json_schema_extra={"from": "repo"})
    top_p: float = Field(0.5, gt=0, le=1, description="Of step 1.", json_schema_extra={"from": "repo"})
    presence_penalty: float = Field(2.0, ge=-2, le=2, description="Of step 1.", json_schema_extra={"from": "repo"})
    max_tokens: int = Field(1024, ge=1, description="Of step 1.", json_schema_extra={"from": "repo"})
    instance_penalty: float = Field(1.5, ge=-2, le=2, description="Presence penalty of step 4.", json_schema_extra={"from": "repo"})
    input_first_tokens: int = Field(350, ge=1, description="Of step 4.", json_schema_extra={"from": "repo"})
    output_first_tokens: int = Field(300, ge=1, description="Of step 4, for classification.", json_schema_extra={"from": "repo"})
    mode: Literal["auto", "completion", "chat"] = Field(
        "auto",
        description="auto: completion where the model can continue raw text, else chat.",
        json_schema_extra={"from": "paper: completion"},
    )

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        pool = TaskPool(self._seeds(run))
        limit, ahead = self._limits()
        draw = partial(self._draw, pool, run.rng("demonstrations"))
        growth = run.unfold(draw, partial(self._propose, run), lag=self.lag, label="tasks")
        writing = run.unfold(pool.task, partial(self._write, run), lag=ahead, label="instances", limit=limit, on_failure="keep")
        kept = 0
        for number in range(limit):
            await self._grow(run, pool, growth, min(limit, number + ahead))
            records = await anext(writing, None)
            if isinstance(records, Failure):
                task = pool.machine[number]
                run.reject(Record(task.columns, meta=task.meta), records.reason, detail=records.detail, raw=records.raw)
                continue
            if records is None or kept == self.rows:
                break
            for record in records:
                if kept == self.rows:
                    run.reject(record, "surplus", detail="All rows that were asked for are there.")
                    continue
                kept += 1
                yield record
        self._report(run, len(pool.machine), kept, stalled=growth.finished)

    def _limits(self) -> tuple[int, int]:
        """How many tasks are written at most, and how many at once: the latter bounds what is written in vain at the end."""
        if self.rows is None:
            return self.instructions, MOST_AT_ONCE
        return self.max_tasks or max(20, 4 * self.rows), max(4, min(MOST_AT_ONCE, self.rows // 20))

    async def _grow(self, run: Run, pool: TaskPool, growth: Results[list[Record]], size: int) -> None:
        """Step 1 and 2, until the model's tasks are so many or nothing new comes."""
        while len(pool.machine) < size and not growth.finished:
            self._admit(run, pool, await anext(growth, []))

    # the pool

    def _seeds(self, run: Run) -> list[Record]:
        seeds = [row for row in filled(run, "seed", "instruction") if not self.classification_only or row.get("is_classification")]
        if len(seeds) < self.demonstrations:
            kind = "classification tasks" if self.classification_only else "tasks"
            what = f"self-instruct shows {self.demonstrations} tasks in a prompt, but 'seed' has {len(seeds)} {kind}."
            raise RequestError(f"{what} Give more, or set: -p demonstrations={max(1, len(seeds))}", code="data.seed")
        return seeds

    def _draw(self, pool: TaskPool, rng: Random, number: int) -> Record | None:
        """What request `number` shows: 2 of the model's tasks as far as there are, the rest from people, in random order."""
        if number - self.lag - pool.last_request >= self.patience:
            return None
        machine = rng.sample(pool.machine, min(self.machine_demonstrations, self.demonstrations, len(pool.machine)))
        shown = machine + rng.sample(pool.human, self.demonstrations - len(machine))
        rng.shuffle(shown)
        human = [row.id for row in shown if row not in machine]
        return Record(demonstrations=[row["instruction"] for row in shown], request=number, meta={"seed_ids": human})

    async def _propose(self, run: Run, shown: Record) -> list[Record]:
        """Step 1: the candidates of one reply, in its order."""
        first = len(shown["demonstrations"]) + 1
        tasks = [" ".join(task.split()).rstrip(":") for task in shown["demonstrations"]]
        conditions = {"first": first, "last": self.list_end - 1, "classification_only": self.classification_only}
        prompt = self._prompt(run, "tasks", {**conditions, "demonstrations": tasks}, self._read_list(run, first))
        sampling: dict[str, Any] = {"temperature": self.temperature, "top_p": self.top_p, "presence_penalty": self.presence_penalty}
        stop = (f"\n{self.list_end}",) if self._chats(run) else ("\n\n", f"\n{self.list_end}")
        reply = await run.ask(prompt, reasks=0, stop=stop, max_tokens=self.max_tokens, **sampling)
        about = {"request": shown["request"], "seed_ids": shown.meta["seed_ids"]}
        return [Record(instruction=task, meta=about) for task in reply.value]

    def _read_list(self, run: Run, first: int) -> Callable[[Reply], list[str]]:
        chats = self._chats(run)

        def parse(reply: Reply) -> list[str]:
            if reply.finish == "length":
                raise Failure("truncated", "The list was cut off before it ended.")
            if marker := refusal(reply.text):
                raise Failure("refused", f"The reply is a refusal ({marker}).")
            found = listed(reply.text if chats else f"{first}.{reply.text}")
            if not found:
                raise Failure("no_list", "The reply holds no numbered list.")
            return found

        return parse

    def _admit(self, run: Run, pool: TaskPool, candidates: list[Record]) -> None:
        """Step 2: one candidate after the other, so that two alike in one reply cannot both enter."""
        for candidate in candidates:
            task = candidate["instruction"]
            if reason := self._unfit(task, run.task.language):
                run.reject(candidate, reason)
                continue
            similar, score = pool.most_similar(task)
            text = similar["instruction"] if similar else ""
            if similar and score > self.rouge:
                reason = "duplicate" if task == text else "rouge_l"
                run.reject(candidate, reason, score=score, detail=f"Most similar: {text}", neighbour=similar.id)
                continue
            candidate.meta.update(scores={"rouge_l": score}, most_similar=text)
            pool.add(candidate)

    def _unfit(self, task: str, language: str) -> str:
        """The name of the first rule that the task breaks, or an empty string."""
        words = len(task.split())
        if words < self.min_words:
            return "too_short"
        if words > self.max_words:
            return "too_long"
        if unsuitable(task, self.blacklist):
            return "blacklist"
        if task.lower().startswith("write a program"):
            return "program"
        if task[0] in string.punctuation:
            return "punctuation"
        return "not_ascii" if language.startswith("en") and not task[0].isascii() else ""

    # one task

    async def _write(self, run: Run, task: Record) -> list[Record]:
        """Steps 3 and 4: the task's kind, then its instances; the dropped ones are rejected by name."""
        conditions = {"instruction": task["instruction"]}
        classification = await self._classifies(run, conditions)
        found = await self._instances(run, conditions, classification)
        about = {name: task.meta[name] for name in ("seed_ids", "scores", "most_similar")}
        about["conditions"] = {"is_classification": classification, "request": task.meta["request"]}
        kept = []
        for instance, reason in dropped(found):
            record = Record(conditions, input=instance.input, output=instance.output, meta=about)
            if reason:
                run.reject(record, reason)
            else:
                kept.append(record)
        chosen = set(run.rng("instances").sample(range(len(kept)), min(len(kept), self.max_instances)))
        for number, record in enumerate(kept):
            if number not in chosen:
                run.reject(record, "too_many", detail=f"A task keeps {self.max_instances} instances.")
        return [kept[number] for number in sorted(chosen)]

    async def _instances(self, run: Run, conditions: Mapping[str, Any], classification: bool) -> list[Instance]:
        name, read = ("output_first", output_first) if classification else ("input_first", input_first)
        tokens = self.output_first_tokens if classification else self.input_first_tokens
        prompt = self._prompt(run, name, conditions, partial(_read_instances, read))
        stop = ("\nTask:", f"Example {self.max_instances + 1}")
        penalty = self.instance_penalty
        reply = await run.ask(prompt, reasks=0, temperature=0.0, presence_penalty=penalty, max_tokens=tokens, stop=stop)
        return list(reply.value)

    async def _classifies(self, run: Run, conditions: Mapping[str, Any]) -> bool:
        prompt = self._prompt(run, "type", conditions, _yes)
        tokens = None if self._chats(run) else 3  # the code's bound; a chat model may think first
        return bool((await run.ask(prompt, reasks=0, temperature=0.0, max_tokens=tokens)).value)

    def _prompt(self, run: Run, name: str, conditions: Mapping[str, Any], parse: Callable[[Reply], Any]) -> Prompt:
        chats = self._chats(run)
        shown = conditions.get("demonstrations", ())
        conditions = {name: value for name, value in conditions.items() if name != "demonstrations"}
        return build(
            self.prompts[name], task=run.task, conditions={**conditions, "chat": chats}, demonstrations=shown, raw=not chats, parse=parse
        )

    def _chats(self, run: Run) -> bool:
        return self.mode == "chat" or (self.mode == "auto" and not run.continues())

    def _report(self, run: Run, tasks: int, kept: int, *, stalled: bool) -> None:
        if stalled:
            run.note(f"no new task in {self.patience} requests in a row: stopped at {tasks} tasks.")
        if self.rows is not None and kept < self.rows:
            run.note(f"{self.rows - kept} short of {self.rows} rows: {tasks} tasks gave {kept}.")


def _yes(reply: Reply) -> bool:
    words = reply.text.split()
    return bool(words) and words[0].strip(string.punctuation).casefold() == "yes"


def _read_instances(read: Callable[[str], list[Instance]], reply: Reply) -> list[Instance]:
    """What `read` finds; the last one is left out where the reply was cut off."""
    found = read(reply.text)
    if reply.finish == "length":
        found = found[:-1]
    if not found:
        raise Failure("no_instance", "The reply holds no instance in the form that was shown.")
    return found
