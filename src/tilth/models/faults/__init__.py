"""A loopback OpenAI-compatible server with every fault a real one shows: test flows and methods against it.

    with FaultServer(latency=0.05, faults=Faults(p429=0.05, drop=0.01)) as server:
        tilth.run(flow, models={"generator": f"openai/test@{server.url}"})
        server.stats()["repeats"]

As a process of its own (for kill tests and benchmarks): ``python -m tilth.models.faults --latency 0.05 --p429 0.05``
prints its address on the first line.
"""

from __future__ import annotations

from tilth.models.faults.draws import Faults
from tilth.models.faults.replies import REFUSAL
from tilth.models.faults.server import FaultServer

__all__ = ["REFUSAL", "FaultServer", "Faults"]
