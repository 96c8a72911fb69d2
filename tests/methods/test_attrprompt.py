"""AttrPrompt: the invariants of its card by name, then what is ours."""

import json
import random
import re
from collections import Counter
from itertools import product

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.errors import RequestError
from tilth.methods.classification._attributes import Attributes
from tilth.methods.classification.attrprompt import AttrPrompt
from tilth.models.base import Capabilities, Reply

PLACES = ["North America", "Europe", "Asia", "Africa", "Oceania"]
TONES = ["calm", "angry", "dry"]
TASK = {"about": "Film reviews.", "labels": {"good": "likes it", "bad": "dislikes it"}}
MANY = {"about": "News.", "labels": {name: "" for name in ("sport", "trade", "war", "art", "law", "food", "travel", "health")}}
NUMBER = re.compile(r"\bword(\d+)")


def own_text(request):
    """A text that tells which request it answers."""
    return f"A text about word{request.seed} that ends here."


def conditions(row):
    return json.loads(row["extras"])["meta"]["conditions"]


def by_seed(grown):
    return {request.seed: asked_of(request) for request in grown.requests}


def prompt_of(grown, row):
    return by_seed(grown)[int(NUMBER.search(row["text"]).group(1))]


def texts_prompts(grown):
    return [prompt for prompt in grown.prompts if "Requirements:" in prompt]


def helpful(request):
    """Answers every question that the method asks, and writes texts."""
    asked = asked_of(request)
    if "Requirements:" in asked:
        return own_text(request)
    if "mixed up with" in asked:
        label = re.search(r'mixed up with "(\w+)"', asked).group(1)
        return f"1. {label}\n2. trade\n3. nonsense\n4. Law\n5. art\n6. food\n7. health\n8. travel"
    if "Is this related" in asked:
        return "1" if re.search(r'"\w+ [13]"', asked) else "0"
    if "In which respects" in asked:
        return "- Tone\n- Length\n- Reader"
    name = re.search(r'"(\w+)" for texts|differ in: (\w+)', asked)
    label = re.search(r"Label: (\w+)", asked)
    return "\n".join(f"{i}. {label.group(1) if label else name.group(2)} {i}" for i in range(6))


def chi_square(counts, values):
    expected = sum(counts.values()) / len(values)
    return sum((counts[value] - expected) ** 2 / expected for value in values)


def sometimes_refuses(request):
    """As `helpful`, but one text in five is a refusal."""
    if "Requirements:" in asked_of(request) and request.seed % 5 == 0:
        return "I'm sorry, but as an AI language model I cannot write that."
    return helpful(request)


SCENARIO = Scenario(AttrPrompt(rows=18, attributes={"tone": TONES}, label_attributes={"topic": 4}), sometimes_refuses, task=MANY)
LOCAL = {"parameters": {"label_attributes": {}, "length": [], "attempts": 4}, "task": TASK}


def test_questions_name_labels_with_their_definitions_and_attributes_without_underscores():
    grown = grow(AttrPrompt(rows=4, attributes="ask", label_attributes={"main_topic": 3}), helpful, task=TASK)
    assert not [prompt for prompt in grown.prompts if "main_topic" in prompt]
    for question in ("In which respects", 'values of "main topic"', "Is this related"):
        found = [prompt for prompt in grown.prompts if question in prompt]
        assert found and all("likes it" in prompt or "dislikes it" in prompt for prompt in found)
    assert all("good, bad" in prompt for prompt in grown.prompts if "should differ in" in prompt)


# ---- the card's invariants ---------------------------------------------------------------------------------------


def test_invariant_1_prompts_hold_all_drawn_values_and_indices_decode_to_them():
    method = AttrPrompt(rows=40, attributes={"tone": TONES, "place": PLACES}, label_attributes={"topic": 4})
    grown = grow(method, helpful, task=MANY)
    lists = grown.lists()
    assert len(grown.rows) == 40
    for row in grown.rows:
        drawn = conditions(row)
        assert set(drawn) == {"tone", "place", "length", "topic"}
        for name, choice in drawn.items():
            assert str(choice["value"]) in prompt_of(grown, row)
            values = lists.get((name, None)) or lists[(name, row["label"])]
            assert values[choice["index"]] == choice["value"]


def test_invariant_2_marginals_are_uniform_and_independent_of_the_label():
    attributes, rng = Attributes({"tone": TONES, "place": PLACES}), random.Random(0)
    draws = [attributes.draw("good", rng) for _ in range(1000)]
    assert chi_square(Counter(draw["place"].value for draw in draws), PLACES) < 18.5  # 4 degrees of freedom, p = 0.001
    pairs = Counter((draw["tone"].value, draw["place"].value) for draw in draws)
    assert chi_square(pairs, list(product(TONES, PLACES))) < 36.1  # 14 degrees of freedom

    grown = grow(AttrPrompt(rows=600, attributes={"tone": TONES}, length=[]), own_text, task=TASK)
    pairs = Counter((row["label"], conditions(row)["tone"]["value"]) for row in grown.rows)
    assert chi_square(pairs, list(product(TASK["labels"], TONES))) < 20.5  # 5 degrees of freedom


