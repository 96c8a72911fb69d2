"""GPT3Mix (Yoo, Park, Kang, Lee, Park, Findings of EMNLP 2021, arXiv 2104.08826): new texts with soft labels from mixed examples."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.models.base import Reply
from tilth.prompts import parsers
from tilth.prompts.prompt import Prompt, build
from tilth.prompts.template import Template
from tilth.records.record import Record

if TYPE_CHECKING:
    from random import Random

    from tilth.engine.run import Run

Soft = Literal["auto", "score", "table", "votes", "none"]
Found = tuple[str, str, int]
"""A text, the label word behind it, and where that word begins in the reply."""


class GPT3Mix(Method):
    """New labelled texts from prompts that mix real examples; the generator's own label probabilities are the labels.

    1. For each text `classes` labels are drawn, and `examples` real texts with them.
    2. The prompt says what a line holds and which labels there are, shows the examples as ``Review: ... (Sentiment: ...)``
       and opens the next line. The model ends it.
    3. The reply is read from the right: the last bracket is the label, all before it the text.
    4. Soft label: the mass that the model puts on the label words where the label begins, normalised; the label is the
       likeliest of them, which need not be the one that was written. Soft labels are the only control of noise.
    5. What cannot be read is asked for again, until `max_retries` rounds in a row gave nothing.

    A student learns from the soft labels by cross-entropy (`tilth.train` takes ``label_probs``).

    Differs: ``score`` reads the probabilities of whole label words from models that score given texts (one call more), which
    label words of several tokens need; ``votes`` estimates them for models that tell no probabilities; the repository has
    ``table`` alone, with 100 tokens, where servers today give 20 at most. Labels of which one is the beginning of another
    are refused. A chat model is asked for the next line. When: a few dozen labelled texts. Needs: support.
    Calls: 1 per text (score: 2, votes: 1 + votes).
    """

    name: ClassVar[str] = "gpt3mix"
    paper: ClassVar[str] = "2104.08826"
    family: ClassVar[str] = "classification"
    inputs: ClassVar[Mapping[str, str]] = {"support": "text label"}
    columns: ClassVar[Mapping[str, object]] = {"text": str, "label": str, "label_probs": "dict | None"}
    prompts: ClassVar[Mapping[str, str]] = {
        "lines": (
            "Each line of this list holds a {{ text_type|lower }} and, in brackets, its {{ label_type|lower }}. "
            "The {{ label_type|lower }} is one of: {{ words|join(', ') }}.\n\n"
            "{% for one in demonstrations %}\n{{ text_type }}: {{ one.text }} ({{ label_type }}: {{ one.word }})\n{% endfor %}\n"
            "{{ text_type }}:"
        ),
        "ask": (
            "{% if task.about %}{{ task.about }}\n{% endif %}"
            "Each line of this list holds a {{ text_type|lower }} and, in brackets, its {{ label_type|lower }}. "
            "The {{ label_type|lower }} is one of: {{ words|join(', ') }}.\n\n"
            "{% for one in demonstrations %}\n{{ text_type }}: {{ one.text }} ({{ label_type }}: {{ one.word }})\n{% endfor %}\n\n"
            "Write one more line of this list, of the same kind but about something else, in exactly this form and nothing else:\n"
            "{{ text_type }}: ... ({{ label_type }}: ...)"
        ),
        "vote": (
            "{% if task.about %}{{ task.about }}\n{% endif %}"
            "{% for one in demonstrations %}\n{{ text_type }}: {{ one.text }} ({{ label_type }}: {{ one.word }})\n{% endfor %}\n"
            "{{ text_type }}: {{ text }}\n\n"
            "What is the {{ label_type|lower }} of the last one? Reply with one of these and nothing else: {{ words|join(', ') }}."
        ),
    }

    multiplier: int = Field(
        1, ge=1, description="Texts per real one, where 'rows' is not given.", json_schema_extra={"from": "repo; paper about 10"}
    )
    examples: int = Field(2, ge=1, description="Real texts in each prompt.", json_schema_extra={"from": "repo, num_examples"})
    classes: int = Field(2, ge=1, description="Labels that must be among them.", json_schema_extra={"from": "repo, num_classes"})
    text_type: str = Field("Text", min_length=1, description="What a text is, such as Movie review.", json_schema_extra={"from": "paper"})
    label_type: str = Field("Label", min_length=1, description="What a label is, such as Sentiment.", json_schema_extra={"from": "paper"})
    verbalisers: dict[str, str] = Field({}, description="Label to the word for it in the prompt; default: the label itself.")
    soft: Soft = Field("auto", description="Where label probabilities come from; auto: score, else table, else votes.")
    top_logprobs: int = Field(20, ge=2, le=100, description="Tokens in a table.", json_schema_extra={"from": "repo: 100"})
    votes: int = Field(5, ge=2, description="Answers per text from which 'votes' estimates probabilities.")
    max_retries: int = Field(3, ge=1, description="Rounds without a success before giving up.", json_schema_extra={"from": "repo, 3 to 10"})
    temperature: float = Field(1.0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_tokens: int = Field(100, ge=1, json_schema_extra={"from": "repo"})
    frequency_penalty: float = Field(
        0.01, ge=0, le=2, description="Of tokens that came before.", json_schema_extra={"from": "repo, 0.01 to 0.02"}
    )

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        support = list(self.support(run))
        words = self.words(run, support)
        by_label = {label: found for label in words if (found := [row for row in support if row["label"] == label])}
        soft = self.source(run)

        async def write(number: int) -> Record:
            shown = self.draw(by_label, words, run.rng("examples"))
            return await self.write(run, words, shown, soft)

        missing, tried, idle = self.rows or self.multiplier * len(support), 0, 0
        while missing and idle < self.max_retries:
            kept = 0
            async for record in run.map(write, range(tried, tried + missing), label="write"):
                kept += 1
                yield record
            tried, missing, idle = tried + missing, missing - kept, 0 if kept else idle + 1
        if missing:
            run.note(f"gpt3mix: {missing} rows short after {tried} tries, the last {idle} rounds without one readable reply.")

    def support(self, run: Run) -> Iterator[Record]:
        """The real rows, each on one line; those without a text or a label are turned away."""
        found = 0
        for row in run.data("support"):
            text, label = row["text"], row["label"]
            if not isinstance(text, str) or not text.strip() or label in (None, ""):
                run.reject(row, "no_text" if label not in (None, "") else "no_given_label")
            else:
                found += 1
                yield row.replace(text=" ".join(text.split()), label=str(label))
        if not found:
            raise RequestError("gpt3mix: 'support' holds no row with a text and a label.", code="data.support")

    def words(self, run: Run, support: Sequence[Record]) -> dict[str, str]:
        """Label to its word in the prompts; none may be the beginning of another, or their probabilities could not be told apart."""
        labels = list(run.task.labels) or sorted({row["label"] for row in support})
        words = {label: self.verbalisers.get(label, label).strip() for label in labels}
        unknown = sorted({*self.verbalisers, *(row["label"] for row in support)} - set(labels))
        if unknown:
            raise RequestError(f"gpt3mix: '{unknown[0]}' is none of task.labels ({', '.join(labels)}).", code="task.labels")
        for label, word in words.items():
            alike = next((other for other in labels if other != label and words[other].lower().startswith(word.lower())), None)
            if alike is not None:
                raise RequestError(f"gpt3mix: the words for '{label}' and '{alike}' begin alike. Set verbalisers.", code="task.labels")
        if len(words) < 2:
            raise RequestError("gpt3mix needs at least two labels in task.labels or in support.", code="task.labels")
        return words

    def source(self, run: Run) -> Soft:
        """Where this run's label probabilities come from."""
        can = run.models()[0].can
        return self.soft if self.soft != "auto" else "score" if can.score else "table" if can.logprobs else "votes"

    def draw(self, by_label: Mapping[str, list[Record]], words: Mapping[str, str], rng: Random) -> list[Record]:
        """`examples` real texts with the words of their labels: of `classes` labels, each at least once, in random order."""
        labels = rng.sample(list(by_label), min(self.classes, self.examples, len(by_label)))
        drawn = [rng.choice(by_label[label]) for label in labels]
        while len(drawn) < self.examples:
            drawn.append(rng.choice(by_label[rng.choice(labels)]))
        rng.shuffle(drawn)
        return [row.replace(word=words[row["label"]]) for row in drawn]

    async def write(self, run: Run, words: Mapping[str, str], shown: Sequence[Record], soft: Soft) -> Record:
        """One new text and its label probabilities."""
        given: dict[str, Any] = {"text_type": self.text_type, "label_type": self.label_type, "words": list(words.values())}
        build_on: dict[str, Any] = {"task": run.task, "demonstrations": shown}
        raw = run.continues()
        stop = ("\n",) if raw else ()
        prompt = build(self.prompts["lines" if raw else "ask"], conditions=given, raw=raw, stop=stop, parse=self.read, **build_on)
        tables = self.top_logprobs if soft == "table" else None
        sampling: dict[str, Any] = {"temperature": self.temperature, "top_p": self.top_p, "frequency_penalty": self.frequency_penalty}
        reply = await run.ask(prompt, max_tokens=self.max_tokens, reasks=0, top_logprobs=tables, **sampling)
        text, word, at = reply.value
        probs = None
        if soft == "table":
            probs = from_table(reply, at, words)
        elif soft == "score":
            line = Template(self.prompts["lines"]).render(**build_on, **given)
            probs = await self.scored(run, words, f"{line} {text} ({self.label_type}:")
        elif soft == "votes":
            answer = parsers.label(given["words"])
            probs = await self.voted(run, words, build(self.prompts["vote"], conditions={**given, "text": text}, parse=answer, **build_on))
        label = max(probs, key=probs.__getitem__) if probs else meant(word, words)
        conditions = {"labels": [row["label"] for row in shown], "soft": soft, "written": word}
        return Record(text=text, label=label, label_probs=probs, meta={"seed_ids": [row.id for row in shown], "conditions": conditions})

    def read(self, reply: Reply) -> Found:
        """The text, the word in the last bracket and where it begins. Read from the right: a text may hold brackets itself."""
        head = re.match(rf"\s*(?:{re.escape(self.text_type)}\s*:)?\s*", reply.text, re.IGNORECASE)
        begin = head.end() if head else 0
        brackets = list(re.finditer(rf"\(\s*{re.escape(self.label_type)}\s*:\s*([^()\n]*?)\s*\)", reply.text, re.IGNORECASE))
        if not brackets:
            raise Failure("no_label", f"The line must end in ({self.label_type}: ...).")
        last = brackets[-1]
        text = " ".join(reply.text[begin : last.start()].split())
        if not text:
            raise Failure("no_text", "There is no text before the label.")
        return text, last[1], last.start(1)

    async def scored(self, run: Run, words: Mapping[str, str], line: str) -> dict[str, float]:
        """From the log-probability of each whole label word behind the text."""
        found = await run.score(line, [f" {word}" for word in words.values()])
        return shares({label: math.exp(value - max(found)) for label, value in zip(words, found, strict=True)})

    async def voted(self, run: Run, words: Mapping[str, str], prompt: Prompt) -> dict[str, float]:
        """From the shares of several answers; an answer that names no label does not vote."""

        async def vote(number: int) -> str:
            return str((await run.ask(prompt, temperature=1.0)).value)

        answers = [answer for answer in await run.map(vote, range(self.votes), label="vote", on_failure="keep") if isinstance(answer, str)]
        if not answers:
            raise Failure("no_votes", "No answer named a label.")
        return shares({label: float(answers.count(word)) for label, word in words.items()})


