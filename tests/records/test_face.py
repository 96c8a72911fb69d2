"""The public face of records is light: nothing heavy is loaded before a file is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tilth import records


def test_importing_records_loads_neither_pyarrow_nor_numpy() -> None:
    code = "import sys, tilth.records, tilth.records.data, tilth.records.read, tilth.records.schema, tilth.records.folder\n"
    code += "sys.exit(','.join({'pyarrow', 'numpy'} & set(sys.modules)) or 0)"
    source = str(Path(__file__).parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": source}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_name_of_the_face_is_there_and_an_unknown_one_says_so() -> None:
    assert sorted(records.__all__) == sorted(records._MODULES)
    assert all(getattr(records, name) is not None for name in records.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = records.nonsense
