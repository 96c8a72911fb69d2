"""Seeded edits of texts that keep the meaning, and edits that change it: the truth for near-duplicate detectors.

    python benchmarks/edits.py [--seed 0] [--each 3]          # shows some of every kind

Written before the detector (`tilth.text.near`) and independent of it: nothing is imported from the package, and the word
lists are the generator's own. An edit returns None where a text gives no occasion for it. A kind's name says what it does;
`KEEPING` and `CHANGING` hold them all. `edits(texts, ...)` applies every kind to seeded draws of the texts.

Known blur, on purpose left in: a random word of the corpus may now and then be a synonym (`word`), an "entity" may be
the second half of a heading, moving an adjunct may shift the emphasis. Each is rare, and the same for every detector.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Edit:
    """One text before and after. source: the text's index. keeps: whether the meaning is the same."""

    source: int
    kind: str
    keeps: bool
    before: str
    after: str


@dataclass(frozen=True)
class Corpus:
    """What edits draw from: lower-case words by count, capitalised words that stand inside sentences."""

    words: Counter[str]
    content: tuple[str, ...]
    names: tuple[str, ...]


Editor = Callable[[str, random.Random, Corpus], str | None]

# ---- word lists -------------------------------------------------------------------------------------------------

SYNONYMS = [
    ("big", "large"), ("begin", "start"), ("help", "assist"), ("buy", "purchase"), ("create", "generate"), ("write", "compose"),
    ("quick", "fast"), ("choose", "select"), ("show", "display"), ("happy", "glad"), ("explain", "clarify"), ("fix", "repair"),
    ("get", "obtain"), ("give", "provide"), ("important", "crucial"), ("job", "occupation"), ("kids", "children"), ("make", "produce"),
    ("need", "require"), ("often", "frequently"), ("total", "overall"), ("phone", "telephone"), ("picture", "image"),
    ("suggest", "recommend"),
    ("story", "tale"), ("summarize", "recap"), ("use", "utilize"), ("various", "diverse"), ("way", "manner"), ("wrong", "incorrect"),
    ("find", "locate"), ("sum", "total"), ("sells", "vends"), ("each", "every"), ("about", "regarding"), ("remaining", "leftover"),
    ("describe", "depict"), ("identify", "recognize"), ("common", "widespread"), ("method", "approach"), ("sentence", "phrase"),
]  # fmt: skip
ANTONYMS = [
    ("big", "small"), ("large", "small"), ("long", "short"), ("good", "bad"), ("positive", "negative"), ("best", "worst"),
    ("first", "last"),
    ("new", "old"), ("hot", "cold"), ("add", "remove"), ("include", "exclude"), ("with", "without"), ("buy", "sell"), ("bought", "sold"),
    ("advantages", "disadvantages"), ("pros", "cons"), ("increase", "decrease"), ("open", "close"), ("start", "stop"), ("true", "false"),
    ("formal", "informal"), ("simple", "complex"), ("easy", "difficult"), ("win", "lose"), ("early", "late"), ("active", "passive"),
    ("rich", "poor"), ("possible", "impossible"), ("agree", "disagree"), ("valid", "invalid"), ("accept", "decline"), ("lost", "found"),
    ("virtual", "physical"), ("same", "different"), ("enable", "disable"), ("credit", "debit"), ("import", "export"), ("gave", "took"),
    ("send", "receive"), ("ascending", "descending"), ("top", "bottom"), ("similarities", "differences"), ("encrypt", "decrypt"),
]  # fmt: skip
UNITS = [
    ("kilometers", "miles"), ("km", "miles"), ("miles", "meters"), ("hours", "minutes"), ("hour", "minute"), ("minutes", "seconds"),
    ("days", "weeks"), ("day", "week"), ("weeks", "months"), ("week", "month"), ("months", "years"), ("month", "year"), ("kg", "g"),
    ("pounds", "ounces"), ("dollars", "cents"), ("dollar", "euro"), ("feet", "inches"), ("inches", "centimeters"), ("liters", "gallons"),
    ("celsius", "fahrenheit"), ("grams", "kilograms"), ("cups", "tablespoons"), ("years", "decades"), ("meters", "feet"),
    ("acres", "hectares"),
]  # fmt: skip
COMPARATIVES = [
    ("more", "less"), ("more", "fewer"), ("greater", "smaller"), ("larger", "smaller"), ("higher", "lower"), ("older", "younger"),
    ("before", "after"), ("most", "least"), ("maximum", "minimum"), ("longest", "shortest"), ("highest", "lowest"), ("better", "worse"),
    ("faster", "slower"), ("above", "below"), ("largest", "smallest"), ("taller", "shorter"), ("longer", "shorter"), ("over", "under"),
    ("cheaper", "dearer"), ("earlier", "later"), ("bigger", "smaller"), ("least", "most"), ("heavier", "lighter"),
]  # fmt: skip
QUANTIFIERS = [
    ("all", "some"), ("all", "none"), ("every", "no"), ("always", "never"), ("both", "neither"), ("only", "also"), ("many", "few"),
    ("must", "may"), ("can", "cannot"), ("should", "could"), ("will", "might"), ("any", "all"), ("everyone", "nobody"), ("twice", "half"),
]  # fmt: skip
CATEGORIES = [
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday", "January February March April June July August September October November",
    "red blue green yellow black white purple orange", "English French German Spanish Chinese Italian Japanese", "JSON CSV XML YAML HTML",
    "Python Java JavaScript Ruby Rust", "poem story essay letter speech song", "dog cat horse bird fish", "summer winter spring autumn",
    "north south east west", "mother father brother sister aunt uncle", "noun verb adjective adverb", "apples oranges bananas pears grapes",
    "China India France Brazil Germany Mexico", "hexagon triangle square circle", "morning afternoon evening", "breakfast lunch dinner",
]  # fmt: skip
PRONOUNS = [("he", "she"), ("his", "her"), ("my", "your"), ("him", "her"), ("they", "we"), ("their", "our"), ("I", "you"), ("me", "him")]
QUESTIONS = ["who", "what", "when", "where", "why", "how"]
CONTRACTIONS = [
    ("do not", "don't"), ("does not", "doesn't"), ("did not", "didn't"), ("is not", "isn't"), ("are not", "aren't"), ("can not", "can't"),
    ("cannot", "can't"), ("will not", "won't"), ("would not", "wouldn't"), ("has not", "hasn't"), ("have not", "haven't"),
    ("was not", "wasn't"),
    ("I am", "I'm"), ("I have", "I've"), ("it is", "it's"), ("what is", "what's"), ("that is", "that's"), ("I will", "I'll"),
    ("you are", "you're"),
    ("I would", "I'd"), ("they are", "they're"), ("we are", "we're"), ("let us", "let's"), ("where is", "where's"), ("there is", "there's"),
]  # fmt: skip
SPELLINGS = [
    ("color", "colour"), ("favorite", "favourite"), ("organize", "organise"), ("analyze", "analyse"), ("center", "centre"),
    ("behavior", "behaviour"),
    ("summarize", "summarise"), ("neighbor", "neighbour"), ("liter", "litre"), ("meter", "metre"), ("realize", "realise"),
    ("traveling", "travelling"),
    ("flavor", "flavour"), ("recognize", "recognise"), ("gray", "grey"), ("theater", "theatre"), ("categorize", "categorise"),
    ("humor", "humour"),
    ("optimize", "optimise"), ("program", "programme"), ("canceled", "cancelled"), ("jewelry", "jewellery"), ("email", "e-mail"),
]  # fmt: skip
SHORTER = [
    ("for example", "e.g."), ("and", "&"), ("percent", "%"), ("versus", "vs."), ("television", "TV"), ("okay", "OK"),
    ("approximately", "approx."), ("et cetera", "etc."), ("United States", "U.S."), ("Doctor", "Dr."), ("maximum", "max."),
]  # fmt: skip
POLITE = [
    "Please {}", "Could you please {}", "Hi, {}", "Hello! {}", "Kindly {}", "Hey there, {}", "Can you {}", "Would you please {}",
    "I would like you to {}", "Good morning. {}",
]  # fmt: skip
SPOKEN = ["So, {}", "Well, {}", "OK, {}", "Basically, {}", "Um, {}", "Actually, {}", "Right, {}"]
BOILERPLATE = [
    "Thanks!", "Thank you in advance.", "Thanks for your help.", "Hope this helps!", "Let me know if you have any questions.",
    "Best regards.",
    "Any help would be appreciated.", "Please and thank you.", "Cheers.", "I appreciate your time.", "Please help.",
    "Looking forward to your reply.",
]  # fmt: skip
LABELS = ["Question: {}", "Q: {}", "Instruction: {}", "- {}", "1. {}", "* {}", '"{}"', "Task: {}", "### {}", "> {}", "**{}**"]
CONSTRAINTS = [
    "Use exactly three sentences.", "Answer in French.", "Do not use the letter e.", "Reply with JSON only.", "Write it for a child.",
    "Show your working.", "Use a sarcastic tone.", "Give two examples.", "Ignore the last part.", "Round up to the nearest ten.",
]  # fmt: skip
SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
TENS = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty", 90: "ninety"}
WORDS_OF = {**dict(enumerate(SMALL)), **TENS}
AUXILIARIES = ["is", "are", "was", "were", "does", "did", "has", "have", "had", "can", "could", "will", "would", "should", "must"]
ADJUNCT = re.compile(r"^((?:In|On|At|After|Before|During|For|With|From|When|If|Every|By|As)\b[^,.?!]{2,50}),\s+(\w[^.?!]*)([.?!]|$)")

