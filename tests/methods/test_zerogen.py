"""ZeroGen: the invariants of its card by name, then what is ours."""

import json
import re
from collections import Counter

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.engine.execute import start
from tilth.errors import Failure, RequestError
from tilth.flows.evaluating import Wanted, prepare
from tilth.methods.classification._continuing import up_to_quote
from tilth.methods.classification.zerogen import ZeroGen
from tilth.models.base import Capabilities
from tilth.models.scripted import ScriptedModel
from tilth.records.data import Data
from tilth.text.diversity import self_bleu
from tilth.text.ngrams import words

TASK = {"about": "Film reviews.", "labels": {"good": "likes it", "very_bad": "hates it"}}
CHATS = Capabilities(seed=True)
WORDS = "one two three four five six seven eight nine ten"


def writes(request):
    """Titles and long enough texts that name the request they answer."""
    asked = asked_of(request)
    if asked.endswith('film: "'):
        return f'Title {request.seed}", a film'
    return f'{WORDS} word{request.seed}" and more'


def context_of(row):
    return json.loads(row["extras"])["meta"]["conditions"]["context"]


def prompt_of(grown, row):
    seed = int(re.search(r"word(\d+)", row["text"]).group(1))
    (prompt,) = [asked_of(request) for request in grown.requests if request.seed == seed]
    return prompt


def sometimes_short(request):
    return "too short" if "One " in asked_of(request) and request.seed % 5 == 0 else writes(request)


SCENARIO = Scenario(ZeroGen(rows=24, context_kind="film", entries=4), sometimes_short, task=TASK)
LOCAL = {"parameters": {"entries": 1, "attempts": 8}}


# ---- the card's invariants ---------------------------------------------------------------------------------------


def test_invariant_1_labels_are_balanced_at_every_point_and_each_prompt_holds_the_phrase_of_its_label():
    method = ZeroGen(rows=31, context_kind="film", entries=4, phrases={"good": "enthusiastic"})
    grown = grow(method, writes, task=TASK)
    counts = Counter(dict.fromkeys(TASK["labels"], 0))
    for row in grown.rows:
        counts[row["label"]] += 1
        assert max(counts.values()) - min(counts.values()) <= 1
        assert {"good": "enthusiastic", "very_bad": "very bad"}[row["label"]] in prompt_of(grown, row)
    assert counts == {"good": 16, "very_bad": 15}


def test_invariant_1_rejected_texts_do_not_tip_the_balance():
    def uneven(request):
        return "too short" if "One good" in asked_of(request) and request.seed % 2 else writes(request)

    grown = grow(ZeroGen(rows=40), uneven, task=TASK)
    assert Counter(row["label"] for row in grown.rows) == {"good": 20, "very_bad": 20}
    assert {row["reason"] for row in grown.rejected} <= {"unfinished", "too_short"}


@pytest.mark.parametrize(
    ("continuation", "text"),
    [
        ('Great fun." she said.\nNext', "Great fun."),
        ('" starts at once', ""),
        ("Great fun. Really\nNext one.", "Great fun. Really"),
        ("Great fun. Really great. And th", "Great fun. Really great."),
    ],
)
def test_invariant_2_a_text_is_cut_at_the_quote_else_the_line_else_the_last_full_stop(continuation, text):
    assert up_to_quote(continuation) == text


def test_invariant_2_what_has_none_of_them_is_dropped():
    with pytest.raises(Failure) as caught:
        up_to_quote("Great fun and then")
    assert caught.value.reason == "unfinished"


def test_invariant_2_rows_hold_what_was_cut_and_rejects_say_why():
    endings = ['" and more', "\nNext", ". And then", " and then"]

    def varied(request):
        return f"{WORDS} word{request.seed}{endings[request.seed % 4]}"

    grown = grow(ZeroGen(rows=40), varied, task=TASK)
    assert {re.sub(r"\d+", "", row["text"]) for row in grown.rows} == {f"{WORDS} word", f"{WORDS} word."}
    assert {row["reason"] for row in grown.rejected} <= {"unfinished"}


def test_invariant_3_the_same_seed_gives_the_same_rows_and_none_twice():
    def repeats(request):
        if asked_of(request).endswith('film: "'):
            return f'Title {request.seed % 3}"'
        return f'{WORDS} {request.seed % 20}"'

    method = ZeroGen(rows=60, context_kind="film", entries=4, attempts=500)
    first, second = (grow(method, repeats, task=TASK, seed=5) for _ in range(2))
    assert first.rows == second.rows and len(first.rows) == 60
    keys = [(context_of(row), row["text"], row["label"]) for row in first.rows]
    assert len(set(keys)) == 60 and {row["reason"] for row in first.rejected} == {"duplicate"}
    # the same text may stand in another context or with another label: duplicates are counted on all three
    assert len({row["text"] for row in first.rows}) <= 20


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5])
def test_invariant_5_self_bleu_is_1_for_one_sentence_repeated_and_about_0_without_a_common_word(most):
    same = [words("the plot of this film is thin and slow")] * 20
    unlike = [[f"word{text}x{at}" for at in range(8)] for text in range(20)]
    assert self_bleu(same, most) == pytest.approx(1.0)
    assert self_bleu(unlike, most) < 0.03


