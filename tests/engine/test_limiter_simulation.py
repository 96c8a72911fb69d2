"""The limit finds the capacity, ignores noise, follows changes: against simulated endpoints, with a clock of their own."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tilth.engine.limiter import Gate


def _load() -> ModuleType:
    name = "limiter_simulation"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


sim = _load()
LATENCY = 0.05
EXCESS = {
    "instant": {"delay": 0.001},
    "slow": {"delay": None},
    "slow, and counted as open": {"delay": None, "open_counts": True},
}


def mean(sigma: float) -> float:
    return LATENCY * math.exp(sigma * sigma / 2)


@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_undisturbed_ramp_up_loses_little(sigma: float) -> None:
    """10,000 calls at 256 at once: at most 5 % slower than starting with 256."""
    server = {"sigma": sigma, "seed": 3}
    at_once = sim.Simulation(sim.Server(LATENCY, **server), Gate(start=256, ceiling=256), rows=10_000).run()
    found = sim.Simulation(sim.Server(LATENCY, **server), Gate(ceiling=256), rows=10_000).run()
    assert found.rate() >= 0.95 * at_once.rate()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("ceiling", "sigma", "seconds"), [(32, 0.0, 40), (32, 1.0, 60), (256, 0.5, 10)])
def test_random_faults_cost_no_more_than_their_share(ceiling: int, sigma: float, seconds: int, seed: int) -> None:
    """5 % of 429s, 2 % of 500s, 1 % of drops take 8 % of the slots' time; the limiter may lose 4 % more, start included."""
    server = sim.Server(LATENCY, sigma=sigma, p429=0.05, failed=0.03, seed=seed)
    log = sim.Simulation(server, Gate(ceiling=ceiling), seconds=seconds).run()
    assert log.rate() >= 0.96 * 0.92 * ceiling / mean(sigma)


@pytest.mark.parametrize("sigma", [0.0, 0.5])
@pytest.mark.parametrize("excess", EXCESS)
@pytest.mark.parametrize("cap", [8, 32, 100])
def test_hard_cap_is_found_and_hardly_touched(cap: int, excess: str, sigma: float) -> None:
    server = sim.Capped(lambda _: cap, sigma=sigma, **EXCESS[excess])
    log = sim.Simulation(server, Gate(), seconds=25).run()
    assert log.rate(since=5) >= 0.9 * cap / mean(sigma)
    assert log.share(since=5) <= 0.05


@pytest.mark.parametrize("sigma", [0.0, 0.5])
@pytest.mark.parametrize("excess", ["instant", "slow"])
def test_a_changing_cap_is_found_again(excess: str, sigma: float) -> None:
    server = sim.Capped(lambda now: 32 if 10 <= now < 20 else 96, sigma=sigma, **EXCESS[excess])
    log = sim.Simulation(server, Gate(), seconds=32).run()
    assert log.rate(11, 20) >= 0.9 * 32 / mean(sigma)
    assert log.rate(22, 32) >= 0.9 * 96 / mean(sigma)
    assert log.share(11, 20) <= 0.05
    assert log.share(22, 32) <= 0.05


def test_a_cap_that_counts_refused_connections_is_found_again() -> None:
    server = sim.Capped(lambda now: 32 if 10 <= now < 20 else 96, sigma=0.5, **EXCESS["slow, and counted as open"])
    log = sim.Simulation(server, Gate(), seconds=40).run()
    assert log.rate(15, 20) >= 0.85 * 32 / mean(0.5)
    assert log.rate(25, 40) >= 0.9 * 96 / mean(0.5)


@pytest.mark.parametrize("excess", ["instant", "slow"])
def test_a_cap_with_noise_on_top_is_found(excess: str) -> None:
    server = sim.Capped(lambda _: 32, sigma=0.5, p429=0.05, failed=0.03, **EXCESS[excess])
    log = sim.Simulation(server, Gate(), seconds=25).run()
    assert log.rate(since=5) >= 0.9 * 0.92 * 32 / mean(0.5)


def test_noise_that_begins_later_is_told_from_a_cap() -> None:
    class Later(sim.Server):  # type: ignore[name-defined,misc]
        def answer(self, now: float) -> object:
            self.p429 = 0.08 if now > 5 else 0.0
            return self.work()

    log = sim.Simulation(Later(LATENCY, sigma=0.5), Gate(ceiling=64), seconds=25).run()
    assert log.rate(10, 25) >= 0.95 * 0.92 * 64 / mean(0.5)


@pytest.mark.parametrize("slots", [4, 64])
def test_an_endpoint_that_queues_is_not_flooded(slots: int) -> None:
    """More at once brings nothing there, so the limit stays near what it needs."""
    simulation = sim.Simulation(sim.Queueing(slots, sigma=0.3), Gate(), seconds=25)
    log = simulation.run()
    assert log.rate(since=2) >= 0.95 * slots / mean(0.3)
    assert log.limits[-1][1] <= 300


def test_the_limit_does_not_grow_beyond_what_is_needed() -> None:
    simulation = sim.Simulation(sim.Server(LATENCY), Gate(start=32), demand=20, seconds=10)
    simulation.run()
    assert simulation.gate.adaptive.limit == 32


@pytest.mark.parametrize("told", [{"tells": True}, {"tells": False}, {"headers": True}])
@pytest.mark.parametrize(("rpm", "latency"), [(600, 0.05), (600, 1.0), (6000, 0.05)])
def test_requests_per_minute_are_used_up(rpm: int, latency: float, told: dict[str, bool]) -> None:
    server = sim.PerMinute(rpm, burst=rpm, latency=latency, sigma=0.3, **told)
    log = sim.Simulation(server, Gate(), seconds=200).run()
    assert log.rate(since=90) >= 0.9 * rpm / 60
    assert log.share(since=90) <= (0.0 if told.get("headers") else 0.35)


def test_stated_requests_per_minute_are_kept() -> None:
    server = sim.PerMinute(600, burst=120, latency=0.05)
    log = sim.Simulation(server, Gate(rpm=600), seconds=60).run()
    assert log.share() == 0.0
    assert log.rate() >= 0.98 * 10


def test_comes_back_after_an_outage() -> None:
    class Outage(sim.Server):  # type: ignore[name-defined,misc]
        def answer(self, now: float) -> object:
            if 5 <= now < 8:
                return sim.Outcome.FAILED, 0.002, None
            return self.work()

    simulation = sim.Simulation(Outage(LATENCY, sigma=0.2), Gate(ceiling=64), seconds=40)
    log = simulation.run()
    assert not simulation.gate.broken
    assert log.rate(20, 40) >= 0.95 * 64 / mean(0.2)
