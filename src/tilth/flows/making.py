"""The stages of a flow, as the one method that the engine runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.flows import stages
from tilth.flows.chain import Link, chain_of
from tilth.flows.columns import columns_method
from tilth.flows.methods import find

if TYPE_CHECKING:
    from tilth.engine.method import Method, Task
    from tilth.flows.grammar import FlowSpec
    from tilth.records.data import Data


def made(spec: FlowSpec, task: Task, data: Mapping[str, Data], folder: Path) -> Method:
    """Several stages, each with what it reads. data: the opened inputs."""
    names = stages.ids(spec)
    links: list[Link] = []
    columns: dict[str, Mapping[str, Any]] = {}
    for index, (name, stage) in enumerate(zip(names, spec.generate, strict=True)):
        source = stages.before(spec, index)
        reads: dict[str, str] = {}
        if stage.method is None:
            carried = columns.get(source) if source is not None else None
            method: Method = columns_method(stage, task, data, folder=folder, source=source, carried=carried)
        else:
            method = find(stage.method)(**{**stage.parameters, **({"rows": stage.rows} if stage.rows is not None else {})})
            wanted = stages.reading(method)
            reads = {wanted: source} if wanted is not None and source is not None else {}
        columns[name] = method.columns if source in names else method.columns_for(data)
        links.append(Link(name, method, reads, frozenset(stage.models)))
    return chain_of(links)
