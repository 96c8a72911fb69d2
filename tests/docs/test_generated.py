"""The pages that are made from the code are what the code says now."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest

from docs.blocks import ROOT

FILE = ROOT / "docs" / "generate.py"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["cli.md", "flow.md", "methods.md", "metrics-and-steps.md"])
def test_a_page_is_what_the_code_makes_of_it(generate: ModuleType, name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == generate.PAGES[name](), "run: make docs"


def test_all_pages_are_compared(generate: ModuleType) -> None:
    assert set(generate.PAGES) == {"cli.md", "flow.md", "methods.md", "metrics-and-steps.md"}


def test_the_pages_do_not_depend_on_the_terminal(generate: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    before = generate.PAGES["cli.md"]()
    monkeypatch.setenv("COLUMNS", "47")
    monkeypatch.setenv("TILTH_PROGRESS", "json")
    assert generate.PAGES["cli.md"]() == before


def test_every_part_of_the_catalog_is_on_a_page(generate: ModuleType) -> None:
    from tilth.cli.commands.catalog import everything

    text = "\n".join(generate.PAGES[name]() for name in ("methods.md", "metrics-and-steps.md"))
    missing = [one.slug for one in everything() if f"`{one.slug}`" not in text and f"### {one.slug}\n" not in text and one.kind != "reader"]
    assert not missing


def test_writing_touches_only_what_changed(generate: ModuleType, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    monkeypatch.setattr(generate, "PAGES", {"cli.md": generate.PAGES["cli.md"]})
    generate.main()
    assert capsys.readouterr().out == "docs/cli.md\n"
    generate.main()
    assert capsys.readouterr().out == ""
    assert sys.modules.get("docs_generate") is None
