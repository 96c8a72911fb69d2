"""Several stages as one method: each reads the records of the one before it, or data; what leaves the last is the result.

The records of an earlier stage are rows on disk for the time of the run. They have ids of their own, which the records made from
them name as parents; which input records they came from (`seed_ids`) is handed on.
"""

from __future__ import annotations

import types
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from tilth.engine.method import Method
from tilth.engine.place import current
from tilth.engine.run import Run
from tilth.records.data import Data, check_columns
from tilth.records.record import Record

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tilth.engine.session import Session
    from tilth.engine.spool import Spool
    from tilth.models.roles import RoleModel


@dataclass(frozen=True)
class Link:
    """One stage. reads: input of its method to what it is read from: an earlier stage, or data of another name.

    roles: the roles that the stage has models of its own for.
    """

    id: str
    method: Method
    reads: Mapping[str, str] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()

    def role(self, name: str) -> str:
        """What the run calls a role of this stage."""
        return f"{self.id}.{name}" if name in self.roles else name


class Chain(Method):
    """Stages in order. Made by :func:`chain_of`, which fills in what a method declares."""

    name: ClassVar[str] = "stages"
    family: ClassVar[str] = "flow"
    links: ClassVar[tuple[Link, ...]] = ()

    def columns_for(self, data: Mapping[str, Data]) -> Mapping[str, Any]:
        """Those of the last stage; where it reads an earlier one, what it declares."""
        last, made = self.links[-1], {link.id for link in self.links}
        return last.method.columns if made & set(last.reads.values()) else last.method.columns_for(data)

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        """Run the stages one after the other; yield what the last one gives."""
        given: dict[str, Data] = {}
        for link in self.links[:-1]:
            inner, rows = StageRun.of(run, link, given), run.spool(f"stage-{link.id}")
            async for record in link.method.generate(inner):
                rows.append(inner.adopt(record))
            if not len(rows):
                run.note(f"stage '{link.id}' gave no records, so the stages after it had nothing to go on with.")
                return
            given[link.id] = _data(link.id, rows)
        last = self.links[-1]
        async for record in last.method.generate(StageRun.of(run, last, given)):
            yield record


def chain_of(links: Sequence[Link]) -> Chain:
    """The stages as a method: a class of its own that declares what all of them read and ask, and what the last one yields."""
    made = {link.id for link in links}
    inputs: dict[str, str] = {}
    roles: dict[str, int | str] = {}
    needs: dict[str, tuple[str, ...]] = {}
    for link in links:
        for name, columns in link.method.inputs.items():
            source = link.reads.get(name, name)
            if source not in made:
                inputs[source] = _both(inputs[source], columns) if source in inputs else columns
        roles.update({link.role(role): count for role, count in link.method.roles.items()})
        needs.update({link.role(role): can for role, can in link.method.needs.items()})
    declared = {
        "__module__": __name__,
        "__doc__": Chain.__doc__,
        "links": tuple(links),
        "inputs": inputs,
        "columns": links[-1].method.columns,
        "roles": roles,
        "needs": needs,
    }
    cls: type[Chain] = types.new_class("Chain", (Chain,), exec_body=lambda body: body.update(declared))
    return cls(rows=links[-1].method.rows)


def _both(one: str, other: str) -> str:
    """The columns that two stages need of the same data; it may be left out only where both can do without it."""
    words = dict.fromkeys([*one.lstrip("?").split(), *other.lstrip("?").split()])
    return ("?" if one.startswith("?") and other.startswith("?") else "") + " ".join(words)


class StageRun(Run):
    """The run as a stage sees it: inputs and models under the stage's own names."""

    def __init__(self, session: Session, link: Link, given: Mapping[str, Data]) -> None:
        super().__init__(session)
        self._link = link
        self._given = given

    @classmethod
    def of(cls, run: Run, link: Link, given: Mapping[str, Data]) -> StageRun:
        """A stage's view of a run. given: records of earlier stages, by the stage's name."""
        return cls(run._session, link, given)

    def adopt(self, record: Record) -> Record:
        """The record with its id and place, as the run gives them to every record that leaves generation."""
        adopted: Record = self._session.adopt(current(), record)
        return adopted

    def has(self, name: str) -> bool:
        """Whether an input, or an earlier stage, of this name is there."""
        source = self._link.reads.get(name, name)
        return source in self._given or super().has(source)

    def data(self, name: str) -> Data:
        """An input, or the records of an earlier stage."""
        source = self._link.reads.get(name, name)
        if source not in self._given:
            return super().data(source)
        needed = self._link.method.inputs.get(name, "").lstrip("?").split()
        check_columns(self._given[source], [column for column in needed if not column.endswith("?")])
        return self._given[source]

    def models(self, role: str = "generator") -> list[RoleModel]:
        """The stage's own models of a role, else the run's."""
        return super().models(self._link.role(role))

    async def embed(self, texts: Sequence[str], *, role: str = "embedder") -> npt.NDArray[np.float32]:
        """See :meth:`tilth.engine.run.Run.embed`."""
        return await super().embed(texts, role=self._link.role(role))


def _data(name: str, rows: Spool) -> Data:
    """The rows of a stage as data: read anew from disk each time, with the ids that they have."""
    return Data(lambda _: [(None, ((number, record) for number, record in enumerate(rows, 1)))], name=name)
