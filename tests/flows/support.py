"""What the tests of flows share: a scripted model, and reading what a run wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tilth.engine.execute import Outcome
from tilth.flows.flow import Flow
from tilth.flows.launch import Options, run
from tilth.models.base import Request
from tilth.models.scripted import ScriptedModel
from tilth.records.read import read
from tilth.records.record import Record


def said(request: Request) -> str:
    """The last user message."""
    return str((request.messages or ())[-1]["content"])


def asked(request: Request) -> str:
    """The first user message: what was asked before a reply had to be mended."""
    return next(str(message["content"]) for message in request.messages or () if message["role"] == "user")


def model(answer: Callable[[Request], str] = lambda request: f"text {request.seed}", **options: Any) -> ScriptedModel:
    """A scripted model; by default each reply is another text."""
    return ScriptedModel(answer, **options)


def go(flow: str | Flow, answer: ScriptedModel | None = None, **options: Any) -> tuple[Outcome, list[Record]]:
    """Run a flow (text, name or object) and read its records, kept ones only."""
    what = Flow.from_text(flow, check=False) if isinstance(flow, str) and "\n" in flow else flow
    given: Options = {"models": {"generator": answer or model()}, **options}  # type: ignore[typeddict-item]
    outcome = run(what, **given)
    return outcome, list(read(outcome.path)) if outcome.kept else []


def rejected(outcome: Outcome) -> list[dict[str, Any]]:
    """The rejected records with their reasons."""
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(outcome.folder.rejected).to_pylist()
    return rows
