"""A run in a process of its own, to be killed: nested maps, equal prompts, a greedy and a sampled judge, then a growing pool.

python kill_worker.py FOLDER URL CONCURRENCY ROWS
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from tilth.engine.execute import execute, start
from tilth.engine.method import Method
from tilth.engine.session import Settings
from tilth.errors import Failure
from tilth.models.roles import open_role
from tilth.records.folder import RunFolder
from tilth.records.record import Record


def parse(reply):
    if reply.finish == "length":
        raise Failure("truncated", "The reply was cut.")
    if "sorry" in reply.text.lower():
        raise Failure("refused", "The reply is a refusal.")
    return reply.text


class Garden(Method):
    name = "garden"
    columns = {"text": str, "marks": list[str]}

    async def generate(self, run):
        async def sampled(number):
            return (await run.ask("Is this well written? Answer in a few words.", role="judge")).text

        async def row(number):
            text = (await run.ask(f"Write about topic {number % 7}.", parse=parse, max_tokens=60)).value
            greedy = (await run.ask(f"Rate topic {number % 7}.", role="judge", temperature=0.0)).text
            marks = await run.map(sampled, range(3), label="sampled")
            if hashlib.sha256(text.encode()).digest()[0] % 8 == 0:
                run.reject(Record(text=text), "eighth", score=0.125)
                return None
            return Record(text=text, marks=[greedy, *marks])

        async for record in run.map(row, range(self.rows or 10), label="row"):
            yield record

        pool: list[str] = []

        def draw(k):
            return k, run.rng("pool").sample(pool, min(3, len(pool)))

        async def propose(item):
            k, demos = item
            return (await run.ask(f"Continue {k} after {demos}", parse=parse, max_tokens=60)).value

        async for text in run.unfold(draw, propose, lag=16, label="propose"):
            if hashlib.sha256(text.encode()).digest()[0] % 3 == 0:
                run.reject(Record(text=text), "third")
            else:
                pool.append(text)
            if len(pool) >= (self.rows or 10):
                break
        for text in pool:
            yield Record(text=text, marks=[])


def main(folder: str, url: str, concurrency: int, rows: int) -> int:
    role = open_role({"model": f"openai/m@{url}", "concurrency": concurrency})
    settings = Settings(folder=RunFolder(Path(folder)), roles={"generator": [role]}, identity=b"garden", seed=5)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    outcome = start(lambda: execute(Garden(rows=rows), settings))
    sys.stdout.write(f"{outcome.status} {outcome.calls} {outcome.from_journal}\n")
    return outcome.exit


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
