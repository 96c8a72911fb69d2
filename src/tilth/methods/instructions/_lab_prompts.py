"""The prompts of LAB: writers, and judges that end with a grade."""

from __future__ import annotations

from collections.abc import Mapping

_EXAMPLE = "{% if seed.context %}Context:\n{{ seed.context }}\n\n{% endif %}Question: {{ seed.question }}\nAnswer: {{ seed.answer }}\n"
_WHAT = "{% if task.about %}{{ task.about }}\n{% endif %}Topic: {{ leaf }}\n{% if what %}Task: {{ what }}\n{% endif %}\n\n"
_VERDICT = "Give your reasons in one or two sentences, then, on a last line, 'Score: ' and {{ grades }}."

PROMPTS: Mapping[str, str] = {
    "questions": (
        _WHAT + "Write {{ n }} questions or requests like the one below, for this topic{% if what %} and task{% endif %}.\n\n"
        "- They differ from the example and from each other in subject, situation and wording; their style and difficulty are alike.\n"
        "- Each can be answered in text alone, and by itself: it holds whatever is needed.\n"
        "- Write no answers.\n\nExample:\n" + _EXAMPLE + "\n"
        "Write each between <question> and </question>."
    ),
    "context": (
        _WHAT + "Below is a context, with a question about it. Write another context of the same kind, form and length, about something "
        "else, to which questions of that kind could be put. Invent all of its facts; write no question.\n\n" + _EXAMPLE + "\n"
        "Write the new context between <context> and </context>."
    ),
    "context_questions": (
        _WHAT + "Write {{ n }} questions or requests about the new context below, of the kind of the example.\n\n"
        "- Each can be answered from the new context alone, and asks for something that the others do not.\n"
        "- Write no answers.\n\nExample:\n" + _EXAMPLE + "\nNew context:\n{{ context }}\n\n"
        "Write each between <question> and </question>."
    ),
    "answer": (
        _WHAT + "Example:\n" + _EXAMPLE + "\nNow answer this one in the same style, correctly and completely"
        "{% if context %}, from its context alone{% endif %}. Write the answer and nothing else.\n\n"
        "{% if context %}Context:\n{{ context }}\n\n{% endif %}Question: {{ question }}\nAnswer:"
    ),
    "pairs": (
        _WHAT + "Write up to {{ n }} questions with their answers from the document below, so that somebody who learns them knows what it "
        "says.\n\n"
        "- An answer says only what the document says, in whole sentences.\n"
        "- A question names what it is about; it speaks of no document, text, passage or author.\n"
        "- They cover the whole document, and no two ask the same.\n\n"
        "{% for one in examples %}\n{% if one.context %}From: {{ one.context }}\n{% endif %}"
        "<question>{{ one.question }}</question>\n<answer>{{ one.answer }}</answer>\n\n{% endfor %}\n"
        "Document:\n{{ document }}\n\n"
        "Write each question between <question> and </question>, followed by its answer between <answer> and </answer>."
    ),
    "mend": (
        "Copy the document below and mend its spelling and punctuation. Change no word that is right, no name and no number; keep its "
        "paragraphs.\n\n{{ document }}\n\nWrite the mended document between <document> and </document>."
    ),
    "judge_question": (
        _WHAT
        + "Judge a question that was written for this{% if context %} and the context below{% endif %}. It is good (1) if it fits the "
        "topic, is clear, can be answered in text alone{% if context %} from the context{% else %} without anything that is not given"
        "{% endif %}, and is harmless. Else it is not (0). Judge impartially.\n\n"
        "{% if context %}Context:\n{{ context }}\n\n{% endif %}Question: {{ question }}\n\n" + _VERDICT
    ),
    "judge_pair": (
        _WHAT + "Judge an answer{% if context %} to a question about the context below{% endif %}.\n\n"
        "1: wrong, unsafe, beside the point, or parts are missing{% if context %}, or it says what the context does not{% endif %}.\n"
        "2: right and complete, if short or plain.\n3: right, complete, clear, and all that one could wish.\n\n"
        "{% if context %}Context:\n{{ context }}\n\n{% endif %}Question: {{ question }}\n\nAnswer: {{ answer }}\n\n" + _VERDICT
    ),
    "judge_faithful": (
        "Does everything that this answer says stand in the document, or follow from it (1), or does it add or change anything (0)?\n\n"
        "Document:\n{{ context }}\n\nQuestion: {{ question }}\n\nAnswer: {{ answer }}\n\n" + _VERDICT
    ),
    "judge_relevant": (
        "Judge how an answer fits its question: one point if it speaks of what is asked, one more if it answers all of it.\n\n"
        "Question: {{ question }}\n\nAnswer: {{ answer }}\n\n" + _VERDICT
    ),
    "judge_standalone": (
        "Can somebody who has no document before them understand what this question asks? Good (1): it names what it is about. Not "
        "good (0): it points to a text, table or passage, or to something that is not named.\n\nQuestion: {{ question }}\n\n" + _VERDICT
    ),
}
