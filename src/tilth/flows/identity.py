"""Which run this is, and in which folder it goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError
from tilth.flows.chain import Chain, Link
from tilth.records.ids import canonical, digest

if TYPE_CHECKING:
    from tilth.engine.method import Method
    from tilth.flows.flow import Flow
    from tilth.models.roles import RoleModel
    from tilth.records.data import Data
    from tilth.records.folder import RunFolder

FREE = frozenset({"model", "concurrency", "rpm", "tpm", "timeout", "batch", "price"})
"""Settings of a model that do not make another run (its identity, without address, stands for the model itself)."""


def identity_of(flow: Flow, method: Method, roles: Mapping[str, list[RoleModel]], inputs: Mapping[str, Data]) -> bytes:
    """What makes a run this run: the flow after overrides.

    Without budget, rows, concurrency, display, addresses, time-outs, prices, batch.
    """
    spec, stage = flow.spec, flow.stage
    given = flow.models()
    settings = {role: [one.model_dump(exclude=set(FREE), exclude_defaults=True) for one in given[role]] for role in roles if role in given}
    data = {name: part.model_dump(by_alias=True, exclude_defaults=True) for name, part in spec.data.items()}
    for name in flow.held:
        data[name] = {**data[name], "digest": digest(*_ids(inputs[name])).hex()}
    parameters = _parameters(method, of_columns=stage.method is None)
    if isinstance(method, Chain):
        parameters = {
            "stages": [_link(link, spec.generate[n].method is None, n + 1 == len(method.links)) for n, link in enumerate(method.links)]
        }
    whole = {
        "seed": spec.seed,
        "task": spec.task.model_dump(exclude_defaults=True),
        "data": data,
        "method": method.name,
        "from": stage.source,
        "parameters": parameters,
        "models": {role: [model.identity for model in models] for role, models in roles.items()},
        "settings": settings,
    }
    return digest("tilth/run/1", canonical(whole))


def _parameters(method: Method, *, of_columns: bool) -> dict[str, Any]:
    """Columns without their defaults: a later version may know more options; a method's defaults are what it publishes."""
    return method.model_dump(mode="json", by_alias=True, exclude={"rows"}, exclude_defaults=of_columns)


def _link(link: Link, of_columns: bool, last: bool) -> dict[str, Any]:
    """A stage of several. Its rows count unless it is the last, for a later one draws from as many as there are."""
    parameters = _parameters(link.method, of_columns=of_columns)
    reads, roles = dict(link.reads), sorted(link.roles)
    return {
        "id": link.id,
        "method": link.method.name,
        "rows": None if last else link.method.rows,
        "reads": reads,
        "roles": roles,
        "parameters": parameters,
    }


def _ids(data: Data) -> Iterator[str]:
    for record in data:
        yield record.id or ""


def choose_folder(runs: Path, name: str, identity: bytes, *, own: str = "") -> tuple[RunFolder, list[Path], list[str]]:
    """The folder of this run, the journals of other runs under the same name, and what the user should know.

    The same identity goes on in ``runs/<name>``; another one gets ``<name>-2`` and reads the earlier journals, so that
    equal calls are not paid again. Nothing is ever overwritten.

    own: the flow's own name; where the user chose another one, the journals of the runs under it are read too.
    """
    from tilth.records.folder import RunFolder

    if own and own != name:
        chosen, journals, notes = choose_folder(runs, name, identity)
        others = [other.journal for other in _under(runs, own) if other.journal.exists()]
        return chosen, [*journals, *others], notes
    earlier: list[RunFolder] = []
    for number in islice(count(1), 10_000):
        folder = RunFolder(runs / (name if number == 1 else f"{name}-{number}"))
        if not folder.exists() or folder.read_state().get("identity") == identity.hex():
            break
        earlier.append(folder)
    journals = [other.journal for other in earlier if other.journal.exists()]
    if not earlier:
        return folder, [], []
    note = f"{earlier[0].path} holds another flow; this one is in {folder.path} and uses the replies that are already paid."
    return folder, journals, [] if folder.exists() else [note]


def _under(runs: Path, name: str) -> Iterator[RunFolder]:
    """The runs ``name``, ``name-2`` ... that are there."""
    from tilth.records.folder import RunFolder

    for number in islice(count(1), 10_000):
        folder = RunFolder(runs / (name if number == 1 else f"{name}-{number}"))
        if not folder.exists():
            return
        yield folder


def journal_of(run: str | Path, runs: Path) -> Path:
    """The journal of a run given by folder or by name."""
    from tilth.flows.words import near
    from tilth.records.folder import RunFolder

    for path in (Path(run), runs / run):
        if RunFolder(path).journal.exists():
            return RunFolder(path).journal
    close = near(str(run), [one.name for one in runs.iterdir() if one.is_dir()] if runs.is_dir() else [])
    hint = f" Did you mean '{close}'?" if close else ""
    raise RequestError(f"no run called '{run}' in {_shown(runs)}.{hint}", code="run.not_found")


def _shown(runs: Path) -> str:
    return f"./{runs}" if not runs.is_absolute() and not str(runs).startswith(".") else str(runs)
