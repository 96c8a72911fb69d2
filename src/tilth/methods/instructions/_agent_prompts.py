"""The prompts of AgentInstruct's agents. What is particular to a skill comes out of its table."""

from __future__ import annotations

from collections.abc import Mapping

from tilth.generate.tools import SIMULATE

_ABOUT = "{% if task.about %}{{ task.about }}\n{% endif %}{% if skill.about %}{{ skill.about }}\n{% endif %}\n"
_TEXT = "The {{ skill.text }}:\n{{ text }}\n\n"
_KIND = "{{ type.replace('_', ' ') }}. {{ definition }}"
_FORM = "Write between <task> and </task> nothing but what the user says: with its options, if it has any, and without the answer."

PROMPTS: Mapping[str, str] = {
    "transform": (
        _ABOUT + "Turn the material below into {{ how }}.\n\n"
        "- Keep what it tells; order, form, persons and occasion are yours to invent. State nothing that the material contradicts.\n"
        "- Use words of your own: copy no sentence. Do not mention the material.\n"
        "- The result stands by itself, and is at least {{ least }} words long.\n\n"
        "Material:\n{{ text }}\n\n"
        "Write the result between <text> and </text>."
    ),
    "functions": (
        _ABOUT + "Out of the material below, write {{ how }}.\n\n"
        "- Each function is one action of a running service; the names are lower case with underscores.\n"
        "- Describe each in one or two sentences, and each parameter: its type, what it means, whether it is required. Copy no code.\n\n"
        "Material:\n{{ text }}\n\n"
        'Reply with a JSON list of objects {"name": ..., "description": ..., "parameters": {"type": "object", "properties": {NAME: '
        '{"type": ..., "description": ...}}, "required": [NAMES]}}, and nothing else.'
    ),
    "tasks": (
        _ABOUT + "You write tasks of one kind only. The kind: " + _KIND + "\n\n"
        "Write {{ n }} {{ 'task' if n == 1 else 'tasks' }} of this kind for the {{ skill.text }} below"
        "{% if n > 1 %}, each about something else in it{% endif %}.\n\n"
        "{% if skill.context == 'tools' %}"
        "- A task is what a person writes to the assistant, with concrete names, dates and numbers. People do not know the functions: none "
        "of their names is used.\n"
        "{% elif skill.context == 'none' %}"
        "- Readers do not see the {{ skill.text }}: a task says whatever is needed to do it, and speaks of no text.\n"
        "{% else %}"
        "- Readers see the {{ skill.text }} beside the task: do not repeat it.\n"
        "{% endif %}"
        "- A task is exact: two careful people would agree what a good answer is.\n"
        "- If the {{ skill.text }} does not allow this kind, reply with <none/> alone.\n\n" + _TEXT + _FORM
    ),
    "suggest": (
        _ABOUT + "Below are a {{ skill.text }} and a task about it{% if answer %}, with what the assistant did{% endif %}. For each "
        "numbered goal, suggest one concrete change that reaches it: say in one or two sentences what becomes what. Do not carry it out. "
        "Write 'none' where a goal cannot be reached. In every version it stays a task of its kind:\n" + _KIND + "\n\n"
        "{% for goal in goals %}\n{{ loop.index }}. {{ goal }}\n{% endfor %}\n\n" + _TEXT + "The task:\n{{ given }}\n\n"
        "{% if answer %}The assistant:\n{{ answer }}\n\n{% endif %}"
        "Reply with a numbered list of {{ goals | length }}, in the order of the goals."
    ),
    "edit": (
        _ABOUT + "Below are a {{ skill.text }} and a task about it. Carry out this change, as an editor who changes what it needs and "
        "keeps the rest:\n{{ suggestion }}\n\n"
        "What the change is for: {{ goal }}\nIt stays a task of this kind: " + _KIND + "\n\n" + _TEXT + "The task:\n{{ given }}\n\n"
        "{% if whole %}"
        "Write the whole {{ skill.text }} between <text> and </text>, then the task between <task> and </task>, without its answer. "
        "Readers know no earlier version: no word of either may hint at the change."
        "{% else %}"
        "Write the whole task between <task> and </task>, without its answer. Readers know no earlier version: no word may hint at the "
        "change."
        "{% endif %}"
    ),
    "respond": (
        "Do what the user asks, completely and correctly. Where something is to be found out, give the reasons in a few sentences and then "
        "the answer, clearly set off. If a text is to be changed, write the changed text and nothing around it."
        "{% if skill.context != 'none' %} If what is given does not hold the answer, say so and say what is missing; invent nothing."
        "{% endif %}"
    ),
    "converse": (
        "You are an assistant that can call these functions, one JSON object a line:\n{{ text }}\n\n"
        'To call some, write each as <call>{"name": ..., "arguments": {...}}</call>, after at most two sentences on why, and stop: the '
        "results come in the next message. Use values that the user or a result gave, never invented ones.\n"
        "When all is done, or cannot be done, answer the user in plain words without a call. If a required value is missing, ask for it. "
        "If no function serves a wish, say that you cannot do it. Never pretend that something was done."
    ),
    "simulate": SIMULATE,
}