def test_invariant_3_filtered_values_are_in_no_prompt_and_similar_labels_are_others_of_the_list():
    grown = grow(AttrPrompt(rows=80, attributes={}, label_attributes={"topic": 6}, similar_labels=3), helpful, task=MANY)
    for label in MANY["labels"]:
        assert grown.lists()[("topic", label)] == [f"{label} {i}" for i in (0, 2, 4, 5)]
    assert not [prompt for prompt in texts_prompts(grown) if re.search(r"topic: \w+ [13]\b", prompt)]
    similar = {}
    for prompt in texts_prompts(grown):
        label, others = re.search(r'belongs to "(\w+)", and has nothing to do with: (.+)\.', prompt).groups()
        similar[label] = others.split(", ")
    assert set(similar) == set(MANY["labels"])
    for label, others in similar.items():
        assert label not in others and set(others) <= set(MANY["labels"]) and len(others) == 3


def test_invariant_4_refusals_are_not_counted_and_counts_are_exact():
    def sometimes(request):
        return "I'm sorry, but I can't assist with that." if request.seed % 3 == 0 else own_text(request)

    grown = grow(AttrPrompt(rows=41, attributes={"tone": TONES}, reasks=0), sometimes, task=TASK)
    assert Counter(row["label"] for row in grown.rows) == {"good": 21, "bad": 20}
    assert not [row for row in grown.rows if "sorry" in row["text"]]
    assert {row["reason"] for row in grown.rejected} == {"refused"} and len(grown.rejected) == len(grown.requests) - 41
    assert grown.outcome.warnings == ["length: 0% of 41 texts are as long as asked; none was dropped for its length."]


def test_invariant_4_the_attempt_cap_ends_the_loop_with_a_shortage_report():
    def never_bad(request):
        return "As an AI language model, I cannot." if 'label "bad"' in asked_of(request) else own_text(request)

    grown = grow(AttrPrompt(rows=8, attributes={"tone": TONES}, attempts=10, reasks=0, length=[]), never_bad, task=TASK)
    assert Counter(row["label"] for row in grown.rows) == {"good": 4}
    assert len(grown.requests) == 4 + 10
    assert grown.outcome.warnings == ["label 'bad' is 4 short of 4 rows: 10 attempts gave 0."]


def spread(texts):
    """Average pairwise cosine of word sets, and vocabulary size."""
    bags = [set(text.split()) for text in texts]
    pairs = [(a, b) for i, a in enumerate(bags) for b in bags[:i]]
    return sum(len(a & b) / (len(a) * len(b)) ** 0.5 for a, b in pairs) / len(pairs), len(set().union(*bags))


def test_invariant_5_texts_of_a_model_that_uses_the_attributes_are_more_diverse_than_with_the_plain_prompt():
    def uses_them(request):
        return (
            "This film is what it is. " + " ".join(re.findall(r"^\d\. (?:tone|place): (.+)$", asked_of(request), re.M)) + f" {request.seed}"
        )

    plain = grow(AttrPrompt(rows=60, attributes={}, length=[]), uses_them, task=TASK)
    rich = grow(AttrPrompt(rows=60, attributes={"tone": TONES, "place": PLACES}, length=[]), uses_them, task=TASK)
    (plain_aps, plain_words), (rich_aps, rich_words) = (spread([row["text"] for row in grown.rows]) for grown in (plain, rich))
    assert len(plain.rows) == len(rich.rows) == 60
    assert rich_aps < plain_aps and rich_words > plain_words


def test_invariant_6_the_share_of_fitting_lengths_is_reported_and_nothing_is_dropped_for_it():
    def half_fit(request):
        low = int(re.search(r"from (\d+) to", asked_of(request)).group(1))
        return " ".join(["w"] * (low + 50 if request.seed % 2 else low - 1)) + f" {request.seed}"

    grown = grow(AttrPrompt(rows=40, attributes={}, length=[10, 70], length_span=51), half_fit, task=TASK)
    assert len(grown.rows) == 40 and not grown.rejected
    fits = [next(score["value"] for score in row["scores"] if score["name"] == "length_fits") for row in grown.rows]
    for row, fit in zip(grown.rows, fits, strict=True):
        low = conditions(row)["length"]["value"]
        assert fit == float(low <= len(row["text"].split()) <= low + 51)
    assert grown.outcome.warnings == [f"length: {sum(fits) / 40:.0%} of 40 texts are as long as asked; none was dropped for its length."]


