"""A skill as one configuration runs it: what is drawn, and how much can come of a seed (AgentInstruct)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from tilth.methods.instructions._skills import Skill


@dataclass(frozen=True)
class Course:
    """How a seed goes through a skill. only: the types that may be drawn, None: all. types: per text, None: as the skill says."""

    name: str
    skill: Skill
    only: Sequence[str] | None
    transforms: int
    types: int | None
    tasks: int
    rounds: int
    suggestions: int

    @property
    def problem(self) -> str:
        """What is wrong, or an empty text: a type that the taxonomy does not have, a transformation without types."""
        skill = self.skill
        if not skill.types:
            return f"the skill '{self.name}' has no types"
        for transform in skill.types_of:
            if transform not in skill.transforms:
                return f"types_of of the skill '{self.name}' names the transformation '{transform}', which it does not have"
        for type_ in [*(one for suited in skill.types_of.values() for one in suited), *(self.only or ())]:
            if type_ not in skill.types:
                return f"the skill '{self.name}' has no type '{type_}' (it has: {', '.join(skill.types)})"
        return "" if self.agents else f"no transformation of the skill '{self.name}' has a type left"

    @cached_property
    def agents(self) -> list[str]:
        """Transformations that some type suits."""
        return [transform for transform in self.skill.transforms if self.suiting(transform)]

    def suiting(self, transform: str) -> list[str]:
        """The types for texts of this transformation, in order."""
        suited = self.skill.types_of.get(transform, list(self.skill.types))
        return suited if self.only is None else [name for name in suited if name in self.only]

    def n_types(self, transform: str) -> int:
        """How many of them are drawn for a text."""
        return min(self.types or self.skill.types_per_text, len(self.suiting(transform)))

    @property
    def width(self) -> int:
        """m: versions made of one version in a round, at most."""
        return self.suggestions if self.skill.goals else 0

    @property
    def chain(self) -> int:
        """A task with all that refinement can make of it: the sum of m^r over the rounds, at most (1 + m)^R."""
        return int(sum(self.width**number for number in range(self.rounds + 1)))

    @cached_property
    def _n_texts(self) -> list[int]:
        """Types of each text of a seed, where chance draws the transformations with most of them."""
        return sorted(map(self.n_types, self.agents), reverse=True)[: self.transforms]

    @property
    def items(self) -> int:
        """The most records that a seed can give."""
        return sum(self._n_texts) * self.tasks * self.chain

    @property
    def calls(self) -> int:
        """The calls for these, each answered at once and in one reply."""
        transformed = min(len(self._n_texts), sum(bool(how) for how in self.skill.transforms.values()))
        first = sum(self._n_texts) * self.tasks
        suggesters = first * sum(self.width**number for number in range(self.rounds)) if self.width else 0
        return transformed + sum(self._n_texts) + suggesters + (self.items - first) + self.items


def portions(total: int, capacities: Iterable[int]) -> list[int]:
    """`total` dealt out, to each taker as much as it holds, the first first; those that get nothing are left out.

    >>> portions(7, [3, 3, 3, 3])
    [3, 3, 1]
    """
    shares = []
    for capacity in capacities:
        if total <= 0:
            break
        shares.append(min(capacity, total))
        total -= capacity
    return shares
