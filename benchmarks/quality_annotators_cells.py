"""What benchmarks/quality_annotators.py measures: the embedded model held to given answers, and one cell of freeal and of coannotating."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import random
from collections import Counter, defaultdict
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from sys import path
from types import SimpleNamespace

import numpy as np

# isort: off
path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "src")]

from lowdata_sets import Vectors  # noqa: E402
from quality import DATA  # noqa: E402

import tilth  # noqa: E402
from tilth.methods.annotation._refinery import learn  # noqa: E402
from tilth.methods.annotation.coannotating import CoAnnotating, Opinion  # noqa: E402
from tilth.methods.annotation.freeal import FreeAL  # noqa: E402
from tilth.models.base import Reply, Usage  # noqa: E402
from tilth.models.local.pipeline import LocalModel  # noqa: E402
from tilth.models.scripted import ScriptedModel  # noqa: E402
from tilth.records.read import read  # noqa: E402
from tilth.train.embedding import EmbeddingLogistic  # noqa: E402
from tilth.train.weights import class_balanced  # noqa: E402

SEEDS, POOL, EMBEDDED, OTHERS = 5, 300, 120, 1000
TEXTS = {"sst2": 60, "popquorn": 80}
SHARES, DRAWS, ASIDE, SURE = (0.25, 0.5, 0.75), 200, 30, " (how sure)"
RATERS, LONGEST = 8, 300
"""Raters of a text that count (three people, five for the truth), and its most characters."""

TASK = {"about": "Sentences from film reviews.", "labels": {"positive": "the critic liked it", "negative": "the critic did not like it"}}
RUDE = {"about": "Comments from a web forum.", "labels": {"offensive": "somebody is hurt by it", "acceptable": "nobody is hurt by it"}}
INVENT = "Write one short {{ label }} movie review sentence. The critic {{ 'loved' if label == 'positive' else 'hated' }} the film."
FILM, COMMENT = ("positive", "negative"), ("offensive", "acceptable")
ENDINGS = {
    "sst2": {
        "instruction": ("Sentiment:", FILM),
        "text_first": ("The critic's opinion of the film is", FILM),
        "classify": ("Overall, this review of the film is", FILM),
        "true_false": ("True or false, the critic liked the film:", ("true", "false")),
        "yes_no": ("Question: Did the critic like the film?\nAnswer:", ("yes", "no")),
    },
    "popquorn": {
        "instruction": ("Label (offensive or acceptable):", COMMENT),
        "text_first": ("This comment is", COMMENT),
        "classify": ("Moderator's verdict:", COMMENT),
        "true_false": ("True or false, this comment is offensive:", ("true", "false")),
        "yes_no": ("Question: Is this comment rude?\nAnswer:", ("yes", "no")),
    },
}
"""What stands behind the text in each wording, and the answers that it allows: the first label's first."""
SIGNALS = {
    "five wordings": {"uncertainty": "entropy", "temperature": 0.0},
    "five wordings, drawn": {"uncertainty": "entropy", "temperature": 1.0},
    "one wording, five draws": {"uncertainty": "entropy", "temperature": 1.0, "variants": ["instruction"], "repeats": 5},
    "label probability": {"uncertainty": "confidence", "temperature": 0.0},
}
TEXT = {"sst2": "Review: ", "popquorn": "Comment: "}
NOISE = ("30 % wrong", "40 % / 5 % wrong", "30 % wrong, hard texts")


