"""SynthIE (Josifoski, Sakota, Peyrard, West, EMNLP 2023, arXiv 2303.04132): texts written for facts drawn from a graph."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from tilth.engine.method import Method
from tilth.errors import Failure, RequestError
from tilth.knowledge.graph import Graph, Triple, Walks
from tilth.knowledge.linear import linearise, ordered, unmentioned
from tilth.models.base import Reply
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.records.ids import hex_digest
from tilth.records.record import Record
from tilth.text.sentences import tokens

if TYPE_CHECKING:
    from tilth.engine.run import Run

_TRIES = 20
"""Walks for one new set before the graph counts as used up."""

_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
"""Names in bold, as chat models like to set them."""


class SynthIE(Method):
    """Sets of facts from a knowledge graph, and for each a text that states these and no others.

    Taking facts out of a text is hard for a model, writing a text for facts is easy: so the answer is drawn first.

    1. A walk over the graph gives a connected set of facts, its size drawn from `sizes`; no set comes twice.
    2. After each `reweigh` walks, relations and entities that were not drawn yet become likelier (1 / (count + smoothing)).
    3. One call: the model writes a text for the set. Turned away: refusals, cut replies, a reply that repeats the list, no
       whole sentence, and (with `check`) a text that leaves out a subject or object; it is asked once more and told which.
    4. The facts are put in the order in which the text mentions them, those of one subject together, and written as one
       line in two forms: `target`, and `target_collapsed`, where a subject stands once. Rows above `longest` tokens are
       turned away by the expanded form for both, so that both students learn from the same rows.
    5. `split` comes from a hash of the set: train, validation and test share no set, in further runs neither.

    Train a student from text to a target. `tilth.knowledge` has what it needs: `linear.parse`, `closed.Trie` (the names that it
    may write) and `closed.scores` (F1 of sets; by relation too).

    Differs: the graph is given, in the form of common benchmarks, where the paper filters Wikidata; the formula of the weights
    and the sizes are ours, the paper's are not told; the check for facts left out is ours, and coarse: it sees names, so a
    fact between two names that other facts bring in can be left out unseen, and facts that were added are not found. Names
    that stand for several entities are left out. When: a graph of the facts to be found in texts exists.
    Needs: triples (head, relation, tail); entities (id, name, and where there are any, aliases) if these are ids. Calls: 1 per text.
    """

    name: ClassVar[str] = "synthie"
    paper: ClassVar[str] = "2303.04132"
    family: ClassVar[str] = "extraction"
    inputs: ClassVar[Mapping[str, str]] = {"triples": "head relation tail", "entities": "?name"}
    columns: ClassVar[Mapping[str, object]] = {
        "text": str, "triples": "list", "entities": "list[str]", "relations": "list[str]",
        "target": str, "target_collapsed": str, "split": str,
    }  # fmt: skip
    prompts: ClassVar[Mapping[str, str]] = {
        "write": (
            "{% if task.about %}{{ task.about }}\n\n{% endif %}"
            "Each list holds facts as (subject; relation; object). Write one fluent text, as an encyclopaedia would, that states every "
            "fact of the last list and nothing else: leave none out, add none, and bring in nothing that you know besides. Use the names "
            "as they are given. Reply with the text alone.\n\n"
            "Facts:\n(Ada Holm; place of birth; Brenn)\n(Ada Holm; occupation; clockmaker)\n(Brenn; located on; Alme)\n"
            "Text: The clockmaker Ada Holm was born in Brenn, a town on the Alme.\n\n"
            "Facts:\n{% for one in facts %}({{ one.subject }}; {{ one.relation }}; {{ one.object }})\n{% endfor %}Text:"
        )
    }

    sizes: tuple[int, int] = Field(
        (1, 10), description="Fewest and most facts of a text.", json_schema_extra={"from": "paper; how spread: ours"}
    )
    reweigh: int = Field(20, ge=0, description="Walks between two re-weightings; 0: never, frequent relations prevail.")
    smoothing: float = Field(1.0, gt=0, description="Added to counts: the smaller, the likelier is what was not drawn yet.")
    relation_names: dict[str, str] = Field({}, description="Relation to how it is said; default: the last part, with spaces.")
    check: bool = Field(True, description="Turn away texts that do not mention each subject and object.")
    mention: float = Field(0.5, gt=0, le=1, description="Share of a name's letters that must stand in the text in one run of words.")
    longest: int = Field(
        256, ge=1, description="Most words and marks of a text and of its target.", json_schema_extra={"from": "repo, tokens"}
    )
    splits: dict[str, float] = Field(
        {"train": 0.8, "validation": 0.1, "test": 0.1}, min_length=1, description="Split to its share; shares are above 0."
    )
    max_retries: int = Field(3, ge=1, description="Rounds without a success before giving up.")
    temperature: float = Field(0.7, ge=0)
    max_tokens: int = Field(400, ge=1)

    @field_validator("sizes")
    @classmethod
    def _sizes(cls, sizes: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= sizes[0] <= sizes[1]:
            raise ValueError("sizes: the first is at least 1 and not above the second")
        return sizes

    @field_validator("splits")
    @classmethod
    def _splits(cls, splits: dict[str, float]) -> dict[str, float]:
        if min(splits.values()) <= 0:
            raise ValueError("splits: shares are above 0")
        return splits

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        rows, aliases = self.facts(run)
        walks, seen = Walks(Graph(rows), every=self.reweigh, smoothing=self.smoothing), set[frozenset[Triple]]()

        async def write(facts: Sequence[Triple]) -> Record:
            return await self.write(run, facts, [rows[fact] for fact in facts], aliases)

        missing = self.rows or max(1, round(2 * len(rows) / sum(self.sizes)))
        idle = 0
        while missing and idle < self.max_retries:
            sets = self.draw(walks, run.rng("walks"), missing, seen)
            kept = 0
            async for record in run.map(write, sets, label="write", key=named):
                kept += 1
                yield record
            missing, idle = missing - kept, 0 if kept else idle + 1
            if not sets:
                break
        if missing:
            run.note(f"synthie: {missing} rows short. The graph gave {len(seen)} different sets, or its last {idle} rounds no text.")
        run.artifact("synthie", coverage(walks))

    def facts(self, run: Run) -> tuple[dict[Triple, str], dict[str, list[str]]]:
        """Each fact as it is said, with the id of its row; and the aliases of names."""
        given = list(run.data("entities")) if run.has("entities") else []
        names = {str(row.id): spoken(str(row["name"] or "")) for row in given}
        aliases = {names[str(row.id)]: _listed(row.get("aliases")) for row in given}
        usable: list[Record] = []
        for row in run.data("triples"):
            if all(str(row[part] or "").strip() for part in ("head", "relation", "tail")):
                usable.append(row)
            else:
                run.reject(row, "empty_name", detail="head, relation or tail is empty.")
        used = dict.fromkeys(str(row[part]) for row in usable for part in ("head", "tail"))
        owners = Counter(names.get(one) or spoken(one) for one in used)
        relations = self.relations(dict.fromkeys(str(row["relation"]) for row in usable))
        facts: dict[Triple, str] = {}
        for row in usable:
            ends = [names.get(str(row[part])) or spoken(str(row[part])) for part in ("head", "tail")]
            shared = next((name for name in ends if owners[name] > 1), None)
            if shared is None:
                facts.setdefault(Triple(ends[0], relations[str(row["relation"])], ends[1]), str(row.id))
            else:
                run.reject(row, "ambiguous_name", detail=f"'{shared}' is the name of several entities.")
        if not facts:
            raise RequestError("synthie: 'triples' holds no usable fact. Each row needs head, relation and tail.", code="data.triples")
        return facts, aliases

    def relations(self, found: Iterable[str]) -> dict[str, str]:
        """How each relation is said; one whose last part others share is said in full."""
        short = {one: self.relation_names.get(one) or spoken(one.rsplit("/", 1)[-1]) for one in found}
        times = Counter(short.values())
        return {
            one: name if times[name] == 1 or one in self.relation_names else spoken(one.replace("/", " ")) for one, name in short.items()
        }

    def draw(self, walks: Walks, rng: Random, wanted: int, seen: set[frozenset[Triple]]) -> list[list[Triple]]:
        """Sets that were not drawn before, `wanted` of them where the graph has so many; `seen` grows."""
        sets: list[list[Triple]] = []
        for _ in range(wanted):
            for _ in range(_TRIES):
                facts = walks.draw(rng, rng.randint(*self.sizes))
                if len(facts) >= self.sizes[0] and frozenset(facts) not in seen:
                    seen.add(frozenset(facts))
                    sets.append(facts)
                    break
        return sets

    async def write(self, run: Run, facts: Sequence[Triple], seeds: list[str], aliases: Mapping[str, Sequence[str]]) -> Record:
        """A text for a set, with its facts in the order of the text."""
        if tokens(linearise(facts)) > self.longest:
            raise Failure("target_too_long", f"The facts have more than {self.longest} words and marks.")
        prompt = build(self.prompts["write"], task=run.task, conditions={"facts": facts}, parse=self.reader(facts, aliases))
        text = str((await run.ask(prompt, temperature=self.temperature, max_tokens=self.max_tokens)).value)
        told = ordered(facts, text)
        return Record(
            text=text,
            triples=[fact._asdict() for fact in told],
            entities=list(dict.fromkeys(name for fact in told for name in (fact.subject, fact.object))),
            relations=list(dict.fromkeys(fact.relation for fact in told)),
            target=linearise(told),
            target_collapsed=linearise(told, collapsed=True),
            split=self.split(facts),
            meta={"seed_ids": seeds, "conditions": {"facts": len(facts)}},
        )

    def reader(self, facts: Sequence[Triple], aliases: Mapping[str, Sequence[str]]) -> Callable[[Reply], str]:
        """What makes a text of a reply, or says why it is none."""
        plain = parsers.text()

        def read(reply: Reply) -> str:
            text = _BOLD.sub(r"\1", str(plain(reply)).removeprefix("Text:")).strip()
            squeezed = "".join(text.split()).casefold()
            if any("".join(f"{fact.subject};{fact.relation};{fact.object}".split()).casefold() in squeezed for fact in facts):
                raise Failure("echo", "Write sentences, do not repeat the list.")
            if not any(mark in text for mark in ".!?…。！？।"):
                raise Failure("no_sentence", "Write whole sentences.")
            if tokens(text) > self.longest:
                raise Failure("too_long", f"The text must have at most {self.longest} words.")
            names = dict.fromkeys(name for fact in facts for name in (fact.subject, fact.object))
            if self.check and (left := missed(names, text, aliases, self.mention)):
                raise Failure("missing_fact", f"The text must state every fact. It does not name: {', '.join(left)}.")
            return text

        return read

    def split(self, facts: Sequence[Triple]) -> str:
        """The split of a set: the same one whenever and in whatever order it is drawn."""
        at = int(named(facts)[:12], 16) / 16**12 * math.fsum(self.splits.values())
        for name, share in self.splits.items():
            at -= share
            if at < 0:
                return name
        return next(reversed(self.splits))


def named(facts: Sequence[Triple]) -> str:
    """A set's own name, whatever the order of its facts."""
    return hex_digest("facts", linearise(sorted(facts)))


def missed(names: Iterable[str], text: str, aliases: Mapping[str, Sequence[str]], share: float) -> list[str]:
    """The names that are not in the text, under an alias neither."""
    return [name for name in names if len(unmentioned([name, *aliases.get(name, ())], text, share=share)) > len(aliases.get(name, ()))]


def spoken(name: str) -> str:
    """With spaces for underscores.

    >>> spoken("_member_of")
    'member of'
    """
    return " ".join(name.replace("_", " ").split()) or name


def coverage(walks: Walks) -> dict[str, object]:
    """How evenly the graph was drawn: entropy in bits of the relations, and what was never drawn."""
    total = walks.relations.total()
    entropy = -math.fsum(n / total * math.log2(n / total) for n in walks.relations.values()) if total else 0.0
    known = dict.fromkeys(triple.relation for triple in walks.graph.triples)
    return {
        "relation_entropy_bits": round(entropy, 4),
        "relations": {name: walks.relations[name] for name in known},
        "entities_drawn": len(walks.entities),
        "entities": len(walks.graph.at),
    }


def _listed(aliases: object) -> list[str]:
    return [str(one) for one in aliases] if isinstance(aliases, list | tuple) else [aliases] if isinstance(aliases, str) and aliases else []
