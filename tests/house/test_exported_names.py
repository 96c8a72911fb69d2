"""The public face: `tilth.__all__`, the lazy table behind it and what type checkers see agree; so do all other faces."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys

import pytest

import tilth
from house.sources import SRC, Source, package


def _faces() -> list[Source]:
    return [source for source in package() if source.path.name == "__init__.py" and _declared(source) is not None]


def _declared(source: Source) -> list[str] | None:
    """The names in a module's ``__all__``, read without importing it."""
    for node in source.tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
            return list(ast.literal_eval(node.value))
    return None


def test_the_public_names_are_the_lazy_table() -> None:
    assert set(tilth.__all__) == {*tilth._TARGETS, "__version__"}
    assert set(dir(tilth)) >= set(tilth.__all__)


def test_the_public_face_is_about_a_dozen_names() -> None:
    assert len(tilth.__all__) <= 20


@pytest.mark.parametrize("name", sorted(set(tilth.__all__) - {"__version__"}))
def test_each_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(tilth, name).__doc__


def test_type_checkers_see_the_same_names() -> None:
    face = next(source for source in package() if source.module == "tilth")
    seen = {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in ast.walk(face.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tilth.")
        for alias in node.names
    }
    assert seen == dict(tilth._TARGETS)


def test_an_unknown_name_says_so() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = tilth.nonsense


@pytest.mark.parametrize("face", _faces(), ids=lambda face: face.module)
def test_each_face_exports_what_it_declares(face: Source) -> None:
    names = _declared(face) or []
    assert len(names) == len(set(names))
    module = importlib.import_module(face.module)
    assert not [name for name in names if not hasattr(module, name)]


@pytest.mark.parametrize("face", _faces(), ids=lambda face: face.module)
def test_each_face_declares_what_it_re_exports(face: Source) -> None:
    imported = {
        alias.asname or alias.name
        for node in face.tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tilth.")
        for alias in node.names
    }
    assert not {name for name in imported if not name.startswith("_")} - set(_declared(face) or [])


def test_every_module_can_be_imported_first() -> None:
    """No module relies on another one having been imported before it (circles show here)."""
    names = [source.module for source in package() if source.path.stem != "__main__"]
    code = (
        "import importlib, sys\n"
        "bad = []\n"
        f"for name in {names!r}:\n"
        "    for key in [key for key in list(sys.modules) if key.split('.')[0] == 'tilth']: del sys.modules[key]\n"
        "    try: importlib.import_module(name)\n"
        "    except Exception as error: bad.append(f'{name}: {type(error).__name__}: {error}')\n"
        "sys.exit('\\n'.join(bad) or 0)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
