"""The embedded model: OpenVINO's pipeline called directly against the same requests through `run.map`, and label scoring.

    python benchmarks/local.py [--tokens 64] [--rounds 3] [--texts 64] [--skip-fast] [--json FILE]

Both sides get the same 32 prompts (chat template, temperature 0.8, top-p 0.95, own seeds), read one by one (4 of them),
16 and 32 at a time; per cell the median of the rounds, sides taking turns, in output tokens per second. Goal: ratio at
least 0.9. Direct means `ContinuousBatchingPipeline.add_request` and `step` in a plain loop, decoding included. A lone
request in exact mode runs with a companion (tilth/models/local/engine.py), which the direct loop has not: its ratio
shows what order independence costs. The sides' memory adds up, so the direct pipeline is the engine's own settings anew.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from tilth.engine.execute import execute, start
from tilth.engine.method import Method
from tilth.engine.run import Run
from tilth.engine.session import Settings
from tilth.models.base import Request
from tilth.models.local import LocalModel, path_of, unload
from tilth.models.local.chat import text_of
from tilth.models.local.engine import ENDS, EXACT
from tilth.models.roles import open_role
from tilth.records.folder import RunFolder
from tilth.records.record import Record

GENRES = ["crime", "horror", "comedy", "drama", "family", "war", "romance", "action", "western", "musical", "documentary", "space"]
ASPECTS = ["pace", "acting", "plot", "music", "dialogue", "photography", "ending", "humour", "cast", "direction"]
FEW_SHOT = "".join(
    f"Review: {text}\nSentiment: {label}\n\n"
    for text, label in (
        ("Warm and funny.", "positive"),
        ("Dull, slow and badly acted.", "negative"),
        ("A little gem.", "positive"),
        ("A waste of two hours.", "negative"),
    )
)


def requests(count: int, tokens: int) -> list[Request]:
    """Distinct chat requests; the seed of each is its number."""
    made = []
    for i in range(count):
        mood = ("positive", "negative")[i % 2]
        ask = f"Write a short {mood} review of a {GENRES[i % 12]} film. Talk about the {ASPECTS[i % 10]}. Use one sentence."
        message = {"role": "user", "content": ask}
        made.append(Request(messages=(message,), temperature=0.8, top_p=0.95, max_tokens=tokens, seed=i))
    return made


class Direct:
    """The least that one can write on OpenVINO: add, step, read, decode."""

    def __init__(self, *, exact: bool) -> None:
        import openvino_genai as genai

        folder = str(path_of("local").parent)
        self.genai: Any = genai
        self.tokenizer = genai.Tokenizer(folder)
        scheduler = genai.SchedulerConfig()
        self.pipeline = genai.ContinuousBatchingPipeline(folder, self.tokenizer, scheduler, "CPU", **(EXACT if exact else {}))

    def __call__(self, batch: list[Request]) -> int:
        handles = [self._add(i, request) for i, request in enumerate(batch)]
        while self.pipeline.has_non_finished_requests():
            self.pipeline.step()
        ids = [handle.read_all()[0].generated_ids for handle in handles]
        for one in ids:
            self.tokenizer.decode(one)
        return sum(map(len, ids))

    def _add(self, number: int, request: Request) -> Any:
        config = self.genai.GenerationConfig()
        config.do_sample, config.temperature, config.top_p = True, request.temperature, request.top_p
        config.max_new_tokens, config.rng_seed = request.max_tokens, request.seed
        config.eos_token_id, config.stop_token_ids, config.apply_chat_template = 2, ENDS, False
        ids = self.tokenizer.encode(text_of(request), add_special_tokens=False).input_ids
        return self.pipeline.add_request(number, ids, config)


class Writing(Method):
    """The requests as rows of a map."""

    name = "writing"
    columns = {"text": str}
    work: list[Any]

    async def generate(self, run: Run) -> AsyncIterator[Record]:
        """One call a row, journaled like any other."""

        async def one(number: int) -> Record:
            asked: Request = self.work[number]
            wanted = {"temperature": asked.temperature, "top_p": asked.top_p, "max_tokens": asked.max_tokens}
            return Record(text=(await run.ask(list(asked.messages or ()), **wanted)).text)

        async for record in run.map(one, range(len(self.work)), label="one"):
            yield record


def through_tilth(*, fast: bool, seeds: Iterator[int]) -> Callable[[list[Request]], int]:
    """The same requests through `run.map`: keys, limiter, journal (synchronous=FULL), ordered parts. Every call is a run of its own."""

    def write(batch: list[Request]) -> int:
        with tempfile.TemporaryDirectory() as folder:
            roles = {"generator": [open_role("local?fast" if fast else "local")]}
            settings = Settings(RunFolder(Path(folder) / "run"), roles, b"local", concurrency=len(batch), seed=next(seeds))
            outcome = start(lambda: execute(Writing(work=batch), settings))
            assert outcome.kept == len(batch), outcome.stop
            return int(outcome.tokens_out)

    return write


def speed(run: Callable[[list[Request]], int], work: list[Request], batch: int) -> float:
    """Output tokens per second over `work`, `batch` requests at a time."""
    begin = time.perf_counter()
    tokens = sum(run(work[start : start + batch]) for start in range(0, len(work), batch))
    return tokens / (time.perf_counter() - begin)


def generation(*, exact: bool, tokens: int, rounds: int) -> list[dict[str, Any]]:
    direct, ours = Direct(exact=exact), through_tilth(fast=not exact, seeds=itertools.count())
    work = requests(32, tokens)
    direct(work[:2]), ours(work[:2])
    rows = []
    for batch in (1, 16, 32):
        part = work[:4] if batch == 1 else work
        readings = [(speed(direct, part, batch), speed(ours, part, batch)) for _ in range(rounds)]
        alone, tilth = (statistics.median(side) for side in zip(*readings, strict=True))
        ratio = statistics.median(mine / bare for bare, mine in readings)
        mode = "exact" if exact else "fast"
        rows.append({"mode": mode, "batch": batch, "direct": round(alone, 1), "tilth": round(tilth, 1), "ratio": round(ratio, 3)})
    return rows


def scoring(texts: int, rounds: int) -> list[dict[str, Any]]:
    """Texts with two labels scored per second, all submitted at once: alone, and behind four demonstrations."""
    model = LocalModel()
    items = [f"The {ASPECTS[i % 10]} of this {GENRES[i % 12]} film is a mess, take {i}." for i in range(texts)]
    rows = []
    for name, opening in (("zero-shot", ""), ("4-shot", FEW_SHOT)):
        prompts = [f"{opening}Review: {item}\nSentiment:" for item in items]

        async def all_of(prompts: list[str] = prompts) -> None:
            await asyncio.gather(*(model.score(prompt, (" positive", " negative")) for prompt in prompts))

        asyncio.run(model.score(prompts[0], (" positive",)))
        readings = []
        for _ in range(rounds):
            begin = time.perf_counter()
            asyncio.run(all_of())
            readings.append(texts / (time.perf_counter() - begin))
        rows.append({"prompt": name, "texts_per_s": round(statistics.median(readings), 1), "best": round(max(readings), 1)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tokens", type=int, default=64, help="bound on each reply")
    parser.add_argument("--rounds", type=int, default=3, help="readings per cell")
    parser.add_argument("--texts", type=int, default=64, help="texts to score")
    parser.add_argument("--skip-fast", action="store_true", help="exact settings only")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    found: dict[str, Any] = {"cores": os.cpu_count(), "load_before": round(os.getloadavg()[0], 2)}
    found["scoring"] = scoring(options.texts, options.rounds)
    unload()
    found["generation"] = []
    for exact in (True,) if options.skip_fast else (True, False):
        found["generation"] += generation(exact=exact, tokens=options.tokens, rounds=options.rounds)
        unload()
    found["load_after"] = round(os.getloadavg()[0], 2)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def show(found: dict[str, Any]) -> None:
    out = sys.stdout.write
    out(f"{found['cores']} cores, load {found['load_before']} before and {found['load_after']} after\n")
    for table in ("generation", "scoring"):
        rows = found[table]
        out("\n" + "".join(f"{key:>13}" for key in rows[0]) + "\n")
        for row in rows:
            out("".join(f"{value:>13}" for value in row.values()) + "\n")


if __name__ == "__main__":
    main()
