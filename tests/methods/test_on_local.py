"""Every method of the catalogue on the embedded 135M model, three rows each: it keeps little or nothing, and ends in order.

A method is in by having a SCENARIO in its test file. Where three rows of that are too slow here or too few for the method, the file says
what differs: ``LOCAL = {"parameters": {...}, "task": {...}, "data": {...}, "roles": {"judge": 1}}``, each part optional. Parameters are
laid over the scenario's, task and data replace its own; roles: how many embedded models stand in each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from contract.scenario import Scenario, file_of, load
from methods.growing import table
from tilth.catalog import methods
from tilth.engine.budget import Caps
from tilth.engine.execute import Outcome, execute, start
from tilth.engine.method import Method, Task
from tilth.engine.session import Settings
from tilth.models.hashed import HashedTfidf
from tilth.models.roles import RoleModel
from tilth.records.data import Data
from tilth.records.folder import RunFolder

pytestmark = pytest.mark.slow

NAMES = sorted(methods())
PARTS = {"parameters", "task", "data", "roles"}
ROWS = 3
TOKENS = 24
"""Longest reply, in tokens, where LOCAL says nothing else."""
CALLS = 30
"""Where a run is stopped, which fails the test: LOCAL should ask for less."""


@pytest.fixture(scope="module")
def model(local_model: str) -> Iterator[Any]:
    """The embedded model, loaded once for this file: runs share its engine."""
    from tilth.models.local import LocalModel, unload

    yield LocalModel
    unload()


def declared(name: str) -> tuple[Scenario, Mapping[str, Any]]:
    """What the method's test file declares for this test."""
    path = file_of(name)
    assert path is not None, f"{name} has no test file: tests/methods/test_{name.replace('-', '_')}.py"
    module = load(path)
    scenario, local = getattr(module, "SCENARIO", None), getattr(module, "LOCAL", {})
    assert isinstance(scenario, Scenario), f"{path.name} declares no SCENARIO = Scenario(...): {name} cannot run on the embedded model"
    assert set(local) <= PARTS, f"{path.name}: LOCAL has {sorted(set(local) - PARTS)}; there are: {', '.join(sorted(PARTS))}"
    return scenario, local


def small(method: Method, parameters: Mapping[str, Any]) -> Method:
    """The scenario's method with three rows, short replies and one ask each, then with LOCAL's parameters; checked as a user's would be."""
    fields = type(method).model_fields
    given = {field: getattr(method, field) for field in method.model_fields_set if field != "own_prompts"}
    given |= {"prompts": method.own_prompts} if method.own_prompts else {}
    few = {"rows": ROWS, "reasks": 0, "max_tokens": TOKENS}
    return type(method)(**{**given, **{field: value for field, value in few.items() if field in fields}, **parameters})


def run(name: str, model: Any, folder: Path) -> Outcome:
    """The small run: as many models in each role as the scenario has, every one the embedded."""
    scenario, local = declared(name)
    counts = {"generator": 1} | {role: len(functions) for role, functions in scenario.roles.items()} | dict(local.get("roles", {}))
    roles = {role: [RoleModel(model(), max_tokens=TOKENS) for _ in range(n)] for role, n in counts.items()}
    settings = Settings(
        folder=RunFolder(folder),
        roles=roles | {"embedder": [RoleModel(HashedTfidf())]},
        identity=b"local",
        task=Task(**local.get("task", scenario.task)),
        data={name: Data.of(rows, name=name) for name, rows in local.get("data", scenario.data).items()},
        seed=scenario.seed,
        caps=Caps(calls=CALLS),
    )
    return start(lambda: execute(small(scenario.method, local.get("parameters", {})), settings))


def check(outcome: Outcome, folder: Path) -> None:
    """It finished; every row that was tried is kept, or rejected and counted under its reason; a shortage is told."""
    assert (outcome.status, outcome.stop, outcome.trace) == ("done", "", "")
    kept, rejected = table(folder / "data"), table(folder / "rejected")
    assert (len(kept), len(rejected)) == (outcome.kept, outcome.rejected)
    counted: Counter[str] = Counter()
    for (_, reason), n in outcome.reasons.items():
        counted[reason] += n
    assert Counter(row["reason"] for row in rejected) == counted and all(counted)
    assert kept or (rejected and outcome.warnings), "it kept nothing and does not say why"


@pytest.mark.parametrize("name", NAMES)
def test_it_ends_in_order_on_the_embedded_model(name: str, model: Any, tmp_path: Path) -> None:
    check(run(name, model, tmp_path), tmp_path)
