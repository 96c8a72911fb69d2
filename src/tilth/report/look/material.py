"""Everything that the report's sections are made of, looked up once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tilth.evaluate.base import Value
from tilth.report.facts import Facts
from tilth.report.look.costs import Costs, costs
from tilth.report.look.records import Shown, Wanted, choose, provenance, shares, stored
from tilth.report.look.sample import MOST, Neighbourhood, Plane, Sample, Vectors, draw, neighbourhood, plane, sets_of, vectors_of
from tilth.report.look.scored import Confusion, Spread, confusion, spreads
from tilth.report.look.sweep import Swept, sweep

if TYPE_CHECKING:
    from tilth.records.data import Data

NGRAMS = (1, 2, 3, 4, 5)


@dataclass(slots=True)
class Material:
    """kept, sets: what a pass over each saw; sets holds real, holdout and support where they could be read.

    source: the set that stands for real data, "" where there is none. against: another run's facts, for a column beside ours.
    lexical: distinct n-grams for n = 1 to 5, measured for this report. texts: whether texts may be shown.
    """

    facts: Facts
    kept: Swept
    sets: Mapping[str, Swept] = field(default_factory=dict)
    source: str = ""
    sample: Sample | None = None
    real: Sample | None = None
    vectors: Vectors | None = None
    near: Neighbourhood | None = None
    plane: Plane | None = None
    lexical: Sequence[Value] = ()
    spreads: Sequence[Spread] = ()
    confusion: Confusion | None = None
    costs: Costs | None = None
    shown: Sequence[Shown] = ()
    against: Facts | None = None
    texts: bool = True
    label: str = "label"

    @property
    def command(self) -> str:
        """The run's name as commands take it."""
        return self.facts.name


def gather(
    facts: Facts, given: Mapping[str, Data], *, samples: int = 60, against: Facts | None = None, texts: bool = True, label: str = "label"
) -> Material:
    """Look at the run's rows, scores, journal and real data. samples: records for the browser, 0: none."""
    folder, seed = facts.folder, facts.seed
    sizes = shares(samples)
    kept = sweep(stored(folder, "kept"), label=label, seed=seed, keep=samples, longest=sizes["longest"])
    sets = {name: sweep(data, label=label, seed=seed) for name, data in given.items()}
    out = Material(facts, kept, sets, against=against, texts=texts, label=label)
    out.source = next((name for name in ("real", "holdout") if name in sets and sets[name].texts), "")
    _samples(out, given)
    out.spreads, out.confusion, out.costs = spreads(folder, sizes["score"] or 1), confusion(folder), costs(folder)
    if samples and texts:
        out.shown = choose(folder, kept.drawn, _wanted(out, sizes), samples, seed)
        provenance(folder, out.shown)
    return out


def _samples(out: Material, given: Mapping[str, Data]) -> None:
    """Equal numbers of rows of both sets, drawn as evaluation draws them, with what is computed of them."""
    facts, seed = out.facts, out.facts.seed
    if not out.kept.texts:
        return
    real_total = out.sets[out.source].texts if out.source else 0
    count = min(MOST, out.kept.texts, real_total or MOST)
    out.sample = draw("synthetic", stored(facts.folder, "kept"), out.kept.texts, count, seed=seed, label=out.label)
    if out.source:
        out.real = draw(out.source, given[out.source], real_total, count, seed=seed, label=out.label)
    values = () if facts.stale else facts.values
    out.vectors = vectors_of(facts.folder, values, out.sample, out.real)
    if out.vectors is not None:
        out.near, out.plane = neighbourhood(out.vectors), plane(out.vectors)
    out.lexical = _lexical(out.sample, out.real, seed)


def _lexical(sample: Sample, real: Sample | None, seed: int) -> list[Value]:
    from tilth.evaluate.metrics.lexical import DistinctN

    return DistinctN(ns=NGRAMS, most=MOST).values(sets_of(sample, real, seed))


def _wanted(out: Material, sizes: Mapping[str, int]) -> Wanted:
    """Kept records that say most: near a border, most alike, doubted."""
    ids: list[list[tuple[str, str]]] = []
    ids += [[(id_, f"border of {one.step}") for _, id_ in one.border[: sizes["score"]]] for one in out.spreads if one.graded]
    if out.near is not None and out.sample is not None:
        rows = out.sample.rows
        pairs = list(enumerate(out.near.pairs[: sizes["alike"]], 1))
        ids.append([(str(rows[at].id), f"most alike, pair {number}") for number, pair in pairs for at in pair[:2]])
    suspects = [id_ for value in out.facts.values for id_ in value.detail.get("suspects") or () if not out.facts.stale]
    ids.append([(str(id_), "label doubted") for id_ in suspects[: sizes["doubted"]]])
    longest = max(map(len, ids), default=0)
    in_turn = [many[at] for at in range(longest) for many in ids if at < len(many)]
    return Wanted(tuple(in_turn), tuple(out.kept.longest))
