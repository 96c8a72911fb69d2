"""Flows that ship with tilth. They need a task and, where they name it, support data; then they run like any flow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilth.flows.flow import Flow


@lru_cache(maxsize=1)
def presets() -> Mapping[str, Path]:
    """Name to file of every preset; nothing is read."""
    return MappingProxyType({path.stem: path for path in sorted(Path(__file__).parent.glob("*.yaml"))})


def preset(name: str) -> Flow:
    """The preset called `name` (``_`` counts as ``-``); its data and paths are relative to the current folder. Unchecked.

    Raises
    ------
    KeyError: there is none.
    """
    from tilth.flows.flow import Flow

    path = presets()[name.replace("_", "-")]
    flow = Flow.from_text(path.read_text("utf-8"), name=path.name, check=False)
    flow.label = path.stem
    flow.wanted = tuple(flow.source.data.get("data") or ())
    return flow
