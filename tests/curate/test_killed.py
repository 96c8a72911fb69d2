"""A curation that is killed (SIGKILL) and run again ends in the same bytes, and pays only for what was not answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from curate.support import Curated, curate
from engine.support import prints
from tilth.models.base import Request
from tilth.models.scripted import ScriptedModel

TESTS = Path(__file__).parents[1]
NOUNS = ["tea", "war", "rain", "love", "bread", "ships", "snow", "gold", "jazz", "dust", "bees", "iron"]
ROWS = [{"text": f"a film about {noun}, number {k}", "label": "good" if k % 2 else "bad"} for k, noun in enumerate(NOUNS * 20)]
ROWS += [{"text": f"{row['text']}!", "label": row["label"]} for row in ROWS[::7]]
STEPS: list[Any] = [
    {"length": {"words": [3, 50]}},
    {"dedupe": {"near": 0.85}},
    {"judge": {"asks": "Is it natural?", "keep": 3}},
    {"label_probability": {"keep": 0.5, "words": {"good": " good", "bad": " bad"}, "action": "flag"}},
]


def curated(folder: Path, die_at: int | None = None) -> Curated:
    """Curate ROWS; with `die_at` the process is killed when the model is asked for the so-manieth time."""

    def alive() -> None:
        if die_at is not None and model.calls >= die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def reply(request: Request) -> str:
        alive()
        return f"Score: {1 + len(str(request.messages)) % 5}"

    def score(prompt: str, word: str) -> float:
        alive()
        return -float(len(prompt) % 7 + len(word))

    model = ScriptedModel(reply, score=score, latency=(0.05, 0.1))
    return curate(folder, ROWS, STEPS, model=model, labels={"good": "", "bad": ""})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], int]:
    """(digest of every result file, calls) of a curation that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    done = curated(folder)
    assert done.outcome.status == "done" and 0 < len(done.kept) < len(ROWS)
    return prints(folder), done.model.calls


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9], ids=["first call", "while judging", "while scoring labels"])
def test_killed_and_run_again(tmp_path: Path, whole: tuple[dict[str, str], int], share: float) -> None:
    expected, calls = whole
    code = "import sys; from pathlib import Path; from curate.test_killed import curated; curated(Path(sys.argv[1]), int(sys.argv[2]))"
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])}
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path), str(int(share * calls))], env=paths, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-500:]
    assert prints(tmp_path) != expected, "it was killed before the end"
    again = curated(tmp_path)
    assert again.outcome.status == "done" and prints(tmp_path) == expected
    assert again.model.calls < calls or share == 0.0