def test_invariant_6_texts_of_any_length_are_kept():
    grown = grow(AttrPrompt(rows=4, attributes={}, length=[500]), own_text, task=TASK)
    assert len(grown.rows) == 4 and not grown.rejected and len(grown.requests) == 4


def test_invariant_7_a_models_default_place_is_overcome_by_the_attribute():
    def biased(request):
        asked = re.search(r"place: (.+)", asked_of(request))
        return f"A film from {asked.group(1) if asked else 'North America'} number {request.seed}."

    def share(grown):
        return Counter(next(place for place in PLACES if place in row["text"]) for row in grown.rows)

    plain = share(grow(AttrPrompt(rows=200, attributes={}, length=[]), biased, task=TASK))
    spread_out = share(grow(AttrPrompt(rows=200, attributes={"place": PLACES}, length=[]), biased, task=TASK))
    assert plain == {"North America": 200}
    assert chi_square(spread_out, PLACES) < 18.5


# ---- what is found once, before any text -------------------------------------------------------------------------


def test_values_are_asked_for_once_and_never_per_text():
    grown = {rows: grow(AttrPrompt(rows=rows, attributes="ask", label_attributes={"topic": 3}), helpful, task=TASK) for rows in (2, 30)}
    setup = {rows: [prompt for prompt in one.prompts if "Requirements:" not in prompt] for rows, one in grown.items()}
    assert sorted(setup[2]) == sorted(setup[30])
    assert len(setup[2]) == 1 + 2 + 2 + 2 * 3  # names, values of each, values per label, one filter call per value


def test_asked_attributes_leave_out_the_length_and_are_used():
    grown = grow(AttrPrompt(rows=4), helpful, task=TASK)
    assert {name for name, _ in grown.lists()} == {"tone", "reader", "length"}
    assert all("tone: " in prompt and "reader: " in prompt for prompt in texts_prompts(grown))


def test_with_few_labels_all_others_are_similar_without_a_call():
    grown = grow(AttrPrompt(rows=2, attributes={}), helpful, task=TASK)
    assert len(grown.requests) == 2
    assert '"good", and has nothing to do with: bad.' in grown.prompts[0] + grown.prompts[1]


def test_values_for_which_the_filter_has_no_answer_are_kept_and_a_filter_that_drops_all_is_overruled():
    def vague(request):
        return "perhaps" if "Is this related" in asked_of(request) else helpful(request)

    grown = grow(AttrPrompt(rows=2, attributes={}, label_attributes={"topic": 3}, max_reject=2), vague, task=TASK)
    assert grown.lists()[("topic", "good")] == ["good 0", "good 1", "good 2"]
    assert sum("Is this related" in prompt for prompt in grown.prompts) == 2 * 3 * 3

    def strict(request):
        return "1" if "Is this related" in asked_of(request) else helpful(request)

    grown = grow(AttrPrompt(rows=2, attributes={}, label_attributes={"topic": 3}), strict, task=TASK)
    assert grown.lists()[("topic", "bad")] == ["bad 0", "bad 1", "bad 2"]
    assert "every value of 'topic' for label 'good' is related to another label; all are used." in grown.outcome.warnings


def test_filter_asks_with_the_published_sampling():
    grown = grow(AttrPrompt(rows=2, attributes={}, label_attributes={"topic": 1}), helpful, task=TASK)
    sampling = {(request.temperature, request.top_p) for request in grown.requests if "Is this related" in asked_of(request)}
    assert sampling == {(0.7, 0.95)}


# ---- rows --------------------------------------------------------------------------------------------------------


def test_exact_duplicates_are_rejected_and_replaced():
    grown = grow(AttrPrompt(rows=12, attributes={}, length=[]), lambda request: f"Text {request.seed % 9}.", task=TASK)
    assert len({(row["text"], row["label"]) for row in grown.rows}) == len(grown.rows) == 12
    assert {row["reason"] for row in grown.rejected} == {"duplicate"}


@pytest.mark.parametrize("concurrency", [7, 64])
def test_any_concurrency_gives_the_same_rows(concurrency):
    def uneven(request):
        return "I must decline." if request.seed % 4 == 0 else own_text(request)

    method = AttrPrompt(rows=30, attributes={"tone": TONES}, label_attributes={"topic": 3}, reasks=0)
    serial = grow(method, uneven_or(uneven), task=TASK, concurrency=1)
    parallel = grow(method, uneven_or(uneven), task=TASK, concurrency=concurrency, latency=(0.0, 0.004))
    assert (serial.rows, serial.rejected) == (parallel.rows, parallel.rejected)


