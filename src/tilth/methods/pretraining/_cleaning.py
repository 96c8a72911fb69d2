"""What models put around a rephrased text, taken off; and what a reply must hold to be a conversation of questions and answers."""

from __future__ import annotations

import re

from tilth.prompts.parsers import clean

_ABOUT = r"(?:paraphras\w*|re-?phras\w*|re-?writ\w*|re-?word\w*|simplified|version|conversation|questions?\s+and\s+answers?|style)"
_BEFORE = re.compile(
    rf"^(?:(?:sure|certainly|of\s+course)[,!.]?\s*)?(?:here(?:'s|’s|\s+is|\s+are)|below\s+(?:is|are)|this\s+is)\b[^\n:]{{0,100}}\b{_ABOUT}\b[^\n:]{{0,80}}:\s*"
    rf"|^\W{{0,4}}(?:(?:{_ABOUT}|easy|medium|hard|paragraph|passage|text)\s?){{1,3}}\W{{0,3}}:\W{{0,3}}\s*"
    r"|^(?:for\s+the\s+following\s+paragraph|convert\s+the\s+following)[^\n]*\n+",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\s*\n+\s*\(?(?:let\s+me\s+know\s+if|i\s+hope\s+(?:this|that)|feel\s+free\s+to|would\s+you\s+like\s+me|please\s+let\s+me\s+know"
    r"|note\s*:\s*(?:i|this\s+(?:paraphrase|version)))\b[^\n]*$",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^\W*(?:question|answer|q|a)[ \t]?\d{0,3}[^:\w\n]{0,4}:\W*", re.IGNORECASE | re.MULTILINE)
_PAIR = re.compile(
    r"^\W*(?:question|q)[ \t]?\d{0,3}[^:\w\n]{0,4}:\W*\w[^\n]*\n+\W*(?:answer|a)[ \t]?\d{0,3}[^:\w\n]{0,4}:\W*\w",
    re.IGNORECASE | re.MULTILINE,
)


def tidied(text: str) -> str:
    """Without an announcement, a heading that names the style, and closing offers; twice is the same as once.

    >>> tidied("Here is a paraphrase of the text:\\n\\nHere is where the river turns: at the mill.\\n\\nLet me know if you want more!")
    'Here is where the river turns: at the mill.'
    """
    while True:
        bare = _BEHIND.sub("", _BEFORE.sub("", clean(text))).strip()
        if bare == text:
            return text
        text = bare


def pairs(text: str) -> int:
    """How many questions with an answer behind them there are, each on a line of its own.

    >>> pairs("Question: Where does it turn?\\nAnswer: At the mill.")
    1
    """
    return len(_PAIR.findall(text))


def unlabelled(text: str) -> str:
    """Without the labels of questions and answers, which are not content.

    >>> unlabelled("Question: Where?\\nAnswer: There.")
    'Where?\\nThere.'
    """
    return _LABEL.sub("", text)
