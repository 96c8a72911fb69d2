"""Stages after generation: places of their own, fenced inputs, their part in the outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.support import Body, texts, words
from tilth.engine.execute import execute, start
from tilth.engine.session import Settings
from tilth.errors import RequestError
from tilth.models.roles import open_role
from tilth.models.scripted import ScriptedModel
from tilth.records.data import Data
from tilth.records.folder import RunFolder
from tilth.records.parts import read_parts
from tilth.records.record import Record
from tilth.records.results import write_decisions


class DropEveryThird:
    """A stage that asks a judge about each row and drops every third."""

    name = "curate"
    reads = frozenset({"holdout"})

    async def work(self, run, folder: RunFolder) -> None:
        rows = list(read_parts(folder.rows, "part"))
        secret = [row["text"] for row in run.data("holdout")]
        assert secret == ["hidden"]

        async def judge(row):
            return (await run.ask("say 0")).text

        await run.map(judge, [Record(row, meta={"id": row["id"]}) for row in rows], label="one")
        drops = [{"id": row["id"], "step": "third", "action": "drop", "reason": "third", "score": 1.0} for row in rows[::3]]
        write_decisions(folder, drops)
        run.tally("third", "third", len(drops))


async def nine(run):
    assert not run.has("holdout")

    async def one(i):
        return Record(text=(await run.ask("say 0")).text)

    async for record in run.map(one, range(9), label="one"):
        yield record


def go(folder: Path, method, stages, model=None):
    model = model or ScriptedModel(words)
    settings = Settings(
        folder=RunFolder(folder), roles={"generator": [open_role(model)]}, identity=b"i", data={"holdout": Data.of([{"text": "hidden"}])}
    )
    return start(lambda: execute(method, settings, stages=stages)), model


def test_a_stage_decides_and_the_outcome_counts_what_is_left(tmp_path: Path) -> None:
    outcome, model = go(tmp_path / "r", Body(body=nine), [DropEveryThird()])
    assert (outcome.kept, outcome.rejected, outcome.exit) == (6, 3, 0)
    assert outcome.reasons == {("third", "third"): 3}
    assert len(texts(tmp_path / "r")) == 6 and model.calls == 18, "equal requests of two stages have places of their own"
    again, model = go(tmp_path / "r", Body(body=nine), [DropEveryThird()])
    assert model.calls == 0 and again.kept == 6


def test_a_stage_alone_works_on_the_rows_that_are_there(tmp_path: Path) -> None:
    go(tmp_path / "r", Body(body=nine), [])
    outcome, model = go(tmp_path / "r", None, [DropEveryThird()])
    assert outcome.kept == 6 and model.calls == 9


def test_a_run_killed_in_a_later_stage_is_still_the_same_run(tmp_path: Path) -> None:
    class Looks(DropEveryThird):
        async def work(self, run, folder: RunFolder) -> None:
            assert folder.read_state()["asked"] == {"flow": "mine"} and folder.read_state()["status"] == "running"

    settings = {"roles": {"generator": [open_role(ScriptedModel(words))]}}
    folder = RunFolder(tmp_path / "r")
    start(lambda: execute(Body(body=nine), Settings(folder=folder, identity=b"mine", asked={"flow": "mine"}, **settings)))
    outcome = start(lambda: execute(None, Settings(folder=folder, identity=b"other", asked={"look": 1}, **settings), stages=[Looks()]))
    assert outcome.exit == 0, outcome.stop
    assert folder.read_state()["identity"] == b"mine".hex()


def test_a_stage_without_rows_is_a_wrong_request(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="has no rows"):
        go(tmp_path / "r", None, [DropEveryThird()])
