"""Magpie: the request is the template byte for byte, answers are greedy, filters are pure functions of what is stored."""

import json
from collections import Counter

import numpy as np
import pytest

from contract.scenario import Scenario
from methods.growing import grow
from tilth.errors import RequestError
from tilth.methods.instructions._chat_templates import TEMPLATES, ChatTemplate, known
from tilth.methods.instructions.magpie import Magpie, neighbours, unassisted
from tilth.models.base import Capabilities, Reply

LLAMA, CHATML, SMOL = TEMPLATES["llama-3"], TEMPLATES["chatml"], TEMPLATES["smollm2"]
WORDS = [
    "amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heath", "inlet", "jetty", "knoll", "lagoon", "marsh", "nook", "oasis",
    "prairie",
]  # fmt: skip


def query(seed):
    """A question of its own words; some end openly, some repeat."""
    if seed % 11 == 0:
        return "Tell me about the sea and the land around it"
    words = " ".join(WORDS[(seed >> shift) % 16] for shift in (0, 4, 8, 12, 16))
    return f"How do {words} differ{':' if seed % 7 == 0 else '?'}"


def judged(asked):
    """The judge; it reads the difficulty and quality from the length of the query, and is unreadable now and then."""
    size = len(asked.split("```")[1])
    if '"input_quality"' in asked:
        return "hm" if size % 9 == 0 else json.dumps({"explanation": "Clear.", "input_quality": "poor" if "nook" in asked else "Good"})
    if '"difficulty"' in asked:
        return 'Sure: ```json\n{"intent": "to know", "knowledge": "trees", "difficulty": "medium"}\n```'
    if '"rating"' in asked:
        return json.dumps({"rating": 4 if "base says" in asked else 7})
    return json.dumps({"primary_tag": "Reasoning", "other_tags": ["math", "nonsense", "reasoning"]})


def model(request):
    if request.messages is not None:
        return judged(request.messages[0]["content"])
    if request.prompt.endswith("# Answer:"):
        return "base says little"
    if request.prompt.endswith(SMOL.assistant):
        return "An answer. " * (1 + len(request.prompt) % 7)
    return query(request.seed)


def magpie(reply=model, *, template="chatml", **parameters):
    can = parameters.pop("can", None)
    return grow(Magpie(**{"rows": 6, "oversample": 2, "template": template, **parameters}), reply, can=can)


def raw(grown, header):
    """Raw requests that end in the header."""
    return [one for one in grown.requests if one.prompt is not None and one.prompt.endswith(header)]


SCENARIO = Scenario(Magpie(rows=5, oversample=2, template="smollm2", rewards=True), model)
LOCAL = {"parameters": {"tags": [], "rewards": False, "oversample": 1, "answer_tokens": 24}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("smollm2", f"<|im_start|>system\n{SMOL.said}<|im_end|>\n<|im_start|>user\n"),
        ("chatml", "<|im_start|>user\n"),
        ("llama-3", "<|start_header_id|>user<|end_header_id|>\n\n"),
        ("gemma", "<start_of_turn>user\n"),
        ("phi-3", "<|user|>\n"),
    ],
)
def test_invariant_1_the_request_is_the_template_byte_for_byte(name, text):
    grown = magpie(lambda request: query(request.seed), template=name, tags=[], rows=2, oversample=1)
    assert [one.prompt for one in grown.requests].count(text) == 2
    assert all("bos" not in one.prompt and "<s>" not in one.prompt and "begin_of_text" not in one.prompt for one in grown.requests)


def test_invariant_1_one_beginning_of_text_and_only_where_the_server_puts_none():
    grown = magpie(lambda request: query(request.seed), template="llama-3", tags=[], rows=2, oversample=1, bos="text", turns=2)
    assert all(one.prompt.count("<|begin_of_text|>") == 1 and one.prompt.startswith("<|begin_of_text|>") for one in grown.requests)


def test_the_embedded_models_template_is_the_one_that_its_chat_is_sent_with():
    from tilth.models.local.chat import chat_text

    assert SMOL.text(["Hi"]) == chat_text([{"role": "user", "content": "Hi"}])
    assert SMOL.text([], "Be brief.") + "Hi" + SMOL.end + SMOL.assistant == chat_text(
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    )


