"""How much of the gain hangs on the word lists, the weights and the precision: diagnosis beside the headline of benchmarks/lowdata.py.

Every set here is SST-2, AttrPrompt with prefill, one generation seed; its openings alone are its T. They are measured with the
same draws of real rows and the same test rows as the headline, at 8 real rows per class with TF-IDF.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from lowdata_make import flow_of, lists, name_of, options_of
from lowdata_sets import Rows, finished, openings, real, shared_out

import tilth
from tilth.evaluate.utility.arms import REAL, TEMPLATES
from tilth.evaluate.utility.experiment import Design, experiment, tfidf

MORE: Final = Path(__file__).with_name("lowdata_more_lists.yaml")
DEMO: Final = Path(__file__).parents[1] / "src/tilth/assets/demo/classification.yaml"
SEED: Final = 1


def variants() -> dict[str, dict[str, Any]]:
    """Name to what `lists` gives, with other word lists for SST-2, or with the openings of `tilth demo`."""
    out = {}
    for name, more in yaml.safe_load(MORE.read_text("utf-8")).items():
        fixed = lists()
        fixed["sst2"] |= {"attributes": more.get("attributes", fixed["sst2"]["attributes"])}
        fixed["sst2"] |= {"label_attributes": {"judgement": more["judgement"]}}
        fixed["sst2"]["prefill"] = dict.fromkeys(more["judgement"], more["openings"])
        out[name] = fixed
    out["demo-openings"] = fixed = lists()
    fixed["sst2"]["prefill"] = yaml.safe_load(DEMO.read_text("utf-8"))["generate"]["with"]["prefill"]
    return out


def spread(runs: Path) -> None:
    """Make the sets that are not there yet; measure each beside its own T."""
    found: dict[str, tuple[Rows, Mapping[str, Any]]] = {}
    for seed in lists()["generation_seeds"]:
        if rows := finished(runs / name_of("sst2", "prefill", seed)):
            found[f"committed, generation {seed}"] = rows, lists()
    for name, fixed in variants().items():
        found[name] = _made(runs, f"spread-{name}", fixed, "local"), fixed
    found["committed, default precisions"] = _made(runs, "spread-fast", lists(), "local?fast"), lists()
    (train, _), test = shared_out("sst2"), real("sst2", "test")
    design = Design(sizes=(16,), seeds=tuple(range(lists()["shot_seeds"])), per_label=True, ways=("add",), eda=0)
    out = {}
    for name, (rows, fixed) in found.items():
        templates = openings(rows, fixed["sst2"]["end"], least=0)
        sets = {TEMPLATES: [templates], "AP": [rows]}
        table = experiment(train, test, sets, design, students=[tfidf(lists()["C"]["tfidf"])])
        by_arm = {row["arm"]: row for row in table.rows()}
        out[name] = {"real": by_arm[REAL], "T": by_arm[TEMPLATES], "AP": by_arm["AP"], **_described(rows, templates)}
        out[name]["common"] = round(common(train, fixed["sst2"]["label_attributes"]["judgement"]), 4)
    (runs / "results" / "sst2-spread.json").write_text(json.dumps(out, indent=1))


def common(train: Rows, judgement: Mapping[str, list[str]]) -> float:
    """Share of the real train rows (no test row) in which a judgement of the lists occurs, without its article."""
    said = [re.escape(re.sub("^(a|the) ", "", value)) for values in judgement.values() for value in values]
    found = re.compile(rf"\b({'|'.join(said)})\b")
    return sum(found.search(row["text"].lower()) is not None for row in train) / len(train)


def _made(runs: Path, name: str, fixed: Mapping[str, Any], model: str) -> Rows:
    options = options_of("sst2", "prefill", SEED, fixed) | {"name": name}
    options["models"]["generator"]["model"] = model
    tilth.run(flow_of("sst2", "prefill", fixed), runs=runs, **options)
    rows = finished(runs / name)
    assert rows, f"{name} did not end"
    return rows


def _described(rows: Rows, templates: Rows) -> dict[str, Any]:
    words = [sum(len(row["text"].split()) for row in some) / len(some) for some in (rows, templates)]
    return {"words": round(words[0], 1), "words_T": round(words[1], 1), "distinct_T": len({row["text"] for row in templates})}
