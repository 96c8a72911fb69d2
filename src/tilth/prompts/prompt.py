"""A prompt, and the function E that makes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tilth.engine.method import Task
from tilth.models.base import Message, Reply
from tilth.prompts.template import Template

Parser = Callable[[Reply], Any]
"""Turns a reply into a value, or raises :class:`tilth.errors.Failure` with a named reason."""

_LANGUAGES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew",
    "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese",
    "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "nl": "Dutch", "no": "Norwegian", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian",
    "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu",
    "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked. Give `messages` (chat) or `text` (raw text to continue), never both.

    Parameters
    ----------
    messages: OpenAI-style messages.
    text: raw text that a completion model continues.
    prefill: the given beginning of the answer; the reply starts after it.
    stop: strings that end the reply; they are not part of it.
    schema: JSON Schema of the reply, for models that can be held to one.
    parse: see `tilth.prompts.parsers`; None: the value is the reply's text.
    """

    messages: tuple[Message, ...] | None = None
    text: str | None = None
    prefill: str = ""
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    parse: Parser | None = None

    def __post_init__(self) -> None:
        if (self.messages is None) == (self.text is None):
            raise ValueError("a prompt has either messages or a text")

    @classmethod
    def chat(cls, user: str, system: str | None = None, **options: Any) -> Prompt:
        """One user message, with a system message before it if there is one; `options` are the other fields."""
        first = [{"role": "system", "content": system}] if system else []
        return cls(messages=(*first, {"role": "user", "content": user}), **options)

    @classmethod
    def raw(cls, text: str, **options: Any) -> Prompt:
        """Raw text for a completion model; `options` are the other fields."""
        return cls(text=text, **options)


def build(
    template: str,
    *,
    task: Task | None = None,
    conditions: Mapping[str, Any] | None = None,
    demonstrations: Sequence[Any] = (),
    system: str | None = None,
    raw: bool = False,
    **options: Any,
) -> Prompt:
    """E(task, conditions, demonstrations): equation 2 of the survey (arXiv 2406.15126).

    The template sees the conditions by name, `task`, `labels` (name to definition) and `demonstrations`.
    When the task's language is not English, one line says so: after a chat message, before a raw text.

    >>> build("Write a {{ tone }} text.", conditions={"tone": "calm"}).messages
    ({'role': 'user', 'content': 'Write a calm text.'},)

    Parameters
    ----------
    system: a second template, for the system message.
    raw: the result is text to continue, not a chat.
    options: the other fields of `Prompt`.

    Raises
    ------
    RequestError: a template is wrong or asks for a name that is not there.
    """
    task = task or Task()
    values = {"labels": task.labels, "demonstrations": list(demonstrations), **(conditions or {}), "task": task}
    text = Template(template).render(**values)
    line = language_line(task.language)
    if raw:
        return Prompt.raw(f"{line}\n\n{text}" if line else text, **options)
    return Prompt.chat(f"{text}\n\n{line}" if line else text, Template(system).render(**values) if system else None, **options)


def language_line(language: str) -> str:
    """The one sentence by which a task's language reaches a prompt; empty for English.

    >>> language_line("de"), language_line("pt-BR"), language_line("en-GB")
    ('Write in German. Keep given labels and keys as they are.', 'Write in Portuguese (pt-BR). Keep given labels and keys as they are.', '')
    """
    base, _, region = language.partition("-")
    if base.lower() == "en":
        return ""
    name = _LANGUAGES.get(base.lower())
    name = (f"{name} ({language})" if region else name) if name else f"the language {language}"
    return f"Write in {name}. Keep given labels and keys as they are."
