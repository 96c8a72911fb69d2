"""Judge columns: one question, or several criteria, scored on a scale. A reply that holds no score is *not scored* (null), never 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tilth.errors import Failure, RequestError
from tilth.flows.grammar import ColumnSpec

if TYPE_CHECKING:
    from tilth.engine.method import Task
    from tilth.engine.run import Run
    from tilth.prompts.prompt import Prompt

ONE = "Score"
"""What the single score of a plain question is called in the prompt."""


async def judge(name: str, column: ColumnSpec, shown: Mapping[str, Any], values: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Scores by criterion (``{"": score}`` for a plain question); a criterion that could not be read is a `Failure`.

    Parameters
    ----------
    shown: the columns that the judge sees. values: what its question may name.
    """
    criteria = {ONE: column.judge} if isinstance(column.judge, str) else dict(column.judge or {})
    orders = [dict(shown), dict(reversed(list(shown.items())))] if column.swap and len(shown) > 1 else [dict(shown)]
    prompts = [_prompt(name, column, criteria, one, values, run.task) for one in orders]
    found = [await _asked(prompt, column, criteria, run) for prompt in prompts]
    scores = found[0] if len(found) == 1 else {criterion: _mean([one[criterion] for one in found]) for criterion in criteria}
    return {"" if isinstance(column.judge, str) else criterion: scores[criterion] for criterion in criteria}


async def _asked(prompt: Prompt, column: ColumnSpec, criteria: Mapping[str, str], run: Run) -> dict[str, Any]:
    """Scores by criterion, of one order."""
    role = column.role or "judge"
    greedy = column.temperature is None and run.models(role)[0].temperature is None
    try:
        reply = await run.ask(
            prompt,
            role=role,
            temperature=0.0 if greedy else column.temperature,
            max_tokens=column.max_tokens,
        )
        return dict(reply.value)
    except Failure as failure:  # a judge that cannot be read does not cost the row: it is not scored, and says why
        return {criterion: failure for criterion in criteria}


def _mean(scores: Sequence[Any]) -> Any:
    """The mean of both orders; not scored where one of them could not be read.

    >>> _mean([4.0, 3.0])
    3.5
    """
    failed = next((score for score in scores if isinstance(score, Failure)), None)
    return failed if failed is not None else sum(scores) / len(scores)


def written(name: str, column: ColumnSpec, shown: Mapping[str, Any], values: Mapping[str, Any], task: Task) -> Prompt:
    """The judge's prompt, for people to look at."""
    criteria = {ONE: column.judge} if isinstance(column.judge, str) else dict(column.judge or {})
    return _prompt(name, column, criteria, shown, values, task)


def _prompt(
    name: str, column: ColumnSpec, criteria: Mapping[str, str], shown: Mapping[str, Any], values: Mapping[str, Any], task: Task
) -> Prompt:
    from tilth.prompts.prompt import Prompt
    from tilth.prompts.ratings import scores_parser
    from tilth.prompts.template import Template

    low, high = column.scale
    try:
        questions = {criterion: Template(text).render(**values) for criterion, text in criteria.items()}
        system = Template(column.system).render(**values) if column.system else None
    except RequestError as error:  # names were checked before, so it is this row's values
        raise Failure("template", f"column '{name}': {error.what}") from error
    parts = [f"Task: {task.about}"] if task.about else []
    parts += [f"[{key}]\n{value}" for key, value in shown.items()]
    if list(criteria) == [ONE] and isinstance(column.judge, str):
        parts.append(f"Question: {questions[ONE]}\nAnswer with a score from {low} (not at all) to {high} (fully).")
    else:
        listed = "\n".join(f"- {criterion}: {text}" for criterion, text in questions.items())
        parts.append(f"Score each criterion from {low} (not at all) to {high} (fully).\n{listed}")
    form = "\n".join(f"{criterion}: <number>" for criterion in criteria)
    parts.append(f"Reply in exactly this form and with nothing else:\n{form}")
    return Prompt.chat("\n\n".join(parts), system, parse=scores_parser(tuple(criteria), low, high))