# ---- tools ------------------------------------------------------------------------------------------------------


def corpus(texts: Iterable[str]) -> Corpus:
    """Counts what stands in the texts."""
    words: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for text in texts:
        words.update(re.findall(r"\b[a-z]{3,}\b", text))
        names.update(re.findall(r"(?<=[a-z,] )[A-Z][a-z]{2,}\b", text))
    content = [word for word, count in words.items() if count >= 3 and len(word) >= 5]
    return Corpus(words, tuple(sorted(content)), tuple(sorted(name for name in names if name.lower() not in words)))


def is_code(text: str) -> bool:
    """Whether the text looks like a program: edits of prose leave it alone."""
    words = r"^\s*(?:def|class|import|for|while|return|SELECT|var|let|const|function|#include)\b"
    return bool(re.search(rf"[{{}};]\s*$|{words}|\w\(.*\)|==|</|\\|[\^*]$|^\s*[\^<@]|-->|\w = ", text, re.M))


def _spans(text: str, pattern: str, flags: int = 0) -> list[tuple[int, int]]:
    return [found.span() for found in re.finditer(pattern, text, flags)]


def _put(text: str, span: tuple[int, int], new: str) -> str:
    return text[: span[0]] + new + text[span[1] :]


def _like(new: str, old: str) -> str:
    return new[:1].upper() + new[1:] if old[:1].isupper() else new


