"""Is a reply a refusal? Named markers in a dozen languages.

A refusal has a shape: it opens with an apology plus an inability, a bare inability to do what was asked, or the
statement that a machine is speaking; or it appeals to a policy. An apology alone is none ("I'm sorry, this movie is
bad"), nor is an inability that belongs to the text ("I cannot recommend it"). The markers follow the phrases that
AttrPrompt (arXiv 2306.15895) drops (apology, "AI language model", cannot), tightened to that shape.
Precision comes first: a marker that fires on data would bias the data.
"""

from __future__ import annotations

import re

_OPENING = 300
"""Characters from the start that are searched: a refusal says so at once."""

_UNABLE = r"(?:unable|not\s+able)\s+to"
_ABLE = r"(?:\s+be\s+able\s+to)?"
_I_CANNOT = rf"(?:i\s+(?:can(?:no|')?t|can\s+not|am\s+{_UNABLE}|won't{_ABLE}|will\s+not{_ABLE})|i'm\s+{_UNABLE})"
_SORRY = r"(?:(?:i'm|i\s+am|we're|we\s+are)\s+(?:so\s+|very\s+|really\s+)?)?(?:sorry|apologi[sz]e|apologies|afraid|unfortunately)"
_WRITE = (
    r"(?:provide|create|generate|write|produce|compose|draft|give|answer|fulfil+|continue|complete|discuss"
    r"|engage\s+in|participate\s+in|support)"
)
_THING = r"(?:content|response|material|information|instructions?|prompt|review|text|article|story|message)"
_FEW = r"(?:[\w'-]+\s+){0,4}?"
_POLICY = r"(?:programming|(?:(?:ethical|content|usage|use\s+case|safety)\s+)+(?:guidelines?|polic(?:y|ies)))"

