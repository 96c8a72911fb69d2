"""The runs that the report's tests share; each is made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from report.reporting import bad_run, nasty_run
from tilth.records.data import Data
from tilth.records.folder import RunFolder


@pytest.fixture(scope="session")
def bad(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, dict[str, Data]]:
    """A run with planted bad data, curated and evaluated."""
    pytest.importorskip("sklearn", reason="needs the 'ml' extra")
    return bad_run(tmp_path_factory.mktemp("report") / "planted")


@pytest.fixture(scope="session")
def bad_files(bad: tuple[RunFolder, dict[str, Data]]) -> dict[str, Path]:
    """The real sets of that run as files."""
    import orjson

    folder, sets = bad
    out = {}
    for name, data in sets.items():
        path = folder.path.parent / f"{name}.jsonl"
        path.write_bytes(b"\n".join(orjson.dumps({"id": one.id, **one.columns}) for one in data))
        out[name] = path
    return out


@pytest.fixture(scope="session")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run whose texts try to break the page."""
    return nasty_run(tmp_path_factory.mktemp("report") / "nasty")
