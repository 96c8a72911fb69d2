"""Marks of a formula, LaTeX or plain, read with a fixed alphabet: nothing of a model's text is ever executed."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST = 600
"""Tokens of an answer that are parsed."""

FUNCTIONS = frozenset(
    {"sin", "cos", "tan", "sec", "csc", "cot", "arcsin", "arccos", "arctan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp"}
    | {"log", "ln", "lg", "sqrt", "abs", "cis"}
)
GREEK = frozenset(
    {"alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "theta", "lambda", "mu", "nu", "rho", "sigma", "tau", "phi", "varphi"}
    | {"omega", "psi", "xi", "eta", "kappa", "zeta", "chi", "Delta", "Sigma", "Omega", "Phi", "Gamma", "Lambda", "Theta"}
)
_SAME = {
    r"\cdot": "*", r"\times": "*", r"\ast": "*", r"\div": "/", r"\le": "<=", r"\leq": "<=", r"\leqslant": "<=", r"\ge": ">=",
    r"\geq": ">=", r"\geqslant": ">=", r"\lt": "<", r"\gt": ">", r"\ne": "!=", r"\neq": "!=", "**": "^", "==": "=", "=<": "<=", "=>": ">=",
    r"\lbrace": "set{", r"\rbrace": "set}", r"\lvert": "|", r"\rvert": "|", r"\vert": "|", r"\mid": "|", r"\lbrack": "[", r"\rbrack": "]",
    r"\cup": "cup", r"\pm": "pm", r"\mp": "mp", r"\circ": "circ", r"\lfloor": "floor[", r"\rfloor": "floor]", r"\lceil": "ceil[",
    r"\rceil": "ceil]", r"\langle": "<(", r"\rangle": ">)", r"\mathbb{R}": "reals", r"\binom": "binom", r"\frac": "frac",
    r"\infty": "infinity", r"\emptyset": "empty", r"\varnothing": "empty", r"\pi": "pi", r"\in": "in", r"\\": "row", "&": "cell",
}  # fmt: skip
_MARK = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3}(?!\d))?)
    |(?P<begin>\\(?:begin|end)\{[bpvBV]?(?:matrix|array)\*?\}(?:\{[lcr| ]*\})?)
    |(?P<command>\\mathbb\{R\}|\\[A-Za-z]+|\\\\)|(?P<word>[A-Za-z]+)|(?P<sign>\*\*|<=|>=|!=|==|=<|=>|[-+*/^_=<>()\[\]{}|!,;%&:])""",
    re.VERBOSE,
)


class Unread(Exception):
    """The text is not a formula of the grammar."""


@dataclass(frozen=True, slots=True)
class Token:
    """kind: number, symbol, function, or the sign itself. spaced: whether white space stands before it."""

    kind: str
    text: str
    spaced: bool = False


def tokens(text: str) -> list[Token]:
    """The marks of a normalised answer.

    Raises
    ------
    Unread: there is a mark that the grammar does not know, or there are too many.
    """
    found: list[Token] = []
    at, spaced = 0, False
    while at < len(text):
        match = _MARK.match(text, at)
        if match is None or len(found) > MOST:
            raise Unread(f"no formula from character {at + 1}")
        at, kind = match.end(), str(match.lastgroup)
        if kind == "space":
            spaced = True
            continue
        found += _read(kind, match[0], spaced)
        spaced = False
    return found


def _read(kind: str, text: str, spaced: bool) -> list[Token]:
    if kind == "number":
        return [Token("number", text, spaced)]
    if kind == "begin":
        return [Token("matrix[" if text.startswith(r"\begin") else "matrix]", text, spaced)]
    if kind == "word":
        return _word(text, spaced)
    if text in _SAME:
        return [Token(_SAME[text], text, spaced)]
    if kind == "command":
        name = text[1:]
        if name in FUNCTIONS:
            return [Token("function", name, spaced)]
        if name in GREEK:
            return [Token("symbol", name, spaced)]
        raise Unread(f"unknown command {text}")
    return [Token(text, text, spaced)]


def _word(word: str, spaced: bool) -> list[Token]:
    """A function's name, pi, or letters that are multiplied; several capitals are one name, as of a segment AB."""
    lower = word.lower()
    if lower in FUNCTIONS:
        return [Token("function", lower, spaced)]
    if lower in ("pi", "infinity", "infty", "inf", "oo"):
        return [Token("pi" if lower == "pi" else "infinity", word, spaced)]
    if lower in GREEK:
        return [Token("symbol", lower, spaced)]
    if len(word) > 1 and word.isupper():
        return [Token("symbol", word, spaced)]
    for name in sorted(FUNCTIONS, key=len, reverse=True):
        if lower.startswith(name) and len(word) > len(name) and len(name) > 2:
            return [Token("function", name, spaced), *_word(word[len(name) :], False)]
    if len(word) > 6:
        raise Unread(f"a word: {word[:20]}")
    return [Token("symbol", letter, spaced and number == 0) for number, letter in enumerate(word)]
