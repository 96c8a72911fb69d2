"""Bug repair: realistic bugs put into tested code, kept where the sandbox sees a test fail (BugLab, BugFarm, SWE-Synth)."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PositiveFloat

from tilth.engine.method import Method
from tilth.errors import Failure
from tilth.methods.code._bugs import Bug, Injector, Outcomes, Source, check, class_of, outcomes, why
from tilth.methods.code._programs import (
    changed_lines,
    difference,
    emptied,
    fenced,
    functions,
    numbered,
    shown_and_hidden,
    signatures,
    statements,
)
from tilth.models.base import Reply
from tilth.prompts.prompt import build
from tilth.records.record import Record
from tilth.verify.mutants import mutants
from tilth.verify.python import PythonTests

if TYPE_CHECKING:
    from tilth.engine.run import Run


class BugRepair(Method):
    """Pairs of a program with one bug and its repair, with the tests that tell them apart.

    For each program whose tests pass twice, and fail once its bodies are emptied (else it is not really tested):

    1. One bug is put in: by a rule (BugLab's seven operators, an operator uniformly, then a place), by a model that changes
       only given statements (BugFarm), or by a model that writes an emptied body anew (SWE-Synth): its natural slips.
    2. It must parse, change the tree, keep every signature, import nothing new, and, unless a body was written anew, add no
       comment and be small.
    3. The tests are run twice: what passed before must now fail somewhere. Nothing fails: equivalent, dropped.
    4. The repair is the original. A report of the symptom and attempts of a model to repair, judged by all tests, are optional.

    Differs: statements to change are drawn uniformly, where BugFarm takes those that an encoder attends to least: APIs give no
    attention. One version is asked for per call, not three. Re-implementations empty a function drawn uniformly, as there is
    no call graph. A repository is one module here. The breaker model (BIFI) is trained, and therefore not here.
    When: there is code with tests, and models are to learn or be measured on repair. Needs: data 'programs'.
    Calls: 0 per rule bug, 1 per model bug, and 1 for a report and `repairs` attempts where asked for.
    """

    name: ClassVar[str] = "bug-repair"
    paper: ClassVar[str] = "2105.12787"
    family: ClassVar[str] = "code"
    inputs: ClassVar[Mapping[str, str]] = {"programs": "code tests"}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "pupil": 1}
    columns: ClassVar[Mapping[str, object]] = {
        "buggy_code": str, "fixed_code": str, "tests_visible": str, "tests_hidden": str, "bug_type": str, "injector": str,
        "outcome": str, "pass_to_fail": list[str], "pass_to_pass": list[str], "trace": str, "diff": str, "issue": str,
        "explanation": str, "repairs": list[str], "failed_repairs": list[str],
    }  # fmt: skip
    prompts: ClassVar[Mapping[str, str]] = {
        "located": (
            "Below is a Python module with line numbers. It is correct. Put exactly one bug into it that a reviewer could overlook: "
            "the module still runs, but for some inputs it gives a wrong result.\n"
            "Change only statements that begin on line {{ lines | join(' or ') }}. Keep every signature, import nothing, use no unknown "
            "name, and write no comment.\n\n{{ code }}\n\n"
            "Reply with the whole changed module, without line numbers, in one ```python block, and after it one sentence about the bug "
            "between <why> and </why>."
        ),
        "reimplement": (
            "The body of the function {{ function }} is missing in this Python module. Write it, so that the function does what its name, "
            "its docstring and the rest of the module say. Keep every signature and import nothing.\n\n```python\n{{ code }}\n```\n\n"
            "Reply with the whole module in one ```python block."
        ),
        "issue": (
            "You use a Python module and found that something is wrong. Write the report, in two to five sentences: what you called, what "
            "you expected and what happened. You have not read the source: name no cause, no line and no remedy.\n\n"
            "Function(s): {{ names | join(', ') }}\nWhat was run:\n```\n{{ tests }}\n```\nWhat came of it:\n{{ trace }}\n\n"
            "Reply with the report alone."
        ),
        "repair": (
            "This Python module has a bug.\n\n```python\n{{ code }}\n```\n\nSome of its tests:\n```\n{{ tests }}\n```\n"
            "What the failing run said:\n{{ trace }}\n\n"
            "Explain the cause in a few sentences, then write the whole repaired module in one ```python block. Keep every signature; "
            "the tests stay as they are and are not part of your reply."
        ),
    }

    injectors: dict[Injector, PositiveFloat] = Field({"rule": 1.0}, min_length=1, description="What puts bugs in: injector to its weight.")
    each: int = Field(3, ge=1, description="Bugs tried per program.", json_schema_extra={"from": "card, 3 to 5"})
    at_most: int = Field(5, ge=1, description="Bugs kept per program.", json_schema_extra={"from": "issue"})
    min_tests: int = Field(2, ge=1, description="Programs with fewer tests are left out.", json_schema_extra={"from": "card"})
    max_lines: int = Field(6, ge=1, description="Lines that a bug of a rule or at a given place may change.")
    subtle: bool = Field(False, description="Whether at least one test must still pass.")
    max_crashes: float = Field(0.2, ge=0, le=1, description="Share of records whose bug is a NameError or the like.")
    visible: float = Field(0.5, gt=0, lt=1, description="Share of the tests that prompts show; the others judge.")
    issue: bool = Field(False, description="Whether a report of the symptom is written.")
    repairs: int = Field(0, ge=0, description="Attempts of the pupil to repair each bug, judged by all tests.")
    temperature: float = Field(0.8, ge=0, json_schema_extra={"from": "card, 0.7 to 0.8"})
    max_tokens: int = Field(2048, ge=1)
    wall: float = Field(5.0, gt=0, description="Seconds until the tests of a program are stopped; an endless loop is an outcome too.")
    isolation: str = Field("auto", description="Of the sandbox.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        verifier = PythonTests(wall=self.wall, isolation=self.isolation)
        sources, kept, crashes = iter(run.data("programs")), 0, 0
        while block := list(self._next(sources, kept)):
            async for record in run.map(partial(self._bugs, run, verifier), block, label="program", key=lambda source: source.id):
                if record["outcome"] == "crash" and crashes + 1 > self.max_crashes * (kept + 1):
                    run.reject(record, "trivial_crash", detail="The share of bugs that crash at once is full.")
                    continue
                crashes += record["outcome"] == "crash"
                kept += 1
                yield record
        if self.rows is not None and kept < self.rows:
            run.note(f"{self.rows - kept} short of {self.rows} rows: all programs were used.")

    def _next(self, sources: Iterator[Record], kept: int) -> Iterator[Source]:
        """The next programs: as many as the rows that are missing need if every bug is kept."""
        each = min(self.each, self.at_most)
        short = None if self.rows is None else self.rows - kept
        for number, program in enumerate(islice(sources, None if short is None else -(-short // each))):
            tests = program["tests"] if isinstance(program["tests"], str) else "\n".join(program["tests"] or ())
            wanted = each if short is None else min(each, short - number * each)
            yield Source(str(program.id), str(program["code"]), tests, wanted)

    async def _bugs(self, run: Run, verifier: PythonTests, source: Source) -> AsyncIterator[Record]:
        """A program's bugs, one attempt after the other."""
        before = await self._baseline(run, verifier, source)
        seen, kept = {source.code}, 0
        for _ in range(self.each):
            if kept == source.wanted:
                return
            bug: Bug | None = None
            try:
                bug = await self._inject(run, source, seen)
                check(source, bug, seen, self.max_lines)
                record = await self._judge(run, verifier, source, bug, before)
                yield await self._told(run, verifier, source, record)
                kept += 1
            except Failure as failure:
                about = {"buggy_code": bug.code, "bug_type": bug.kind, "injector": bug.injector} if bug else {}
                run.reject(Record(about, meta=_meta(source)), failure.reason, detail=failure.detail, raw=failure.raw)

    async def _baseline(self, run: Run, verifier: PythonTests, source: Source) -> Outcomes:
        """The tests that pass; Failure where not all do, twice, or where nothing would notice an empty body."""
        first, second = [(await verifier.verify(run, {"code": source.code, "tests": source.tests})) for _ in range(2)]
        if not (first.passed and second.passed):
            raise Failure("unstable" if first.state != second.state else "baseline_fails", first.reason or second.reason)
        before = outcomes(first.evidence)
        if len(before) < self.min_tests:
            raise Failure("few_tests", f"{len(before)} of {self.min_tests}.")
        if (await verifier.verify(run, {"code": emptied(source.code), "tests": source.tests})).passed:
            raise Failure("untested", "The tests pass with all bodies empty.")
        return before

    # one bug

    async def _inject(self, run: Run, source: Source, seen: set[str]) -> Bug:
        rng = run.rng("inject")
        injector = rng.choices(list(self.injectors), list(self.injectors.values()))[0]
        if injector == "rule":
            drawn = [mutant for mutant in mutants(source.code, len(seen), rng) if mutant.code not in seen]
            if not drawn:
                raise Failure("no_place", "No rule applies to this program.")
            return Bug(drawn[0].code, "rule", drawn[0].site.operator, f"{drawn[0].site.before!r} became {drawn[0].after!r}")
        if injector == "llm_located":
            lines = statements(source.code)
            chosen = sorted(rng.sample(lines, min(len(lines), max(1, len(lines) // 10))))
            conditions: dict[str, Any] = {"code": numbered(source.code), "lines": chosen}
            return await self._asked(run, "located", conditions, injector)
        tree = ast.parse(source.code)
        name = rng.choice([node.name for node in functions(tree)] or [""])
        return await self._asked(run, "reimplement", {"code": emptied(source.code, name), "function": name}, injector)

    async def _asked(self, run: Run, prompt: str, conditions: dict[str, Any], injector: Injector) -> Bug:
        """A model's version of the program."""
        asked = build(self.prompts[prompt], task=run.task, conditions=conditions)
        reply = await run.ask(asked, parse=fenced, temperature=self.temperature, max_tokens=self.max_tokens)
        return Bug(str(reply.value), injector, injector, why(reply.text))

    async def _judge(self, run: Run, verifier: PythonTests, source: Source, bug: Bug, before: Outcomes) -> Record:
        """The tests on the changed program, twice unless the first ran out of time; the second is kept."""
        row = {"code": bug.code, "tests": source.tests}
        first = await verifier.verify(run, row)
        if first.state == "passed":
            raise Failure("equivalent", "No test notices the change.")
        verdict = first if first.reason in ("timeout", "oom") else await verifier.verify(run, row)
        after = outcomes(verdict.evidence)
        if after != outcomes(first.evidence):
            raise Failure("unstable", "The tests end differently each time.")
        failing = list(before) if verdict.evidence["load_error"] else [name for name in before if after.get(name, "passed") != "passed"]
        passing = [name for name in before if after.get(name) == "passed"]
        if not failing:
            raise Failure("equivalent", "No test notices the change.")
        if self.subtle and not passing:
            raise Failure("not_subtle", "Every test fails.")
        visible, hidden = shown_and_hidden(source.tests, self.visible, run.rng("visible"), failing)
        columns: dict[str, Any] = {
            "buggy_code": bug.code,
            "fixed_code": source.code,
            "tests_visible": visible,
            "tests_hidden": hidden,
            "bug_type": bug.kind,
            "injector": bug.injector,
            "outcome": class_of(verdict.reason, verdict.evidence),
            "pass_to_fail": failing,
            "pass_to_pass": passing,
            "trace": verdict.evidence["trace"],
            "diff": difference(bug.code, source.code),
            "issue": "",
            "explanation": bug.why,
            "repairs": [],
            "failed_repairs": [],
        }
        return Record(columns, meta=_meta(source))

    # what a model says about it

    async def _told(self, run: Run, verifier: PythonTests, source: Source, record: Record) -> Record:
        if not (self.issue or self.repairs):
            return record
        shown = {"code": record["buggy_code"], "tests": record["tests_visible"]}
        trace = str((await verifier.verify(run, shown)).evidence["trace"] or "The tests that are shown pass; others fail.")
        if self.issue:
            record.columns["issue"] = await self._report(run, record, trace)
        for _ in range(self.repairs):
            code, passed = await self._repair(run, verifier, source, shown, trace)
            if code:
                record.columns["repairs" if passed else "failed_repairs"].append(code)
        return record

    async def _report(self, run: Run, record: Record, trace: str) -> str:
        """A report of the symptom that does not hold a changed line."""
        secret = [line for line in changed_lines(record["diff"]) if len(line) > 5]

        def text(reply: Reply) -> str:
            if not reply.text.strip():
                raise Failure("empty", "The reply is empty.")
            if any(line in reply.text for line in secret):
                raise Failure("leak", "The report must not quote the source.")
            return reply.text.strip()

        names = [node.name for node in functions(ast.parse(record["fixed_code"]))]
        asked = build(self.prompts["issue"], task=run.task, conditions={"names": names, "tests": record["tests_visible"], "trace": trace})
        return str((await run.ask(asked, parse=text, temperature=self.temperature, max_tokens=self.max_tokens)).value)

    async def _repair(self, run: Run, verifier: PythonTests, source: Source, shown: Mapping[str, str], trace: str) -> tuple[str, bool]:
        """One attempt: what was written ("" where it is no module), and whether all tests pass, those not shown included."""
        asked = build(self.prompts["repair"], task=run.task, conditions={**shown, "trace": trace})
        try:
            reply = await run.ask(asked, role="pupil", parse=fenced, reasks=0, temperature=self.temperature, max_tokens=self.max_tokens)
        except Failure as failure:
            run.reject(Record({"buggy_code": shown["code"]}, meta=_meta(source)), f"repair_{failure.reason}", raw=failure.raw)
            return "", False
        code = str(reply.value)
        if signatures(ast.parse(code)) != signatures(ast.parse(source.code)):
            return code, False
        return code, (await verifier.verify(run, {"code": code, "tests": source.tests})).passed


def _meta(source: Source) -> dict[str, Any]:
    return {"seed_ids": [source.id], "origin": "mixed"}
