"""Judge rounds: a judge sees several texts side by side in an order of chance, or two in both orders; no place may gain by it.

Position bias: Zheng et al. 2023, arXiv 2306.05685. What the judge says of each place is brought back to the text that stood there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tilth.errors import Failure

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.prompts.prompt import Prompt


async def side_by_side(
    run: Run,
    texts: Sequence[Any],
    prompt: Callable[[list[Any]], Prompt],
    *,
    order: Sequence[int] | None = None,
    role: str = "judge",
    **params: Any,
) -> list[Any]:
    """One call of the judge over all `texts`; its value for each, in the order of `texts`.

    Parameters
    ----------
    texts: what is judged, at least one.
    prompt: makes the prompt of the texts as they are shown; its parser gives one value for each shown text, in that order.
    order: which text stands in each place, a permutation; None: by chance, a new one for every call at this place.
    params: as for `run.ask`, such as temperature and reasks.

    Raises
    ------
    Failure: the reply could not be read, or has not one value for each text (``not_all_judged``).
    """
    places = list(order) if order is not None else list(range(len(texts)))
    if order is None:
        run.rng("order").shuffle(places)
    if sorted(places) != list(range(len(texts))):
        raise ValueError(f"order: {places} is no permutation of {len(texts)} texts")
    values = (await run.ask(prompt([texts[at] for at in places]), role=role, **params)).value
    if len(values) != len(texts):
        raise Failure("not_all_judged", f"The judge gave {len(values)} values for {len(texts)} texts.")
    by_text = dict(zip(places, values, strict=True))
    return [by_text[at] for at in range(len(texts))]


def blocks(text: str, n: int, name: str) -> list[str]:
    """The `n` parts of a reply, each under a line of its own such as ``### Text 1`` or ``**Text 1:**``.

    >>> blocks("Sure!\\n#### Text 1\\nGood.\\n#### Text 2\\nText 1 is better.", 2, "Text")
    ['Good.', 'Text 1 is better.']

    Raises
    ------
    Failure: there are not exactly so many, or they are not numbered 1 to n in order (``not_all_judged``).
    """
    heads = list(re.finditer(rf"^[#*_>\s]*{re.escape(name)}\s+(\d+)[*_:.\s]*$", text, re.IGNORECASE | re.MULTILINE))
    if [head[1] for head in heads] != [str(number) for number in range(1, n + 1)]:
        raise Failure("not_all_judged", f"The reply must have {n} parts, each under a line '#### {name} 1' to '#### {name} {n}', in order.")
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return [text[head.end() : end].strip() for head, end in zip(heads, ends, strict=True)]