def test_invariant_2_an_instruction_is_cut_at_the_first_stop_and_holds_no_special_token():
    def messy(request):
        if request.prompt.endswith(CHATML.assistant):
            return "Fine.<|im_end|>\n<|im_start|>user\nMore?"
        ends = ["<|im_end|>\n<|im_start|>assistant\nOf course", "\nAnd then the answer", "assistant\n\nOf course", "<|endoftext|>x"]
        return f" {query(request.seed).rstrip(':?')} really?{ends[request.seed % 4]}"

    grown = magpie(messy, tags=[], rows=20, oversample=1)
    assert len(grown.rows) > 10 and all(row["instruction"].endswith("really?") and "<|" not in row["instruction"] for row in grown.rows)
    assert {row["output"] for row in grown.rows} == {"Fine."}
    stops = raw(grown, CHATML.user)[0].stop
    assert "\n" in stops and "<|im_end|>" in stops and "\n" not in raw(grown, CHATML.assistant)[0].stop


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Write an ad for an assistant", "Write an ad for an assistant"),
        ("Assistant managers: what do they earn?", "Assistant managers: what do they earn?"),
        ("What is rain?assistant\n\nWater", "What is rain?"),
        ("What is rain\nassistant\nWater", "What is rain"),
    ],
)
def test_the_word_assistant_ends_a_text_only_where_the_role_is_meant(text, kept):
    assert unassisted(text) == kept


def test_several_lines_are_kept_where_that_is_asked_for():
    grown = magpie(lambda request: f"{query(request.seed)}\nIn two lines.", tags=[], stop_at_newline=False, rows=2, oversample=1)
    assert all("\nIn two lines." in row["instruction"] for row in grown.rows)


def test_what_was_not_written_or_cut_short_is_turned_away_by_name():
    def poor(request):
        if request.prompt.endswith(CHATML.assistant):
            return Reply("Half an", finish="length") if len(request.prompt) % 2 else "  <|im_end|>"
        return [Reply("Half of a", finish="length"), "<|im_end|>", query(request.seed)][request.seed % 3]

    grown = magpie(poor, tags=[], rows=20, oversample=1)
    assert {row["reason"] for row in grown.rejected} == {"truncated", "empty", "no_answer"}
    assert len(grown.rejected) == 20 and not grown.rows


def test_invariant_3_the_users_turn_is_closed_and_there_is_one_assistant_header():
    answers = raw(magpie(), CHATML.assistant)
    assert len(answers) == 12
    for one in answers:
        assert one.prompt.count(CHATML.assistant) == 1 and one.prompt.endswith(CHATML.end + CHATML.assistant)
        assert one.prompt.startswith(CHATML.user)


def test_invariant_4_answers_are_greedy_whatever_the_instructions_are_sampled_with():
    grown = magpie(grid=[(1.0, 1.0), (1.25, 0.99)])
    assert Counter((one.temperature, one.top_p) for one in raw(grown, CHATML.user)) == {(1.0, 1.0): 6, (1.25, 0.99): 6}
    assert {(one.temperature, one.top_p) for one in raw(grown, CHATML.assistant)} == {(0.0, 1.0)}


def test_invariant_5_each_but_the_first_of_a_chain_is_dropped_and_none_is_its_own_neighbour():
    step = np.arccos(1 - 0.04 / 2)  # squared distance 0.04 from one to the next, 0.158 to the one after
    angles = np.array([0.0, 1.5, step, 2 * step, 3 * step])
    found = neighbours(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32), 0.05)
    assert [earlier for _, earlier in found] == [None, None, 0, 2, 3]
    assert [distance for distance, _ in found] == pytest.approx([0.04, found[1][0], 0.04, 0.04, 0.04], abs=1e-5) and found[1][0] > 0.5


def test_the_limit_is_a_squared_distance_not_a_cosine():
    at = np.arccos(1 - 0.06 / 2)  # cosine 0.97, squared distance 0.06
    vectors = np.array([[1.0, 0.0], [np.cos(at), np.sin(at)]], dtype=np.float32)
    assert [earlier for _, earlier in neighbours(vectors, 0.05)] == [None, None]
    assert [earlier for _, earlier in neighbours(vectors, 0.07)] == [None, 0]
    assert list(neighbours(vectors[:1], 0.05)) == [(None, None)]


