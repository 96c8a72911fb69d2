"""Depth-first search of a tree that a model grows: width, depth, a budget of calls, and how far to go back after each end.

DFSDT of ToolLLM (Qin et al. 2023, arXiv 2307.16789; toolbench/inference/Algorithms/DFS.py, the variant without ranking).
It is plain recursion: the places of its calls are the places of the row that searches.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

S = TypeVar("S")

End = Literal["open", "solved", "given_up", "dead"]
"""open: the search goes on below. given_up: the model asked to start again elsewhere. dead: no way on."""

EVERYTHING = 1_000_000
"""So many levels up: out of the tree."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How the tree is searched.

    width: children of a node, at most; 1 is a chain without a way back. depth: steps on one path. calls: of the model in the whole
    tree. answers: solved paths after which the search ends. back_solved, back_given_up: levels to unwind after such an end; with 2
    the parent tries nothing else and the grandparent goes on. After a dead end it is 1: the parent goes on.
    """

    width: int = 2
    depth: int = 12
    calls: int = 200
    answers: int = 1
    back_solved: int = 2
    back_given_up: int = 2


@dataclass(slots=True)
class Node(Generic[S]):
    """One state, with the node that it was made from and those made from it, in the order in which they were tried."""

    state: S
    end: End = "open"
    depth: int = 0
    children: list[Node[S]] = field(default_factory=list)


@dataclass(slots=True)
class Tree(Generic[S]):
    """What a search left. `solved` and `given_up` stand in the order in which they were found."""

    root: Node[S]
    solved: list[Node[S]] = field(default_factory=list)
    given_up: list[Node[S]] = field(default_factory=list)
    calls: int = 0
    deepest: int = 0


Expand = Callable[[S, Sequence[S]], Awaitable[tuple[S, End]]]
"""Makes one child: (a copy of the state that is its own to change, the states of the children before it, to read only)."""


async def depth_first(root: S, expand: Expand[S], limits: Limits) -> Tree[S]:
    """Search below `root`, the first child of each node to its end before the second.

    `expand` gets a deep copy of its node's state, so what one branch does to its environment is not seen in another.
    Every call of `expand` counts as one call of the model, whatever comes of it.

    Raises
    ------
    Failure: whatever `expand` raises ends the search.
    """
    tree = Tree(Node(root))
    await _visit(tree, tree.root, expand, limits)
    return tree


async def _visit(tree: Tree[S], node: Node[S], expand: Expand[S], limits: Limits) -> int:
    """Search below a node; how many levels to go back, 1 being to its parent."""
    tree.deepest = max(tree.deepest, node.depth)
    if node.end == "solved":
        tree.solved.append(node)
        return limits.back_solved
    if node.end == "given_up":
        tree.given_up.append(node)
        return limits.back_given_up
    if node.end == "dead" or node.depth >= limits.depth:
        node.end = "dead"
        return 1
    for _ in range(limits.width):
        if tree.calls >= limits.calls:
            return EVERYTHING
        tree.calls += 1
        state, end = await expand(copy.deepcopy(node.state), [child.state for child in node.children])
        child = Node(state, end, node.depth + 1)
        node.children.append(child)
        back = await _visit(tree, child, expand, limits)
        if len(tree.solved) >= limits.answers:
            return EVERYTHING
        if back > 1:
            return back - 1
    return 1
