"""The synthetic sets of benchmarks/lowdata.py: each is one Tilth run, so a run that was cut off goes on where it was."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

import tilth

LISTS: Final = Path(__file__).with_name("lowdata_lists.yaml")
MADE: Final = ("prefill", "zero_shot", "attrprompt")
"""Arms that the model writes, in the order in which they are made."""


def lists() -> dict[str, Any]:
    """What was fixed before the first run."""
    whole: dict[str, Any] = yaml.safe_load(LISTS.read_text("utf-8"))
    return whole


def flow_of(dataset: str, arm: str, seed: int, fixed: Mapping[str, Any]) -> tilth.Flow:
    """The flow that writes `arm`: prefill and attrprompt are the method AttrPrompt, zero_shot is a prompt column."""
    ours = fixed[dataset]
    tokens = ours["max_tokens"]["prefill" if arm == "prefill" else "chat"]
    model = {"model": "local", **fixed["sampling"], "max_tokens": tokens}
    if arm == "zero_shot":
        generate: dict[str, Any] = {"columns": {"label": {"values": "labels"}, "text": {"prompt": ours["zero_shot"], "max_tokens": tokens}}}
    else:
        given = {**fixed["sampling"], "max_tokens": tokens, "length": [], "similar_labels": 0, "reasks": int(arm == "prefill")}
        given |= {"attributes": ours["attributes"], "label_attributes": ours["label_attributes"], "prompts": {"text": ours["attributed"]}}
        generate = {"method": "attrprompt", "with": given | ({"prefill": ours["prefill"]} if arm == "prefill" else {})}
    generate["rows"] = fixed["rows"]
    return tilth.Flow(name=name_of(dataset, arm, seed), seed=seed, models={"generator": model}, task=ours["task"], generate=generate)


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
        outcome = tilth.run(flow_of(dataset, arm, seed, fixed), runs=runs)
        line = {"run": name_of(dataset, arm, seed), "status": outcome.status, "kept": outcome.kept, "rejected": outcome.rejected}
        line |= {"tokens_out": outcome.tokens_out, "seconds": round(time.monotonic() - began, 1), "calls": outcome.calls}
        line |= {"from_journal": outcome.from_journal, "reasons": {"/".join(key): n for key, n in outcome.reasons.items()}}
        line |= {"warnings": outcome.warnings, "lists": hashlib.sha256(LISTS.read_bytes()).hexdigest()[:12]}
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
