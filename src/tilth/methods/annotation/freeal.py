"""FreeAL (Xiao, Dong, Zhao, Wu, Lin, Chen, Wang, EMNLP 2023, arXiv 2311.15614): an LLM and a student label a pool for each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from tilth.engine.method import Method
from tilth.errors import Failure
from tilth.generate.labelling import Pool, pool
from tilth.generate.quotas import split
from tilth.methods.annotation._refinery import Refined, learn, nearest_of
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.prompts.template import Template
from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run


class FreeAL(Method):
    """Labels of a pool of texts without any human label: the LLM annotates, a small model finds the clean ones, the LLM goes again.

    1. The LLM writes labelled examples from scratch; each text of the pool is annotated behind the `shots` most similar ones.
       A reply that is no label counts as none; no loss ever sees it.
    2. A small model, stopped early, learns these labels. Rows with a small loss are clean: the posterior of the lower component
       of a two-component Gaussian mixture over the losses is above `clean`. It learns again, from the clean rows alone.
    3. Where it agrees with the LLM, the surest `trusted` share of each class is kept as it is. Of these, clusters give
       `demonstrations` medoids; each text gets its nearest ones, equally many per class, never itself.
    4. The LLM annotates all but the trusted rows anew, with these demonstrations; 2 follows. `rounds` annotations in all.

    The label is the small model's; ``llm_label``, ``p_clean``, ``trusted`` and the round stay with the record.

    Differs: the small model is logistic regression on sentence vectors in which each class weighs the same; early stopping is its
    penalty. So there is no back-translation, mix-up or consistency loss. When: hundreds of texts without labels, and an LLM that
    knows the task (with a handful, a mixture of losses tells nothing). The label is the small model's also where the LLM is the
    better one (docs/quality.md: 120 rows, 5 to 10 points); compare ``llm_label``. Scores on the pool itself are transductive: they
    say nothing about new texts.
    Needs: task.labels. Calls: `generated`, then 1 per text and round, without the trusted ones.
    """

    name: ClassVar[str] = "freeal"
    paper: ClassVar[str] = "2311.15614"
    family: ClassVar[str] = "annotation"
    inputs: ClassVar[Mapping[str, str]] = {"unlabelled": "text"}
    columns: ClassVar[Mapping[str, object]] = {"text": str, "label": str, "label_probs": "dict | None", "llm_label": "str | None"}
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1, "embedder": 1}
    prompts: ClassVar[Mapping[str, str]] = {
        "invent": (
            "{{ task.about }}\n"
            "The labels are:\n{% for name in labels %}\n- {{ name }}{{ ': ' ~ labels[name] if labels[name] }}\n{% endfor %}\n"
            'Write one realistic text whose label is "{{ label }}" and none of the others. Number {{ number }} of a varied set: choose a '
            "subject that few would think of. Reply with the text alone."
        ),
        "system": (
            "You label texts. {{ task.about }}\n"
            "{% if task.codebook %}{{ task.codebook }}\n{% endif %}"
            "The labels are:\n{% for name in labels %}\n- {{ name }}{{ ': ' ~ labels[name] if labels[name] }}\n{% endfor %}\n"
            "You reply with exactly one label and nothing else."
        ),
        "query": "{{ text }}\n\nWhich label has this text?",
    }

    rounds: int = Field(2, ge=1, description="Annotations of the pool by the LLM.", json_schema_extra={"from": "paper"})
    shots: int = Field(10, ge=1, description="Demonstrations before each text.", json_schema_extra={"from": "repo, shot_num"})
    generated: int = Field(100, ge=0, description="Examples that the LLM writes first, over all labels.")
    demonstrations: int = Field(100, ge=1, description="Medoids in all.", json_schema_extra={"from": "repo, select_demo_num"})
    clean: float = Field(0.7, ge=0, le=1, description="Posterior above which a row is clean.", json_schema_extra={"from": "repo"})
    trusted: float = Field(0.2, ge=0, le=1, description="Share of a class that is trusted.", json_schema_extra={"from": "repo, rho"})
    strength: float = Field(1.0, gt=0, description="C of the early student, on unit vectors; small is early.")
    max_tokens: int | None = Field(None, ge=1, description="Of a written example; default: the role's.")

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        labels, source = dict(run.task.labels), pool(run, self.rows, by_id=False)
        rows, texts = source.rows, source.texts
        vectors = await run.embed(texts)
        shown = await self.first_demonstrations(run, labels, texts)
        found = await self.annotate(run, labels, source, shown, [None] * len(rows), 0)
        refined = await self.refine(run, vectors, found)
        rounds, demos = [0] * len(rows), [list[int]() for _ in rows]
        for number in range(1, self.rounds):
            demos = refined.shown(vectors, self.shots, list(labels))
            shown = [[(texts[i], refined.labels[i]) for i in one] for one in demos]
            kept = [name if trusted else None for name, trusted in zip(refined.labels, refined.trusted, strict=True)]
            rounds = [before if one else number for before, one in zip(rounds, kept, strict=True)]
            found = await self.annotate(run, labels, source, shown, kept, number)
            refined = await self.refine(run, vectors, found)
        for at, row in enumerate(rows):
            label = refined.labels[at] or found[at]
            conditions = {"demonstrations": [rows[i].id for i in demos[at]]}
            scores = {"p_clean": refined.p_clean[at], "trusted": float(refined.trusted[at])}
            about = {"labelled_by": run.models()[0].identity, "round": rounds[at], "scores": scores, "conditions": conditions}
            columns = {"label": label, "label_probs": refined.probs[at] or None, "llm_label": found[at]}
            record = Record({**row.columns, **columns}, meta={**row.meta, **about})
            if label is None:
                run.reject(record, "no_label", detail="No reply named a label, and no student could learn one.")
            else:
                yield record

    async def first_demonstrations(self, run: Run, labels: Mapping[str, str], texts: Sequence[str]) -> list[list[tuple[str, str]]]:
        """Examples that the LLM writes to each label; for each text the most similar ones, the nearest last."""

        async def invent(slot: Record) -> tuple[str, str]:
            conditions = {"label": slot["label"], "number": slot["number"] + 1}
            prompt = build(self.prompts["invent"], task=run.task, conditions=conditions, parse=parsers.text())
            return str((await run.ask(prompt, max_tokens=self.max_tokens)).value), slot["label"]

        slots = [Record(label=label, number=n) for label, quota in split(self.generated, labels).items() for n in range(quota)]
        made = await run.map(invent, slots, label="invent", key=lambda slot: f"{slot['label']}-{slot['number']}", on_failure="keep")
        written = [one for one in made if not isinstance(one, Failure)]
        if len(written) < len(slots):
            run.note(f"freeal: {len(slots) - len(written)} of {len(slots)} written examples could not be used.")
        if not written:
            return [[] for _ in texts]
        vectors = await run.embed([*texts, *(text for text, _ in written)])
        nearest = nearest_of(vectors[: len(texts)], vectors[len(texts) :], self.shots)
        return [[written[i] for i in reversed(one)] for one in nearest]

    async def annotate(
        self,
        run: Run,
        labels: Mapping[str, str],
        source: Pool,
        shown: Sequence[Sequence[tuple[str, str]]],
        kept: Sequence[str | None],
        number: int,
    ) -> list[str | None]:
        """One label for each text, None where the reply names none; what is kept from the round before costs no call."""
        system = Template(self.prompts["system"]).render(task=run.task, labels=labels)
        query, texts = Template(self.prompts["query"]), source.texts

        async def label(at: int) -> str | None:
            messages = [{"role": "system", "content": system}]
            for text, answer in shown[at]:
                messages += [{"role": "user", "content": query.render(text=text)}, {"role": "assistant", "content": answer}]
            messages.append({"role": "user", "content": query.render(text=texts[at])})
            return str((await run.ask(messages, parse=parsers.label(labels), reasks=0, temperature=0.0)).value)

        asked = [at for at, one in enumerate(kept) if one is None]
        answers = await run.map(label, asked, label=f"annotate {number}", key=lambda at: source.rows[at].id, on_failure="keep")
        found = list(kept)
        for at, answer in zip(asked, answers, strict=True):
            found[at] = None if isinstance(answer, Failure) else answer
        if missing := sum(one is None for one in found):
            run.note(f"freeal: {missing} of {len(found)} replies in round {number} named no label; no loss saw these rows.")
        return found

    async def refine(self, run: Run, vectors: Any, found: Sequence[str | None]) -> Refined:
        """What the student makes of the LLM's labels."""
        made = await run.do(learn, vectors, list(found), self.strength, self.clean, self.trusted, self.demonstrations, run.seed)
        return Refined(**made)
