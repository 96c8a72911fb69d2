"""Every method over HTTP, on a server that throttles, fails, drops, cuts off and garbles: the same bytes as without faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contract.scenario import Scenario
from contract.test_contract import NAMES, scenario
from engine.support import prints
from tilth.engine.execute import Outcome, execute, start
from tilth.engine.method import Task
from tilth.engine.session import Settings
from tilth.models.base import Reply, Request
from tilth.models.faults import FaultServer
from tilth.models.faults.draws import Faults
from tilth.models.hashed import HashedTfidf
from tilth.models.roles import RoleModel, open_role
from tilth.records.data import Data
from tilth.records.folder import RunFolder

FAULTS = Faults(p429=0.06, p500=0.05, drop=0.04, cut=0.03, malformed=0.05, retry_after=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_faults_of_a_server_change_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of-a-test")
    method = scenario(name)[1]
    functions = {"generator": [method.reply], **method.roles}
    models = {f"{role}-{number}": function for role, pool in functions.items() for number, function in enumerate(pool)}

    def reply(body: Mapping[str, Any]) -> Any:
        return _said(models[body["model"]](_asked(body)))

    with FaultServer(reply=reply) as sound, FaultServer(reply=reply, faults=FAULTS, seed=3) as faulty:
        whole = _run(method, sound, tmp_path / "whole")
        through = _run(method, faulty, tmp_path / "through")
        sent = faulty.stats()["requests"]
        again = _run(method, faulty, tmp_path / "through")
        assert faulty.stats()["requests"] == sent, "a finished run executed again sends nothing"
    assert (whole.status, through.status, again.status) == ("done", "done", "done"), through.stop
    assert through.calls == whole.calls, "faults are not answers: each call is counted once"
    assert prints(tmp_path / "through") == prints(tmp_path / "whole")


def _run(method: Scenario, server: FaultServer, folder: Path) -> Outcome:
    pools = {"generator": 1, **{role: len(functions) for role, functions in method.roles.items()}}
    roles = {role: [open_role(f"openai/{role}-{number}@{server.url}") for number in range(n)] for role, n in pools.items()}
    settings = Settings(
        folder=RunFolder(folder),
        roles=roles | {"embedder": [RoleModel(HashedTfidf())]},
        identity=b"faults",
        task=Task(**method.task),
        data={name: Data.of(rows, name=name) for name, rows in method.data.items()},
        seed=method.seed,
    )
    return start(lambda: execute(method.method, settings))


def _asked(body: Mapping[str, Any]) -> Request:
    """The request, as the body of the HTTP call tells it."""
    return Request(
        messages=tuple(body["messages"]) if "messages" in body else None,
        prompt=body.get("prompt"),
        temperature=body.get("temperature", 1.0),
        top_p=body.get("top_p", 1.0),
        max_tokens=body.get("max_tokens"),
        stop=tuple(body.get("stop") or ()),
        seed=body.get("seed") or 0,
        tools=tuple(body.get("tools") or ()),
        schema=(body.get("response_format") or {}).get("json_schema", {}).get("schema"),
        logprobs=bool(body.get("logprobs")),
    )


def _said(made: Any) -> Any:
    """What a scripted model said, as the server puts it into its answer."""
    if isinstance(made, Reply):
        calls = [dict(call) for call in made.tool_calls]
        return {"role": "assistant", "content": made.text or None, "tool_calls": calls} if calls else made.text
    return made if isinstance(made, str) else json.dumps(made)
