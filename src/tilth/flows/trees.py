"""Taxonomies: a file of nested mappings and lists; its leaves are drawn with the way that leads to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tilth.errors import RequestError

BETWEEN = " > "
"""Stands between the names on the way to a leaf."""


def leaves(path: Path) -> list[str]:
    """The leaves of a taxonomy in YAML or JSON, in the order of the file: ``science > physics > optics``.

    Raises
    ------
    RequestError: the file cannot be read, or has no leaf.
    """
    import yaml

    from tilth.flows.load import FlowLoader

    try:
        whole = yaml.load(path.read_text("utf-8"), FlowLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        detail = getattr(error, "problem", None) or getattr(error, "strerror", None) or "not UTF-8"
        raise RequestError(f"the taxonomy {path.name} cannot be read: {detail}.", code="data.tree") from None
    found = [BETWEEN.join(way) for way in _ways(whole)]
    if not found:
        raise RequestError(f"the taxonomy {path.name} has no leaves. Write nested mappings and lists of names.", code="data.tree")
    return list(dict.fromkeys(found))


def _ways(node: Any) -> list[list[str]]:
    """Every way to a leaf.

    >>> _ways({"science": ["maths", {"physics": ["optics"]}], "art": None})
    [['science', 'maths'], ['science', 'physics', 'optics'], ['art']]
    """
    if isinstance(node, dict):
        return [[str(name), *way] for name, inside in node.items() for way in (_ways(inside) or [[]])]
    if isinstance(node, list):
        return [way for inside in node for way in _ways(inside)]
    return [] if node is None or node == "" else [[str(node)]]
