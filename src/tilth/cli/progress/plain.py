"""Progress without a terminal: one line at the start, then every 10 s or 5 %, and at the end of a stage."""

from __future__ import annotations

from datetime import datetime

from tilth.cli.numbers import duration, plural, reasons, tokens
from tilth.cli.printer import Printer
from tilth.cli.progress.watch import Header, Rates, Snapshot, cost, now

EVERY = 10.0
"""Seconds between lines, at least."""
STEP = 0.05
"""Share of the total between lines, at least (when a total is known)."""


class Plain:
    """Writes a line when both 10 s and 5 % have passed since the last one."""

    period = 0.5

    def __init__(self, printer: Printer, header: Header, snapshot: Snapshot) -> None:
        self._printer, self._header, self._snapshot = printer, header, snapshot
        self._rates = Rates()
        self._last_time = 0.0
        self._last_kept = 0
        self._stage = ""

    def begin(self) -> None:
        """The first line."""
        head = self._header
        self._stage = self._snapshot.stage
        self._say(f"run {head.name}, seed {head.seed}, {head.folder}")
        if head.estimate:
            self._say(f"estimate {head.estimate}")
        self._last_time = now()

    def look(self, final: bool) -> None:
        """Write a line if it is time for one."""
        moment, shot = now(), self._snapshot
        self._rates.add(moment, shot)
        if shot.stage != self._stage or final:
            self._over(self._stage)
            self._stage, self._last_time = shot.stage, moment
            return
        step = self._due(moment)
        if step:
            self._last_time, self._last_kept = moment, shot.kept
            self._say(self._line())

    def _due(self, moment: float) -> bool:
        shot = self._snapshot
        if moment - self._last_time < EVERY or self._header.at(self._stage):
            return False
        if shot.waiting_for or not shot.total:
            return True
        if moment - self._last_time >= 6 * EVERY:  # nothing for a minute looks like a hang
            return True
        return shot.kept - self._last_kept >= STEP * shot.total

    def _line(self) -> str:
        shot = self._snapshot
        total = f"/{shot.total}" if shot.total else ""
        parts = [f"{shot.stage} {shot.kept}{total} rows", f"{shot.rejected} rejected", f"{shot.calls} calls"]
        if shot.from_journal:
            parts.append(f"{shot.from_journal} from the journal")
        parts += [f"{tokens(shot.tokens_in)} in", f"{tokens(shot.tokens_out)} out"]
        parts.append(_cost(shot, self._header.budget_usd, self._header.spent_usd))
        left = self._rates.eta(shot)
        parts += [f"{duration(left)} left"] if left is not None else []
        parts += [shot.waiting_for] if shot.waiting_for else []
        return ", ".join(parts)

    def _over(self, stage: str) -> None:
        """The line of a stage that has ended; none of what is only taken over from a file."""
        listed = [line.name for line in self._header.stages]
        if listed and stage not in listed and not self._header.stages[0].rows:
            return
        number = self._header.at(stage)
        if listed and not self._header.stages[number].rows:
            said = self._header.stages[number].over() if self._snapshot.finished or self._snapshot.stage != stage else ""
            self._say(f"{stage} done: {said}" if said else f"{stage} ended")
            return
        shot = self._snapshot
        why = f" ({reasons(dict(shot.reasons))})" if shot.rejected else ""
        whole = shot.stage != stage or (shot.finished and (shot.total is None or shot.kept >= shot.total))
        head = f"{stage} {'done' if whole else 'ended'}: {plural(shot.kept, 'row')}, {shot.rejected} rejected{why}"
        self._say(f"{head}, {plural(shot.calls, 'call')}, {_cost(shot, None)}")

    def _say(self, line: str) -> None:
        self._printer.say(datetime.now().astimezone().strftime("%H:%M:%S "), line)


def _cost(shot: Snapshot, budget: float | None, before: float = 0.0) -> str:
    return f"cost {cost(shot, budget, before)}" if shot.unpriced else cost(shot, budget, before)
