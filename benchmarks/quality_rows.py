"""The cllm part of benchmarks/quality_writers.py, where the plan stands: rows by writers with known faults, and by the embedded model."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections import Counter
from pathlib import Path
from sys import path
from types import SimpleNamespace

import numpy as np

# isort: off
path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "src")]

import tilth  # noqa: E402
from quality import DATA, interval  # noqa: E402
from tilth.methods.tabular._columns import key, matrix, missing, number  # noqa: E402
from tilth.methods.tabular.cllm import CLLM  # noqa: E402
from tilth.models.scripted import ScriptedModel  # noqa: E402
from tilth.records.read import read  # noqa: E402
from tilth.report.usage import usage  # noqa: E402

TABLES = {
    "adult": {"target": "income", "leave_out": ["fnlwgt", "education_num"]},
    "pima_diabetes": {"target": "diabetes", "leave_out": []},
}
PLACEMENTS = {"target": "placed", "leave_out": ["student_id", "salary", "start_date", "end_date", "duration"]}
SIZES, WANTED, PER_CALL, CALLS, FLIPPED, TESTED, LEAST = (20, 100), 300, 50, 60, 0.3, 2000, 4
WRITERS = ("real rows", "real rows, 30 % flipped", "interpolated, 30 % flipped", "columns drawn alone")
PIMA = "Women of at least 21 years of the Pima people; 'diabetes' is 1 where diabetes was found within five years."
SETS = ("real only", "all", "curated", "random")
REASONS = ("copy", "hard", "missing_column", "wrong_type", "unknown_category", "missing_value", "no_rows")


def table(name):
    """Rows of a CSV file, as text."""
    file = DATA / "tabular" / name
    text = gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def parted(name):
    """Train rows (with those that simulated writers use) and test rows."""
    file = f"{name}/train.csv"
    return table(file if (DATA / "tabular" / file).exists() else f"{file}.gz"), table(f"{name}/test.csv")[:TESTED]


def drawn(rows, target, size, rng):
    """`size` rows in which each label comes at least LEAST times, and the others."""
    while True:
        order = rng.sample(range(len(rows)), len(rows))
        counts = Counter(rows[at][target] for at in order[:size])
        if len(counts) == 2 and min(counts.values()) >= LEAST:
            return [rows[at] for at in order[:size]], [rows[at] for at in order[size:]]


class Writer:
    """Stands in for a model: `per call` rows as JSON. Whether a row's label was flipped is kept aside, by the row's contents."""

    def __init__(self, kind, real, others, columns, target):
        self.kind, self.real, self.target, self.columns = kind, real, target, columns
        self.labels = sorted({row[target] for row in real})
        self.others = [(row, random.Random(f"flip {at}").random() < FLIPPED) for at, row in enumerate(others)]
        self.flipped: dict[tuple[str, ...], bool] = {}

    def __call__(self, request):
        rng = random.Random(request.seed)
        rows = [self.row(rng) for _ in range(PER_CALL)]
        return json.dumps([{one.name: row[one.name] for one in self.columns} for row in rows])

    def row(self, rng):
        """One row; its label may be wrong on purpose."""
        if self.kind == "columns drawn alone":
            row, wrong = {one.name: rng.choice(self.real)[one.name] for one in self.columns}, False
        elif self.kind.startswith("interpolated"):
            row, wrong = self.between(rng), rng.random() < FLIPPED
        else:
            row, wrong = rng.choice(self.others)
        wrong = wrong and "flipped" in self.kind
        if wrong:
            row = {**row, self.target: next(label for label in self.labels if label != row[self.target])}
        self.flipped.setdefault(self.content(row), wrong)
        return row

    def between(self, rng):
        """Between two real rows of a label, like SMOTE."""
        one = rng.choice(self.real)
        other = rng.choice([row for row in self.real if row[self.target] == one[self.target]])
        share, row = rng.random(), {}
        for column in self.columns:
            cells = one[column.name], other[column.name]
            if column.kind in ("integer", "number") and not any(missing(cell) for cell in cells):
                value = number(cells[0]) + share * (number(cells[1]) - number(cells[0]))
                row[column.name] = str(round(value) if column.kind == "integer" else round(value, 3))
            else:
                row[column.name] = rng.choice(cells)
        return row

    def content(self, row):
        """By which a row is found again."""
        cells = [row.get(one.name) for one in self.columns]
        return tuple("" if missing(cell) else key(cell) if number(cell) is None else str(number(cell)) for cell in cells)


def curated(method, real, model, seed, runs, name, about=""):
    """A run of the method: the rows that its curator saw, which of them it kept, and the outcome."""
    task = {"kind": "tabular", "about": about}
    outcome = tilth.run(method, data={"support": real}, task=task, models={"generator": model}, seed=seed, runs=runs, name=name)
    kept = list(read(str(outcome.path))) if outcome.kept else []
    turned = list(read(str(outcome.path / "rejected"))) if outcome.rejected else []
    kept += [row for row in turned if row.meta["reason"] == "surplus"]
    hard = [row for row in turned if row.meta["reason"] == "hard"]
    return SimpleNamespace(rows=kept + hard, good=np.arange(len(kept) + len(hard)) < len(kept), outcome=outcome)


class Judge:
    """AUC of three students of any rows, on real test rows."""

    def __init__(self, real, test, columns, target, seed):
        self.columns, self.target, self.seed = [one for one in columns if one.name != target and one.kind != "text"], target, seed
        self.labels = sorted({key(row[target]) for row in real})
        self.x, self.y = self.of(real)
        self.test_x, self.test_y = self.of(test)

    def of(self, rows):
        """Features (numbers no further out than the real ones: some columns are all but constant), and labels as 0 or 1."""
        return matrix(rows, self.columns).clip(0, 1), np.array([self.labels.index(key(row[self.target])) for row in rows], dtype=int)

    def auc(self, x, y):
        """Mean over students, in points."""
        from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import roc_auc_score

        students = (
            LogisticRegression(max_iter=1000),
            RandomForestClassifier(random_state=self.seed),
            GradientBoostingClassifier(random_state=self.seed),
        )
        return 100 * float(np.mean([roc_auc_score(self.test_y, one.fit(x, y).predict_proba(self.test_x)[:, 1]) for one in students]))

    def worth(self, rows, good, more=()):
        """AUC of the real rows with none, all, the curated and as many random rows; and with as many of `more`, further real rows."""
        x, y = self.of(rows)
        chance = np.random.default_rng([self.seed, 2]).permutation(len(rows))[: int(good.sum())]
        parts = {"real only": np.zeros(0, dtype=int), "all": np.arange(len(rows)), "curated": np.flatnonzero(good), "random": chance}
        found = {name: self.auc(np.vstack([self.x, x[at]]), np.r_[self.y, y[at]]) for name, at in parts.items()}
        if more:
            x, y = self.of(more[: len(rows)])
            found["real, as many"] = self.auc(np.vstack([self.x, x]), np.r_[self.y, y])
        return found

    def found(self, rows, good, flipped):
        """AUROC of three scores for flipped labels, and what was turned away of flipped and of right rows, in percent."""
        from sklearn.ensemble import GradientBoostingClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import roc_auc_score

        x, y = self.of(rows)
        own = np.arange(len(y)), y
        scores = {"1 - confidence": 1 - np.array([row.meta["scores"]["confidence"] for row in rows])}
        scores["last stage"] = 1 - GradientBoostingClassifier(random_state=self.seed).fit(self.x, self.y).predict_proba(x)[own]
        scores["logistic regression"] = 1 - LogisticRegression(max_iter=1000).fit(self.x, self.y).predict_proba(x)[own]
        told = {name: float(roc_auc_score(flipped, score)) for name, score in scores.items()}
        return {
            **told,
            "flipped turned away, %": 100 * float(np.mean(~good[flipped])),
            "right turned away, %": 100 * float(np.mean(~good[~flipped])),
        }


def tables(seeds, folder):
    """One list of results per seed for each cell."""
    cells = {}
    for name, given in TABLES.items():
        train, test = parted(name)
        for size in SIZES:
            for writer in WRITERS:
                cells[f"{name} | {size} | {writer}"] = [simulated(train, test, given, size, writer, seed, folder) for seed in range(seeds)]
    real, made = (table(f"student_placements_real_vs_synthetic/{part}.csv") for part in ("real", "synthetic"))
    for size in SIZES:
        cells[f"placements | {size} | published (SDV)"] = [
            simulated(real, None, PLACEMENTS, size, "published", seed, folder, made) for seed in range(seeds)
        ]
    return cells


def simulated(train, test, given, size, kind, seed, folder, made=None):
    """One run behind a simulated writer."""
    import tempfile

    real, others = drawn(train, given["target"], size, random.Random(f"{size} {seed}"))
    method = CLLM(rows=WANTED, per_call=PER_CALL, max_calls=CALLS, **given)
    columns, target = method.table(real)
    writer = Writer(kind, real, made or others, columns, target)
    with tempfile.TemporaryDirectory(dir=folder) as runs:
        done = curated(method, real, ScriptedModel(writer), seed, runs, "cllm")
    judge = Judge(real, others if test is None else test, columns, target, seed)
    flipped = np.array([writer.flipped[writer.content(row)] for row in done.rows])
    out = {"written": len(done.rows), "kept, %": 100 * float(done.good.mean()), "auc": judge.worth(done.rows, done.good)}
    return out | ({"found": judge.found(done.rows, done.good, flipped)} if flipped.any() else {})


def tables_shown(cells):
    """Markdown."""
    yield "\n### cllm, simulated and published rows\n"
    yield "AUC in points, of the real rows and those of the column; differences in the last three columns.\n"
    heads = ["table", "real rows", "writer", "rows", "kept, %", *SETS, *(f"curated over {part}" for part in ("real only", "all", "random"))]
    yield f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}"
    for name, seeds in cells.items():
        means = [f"{np.mean([one['auc'][part] for one in seeds]):.1f}" for part in SETS]
        over = [interval([one["auc"]["curated"] - one["auc"][part] for one in seeds], 1, True) for part in ("real only", "all", "random")]
        rows, kept = (f"{np.mean([one[what] for one in seeds]):.0f}" for what in ("written", "kept, %"))
        yield f"| {name} | {rows} | {kept} | {' | '.join([*means, *over])} |"
    flipped = {name: [one["found"] for one in seeds] for name, seeds in cells.items() if "found" in seeds[0]}
    names = list(next(iter(flipped.values()))[0])
    heads = ["table", "real rows", "writer", *names, "confidence over last stage", "confidence over logistic regression"]
    yield f"\nAUROC for flipped labels, and what was turned away.\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}"
    for name, seeds in flipped.items():
        told = [interval([one[what] for one in seeds], 0 if "%" in what else 2) for what in names]
        told += [interval([one[names[0]] - one[other] for one in seeds], 2, True) for other in names[1:3]]
        yield f"| {name} | {' | '.join(told)} |"


def local(seeds, folder):
    """The embedded model writes rows of Pima."""
    method = CLLM(target="diabetes", rows=1000, shown=8, per_call=5, max_calls=4, lag=4, max_tokens=400)
    return [pima(method, 40, f"local {seed}", "local", seed, folder / "runs", f"cllm-local-{seed}") for seed in range(seeds)]


def desk(seeds, folder):
    """Replies that a large chat model wrote at desk to the first prompt of each of five seeds."""
    import tempfile

    replies = [json.loads(line) for line in Path(__file__).with_name("quality_desk_rows.jsonl").read_text("utf-8").splitlines()]
    method, out = CLLM(target="diabetes", rows=1000, per_call=25, max_calls=1, lag=1), []
    for one in replies[:seeds]:
        seed, model = one["seed"], ScriptedModel(lambda request, reply=one["reply"]: reply)
        with tempfile.TemporaryDirectory(dir=folder) as runs:
            out.append(pima(method, 20, f"20 {seed}", model, seed, runs, "cllm"))
    return out


def pima(method, size, draw, model, seed, runs, name):
    """What becomes of the replies of one seed, and what the rows are worth."""
    train, test = parted("pima_diabetes")
    real, others = drawn(train, "diabetes", size, random.Random(draw))
    done = curated(method, real, model, seed, runs, name, PIMA)
    reasons = Counter({reason: n for (_, reason), n in done.outcome.reasons.items()})
    columns, target = method.table(real)
    facts = {
        "calls": usage(done.outcome.folder).calls,
        "rows kept": done.outcome.kept,
        **{f"turned away: {one}": reasons[one] for one in REASONS},
    }
    facts["turned away: other reasons"] = sum(n for reason, n in reasons.items() if reason not in REASONS)
    facts["same as a real row that was not shown"] = same(done.rows, [*others, *test], columns)
    facts["rows that the curator saw (kept and hard)"] = len(done.rows)
    facts["of these with label 1"] = sum(key(row[target]) == "1" for row in done.rows)
    near = [row.meta["scores"]["nearest_real"] for row in done.rows]
    auc = Judge(real, test, columns, target, seed).worth(done.rows, done.good, others) if done.rows else None
    return {"facts": facts, "near": near, "auc": auc}


def same(rows, real, columns):
    """How many rows are the same as one of `real`, as far as numbers go."""
    known = {tuple(number(row[one.name]) for one in columns) for row in real}
    return sum(tuple(number(row[one.name]) for one in columns) in known for row in rows)


def replies_shown(what):
    """What prints the results of `pima` as Markdown."""

    def shown(seeds):
        yield f"\n### cllm, rows of {what}\n\n| | sum over seeds | each seed |\n|---|---|---|"
        for name in seeds[0]["facts"]:
            each = [one["facts"][name] for one in seeds]
            yield f"| {name} | {sum(each)} | {', '.join(map(str, each))} |"
        if near := [value for one in seeds for value in one["near"]]:
            yield f"| median distance to the nearest real row (0: a copy) | {np.median(near):.3f} | |"
        told = [one["auc"] for one in seeds if one["auc"]]
        if len(told) > 1:
            yield f"\nAUC of the real rows and those named, {len(told)} seeds with any row:\n"
            yield "| with | AUC | over real only |\n|---|---|---|"
            for part in told[0]:
                over = interval([one[part] - one["real only"] for one in told], 1, True)
                yield f"| {part} | {interval([one[part] for one in told])} | {over} |"
            for part in ("all", "random"):
                yield f"| curated over {part} | | {interval([one['curated'] - one[part] for one in told], 1, True)} |"

    return shown
