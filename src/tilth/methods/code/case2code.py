"""Case2Code: a program is to be found from what it gives for some inputs; the interpreter is the teacher (Shao, Li, Ma et al. 2024)."""

from __future__ import annotations

import ast
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure
from tilth.methods.code._cases import RENDERINGS, Case, Target, called, fitting, varied, written
from tilth.methods.code._programs import tree_of
from tilth.models.base import Reply
from tilth.prompts.prompt import build
from tilth.records.record import Record
from tilth.verify.calls import observed
from tilth.verify.sandbox import Limits, Sandbox

if TYPE_CHECKING:
    from tilth.engine.run import Run

_INSTRUCTIONS = (
    "Find the rule behind these cases and write a Python function that follows it.",
    "Write a Python function that gives each of these outputs for its input.",
    "From the inputs and outputs below, work out what the function does and implement it in Python.",
    "Here is what a Python function did. Reconstruct the function.",
    "The cases below were recorded from a program. Write Python code that behaves the same way.",
    "Infer the function from its behaviour and write it in Python.",
    "Implement a Python function that agrees with every case shown.",
    "What function produces these results? Answer with Python code.",
)
_HEADERS = ("Cases:", "Inputs and outputs:", "Examples:", "Recorded calls:", "What was observed:", "Some runs:")
_NAMES = ("The function is called {}.", "Name: {}", "Function: {}", "Call it {}.")
_BETWEEN = ("\n", "\n\n")


