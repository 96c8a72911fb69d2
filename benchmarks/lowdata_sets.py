"""What benchmarks/lowdata.py trains on: real rows, sets read back from their runs, their labels by the model, embeddings."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from lowdata_make import MADE, lists, name_of

import tilth
from tilth.methods.annotation.llm_labels import LlmLabels
from tilth.prompts.template import Template
from tilth.records.read import read
from tilth.records.record import Record
from tilth.text.ngrams import ngrams, words

DATA: Final = Path(__file__).parents[1] / "../shared/data"
Rows = list[Record]


def real(dataset: str, part: str) -> Rows:
    """Rows of ``train`` or ``test`` of a dataset."""
    return list(read(str(DATA / lists()[dataset]["data"] / f"{part}.jsonl")))


def shared_out(dataset: str) -> tuple[Rows, list[Rows]]:
    """Train rows that shots are drawn from, and those that are only labelled by the model: one draw per generation seed."""
    fixed = lists()
    rows = real(dataset, "train")
    random.Random(f"unlabelled {dataset}").shuffle(rows)
    size, draws = fixed["unlabelled"], len(fixed["generation_seeds"])
    return rows[size * draws :], [rows[size * at : size * (at + 1)] for at in range(draws)]


def made(runs: Path, dataset: str, arm: str, seed: int) -> Rows | None:
    """A finished set, else None."""
    return finished(runs / name_of(dataset, arm, seed))


def finished(folder: Path) -> Rows | None:
    """The records of a run that is done, else None."""
    state = folder / "run.json"
    if not state.exists() or json.loads(state.read_bytes()).get("status") != "done":
        return None
    return list(read(str(folder)))


def openings(rows: Sequence[Record], end: str, *, least: int | None = None) -> Rows:
    """The control T: the openings that the model was given, as texts of their own.

    Raises
    ------
    AssertionError: fewer distinct ones than `least`, or than lowdata_lists.yaml demands.
    """
    found = []
    for row in rows:
        values = {name: drawn["value"] for name, drawn in row.meta["conditions"].items()}
        text = Template(values.pop("opening")).render(**values, label=row["label"]).strip() + end
        found.append(Record(text=text, label=row["label"]))
    distinct = len({row["text"] for row in found})
    if least is None:
        least = lists()["least_distinct_openings"] * len(rows) // lists()["rows"]
    assert distinct >= least, f"T has {distinct} distinct openings of {len(rows)}; at least {least} wanted"
    return found


# labels by the model


def to_label(runs: Path) -> Iterator[tuple[str, str, int, Rows]]:
    """(dataset, arm, seed, rows) of everything that the model labels, what the bars need first."""
    fixed = lists()
    for dataset in ("sst2", "trec6"):
        _, unlabelled = shared_out(dataset)
        for arm in (MADE[0], "unlabelled", *MADE[1:]):
            for at, seed in enumerate(fixed["generation_seeds"]):
                rows = unlabelled[at] if arm == "unlabelled" else made(runs, dataset, arm, seed)
                if rows:
                    yield dataset, arm, seed, rows


def label_all(runs: Path) -> None:
    """One run of the method llm-labels for each set that is there; they serve the LLM filter and annotate-instead."""
    fixed = lists()
    for dataset, arm, seed, rows in to_label(runs):
        name = f"labels-{name_of(dataset, arm, seed)}"
        if finished(runs / name) is not None:
            continue
        plain = [{"text": row["text"], "label": row["label"]} for row in rows]
        method = LlmLabels(how="score", calibration="batch", **fixed[dataset]["labelling"])
        tilth.run(method, data={"unlabelled": plain}, task=fixed[dataset]["task"], models={"generator": "local"}, runs=runs, name=name)


def labelled(runs: Path, dataset: str, arm: str, seed: int) -> Rows | None:
    """The set with the model's labels and their probabilities (batch calibrated); `gold` is the label that was asked for."""
    return finished(runs / f"labels-{name_of(dataset, arm, seed)}")


def margins(rows: Sequence[Record]) -> dict[tuple[str, str], float]:
    """(text, asked label) to log p(asked label) - log p(best other)."""
    out = {}
    for row in rows:
        probs: Mapping[str, float] = row["label_probs"]
        own = math.log(max(probs[row["gold"]], 1e-9))
        out[row["text"], row["gold"]] = own - max(math.log(max(p, 1e-9)) for label, p in probs.items() if label != row["gold"])
    return out


def top_half(rows: Sequence[Any], margin: Mapping[tuple[str, str], float]) -> list[int]:
    """Numbers of the better half of each label."""
    kept: list[int] = []
    for label in sorted({row.label for row in rows}):
        own = [at for at, row in enumerate(rows) if row.label == label]
        own.sort(key=lambda at: (-margin[rows[at].text, rows[at].label], at))
        kept += own[: (len(own) + 1) // 2]
    return sorted(kept)


# embeddings


class Vectors:
    """MiniLM vectors of texts, kept in a file: each text is embedded once for all experiments."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, npt.NDArray[np.float32]] = {}
        if path.exists():
            with np.load(path, allow_pickle=False) as stored:
                self._known = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """One row per text."""
        from tilth.models.local.embedder import LocalEmbedder

        keys = [hashlib.sha256(text.encode()).hexdigest()[:24] for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        todo = list(new.items())
        for start in range(0, len(todo), 2048):
            part = todo[start : start + 2048]
            found = asyncio.run(LocalEmbedder().embed([text for _, text in part]))
            self._known.update(zip((key for key, _ in part), found, strict=True))
            self.save()
        return np.stack([self._known[key] for key in keys])

    def save(self) -> None:
        """Write the file anew."""
        aside = self._path.with_suffix(".tmp.npz")
        np.savez(aside, keys=np.array(list(self._known)), vectors=np.stack(list(self._known.values())))
        aside.rename(self._path)


# what is told beside the accuracies


def shared_8_grams(rows: Sequence[Record], test: Sequence[Record]) -> tuple[int, int]:
    """(8-grams of words that occur in a test row, all 8-grams) of a set."""
    held = {gram for row in test for gram in ngrams(words(row["text"]), 8)}
    counts = Counter(gram in held for row in rows for gram in ngrams(words(row["text"]), 8))
    return counts[True], counts.total()
