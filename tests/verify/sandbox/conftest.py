"""Sandboxes of each kind of isolation that works here; the attacks, by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tilth.verify.sandbox import Limits, Sandbox
from tilth.verify.sandbox.kinds import missing
from tilth.verify.sandbox.probe import why_not

ATTACKS = Path(__file__).parents[1] / "attacks"


@pytest.fixture(params=["bubblewrap", "namespaces"])
def isolation(request):
    """Each kind that isolates; skipped where it does not work on this machine."""
    if reason := missing(request.param) or why_not(request.param):
        pytest.skip(f"{request.param} does not work here: {reason}")
    return request.param


@pytest.fixture
def sandbox(isolation):
    return Sandbox(Limits(wall=10, cpu=5, memory=256 << 20, tmp=8 << 20, file=4 << 20), isolation=isolation)


@pytest.fixture
def attack():
    """The text of an attack."""
    return lambda name: (ATTACKS / f"{name}.py").read_text(encoding="utf-8")
