"""A way to run the command line inside this process, with streams that are no terminal."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tilth.cli import main


@dataclass
class Told:
    """What one command did."""

    exit: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def advice(self) -> list[str]:
        lines = [line for line in self.err.splitlines() if line.startswith("→ ")]
        return [line.removeprefix("→ ").split("      ")[0].strip() for line in lines]


class _Utf8(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        return self.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined,no-any-return]


Tell = Callable[..., Told]


@pytest.fixture
def tilth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Call `tilth("run", "x.yaml")` in an empty folder with a bare environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("TILTH_RUNS", "TILTH_PROGRESS", "TILTH_QUIET", "TILTH_ERRORS", "NO_COLOR", "FORCE_COLOR", "CI", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    def call(*argv: str) -> Told:
        out, err = _Utf8(), _Utf8()
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdout", out)
            patch.setattr("sys.stderr", err)
            code = main(list(argv))
        return Told(code, out.text(), err.text())

    return call


def environment(**more: str) -> dict[str, str]:
    """The environment of a process of its own that can import tilth."""
    import tilth

    bare = {name: value for name, value in os.environ.items() if not name.startswith(("TILTH_", "NO_COLOR", "FORCE_COLOR"))}
    return {**bare, "PYTHONPATH": str(Path(tilth.__file__).parents[1]), **more}
