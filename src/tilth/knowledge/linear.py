"""Triples as one line that a student can learn to write, back again, and in the order in which a text tells them.

Expanded: ``[s] Ada_Holm [r] place of birth [o] Brenn [e]`` for each triple. Collapsed: a subject is written once, before all
its relations. Both are read by one function. Names are escaped, so that a name that looks like a mark is not taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tilth.knowledge.graph import Triple
from tilth.text.ngrams import words

_MARK = re.compile(r"(?:^|(?<=\s))\[([sroe])\](?=\s|$)")
_ESCAPED = re.compile(r"\\(.)")
NOWHERE = 1 << 60
"""The place of a name that the text does not hold: behind all others."""


def linearise(triples: Iterable[Triple], *, collapsed: bool = False) -> str:
    r"""One line, in the order given; white space inside of names becomes one space.

    >>> linearise([Triple("Ada Holm", "born in", "Brenn"), Triple("Ada Holm", "wrote", "A_B")], collapsed=True)
    '[s] Ada_Holm [r] born in [o] Brenn [r] wrote [o] A\\_B [e]'
    """
    parts: list[str] = []
    last: str | None = None
    for subject, relation, thing in triples:
        if not collapsed or subject != last:
            parts += ["[e]"] * (last is not None) + ["[s]", _entity(subject)]
        parts += ["[r]", _escaped(relation), "[o]", _entity(thing)]
        last = subject
    return " ".join([*parts, "[e]"] if parts else parts)


def parse(line: str) -> list[Triple]:
    """The triples of a line in either form, each once; what is cut off or out of order gives none and raises nothing."""
    marks = list(_MARK.finditer(line))
    ends = [mark.start() for mark in marks[1:]] + [len(line)]
    found: list[Triple] = []
    subject = relation = ""
    for mark, end in zip(marks, ends, strict=False):
        kind, body = mark.group(1), line[mark.end() : end].strip()
        if kind == "s":
            subject, relation = _name(body), ""
        elif kind == "r":
            relation = _ESCAPED.sub(r"\1", body)
        elif kind == "o" and subject and relation and body:
            found.append(Triple(subject, relation, _name(body)))
            relation = ""
        else:
            subject = relation = ""
    return list(dict.fromkeys(found))


def ordered(triples: Iterable[Triple], text: str) -> list[Triple]:
    """By the first mention of the subject, its name, the mention of the object, its name; what is not mentioned comes last.

    Triples of one subject stand together, which the collapsed form needs.
    """
    said = words(text)
    return sorted(triples, key=lambda one: (*_place(one.subject, said), *_place(one.object, said), one.relation))


def unmentioned(names: Iterable[str], text: str, *, share: float = 0.5) -> list[str]:
    """The names of which the text has no run of words with at least `share` of the letters; plurals count as their word.

    >>> unmentioned(["New York", "12 March 1901", "Brenn"], "In 1901, in March, she left York.")
    ['12 March 1901', 'Brenn']
    """
    said = words(text)
    return [name for name in names if _longest(words(name), said)[1] < share]


def _place(name: str, said: Sequence[str]) -> tuple[int, str]:
    return _longest(words(name), said)[0], name


def _longest(name: Sequence[str], said: Sequence[str]) -> tuple[int, float]:
    """Where the longest run of the name's words (by letters) first stands in the text, and its share of the name."""
    best, place = 0, NOWHERE
    for start in range(len(said)):
        for first in range(len(name)):
            run = 0
            while first + run < len(name) and start + run < len(said) and _same(name[first + run], said[start + run]):
                run += 1
            letters = sum(map(len, name[first : first + run]))
            if letters > best:
                best, place = letters, start
    return place, best / max(1, sum(map(len, name)))


def _same(word: str, other: str) -> bool:
    """Equal, or equal up to an English plural or genitive."""
    if word == other:
        return True
    if word[:1] != other[:1] or word.isdigit():
        return False
    return other in (word + "s", word + "es", word + "'s", word + "’s") or (word.endswith("y") and other == word[:-1] + "ies")


def _escaped(name: str) -> str:
    return " ".join(name.split()).replace("\\", "\\\\").replace("[", "\\[")


def _entity(name: str) -> str:
    return _escaped(name).replace("_", "\\_").replace(" ", "_")


def _name(body: str) -> str:
    return re.sub(r"\\(.)|_", lambda found: found.group(1) or " ", body)
