"""How many requests at once: found from the replies alone, whether 429s are noise or a hard cap.

Pure logic without clock or event loop. Every reply is told to :meth:`AdaptiveLimit.on_reply`; `limit` is the answer.

The idea. A reply that was turned away (429, 5xx, drop) says one of two things. At a *capacity*, one slot too many was used:
taking away one slot per turned-away reply ends exactly at the capacity. *Noise* does not care about the limit: the share of
turned-away replies is the same after slots were taken away. So on congestion the limit is cut once, the share is measured
again, and what remains is noise: it is subtracted from then on. States:

    RISE     three times the limit per round trip (two slots per reply), until the first congestion or no gain
    HOLD     stay; a cumulative sum test watches for a share above the known noise
    PROBE    a few slots more for one round trip; each success doubles the next step, a failure goes back at once
    CUT      every turned-away reply takes its slot with it, for one round trip
    MEASURE  one round trip at the lower limit; what is still turned away is noise
    DIP      rarely, where noise is known: 12 % fewer slots for a moment; if the noise vanishes it was capacity

Probes pay for themselves: what they cost in turned-away replies is a debt that PROBE_SHARE of all replies pay off before the
next probe. Below one request at once the limit is a fraction: the pause between two requests (see `pace`).

Only *fresh* replies count, those whose request started after the last change of the limit.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Literal

Direction = Literal["rising", "steady", "backing off"]

PROBE_SHARE = 0.015
"""Share of replies that probes may cost in the long run."""

_MOST_DEBT = 60
"""Longest time between two probes, in round trips."""

_NOISE_MOST = 0.35
"""A larger share than this is never taken for noise."""

_SLOWEST = 60.0
"""Longest pause between two requests, in seconds."""

_DIP_LENGTH = 16.0
"""Replies in a dip, times the share of noise."""

_LITTLE_NOISE = 0.02
"""Noise below this is not worth a second look."""


class Outcome(Enum):
    """What became of one request."""

    OK = "ok"
    THROTTLED = "throttled"
    FAILED = "failed"
    CANCELLED = "cancelled"

    __hash__ = object.__hash__


class Phase(Enum):
    """State of the search; see the module's text."""

    RISE = "rise"
    HOLD = "hold"
    PROBE = "probe"
    CUT = "cut"
    MEASURE = "measure"
    DIP = "dip"

    __hash__ = object.__hash__