@pytest.mark.parametrize("flipped", [0, 8, 20])
def test_invariant_6_an_oracle_reports_exactly_the_labels_that_were_not_flipped(flipped, tmp_path):
    def keyword(request):
        word = "superb" if "One good" in asked_of(request) else "awful"
        return f'the {word} film with a cast and a plot and number {request.seed}"'

    def oracle(prompt, label):
        return 5.0 if (label.strip() == "good") == ("superb" in prompt) else -5.0

    rows = [{"text": row["text"], "label": row["label"]} for row in grow(ZeroGen(rows=40), keyword, task=TASK).rows]
    for row in rows[:flipped]:  # labels alternate, so as many of each are flipped
        row["label"] = {"good": "very_bad", "very_bad": "good"}[row["label"]]
    models = {"generator": ScriptedModel(lambda request: "", score=oracle)}
    ready = prepare(Data.of(rows), Wanted(metrics=["llm_agreement"], models=models, runs=tmp_path))
    assert start(ready.execute).status == "done"
    assert ready.stage.values[0].value == pytest.approx(1 - flipped / len(rows))


def test_invariant_7_a_keyword_driven_model_gives_data_that_a_linear_student_learns_from():
    pytest.importorskip("sklearn", reason="needs the 'ml' extra")
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    words = {"good": ["superb", "lovely", "moving"], "very_bad": ["awful", "dull", "clumsy"]}

    def keyword(request):
        label = "good" if "One good" in asked_of(request) else "very_bad"
        return f'the {words[label][request.seed % 3]} film with a cast and a plot and number {request.seed}"'

    rows = grow(ZeroGen(rows=200), keyword, task=TASK).rows
    student = LogisticRegression().fit((vectors := TfidfVectorizer()).fit_transform([r["text"] for r in rows]), [r["label"] for r in rows])
    held_out = [(f"this {word} story", label) for label, found in words.items() for word in found]
    found = student.predict(vectors.transform([text for text, _ in held_out]))
    assert sum(a == b for a, (_, b) in zip(found, held_out, strict=True)) / len(held_out) > 0.9


# ---- ours --------------------------------------------------------------------------------------------------------


def test_the_context_prompt_is_only_the_kind_a_colon_and_an_opening_quote():
    grown = grow(ZeroGen(rows=16, context_kind="film", entries=4), writes, task=TASK)
    contexts = [request for request in grown.requests if request.prompt == 'film: "']
    assert len(contexts) == 2 and {request.max_tokens for request in contexts} == {10}
    used = Counter(context_of(row) for row in grown.rows)
    assert list(used.values()) == [8, 8], "each context serves `entries` texts of each label"


def test_sampling_is_the_published_one_without_top_k():
    grown = grow(ZeroGen(rows=2), writes, task=TASK)
    assert {(r.temperature, r.top_p, r.max_tokens) for r in grown.requests} == {(1.0, 0.9, 40)}
    assert all(not request.extra for request in grown.requests)


def test_short_texts_copies_of_the_context_and_refusals_are_rejected_by_name():
    title = "a film title that is long enough to count as a text"
    replies = {0: f'{title}"', 1: 'short"', 2: "I'm sorry, but I can't assist with that."}

    def poor(request):
        return f'{title}"' if asked_of(request).endswith('film: "') else replies[request.seed % 3]

    grown = grow(ZeroGen(rows=8, context_kind="film", attempts=8), poor, task=TASK)
    assert not grown.rows and {row["reason"] for row in grown.rejected} == {"copied", "too_short", "refused"}
    assert "label 'good' is 4 short of 4 rows: 8 attempts gave 0." in grown.outcome.warnings


def test_a_model_that_only_chats_is_asked_for_one_text_as_json():
    def chat(request):
        text = f"Title {request.seed}" if "Name one film" in asked_of(request) else f'{WORDS} "quoted" word{request.seed}'
        return f"```json\n{json.dumps({'text': text})}\n```"

    grown = grow(ZeroGen(rows=6, context_kind="film"), chat, task=TASK, can=CHATS)
    assert len(grown.rows) == 6 and all('"quoted"' in row["text"] for row in grown.rows)
    assert all(request.messages and request.prompt is None for request in grown.requests)
    assert all("Film reviews." in prompt for prompt in grown.prompts)
    assert all(TASK["labels"][row["label"]] in "".join(grown.prompts) for row in grown.rows)


def test_a_chat_finds_each_context_from_a_word_of_its_own():
    def chat(request):
        return json.dumps({"text": f"{WORDS} word{request.seed}"})

    grown = grow(ZeroGen(rows=12, context_kind="film", entries=1), chat, task=TASK, can=CHATS)
    asked = [prompt for prompt in grown.prompts if "Name one film" in prompt]
    assert len(asked) == 6 and len(set(asked)) > 1


def test_without_usable_contexts_the_run_says_so_instead_of_writing_without():
    grown = grow(ZeroGen(rows=4, context_kind="film"), lambda request: '" nothing', task=TASK)
    assert grown.outcome.exit == 1 and "no_context" in grown.outcome.stop and not grown.rows


def test_rows_default_to_a_number_per_label():
    assert len(grow(ZeroGen(per_label=3), writes, task=TASK).rows) == 6


def test_fewer_than_two_labels_are_a_wrong_request():
    with pytest.raises(RequestError, match=r"zerogen needs task\.labels: at least two"):
        grow(ZeroGen(rows=1), writes, task={"labels": {"one": ""}})


@pytest.mark.parametrize("concurrency", [7, 64])
def test_any_concurrency_gives_the_same_rows(concurrency):
    def uneven(request):
        return "too short" if request.seed % 5 == 0 else writes(request)

    method = ZeroGen(rows=40, context_kind="film", entries=3)
    serial = grow(method, uneven, task=TASK, concurrency=1)
    parallel = grow(method, uneven, task=TASK, concurrency=concurrency, latency=(0.0, 0.004))
    assert (serial.rows, serial.rejected) == (parallel.rows, parallel.rejected)


def test_a_finished_run_pays_nothing():
    method = ZeroGen(rows=12, context_kind="film", entries=3)
    first, again = (grow(method, writes, task=TASK, folder="runs/same") for _ in range(2))
    assert len(first.requests) == 12 + 2 and not again.requests and first.rows == again.rows
