"""Progress for programs: one JSON event a line on stderr."""

from __future__ import annotations

from tilth.cli.printer import Printer
from tilth.cli.progress.watch import Header, Rates, Snapshot, event, now


class Events:
    """Writes `run_started`, `stage_started`, `progress` each second, `warning`, `stage_done` and `run_done`."""

    period = 1.0

    def __init__(self, printer: Printer, header: Header, snapshot: Snapshot) -> None:
        self._printer, self._header, self._snapshot = printer, header, snapshot
        printer.events = True
        self._rates = Rates()
        self._stage = ""
        self._warned = 0

    def begin(self) -> None:
        """`run_started`."""
        head = self._header
        self._printer.event("run_started", run=head.name, path=head.folder, seed=head.seed, models=head.models, budget_usd=head.budget_usd)

    def look(self, final: bool) -> None:
        """One `progress` event, and the beginnings and ends of stages."""
        self._rates.add(now(), self._snapshot)
        if self._snapshot.stage != self._stage:
            if self._stage:
                self._printer.event("stage_done", stage=self._stage)
            self._stage = self._snapshot.stage
            self._printer.event("stage_started", stage=self._stage)
        self._warnings()
        self._printer.event("progress", **event(self._snapshot, self._rates))
        if final:
            self._printer.event("stage_done", stage=self._stage)
            self._printer.event("run_done", finished=self._snapshot.finished, path=self._header.folder)

    def _warnings(self) -> None:
        known = list(getattr(self._snapshot, "warnings", []))
        for text in known[self._warned :]:
            self._printer.warn(text, "run.note")
        self._warned = len(known)
