"""GLAN (Li, Dong, Tang, Wang, Zhang et al., TMLR 2025, arXiv 2402.13064): homework from a taxonomy of human knowledge, without any seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.generate.quotas import split
from tilth.generate.rows import filled
from tilth.methods.instructions._homework import Homework, homework
from tilth.methods.instructions._json_lines import objects, text, texts
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.records.record import Record
from tilth.text.contamination import ReferenceIndex

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.records.data import Data


class GLAN(Method):
    """Homework and answers for each discipline of a taxonomy: subjects, syllabuses, class sessions and key concepts lead to the questions.

    1. Each discipline is asked `subject_queries` times for its subjects, as free text; a second turn of the same conversation puts
       them into lines of JSON, as a form in the first prompt harms what is written. The answers are united.
    2. Each subject gets a syllabus in the same two turns: class sessions with their key concepts.
    3. Disciplines take turns, and within each its subjects. For a question one session is drawn with 1 to 5 of its concepts, or
       (share `pairs`) two sessions with 2 to 5 concepts, some of each. None comes twice before all came.
    4. The whole syllabus with these sessions and concepts asks for a homework question; a call of its own answers it without them.
    5. A question that holds 13 words in a row of a benchmark is turned away, before it is answered.

    Subjects that come up in several disciplines stay in each. No answer is verified: look at each discipline, not at the mean alone.

    Differs: the taxonomy is given, not drafted by a model and voted on; what people vote out goes into `removed`. A concept belongs to
    the first session that names it. The paper names neither the share of pairs nor its rule for benchmarks. Wordings are our own.
    When: instructions over whole fields of knowledge, and no examples at all. Needs: data 'taxonomy', one row per discipline, with
    its field and subfield where there are any; texts of 'benchmarks' are kept out.
    Calls: 2 per discipline and query, 2 per subject, 2 per row.
    """

    name: ClassVar[str] = "glan"
    paper: ClassVar[str] = "2402.13064"
    family: ClassVar[str] = "instructions"
    inputs: ClassVar[Mapping[str, str]] = {"taxonomy": "discipline", "benchmarks": "?text"}
    columns: ClassVar[Mapping[str, object]] = {
        "instruction": str, "output": str, "discipline": str, "subject": str, "level": "str | None",
        "sessions": "list[str]", "concepts": "list[str]", "strategy": str,
    }  # fmt: skip
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "answerer": 1}
    prompts: ClassVar[Mapping[str, str]] = {
        "subjects": (
            "{% if task.about %}{{ task.about }}\n{% endif %}You plan the education in {{ discipline }}, and know what is taught at every "
            "level. Which subjects should somebody study to master it? Name as many as there are, rare ones too. For each tell its level, "
            "introduce it in a sentence or two, and name the sub-topics that it covers."
        ),
        "subjects_lines": (
            "Now put all of these subjects into JSON Lines: between ``` and ```, one object on each line, with the keys "
            '"subject_name" (text), "level" (text) and "subtopics" (list of texts).'
        ),
        "syllabus": (
            "{% if task.about %}{{ task.about }}\n{% endif %}You teach {{ subject }}{{ ' (level: ' ~ level ~ ')' if level }}, a subject of "
            "{{ discipline }}.{{ ' It covers: ' ~ subtopics|join(', ') ~ '.' if subtopics }}\nWrite the syllabus: the class sessions from "
            "first to last, 10 to 30 of them. Describe each, and explain the key concepts (about five) that students take from it."
        ),
        "syllabus_lines": (
            "Now put all sessions of this syllabus into JSON Lines: between ``` and ```, one object on each line, in their order, with the "
            'keys "session_name" (text) and "key_concepts" (list of texts).'
        ),
        "question": (
            "This is the syllabus of {{ subject }}{{ ' (level: ' ~ level ~ ')' if level }} in {{ discipline }}:\n"
            "{% for one in syllabus %}\n{{ loop.index }}. {{ one.session_name }}: {{ one.key_concepts|join('; ') }}\n{% endfor %}\n\n"
            "Write one homework question for students who have come as far as: {{ sessions|join(' and ') }}. It needs these concepts"
            "{{ ', all of them together' if concepts|length > 1 }}: {{ concepts|join('; ') }}. Nothing that comes later may be needed. "
            "Whoever answers it sees the question alone, so give all that it needs. Reply with the question, without a solution."
        ),
        "answer": "{{ instruction }}",
    }

    questions: int = Field(100, ge=1, description="Per discipline, where 'rows' is not given.", json_schema_extra={"from": "ours"})
    removed: list[str] = Field([], description="Fields, subfields and disciplines that are left out, with all below them.")
    subject_queries: int = Field(10, ge=1, description="Lists of subjects per discipline.", json_schema_extra={"from": "paper"})
    pairs: float = Field(0.5, ge=0, le=1, description="Share of questions on two sessions.", json_schema_extra={"from": "ours"})
    temperature: float = Field(1.0, ge=0, description="Of subjects and syllabuses.", json_schema_extra={"from": "paper"})
    answer_temperature: float = Field(0.7, ge=0, description="Of answers.", json_schema_extra={"from": "paper"})
    top_p: float = Field(0.95, gt=0, le=1, description="Of all but questions.", json_schema_extra={"from": "paper"})
    max_tokens: int | None = Field(None, ge=1, description="Of every reply; default: the role's.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        subjects = run.map(partial(self._subjects, run), self._disciplines(run), label="subjects")
        tree = [subject async for subject in run.map(partial(self._syllabus, run), subjects, label="syllabus")]
        run.artifact("tree", [subject.columns for subject in tree])
        below: dict[str, list[Record]] = {}
        for subject in tree:
            below.setdefault(subject.meta["seed_ids"][0], []).append(subject)
        streams = {node: homework(of, self.pairs, run.rng("homework", node)) for node, of in below.items()}
        forbidden = ReferenceIndex(str(row["text"]) for row in filled(run, "benchmarks", "text")) if run.has("benchmarks") else None
        missing = dict.fromkeys(below, self.questions) if self.rows is None else split(self.rows, below) if below else {}
        while missing:
            kept, drawn = Counter[str](), (next(streams[node]) for node in _in_turns(missing))
            async for record in run.map(partial(self._write, run, forbidden), drawn, label="write", key=_key):
                kept[record.meta["seed_ids"][0]] += 1
                yield record
            for node in [node for node in missing if not kept[node]]:
                name, n = below[node][0]["discipline"], missing.pop(node)
                run.note(f"glan: '{name}' is {n} short: a whole round of its questions was rejected.")
            missing = {node: n - kept[node] for node, n in missing.items() if n > kept[node]}

    def most_rows(self, data: Mapping[str, Data]) -> int | None:
        """As many as `questions` of each discipline."""
        return len(data["taxonomy"]) * self.questions if "taxonomy" in data else None

    def _disciplines(self, run: Run) -> list[Record]:
        """The leaves of the taxonomy; a node that was removed takes all below it along."""
        rows = list(filled(run, "taxonomy", "discipline"))
        paths = [(row, {str(row.get(column)) for column in ("field", "subfield", "discipline")}) for row in rows]
        for name in self.removed:
            if not any(name in path for _, path in paths):
                raise RequestError(f"glan: 'removed' names '{name}', which is no node of 'taxonomy'.", code="method.removed")
        kept = [row for row, path in paths if not path.intersection(self.removed)]
        if not kept:
            raise RequestError("glan: 'taxonomy' holds no discipline, or all are removed.", code="data.taxonomy")
        return kept

    async def _subjects(self, run: Run, node: Record) -> AsyncIterator[Record]:
        """The subjects of a discipline, from all of its queries, each once."""

        async def query(_: int) -> list[dict[str, Any]]:
            return await self._converse(run, "subjects", {"discipline": node["discipline"]}, "subject_name")

        lists = await run.map(query, range(self.subject_queries), label="query", on_failure="keep")
        found: dict[str, dict[str, Any]] = {}
        for one in (one for lines in lists if not isinstance(lines, Failure) for one in lines):
            found.setdefault(one["subject_name"].casefold(), one)
        if not found:
            raise Failure("no_subjects", "No query gave a list of subjects.")
        for one in found.values():
            columns = {"subject": one["subject_name"], "level": text(one.get("level")), "subtopics": texts(one.get("subtopics"))}
            yield Record(columns, discipline=node["discipline"], meta={"seed_ids": [node.id]})

    async def _syllabus(self, run: Run, subject: Record) -> Record:
        """A subject with its class sessions; each concept stands in the first session that names it."""
        sessions, seen = dict[str, list[str]](), set[str]()
        for one in await self._converse(run, "syllabus", subject, "session_name"):
            concepts = [concept for concept in texts(one.get("key_concepts")) if concept not in seen]
            if concepts and one["session_name"] not in sessions:
                sessions[one["session_name"]] = concepts
                seen.update(concepts)
        if not sessions:
            raise Failure("no_sessions", "No session of the syllabus has a key concept.")
        return subject.replace(syllabus=[{"session_name": name, "key_concepts": concepts} for name, concepts in sessions.items()])

    async def _converse(self, run: Run, about: str, conditions: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
        """Free text first; a second turn of the conversation makes lines of JSON of it, each with a `name`."""
        sampling: dict[str, Any] = {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens}
        first, second = (build(self.prompts[part], task=run.task, conditions=conditions) for part in (about, f"{about}_lines"))
        written = await run.ask(first, parse=parsers.whole(), reasks=0, **sampling)
        answer = {"role": "assistant", "content": written.value}
        asked = [*(first.messages or ()), answer, *(second.messages or ())]
        found: list[dict[str, Any]] = (await run.ask(asked, parse=partial(objects, name), **sampling)).value
        return found

    async def _write(self, run: Run, forbidden: ReferenceIndex | None, one: Homework) -> Record | None:
        """A question with the syllabus in view, then its answer without it."""
        chosen = {"sessions": list(one.sessions), "concepts": list(one.concepts)}
        ask = build(self.prompts["question"], task=run.task, conditions={**one.subject, **chosen}, parse=parsers.text(min_words=3))
        question = (await run.ask(ask, max_tokens=self.max_tokens)).value
        about = {column: one.subject[column] for column in ("discipline", "subject", "level")}
        strategy = "single_session" if len(one.sessions) == 1 else "two_sessions"
        record = Record({"instruction": question, **about, **chosen}, strategy=strategy, meta={"seed_ids": one.subject.meta["seed_ids"]})
        if forbidden is not None and (hits := forbidden.find(question)):
            run.reject(record, "benchmark", detail=f"A benchmark has these words: {hits[0].ngram}")
            return None
        ask = build(self.prompts["answer"], task=run.task, conditions={"instruction": question}, parse=parsers.whole())
        sampling: dict[str, Any] = {"temperature": self.answer_temperature, "top_p": self.top_p, "max_tokens": self.max_tokens}
        return record.replace(output=(await run.ask(ask, role="answerer", **sampling)).value)


def _in_turns(missing: Mapping[str, int]) -> Iterator[str]:
    for turn in range(max(missing.values())):
        yield from (node for node, n in missing.items() if turn < n)


def _key(one: Homework) -> str:
    return f"{one.subject.meta['seed_ids'][0]}-{one.number}"
