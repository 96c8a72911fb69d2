"""OSS-Instruct: problems and solutions inspired by a few lines of real code (Wei, Wang, Liu, Ding, Zhang, ICML 2024)."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure
from tilth.generate.rows import filled
from tilth.models.base import Reply
from tilth.prompts.prompt import build
from tilth.prompts.refusals import refusal
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run

_PROBLEM, _SOLUTION = "[problem description]", "[solution]"
_CHARACTERS = 3
"""Of code to a token, at the least."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """Consecutive lines of a document."""

    id: str
    document: str
    text: str
    line: int
    language: str


class Magicoder(Method):
    """A self-contained coding problem and its solution for each fragment of code.

    1. From each document 1 to 15 consecutive lines are drawn: a start uniformly, then a length; the end of the document cuts them.
    2. The fragments are shuffled. One that was drawn before (blanks apart) is left out, as is one without a letter.
    3. One call shows the fragment as inspiration, not as the task, and asks for a problem and its solution under two headings.
    4. A reply that was cut off, or lacks a heading or a part, is turned away.
    5. A problem or a solution that is there already (blanks apart) is dropped, and one that holds the text of a benchmark.

    Differs: what cannot be unique is dropped before it is asked for where that can be known. Of equal ones the first stays, there a
    shuffle decides. Tokens are estimated (three characters each), as APIs do not count before they answer. Benchmarks are data that
    the user names. Wordings are our own.
    When: instructions for a code model, of the kinds that real code has. Needs: data 'documents'; 'benchmarks' are kept out.
    Calls: 1 per fragment.
    """

    name: ClassVar[str] = "magicoder"
    paper: ClassVar[str] = "2312.02120"
    family: ClassVar[str] = "code"
    inputs: ClassVar[Mapping[str, str]] = {"documents": "code", "benchmarks": "?text"}
    columns: ClassVar[Mapping[str, object]] = {"instruction": str, "output": str, "fragment": str, "language": str}
    prompts: ClassVar[Mapping[str, str]] = {
        "system": "You write programming problems that teach something, and solutions that are correct and complete.",
        "problem": (
            "Let the code fragment below inspire you to a programming problem of high quality. It need not be about the same thing, and "
            "whoever solves it does not see the fragment.\n\n```\n{{ fragment }}\n```\n\n"
            "Write two sections, each under its heading:\n\n"
            "[Problem Description]\nThe problem, **fully self-contained**: everything that is needed to understand it, such as names to "
            "use, inputs and outputs, and any code that it builds on.\n\n"
            "[Solution]\nA comprehensive and **correct** solution of that problem, with its code."
        ),
    }

    lines: int = Field(15, ge=1, description="Lines of a fragment at most.", json_schema_extra={"from": "paper, section 2.1"})
    each: int = Field(1, ge=1, description="Fragments per document.", json_schema_extra={"from": "paper, section 2.1"})
    temperature: float = Field(0.0, ge=0, json_schema_extra={"from": "repository"})
    max_tokens: int = Field(2500, ge=1, json_schema_extra={"from": "repository"})
    context: int = Field(8192, ge=1, description="Tokens of prompt and reply together.", json_schema_extra={"from": "repository"})
    margin: int = Field(10, ge=0, description="Tokens that stay free.", json_schema_extra={"from": "repository"})
    trivial: int = Field(20, ge=0, description="Benchmark texts with fewer characters are not looked for.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        forbidden = self._forbidden(run)
        seen: dict[str, set[str]] = {"problem": set(), "solution": set()}
        fragments, kept = self._fragments(run), 0
        while block := list(islice(fragments, None if self.rows is None else self.rows - kept)):
            async for record in run.map(self._writer(run), block, label="write", key=lambda fragment: fragment.id):
                if reason := _known(record, seen) or _contaminated(record, forbidden):
                    run.reject(record, reason)
                    continue
                kept += 1
                yield record
        if self.rows is not None and kept < self.rows:
            run.note(f"{self.rows - kept} short of {self.rows} rows: all fragments were used. `each` draws more of a document.")

    # fragments

    def _fragments(self, run: Run) -> Iterator[Fragment]:
        """All fragments in an order of chance, each text once."""
        drawn = [one for number, document in enumerate(filled(run, "documents", "code")) for one in self._drawn(run, number, document)]
        run.rng("order").shuffle(drawn)
        seen = set[str]()
        for one in drawn:
            if not re.search(r"[^\W\d_]", one.text):
                run.reject(_about(one), "no_code", detail="The lines that were drawn hold no letter.")
            elif squeezed(one.text) in seen:
                run.reject(_about(one), "duplicate_fragment")
            else:
                seen.add(squeezed(one.text))
                yield one

    def _drawn(self, run: Run, number: int, document: Record) -> Iterator[Fragment]:
        """A document's fragments: they depend on the seed and its number alone."""
        rng = run.rng("fragment", number)
        for turn in range(self.each):
            line, text = fragment(str(document["code"]), self.lines, rng)
            name = str(document.id) if turn == 0 else f"{document.id}#{turn + 1}"
            yield Fragment(name, str(document.id), text, line, str(document.get("language") or ""))

    # one call

    def _writer(self, run: Run) -> Any:
        async def write(source: Fragment) -> Record:
            asked = build(
                self.prompts["problem"],
                task=run.task,
                conditions={"fragment": source.text.rstrip()},
                system=self.prompts["system"],
            )
            used = sum(len(str(message["content"])) for message in asked.messages or ()) // _CHARACTERS
            room = min(self.max_tokens, self.context - used - self.margin)
            if room <= 0:
                raise Failure("too_long", f"The prompt has about {used} tokens, and the model reads {self.context}.")
            reply = await run.ask(asked, parse=sections, reasks=0, temperature=self.temperature, max_tokens=room)
            problem, solution = reply.value
            about = _about(source)
            columns = {"instruction": problem, "output": solution, **about.columns}
            return Record(columns, meta={**about.meta, "conditions": {"line": source.line}})

        return write

    def _forbidden(self, run: Run) -> list[tuple[str, str]]:
        """(text, benchmark) of what must not be in a record, in small letters."""
        rows = run.data("benchmarks") if run.has("benchmarks") else ()
        found = ((str(row["text"]).strip().lower(), str(row.get("name") or "benchmarks")) for row in rows)
        return [(text, name) for text, name in found if len(text) >= max(1, self.trivial)]