class Likeliest:
    """The embedded model, held to the answers that a prompt's end allows: the likeliest at temperature 0, else a drawn one.

    `shift` is what the log-odds of each ending's first answer are on average, and is taken from them. A prompt with SURE at its end
    gets the answer with its probability; one with another end (a text to write) is left to the model. Log-odds are kept in `file`.
    """

    def __init__(self, file, name):
        self._model, self._file, self.shift = LocalModel(), file, {}
        self.name, self.identity, self.endpoint = name, f"{self._model.identity}+{name}", self._model.endpoint
        self.can, self.concurrency, self.ceiling, self.price = replace(self._model.can, score=False), 4, 4, self._model.price
        self._known = dict(json.loads(line) for line in file.read_text("utf-8").splitlines()) if file.exists() else {}
        self._answers = dict(ending for one in ENDINGS.values() for ending in one.values())

    async def odds(self, prompt, answers):
        """log p(first answer) - log p(second)."""
        key = hashlib.sha256(json.dumps([self._model.identity, prompt, answers]).encode()).hexdigest()[:24]
        if key not in self._known:
            first, second = await self._model.score(prompt, [f" {answer}" for answer in answers])
            self._known[key] = first - second
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, first - second]) + "\n")
        return self._known[key]

    async def complete(self, request):
        asked = [message["content"] for message in request.messages if message["role"] != "system"]
        prompt = "".join(f"{text} " if at % 2 == 0 else f"{text}\n\n" for at, text in enumerate(asked)).rstrip()
        ending = next((one for one in self._answers if prompt.removesuffix(SURE).endswith(one)), None)
        if ending is None:
            return await self._model.complete(request)
        odds = await self.odds(prompt.removesuffix(SURE), self._answers[ending]) - self.shift.get(ending, 0.0)
        first = 1 / (1 + math.exp(-odds))
        taken = first >= 0.5 if request.temperature == 0 else random.Random(request.seed).random() < first
        sure = f"; {max(first, 1 - first):.6f}" if prompt.endswith(SURE) else ""
        return Reply(self._answers[ending][0 if taken else 1] + sure, usage=Usage(len(prompt) // 4, 1), model=self.identity)

    async def calibrate(self, texts, endings):
        """Take the mean over these texts as what each ending says of no text in particular."""
        for ending, answers in endings.values():
            self.shift[ending] = float(np.mean([await self.odds(f"{text}\n\n{ending}", answers) for text in texts]))

    async def close(self):
        pass


class Kept:
    """MiniLM as an embedder that embeds each text once."""

    name = identity = "kept/minilm"

    def __init__(self, folder):
        self.vectors = Vectors(folder / "vectors.npz")

    async def embed(self, texts):
        return await asyncio.to_thread(self.vectors, texts)


def lines(name):
    with open(DATA / f"{name}.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def share(found, wanted):
    """Per cent of `found` that is as `wanted`."""
    return 100 * float(np.mean([one == other for one, other in zip(found, wanted, strict=True)]))


# freeal


class AtRandom(FreeAL):
    """The control: demonstrations are rows drawn from those with each label of the LLM, and nobody is trusted."""

    name = "freeal-at-random"

    async def refine(self, run, vectors, found):
        refined = await super().refine(run, vectors, found)
        chance, rows = run.rng("control"), defaultdict(list)
        for at, label in enumerate(found):
            rows[label].append(at)
        drawn = {name: sorted(chance.sample(rows[name], min(len(rows[name]), len(own)))) for name, own in refined.medoids.items()}
        return replace(refined, labels=[label or "" for label in found], trusted=[False] * len(found), medoids=drawn)


class Films:
    """SST-2: pools by seed, other rows, and the accuracy of students on its test rows."""

    def __init__(self, folder):
        rows = lines("text_classification/sst2/train")
        random.Random("quality annotators").shuffle(rows)
        self.pools = [rows[POOL * seed : POOL * (seed + 1)] for seed in range(SEEDS)]
        self._others, self.kept = rows[POOL * SEEDS : POOL * SEEDS + OTHERS], Kept(folder)

    @cached_property
    def _test(self):
        rows = lines("text_classification/sst2/test")
        return self.kept.vectors([row["text"] for row in rows]), [row["label"] for row in rows]

    def vectors(self, rows):
        return self.kept.vectors([row["text"] for row in rows])

    def tested(self, vectors, labels, even=False):
        """Accuracy on the test rows, in per cent, of a student of these labels; if they are all alike, of that label."""
        learned = [at for at, label in enumerate(labels) if label]
        given = [labels[at] for at in learned]
        if len(set(given)) < 2:
            return share([given[0]] * len(self._test[1]), self._test[1])
        return share(
            EmbeddingLogistic().fit(vectors[learned], given, weight=class_balanced(given) if even else None).predict(self._test[0]),
            self._test[1],
        )

    def hard(self, rows):
        """How unsure a student of other real rows is of each row's true label, as a rank from 0 to 1."""
        student = EmbeddingLogistic().fit(self.vectors(self._others), [row["label"] for row in self._others])
        found = student.predict_proba(self.vectors(rows))
        own = [found[at, student.classes.index(row["label"])] for at, row in enumerate(rows)]
        return 1 - np.argsort(np.argsort(own)) / (len(own) - 1)

    def wrong(self, noise, rows, seed):
        """Which rows a simulated annotator gets wrong."""
        chance = np.random.default_rng(seed).random(len(rows))
        if noise == NOISE[1]:
            return chance < np.where([row["label"] == "positive" for row in rows], 0.4, 0.05)
        return chance < (0.6 * self.hard(rows) if noise == NOISE[2] else 0.3)

    def run(self, method, rows, model, seed, runs):
        """Records of a run, by the order of the rows."""
        data = {"unlabelled": [{"id": row["id"], "text": row["text"]} for row in rows]}
        models = {"generator": model, "embedder": self.kept}
        outcome = tilth.run(method, data=data, task=TASK, models=models, seed=seed, runs=runs, name=f"freeal-{seed}")
        found = {str(record.id): record for record in read(str(outcome.path))}
        assert len(found) == len(rows), outcome.warnings
        return [found[row["id"]] for row in rows]

    def learned(self, rows, records, seed):
        """What the labels of a round are, and what is learned from them."""
        vectors, truth = self.vectors(rows), [row["label"] for row in rows]
        said, final = [record["llm_label"] for record in records], [record["label"] for record in records]
        clean = [at for at, record in enumerate(records) if (record.meta["scores"]["p_clean"] or 0) > 0.7]
        trusted = [at for at, record in enumerate(records) if record.meta["scores"]["trusted"]]
        chance = np.random.default_rng([seed, 1])
        draws = [chance.permutation(len(rows))[: len(clean)] for _ in range(10)]
        part = {"clean": clean, "trusted": trusted}
        out = {"pool: the LLM": share(said, truth), "pool: student": share(final, truth), "clean rows": 100 * len(clean) / len(rows)}
        out |= {f"pool: {name} rows": share([said[at] for at in own], [truth[at] for at in own]) for name, own in part.items() if own}
        out["test: real labels"] = self.tested(vectors, truth)
        for told, even in (("", False), (", even", True)):
            mean = [self.tested(vectors[own], [said[at] for at in own], even) for own in draws]
            out |= {f"test: all{told}": self.tested(vectors, said, even), f"test: as many at random{told}": float(np.mean(mean))}
            out[f"test: clean{told}"] = self.tested(vectors[clean], [said[at] for at in clean], even)
        again = [new or old for new, old in zip(learn(vectors, final, 0.1, 0.7, 0.2, 8, seed)["labels"], final, strict=True)]
        out |= {"test: student's": self.tested(vectors, final), "pool: without the LLM": share(again, truth)}
        return out | {"test: without the LLM": self.tested(vectors, again)}


def simulated(films, noise, seed, runs):
    """One round of freeal on a simulated annotator's labels."""
    rows = films.pools[seed]
    other = {"positive": "negative", "negative": "positive"}
    wrong = films.wrong(noise, rows, [seed, 2])
    said = {row["text"]: other[row["label"]] if bad else row["label"] for row, bad in zip(rows, wrong, strict=True)}
    model = ScriptedModel(lambda request: said[request.messages[-1]["content"]], name=f"simulated {noise}")
    records = films.run(FreeAL(generated=0, rounds=1, prompts={"query": "{{ text }}"}), rows, model, seed, runs)
    return films.learned(rows, records, seed)


def embedded(films, model, seed, runs):
    """freeal with the embedded model: without demonstrations, its rounds, and the control."""
    rows = films.pools[seed][:EMBEDDED]
    truth = [row["label"] for row in rows]
    given = {"shots": 2, "demonstrations": 8, "generated": 8, "max_tokens": 100}
    given["prompts"] = {"query": "Review: {{ text }}\nSentiment:", "invent": INVENT}
    made = {"zero": FreeAL(**{**given, "generated": 0, "rounds": 1}), "one": FreeAL(**given, rounds=1)}
    made |= {"two": FreeAL(**given), "random": AtRandom(**given)}
    labelled = {name: films.run(method, rows, model, seed, runs) for name, method in made.items()}
    out = {name: films.learned(rows, labelled[name], seed) for name in ("zero", "one", "two")}
    again = [at for at, record in enumerate(labelled["two"]) if record.meta["round"] == 1]
    said = {name: [record["llm_label"] for record in records] for name, records in labelled.items()}
    out["asked again"] = {name: share([said[name][at] for at in again], [truth[at] for at in again]) for name in ("one", "two", "random")}
    at = {row["id"]: number for number, row in enumerate(rows)}
    shown = {
        name: [at[id_] for record in labelled[name] for id_ in record.meta["conditions"]["demonstrations"]] for name in ("two", "random")
    }
    own = {"two": [record["label"] for record in labelled["one"]], "random": said["one"]}
    out["shown"] = {name: share([own[name][i] for i in used], [truth[i] for i in used]) for name, used in shown.items()}
    return out


# coannotating


def films_asked(films, seed):
    """Texts of SST-2 for one seed; people say the real label."""
    rows = films.pools[seed][: TEXTS["sst2"]]
    return [{"id": row["id"], "text": row["text"], "truth": row["label"], "people": {"the real label": row["label"]}} for row in rows]


def rated():
    """Texts of POPQUORN that are short enough, each with whether its raters found it offensive."""
    texts = {row["id"]: row["text"] for row in lines("annotator_level/popquorn_offensiveness/items")}
    found = defaultdict(list)
    for one in lines("annotator_level/popquorn_offensiveness/annotations"):
        found[one["item_id"]].append(one["label"] >= 2)
    return {item: (texts[item], given) for item, given in sorted(found.items()) if len(texts[item]) <= LONGEST}


def comments_asked(seed):
    """Texts of POPQUORN for one seed: three raters are people, five others the truth."""
    known = [(item, *one) for item, one in rated().items() if len(one[1]) >= RATERS]
    random.Random("quality annotators").shuffle(known)
    out = []
    for item, text, given in known[TEXTS["popquorn"] * seed : TEXTS["popquorn"] * (seed + 1)]:
        drawn = [COMMENT[0] if one else COMMENT[1] for one in random.Random(f"{item} {seed}").sample(given, RATERS)]
        majority = [Counter(part).most_common(1)[0][0] for part in (drawn[:3], drawn[3:])]
        out.append({"id": item, "text": text, "truth": majority[1], "people": {"one rater": drawn[0], "majority of three": majority[0]}})
    return out


def calibrated(name, file):
    """The embedded model for this set, calibrated on texts outside the pools."""
    films = name == "sst2"
    aside = (
        [row["text"] for row in lines("text_classification/sst2/dev")]
        if films
        else [text for text, given in rated().values() if len(given) < RATERS]
    )
    model = Likeliest(file, f"likeliest-{name}")
    asyncio.run(model.calibrate([TEXT[name] + text for text in aside[:ASIDE]], ENDINGS[name]))
    return model


def opinions(name, signal, rows, model, seed, runs):
    """The method, and what the LLM said of each text by it; the run itself sends half of them to people."""
    prompts = {variant: TEXT[name] + "{{ text }}\n\n" + ending for variant, (ending, _) in ENDINGS[name].items()}
    prompts["confidence"] = prompts["instruction"] + SURE
    settings = {"variants": list(ENDINGS[name]), "prompts": prompts, "people": "given", "llm_share": 0.5, **SIGNALS[signal]}
    method = CoAnnotating(**settings)
    data = {"unlabelled": [{"id": row["id"], "text": row["text"], "gold": next(iter(row["people"].values()))} for row in rows]}
    task = TASK if name == "sst2" else RUDE
    outcome = tilth.run(method, data=data, task=task, models={"generator": model}, seed=seed, runs=runs, name=f"coannotating-{name}-{seed}")
    records = {str(record.id): record for record in read(str(outcome.path))}
    assert len(records) == len(rows), outcome.warnings
    said = {id_: Opinion(record["votes"], record.meta["scores"].get("confidence")) for id_, record in records.items()}
    unsure = {id_: uncertainty(signal, one) for id_, one in said.items()}
    sides = {
        side: [unsure[id_] for id_, one in records.items() if one.meta["conditions"]["assigned_to"] == side] for side in ("llm", "human")
    }
    assert max(sides["llm"]) <= min(sides["human"]), "the run sends the least sure texts to people"
    return method, said


def uncertainty(signal, opinion):
    return 1 - opinion.sure if SIGNALS[signal]["uncertainty"] == "confidence" else opinion.entropy


def allocation(name, signal, rows, model, seed, runs):
    """Share of true labels at each share of people by the uncertainty, at random and by an oracle; and the AUROC for wrong labels."""
    method, said = opinions(name, signal, rows, model, seed, runs)
    wrong = np.array([said[row["id"]].label != row["truth"] for row in rows])
    unsure = np.array([uncertainty(signal, said[row["id"]]) for row in rows])
    gaps = unsure[wrong][:, None] - unsure[~wrong][None, :]
    out = {"LLM": 100 * float(np.mean(~wrong)), "auroc": float(np.mean((gaps > 0) + 0.5 * (gaps == 0))), "people": {}, "at": {}}
    for people in rows[0]["people"]:
        right = np.array([row["people"][people] == row["truth"] for row in rows])
        out["people"][people] = 100 * float(np.mean(right))
        for part in SHARES:
            chosen = {how: merged(method, how, part, said, rows, wrong, right) for how in (method.uncertainty, "random")}
            best = np.argsort(wrong, kind="stable")[: len(rows) - round(part * len(rows))]
            oracle = np.where(np.isin(np.arange(len(rows)), best), ~wrong, right)
            out["at"][f"{people}, {part:.0%}"] = [*chosen.values(), 100 * float(np.mean(oracle))]
    return out


def merged(method, how, part, said, rows, wrong, right):
    """Share of true labels where `part` of the texts goes to people by the method's own allocation; mean over draws of its ties."""
    own, found = method.model_copy(update={"llm_share": 1 - part, "uncertainty": how}), []
    for draw in range(DRAWS):
        by_llm = own.allocated(SimpleNamespace(rng=lambda *_, draw=draw: random.Random(draw)), said)
        found.append(np.mean(np.where([row["id"] in by_llm for row in rows], ~wrong, right)))
    return 100 * float(np.mean(found))
