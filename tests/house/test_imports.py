"""`import tilth` and `tilth --help` are quick, because nothing heavy is loaded before it is used."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from house.sources import SRC

HEAVY = (
    "aiohttp", "asyncio", "backports.zstd", "gguf", "jinja2", "jsonschema", "numpy", "openvino", "openvino_genai", "pyarrow",
    "pydantic", "rapidfuzz", "rich", "scipy", "sklearn", "sqlite3", "tokenizers", "yaml",
)  # fmt: skip
SECONDS_MOST = 0.150


def _in_fresh_python(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True, timeout=60)
    return done.stdout


def _modules_after(code: str) -> set[str]:
    return set(json.loads(_in_fresh_python(f"import json, sys\n{code}\nsys.__stdout__.write(json.dumps(sorted(sys.modules)))")))


def test_importing_tilth_loads_nothing_heavy() -> None:
    assert not _modules_after("import tilth").intersection(HEAVY)


def test_help_loads_no_engine_and_no_model() -> None:
    run_help = (
        "import io\nfrom tilth.cli import main\nsys.stdout = io.StringIO()\nsys.argv = ['tilth', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )
    loaded = _modules_after(run_help)
    assert "tilth.cli" in loaded
    assert not loaded.intersection({*HEAVY, "tilth.engine.run", "tilth.models.local"})


def test_importing_tilth_is_quick() -> None:
    """CPU time of the import alone, best of five: what the code costs, not what else the machine is doing."""
    code = "import time; t = time.process_time(); import tilth; print(time.process_time() - t)"
    assert min(float(_in_fresh_python(code)) for _ in range(5)) < SECONDS_MOST


@pytest.mark.parametrize("name", ["tilth.errors", "tilth.models.base", "tilth.records.record"])
def test_the_contracts_are_light(name: str) -> None:
    assert not _modules_after(f"import {name}").intersection(HEAVY)