def uneven_or(write):
    return lambda request: write(request) if "Requirements:" in asked_of(request) else helpful(request)


def test_a_finished_run_pays_nothing_and_more_rows_pay_only_for_the_new_ones():
    def method(rows):
        return AttrPrompt(rows=rows, attributes={"tone": TONES})

    first = grow(method(20), own_text, task=TASK, folder="runs/same")
    again = grow(method(20), own_text, task=TASK, folder="runs/same")
    more = grow(method(26), own_text, task=TASK, folder="runs/same")
    assert (len(first.requests), len(again.requests), len(more.requests)) == (20, 0, 6)
    assert again.rows == first.rows == more.rows[:20]


def test_another_seed_gives_other_rows():
    method = AttrPrompt(rows=6, attributes={"tone": TONES})
    assert grow(method, own_text, task=TASK, seed=1).rows != grow(method, own_text, task=TASK, seed=2).rows


def test_labels_may_come_from_the_support_which_is_shown_only_when_asked_for():
    support = [{"text": f"Seen {i}", "label": "good" if i % 2 else "bad"} for i in range(6)]
    hidden = grow(AttrPrompt(rows=4, attributes={}), own_text, data={"support": support})
    assert {row["label"] for row in hidden.rows} == {"good", "bad"} and not any("Seen" in prompt for prompt in hidden.prompts)
    shown = grow(AttrPrompt(rows=4, attributes={}, demonstrations=2), own_text, data={"support": support})
    for prompt in shown.prompts:
        odd = 'the label "good"' in prompt
        numbers = [int(number) for number in re.findall(r"- Seen (\d)", prompt)]
        assert len(numbers) == 2 and all(number % 2 == odd for number in numbers)
    assert all(len(row["seed_ids"]) == 2 for row in shown.rows)


def test_without_any_labels_the_request_is_wrong():
    with pytest.raises(RequestError, match=r"task\.labels"):
        grow(AttrPrompt(rows=1), own_text, task={})


@pytest.mark.parametrize("wrong", [{"attributes": {"tone": []}}, {"label_attributes": {"topic": {"good": ["x"]}}}])
def test_an_attribute_without_values_is_named(wrong):
    with pytest.raises(RequestError, match=r"attribute '(tone|topic)' has no values"):
        grow(AttrPrompt(rows=1, **{"attributes": {}, **wrong}), own_text, task=TASK)


def test_another_language_reaches_every_prompt():
    grown = grow(AttrPrompt(rows=2, label_attributes={"topic": 1}), helpful, task={**TASK, "language": "de"})
    assert all("Write in German" in prompt for prompt in grown.prompts)


# ---- openings ----------------------------------------------------------------------------------------------------

OPENED = {
    "rows": 12,
    "attributes": {"aspect": ["pace", "cast"]},
    "label_attributes": {"word": {"good": ["superb", "lovely"], "bad": ["awful", "dull"]}},
    "prefill": {label: ["The {{ aspect }} is {{ word }}", "What a {{ word }} {{ aspect }}  "] for label in ("good", "bad")},
    "length": [],
}


def test_with_prefill_the_text_is_the_opening_and_its_continuation_up_to_the_last_finished_sentence():
    def goes_on(request):
        assert request.stop == ("\n",)
        return Reply(f" and word{request.seed} too. It is", finish="length")

    grown = grow(AttrPrompt(**OPENED), goes_on, task=TASK)
    assert len(grown.rows) == 12
    for row in grown.rows:
        drawn = {name: choice["value"] for name, choice in conditions(row).items()}
        words = {"good": "superb|lovely", "bad": "awful|dull"}[row["label"]]
        opening = re.match(rf"The {drawn['aspect']} is ({words})|What a ({words}) {drawn['aspect']}", row["text"])
        assert opening and row["text"] == f"{opening.group()} and word{NUMBER.search(row['text']).group(1)} too."
        assert all(str(drawn[name]) in prompt_of(grown, row) for name in ("aspect", "word"))


def test_a_continuation_without_a_finished_sentence_is_rejected_by_name():
    grown = grow(AttrPrompt(**{**OPENED, "rows": 2, "attempts": 2}), lambda request: " and so on and on", task=TASK)
    assert not grown.rows and {row["reason"] for row in grown.rejected} == {"unfinished"}


def test_a_model_that_cannot_be_given_a_beginning_is_told_to_begin_so():
    grown = grow(AttrPrompt(**OPENED), own_text, task=TASK, can=Capabilities(seed=True))
    assert len(grown.rows) == 12 and all(not request.prefill for request in grown.requests)
    assert all(re.search(r'begins with exactly these words: "(The|What a) ', prompt) for prompt in grown.prompts)
