"""SuperGen (Meng, Huang, Zhang, Han, NeurIPS 2022, arXiv 2202.04538): the texts that the generator itself finds likeliest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice, zip_longest
from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import RequestError
from tilth.generate.quotas import DUPLICATE, split
from tilth.generate.rows import filled
from tilth.methods.classification import _supergen as ours
from tilth.methods.classification._continuing import labels_of
from tilth.methods.classification._supergen import STARTS, Form, Likelihood, Spoken, likeliest, spoken
from tilth.prompts.conditions import word_list
from tilth.prompts.prompt import build
from tilth.records.ids import Occurrences, canonical
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.records.data import Data

SCORE = "logprob"


class SuperGen(Method):
    """Many cheap continuations of prompts that describe a label, of which only the likeliest stay.

    1. ``single``: a prompt that names the label and ends in one of `starts`. ``pair``: a sentence of `unlabelled` and a
       connective that implies the relation; for a contradiction it is told as hearsay first. The model continues.
    2. ``next`` (two labels): of one continuation the next sentence has the first label, a random later one the second.
       ``acceptability`` (two labels): sentences at two temperatures; the likelier half has the first label, the other the second.
    3. Turned away: nothing written, no end of a sentence, a quotation mark or a line break in it.
    4. Score: the mean log-probability of the tokens of the sentence, by the model itself, before temperature. Not of the prompt.
    5. Equal texts stay once. Of each label the `select` share with the highest scores is kept, never across labels; labels of
       `no_sort` are drawn by chance.

    Train with what `tilth.train.ensembled` has: smoothed labels, and rows that the mean of past predictions agrees with.

    Differs: any model that continues raw text, where the paper has CTRL with its control codes. Logits cannot be changed through
    an endpoint, so words of the first sentence are neither rewarded nor penalised; `repetition_penalty` is what servers offer
    instead. Of acceptability the ends of the ranking are kept, not its middle. `unlabelled` is read from its beginning, so that
    more rows pay only for what is new. When: no labelled data, a cheap model that tells probabilities. Needs: task.labels; for
    pair and next unlabelled. Calls: 1 per candidate, 10 per row at the published share; likelihood `score`: twice that.
    """

    name: ClassVar[str] = "supergen"
    paper: ClassVar[str] = "2202.04538"
    family: ClassVar[str] = "classification"
    inputs: ClassVar[Mapping[str, str]] = {"unlabelled": "?text"}
    columns: ClassVar[Mapping[str, object]] = {"text": str, "label": str}
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {"generator": ("completion", "logprobs")}
    prompts: ClassVar[Mapping[str, str]] = {
        "single": "{{ kind|capitalize }} ({{ phrase }}): {{ start }}",
        "pair": "{% if frame %}{{ frame }} {% endif %}{{ premise }} {{ connective }}",
        "next": "{{ premise }}",
        "acceptability": "{{ start }}",
    }

    form: Form = Field("single", description="What is written: single texts, pairs, next sentences, or sentences good and bad.")
    kind: str = Field("text", description="What a text is, as the prompt calls it, such as 'film review'.")
    phrases: dict[str, str] = Field(
        {}, description="Label to its words in the prompt, such as {pos: 'rating: 5 of 5'}; default: the label."
    )
    starts: list[str] = Field(
        list(STARTS), min_length=1, description="Beginnings of a text, drawn by chance.", json_schema_extra={"from": "repo: 8 of its own"}
    )
    connectives: dict[str, str] = Field(
        {}, description="Label to the words after the first sentence; default: ours for the usual relations."
    )
    frames: dict[str, str] = Field({}, description="Label to the words before the first sentence; default: hearsay for contradictions.")
    select: float = Field(0.1, gt=0, le=1, description="Share of candidates kept.", json_schema_extra={"from": "repo: 6000 of about 60k"})
    per_label: int = Field(
        100, ge=1, description="Rows of each label where 'rows' is not given.", json_schema_extra={"from": "repo: 6000 in all"}
    )
    no_sort: list[str] = Field(["neutral"], description="Labels drawn by chance, not by score.", json_schema_extra={"from": "repo"})
    temperature: float | None = Field(
        None, ge=0, description="Default by form: single 0.2, pair and next 0.", json_schema_extra={"from": "repo"}
    )
    temperatures: tuple[float, float] = Field((0.1, 10.0), description="Of acceptability.", json_schema_extra={"from": "repo"})
    top_k: int = Field(10, ge=0, description="0: not sent, for servers that have none (OpenAI's).", json_schema_extra={"from": "repo"})
    top_p: float = Field(1.0, gt=0, le=1, json_schema_extra={"from": "repo"})
    repetition_penalty: dict[str, float] = Field(
        {}, description="Label to the penalty, where the server has one; repo: rewards of 0.8 to 1.3."
    )
    max_tokens: int | None = Field(None, ge=1, description="Default by form: 40, next 100.", json_schema_extra={"from": "repo: 40 to 100"})
    likelihood: Likelihood = Field("logprobs", description="score: for servers that tell log-probabilities after temperature.")

    def columns_for(self, data: Mapping[str, Data]) -> Mapping[str, Any]:
        """Pairs have two texts."""
        return {"premise": str, "hypothesis": str, "label": str} if self.paired else self.columns

    @property
    def paired(self) -> bool:
        """Whether a row has a first sentence of the corpus."""
        return self.form in ("pair", "next")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        labels = labels_of(run, self.name)
        self.check(run, labels)
        quotas = split(self.rows or self.per_label * len(labels), labels)
        tries = ceil(round(max(quotas.values()) / self.select, 6))
        premises = self.premises(run, tries) if self.paired else []
        write = partial(self.write, run, list(labels), premises)
        found: dict[str, list[Record]] = {label: [] for label in labels}
        seen = Occurrences()
        async for record in run.map(write, self.slots(list(labels), len(premises) or tries), label="write", key=_key):
            same = {name: value for name, value in record.columns.items() if name != "label" or self.form != "acceptability"}
            if seen.next(canonical(same)):
                run.reject(record, DUPLICATE, detail="The same was written before.")
            else:
                found[record["label"]].append(record)
        if self.form == "acceptability":
            found = halves(found)
        lowest = list(labels)[1] if self.form == "acceptability" else None
        kept = {label: self.best(run, label, rows, quotas[label], lowest=label == lowest) for label, rows in found.items()}
        for turn in zip_longest(*kept.values()):
            for record in turn:
                if record is not None:
                    yield record

    def check(self, run: Run, labels: Mapping[str, str]) -> None:
        """What must be right before the first call."""
        if self.form in ("next", "acceptability") and len(labels) != 2:
            raise RequestError(f"supergen: form {self.form} has two labels; task.labels has {len(labels)}.", code="task.labels")
        if self.paired and not run.has("unlabelled"):
            raise RequestError(
                f"supergen: form {self.form} needs data 'unlabelled'. Give it with: --data unlabelled=FILE", code="data.missing"
            )
        if self.likelihood == "score" and not run.models()[0].can.score:
            raise RequestError(f"supergen: {run.models()[0].name} cannot score given texts. Set: likelihood=logprobs.", code="model.cannot")
        bare = [label for label in labels if self.form == "pair" and not self.connective(label)]
        if bare:
            raise RequestError(f"supergen needs a connective for label '{bare[0]}'. Set: connectives.", code="task.labels")

    def premises(self, run: Run, most: int) -> list[Record]:
        """The first sentences, from the beginning of the corpus; each is continued once for a label: greedy words are always the same."""
        found = list(islice(filled(run, "unlabelled", "text"), most))
        if not found:
            raise RequestError("data 'unlabelled' is empty. Give it with: --data unlabelled=FILE", code="data.empty")
        if len(found) < most:
            run.note(f"supergen: 'unlabelled' has {len(found)} texts where {most} candidates of a label were wanted.")
        return found

    def slots(self, labels: Sequence[str], tries: int) -> Iterator[Record]:
        """What is asked for, labels in turns; of `next` one call serves both labels."""
        for number in range(tries):
            for label in labels[:1] if self.form == "next" else labels:
                yield Record(label=label, meta={"number": number})

    async def write(self, run: Run, labels: Sequence[str], premises: Sequence[Record], slot: Record) -> AsyncIterator[Record]:
        """The candidates of one continuation: one, or for `next` one for each label."""
        label, rng = slot["label"], run.rng("start")
        premise = premises[slot.meta["number"]] if premises else None
        given = self.conditions(label, premise["text"] if premise else "", rng.choice(self.openings()))
        prompt = build(self.prompts[self.form], task=run.task, conditions=given, raw=True, stop=("\n",))
        most = None if self.form == "next" else 1
        reply = await run.ask(prompt, parse=partial(spoken, most=most), reasks=0, logprobs=True, **self.sampling(label, labels))
        sentences: list[Spoken] = reply.value
        used = [(label, sentences[0])]
        if self.form == "next" and len(sentences) > 1:
            used.append((labels[1], run.rng("later").choice(sentences[1:])))
        for mine, sentence in used:
            total = None
            if self.likelihood == "score":
                (total,) = await run.score(f"{prompt.text}{sentence.behind}", [sentence.text])
            yield self.record(mine, given, premise, sentence, sentence.mean(total))

    def openings(self) -> Sequence[str]:
        """The beginnings that a text may have; eight would give a few dozen sentences at temperature 0.1, so acceptability has any word."""
        if self.form == "acceptability" and self.starts == list(STARTS):
            return [word.capitalize() for word in word_list()]
        return self.starts

    def conditions(self, label: str, premise: str, start: str) -> dict[str, str]:
        """What the prompt of a label shows."""
        if self.form == "pair":
            frame = self.frames.get(label, ours.FRAMES.get(label, ""))
            return {"premise": premise, "connective": self.connective(label), "frame": frame}
        if self.form == "next":
            return {"premise": premise}
        phrase = {"kind": self.kind, "phrase": self.phrases.get(label, label.replace("_", " "))} if self.form == "single" else {}
        return {**phrase, "start": start}

    def connective(self, label: str) -> str:
        """The words between the two sentences of a label; "" where nobody said."""
        return self.connectives.get(label) or ours.CONNECTIVES.get(label, "")

    def sampling(self, label: str, labels: Sequence[str]) -> dict[str, Any]:
        """How a candidate of a label is sampled. Of acceptability the first label is the cold one."""
        if self.form == "acceptability":
            temperature = self.temperatures[labels.index(label)]
        else:
            temperature = ours.TEMPERATURES[self.form] if self.temperature is None else self.temperature
        penalty = {"repetition_penalty": self.repetition_penalty[label]} if label in self.repetition_penalty else {}
        top = {"top_k": self.top_k} if self.top_k and temperature else {}
        tokens = self.max_tokens or ours.TOKENS[self.form]
        return {"temperature": temperature, "top_p": self.top_p, "max_tokens": tokens, **top, **penalty}

    def record(self, label: str, given: Mapping[str, str], premise: Record | None, sentence: Spoken, score: float) -> Record:
        """A candidate with its score; a single text begins with its start."""
        meta: dict[str, Any] = {"conditions": {name: text for name, text in given.items() if name != "premise"}, "scores": {SCORE: score}}
        text = " ".join((given.get("start", "") + sentence.text).split())
        if premise is None:
            return Record(text=text, label=label, meta=meta)
        meta |= {"seed_ids": [premise.id], "origin": "mixed"}
        return Record(premise=premise["text"], hypothesis=text, label=label, meta=meta)

    def best(self, run: Run, label: str, rows: Sequence[Record], wanted: int, *, lowest: bool = False) -> list[Record]:
        """The kept rows of a label, best first; the others are turned away with their score. lowest: the worst are the best."""
        if label in self.no_sort and self.form != "acceptability":
            order, reason = run.rng("no_sort", label).sample(range(len(rows)), min(wanted, len(rows))), "not_drawn"
        else:
            order, reason = likeliest([-score_of(row) if lowest else score_of(row) for row in rows], wanted), "low_score"
        if len(order) < wanted:
            run.note(f"label '{label}' is {wanted - len(order)} short of {wanted} rows: {len(rows)} candidates were left.")
        kept = set(order)
        for at, row in enumerate(rows):
            if at not in kept:
                run.reject(row, reason, score=score_of(row))
        return [rows[at] for at in order]


def halves(found: Mapping[str, Sequence[Record]]) -> dict[str, list[Record]]:
    """All texts by score: the likelier half has the first label, the other the second, whatever temperature wrote them."""
    (first, second), rows = found, [row for each in found.values() for row in each]
    order = likeliest([score_of(row) for row in rows], len(rows))
    middle = (len(order) + 1) // 2
    return {
        first: [rows[at].replace(label=first) for at in order[:middle]],
        second: [rows[at].replace(label=second) for at in order[middle:]],
    }


def score_of(row: Record) -> float:
    """A candidate's mean log-probability."""
    return float(row.meta["scores"][SCORE])


def _key(slot: Record) -> str:
    return f"{slot['label']}-{slot.meta['number']}"
