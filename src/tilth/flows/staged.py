"""A stage over rows that exist: curating or evaluating a run in its folder, or a file in a folder of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from tilth.engine.drive import Stage
    from tilth.engine.execute import Handle, Outcome
    from tilth.engine.method import Method
    from tilth.engine.session import Settings
    from tilth.records.folder import RunFolder

S = TypeVar("S", bound="Stage")


@dataclass
class PreparedStage(Generic[S]):
    """A stage that can start. method: what takes over the rows of a file; for a run it is for display only.

    in_place: the rows are a run's own. noted: what run.json keeps of the stage beside its status and totals.
    """

    stage: S
    settings: Settings
    method: Method
    in_place: bool
    notes: list[str] = field(default_factory=list)
    noted: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> RunFolder:
        """Where the run is, or will be."""
        return self.settings.folder

    async def execute(self, handle: Handle | None = None) -> Outcome:
        """Do it. What run.json says of a run's generation stays; the stage is noted beside it."""
        from tilth.engine.execute import execute

        before = self.folder.read_state() if self.in_place else {}
        outcome = await execute(None if self.in_place else self.method, self.settings, stages=[self.stage], handle=handle)
        if self.in_place:
            after = self.folder.read_state()
            noted = {**{name: after.get(name) for name in ("status", "ended", "totals")}, **self.noted}
            self.folder.write_state({**before, "stages": {**before.get("stages", {}), self.stage.name: noted}})
        return outcome