def _swapped(text: str, rng: random.Random, pairs: Sequence[tuple[str, str]], both: bool = True) -> str | None:
    """One occurrence of a word of `pairs` for its partner."""
    ways = [*pairs, *((b, a) for a, b in pairs)] if both else list(pairs)
    rng.shuffle(ways)
    for old, new in ways:
        edges = r"(?<!\w){}(?!\w)"
        if spans := _spans(text, edges.format(re.escape(old)), re.I):
            span = rng.choice(spans)
            return _put(text, span, _like(new, text[span[0] : span[1]]))
    return None


def _prose(edit: Editor) -> Editor:
    return lambda text, rng, known: None if is_code(text) else edit(text, rng, known)


def _from(pairs: Sequence[tuple[str, str]]) -> Editor:
    return _prose(lambda text, rng, known: _swapped(text, rng, pairs))


def _decapitalised(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text if first in ("I", "I'm") or not first[1:].islower() else text[:1].lower() + text[1:]


def _wrapped(forms: Sequence[str], lower: bool) -> Editor:
    def edit(text: str, rng: random.Random, known: Corpus) -> str | None:
        return rng.choice(forms).format(_decapitalised(text) if lower else text)

    return _prose(edit)


# ---- edits that keep the meaning ----------------------------------------------------------------------------------


def case(text: str, rng: random.Random, known: Corpus) -> str | None:
    return rng.choice([str.upper, str.lower, str.title, str.capitalize])(text)


def punctuation(text: str, rng: random.Random, known: Corpus) -> str | None:
    ways: list[Callable[[], str]] = [
        lambda: re.sub(r"[.?!]+\s*$", "", text),
        lambda: re.sub(r"[.?!]*\s*$", rng.choice(["!", "...", "?", "."]), text),
        lambda: re.sub(r",(?!\d)", "", text),
        lambda: re.sub(r"[\"“”]", "", text),
        lambda: re.sub(r",(?!\d)", ";", text),
    ]
    return rng.choice(ways)()


def whitespace(text: str, rng: random.Random, known: Corpus) -> str | None:
    ways: list[Callable[[], str]] = [
        lambda: text.replace(" ", "  "),
        lambda: f"  {text}\n",
        lambda: re.sub(r"([.?!]) ", "\\1\n", text) + "\n\n",
        lambda: text.replace(" ", "\t", 3),
        lambda: text.replace(" ", "\u00a0", 2),
    ]
    return rng.choice(ways)()


def typo(text: str, rng: random.Random, known: Corpus) -> str | None:
    """One slip in a word of five letters or more, which gives no word of the corpus."""
    spans = _spans(text, r"\b[a-z]{5,}\b")
    if not spans:
        return None
    span = rng.choice(spans)
    word = text[span[0] : span[1]]
    at = rng.randrange(1, len(word) - 1)
    slips = [
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + rng.choice("aeioustrn") + word[at + 1 :],
    ]
    slip = rng.choice(slips)
    return None if slip in known.words or slip == word else _put(text, span, slip)


def adjunct(text: str, rng: random.Random, known: Corpus) -> str | None:
    """A leading adjunct moves behind its clause: "In May, he ran." -> "He ran in May." """
    found = ADJUNCT.match(text)
    if not found:
        return None
    lead, clause, end = found.groups()
    return f"{clause[:1].upper()}{clause[1:]} {lead[:1].lower()}{lead[1:]}{end}{text[found.end() :]}"


def unicode_form(text: str, rng: random.Random, known: Corpus) -> str | None:
    ways: list[Callable[[], str]] = [
        lambda: text.replace("'", "’").replace('"', "”"),
        lambda: "".join(chr(ord(c) + 0xFEE0) if c.isalpha() and c.isascii() else c for c in text),
        lambda: unicodedata.normalize("NFD", text),
        lambda: text.replace("fi", "ﬁ").replace("fl", "ﬂ"),
        lambda: text.replace(" ", "\u200b ", 2),
        lambda: text.replace("-", "‑").replace("...", "…"),
        lambda: "\ufeff" + text,
    ]
    return rng.choice(ways)()


def numeral(text: str, rng: random.Random, known: Corpus) -> str | None:
    """5 -> five, five -> 5, 12000 -> 12,000 (never "one", which is also a pronoun)."""
    ways = [(str(value), word) for value, word in WORDS_OF.items() if value > 1]
    found = [(span, new) for old, new in ways for span in _spans(text, rf"(?<![\w.,$€£/:+*=<>^-]){old}(?![\w%]|[.,:/*+=<>^-]\d)")]
    found += [(span, old) for old, new in ways for span in _spans(text, rf"(?<![\w-]){new}(?![\w-])")]
    found += [(span, f"{int(text[slice(*span)]):,}") for span in _spans(text, r"(?<![\w.,$])\d{5,7}(?![\w.,])")]
    if not found:
        return None
    span, new = rng.choice(found)
    return _put(text, span, new)


def boilerplate(text: str, rng: random.Random, known: Corpus) -> str | None:
    return f"{text.rstrip()} {rng.choice(BOILERPLATE)}"


def article(text: str, rng: random.Random, known: Corpus) -> str | None:
    spans = _spans(text, r"(?<=\w )(?:the|an|a) (?=[a-z]{3,})")
    return _put(text, rng.choice(spans), "") if spans else None


def layout(text: str, rng: random.Random, known: Corpus) -> str | None:
    """In code: blank lines, trailing spaces, line ends; never the indentation."""
    if not is_code(text) or "\n" not in text or '"""' in text or "`" in text:
        return None
    lines = text.split("\n")
    at = rng.randrange(1, len(lines))
    ways = ["\n".join([*lines[:at], "", *lines[at:]]), "  \n".join(lines), "\r\n".join(lines), text + "\n\n"]
    return rng.choice(ways)


KEEPING: dict[str, Editor] = {
    "layout": layout,
    "case": _prose(case),
    "punctuation": _prose(punctuation),
    "whitespace": _prose(whitespace),
    "typo": _prose(typo),
    "contraction": _from(CONTRACTIONS),
    "synonym": _from(SYNONYMS),
    "adjunct": _prose(adjunct),
    "politeness": _wrapped(POLITE, True),
    "spoken": _wrapped(SPOKEN, True),
    "label": _wrapped(LABELS, False),
    "unicode": _prose(unicode_form),
    "numeral": _prose(numeral),
    "boilerplate": _prose(boilerplate),
    "spelling": _from(SPELLINGS),
    "abbreviation": _from(SHORTER),
    "article": _prose(article),
}

# ---- edits that change the meaning --------------------------------------------------------------------------------


def number(text: str, rng: random.Random, known: Corpus) -> str | None:
    spans = _spans(text, r"\d+")
    if not spans:
        return None
    span = rng.choice(spans)
    old = text[span[0] : span[1]]
    new = rng.choice([str(int(old) + rng.randint(1, 9)), str(max(0, int(old) - 1)), str(int(old) * 2), old[::-1]])
    return None if new.lstrip("0") == old.lstrip("0") else _put(text, span, new)


def magnitude(text: str, rng: random.Random, known: Corpus) -> str | None:
    """The decimal point moves, or a sign is put before: 50 -> 500, 2.5 -> 25, 7 -> -7."""
    spans = _spans(text, r"(?<![\d.,])\d+(?:\.\d+)?(?![\d,])")
    if not spans:
        return None
    span = rng.choice(spans)
    old = text[span[0] : span[1]]
    if int(re.sub(r"\D", "", old)) == 0:
        return None
    return _put(text, span, rng.choice([old.replace(".", "") if "." in old else old + "0", "-" + old]))


def number_word(text: str, rng: random.Random, known: Corpus) -> str | None:
    spans = _spans(text, rf"\b(?:{'|'.join(SMALL[2:] + list(TENS.values()))}|twice|half)\b")
    if not spans:
        return None
    span = rng.choice(spans)
    old = text[span[0] : span[1]]
    return _put(text, span, rng.choice([word for word in [*SMALL[2:], "thrice"] if word != old]))


def negation(text: str, rng: random.Random, known: Corpus) -> str | None:
    if spans := _spans(text, r"\b(?:not|never) |n't\b"):
        return _put(text, rng.choice(spans), "")
    if spans := _spans(text, rf"\b(?:{'|'.join(AUXILIARIES)})\b(?= [a-z])"):
        at = rng.choice(spans)[1]
        return f"{text[:at]} not{text[at:]}"
    first = re.match(r"([A-Z][a-z]+) (?:a|an|the|your|me|all|some)\b", text)
    return f"Do not {_decapitalised(text)}" if first else None


def entity(text: str, rng: random.Random, known: Corpus) -> str | None:
    """One name for another everywhere in the text."""
    spans = _spans(text, r"(?<=[a-z,] )[A-Z][a-z]{2,}\b")
    if not spans or not known.names:
        return None
    span = rng.choice(spans)
    old, new = text[span[0] : span[1]], rng.choice(known.names)
    return re.sub(rf"\b{old}\b", new, text) if new not in text else None


def exchange(text: str, rng: random.Random, known: Corpus) -> str | None:
    """Two names, or the two sides of "from A to B", change places."""
    if found := re.search(r"\bfrom (\w+) to (\w+)", text):
        if found[1].lower() == found[2].lower():
            return None
        return f"{text[: found.start()]}from {found[2]} to {found[1]}{text[found.end() :]}"
    names = sorted({text[slice(*span)] for span in _spans(text, r"(?<=[a-z,] )[A-Z][a-z]{2,}\b")} & set(known.names))
    if len(names) < 2:
        return None
    one, two = rng.sample(names, 2)
    if re.search(rf"\b(?:{one}|{two}),? (?:and|or) (?:{one}|{two})\b", text):  # "A and B" may be turned freely
        return None
    return re.sub(rf"\b(?:{one}|{two})\b", lambda found: two if found[0] == one else one, text)


def category(text: str, rng: random.Random, known: Corpus) -> str | None:
    """A weekday for another weekday, a colour for another, ..."""
    ways = [group.split() for group in CATEGORIES]
    rng.shuffle(ways)
    for group in ways:
        if spans := _spans(text, rf"\b(?:{'|'.join(group)})\b"):
            span = rng.choice(spans)
            return _put(text, span, rng.choice([word for word in group if word != text[slice(*span)]]))
    return None


def word(text: str, rng: random.Random, known: Corpus) -> str | None:
    """A longer word for a random one of the corpus with the same last two letters."""
    spans = [span for span in _spans(text, r"\b[a-z]{5,}\b") if known.words[text[slice(*span)]] < 0.02 * known.words.total()]
    if not spans:
        return None
    span = rng.choice(spans)
    old = text[span[0] : span[1]]
    fit = [new for new in known.content if new[-2:] == old[-2:] and new[:4] != old[:4]]
    return _put(text, span, rng.choice(fit)) if fit else None


def question(text: str, rng: random.Random, known: Corpus) -> str | None:
    spans = _spans(text, rf"\b(?:{'|'.join(QUESTIONS)})\b", re.I)
    if not spans:
        return None
    span = spans[0]
    old = text[span[0] : span[1]]
    return _put(text, span, _like(rng.choice([new for new in QUESTIONS if new != old.lower()]), old))


def constraint(text: str, rng: random.Random, known: Corpus) -> str | None:
    return f"{text.rstrip()} {rng.choice(CONSTRAINTS)}"


def currency(text: str, rng: random.Random, known: Corpus) -> str | None:
    spans = _spans(text, r"[$€£%](?=\d)|(?<=\d)%")
    if not spans:
        return None
    span = rng.choice(spans)
    old = text[span[0] : span[1]]
    return _put(text, span, {"%": " dollars", "$": "€", "€": "£", "£": "$"}[old])


def operator(text: str, rng: random.Random, known: Corpus) -> str | None:
    """In code or a formula: one operator for another."""
    table = {
        "==": "!=", "!=": "==", "<=": "<", ">=": ">", "<": ">", ">": "<", "+": "-", "-": "+", "*": "/", "/": "*", "%": "/",
        "&&": "||", "||": "&&",
    }  # fmt: skip
    names = "|".join(re.escape(name) for name in table)
    spans = _spans(text, rf"(?<= )(?:{names})(?= )|(?<=\d)[+*/-](?=\d)|(?<=\w)(?:==|<=|>=|<|>)(?=\w)")
    if not spans or not re.search(r"\d\s*[-+*/=<>]|[;{}()=]", text):
        return None
    span = rng.choice(spans)
    return _put(text, span, table[text[span[0] : span[1]]])


def identifier(text: str, rng: random.Random, known: Corpus) -> str | None:
    """In code: one use of a name becomes another name of the same program."""
    if not is_code(text):
        return None
    counts = Counter(re.findall(r"\b[A-Za-z_]\w*\b(?=\s*[=(\[.)+*<>,])", text))
    names = [name for name, count in counts.items() if count >= 2 and len(name) > 1]
    if len(names) < 2:
        return None
    old, new = rng.sample(sorted(names), 2)
    return _put(text, rng.choice(_spans(text, rf"\b{old}\b")), new)


def variable(text: str, rng: random.Random, known: Corpus) -> str | None:
    """A variable of one letter for another."""
    spans = _spans(text, r"(?<![\w'’.-])[b-hj-zA-HJ-Z](?![\w'’.])")
    if not spans:
        return None
    span = rng.choice(spans)
    old = text[span[0] : span[1]]
    letters = "xyzabn" if old.islower() else "XYZABN"
    return _put(text, span, rng.choice([new for new in letters if new != old]))


def truth(text: str, rng: random.Random, known: Corpus) -> str | None:
    if not is_code(text):
        return None
    return _swapped(text, rng, [("True", "False"), ("true", "false"), ("and", "or"), ("min", "max"), ("append", "remove"), ("ASC", "DESC")])


CHANGING: dict[str, Editor] = {
    "number": number,
    "magnitude": magnitude,
    "number_word": number_word,
    "negation": _prose(negation),
    "antonym": _from(ANTONYMS),
    "unit": _from(UNITS),
    "currency": currency,
    "entity": _prose(entity),
    "exchange": _prose(exchange),
    "category": category,
    "word": _prose(word),
    "comparative": _from(COMPARATIVES),
    "quantifier": _from(QUANTIFIERS),
    "pronoun": _from(PRONOUNS),
    "question": _prose(question),
    "constraint": _prose(constraint),
    "operator": operator,
    "identifier": identifier,
    "variable": variable,
    "truth": truth,
}

# ---- whole sets ---------------------------------------------------------------------------------------------------


def edits(texts: Sequence[str], *, per_kind: int = 200, seed: int = 0, known: Corpus | None = None) -> list[Edit]:
    """Up to `per_kind` edits of every kind, each of another text, in a fixed order of kinds."""
    known = known or corpus(texts)
    made: list[Edit] = []
    for keeps, kinds in ((True, KEEPING), (False, CHANGING)):
        for kind, edit in kinds.items():
            rng = random.Random(f"{seed}/{kind}")
            made += _of_kind(texts, kind, keeps, edit, per_kind, rng, known)
    return made


def _of_kind(texts: Sequence[str], kind: str, keeps: bool, edit: Editor, most: int, rng: random.Random, known: Corpus) -> list[Edit]:
    made: list[Edit] = []
    for source in rng.sample(range(len(texts)), len(texts)):
        before = texts[source]
        after = edit(before, rng, known) if before.strip() else None
        if after is not None and after != before:
            made.append(Edit(source, kind, keeps, before, after))
            if len(made) == most:
                break
    return made


def _rows(name: str) -> list[dict[str, str]]:
    opened = gzip.open if name.endswith(".gz") else open
    with opened(DATA / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def data_sets() -> dict[str, list[str]]:
    """The texts by name of data set, read from ../shared/data; short instructions, word problems, messages, programs."""
    return {
        "alpaca": [row["instruction"] for row in _rows("instructions/alpaca_sample/alpaca_sample.jsonl.gz")],
        "dolly": [row["instruction"] for row in _rows("instructions/dolly_filtered/dolly_filtered.jsonl.gz")],
        "gsm8k": [row["question"] for row in _rows("reasoning_code/gsm8k/train.jsonl.gz")],
        "banking77": [row["text"] for row in _rows("text_classification/banking77/train.jsonl")],
        "code": [row["output"] for row in _rows("instructions/code_alpaca_2k/code_alpaca_2k.jsonl")],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=3, help="edits shown of every kind and data set")
    options = parser.parse_args()
    for name, texts in data_sets().items():
        for made in edits(texts, per_kind=options.each, seed=options.seed):
            print(f"{name:9} {'keeps  ' if made.keeps else 'changes'} {made.kind:12} {made.before[:110]!r}\n{'':31}{made.after[:110]!r}")


if __name__ == "__main__":
    main()
