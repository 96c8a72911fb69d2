"""Read a flow file: YAML 1.2 scalars, and the place (line, column) of every key and value.

Nothing is executed while a flow is read. A mistake of the YAML itself is one line that says where and what to do;
mistakes of the content are found later (`tilth.flows.validate`), with the places that are kept here.

Differences to PyYAML's safe loader: only ``true`` and ``false`` are booleans, no octal or sexagesimal numbers, dates stay text,
keys are always text, a key given twice is an error, top-level keys that begin with ``x-`` are left out (a place for anchors).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tilth.errors import ManyErrors, RequestError

Where = tuple[str | int, ...]
"""Path of a value inside the file: keys and list positions. The place of a key itself stands under ``(*path, "#key")``."""

MOST_VALUES = 100_000
"""A flow is written by hand; more values than this means that anchors were multiplied."""


class FlowLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2 and text keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:  # type: ignore[override]
        """A mapping whose keys are text, whatever they look like (labels ``0`` and ``1`` stay names)."""
        self.flatten_mapping(node)
        return {str(key.value): self.construct_object(value, deep=deep) for key, value in node.value}


def _install_scalars() -> None:
    """Forget YAML 1.1 (yes/no/on/off, octal, dates); `int` must be known before `float`."""
    FlowLoader.yaml_implicit_resolvers = {}
    for tag, pattern, first in (
        ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
        ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
        ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
        ("merge", r"^<<$", ["<"]),
        ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ):
        FlowLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)
    FlowLoader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))  # PyYAML reads 010 as 8


_install_scalars()


@dataclass
class Source:
    """What was read: `data` (plain Python values), and where each of them stands in the file.

    file: the name for messages. folder: what relative paths are relative to. text: the file's text.
    extra: the top-level keys that begin with ``x-``. given: paths whose values were given elsewhere; they have no place.
    """

    file: str
    folder: Path
    text: str
    data: dict[str, Any]
    marks: dict[Where, tuple[int, int]] = field(default_factory=dict)
    styles: dict[Where, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    given: set[Where] = field(default_factory=set)

    def place(self, path: Where) -> tuple[int, int] | tuple[None, None]:
        """Line and column of the value at `path`, else of the nearest value around it."""
        known = self.known(path)
        if any(known[: len(given)] == given for given in self.given):
            return None, None
        while known and known not in self.marks:
            known = known[:-1]
        return self.marks.get(known, (None, None))

    def known(self, path: Where) -> Where:
        """`path` without the parts that are not in the file (names of union branches, short forms that were normalised)."""
        at: Where = ()
        inside: Any = self.data
        for part in path:
            there = (
                part in inside if isinstance(inside, dict) else isinstance(inside, list) and isinstance(part, int) and part < len(inside)
            )
            if there or (*at, part) in self.marks:
                at = (*at, part)
                inside = inside[part] if there else None
        return at

    def key(self, path: Where) -> tuple[int, int] | tuple[None, None]:
        """Line and column of the key that ends `path`; of its value where it has no key (list items)."""
        known = self.known(path)
        return self.marks.get((*known, "#key"), self.place(known))

    def inside(self, path: Where, line: int, column: int) -> tuple[int, int] | tuple[None, None]:
        """Place in the file of (`line`, `column`), both from 1, of the text at `path`; exact in block scalars and one-line texts."""
        top, left = self.place(path)
        if top is None or left is None:
            return None, None
        style = self.styles.get(self.known(path), "")
        if style == ">":  # folded: lines of the text are not lines of the file
            return top, left
        if style == "|":
            return top + line, self._indent(top) + column
        if line > 1:
            return top, left
        return top, left + column - 1 + (1 if style in {"'", '"'} else 0)

    def _indent(self, header: int) -> int:
        """Indentation of the block scalar whose header (``|``) stands on line `header`."""
        for text in self.text.split("\n")[header:]:
            if text.strip():
                return len(text) - len(text.lstrip(" "))
        return 0


def _has(inside: Any, part: str | int) -> bool:
    if isinstance(inside, dict):
        return part in inside
    return isinstance(inside, list) and isinstance(part, int) and part < len(inside)


def load(path: str | Path) -> Source:
    """Read a flow file.

    Raises
    ------
    RequestError: no such file, not UTF-8, not YAML, empty, or no mapping. ManyErrors: keys that are given twice.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise RequestError(_no_file(path), code="flow.not_found") from None
    except UnicodeDecodeError as error:
        what = f"this is not UTF-8 text (byte {error.start}). Save the file as UTF-8."
        raise RequestError(what, code="flow.encoding", file=str(path)) from None
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror}.", code="flow.unreadable") from None
    return loads(text, file=str(path), folder=path.parent)


