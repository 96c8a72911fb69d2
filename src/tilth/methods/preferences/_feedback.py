"""Parts of UltraFeedback: principles that steer the answers, their mix by source, and how the judge's replies are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from tilth.errors import Failure
from tilth.generate.judging import blocks
from tilth.models.base import Reply
from tilth.prompts import parsers
from tilth.prompts.prompt import Parser
from tilth.prompts.ratings import rating

Aspect = Literal["instruction_following", "honesty", "truthfulness", "helpfulness"]
Principle = Literal["helpfulness", "truthfulness", "honesty", "verbalized_calibration"]

TYPED = ("truthfulness", "helpfulness")
"""Aspects in which the judge also names the kinds of error or of help."""
TEXT, OVERALL, OTHER = "Text", "Overall Score", "other"

PRINCIPLES: Mapping[str, tuple[str, ...]] = {
    "helpfulness": (
        "Give the user an answer that solves the problem: complete, to the point and easy to act on.",
        "Be as useful as you can. Think of what the user will do with the answer, and give what that takes.",
        "Answer fully and relevantly, and leave out what does not help the person who asks.",
        "Put yourself in the place of the user, and write what you would be glad to receive.",
        "Read closely what is asked, and give a well-organised answer with enough detail to be used at once.",
        "Your aim is to help: clear steps where steps are needed, examples where they make things plain.",
        "Offer the user practical and considerate help; meet every part of the request.",
        "Say what matters first, then what supports it; the user should not need to ask again.",
        "Take the request seriously, whatever it is, and give the most valuable answer you can in good manners.",
        "Help as an expert would help a friend: concretely, patiently, and without showing off.",
        "Fit depth and tone of the answer to the person who asks, so that it serves them well.",
    ),
    "truthfulness": (
        "Be truthful: state only what you have good reason to hold correct.",
        "Keep to facts. Where a question rests on a false assumption, say so instead of playing along.",
        "Do not invent names, numbers or sources; what you do not know, you leave out.",
        "Check every statement against what you know before you write it down.",
        "Correct popular errors and do not repeat them, even where they are expected.",
        "Let accuracy come first: a short correct answer is better than a long one with errors.",
        "Neither exaggerate nor leave out what would change the picture.",
        "Do not contradict yourself, and do not take up what is wrong in the question.",
        "Tell apart what is established and what is opinion or fiction.",
        "Give an answer that an expert in the field would confirm sentence by sentence.",
        "Use only knowledge that you can rely on, and reason from it without gaps.",
    ),
    "honesty": (
        "Be honest about what you know and what you do not know.",
        "Where you are unsure, say that you are, and why.",
        "Do not sound surer than you are; admit it plainly when you cannot answer.",
        "Say openly where your knowledge ends, and give what lies within it.",
        "If more than one answer is possible, say so, and how likely each seems to you.",
        "Show how far the user can rely on each part of the answer.",
        "Do not pretend to have experiences, access or abilities that you lack.",
        "An honest 'I do not know' is better than a guess in the dress of a fact.",
        "Answer with confidence where it is earned, and with doubt where it is due.",
        "Be sincere with the user, also where the honest answer is a disappointing one.",
        "Name the limits of your answer, so that nobody is misled by its tone.",
    ),
    "verbalized_calibration": (
        "Answer, and express how sure you are in words or as a percentage, for the whole or for each statement, so that your "
        "confidence matches how often you would be right.",
    ),
}
"""Principle to system messages, in our own words; as many of each as in the repository."""

DEFINITIONS: Mapping[str, str] = {
    "instruction_following": (
        "Rate how well each text follows the instruction: does it do what is asked, within the limits that are set?\n"
        "1 ignores the instruction. 2 follows only a small part of it, or misses its goal. 3 follows it in part, some demands are "
        "not met. 4 follows it nearly everywhere, with small lapses. 5 meets every demand."
    ),
    "honesty": (
        "Rate how honestly each text shows how sure it is: does its confidence fit how right it is?\n"
        "1 is sure and wrong. 2 is sure and wrong in important parts, or so vague that it says nothing. 3 is right but unsure, or "
        "wrong and openly unsure. 4 is right and mostly as sure as it may be. 5 is right and sure, or says exactly where it is not.\n"
        "Where no statement of fact is asked for, such as in creative writing, the rating is N/A."
    ),
    "truthfulness": (
        "Rate whether each text is free of hallucination: statements that are false, made up, or at odds with the instruction.\n"
        "Types: 1 contradicts facts of the world. 2 contradicts the instruction or adds to what was given there. 3 contradicts itself "
        "or reasons wrongly.\n"
        "1 is false throughout. 2 has severe errors in important places. 3 has several errors, the whole is still of use. "
        "4 has small errors. 5 has none."
    ),
    "helpfulness": (
        "Rate how useful each text is to the person who asked: correct, complete and to the point. Length alone is no merit.\n"
        "Types: 1 is clear and relevant. 2 is comprehensive without being wordy. 3 shows what the person needs although it was not "
        "asked for.\n"
        "1 is wrong or of no use. 2 is of little use: unclear, or with errors. 3 is correct and answers the question. 4 is correct, "
        "clear and complete. 5 could hardly be better for this person."
    ),
}
"""What the judge is told of each aspect."""

MIX: Mapping[str, Mapping[Principle, float]] = {
    "evol_instruct": {"helpfulness": 1.0},
    "false_qa": {"truthfulness": 1.0},
    "truthful_qa": {"truthfulness": 1.0},
    "flan": {"helpfulness": 0.6, "truthfulness": 0.2, "verbalized_calibration": 0.2},
    "sharegpt": {"helpfulness": 0.6, "truthfulness": 0.2, "honesty": 0.18, "verbalized_calibration": 0.02},
    "ultrachat": {"helpfulness": 0.6, "truthfulness": 0.2, "honesty": 0.18, "verbalized_calibration": 0.02},
    OTHER: {"helpfulness": 0.6, "truthfulness": 0.2, "honesty": 0.18, "verbalized_calibration": 0.02},
}
"""Source of a prompt to the shares of its principles; `other` is what the paper uses for real conversations."""


def ratings_parser(aspect: str, n: int) -> Parser:
    """Reads `n` blocks; each becomes {rating, rationale} and, for typed aspects, `type`. Honesty alone may be N/A, which is None."""

    def parse(reply: Reply) -> list[dict[str, Any]]:
        parsers.whole()(reply)
        return [_annotation(aspect, block) for block in blocks(reply.text, n, TEXT)]

    return parse


def _annotation(aspect: str, block: str) -> dict[str, Any]:
    found: dict[str, Any] = {"rating": rating(block, "Rating", 1, 5, none=aspect == "honesty")}
    if aspect in TYPED:
        found["type"] = _types(block)
        found["type_rationale"] = _behind(block, "Rationale")
        found["rationale"] = _behind(block, "Rationale For Rating")
    else:
        found["rationale"] = _behind(block, "Rationale")
    return found


def _types(block: str) -> list[int]:
    line = re.search(r"^[*_\-\s]*Type[*_\s]*:(.*)$", block, re.IGNORECASE | re.MULTILINE)
    said = line[1].strip(" *_[]()'\"`.") if line else ""
    if re.fullmatch(r"none\b.*", said, re.IGNORECASE):
        return []
    if not re.match(r"\d+(?!\d)(?:\s*(?:,|and|;)\s*\d+)*", said):
        raise Failure("no_type", "Each part must have a line 'Type: ' with the numbers of the types, or None.")
    return sorted({int(number) for number in re.findall(r"\d+", re.split(r"[^\d\s,;and]", said)[0])})


def _behind(block: str, name: str) -> str:
    """The text behind the first `name:`, up to the next name of the form."""
    ahead = r"(?=^[*_\-\s]*(?:Type|Rationale|Rationale For Rating|Rating)[*_\s]*:|\Z)"
    found = re.search(rf"^[*_\-\s]*{name}[*_\s]*:(.*?){ahead}", block, re.IGNORECASE | re.MULTILINE | re.DOTALL)
    return found[1].strip(" *_\n") if found else ""


def critique(reply: Reply) -> tuple[str, int]:
    """The feedback, and the overall score behind it, 1 to 10."""
    parsers.whole()(reply)
    score = rating(reply.text, OVERALL, 1, 10)
    assert score is not None
    head = [*re.finditer(rf"^[#>*_\-\s]*{OVERALL}", reply.text, re.IGNORECASE | re.MULTILINE)][-1]
    text = re.sub(r"\A[#*_\s]*Feedback[*_\s]*:?[*_]*", "", reply.text[: head.start()], flags=re.IGNORECASE).strip()
    if not text:
        raise Failure("no_critique", f"Feedback must stand before the line '{OVERALL}: '.")
    return text, score
