"""Units behind a number: "5 cm" is 5 where the other answer names no unit; where both do, they must agree."""

from __future__ import annotations

import re
from fractions import Fraction

_TABLE: dict[str, tuple[str, str]] = {
    "length": ("1", "m meter meters metre metres"), "length/mm": ("1/1000", "mm millimeter millimeters millimetre millimetres"),
    "length/cm": ("1/100", "cm centimeter centimeters centimetre centimetres"),
    "length/km": ("1000", "km kilometer kilometers kilometre kilometres"),
    "length/in": ("0.0254", "in inch inches"), "length/ft": ("0.3048", "ft foot feet"), "length/yd": ("0.9144", "yd yard yards"),
    "length/mi": ("1609.344", "mi mile miles"), "time": ("1", "s sec secs second seconds"), "time/min": ("60", "min mins minute minutes"),
    "time/h": ("3600", "h hr hrs hour hours"), "time/day": ("86400", "day days"), "time/week": ("604800", "week weeks"),
    "mass": ("1", "g gram grams"), "mass/kg": ("1000", "kg kilogram kilograms"), "mass/mg": ("1/1000", "mg milligram milligrams"),
    "mass/lb": ("453.59237", "lb lbs pound pounds"), "mass/oz": ("28.349523125", "oz ounce ounces"),
    "money": ("1", "dollar dollars usd bucks"),
    "money/cent": ("1/100", "cent cents"), "euro": ("1", "euro euros eur"), "volume": ("1", "l liter liters litre litres"),
    "volume/ml": ("1/1000", "ml milliliter milliliters millilitre millilitres"), "angle": ("1", "degree degrees deg"),
}  # fmt: skip
_KNOWN = {word: (kind.split("/")[0], Fraction(size)) for kind, (size, words) in _TABLE.items() for word in words.split()}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
_NUMBER = r"-?(?:\d+(?:\.\d*)?|\.\d+|\\frac\{\d+\}\{\d+\}|\d+\\frac\{\d+\}\{\d+\})"
_BEHIND = re.compile(
    rf"^(?P<number>{_NUMBER}|.*[\d)}}\]]|.*\\pi|.*\\sqrt ?\w) ?(?P<words>[A-Za-z][A-Za-z]*(?:[ /-]+[A-Za-z]+)*)\.?"
    r"(?P<power> ?\^ ?\{?[23]\}?)?$",
    re.DOTALL,
)
_MONEY = {"$": "money", "€": "euro", "£": "pound sterling", "¥": "yen"}
_VARIABLES = re.compile(r"[a-zA-Z]{1,2}")


class Unit(tuple[str, Fraction]):
    """(kind, size in the kind's base unit); kinds that are not in the table carry the word itself."""

    @property
    def kind(self) -> str:
        return self[0]

    @property
    def size(self) -> Fraction:
        return self[1]


def split_unit(text: str) -> tuple[str, Unit | None, int]:
    """(what is before the unit, the unit, the factor that a word such as "million" means).

    >>> split_unit("5 cm")[0], split_unit("3 million dollars")
    ('5', ('3', ('money', Fraction(1, 1)), 1000000))
    """
    sign = "-" if text.startswith("-") and text[1:2] in _MONEY else ""
    if text[len(sign) : len(sign) + 1] in _MONEY and len(text) > len(sign) + 1:
        rest, unit, scale = split_unit(sign + text[len(sign) + 1 :].strip())
        return rest, unit or Unit((_MONEY[text[len(sign)]], Fraction(1))), scale
    found = _BEHIND.match(text)
    if not found or "\\" in found["words"]:
        return text, None, 1
    number, words = found["number"].strip(), found["words"].casefold().split()
    scale = 1
    while words and words[0] in _SCALES:
        scale *= _SCALES[words.pop(0)]
    if not words:
        return (number, None, scale) if scale > 1 else (text, None, 1)
    unit = _unit(words, (found["power"] or "").strip(" ^{}"))
    if unit is None and scale == 1:
        return text, None, 1
    return number, unit, scale


def _unit(words: list[str], power: str) -> Unit | None:
    if words[0] in ("square", "sq", "cubic") and len(words) > 1:
        power, words = ("3" if words[0] == "cubic" else "2"), words[1:]
    if len(words) == 1 and words[0] in _KNOWN:
        kind, size = _KNOWN[words[0]]
        exponent = int(power or 1)
        return Unit((f"{kind}^{power}" if power else kind, size**exponent))
    if power or len(words) > 4 or all(_VARIABLES.fullmatch(word) for word in words):
        return None  # x, ab: a variable rather than a unit
    return Unit((" ".join(_singular(word) for word in words), Fraction(1)))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