class AdaptiveLimit:
    """The limit on requests at once, and the pause between them where even one at once is too much.

    Parameters
    ----------
    start: first limit (>= 1). floor, ceiling: bounds of `limit` (1 <= floor <= ceiling). Pauses are used only with floor 1.

    Attributes
    ----------
    limit: requests at once now. level: the same as a real number; below 1 it means a pause.
    noise: share of replies that are turned away whatever the limit is, in [0, 1].
    ok_latency: running mean seconds of a good reply (0.0 before the first).
    """

    __slots__ = (
        "_alarm_at", "_anchor", "_away", "_before", "_best", "_ceiling", "_cusum", "_cut_away", "_cut_ok", "_cut_to", "_debt",
        "_dip_gap", "_dip_in", "_due", "_floor", "_full", "_good", "_latency_sum", "_load_sum", "_mark", "_measured", "_n",
        "_noise_most", "_patience", "_plateaus", "_risen", "_since", "_step", "_top", "_up", "_weight_away", "_weight_ok",
        "level", "limit", "noise", "ok_latency", "phase",
    )  # fmt: skip

    def __init__(self, *, start: int = 32, floor: int = 1, ceiling: int = 1024) -> None:
        if not 1 <= floor <= ceiling:
            raise ValueError(f"floor and ceiling must hold 1 <= floor <= ceiling, not {floor} and {ceiling}")
        self._floor, self._ceiling = floor, ceiling
        self.level = float(min(max(start, floor), ceiling))
        self.limit = int(self.level)
        self.noise = 0.0
        self.ok_latency = 0.0
        self._debt = 0.0  # turned-away replies that probes have cost and that are not paid off
        self._step = 0.0  # of the next probe; 0: the smallest
        self._before = self.level  # level to go back to
        self._cut_to = 0.0
        self._best = 0.0  # good replies per second in the previous round trip of RISE
        self._risen, self._mark, self._top = 0, 0.0, 0.0  # of this one: good replies, since when, most that the limit may become
        self._anchor = (0.0, 0.0)  # (throughput, level) that growth is compared with
        self._plateaus = 0  # times in a row that growth brought nothing
        self._dip_gap, self._dip_in = 3.0, 0.0  # length of HOLD in dips, replies until the next dip
        self._noise_most = 0.0
        self._cut_ok = self._cut_away = 0
        self._up = True
        self._patience = 5.0  # evidence that raises the alarm in HOLD
        self._measured = 1.0
        self._weight_ok = self._weight_away = 0.0  # evidence of one reply
        self._cusum = self._alarm_at = 0.0
        self._n = self._good = self._away = self._full = 0  # fresh replies of this round trip
        self._latency_sum = self._load_sum = self._due = 0.0
        self._enter(Phase.RISE, -math.inf)
        if self.level >= ceiling:
            self._enter(Phase.HOLD, -math.inf)

    @property
    def direction(self) -> Direction:
        """For the display."""
        if self.phase in (Phase.CUT, Phase.MEASURE):
            return "backing off"
        if self.phase is Phase.RISE or (self.phase is Phase.PROBE and self._step >= 0.5 * self._before):
            return "rising"
        return "steady"

    @property
    def pace(self) -> float:
        """Least seconds between the starts of two requests; 0.0 unless one at once is too many."""
        return min(_SLOWEST, (self.ok_latency or 1.0) / self.level) if self.level < 1.0 else 0.0

    def on_reply(self, outcome: Outcome, latency: float, now: float, in_flight: int) -> int:
        """Take in one reply and return the limit that holds from now on.

        latency: seconds from sending to this outcome. now: seconds of a steady clock.
        in_flight: requests under way including this one.
        """
        if outcome is Outcome.OK:
            mean = self.ok_latency
            self.ok_latency = mean + (latency - mean) * 0.05 if mean else latency
            if self.phase is Phase.RISE:
                self._rise(now - latency, in_flight)
            if now - latency >= self._since:
                self._on_fresh(latency, now, in_flight)
        elif outcome is not Outcome.CANCELLED:
            self._on_away(now - latency >= self._since, now, in_flight)
        return self.limit

    def _rise(self, sent: float, in_flight: int) -> None:
        if not self._risen and self._mark == -math.inf:
            self._mark = sent
        self._risen += 1
        if in_flight >= self.limit:
            self._set(min(self.level + 2.0, self._top))

    def _on_fresh(self, latency: float, now: float, in_flight: int) -> None:
        """A good reply to a request that was sent under the present limit."""
        self._n += 1
        self._good += 1
        self._latency_sum += latency
        self._load_sum += in_flight
        if in_flight >= self.limit:
            self._full += 1
        left = self._cusum - self._weight_ok
        self._cusum = left if left > 0.0 else 0.0
        if self._n >= self._due:
            self._on_round_trip(now)

    def _on_away(self, fresh: bool, now: float, in_flight: int) -> None:
        """A reply that was turned away."""
        if self.phase is Phase.CUT:
            self._cut_away += 1
            self._take_slot(fresh, now)
            return
        if not fresh:
            if self.phase is Phase.HOLD and self.noise < _LITTLE_NOISE:
                self._owe(1.0)  # sent during a probe that failed
            return
        self._n += 1
        self._away += 1
        self._cusum += self._weight_away
        if self._cusum >= self._alarm_at:
            self._on_alarm(now, in_flight)
        elif self._n >= self._due:
            self._on_round_trip(now)

    # ---- the states

    def _enter(self, phase: Phase, since: float) -> None:
        self.phase = phase
        self._since = since
        if phase is not Phase.PROBE:  # a slot granted just before may send just after
            self._since += min(0.01, 0.05 * self.ok_latency)
        self._n = self._good = self._away = self._full = 0
        self._cusum = self._latency_sum = self._load_sum = 0.0
        self._due = max(4.0, self.level) if self.level >= 1.0 else 2.0
        self._alarm_at = self._patience
        low = max(1.25 * self.noise, _LITTLE_NOISE)
        high = min(0.9, low + 0.15)
        if phase is Phase.RISE:
            low, high, self._alarm_at = max(low, 0.1), max(high, 0.4), 5.0
            self._risen, self._mark, self._top = 0, since, 3.0 * self.level
        elif phase is Phase.PROBE:  # about one false alarm in five probes
            self._alarm_at = max(2.0, math.log(1.0 + 5.0 * low * self.level))
        elif phase is Phase.MEASURE:
            self._due, self._alarm_at = max(4.0, self.level, min(40.0, 8.0 * self.level)), math.inf
        elif phase is Phase.DIP:
            self._due = max(self.level, 150.0, _DIP_LENGTH / low)
        self._weight_away = math.log(high / low)
        self._weight_ok = math.log((1.0 - low) / (1.0 - high))

    def _set(self, level: float) -> None:
        self.level = min(float(self._ceiling), max(level, float(self._floor) if self._floor > 1 else 1 / 1024))
        self.limit = max(self._floor, int(self.level))

    def _on_alarm(self, now: float, in_flight: int) -> None:
        """More is turned away than noise explains."""
        if self.phase is Phase.PROBE:
            self._back_to_hold(now, failed=True)
            return
        if self.phase is not Phase.DIP:
            self._before = self.level
        self._up = self.phase is Phase.RISE
        self._cut_ok = self._cut_away = 0
        self._measured = 1.0
        self._start_cut(now)
        self._set(min(self.level, max(in_flight - 1.0, self._cut_to)) if self.level >= 2.0 else self.level * 0.7)

    def _start_cut(self, now: float) -> None:
        self._cut_to = self.level / 4
        self._enter(Phase.CUT, now)

    def _take_slot(self, fresh: bool, now: float) -> None:
        """CUT: the slot goes with the reply, but at most three quarters of them before fresh replies say more."""
        if self.level < 2.0:
            if fresh:
                self._set(self.level * 0.8)
            return
        if self.level - 1.0 >= self._cut_to:
            self._set(self.level - 1.0)
        elif fresh:
            self._start_cut(now)

    def _on_round_trip(self, now: float) -> None:
        match self.phase:
            case Phase.RISE:
                self._end_rise(now)
            case Phase.HOLD:
                self._end_hold(now)
            case Phase.PROBE:
                self._end_probe(now)
            case Phase.CUT:
                self._cut_ok += self._good
                self._enter(Phase.MEASURE, now)
            case Phase.MEASURE:
                self._end_measure(now)
            case Phase.DIP:
                self._end_dip(now)

    def _throughput(self) -> float:
        """Good replies per second, by Little's law; 0.0 without good replies."""
        return self._load_sum / self._latency_sum if self._latency_sum > 0.0 else 0.0

    def _needed(self) -> bool:
        """Whether the limit was what held requests back."""
        return self._full * 2 >= self._good

    def _end_rise(self, now: float) -> None:
        if not self._needed():
            self._enter(Phase.RISE, now)
            return
        reached = self._risen / (now - self._mark)
        if self._best and reached < 1.2 * self._best and self._due > 1.5 * self._before:
            self._set(self._before)  # twice as many brought nothing: the endpoint queues them
            self._anchor, self._plateaus, self._debt = (self._best, self.level), 1, 10 * PROBE_SHARE * self.level
            self._enter(Phase.HOLD, now)
            return
        self._best, self._before = reached, self._due
        if self.level < self._ceiling:
            self._enter(Phase.RISE, now)
            return
        if self._away >= 3:  # taken for noise until the first dip, which comes soon
            self._learn_noise((self._away + math.sqrt(self._away)) / self._n)
        self._enter(Phase.HOLD, now)

    def _end_hold(self, now: float) -> None:
        self.noise += (self._away / self._n - self.noise) * min(0.2, self._n / 1000)
        self.noise = min(self.noise, self._noise_most)  # else a slowly falling capacity would be taken for noise
        self._debt = max(0.0, self._debt - PROBE_SHARE * self._n)
        self._dip_in -= self._n
        needed = self._needed()
        if self._debt <= 0.0 and needed and self.level < self._ceiling:
            if not self._anchor[1]:
                self._anchor = (self._throughput(), self.level)
            self._debt = 0.0
            self._start_probe(now)
        elif self._dip_in <= 0.0 and needed and self.noise > _LITTLE_NOISE and self.level >= 4.0:
            self._before = self.level
            self._set(self.level * 0.88)
            self._enter(Phase.DIP, now)
        else:  # the sum test goes on across round trips
            self._n = self._good = self._away = self._full = 0
            self._latency_sum = self._load_sum = 0.0

    def _smallest_step(self) -> float:
        return max(1.0, 0.03 * self.level) if self.level >= 1.0 else 0.15 * self.level

    def _start_probe(self, now: float) -> None:
        self._before = self.level
        self._step = min(max(self._step, self._smallest_step()), self.level)
        self._set(self.level + self._step)
        self._enter(Phase.PROBE, now)

    def _end_probe(self, now: float) -> None:
        if self.level >= 1.0 and not self._needed():
            self._back_to_hold(now, failed=False)
            return
        throughput, level = self._anchor
        if self.level > max(2.0 * level, 32.0) and level >= 1.0:
            if self._throughput() < 1.25 * throughput:  # twice as many brought nothing: the endpoint queues them
                self._set(level)
                self._plateaus += 1
                self._debt, self._step = min(_MOST_DEBT, 5.0 * 2.0**self._plateaus) * PROBE_SHARE * self.level, 0.0
                self._enter(Phase.HOLD, now)
                return
            self._anchor, self._plateaus = (self._throughput(), self.level), 0
        self._step *= 2.0
        if self.level >= self._ceiling:
            self._enter(Phase.HOLD, now)
        else:
            self._start_probe(now)

    def _back_to_hold(self, now: float, *, failed: bool) -> None:
        self._set(self._before)
        if failed:
            self._owe(max(self._away, 1.0))
            self._step /= 4.0
        else:
            self._debt, self._step = 10 * PROBE_SHARE * self.level, 0.0
        self._enter(Phase.HOLD, now)

    def _owe(self, replies: float) -> None:
        self._debt = min(_MOST_DEBT * PROBE_SHARE * max(4.0, self.level), self._debt + replies)

    def _end_measure(self, now: float) -> None:
        share = self._away / self._n
        most = _NOISE_MOST if self.level >= 2.0 else 0.25  # a rate per minute turns away a quarter just as well
        if share > most or (share > 0.12 and share < 0.7 * self._measured):
            self._measured = share  # that much is believed only when another cut changes nothing
            self._start_cut(now)
            return
        self._step = self.level if self.level < 2.0 and not self._away else 0.0  # perhaps it was an outage
        self._debt = 0.0
        self._anchor = (0.0, 0.0)
        measured = min((self._away + math.sqrt(self._away)) / self._n, 1.0 if self.level >= 2.0 else 0.1)
        self.noise = (self.noise + measured) / 2 if self.noise else measured
        self._learn_noise(self.noise)
        if self._cut_away > self._cut_ok * _NOISE_MOST or self._away < 1 or self.level < 2.0:
            self._patience = 5.0
            self._enter(Phase.HOLD, now)
            return
        self._patience = min(12.0, self._patience + 1.5)  # perhaps it was noise alone: back, but on trial
        low, self._step = self.level, self._before - self.level
        self._set(self._before)
        self._enter(Phase.RISE if self._up else Phase.PROBE, now)
        self._before = low

    def _learn_noise(self, noise: float) -> None:
        self.noise, self._noise_most = noise, 1.5 * noise
        self._dip_gap = 3.0
        self._dip_in = self._dip_gap * max(self.level, _DIP_LENGTH / max(noise, _LITTLE_NOISE))

    def _end_dip(self, now: float) -> None:
        share = self._away / self._n
        if share > _NOISE_MOST:
            self._start_cut(now)
            return
        if share < self.noise - 2.0 * math.sqrt(self.noise * (1.0 - self.noise) / self._n):
            self._learn_noise(share)
            self._owe(10 * PROBE_SHARE * self.level)
        else:
            self._set(self._before)
            self.noise = (self.noise + share) / 2
            self._noise_most = 1.5 * self.noise
            self._dip_gap = min(128.0, 2.0 * self._dip_gap)
            self._dip_in = self._dip_gap * self._n
        self._enter(Phase.HOLD, now)
