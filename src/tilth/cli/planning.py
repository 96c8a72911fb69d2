"""What labelling would ask, before anything is sent: how many calls, about what they cost, and the first prompt."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.cli import again, launching, trial
from tilth.cli.clean import clean
from tilth.cli.numbers import money, plural
from tilth.cli.options import Answer, Session

if TYPE_CHECKING:
    from tilth.models.base import Price, Request
    from tilth.models.roles import RoleModel

CHARACTERS = 4
"""Characters of a text that are reckoned as one token, where nothing was counted."""
FEWEST = 4
"""Tokens of the shortest reply: a label."""


@dataclass
class First:
    """Keeps the first prompt that is asked, and answers with nothing of use."""

    prompt: list[tuple[str, str]] = field(default_factory=list)

    def ask(self, request: Request) -> str:
        """A chat or a completion."""
        if not self.prompt:
            messages = request.messages or ({"role": "prompt", "content": request.prompt},)
            self.prompt = [(str(one.get("role")), str(one.get("content"))) for one in messages]
        return "?"

    def score(self, prompt: str, continuation: str) -> float:
        """Given texts that are scored."""
        if not self.prompt:
            self.prompt = [("scored", prompt)]
        return -float(len(continuation))


def plan(session: Session, asked: launching.Asked) -> Answer:
    """Say what the run would ask; no model is called and no run is begun. Raises RequestError for what is wrong with it."""
    ready = launching.prepared(session, asked)
    rows = trial.wanted(ready) or 0
    model = ready.settings.roles["generator"][0]
    prompt = _first_prompt(session, asked, model)
    votes = int(getattr(ready.method, "votes", 1) or 1)
    calls = rows * votes
    low, high = _cost(ready, prompt, calls, model.price)
    about = money(low) if money(low) == money(high) else f"about {money(low)} to {money(high)}"
    spent = "cost unknown" if low is None else about if high else "free"
    printer = session.printer
    printer.result(" · ".join([plural(rows, "record"), f"label by {model.name}", plural(calls, "call"), spent]))
    printer.result("the first prompt (record 1):")
    for role, text in prompt:
        lines = clean(text).splitlines() or [""]
        for line in [f"({role})", *lines] if len(prompt) > 1 else lines:
            printer.result("  │ ", line)
    printer.say("nothing was sent. Go: the same command without --plan")
    printer.advise(again.command([word for word in asked.argv if word != "--plan"]))
    facts = {"records": rows, "model": model.name, "calls": calls, "usd": None if low is None else [low, high]}
    return Answer({"plan": {**facts, "prompt": [{"role": role, "content": text} for role, text in prompt]}})


def _first_prompt(session: Session, asked: launching.Asked, model: RoleModel) -> list[tuple[str, str]]:
    """What record 1 is asked, by running one row against a model that only listens, in a folder that goes away."""
    from tilth.engine.execute import start
    from tilth.models.scripted import ScriptedModel

    first = First()
    listener = ScriptedModel(first.ask, name=model.name, can=model.can, score=first.score)
    models = {**asked.options.get("models", {}), "generator": [listener]}
    with tempfile.TemporaryDirectory(prefix="tilth-plan-") as folder:
        ready = launching.prepared(session, asked, rows=1, models=models, runs=Path(folder), budget=None)
        start(ready.execute)
    return first.prompt


def _cost(ready: Any, prompt: Sequence[tuple[str, str]], calls: int, price: Price | None) -> tuple[float | None, float | None]:
    """Least and most dollars: a reply of a label, and one as long as it may be; texts as long as they are on average."""
    if price is None or not calls:
        return None, None
    texts = [str(record.get("text") or "") for record in ready.settings.data["unlabelled"]]
    mean = sum(map(len, texts)) / max(1, len(texts))
    came = (sum(len(text) for _, text in prompt) - len(texts[0]) + mean) / CHARACTERS
    most = int(getattr(ready.method, "max_tokens", 0) or 16)
    each = [(came * price.input + went * price.output) / 1e6 for went in (FEWEST, max(FEWEST, most))]
    return calls * each[0], calls * each[1]