def meant(written: str, words: Mapping[str, str]) -> str:
    """The label whose word was written."""
    word = parsers.match_label(written, list(words.values()))
    if word is None:
        raise Failure("unknown_label", f"The label is none of: {', '.join(words.values())}.")
    return next(label for label in words if words[label] == word)


def from_table(reply: Reply, at: int, words: Mapping[str, str]) -> dict[str, float]:
    """The mass of each label in the table of the token in which the label begins.

    A token counts for the label whose word it is, or begins, whatever its case and the space before it; a beginning has at
    least two letters. Labels that the table does not hold get 0; without any the row is rejected, not made uniform.
    """
    place, end = -1, 0
    for token, _ in reply.logprobs or ():
        place, end = place + 1, end + len(token)
        if end > at:
            break
    if not reply.top_logprobs or not 0 <= place < len(reply.top_logprobs):
        raise Failure("no_logprobs", "The server sent no table of likeliest tokens.")
    mass = dict.fromkeys(words, 0.0)
    for token, logprob in reply.top_logprobs[place]:
        begun = token.strip().lower()
        fits = [label for label, word in words.items() if begun == word.lower() or (len(begun) > 1 and word.lower().startswith(begun))]
        if len(fits) == 1:
            mass[fits[0]] += math.exp(logprob)
    if not sum(mass.values()):
        raise Failure("no_label_mass", "None of the likeliest tokens begins a label.")
    return shares(mass)


def shares(mass: Mapping[str, float]) -> dict[str, float]:
    """Normalised to a sum of 1, rounded to 6 digits."""
    total = math.fsum(mass.values())
    return {label: round(value / total, 6) for label, value in mass.items()}