class Case2Code(Method):
    """Prompts that show inputs and outputs of a function, with the function as the answer.

    1. Each program's function takes arguments by name and returns a value. No program is used twice.
    2. A model looks at the function and writes a list of inputs, as literals; or inputs are made by rule from its tests.
    3. The sandbox runs the function on each input, several times, with other orders of sets and of calls: outputs are what it gave.
    4. Dropped: what does not run, hangs, exits, gives no plain data, or other outputs the next time; more than half exceptions; all equal.
    5. Some of the cases, three at least, are shown in one of nine renderings, with or without headers and the function's name, in
       an order of chance. The answer is the function as it was.

    Differs: the check for equal outputs, commented out in the repository, is on; there only programs with nothing but exceptions
    are dropped. Outputs are run three times, there once. Wordings are our own, and fewer. `inputs_by: rule` needs no model: literal
    calls in the tests, and type-preserving changes of them (EvalPlus' mutation, arXiv 2305.01210). Without its name, a function is
    called `f` in the cases.
    When: there is code, and models are to learn what code does. Needs: data 'programs' (with tests for `rule`).
    Calls: 1 per program; none by rule.
    """

    name: ClassVar[str] = "case2code"
    paper: ClassVar[str] = "2407.12504"
    family: ClassVar[str] = "code"
    inputs: ClassVar[Mapping[str, str]] = {"programs": "code"}
    columns: ClassVar[Mapping[str, object]] = {
        "prompt": str, "completion": str, "func_name": str, "code": str, "example_inputs": list[str], "example_outputs": list,
    }  # fmt: skip
    prompts: ClassVar[Mapping[str, str]] = {
        "inputs": (
            "Here is a Python function.\n\n```python\n{{ code }}\n```\n\n"
            "First say in a few sentences which types and which range of values the arguments of {{ name }} have. Then write "
            "{{ n }} different inputs that show what it does, ordinary ones and special cases, as a Python list:\n\n"
            "```python\nexamples = [\n    dict({{ arguments | join('=..., ') }}=...),\n]\n```\n\n"
            "Write values as plain literals (numbers, texts, lists, tuples, dicts, True, False, None): no calls, no names, no "
            "arithmetic. Do not write the outputs."
        ),
    }

    inputs_by: Literal["model", "rule"] = Field("model", description="Who makes inputs: a model, or rules from calls in the tests.")
    n_inputs: int = Field(10, ge=3, description="Inputs per function.", json_schema_extra={"from": "repository"})
    least: int = Field(3, ge=2, description="Cases that a prompt shows at least.", json_schema_extra={"from": "repository"})
    header: float = Field(0.8, ge=0, le=1, description="Share of prompts with a header.", json_schema_extra={"from": "repository"})
    named: float = Field(
        0.8, ge=0, le=1, description="Share of prompts with the function's name.", json_schema_extra={"from": "repository"}
    )
    max_errors: float = Field(0.5, ge=0, le=1, description="Share of inputs that may end in exceptions. Repository: not all.")
    differing: bool = Field(True, description="Whether functions that always gave the same are dropped.")
    fenced: bool = Field(False, description="Whether the answer stands in a fence.", json_schema_extra={"from": "repository"})
    times: int = Field(3, ge=2, description="Runs of each function, which must agree.")
    longest: int = Field(1000, ge=1, le=9999, description="Characters of the longest output.")
    temperature: float = Field(0.2, ge=0, json_schema_extra={"from": "repository"})
    top_p: float = Field(0.95, gt=0, le=1, json_schema_extra={"from": "repository"})
    max_tokens: int = Field(2048, ge=1, json_schema_extra={"from": "repository"})
    wall: float = Field(5.0, gt=0, description="Seconds for all calls of a function. Repository: 1 and a margin of 20.")
    isolation: str = Field("auto", description="Of the sandbox.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        sandbox = Sandbox(Limits(wall=self.wall, cpu=max(1, round(self.wall))), isolation=self.isolation)
        programs, kept = self._different(run), 0
        while block := list(islice(programs, None if self.rows is None else self.rows - kept)):
            async for record in run.map(partial(self._one, run, sandbox), block, label="program", key=lambda program: program.id):
                kept += 1
                yield record
        if self.rows is not None and kept < self.rows:
            run.note(f"{self.rows - kept} short of {self.rows} rows: all programs were used.")

    def _different(self, run: Run) -> Iterator[Record]:
        """Programs, each once: equal trees but for docstrings are one."""
        seen = set[str]()
        for program in run.data("programs"):
            shape = _shape(str(program["code"]))
            if shape in seen:
                run.reject(_about(program), "duplicate_program")
                continue
            seen.add(shape)
            yield program

    async def _one(self, run: Run, sandbox: Sandbox, program: Record) -> Record | None:
        """The record of a program; what fails is told with the program."""
        try:
            target = Target.of(str(program["code"]), str(program.get("name") or ""))
            inputs = await self._inputs(run, program, target)
            cases = await self._run(run, sandbox, program, target, inputs)
        except Failure as failure:
            run.reject(_about(program), failure.reason, detail=failure.detail, raw=failure.raw)
            return None
        return self._record(program, target, cases, run.rng("prompt"))

    async def _inputs(self, run: Run, program: Record, target: Target) -> list[dict[str, Any]]:
        if self.inputs_by == "rule":
            tests = program.get("tests") or ""
            found = called(tests if isinstance(tests, str) else "\n".join(tests), target)
            if not found:
                raise Failure("no_calls", "The tests call the function with no literals.")
            inputs = varied(found, self.n_inputs, run.rng("inputs"))
            if len(inputs) < self.least:
                raise Failure("few_inputs", f"{len(inputs)} of {self.least}.")
            return inputs

        def parse(reply: Reply) -> list[dict[str, Any]]:
            if reply.finish == "length":
                raise Failure("truncated", "The reply was cut off before it ended.")
            return written(reply.text, target, self.least)

        conditions = {"code": program["code"], "name": target.name, "arguments": target.arguments, "n": self.n_inputs}
        asked = build(self.prompts["inputs"], task=run.task, conditions=conditions)
        reply = await run.ask(asked, parse=parse, temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens)
        return list(reply.value)[: self.n_inputs]

    async def _run(self, run: Run, sandbox: Sandbox, program: Record, target: Target, inputs: Sequence[dict[str, Any]]) -> list[Case]:
        """What the sandbox gave for each input."""
        payload = {"code": str(program["code"]), "name": target.name, "inputs": [repr(one) for one in inputs]}
        limits = {"times": self.times, "longest": self.longest, "wall": self.wall}
        found = await run.do(partial(observed, sandbox), {**payload, **limits}, version=1)
        if found["problem"]:
            raise Failure(found["problem"], found["detail"])
        errors = sum("error" in output for output in found["outputs"])
        if errors == len(inputs) or errors > self.max_errors * len(inputs):
            raise Failure("errors", f"{errors} of {len(inputs)} inputs end in an exception.")
        if self.differing and len({str(output) for output in found["outputs"]}) < 2:
            raise Failure("all_equal", "Every input gives the same.")
        return [Case(arguments, output) for arguments, output in zip(inputs, found["outputs"], strict=True)]

    def _record(self, program: Record, target: Target, cases: Sequence[Case], rng: random.Random) -> Record:
        shown = rng.sample(range(len(cases)), rng.randint(min(self.least, len(cases)), len(cases)))
        style = rng.choice(fitting([cases[number] for number in shown], target))
        code = str(program["code"]).strip()
        columns: dict[str, Any] = {
            "prompt": self._prompt([cases[number] for number in shown], style, target.name, rng),
            "completion": f"```python\n{code}\n```" if self.fenced else code,
            "func_name": target.name,
            "code": str(program["code"]),
            "example_inputs": [repr(case.arguments) for case in cases],
            "example_outputs": [dict(case.output) for case in cases],
        }
        return Record(columns, meta={**_meta(program), "conditions": {"rendering": style, "shown": shown}})

    def _prompt(self, cases: Sequence[Case], style: str, name: str, rng: random.Random) -> str:
        """An instruction, then the cases and the name in an order of chance."""
        named = rng.random() < self.named
        between = "\n\n" if "\n" in RENDERINGS[style](cases[0], name) else rng.choice(_BETWEEN)
        block = between.join(RENDERINGS[style](case, name if named else "f") for case in cases)
        parts = [f"{rng.choice(_HEADERS)}\n{block}" if rng.random() < self.header else block]
        if named:
            parts.append(rng.choice(_NAMES).format(name))
        rng.shuffle(parts)
        return "\n\n".join([rng.choice(_INSTRUCTIONS), *parts])


def _shape(code: str) -> str:
    """The tree without docstrings, or the text where there is none."""
    tree = tree_of(code)
    for node in ast.walk(tree) if tree else []:
        if isinstance(node, ast.FunctionDef | ast.Module | ast.ClassDef) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree) if tree else code


def _meta(program: Record) -> dict[str, Any]:
    return {"seed_ids": [str(program.id)], "origin": "mixed"}


def _about(program: Record) -> Record:
    return Record({"code": str(program["code"])}, meta=_meta(program))
