"""Orca 2 (Mitra et al., 2023, arXiv 2311.11045): answers by the strategy that fits, which the student is not shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.models.base import Reply
from tilth.prompts import parsers
from tilth.prompts.prompt import Prompt, language_line
from tilth.prompts.refusals import refusal
from tilth.prompts.template import Template
from tilth.records.record import Record
from tilth.stats.select import apportioned
from tilth.text.sentences import sentences

if TYPE_CHECKING:
    from random import Random

    from tilth.engine.run import Run

FEW_SHOT, SPECIFIC = "few_shot", "specific"
SHARED = ("task", "sub_category", "strategy")
"""What demonstrations have in common with their query."""
_TOLD = re.compile(
    r"\bas (?:\w+ )?(?:instructed|directed|specified by the instructions?)\b"
    r"|\b(?:as|per|following|according to) (?:the|my|your) (?:instructions?|procedure|guidelines?|steps) (?:above|given|provided)\b"
    r"|\b(?:(?:my|the|this) system (?:message|prompt)|(?:my|the) (?:above instructions?|instructions? (?:i was|were) given))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Plan:
    """How the queries of one sub-category are solved: templates of the system message, and of the notes that a first call makes."""

    strategy: str
    system: str
    notes: str | None = None


class Orca2(Method):
    """Queries answered by the strategy that fits their kind; the training view shows a generic system message in its place.

    1. Of each sub-category `sample` queries with a known answer (column ``output``) are tried with every candidate strategy by the
       role `student`; the strategy with the most right answers is taken, the first of equals. Without known answers: the first.
    2. The teacher answers each query under that strategy's system message. Strategies with notes take two calls: what the first
       wrote is shown to the second, whose text alone is kept.
    3. A reply without its final answer line, cut off, refusing, or speaking of its instructions is asked for anew, then rejected.
    4. Prompt erasing: the system message becomes the generic one; query and reply stay. The real one is kept in ``conditions``.
    5. With a `mixture`, rows follow it exactly. Its source ``few_shot`` is made of kept rows, without calls: 3 to 5 pairs of the same task
       and strategy before a query that is none of them.

    Differs: the paper does not say how strategies were scored; right answers are counted here, compared as texts. Notes go into the
    second system message, so that the user's turn stays the query. Nothing is moderated. When: tasks of known kinds, for a small
    student; the rows have one turn, so mix dialogues in. Needs: queries. Calls: 1 or 2 per query, and
    sample x candidates per sub-category.
    """

    name: ClassVar[str] = "orca2"
    paper: ClassVar[str] = "2311.11045"
    family: ClassVar[str] = "instructions"
    inputs: ClassVar[Mapping[str, str]] = {"queries": "instruction sub_category"}
    columns: ClassVar[Mapping[str, object]] = {"messages": "list[dict]"}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "student": 1}
    prompts: ClassVar[Mapping[str, str]] = {
        "generic": "You are a careful assistant. You do what the user asks, you think before you answer, and you say only what is true.",
        "format": "Close with one line of its own that begins with '{{ mark }}' and holds nothing but the answer.",
        "step_by_step": (
            "Solve the user's task in small numbered steps.\n1. Say what is given and what is wanted.\n"
            "2. Take one step at a time, each with its reason.\n3. Check the result against what was given before you conclude."
        ),
        "direct": "Give the answer to the user's task at once, without any reasoning before or after it.",
        "explain_then_answer": "First explain in a short paragraph what decides the user's question, then draw the conclusion from it.",
        "recall_generate": (
            "Answer the user's task out of these facts, which you recalled, and tell them where they matter:\n{{ notes }}\n"
            "Leave aside any recalled fact that does not bear on the question."
        ),
        "recall_generate_notes": "List the facts that one must know to do the user's task. Write one per line and do not solve it yet.",
        "recall_reason_generate": (
            "1. Recall whatever general knowledge the user's task depends on.\n2. Reason from that knowledge to the case at hand.\n"
            "3. Only then write the answer, and make sure that it follows."
        ),
        "extract_generate": (
            "Answer the user's task from these passages, which you copied out of it, and from nothing else:\n{{ notes }}\n"
            "Compare the passages with each other where they disagree."
        ),
        "extract_generate_notes": "Copy out the passages of the user's text that its question depends on, word by word, one per line.",
        "shots": "{% for one in demonstrations %}\n{{ one[0] }}\n{{ one[1] }}\n\n{% endfor %}\n{{ user }}",
    }

    candidates: list[str] = Field(
        ["step_by_step", "direct", "explain_then_answer", "recall_generate", "recall_reason_generate", "extract_generate"],
        min_length=1,
        description="Strategies that are tried, by the names of their prompts; earlier ones win ties.",
        json_schema_extra={"from": "paper"},
    )
    specific: dict[str, str] = Field({}, description="Sub-category to a procedure of its own, a further candidate there: 'specific'.")
    assigned: dict[str, str] = Field({}, description="Sub-category to its strategy, where it is known and nothing is to be tried.")
    sample: int = Field(8, ge=1, description="Queries with a known answer on which a sub-category's candidates are tried.")
    mark: str = Field("### Final answer:", description="Opens the line of the final answer; empty: no such line is asked for.")
    erase: bool = Field(True, description="Put the generic system message for the strategy's.", json_schema_extra={"from": "paper"})
    correct_only: bool = Field(False, description="Reject answers unlike 'output', where that is given.")
    mixture: dict[str, float] = Field({}, description="Column 'source', or few_shot, to its share of the rows; empty: as they come.")
    min_shots: int = Field(3, ge=1, description="Fewest pairs in a few-shot row.", json_schema_extra={"from": "paper"})
    max_shots: int = Field(5, ge=1, description="Most pairs in a few-shot row.", json_schema_extra={"from": "paper"})
    retries: int = Field(1, ge=0, description="How often an unusable answer is asked for anew.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        self.check()
        told = self.told(run)
        generic = self.render(run, self.prompts["generic"])
        if leak(generic, told):
            raise RequestError("orca2: the generic system message holds a sentence of a strategy.", code="method.parameter")
        queries = self.usable(run, told)
        plans = await self.choose(run, queries, told)

        async def teach(row: Record) -> Record | None:
            plan = plans[str(row["sub_category"])]
            system, text, answer = await self.answer(run, plan, row, told, "generator")
            named = {name: row.get(name) for name in ("category", "sub_category", "task")}
            conditions = {**named, "strategy": plan.strategy, "teacher_system": system, "source": self.source(row), "erased": self.erase}
            meta = {"seed_ids": [row.id], "origin": "mixed", "conditions": conditions}
            record = Record(messages=turns(generic if self.erase else system, user_of(row), text), meta=meta)
            if self.correct_only and row.get("output") and not alike(answer, row["output"]):
                run.reject(record, "wrong_answer", detail=f"The known answer is: {row['output']}")
                return None
            return record

        kept: dict[str, list[Record]] = {source: [] for source in self.sources()}
        left = {source: [row for row in reversed(queries) if self.source(row) == source] for source in kept}
        want = shares(self.rows, self.mixture or dict.fromkeys(kept, 1.0)) if self.rows is not None else {}
        while batch := [
            left[name].pop() for name in kept for _ in range(min(len(left[name]), want.get(name, len(queries)) - len(kept[name])))
        ]:
            async for record in run.map(teach, batch, label="teach"):
                kept[record.meta["conditions"]["source"]].append(record)
                if not self.mixture:
                    yield record
        if not self.mixture:
            return
        if FEW_SHOT in self.mixture:
            kept[FEW_SHOT] = self.few_shot([one for records in kept.values() for one in records], run.rng("few-shot"))
        quotas = fitting(self.rows, self.mixture, {source: len(records) for source, records in kept.items()})
        short = f"; {self.rows - sum(quotas.values())} short of {self.rows} rows" if self.rows else ""
        run.note(f"orca2: rows by source: {', '.join(f'{name} {quotas[name]} of {len(kept[name])}' for name in kept)}{short}.")
        for source, records in kept.items():
            for record in records[: quotas[source]]:
                yield record
            for record in records[quotas[source] :] if source != FEW_SHOT else ():
                run.reject(record, "over_mixture")

    def check(self) -> None:
        """Strategies that are named exist; the mixture and the number of shots make sense."""
        known = [name for name in self.prompts if name not in ("generic", "format", "shots") and not name.endswith("_notes")]
        own = [name for sub, name in self.assigned.items() if not (name == SPECIFIC and sub in self.specific)]
        wrong = [
            f"no strategy is called '{name}' (there are: {', '.join(known)})" for name in [*self.candidates, *own] if name not in known
        ]
        if self.mixture and (min(self.mixture.values()) <= 0 or not self.sources()):
            wrong.append("every share of the mixture must be above 0, and one source must be of queries")
        if wrong:
            raise RequestError(f"orca2: {wrong[0]}.", code="method.parameter")

    def plans(self, sub: str) -> dict[str, Plan]:
        """Candidates of a sub-category by name, in order."""
        own = {SPECIFIC: Plan(SPECIFIC, self.specific[sub])} if sub in self.specific else {}
        names = [self.assigned[sub]] if sub in self.assigned else [*own, *self.candidates]
        return {name: own.get(name) or Plan(name, self.prompts[name], self.prompts.get(f"{name}_notes")) for name in names}

    async def choose(self, run: Run, queries: Sequence[Record], told: Collection[str]) -> dict[str, Plan]:
        """Each sub-category's strategy: the one that gave most right answers; also written to artifacts/strategies.json."""
        plans = {sub: self.plans(sub) for sub in sorted({str(row["sub_category"]) for row in queries})}
        trials: list[tuple[str, str, Record]] = []
        for sub, found in plans.items():
            known = [row for row in queries if str(row["sub_category"]) == sub and row.get("output")] if len(found) > 1 else []
            drawn = run.rng("sample", sub).sample(known, min(self.sample, len(known)))
            trials += [(sub, name, row) for row in drawn for name in found]

        async def attempt(trial: tuple[str, str, Record]) -> bool:
            sub, name, row = trial
            return alike((await self.answer(run, plans[sub][name], row, told, "student"))[2], row["output"])

        results = await run.map(attempt, trials, label="try", key=lambda one: f"{one[0]}|{one[1]}|{one[2].id}", on_failure="keep")
        right: dict[str, dict[str, list[bool]]] = {sub: {name: [] for name in found} for sub, found in plans.items()}
        for (sub, name, _), result in zip(trials, results, strict=True):
            right[sub][name].append(result is True)
        scores = {sub: {name: round(sum(one) / len(one), 4) if one else None for name, one in by.items()} for sub, by in right.items()}
        best = {sub: max(found, key=lambda name, sub=sub: scores[sub][name] or 0.0) for sub, found in plans.items()}  # type: ignore[misc]
        run.artifact("strategies", {sub: {"strategy": best[sub], "scores": scores[sub]} for sub in plans})
        run.note(f"orca2: strategies: {', '.join(f'{sub}: {name}' for sub, name in best.items())} (scores: artifacts/strategies.json).")
        return {sub: plans[sub][best[sub]] for sub in plans}

    async def answer(self, run: Run, plan: Plan, row: Record, told: Collection[str], role: str) -> tuple[str, str, str]:
        """The system message that the last call saw, its text, and the final answer in it."""
        user, notes = user_of(row), ""
        if plan.notes is not None:
            notes = (await run.ask(Prompt.chat(user, self.render(run, plan.notes), parse=parsers.whole()), role=role, reasks=0)).value
        system = self.instruction(run, plan.system, notes)
        system = "\n".join(filter(None, (system, language_line(run.task.language))))
        prompt = Prompt.chat(user, system, parse=lambda reply: self.read(reply, told))
        for left in reversed(range(self.retries + 1)):  # asked anew, not argued with: the kept prompt is the one that was answered
            try:
                text, final = (await run.ask(prompt, role=role, reasks=0)).value
                return system, text, final
            except Failure:
                if not left:
                    raise
        raise AssertionError

    def instruction(self, run: Run, template: str, notes: str = "") -> str:
        """A strategy's system message with the form of its answer."""
        system = self.render(run, template, notes=notes)
        return f"{system}\n{self.render(run, self.prompts['format'])}" if self.mark else system

    def render(self, run: Run, template: str, **values: str) -> str:
        """A template filled in."""
        return Template(template).render(task=run.task, labels=run.task.labels, mark=self.mark, **values)

    def read(self, reply: Reply, told: Collection[str]) -> tuple[str, str]:
        """The text as it is, and its final answer."""
        text = parsers.whole()(reply)
        if reply.finish == "filter" or refusal(text):
            raise Failure("refused", "The reply is a refusal.", raw=reply.text)
        if _TOLD.search(text) or leak(text, told):
            raise Failure("names_instructions", "The reply speaks of the instructions that will be erased.", raw=reply.text)
        final = text.rpartition(self.mark)[2].strip() if self.mark and self.mark in text else "" if self.mark else text
        if not final:
            raise Failure("no_final_answer", f"The reply must end in a line that begins with {self.mark}", raw=reply.text)
        return text, final

    def told(self, run: Run) -> frozenset[str]:
        """Every sentence of every strategy, which no training view may hold."""
        templates = [*(self.prompts[name] for name in {*self.prompts} - {"generic", "shots", "format"}), *self.specific.values()]
        written = [self.instruction(run, one) for one in templates]
        found = {plain(one) for text in written for part in text.splitlines() for one in sentences(part)}
        return frozenset(one for one in found if len(one.split()) > 2)

    def sources(self) -> list[str]:
        """Sources of queries, in the order of the mixture."""
        return [source for source in self.mixture if source != FEW_SHOT] if self.mixture else ["queries"]

    def source(self, row: Record) -> str:
        """Where a query is counted."""
        return str(row.get("source") or "queries") if self.mixture else "queries"

    def usable(self, run: Run, told: Collection[str]) -> list[Record]:
        """Queries that have what they need; one that holds a sentence of a strategy would show it to the student."""
        out = []
        for row in run.data("queries"):
            if not user_of(row).strip() or not str(row["sub_category"] or "").strip():
                run.reject(row, "empty")
            elif leak(user_of(row), told):
                run.reject(row, "strategy_in_query")
            elif self.source(row) not in self.sources():
                run.reject(row, "not_in_mixture")
            else:
                out.append(row)
        return out

    def few_shot(self, pool: Sequence[Record], rng: Random) -> list[Record]:
        """Each kept row behind pairs of the same task and strategy, never itself nor a query like it."""
        groups: dict[tuple[str, ...], list[Record]] = {}
        kind = {id(record): tuple(str(record.meta["conditions"][name]) for name in SHARED) for record in pool}
        for record in pool:
            groups.setdefault(kind[id(record)], []).append(record)
        out = []
        for record in pool:
            (system, own, reply), group = (one["content"] for one in record["messages"]), groups[kind[id(record)]]
            some = [one["messages"] for one in rng.sample(group, min(len(group), 4 * self.max_shots))]
            pairs = list({user["content"]: reply["content"] for _, user, reply in some if user["content"] != own}.items())
            if len(pairs) >= self.min_shots:
                shown = pairs[: rng.randint(self.min_shots, max(self.min_shots, min(self.max_shots, len(pairs))))]
                user = Template(self.prompts["shots"]).render(demonstrations=shown, user=own)
                meta = {"seed_ids": record.meta["seed_ids"], "origin": "mixed", "parents": [record.id]}
                meta["conditions"] = {**record.meta["conditions"], "source": FEW_SHOT, "shots": len(shown)}
                out.append(Record(messages=turns(system, user, reply), meta=meta))
        return out


