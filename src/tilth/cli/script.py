"""What answers with ``--scripted``: words made up from the prompt. It proves that a flow works, with no model at all."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilth.models.base import Request
    from tilth.models.scripted import ScriptedModel

_TEXT = (
    "the a this that one film plot actor scene music ending story camera pace dialogue humour hero city river window garden "
    "was is felt looked seemed stayed went came turned fell good dull quick slow warm cold bright odd calm loud sharp plain "
    "very quite rather almost never often again and but because while with without after before"
)
WORDS = tuple(_TEXT.split())


def model(number: int = 0) -> ScriptedModel:
    """A model that is a function of its request; of a pool each has a name of its own."""
    from tilth.models.scripted import ScriptedModel

    return ScriptedModel(reply, name=f"scripted-{number + 1}" if number else "scripted")


def reply(request: Request) -> str:
    """Some twenty words, or a document of the schema that was asked for, as a function of prompt and seed."""
    from tilth.models.faults.replies import filled

    said = request.prompt if request.messages is None else json.dumps([dict(one) for one in request.messages], default=str)
    rng = random.Random(f"{said}|{request.prefill}|{request.seed}|{request.temperature}")
    schema: Any = getattr(request, "schema", None)
    if schema:
        return json.dumps(filled(schema, rng))
    return " ".join(rng.choices(WORDS, k=rng.randint(12, 24))).capitalize() + "."
