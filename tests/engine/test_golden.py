"""A journal that an earlier version wrote replays without a call: users never pay twice for an upgrade.

golden/journal.db was written by tilth 0.1.0 (``python tests/engine/test_golden.py`` writes one anew; do that only with a
decision in ARCHITECTURE.md, since it means that users pay again).
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from engine.support import prints, run, texts, words
from tilth.errors import Failure
from tilth.models.scripted import ScriptedModel
from tilth.records.record import Record

GOLDEN = Path(__file__).with_name("golden") / "journal.db"
DIGEST = "rows/part-00000.parquet"


def measure(rows):
    return {"longest": max(len(row["text"]) for row in rows)}


async def body(run):
    def parse(reply):
        if len(reply.text) % 9 == 0:
            raise Failure("ninth", "Its length is a multiple of nine.")
        return reply.text

    async def judge(number):
        messages = [{"role": "system", "content": "Judge."}, {"role": "user", "content": f"mark {number}"}]
        return (await run.ask(messages, temperature=0.0)).text

    async def one(number):
        text = (await run.ask(f"write {number % 20}", parse=parse, max_tokens=40, temperature=0.8, top_p=0.95)).value
        again = (await run.ask(f"{text}\nOnce more:", raw=True, stop=["\n"], max_tokens=40)).text
        marks = await run.map(judge, range(2), label="judge")
        (score,) = await run.score(text, [again])
        return Record(text=f"{text} {marks} {score}")

    rows = []
    async for record in run.map(one, range(120), label="one"):
        rows.append(record)
    longest = (await run.do(measure, rows[:5]))["longest"]

    async def grown(k):
        return Record(text=(await run.ask(f"pool {k} {longest}", prefill="The ")).text)

    async for record in run.unfold(lambda k: k, grown, lag=8, limit=60, label="grow"):
        yield record
    for record in rows:
        yield record


def test_a_golden_journal_replays_with_no_call(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(GOLDEN, folder / "journal.db")
    model = ScriptedModel(words)
    outcome = run(body, folder, model=model, seed=11)
    assert outcome.status == "done" and outcome.kept > 150
    assert (outcome.calls, model.calls) == (0, 0)
    run(body, tmp_path / "fresh", seed=11)
    assert texts(folder) == texts(tmp_path / "fresh") and prints(folder)[DIGEST] == prints(tmp_path / "fresh")[DIGEST]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as where:
        run(body, Path(where) / "run", seed=11)
        GOLDEN.parent.mkdir(exist_ok=True)
        shutil.copy(Path(where) / "run" / "journal.db", GOLDEN)
