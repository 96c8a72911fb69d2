"""Mixture of soft prompts (MSP: Chen, Lee, Lu, Rosati, Yu, Findings of EMNLP 2023, arXiv 2303.01580): conditions as tuned vectors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import RequestError
from tilth.generate.quotas import DUPLICATE
from tilth.generate.rows import filled
from tilth.methods.classification._tuning import VERSION, Backend, ready, sampled, tuned
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.prompts.template import Template
from tilth.records.ids import Occurrences, canonical
from tilth.records.record import Record
from tilth.score.noise import evenness, histogram, noise, quietest
from tilth.train.mixtures import Mixture
from tilth.train.tunable import State

if TYPE_CHECKING:
    from tilth.engine.run import Run

WRITERS: Mapping[Backend, str] = {"ngram": "a trigram model", "smollm2-135m": "a 135M model with tuned prompts"}
CHUNK = 50
"""Texts that are sampled, and journaled, at once."""


@dataclass(frozen=True)
class Seed:
    """A real text with its attributes, sorted."""

    id: str
    text: str
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """A text that is to be written: for the seed that it is compared with, and from which chance."""

    seed: Seed
    attributes: tuple[str, ...]
    context: str
    chance: int


class SoftPrompting(Method):
    """New texts for combinations of attributes, from one tuned soft prompt per attribute on a frozen model.

    1. A soft prompt for the instruction and one for each attribute begin as the vectors of their words. On the seeds, each behind up
       to `shots` others that share an attribute, they learn to make the model write the seed; the model's weights stay.
    2. The prompts of a combination are mixed: laid one after the other, averaged, or weighed by what the input asks for.
    3. Each seed's attributes, alone or joined with another seed's (`novel`), are written `tries` times.
    4. Turned away: texts that did not end, copies of seeds, texts of one character, texts without a value that an attribute demands.
    5. Noise: half the share of seeds that have the attributes already, half the distance from the seed. The `per_seed` x seeds texts
       with the least stay: one cut over all, no quota for a seed or an attribute.

    Differs: the backend ``ngram`` is a trigram model of the seeds and of `unlabelled` that every machine can tune; ``smollm2-135m``
    is the embedded model, by torch. GODEL-large, the model of the paper, is neither. The mixture cnn is left out. Copies of any
    seed go, not of a text's own alone. More texts are tried (6 for each seed) than stay (4), else the cut would remove none. When: a
    few labelled texts with several attributes each. Needs: support with a list of attributes; task.labels may describe them.
    Calls: none; with `describe` 1 per attribute.
    """

    name: ClassVar[str] = "soft-prompting"
    paper: ClassVar[str] = "2303.01580"
    family: ClassVar[str] = "classification"
    inputs: ClassVar[Mapping[str, str]] = {"support": "text attributes", "unlabelled": "?text"}
    columns: ClassVar[Mapping[str, object]] = {"text": str, "attributes": "list[str]"}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "embedder": 1}
    prompts: ClassVar[Mapping[str, str]] = {
        "context": "{% for text in shown %}\nText: {{ text }}\n{% endfor %}\nText about {{ attributes|join(', ') }}:",
        "describe": (
            "{% if task.about %}{{ task.about }}\n{% endif %}"
            "Some texts have the attribute '{{ attribute }}':\n{% for text in shown %}\n- {{ text }}{% endfor %}\n\n"
            "Say in at most ten plain words what this attribute means. Reply with these words alone."
        ),
    }

    backend: Backend = Field("ngram", description="The frozen model: n-grams of the seeds, or the embedded weights (extra 'train').")
    mixture: Mixture = Field("attention", description="How prompts of attributes are combined.", json_schema_extra={"from": "paper"})
    instruction: str = Field("Show me distinct texts.", description="What all texts are; the shared prompt begins as these words.")
    length: int = Field(20, ge=1, description="Vectors of an attribute.", json_schema_extra={"from": "paper"})
    instruction_length: int = Field(100, ge=1, description="Vectors of the instruction.", json_schema_extra={"from": "paper"})
    dimension: int = Field(64, ge=2, description="Of a vector of the n-gram model.")
    rate: float = Field(0.1, gt=0, description="Of Adam.", json_schema_extra={"from": "repo"})
    batch: int = Field(8, ge=1, description="Seeds of a step.", json_schema_extra={"from": "repo"})
    epochs: int = Field(14, ge=1, description="Passes over the seeds.", json_schema_extra={"from": "repo"})
    shots: int = Field(2, ge=0, description="Seeds shown before a text.", json_schema_extra={"from": "repo, num_shot"})
    per_seed: int = Field(4, ge=1, description="Texts kept for each seed where 'rows' is not given.", json_schema_extra={"from": "repo"})
    tries: int = Field(6, ge=1, description="Texts written where per_seed are kept.")
    novel: float = Field(0.5, ge=0, le=1, description="Share of combinations that join the attributes of two seeds.")
    combinations: list[list[str]] = Field([], description="Combinations that are written instead of drawn ones; of known attributes.")
    values: dict[str, list[str]] = Field({}, description="Attribute to words of which its texts must hold one.")
    describe: bool = Field(False, description="The generator describes attributes of which task.labels says nothing.")
    temperature: float = Field(1.0, ge=0, json_schema_extra={"from": "repo, 1 to 2"})
    repetition_penalty: float = Field(
        1.4, ge=1, description="Tokens that stand there already are made less likely; 1: not.", json_schema_extra={"from": "repo, 1.2 to 2"}
    )
    max_tokens: int = Field(64, ge=1)

    def model_post_init(self, context: Any, /) -> None:
        """A generator is needed only where it describes attributes."""
        super().model_post_init(context)
        if not self.describe:
            self.__dict__["roles"] = {"embedder": 1}

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        seeds = self.seeds(run)
        names = sorted({name for seed in seeds for name in seed.attributes})
        self.check(names)
        given = await self.given(run, seeds, names)
        others = filled(run, "unlabelled", "text") if run.has("unlabelled") else ()
        corpus = [*(seed.text for seed in seeds), *(str(row["text"]) for row in others)]
        state = await self.tune(run, given, corpus, seeds)
        run.note(f"soft-prompting: the texts are by {WRITERS[self.backend]}: they prove that the flow works, not that the data are good.")
        keep = self.rows or self.per_seed * len(seeds)
        wanted = list(self.wanted(run, seeds, max(keep, ceil(keep * self.tries / self.per_seed))))
        chunks = [{"start": at, "wanted": wanted[at : at + CHUNK]} for at in range(0, len(wanted), CHUNK)]

        async def write(chunk: Mapping[str, Any]) -> AsyncIterator[Record]:
            asked = [(list(one.attributes), one.context, one.chance) for one in chunk["wanted"]]
            decoding = {name: getattr(self, name) for name in ("temperature", "repetition_penalty", "max_tokens")}
            texts = await run.do(sampled, given, corpus, state, asked, decoding, version=VERSION)
            for one, written in zip(chunk["wanted"], texts, strict=True):
                conditions = {"mixture": self.mixture, "backend": self.backend, "new": one.attributes != one.seed.attributes}
                meta = {"seed_ids": [one.seed.id], "conditions": conditions, "scores": {"logprob": written["logprob"]}}
                record = Record(text=written["text"], attributes=list(one.attributes), meta=meta)
                if written["finish"] == "length":
                    run.reject(record, "unfinished", detail=f"It had not ended after {self.max_tokens} tokens.")
                else:
                    yield record

        rows = [row async for row in run.map(write, chunks, label="write", key=lambda chunk: chunk["start"])]
        async for row in self.denoised(run, self.usable(run, rows, seeds), seeds, keep, State.unpacked(state)):
            yield row

    def seeds(self, run: Run) -> list[Seed]:
        """The support; rows without a text or without an attribute are turned away."""
        found = []
        for row in run.data("support"):
            text, attributes = " ".join(str(row.get("text") or "").split()), names_of(row.get("attributes"))
            if not text or not attributes:
                run.reject(row, "no_attribute" if text else "no_text")
            else:
                found.append(Seed(str(row.id), text, attributes))
        if not found:
            raise RequestError("soft-prompting: no row of 'support' has a text and attributes.", code="data.support")
        return found

    def check(self, names: Sequence[str]) -> None:
        """What must be right before the first call; nothing is tuned for attributes that no seed has."""
        ready(self.backend)
        asked = [("combinations", name) for one in self.combinations for name in one] + [("values", name) for name in self.values]
        for where, name in asked:
            if name not in names:
                what = f"soft-prompting: {where} names '{name}', which no seed has. There are: {', '.join(names)}."
                raise RequestError(what, code="method.attribute")
        if not all(self.combinations):
            raise RequestError("soft-prompting: a combination names no attribute.", code="method.attribute")

    async def given(self, run: Run, seeds: Sequence[Seed], names: Sequence[str]) -> dict[str, Any]:
        """How the prompts are made; attributes with their descriptions, from the task or from the generator."""

        async def describe(name: str) -> tuple[str, str]:
            shown = [seed.text for seed in seeds if name in seed.attributes][: max(2, self.shots)]
            prompt = build(self.prompts["describe"], task=run.task, conditions={"attribute": name, "shown": shown}, parse=parsers.text())
            return name, str((await run.ask(prompt)).value)

        about = {name: run.task.labels.get(name) or plain(name) for name in names}
        if self.describe:
            unknown = [name for name in names if not run.task.labels.get(name)]
            found = await run.map(describe, unknown, label="describe", on_failure="keep")
            about |= dict(one for one in found if isinstance(one, tuple))
        fields = ("backend", "mixture", "instruction", "length", "instruction_length", "dimension")
        return {"attributes": about, "seed": run.seed, **{name: getattr(self, name) for name in fields}}

    async def tune(self, run: Run, given: Mapping[str, Any], corpus: Sequence[str], seeds: Sequence[Seed]) -> dict[str, Any]:
        """The tuned conditions, packed; journaled, and written beside the rows for whoever wants to go on with them."""
        objective = {"rate": self.rate, "batch": self.batch, "epochs": self.epochs, "seed": run.seed}
        contexts = [self.context(run, seeds, seed.attributes, seed) for seed in seeds]
        conditions = [list(seed.attributes) for seed in seeds]
        rows = [seed.text for seed in seeds]
        state: dict[str, Any] = await run.do(tuned, given, corpus, rows, conditions, contexts, objective, version=VERSION)
        run.artifact("conditions", state)
        return state

    def context(self, run: Run, seeds: Sequence[Seed], attributes: Sequence[str], target: Seed | None) -> str:
        """What stands before a text: seeds that share an attribute with it, never its own words, and the names of its attributes."""
        own = target.text if target else None
        sharing = [seed.text for seed in seeds if seed.text != own and set(seed.attributes) & set(attributes)]
        shown = run.rng("shots").sample(sharing, min(self.shots, len(sharing)))
        return Template(self.prompts["context"]).render(shown=shown, attributes=[plain(name) for name in attributes])

    def wanted(self, run: Run, seeds: Sequence[Seed], n: int) -> Iterator[Wanted]:
        """What is written: given combinations, or the seeds in turns with their own or joined attributes."""
        rng, most = run.rng("combinations"), max(2, *(len(seed.attributes) for seed in seeds))
        given = [tuple(sorted(set(one))) for one in self.combinations]
        for number in range(n):
            seed = seeds[number % len(seeds)]
            attributes = seed.attributes
            if given:
                attributes = given[number % len(given)]
                near = max(len(set(attributes) & set(one.attributes)) for one in seeds)
                seed = rng.choice([one for one in seeds if len(set(attributes) & set(one.attributes)) == near])
            elif rng.random() < self.novel:
                joined = tuple(sorted({*attributes, *rng.choice(seeds).attributes}))
                attributes = joined if len(joined) <= most else attributes
            yield Wanted(seed, attributes, self.context(run, seeds, attributes, None), rng.getrandbits(31))

    def usable(self, run: Run, rows: Sequence[Record], seeds: Sequence[Seed]) -> list[Record]:
        """The rows that are scored; the others are turned away by name."""
        real, seen, kept = {seed.text.casefold() for seed in seeds}, Occurrences(), list[Record]()
        for row in rows:
            missing = next((name for name in row["attributes"] if not holds(row["text"], self.values.get(name, ()))), None)
            if len(row["text"]) <= 1:
                run.reject(row, "too_short")
            elif row["text"].casefold() in real:
                run.reject(row, "copied", detail="It is a seed.")
            elif missing is not None:
                run.reject(row, "value_missing", detail=f"It holds none of: {', '.join(self.values[missing])}.")
            elif seen.next(canonical(row.columns)):
                run.reject(row, DUPLICATE)
            else:
                kept.append(row)
        return kept

    async def denoised(self, run: Run, rows: Sequence[Record], seeds: Sequence[Seed], keep: int, state: State) -> AsyncIterator[Record]:
        """The `keep` rows of least noise, least first; and what became of the attributes, told beside the rows."""
        vectors = await run.embed([*(seed.text for seed in seeds), *(row["text"] for row in rows)])
        place = {seed.id: at for at, seed in enumerate(seeds)}
        own = [place[row.meta["seed_ids"][0]] for row in rows]
        known = [seed.attributes for seed in seeds]
        values = noise([row["attributes"] for row in rows], known, vectors[len(seeds) :], vectors[own]).tolist() if rows else []
        order = quietest(values, [str(row.id) for row in rows], keep)
        counts = {"seeds": histogram(known), "written": histogram([row["attributes"] for row in rows])}
        counts["kept"] = histogram([rows[at]["attributes"] for at in order])
        even = {name: evenness({one: found.get(one, 0) for one in counts["seeds"]}) for name, found in counts.items()}
        run.artifact("attributes", {"counts": counts, "evenness": even, "losses": state.losses})
        if len(order) < keep:
            run.note(f"soft-prompting: {keep - len(order)} short of {keep} rows: {len(rows)} usable texts were written. More: tries.")
        for at, row in enumerate(rows):
            row.meta["scores"] = {**row.meta["scores"], "noise": values[at]}
        for at in sorted(set(range(len(rows))) - set(order)):
            run.reject(rows[at], "noisy", score=values[at])
        for at in order:
            yield rows[at]


def names_of(given: Any) -> tuple[str, ...]:
    """Attributes as a list, or as a text with ``;`` or ``,`` between them; each once, sorted.

    >>> names_of("late; dear,late")
    ('dear', 'late')
    """
    parts = given.replace(";", ",").split(",") if isinstance(given, str) else given or ()
    return tuple(sorted({str(part).strip() for part in parts} - {""}))


def plain(name: str) -> str:
    """A name as words."""
    return name.replace("_", " ")


def holds(text: str, words: Sequence[str]) -> bool:
    """Whether a text holds one of the words; where none is demanded it does."""
    return not words or any(word.casefold() in text.casefold() for word in words)
