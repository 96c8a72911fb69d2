"""The normal form of an answer as a string: other spellings of the same symbols, and what carries no value, are removed.

Rules: the normaliser of Hendrycks et al. (MATH, 2103.03874) as listed in the card, with unicode, mixed numbers and words added.
"""

from __future__ import annotations

import re
import unicodedata

from ...text import lexicon

LONGEST = 2_000
"""Characters of an answer that are looked at; an answer is short, and longer text is not one."""

_SIGNS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "﹣": "-", "－": "-", "×": r"\cdot ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ",
    "÷": "/", "⁄": "/", "∕": "/", "π": r"\pi ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∪": r"\cup ",
    "∈": r"\in ", "±": r"\pm ", "°": r"^\circ ", "√": r"\sqrt ", "∅": r"\emptyset ", "≈": r"\approx ", "θ": r"\theta ",
    "α": r"\alpha ", "β": r"\beta ", "λ": r"\lambda ", "ℝ": r"\mathbb{R}", "’": "'", "‘": "'", "“": '"', "”": '"', "％": "%",
    "，": ",", "（": "(", "）": ")", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
}  # fmt: skip
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_TEXT = re.compile(r"\\(?:text|textbf|textit|textrm|mbox|hbox|mathrm|mathbf|mathit|rm|operatorname)\*?\s*\{([^{}]*)\}")
_BLANK = re.compile(r"(?<!\\)\\(?:[!,;:> ]|quad|qquad|displaystyle|textstyle|limits|left|right|[Bb]igg?[lr]?)(?![A-Za-z])")
_GROUPS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_OUTER = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"))
_PREFIX = re.compile(r"^(?:\\approx|\\therefore|\\Rightarrow|\\implies|approximately|about|exactly|=|≈|:)\s*", re.IGNORECASE)
_LEFT = re.compile(r"^(?:[A-Za-z]|\\[A-Za-z]+|[A-Za-z]_\{?\w\}?|[a-zA-Z]\([a-z]\))\s*(?:=|\\in(?![a-z]))\s*(?=[^=])")
WORDS = lexicon.NUMERALS | {
    "half": r"\frac{1}{2}", "one half": r"\frac{1}{2}", "one-half": r"\frac{1}{2}", "one third": r"\frac{1}{3}",
    "one-third": r"\frac{1}{3}", "two thirds": r"\frac{2}{3}", "two-thirds": r"\frac{2}{3}", "one quarter": r"\frac{1}{4}",
    "a quarter": r"\frac{1}{4}", "one fourth": r"\frac{1}{4}", "three quarters": r"\frac{3}{4}", "three-quarters": r"\frac{3}{4}",
}  # fmt: skip
"""Numbers as words."""
_TENS = re.compile(f"({'|'.join(lexicon.TENS)})[ -]({'|'.join(lexicon.SMALL[1:10])})")
_LEADING = re.compile(rf"(?:{'|'.join(lexicon.NUMERALS)})(?= [a-z]+)", re.IGNORECASE)


def normalise(text: str) -> str:
    """The answer in the one spelling that is compared and parsed; "" where nothing is left.

    >>> normalise(r"\\dfrac{1}{2}."), normalise("$1,000$"), normalise("x = 5"), normalise(r"5\\text{ cm}")
    ('\\\\frac{1}{2}', '1000', '5', '5 cm')
    """
    text = _unwrapped(_signs(text[: LONGEST + 1]).strip())
    text = text.replace(r"\$", "$").replace(r"\%", "%").replace("{,}", ",").replace(r",\!", ",").replace("~", " ")
    text = re.sub(r"\\[dtc]frac(?![a-z])", r"\\frac", text)
    text = text.replace(r"\degree", r"^\circ").replace(r"^{\circ}", r"^\circ").replace(r"\cdotp", r"\cdot")
    text = _connected(_TEXT.sub(r" \1 ", text))
    text = _BLANK.sub(" ", text).replace(r"\{", r"\lbrace ").replace(r"\}", r"\rbrace ")
    text = re.sub(r"\\frac ?(\d) ?(\d)(?![\d.])", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\sqrt ?(\d+)(?![\d.])", r"\\sqrt{\1}", text)
    text = re.sub(r"\s+", " ", text).strip(" $" if not text.strip(" $") else " ")
    text = _unwrapped(re.sub(r"(?<!\\)[.。]+$", "", text).strip())
    while text != (text := _PREFIX.sub("", text)):
        pass
    text = _LEFT.sub("", text) if text.count("=") <= 1 else text
    if (word := _word(text.casefold())) is not None:
        return word
    text = _LEADING.sub(lambda found: WORDS[found[0].casefold()], text, count=1) if _LEADING.match(text) else text
    return _slashes(_ungrouped(text)).strip()


def _word(text: str) -> str | None:
    """A number that is written as one word, or as two such as twenty-five."""
    if found := _TENS.fullmatch(text):
        return str(int(WORDS[found[1]]) + int(WORDS[found[2]]))
    return WORDS.get(text)


def _signs(text: str) -> str:
    text = "".join(_SIGNS.get(sign, sign) for sign in text)
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda found: "^{" + found[0].translate(_RAISED) + "}", text)
    text = re.sub("[₀₁₂₃₄₅₆₇₈₉]+", lambda found: "_{" + found[0].translate(_LOWERED) + "}", text)
    text = re.sub("[¼½¾⅐-⅞]", lambda found: " " + unicodedata.normalize("NFKC", found[0]).replace("⁄", "/"), text)
    return text


def _unwrapped(text: str) -> str:
    """Without the marks of a formula around the whole, and without emphasis."""
    before = None
    while before != text:
        before = text
        for left, right in _OUTER:
            inner = text[len(left) : len(text) - len(right)]
            if len(text) > len(left) + len(right) - 1 and text.startswith(left) and text.endswith(right) and left not in inner and inner:
                text = inner.strip()
        if len(text) > 4 and text.startswith("**") and text.endswith("**"):
            text = text[2:-2].strip()
    return text


def _connected(text: str) -> str:
    """ "and" and "or" between parts are commas."""
    return re.sub(r"\s*,?\s+(?:and|or)\s+", ", ", text)


def _ungrouped(text: str) -> str:
    """Without the commas of thousands: only in proper groups of three, and not inside brackets, where they separate."""
    if re.search(r"[(\[]|lbrace", text):
        return text
    return _GROUPS.sub(lambda found: found[0].replace(",", ""), text)


def _slashes(text: str) -> str:
    """Mixed numbers and lone fractions of integers: 1 1/2 is a sum."""
    if found := re.fullmatch(r"(-?) ?(\d+)(?: | and | ?\+ ?)(\d+) ?/ ?(\d+)", text):
        sign, whole, top, bottom = found.groups()
        return f"{sign}{whole}\\frac{{{top}}}{{{bottom}}}"
    if found := re.fullmatch(r"(-?) ?(\d+) ?/ ?(\d+)", text):
        return f"{found[1]}\\frac{{{found[2]}}}{{{found[3]}}}"
    return text
