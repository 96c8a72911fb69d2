"""The guide to a new method: its two blocks are a method and its tests, as they stand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from docs.blocks import blocks
from engine.support import prints

GUIDE = "docs/adding-a-method.md"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """The test file of the guide as a module, with its method imported before it."""
    method, tests = (block.text for block in blocks(GUIDE, "python"))
    (tmp_path / "echoes.py").write_text(method, encoding="utf-8")
    (tmp_path / "guide_tests.py").write_text(f"from echoes import Echoes\n{tests}", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("echoes", "guide_tests"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    spec = importlib.util.spec_from_file_location("guide_tests", tmp_path / "guide_tests.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("echoes", None)


def test_its_test_passes(written, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    written.test_each_echo_names_its_seed()


def test_its_method_keeps_the_contract(written, tmp_path):
    whole, _ = written.SCENARIO.run(tmp_path / "whole", concurrency=7)
    assert whole.status == "done" and whole.kept == 12 and whole.calls >= 10
    again, asked = written.SCENARIO.run(tmp_path / "whole")
    assert (again.calls, asked) == (0, 0)
    written.SCENARIO.run(tmp_path / "one", concurrency=1, latency=(0.0, 0.003))
    assert prints(tmp_path / "one") == prints(tmp_path / "whole")


def test_its_header_is_read_without_importing(written, monkeypatch):
    from tilth import catalog

    file = Path(sys.modules["echoes"].__file__)
    monkeypatch.setattr(catalog, "_METHODS", file.parent / "methods")
    (entry,) = catalog._headers(file)
    assert (entry.name, entry.family, dict(entry.inputs)) == ("echoes", "classification", {"support": "text"})
