"""People are a slow model: what they have not answered yet waits in a queue file, and the run leaves with status `waiting`.

The queue (`people.jsonl` in the run's folder) has one question a line: ``{"id", "question", "options", "about"}``. Answers are
appended to `answers.jsonl` beside it: ``{"id", "answer", "by"}``. The next start journals them and goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from tilth.engine.shelf import Entry
from tilth.errors import Pending, RequestError
from tilth.records.ids import canonical, digest

if TYPE_CHECKING:
    from tilth.engine.place import Frame
    from tilth.engine.session import Session
    from tilth.records.record import Record


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said, and who it was ("" when not told)."""

    value: Any
    by: str = ""


async def ask_person(session: Session, frame: Frame, question: str, options: Sequence[str] | None, about: Record | None) -> Answer:
    """The journaled answer, else one from the answers file, else Pending."""
    asked = {"question": question, "options": list(options) if options else None, "about": dict(about) if about is not None else None}
    body = canonical(asked)
    key = digest("person", frame.place, body, frame.occurrence(digest("person", body)))
    found = session.journal.get(key, 0)
    if found is not None:
        return _answer(orjson.loads(found.reply))
    answered = session.answers().get(key.hex())
    if answered is not None:
        if options and answered.get("answer") not in options:
            where, said = session.settings.folder.path / "answers.jsonl", answered.get("answer")
            what = f"{where}: answer {said!r} to question {key.hex()[:12]} is none of: {', '.join(options)}. Correct the line."
            raise RequestError(what, code="people.bad_answer")
        reply = orjson.dumps({"answer": answered.get("answer"), "by": answered.get("by", "")})
        await session.journal.put(Entry(key, 0, "person", frame.path, "people", "people", body, reply, paid=False))
        return _answer(orjson.loads(reply))
    session.questions[key.hex()] = {"id": key.hex(), **asked}
    raise session.leave(Pending("people have questions to answer", code="people.waiting"))


def _answer(stored: dict[str, Any]) -> Answer:
    return Answer(stored["answer"], stored.get("by", ""))