def fragment(document: str, most: int, rng: random.Random) -> tuple[int, str]:
    """(number of the first line, text) of up to `most` consecutive lines of a document that holds some."""
    lines = document.splitlines(keepends=True)
    start = rng.randrange(len(lines))
    return start + 1, "".join(lines[start : start + rng.randint(1, most)])


def squeezed(text: str) -> str:
    """Without any blanks."""
    return "".join(text.split())


def sections(reply: Reply) -> tuple[str, str]:
    """Problem and solution of a reply, which stand under the first lines that hold their headings.

    Raises
    ------
    Failure: ``truncated``, ``refused``, ``no_problem``, ``no_solution``, ``order``, ``empty_problem`` or ``empty_solution``.
    """
    if reply.finish != "stop":
        raise Failure("truncated" if reply.finish == "length" else "refused", "The reply did not come to its end.", raw=reply.text)
    lines = reply.text.splitlines()
    first, second = (next((n for n, line in enumerate(lines) if head in line.lower()), None) for head in (_PROBLEM, _SOLUTION))
    if first is None or second is None:
        if marker := refusal(reply.text):
            raise Failure("refused", f"The reply is a refusal ({marker}).", raw=reply.text)
        raise Failure("no_problem" if first is None else "no_solution", "A heading is missing.", raw=reply.text)
    if second <= first:
        raise Failure("order", "The solution stands before the problem.", raw=reply.text)
    problem = "\n".join([_rest(lines[first]), *lines[first + 1 : second]]).strip()
    solution = "\n".join([_rest(lines[second]), *lines[second + 1 :]]).strip()
    if not problem or not solution:
        raise Failure("empty_solution" if problem else "empty_problem", "A section is empty.", raw=reply.text)
    return problem, solution


def _rest(heading: str) -> str:
    """What stands behind a heading on its line, without the marks that make it bold."""
    return heading.partition("]")[2].strip().strip("*_#:").strip()


def _known(record: Record, seen: dict[str, set[str]]) -> str:
    """Why a record is there already, "" if it is not; it is from now on."""
    texts = {"problem": squeezed(record["instruction"]), "solution": squeezed(record["output"])}
    found = next((f"duplicate_{name}" for name, text in texts.items() if text in seen[name]), "")
    for name, text in texts.items():
        seen[name].add(text)
    return found


def _contaminated(record: Record, forbidden: list[tuple[str, str]]) -> str:
    """Which benchmark a record holds a text of."""
    text = f"{record['instruction']}\n{record['output']}".lower()
    return next((f"contaminated_{name}" for known, name in forbidden if known in text), "")


def _about(source: Fragment) -> Record:
    return Record({"fragment": source.text, "language": source.language}, meta={"seed_ids": [source.document], "origin": "model"})
