"""Imports go downwards through the floors of the house; what may be imported within a floor stands in one table."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from house.sources import Source, package

FLOORS: dict[str, int] = {
    "records": 0, "text": 0, "stats": 0, "tables": 0,
    "models": 1, "engine": 1,
    "prompts": 2, "knowledge": 2, "verify": 2, "train": 2, "people": 2,
    "score": 3,
    "generate": 4, "curate": 4, "evaluate": 4,
    "methods": 5, "flows": 5,
    "report": 6,
    "review": 7, "agent": 7,
    "cli": 8,
}  # fmt: skip

SAME_FLOOR: frozenset[tuple[str, str]] = frozenset(
    {
        ("engine", "models"),  # a run sends its calls to models
    }
)
"""(importer, imported) within one floor. Flows find methods through tilth.catalog, not by importing them."""

ROOT_MODULES = frozenset({"errors", "config", "catalog"})
"""Modules beside the folders that all floors may import; they themselves import nothing but each other and floor 0."""

LOOKS_UP: frozenset[tuple[str, str]] = frozenset(
    {
        ("catalog", "engine"),  # the type Method, which what it finds by name has; only under TYPE_CHECKING
    }
)
"""(module of the root, folder whose types it names)."""


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import of tilth in a file, inside functions and under TYPE_CHECKING too."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if _ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            yield from _from_import(source, node)
        elif isinstance(node, ast.Call) and _name_of(node.func) in ("import_module", "require") and node.args:
            target = node.args[0]
            if isinstance(target, ast.Constant) and isinstance(target.value, str) and _ours(target.value):
                yield node.lineno, target.value


def _from_import(source: Source, node: ast.ImportFrom) -> Iterator[tuple[int, str]]:
    if node.level:
        here = source.module.split(".")
        base = here if source.path.name == "__init__.py" else here[:-1]
        package_name = ".".join([*base[: len(base) - node.level + 1], *([node.module] if node.module else [])])
    else:
        package_name = node.module or ""
    if package_name == "tilth":
        yield from ((node.lineno, f"tilth.{alias.name}") for alias in node.names)
    elif _ours(package_name):
        yield node.lineno, package_name


def _ours(name: str) -> bool:
    return name == "tilth" or name.startswith("tilth.")


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def complaint(importer: str, imported: str) -> str | None:
    """Why `importer` (a folder or module of the root) may not import `imported`; None where it may."""
    if imported == importer or imported in ROOT_MODULES or imported.startswith("__"):
        return None
    if not imported:
        return "the public face is for users, not for the house"
    if imported not in FLOORS:
        return f"{imported!r} is on no floor: add it to FLOORS"
    if importer in ROOT_MODULES:
        allowed = FLOORS[imported] == 0 or (importer, imported) in LOOKS_UP
        return None if allowed else f"{importer} is for all floors and may import only floor 0"
    if importer not in FLOORS:
        return f"{importer!r} is on no floor: add it to FLOORS"
    if FLOORS[imported] > FLOORS[importer]:
        return f"upwards: {importer} (floor {FLOORS[importer]}) imports {imported} (floor {FLOORS[imported]})"
    if FLOORS[imported] == FLOORS[importer] and (importer, imported) not in SAME_FLOOR:
        return f"sideways: {importer} imports {imported}, both on floor {FLOORS[importer]}; not in SAME_FLOOR"
    return None


def test_imports_go_downwards() -> None:
    offenders = []
    for source in package():
        if source.module in ("tilth", "tilth.__main__"):  # the public face is above all floors
            continue
        importer = source.module.split(".")[1]
        for line, name in imports(source):
            imported = name.split(".")[1] if "." in name else ""
            if why := complaint(importer, imported):
                offenders.append(f"{source.at(line)}: {why}")
    assert not offenders, "\n" + "\n".join(offenders)


def test_every_folder_stands_on_a_floor() -> None:
    folders = {source.module.split(".")[1] for source in package() if source.module.count(".") >= 1}
    modules = {source.module.split(".")[1] for source in package() if source.path.parent.name == "tilth" and source.path.stem != "__init__"}
    assert folders - modules <= FLOORS.keys()
    assert modules <= ROOT_MODULES | {"__main__"}


@pytest.mark.parametrize(
    ("importer", "imported", "word"),
    [
        ("records", "models", "upwards"),
        ("models", "engine", "sideways"),
        ("flows", "methods", "sideways"),
        ("engine", "cli", "upwards"),
        ("errors", "engine", "only floor 0"),
        ("engine", "gossip", "no floor"),
        ("engine", "", "public face"),
    ],
)
def test_a_breach_is_noticed(importer: str, imported: str, word: str) -> None:
    assert word in (complaint(importer, imported) or "")


@pytest.mark.parametrize(("importer", "imported"), [("engine", "models"), ("cli", "flows"), ("records", "errors"), ("flows", "catalog")])
def test_what_is_allowed_passes(importer: str, imported: str) -> None:
    assert complaint(importer, imported) is None


def test_imports_inside_functions_are_found() -> None:
    text = "def f():\n    from ..engine import run\n    from tilth import catalog\n    import_module('tilth.cli.app')\n"
    source = package()[0].__class__(package()[0].path.parent / "records" / "made_up.py", "tilth.records.made_up", (), ast.parse(text))
    assert sorted(imports(source)) == [(2, "tilth.engine"), (3, "tilth.catalog"), (4, "tilth.cli.app")]