def turns(system: str, user: str, assistant: str) -> list[dict[str, str]]:
    """One exchange as messages."""
    return [{"role": role, "content": text} for role, text in (("system", system), ("user", user), ("assistant", assistant))]


def user_of(row: Record) -> str:
    """The query as the user says it."""
    return "\n\n".join(str(row[name]) for name in ("instruction", "input") if row.get(name))


def plain(text: str) -> str:
    """In small letters, with single spaces."""
    return " ".join(text.casefold().split())


def leak(text: str, told: Collection[str]) -> bool:
    """Whether a text holds a sentence of a strategy."""
    body = plain(text)
    return any(one in body for one in told)


def alike(answer: str, known: object) -> bool:
    """Whether two answers are the same but for case, spaces and marks around them."""
    return plain(answer).strip(" .!*`'\"$") == plain(str(known)).strip(" .!*`'\"$")


def shares(total: int, mixture: Mapping[str, float]) -> dict[str, int]:
    """`total` by the shares of a mixture."""
    return dict(zip(mixture, apportioned(total, list(mixture.values())), strict=True))


def fitting(rows: int | None, mixture: Mapping[str, float], there: Mapping[str, int]) -> dict[str, int]:
    """The most rows (`rows` at most) that follow the mixture exactly with what is there."""
    total = floor(min((there[name] + 1) / share for name, share in mixture.items()) * sum(mixture.values()))
    total = total if rows is None else min(total, rows)
    while any(n > there[name] for name, n in shares(total, mixture).items()):
        total -= 1
    return shares(total, mixture)
