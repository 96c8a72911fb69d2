"""The example of every method: there is one, it runs with no model but made-up words, loses no row, and pays nothing a second time.

Most methods keep nothing of made-up words. What is tested is that they end in order all the same: each row is kept, or rejected for
a reason.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.conftest import Tell
from tilth.catalog import methods

FOLDER = Path(__file__).parents[2] / "examples"


def method_of(path: Path) -> str:
    """The method of a flow; empty where it has columns or stages."""
    flow: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return str(flow["generate"].get("method", "")) if isinstance(flow["generate"], dict) else ""


EXAMPLES = {method_of(path): path for path in sorted(FOLDER.glob("*.yaml")) if method_of(path)}
MORE = {"magpie": ["-p", "template=smollm2"], "bug-repair": ["-n", "3"]}
"""What a model that is made up needs beside the example; of what takes long, less."""


@pytest.mark.parametrize("name", sorted(methods()))
def test_every_method_has_an_example(name: str) -> None:
    assert name in EXAMPLES, f"{name} has no flow in examples/: write examples/{name}.yaml"
    assert len(methods()) >= 30


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_it_runs_on_made_up_words_and_pays_nothing_twice(name: str, tilth: Tell, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    command = ["run", EXAMPLES[name].name, "--scripted", "--max-calls", "1000", "--json", *MORE.get(name, [])]
    first, again = tilth(*command).json, tilth(*command).json
    assert first["error"] is None or first["error"]["code"] == "run.empty", first["error"]
    rows = first["result"]["rows"]
    assert rows["tried"] == rows["kept"] + rows["rejected"] == rows["kept"] + sum(one["n"] for one in first["result"]["reasons"])
    assert rows["tried"] > 0 and (rows["kept"] > 0) == (first["error"] is None)
    assert again["result"]["usage"]["calls"] == 0 and again["result"]["rows"] == rows
