"""Depth-first search: what is tried after each end, the bounds, and copies of the state."""

import pytest

from tilth.generate.search import Limits, depth_first


def scripted(ends):
    """An expansion that names its children 0, 1 ... by their way from the root and ends them as the table says; keeps the order."""
    order = []

    async def expand(state, siblings):
        state["way"] += str(len(siblings))
        order.append(state["way"])
        return state, ends.get(state["way"], "open")

    return expand, order


async def tried(ends, **limits):
    expand, order = scripted(ends)
    tree = await depth_first({"way": ""}, expand, Limits(**{"depth": 3, "answers": 9, **limits}))
    return order, tree


async def test_the_first_child_is_searched_to_its_end_before_the_second():
    order, tree = await tried({}, depth=2)
    assert order == ["0", "00", "01", "1", "10", "11"]
    assert tree.calls == 6 and tree.deepest == 2 and not tree.solved


async def test_an_answer_goes_back_two_levels():
    order, tree = await tried({"000": "solved"})
    assert order == ["0", "00", "000", "01", "010", "011", "1", "10", "100", "101", "11", "110", "111"]
    assert [node.state["way"] for node in tree.solved] == ["000"]


async def test_giving_up_goes_back_two_levels_and_a_dead_end_one():
    given_up, _ = await tried({"00": "given_up"}, depth=2)
    dead, _ = await tried({"00": "dead"}, depth=2)
    assert given_up == ["0", "00", "1", "10", "11"]
    assert dead == ["0", "00", "01", "1", "10", "11"]


@pytest.mark.parametrize(("back", "order"), [(1, ["0", "00", "01", "1", "10", "11"]), (3, ["0", "00"])])
async def test_the_way_back_is_a_setting(back, order):
    assert (await tried({"00": "given_up"}, depth=2, back_given_up=back))[0] == order


async def test_the_search_ends_at_the_wanted_number_of_answers():
    ends = {"00": "solved", "10": "solved"}
    assert (await tried(ends, answers=1))[0] == ["0", "00"]
    order, tree = await tried(ends, answers=2)
    assert order == ["0", "00", "1", "10"] and len(tree.solved) == 2


@pytest.mark.parametrize("calls", [0, 1, 4, 5])
async def test_the_budget_is_never_exceeded(calls):
    order, tree = await tried({}, calls=calls)
    assert len(order) == tree.calls == calls


async def test_an_answer_of_the_last_call_counts():
    _, tree = await tried({"00": "solved"}, calls=2)
    assert len(tree.solved) == 1


async def test_what_a_branch_does_to_its_state_is_not_seen_elsewhere():
    async def expand(state, siblings):
        assert state["inside"] == [1] * state["depth"], "a sibling's change"
        state["inside"].append(1)
        return {"inside": state["inside"], "depth": state["depth"] + 1}, "open"

    tree = await depth_first({"inside": [], "depth": 0}, expand, Limits(depth=3))
    assert tree.calls == 14 and tree.root.state == {"inside": [], "depth": 0}


async def test_earlier_siblings_are_shown_in_order():
    seen = []

    async def expand(state, siblings):
        seen.append(list(siblings))
        return f"child {len(siblings)}", "dead"

    await depth_first("root", expand, Limits(width=3))
    assert seen == [[], ["child 0"], ["child 0", "child 1"]]