def test_near_duplicates_name_the_first_of_them():
    grown = magpie(rows=30, oversample=1)
    dropped = [row for row in grown.rejected if row["reason"] == "near_duplicate"]
    assert dropped and all(row["neighbour"] for row in dropped)
    assert sum(row["instruction"].startswith("Tell me about the sea") for row in grown.rows) == 1


def test_invariant_6_what_is_measured_is_stored_and_the_filter_can_be_applied_again():
    method = Magpie(rows=30, oversample=1, template="chatml", rewards=True, least_difficulty="medium", above_difference=0)
    grown = grow(method, model)
    assert grown.rows and all(row["reward_difference"] == 3 and row["min_neighbor_distance"] is not None for row in grown.rows)
    reasons = {"low_quality", "no_quality"}
    filtered = [row for row in grown.rejected if row["reason"] in reasons]
    assert {row["reason"] for row in filtered} == reasons
    assert [method.unfit(row) for row in filtered] == [row["reason"] for row in filtered]
    assert not any(method.unfit(row) for row in grown.rows) and method.unfit({**grown.rows[0], "instruction": "Sum these:"}) == "open_end"
    stricter = Magpie(above_difference=3.5, least_difficulty="hard")
    assert {stricter.unfit(row) for row in grown.rows} == {"low_difficulty"}
    assert {Magpie(above_difference=3, tags=[]).unfit(row) for row in grown.rows} == {"no_gain_over_base"}
    assert {Magpie(above_difference=-1, tags=[]).unfit({**row, "reward_difference": 0.0}) for row in grown.rows} == {None}


def test_tags_are_those_of_the_scales_and_an_unreadable_one_leaves_its_row():
    grown = magpie(rows=30, oversample=1, least_quality="very poor")
    assert {(row["task_category"], *row["other_task_category"]) for row in grown.rows} == {("reasoning", "math")}
    assert {row["input_quality"] for row in grown.rows} == {None, "good", "poor"}
    assert {row["difficulty"] for row in grown.rows} == {"medium"}


def test_the_longest_answers_are_kept_and_that_is_decided_last():
    grown = magpie(rows=4, oversample=5)
    shorter = [row for row in grown.rejected if row["reason"] == "shorter"]
    assert len(grown.rows) == 4 and shorter
    assert min(len(row["output"]) for row in grown.rows) >= max(len(row["output"]) for row in shorter)
    assert all(Magpie().unfit(row) is None for row in shorter)


def test_invariant_8_turns_alternate_and_end_on_the_assistant():
    grown = magpie(turns=3, rows=3, oversample=2, tags=[])
    for row in grown.rows:
        assert [one["role"] for one in row["messages"]] == ["user", "assistant"] * 3
        assert (row["instruction"], row["output"]) == (row["messages"][0]["content"], row["messages"][1]["content"])
    last = max((one.prompt for one in raw(grown, CHATML.assistant)), key=len)
    assert last.count(CHATML.assistant) == 3 and last.count(CHATML.user) == 3 and last.count(CHATML.system) == 1


def test_a_shortage_is_told():
    assert "rows short of 30" in magpie(rows=30, oversample=1).outcome.warnings[0]


def test_a_model_that_only_chats_or_is_unknown_is_refused_before_anything_is_asked():
    with pytest.raises(RequestError, match="completion"):
        magpie(can=Capabilities())
    with pytest.raises(RequestError, match=r"does not know the chat template of scripted\. Say it with -p template=NAME \(smollm2, "):
        magpie(template="auto")
    with pytest.raises(RequestError, match="no system message"):
        magpie(template="gemma", system="Talk about trees.")
    asked = []
    with pytest.raises(RequestError, match="set turns to 1"):
        magpie(lambda request: asked.append(request) or "a", template="gemma", turns=2)
    assert not asked
    assert known("vllm/Qwen/Qwen2-7B-Instruct") is CHATML and known("local/smollm2-135m") is SMOL


def test_a_template_of_ones_own():
    own = ChatTemplate(user="USER: ", assistant="ASSISTANT: ", end="\n", stops=["USER:"])
    grown = magpie(lambda request: query(request.seed), own_template=own, tags=[], rows=1, oversample=1)
    assert grown.requests[0].prompt == "USER: " and grown.requests[1].prompt.endswith("?\nASSISTANT: ")
