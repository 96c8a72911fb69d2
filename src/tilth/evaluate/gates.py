"""Gates: bounds that a figure must keep. An interval is held against them, and what was not measured never passes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tilth.errors import RequestError
from tilth.evaluate.base import Value
from tilth.records.figures import figure

Level = Literal["must", "should"]
On = Literal["interval", "point"]
State = Literal["holds", "fails", "unknown"]

FAMILIES: dict[str, str] = {"contamination": "contamination_", "utility": "utility_"}
"""Names that stand for several figures: the gate asks each of them, and the worst is shown."""

STUDENT_AGREEMENT = "student_agreement"
"""What a student says of the labels; as a gate, `label_agreement` means people, whose answers no student can replace."""

COUNTED = ("near_duplicates", "contamination", "refusals", "language")
"""Shares that are shown as `3 of 820` where no interval is asked."""

RESTS_ON_HOLDOUT = ("utility",)
"""Metrics that bad data fail on real rows which nothing else has seen. Contamination is none: an empty text passes it."""

NO_PEOPLE = "no human labels yet: review 100 records"


class Gate(BaseModel):
    """A bound that a metric must keep.

    metric: its name, or `contamination`, `utility` for all of that kind. at_least, at_most: bounds, one of them or both.
    level: `must` decides, `should` is said. on: `interval` asks the end of the 95 % interval that is nearest to the bound
    (at_least: the lower, at_most: the upper), `point` asks the figure. suggested: by tilth, not by the user.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str = Field(min_length=1)
    at_least: float | None = None
    at_most: float | None = None
    level: Level = "must"
    on: On = "interval"
    suggested: bool = False

    @field_validator("at_least", "at_most")
    @classmethod
    def _finite(cls, value: float | None) -> float | None:
        if value is not None and not math.isfinite(value):
            raise ValueError("a bound must be a number")
        return value

    @model_validator(mode="after")
    def _bounded(self) -> Gate:
        if self.at_least is None and self.at_most is None:
            raise ValueError("a gate needs at_least or at_most")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"nothing is at least {self.at_least:g} and at most {self.at_most:g}")
        return self

    @property
    def bound(self) -> str:
        """`at least 0.85`, `at most 0`."""
        both = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{words} {_plain(edge)}" for words, edge in both if edge is not None)

    def settings(self) -> dict[str, Any]:
        """As a flow writes it, without the name."""
        return self.model_dump(exclude={"metric", "suggested"}, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Checked:
    """A gate held against the evidence.

    value: the figure that decided; None where there is none. bound: `at least 0.85`. shown: `0.94 [0.88, 0.97]`, "" where
    unknown. why: for what fails or is unknown the reason, for what holds what to compare it with; may be "".
    """

    gate: Gate
    value: Value | None
    state: State
    bound: str
    shown: str
    why: str

    @property
    def rests(self) -> bool:
        """Whether it rests on people, or on real holdout rows that bad data would fail."""
        return self.value is not None and (audited(self.value) > 0 or family(self.gate.metric) in RESTS_ON_HOLDOUT)

    def to_json(self) -> dict[str, Any]:
        """As the JSON object of a command holds it."""
        gate, value = self.gate, self.value
        bound = {name: edge for name in ("at_least", "at_most") if (edge := getattr(gate, name)) is not None}
        found = {"value": value.value, "ci": _pair(value.interval), "n": value.n} if value else {"value": None, "ci": None, "n": 0}
        about = {"metric": gate.metric, "bound": bound, "level": gate.level, "on": gate.on, "suggested": gate.suggested}
        return {**about, **found, "state": self.state, "why": self.why}


def gates_of(written: Mapping[str, Mapping[str, Any]] | None) -> tuple[Gate, ...]:
    """The gates of a flow: metric to its settings. Raises pydantic's ValidationError for what is none."""
    return tuple(Gate(metric=name, **settings) for name, settings in (written or {}).items())


def check(gates: Iterable[Gate], values: Sequence[Value]) -> tuple[Checked, ...]:
    """Each gate against the figures, in the order of the gates."""
    return tuple(_checked(gate, values) for gate in gates)


def suggested(kind: str) -> tuple[Gate, ...]:
    """Gates for a kind of task whose user has written none. They are `should`: no verdict rests on them."""
    return tuple(Gate(metric=name, level="should", suggested=True, **bound) for name, bound in _SUGGESTED.get(kind, _COMMON).items())


_COMMON: dict[str, dict[str, Any]] = {"near_duplicates": {"at_most": 0.05}, "contamination": {"at_most": 0, "on": "point"}}
_SUGGESTED: dict[str, dict[str, dict[str, Any]]] = {
    "classification": {"label_agreement": {"at_least": 0.85}, **_COMMON},
    "nli": {"label_agreement": {"at_least": 0.85}, **_COMMON},
    "instruction": {"faithfulness": {"at_least": 0.95}, **_COMMON},
    "code": {"pass_rate": {"at_least": 0.99}, **_COMMON},
    "preference": {"position_consistency": {"at_least": 0.85}, "length_bias": {"at_most": 0.60}},
    "tabular": {"dcr": {"at_least": 0.45}, "membership_inference": {"at_most": 0.55}, "utility": {"at_least": 0.60}},
}


def known(name: str) -> None:
    """Raise RequestError where no metric, and none that is suggested for any kind of task, is called so."""
    from tilth.evaluate.metrics import BY_NAME
    from tilth.records.hints import did_you_mean

    names = {*BY_NAME, *FAMILIES, *(one for bounds in _SUGGESTED.values() for one in bounds), STUDENT_AGREEMENT}
    if name not in names and not name.startswith((*FAMILIES.values(), "distinct_")):
        raise RequestError(f"no metric is called '{name}'.{did_you_mean(name, sorted(names))}", code="evaluate.gate")


def family(name: str) -> str:
    """The kind of figure that a name is one of.

    >>> family("utility_16_tfidf"), family("contamination_8"), family("vendi")
    ('utility', 'contamination', 'vendi')
    """
    return next((whole for whole, prefix in FAMILIES.items() if name.startswith(prefix)), name)


def audited(value: Value) -> int:
    """How many records people have judged for this figure; 0 where no person has."""
    return value.n if value.detail.get("people") else 0


def _figures(name: str, values: Sequence[Value]) -> list[Value]:
    """The figures that a gate of this name asks."""
    if name == STUDENT_AGREEMENT:
        return [one for one in values if one.metric == "label_agreement" and not audited(one)]
    if name == "label_agreement":
        return [one for one in values if one.metric == name and audited(one)]
    exact = [one for one in values if one.metric == name]
    return [one for one in values if one.metric.startswith(FAMILIES[name])] or exact if name in FAMILIES else exact


def _checked(gate: Gate, values: Sequence[Value]) -> Checked:
    found = [_against(gate, value) for value in _figures(gate.metric, values)]
    if not found:
        return Checked(gate, None, "unknown", gate.bound, "", NO_PEOPLE if gate.metric == "label_agreement" else "it was not measured")
    order: dict[State, int] = {"fails": 0, "unknown": 1, "holds": 2}
    return min(found, key=lambda one: (order[one.state], one.value is not None and slack(one)))


def _against(gate: Gate, value: Value) -> Checked:
    if value.value is None or not math.isfinite(value.value):
        why = str(value.detail.get("why") or "it was not measured")
        return Checked(gate, None, "unknown", gate.bound, "", why)
    if gate.on == "interval" and (value.interval is None or not all(map(math.isfinite, value.interval))):
        return Checked(gate, value, "unknown", gate.bound, figure(value.value), "it has no interval; to ask the figure itself: on: point")
    shown = _shown(gate, value)
    low, high = (value.value, value.value) if gate.on == "point" or value.interval is None else value.interval
    if gate.at_least is not None and low < gate.at_least:
        return Checked(gate, value, "fails", gate.bound, shown, _below(gate, value, low))
    if gate.at_most is not None and high > gate.at_most:
        return Checked(gate, value, "fails", gate.bound, shown, _above(gate, value, high))
    return Checked(gate, value, "holds", gate.bound, shown, _beside(value))


def slack(checked: Checked) -> float:
    """How far the deciding end of the figure is on the good side of its bound, relative to the bound; negative where it fails."""
    gate, value = checked.gate, checked.value
    if value is None or value.value is None:
        return 0.0
    low, high = value.interval if gate.on == "interval" and value.interval is not None else (value.value, value.value)
    gaps = [low - gate.at_least] if gate.at_least is not None else []
    gaps += [gate.at_most - high] if gate.at_most is not None else []
    return min(gaps) / max(abs(gate.at_least or 0.0), abs(gate.at_most or 0.0), 0.05)


def _below(gate: Gate, value: Value, low: float) -> str:
    if gate.on == "interval" and value.value is not None and value.value >= (gate.at_least or 0.0):
        return f"the lower end of its interval, {_edge(low)}, is below {_plain(gate.at_least)}"
    return f"it is below {_plain(gate.at_least)}"


def _above(gate: Gate, value: Value, high: float) -> str:
    if gate.on == "interval" and value.value is not None and value.value <= (gate.at_most or 0.0):
        never = "; that end is never 0: write on: point" if gate.at_most == 0 else ""
        return f"the upper end of its interval, {_edge(high)}, is above {_plain(gate.at_most)}{never}"
    return f"it is above {_plain(gate.at_most)}"


def _shown(gate: Gate, value: Value) -> str:
    assert value.value is not None
    hits = value.value * value.n
    if gate.on == "point" and family(value.metric) in COUNTED and value.n and abs(hits - round(hits)) < 0.01:
        return f"{round(hits):,} of {value.n:,}"
    return figure(value.value, None if gate.on == "point" else value.interval)


def _beside(value: Value) -> str:
    """What a figure is compared with."""
    if audited(value):
        people = value.detail["people"]
        return f"{value.n:,} audited" + (f", {people} people" if isinstance(people, int) and people > 1 else "")
    parts = []
    if value.reference is not None:
        size = value.metric.split("_")[1] if family(value.metric) == "utility" and "_" in value.metric else ""
        parts.append(f"{size} real alone {figure(value.reference)}" if size else f"real {figure(value.reference)}")
    majority = value.detail.get("majority")
    if isinstance(majority, (list, tuple)) and majority and isinstance(majority[0], (int, float)):
        parts.append(f"majority {figure(majority[0])}")
    return ", ".join(parts)


def _plain(edge: float | None) -> str:
    return "" if edge is None else f"{edge:.2f}" if 0 < abs(edge) < 1 and round(edge, 2) == edge else f"{edge:g}"


def _edge(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.3g}"


def _pair(interval: Sequence[float] | None) -> list[float] | None:
    return None if interval is None else list(interval)
