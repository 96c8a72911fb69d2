"""The synthetic sets of benchmarks/lowdata.py: each is one Tilth run, so a run that was cut off goes on where it was."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import yaml

import tilth
from tilth.engine.run import Run
from tilth.methods.classification._attributes import Attributes
from tilth.methods.classification.attrprompt import AttrPrompt
from tilth.prompts import parsers
from tilth.prompts.prompt import build
from tilth.records.record import Record

LISTS: Final = Path(__file__).with_name("lowdata_lists.yaml")
MADE: Final = ("prefill", "zero_shot", "attributed")
"""Arms that the model writes, in the order in which they are made."""


def lists() -> dict[str, Any]:
    """What was fixed before the first run."""
    whole: dict[str, Any] = yaml.safe_load(LISTS.read_text("utf-8"))
    return whole


class Attributed(AttrPrompt):
    """AttrPrompt whose replies are cut after their last finished sentence, like the texts of every other arm.

    The method itself turns away a reply that does not end within max_tokens. Without a given beginning these were 724 of
    the first 983 with this model, and what was left would have been its shortest texts only.
    """

    name: ClassVar[str] = "attrprompt-cut"

    async def write(
        self,
        run: Run,
        labels: Mapping[str, str],
        similar: Mapping[str, list[str]],
        attributes: Attributes,
        support: list[Record],
        slot: Record,
    ) -> Record:
        """As in the method, without prefill, demonstrations and requirements."""
        label = slot["label"]
        values = {name: choice.value for name, choice in attributes.draw(label, run.rng("attributes")).items()}
        conditions = {**values, "label": label, "definition": labels[label]}
        parse = parsers.text(min_words=4, cut="sentence")
        prompt = build(self.prompts["text"], task=run.task, conditions=conditions, parse=parse)
        reply = await run.ask(prompt, reasks=0, temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens)
        return Record(text=reply.value, label=label, meta={"conditions": values, "scores": {}})


def flow_of(dataset: str, arm: str, fixed: Mapping[str, Any]) -> tilth.Flow | AttrPrompt:
    """What writes `arm`: prefill is the method AttrPrompt, attributed the same without openings, zero_shot a prompt column."""
    ours = fixed[dataset]
    tokens = ours["max_tokens"]["prefill" if arm == "prefill" else "chat"]
    given = {**fixed["sampling"], "max_tokens": tokens, "length": [], "similar_labels": 0, "prompts": {"text": ours["attributed"]}}
    given |= {"attributes": ours["attributes"], "label_attributes": ours["label_attributes"]}
    if arm == "attributed":
        del given["prompts"]  # as it was measured: the class has the prompt, which a method object may now be given as well
        prompts = {"__module__": __name__, "prompts": {**AttrPrompt.prompts, "text": ours["attributed"]}}
        own: type[Attributed] = type("Attributed", (Attributed,), prompts)
        return own(rows=fixed["rows"], **given)
    generate: dict[str, Any] = {"method": "attrprompt", "with": {**given, "reasks": 1, "prefill": ours["prefill"]}}
    if arm == "zero_shot":
        generate = {"columns": {"label": {"values": "labels"}, "text": {"prompt": ours["zero_shot"], "max_tokens": tokens}}}
    return tilth.Flow(task=ours["task"], generate={**generate, "rows": fixed["rows"]})


def options_of(dataset: str, arm: str, seed: int, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """What the run is given beside its flow."""
    tokens = fixed[dataset]["max_tokens"]["prefill" if arm == "prefill" else "chat"]
    model = {"model": "local", **fixed["sampling"], "max_tokens": tokens}
    return {"models": {"generator": model}, "seed": seed, "task": fixed[dataset]["task"], "name": name_of(dataset, arm, seed)}


def name_of(dataset: str, arm: str, seed: int) -> str:
    """Name of the run's folder."""
    return f"{dataset}-{arm.replace('_', '-')}-{seed}"


def plan(fixed: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """(dataset, arm, seed) of every set, what the bars need first."""
    order = [("sst2", MADE[:2]), ("trec6", MADE[:1]), ("sst2", MADE[2:]), ("trec6", MADE[1:])]
    for dataset, arms in order:
        yield from ((dataset, arm, seed) for seed in fixed["generation_seeds"] for arm in arms)


def make(runs: Path, log: Path, seeds: Container[int]) -> None:
    """Make every set of these seeds that is not there yet; a line of JSON per run goes to `log`."""
    fixed = lists()
    for dataset, arm, seed in (one for one in plan(fixed) if one[2] in seeds):
        began = time.monotonic()
        outcome = tilth.run(flow_of(dataset, arm, fixed), runs=runs, **options_of(dataset, arm, seed, fixed))
        line = {"run": name_of(dataset, arm, seed), "status": outcome.status, "kept": outcome.kept, "rejected": outcome.rejected}
        line |= {"tokens_out": outcome.tokens_out, "seconds": round(time.monotonic() - began, 1), "calls": outcome.calls}
        line |= {"from_journal": outcome.from_journal, "reasons": {"/".join(key): n for key, n in outcome.reasons.items()}}
        line |= {"warnings": outcome.warnings, "lists": hashlib.sha256(LISTS.read_bytes()).hexdigest()[:12]}
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
