"""Every plug-in point on one screen, lazy: what exists is read from file headers, and only what is used is imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError
from tilth.records.hints import listed, nearest

if TYPE_CHECKING:
    from tilth.engine.method import Method

_METHODS = Path(__file__).parent / "methods"


@dataclass(frozen=True)
class Entry:
    """A method's header, as its file states it. Types in `columns` are written as in the source (``"str"``).

    notes: what its docstring says under `When:`, `Needs:`, `Calls:` and `Differs:`. calls: what a record costs in calls, from these.
    """

    name: str
    module: str
    cls: str
    summary: str = ""
    paper: str = ""
    family: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    roles: Mapping[str, int | str] = field(default_factory=lambda: {"generator": 1})
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> str:
        """What a record costs in calls to models: a figure or a formula of the parameters."""
        return self.notes.get("calls", "")

    def load(self) -> type[Method]:
        """The class; imports its module and no other method's."""
        from importlib import import_module

        method: type[Method] = getattr(import_module(self.module), self.cls)
        return method


@lru_cache(maxsize=1)
def methods() -> Mapping[str, Entry]:
    """All methods by name, sorted; nothing is imported. Files and folders that begin with ``_`` are helpers."""
    found = [entry for path in sorted(_METHODS.rglob("[!_]*.py")) for entry in _headers(path)]
    return MappingProxyType({entry.name: entry for entry in sorted(found, key=lambda entry: entry.name)})


def find(name: str) -> Entry:
    """The method called `name` (``_`` counts as ``-``); reads one header where its file bears the method's name.

    Raises
    ------
    RequestError: there is none (``method.unknown``); the nearest name is suggested.
    """
    wanted = name.replace("_", "-")
    for path in sorted(_METHODS.rglob(f"{wanted.replace('-', '_')}.py")):
        for entry in _headers(path):
            if entry.name == wanted:
                return entry
    if wanted in methods():
        return methods()[wanted]
    near = nearest(wanted, methods())
    hint = f"Did you mean '{near}'?" if near else f"There is: {listed(methods())}."
    raise RequestError(f"no method is called '{name}'. {hint} See: tilth methods", code="method.unknown")


def _headers(path: Path) -> Iterator[Entry]:
    module = "tilth." + ".".join(path.relative_to(_METHODS.parent).with_suffix("").parts)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ClassDef):
            continue
        header = {key: value for key, value in _constants(node) if key in Entry.__dataclass_fields__}
        if header.get("name"):
            text = (ast.get_docstring(node) or "").strip()
            yield Entry(**header, module=module, cls=node.name, summary=text.split("\n")[0], notes=_notes(text))


def _notes(text: str) -> dict[str, str]:
    """The parts of a docstring that begin with one of the four words, in one line each."""
    found = {}
    for name in ("When", "Needs", "Calls", "Differs"):
        match = re.search(rf"(?:^|\s){name}: (.*?)(?=\n\s*\n|\s(?:When|Needs|Calls|Differs): |\Z)", text, re.DOTALL)
        if match:
            found[name.lower()] = " ".join(match[1].split())
    return found


def _constants(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    for statement in node.body:
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value is not None):
            continue
        if "ClassVar" in ast.unparse(statement.annotation):
            yield statement.target.id, _read(statement.value)


def _read(value: ast.expr) -> Any:
    """The value as Python would build it; what is no literal (a type) as its source text."""
    if isinstance(value, ast.Dict):
        return {_read(key): _read(item) for key, item in zip(value.keys, value.values, strict=True) if key is not None}
    try:
        return ast.literal_eval(value)
    except ValueError:
        return ast.unparse(value)