def loads(text: str, *, file: str = "flow", folder: Path | None = None) -> Source:
    """Read a flow from text; `file` names it in messages, `folder` is what its paths are relative to."""
    folder = folder if folder is not None else Path(".")
    try:
        node = yaml.compose(text, FlowLoader)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, file) from None
    except yaml.reader.ReaderError as error:
        what = f"not valid YAML: character #x{int(error.character):04x} is not allowed."
        raise RequestError(what, code="flow.yaml", file=file) from None
    except RecursionError:
        raise RequestError("not valid YAML: nested too deeply.", code="flow.yaml", file=file) from None
    if node is None:
        raise RequestError("the file is empty. Start one with: tilth flow init", code="flow.empty", file=file)
    if not isinstance(node, yaml.MappingNode):
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        raise RequestError("a flow is a mapping; begin with: tilth: 1", code="flow.type", file=file, line=line, column=column)
    walk = _Walk(file)
    walk.visit(node, ())
    if walk.twice:
        raise ManyErrors(walk.twice) if len(walk.twice) > 1 else walk.twice[0]
    try:
        data = FlowLoader("").construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, file) from None
    except ValueError as error:  # a whole number of thousands of digits
        raise RequestError(f"not valid YAML: {error}.", code="flow.yaml", file=file) from None
    kept = {key: value for key, value in data.items() if not key.startswith("x-")}
    extra = {key: value for key, value in data.items() if key.startswith("x-")}
    return Source(file, folder, text, kept, walk.marks, walk.styles, extra)


class _Walk:
    """Collects places while walking through the composed nodes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.marks: dict[Where, tuple[int, int]] = {}
        self.styles: dict[Where, str] = {}
        self.twice: list[RequestError] = []
        self.open: set[int] = set()
        self.visited = 0

    def visit(self, node: yaml.Node, at: Where) -> None:
        self.visited += 1
        here = node.start_mark.line + 1, node.start_mark.column + 1
        if id(node) in self.open or self.visited > MOST_VALUES:
            what = "an anchor contains itself." if id(node) in self.open else f"more than {MOST_VALUES} values. Use fewer anchors."
            raise RequestError(what, code="flow.yaml", file=self.file, line=here[0], column=here[1])
        self.marks.setdefault(at, here)
        self.open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._mapping(node, at)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self.visit(value, (*at, index))
        elif isinstance(node, yaml.ScalarNode) and node.style:
            self.styles.setdefault(at, node.style)
        self.open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, at: Where) -> None:
        """Keys of the mapping, then those that it merges in (``<<``)."""
        seen: dict[str, int] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            if key.tag == "tag:yaml.org,2002:merge":
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise RequestError("a key must be text.", code="flow.yaml", file=self.file, line=line, column=column)
            name = str(key.value)
            if name in seen:
                what = f"'{name}' is given twice; the first is on line {seen[name]}."
                self.twice.append(RequestError(what, code="flow.twice", file=self.file, line=line, column=column))
                continue
            seen[name] = line
            self.marks.setdefault((*at, name, "#key"), (line, column))
            self.visit(value, (*at, name))
        for source in merged:
            if isinstance(source, yaml.MappingNode) and id(source) not in self.open:
                self._mapping(source, at)


def _not_yaml(error: yaml.MarkedYAMLError, file: str) -> RequestError:
    """One line for a mistake that the YAML parser found."""
    problem = error.problem or error.context or "unreadable"
    mark = error.problem_mark or error.context_mark
    what = f"not valid YAML: {problem}."
    if "\\t" in problem or "'\t'" in problem:
        what += " Indent with spaces."
    elif "undefined alias" not in problem and "could not determine a constructor" not in problem:
        what += " Text with : # ? { or , needs quotes."
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
    return RequestError(what, code="flow.yaml", file=file, line=line, column=column)


def _no_file(path: Path) -> str:
    """``no such flow: intent.yaml. Did you mean 'intents.yaml'?``"""
    from tilth.flows.words import near

    folder = path.parent
    try:
        names = sorted(p.name for p in folder.iterdir() if p.suffix in {".yaml", ".yml"})
    except OSError:
        names = []
    close = near(path.name, names)
    other = str(folder / close) if close else None
    return f"no such flow: {path}. " + (f"Did you mean '{other}'?" if other else f"Begin one with: tilth flow init {path.stem}")