_SOURCES: dict[str, tuple[str, ...]] = {
    "as_a_model": (
        r"\bas\s+an?\s+(?:large\s+|ai\s+|artificial\s+intelligence\s+)*language\s+model\b",
        r"\bas\s+an?\s+(?:ai|artificial\s+intelligence)(?:\s+(?:assistant|model))?,?\s+i\b",
        r"\bas\s+an?\s+(?:virtual|digital)\s+assistant,?\s+i\b",
    ),
    "i_am_a_model": (r"^i(?:'m|\s+am)\s+(?:just\s+|only\s+)?an?\s+(?:ai|artificial\s+intelligence|(?:large\s+)?language\s+model)\b",),
    "cannot_assist": (
        rf"^(?:[^.!?\n]{{0,60}}\b)?{_I_CANNOT}\s+(?:\w+\s+)?(?:assist|comply|fulfil+\s+(?:this|that|your)|do\s+that\s*[.,!])",
        rf"^(?:[^.!?\n]{{0,60}}\b)?{_I_CANNOT}\s+help\s+(?:(?:you\s+)?with\s+(?:that|this|your|such)|you\s*[.,!])",
    ),
    "cannot_write": (
        rf"^{_SORRY}[^.!?\n]{{0,40}}?{_I_CANNOT}\s+{_WRITE}\s+{_FEW}{_THING}\b",
        rf"^{_I_CANNOT}\s+{_WRITE}\s+{_FEW}(?:{_THING}\s+(?:that|which|containing|promoting|based\s+on)|such\s+{_THING})\b",
        rf"^(?:{_SORRY}[^.!?\n]{{0,40}}?)?{_I_CANNOT}\s+{_WRITE}\s+(?:that|this|(?:your|this|that)\s+request)\s*(?:[.,!]|$)",
    ),
    "decline": (r"^(?:[^.!?\n]{0,40}\b)?i\s+(?:must|have\s+to|need\s+to)\s+(?:respectfully\s+|politely\s+)?(?:decline|refuse)\b",),
    "not_comfortable": (
        r"^(?:[^.!?\n]{0,40}\b)?i(?:'m|\s+am)\s+not\s+comfortable\s+(?:writing|creating|generating|producing|providing|answering)\b",
        r"^(?:[^.!?\n]{0,40}\b)?i(?:'m|\s+am)\s+not\s+comfortable\s+with\s+(?:that|this|your)\s+request\b",
    ),
    "policy": (rf"\b(?:against|violates?)\s+(?:my|our|openai's)\s+{_POLICY}",),
    "de": (
        r"^(?:(?:es\s+)?tut\s+mir\s+leid|entschuldigung|leider)[^.!?\n]{0,20}?\bkann\s+ich\b[^.!?\n]{0,40}\b(?:nicht|keine[nrm]?)\b",
        r"^(?:es\s+)?tut\s+mir\s+leid[^.!?\n]{0,10}\bich\s+kann\b[^.!?\n]{0,40}\b(?:nicht|keine[nrm]?)\b",
        r"\bals\s+(?:ki|ki-assistent|ki-sprachmodell|sprachmodell)\b[^.!?\n]{0,10}\b(?:kann|bin|habe)\b",
    ),
    "fr": (
        r"^(?:je\s+suis\s+)?d[ée]sol[ée]e?[^.!?\n]{0,20}\bje\s+ne\s+(?:peux|suis\s+pas\s+en\s+mesure)\b",
        r"\ben\s+tant\s+qu(?:'|e\s+)(?:ia|intelligence\s+artificielle|mod[eè]le\s+de\s+langage)\b",
    ),
    "es": (
        r"^lo\s+(?:siento|lamento)[^.!?\n]{0,20}\bno\s+puedo\b",
        r"\bcomo\s+(?:modelo\s+de\s+lenguaje|(?:una\s+)?ia|inteligencia\s+artificial),?\s+no\b",
    ),
    "it": (
        r"^mi\s+(?:dispiace|scuso)[^.!?\n]{0,20}\bnon\s+(?:posso|sono\s+in\s+grado)\b",
        r"\bin\s+quanto\s+(?:ia|modello\s+linguistico)\b",
    ),
    "pt": (
        r"^(?:sinto\s+muito|desculpe|lamento)[^.!?\n]{0,20}\bn[ãa]o\s+(?:posso|consigo)\b",
        r"\bcomo\s+(?:um\s+)?modelo\s+de\s+linguagem\b",
    ),
    "nl": (
        r"^(?:het\s+spijt\s+me|sorry)[^.!?\n]{0,12}\bik\s+kan\b[^.!?\n]{0,40}\b(?:niet|geen)\b",
        r"\bals\s+(?:ai-)?taalmodel\b",
    ),
    "ru": (r"^(?:извините|простите|к\s+сожалению)[^.!?\n]{0,12}\bя\s+не\s+могу\b", r"\bкак\s+(?:языковая\s+модель|ии)\b"),
    "zh": (r"^(?:很|非常)?(?:抱歉|对不起)[^。!?\n]{0,12}(?:无法|不能)", r"作为一个?(?:ai|人工智能|大?语言模型)"),
    "ja": (r"^(?:大変)?申し訳(?:ありません|ございません)[^\n]{0,40}(?:できません|いたしかねます)", r"ai言語モデルとして"),
    "ko": (r"^죄송(?:합니다|하지만)[^\n]{0,40}수\s*없습니다", r"ai\s*언어\s*모델로서"),
}

MARKERS: dict[str, re.Pattern[str]] = {name: re.compile("|".join(sources), re.IGNORECASE) for name, sources in _SOURCES.items()}
"""Name to pattern; all look at the beginning of the reply only."""


def refusal(text: str) -> str | None:
    """Name of the marker that shows `text` to be a refusal, else None.

    >>> refusal("I'm sorry, but I cannot assist with that request.")
    'cannot_assist'
    >>> refusal("I'm sorry, this movie is bad.") is None
    True
    """
    opening = text.lstrip(" \t\r\n\"'*“”‘’").replace("’", "'")[:_OPENING]
    return next((name for name, marker in MARKERS.items() if marker.search(opening)), None)
