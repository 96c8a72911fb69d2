"""The lists of values that AttrPrompt draws from, and what a draw is."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tilth.errors import RequestError
from tilth.prompts.conditions import Values


@dataclass(frozen=True, slots=True)
class Choice:
    """A drawn value, and its position in the saved list of its attribute (and label)."""

    value: Any
    index: int


@dataclass(frozen=True)
class Attributes:
    """Final lists: what was filtered out is in none of them, so that an index always means the value it was drawn as.

    shared: attribute to values, for all labels. own: attribute to label to values.
    """

    shared: Mapping[str, list[Any]]
    own: Mapping[str, Mapping[str, list[Any]]] = field(default_factory=dict)

    def check(self, labels: Iterable[str]) -> Attributes:
        """Itself, if every attribute has values (for every label); else RequestError."""
        for name, values in self.shared.items():
            if not values:
                raise RequestError(f"attribute '{name}' has no values. Give at least one.", code="method.attributes")
        for name, by_label in self.own.items():
            empty = [label for label in labels if not by_label.get(label)]
            if empty:
                raise RequestError(f"attribute '{name}' has no values for label '{empty[0]}'. Give at least one.", code="method.attributes")
        return self

    def of(self, label: str) -> dict[str, list[Any]]:
        """Every attribute's list for a label."""
        return {**self.shared, **{name: by_label[label] for name, by_label in self.own.items()}}

    def draw(self, label: str, rng: random.Random) -> dict[str, Choice]:
        """Each attribute independently and uniformly."""
        drawn = {}
        for name, values in self.of(label).items():
            index = Values(values).index(rng)
            drawn[name] = Choice(values[index], index)
        return drawn

    def lists(self) -> dict[str, Any]:
        """As JSON: what the indices of the records point into."""
        return {"shared": dict(self.shared), "own": {name: dict(by_label) for name, by_label in self.own.items()}}
