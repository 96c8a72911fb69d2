"""Judge rounds: the order of the texts is shuffled or given, and taken back; parts of a reply."""

import random
from typing import ClassVar

import pytest

from methods.growing import grow
from tilth.engine.method import Method
from tilth.errors import Failure
from tilth.generate.judging import blocks, side_by_side
from tilth.models.base import Reply
from tilth.prompts.prompt import Prompt
from tilth.records.record import Record

TEXTS = ["a", "bbb", "cc", "dddddd", "eeeee"]


def lengths(reply):
    return [int(one) for one in reply.text.split()]


class Rounds(Method):
    """Judges the same texts several times."""

    columns: ClassVar = {"text": str}

    async def generate(self, run):
        async def one(number):
            order = None if number < 12 else [4, 2, 0, 1, 3]
            shown = await side_by_side(run, TEXTS, lambda texts: Prompt.chat(" ".join(texts), parse=lengths), order=order, temperature=0.0)
            return Record(text=" ".join(map(str, shown)))

        async for record in run.map(one, range(13), label="one"):
            yield record


def by_length(request):
    return Reply(" ".join(str(len(word)) for word in request.messages[0]["content"].split()))


def test_values_come_back_to_their_texts_whatever_the_order():
    grown = grow(Rounds(), by_length)
    assert {row["text"] for row in grown.rows} == {"1 3 2 6 5"}
    asked = [request.messages[0]["content"].split() for request in grown.requests]
    assert len({tuple(one) for one in asked}) > 8, "by chance, another order for each item"
    assert ["eeeee", "cc", "a", "bbb", "dddddd"] in asked, "the order that was given"


def test_a_judge_that_leaves_texts_out_is_a_failure():
    grown = grow(Rounds(), lambda request: Reply("1 2 3"))
    assert not grown.rows and {row["reason"] for row in grown.rejected} == {"not_all_judged"}


def test_blocks_are_found_under_their_heads_in_many_dresses():
    heads = ["#### Text 1", "**Text 2:**", "text 3.", "### Text 4"]
    reply = "Here we go.\n" + "\n".join(f"{head}\nText {random.Random(n).randint(1, 4)} is fine: {n}" for n, head in enumerate(heads))
    assert [one[-1] for one in blocks(reply, 4, "Text")] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    "reply",
    [
        "#### Text 1\nx",
        "#### Text 2\nx\n#### Text 1\ny",
        "#### Text 1\nx\n#### Text 2\ny\n#### Text 3\nz",
        "#### Text 1\nx\n#### Text 1\ny",
    ],
)
def test_other_than_the_right_blocks_are_refused(reply):
    with pytest.raises(Failure) as caught:
        blocks(reply, 2, "Text")
    assert caught.value.reason == "not_all_judged"
