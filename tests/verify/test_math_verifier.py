"""The verifier of mathematical answers: verdicts with evidence, in killable processes, on real gold answers."""

import asyncio
import gzip
import json
import multiprocessing
import pickle
import threading
import time

import pytest

from tilth.errors import RequestError
from tilth.verify import Verifier
from tilth.verify.catalog import verifier_of
from tilth.verify.math import Math, compare, extract
from verify.math_forms import MATH_VERIFY, pairs

KEYS = {"extracted", "extract_rule", "gold", "normalised", "gold_normalised", "equal", "method", "error"}


@pytest.fixture(scope="module")
def math():
    made = Math()
    yield made
    made.close()


@pytest.fixture(scope="module")
def patient():
    made = Math(seconds=30)  # sympy's first answer takes seconds on a busy machine
    yield made
    made.close()


def verdict(math, answer, gold):
    return asyncio.run(math.verify(None, {"answer": answer, "gold": gold}))


def test_it_is_a_verifier(math):
    assert isinstance(math, Verifier)


@pytest.mark.parametrize(
    ("answer", "gold", "state", "reason"),
    [
        ("The answer is 18.", "18", "passed", ""),
        (r"so \boxed{2\sqrt2}", r"\sqrt{8}", "passed", ""),
        ("She sells 9.\n#### 18", "9 * 2 = 18\n#### 18", "passed", ""),
        ("The answer is 17.", "18", "failed", "wrong_answer"),
        ("There were many eggs in the house, and people ate them for breakfast.", "18", "failed", "no_answer"),
        (r"so \boxed{\frac{1}{2}", "1/2", "failed", "unbalanced"),
        ("", "18", "failed", "no_answer"),
        (None, "18", "failed", "no_answer"),
        ("The answer is 18.", "", "unscored", "no_gold"),
        ("", "", "unscored", "no_gold"),
        ("The answer is 18.", None, "unscored", "no_gold"),
        ("The answer is 9^{9^9}.", "18", "unscored", "too_big"),
        ("The answer is 1, 2.", "(1, 2)", "unscored", "shape"),
    ],
)
def test_verdicts(math, answer, gold, state, reason):
    found = verdict(math, answer, gold)
    assert (found.state, found.reason) == (state, reason)
    json.dumps(found.as_json())
    if reason != "no_gold":
        assert set(found.evidence) == KEYS and found.evidence["equal"] is (state == "passed")


def test_a_missing_answer_is_counted_apart_from_a_wrong_one(math):
    reasons = [verdict(math, answer, "18").reason for answer in ("The answer is 17.", "I went for a walk and then came home again.")]
    assert reasons == ["wrong_answer", "no_answer"]


def test_columns_are_named_by_using():
    math = verifier_of("math", using={"answer": "output", "gold": "target"})
    assert asyncio.run(math.verify(None, {"output": "5", "target": "5"})).passed
    with pytest.raises(RequestError, match="needs the column 'target'"):
        asyncio.run(math.verify(None, {"output": "5"}))


def test_wrong_settings_are_refused_at_once():
    for wrong in ({"convention": "gsm"}, {"tolerance": 2}, {"using": {"anser": "x"}}, {"nonsense": 1}):
        with pytest.raises(RequestError):
            verifier_of("math", **wrong)


def test_equivalence_beyond_plain_numbers_runs_in_another_process(math, monkeypatch):
    import tilth.verify.math.ladder as ladder

    monkeypatch.setattr(ladder, "_slow", lambda *_: pytest.fail("compared in this process"))
    assert verdict(math, r"\boxed{\sqrt{8}}", r"2\sqrt{2}").passed


def test_it_works_in_threads(math):
    found = []
    threads = [threading.Thread(target=lambda n=n: found.append(verdict(math, f"x+{n}", f"{n}+x").state)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["passed"] * 6


def _in_process(pickled):
    return verdict(pickle.loads(pickled), "x+1", "1+x").state


def test_it_works_in_processes(math):
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        assert pool.apply(_in_process, (pickle.dumps(math),)) == "passed"


def test_a_comparison_that_hangs_is_killed_and_the_next_one_answered():
    math = Math(seconds=0.3)
    math._own.target = "verify.stuck:hang"
    begin = time.monotonic()
    assert (found := verdict(math, "x+1", "1+x")).state == "unscored" and found.reason == "timeout"
    assert time.monotonic() - begin < 20  # starting Python counts too, on a busy machine
    math._own.target = "tilth.verify.math.ladder:in_worker"
    assert verdict(math, "x+1", "1+x").passed
    math.close()


@pytest.mark.parametrize(("answer", "gold", "equal"), pairs(MATH_VERIFY))
def test_math_verify_decides_what_the_grammar_does_not_read(patient, answer, gold, equal):
    pytest.importorskip("math_verify", reason="needs the 'math' extra")
    assert compare(answer, gold).equal is None
    assert verdict(patient, f"${answer}$", gold).state == ("passed" if equal == "yes" else "failed")


def test_math_verify_sees_no_text_that_could_be_a_program():
    pytest.importorskip("math_verify", reason="needs the 'math' extra")
    from tilth.verify.math.second import _read

    for text in ("__import__('os')", r"\int open(x)", "a.b", r"\sum eval", "x'", r"10^{99999999}"):
        assert _read(text) is None


def test_without_the_extra_what_is_not_read_is_unscored(monkeypatch):
    monkeypatch.setattr("tilth.verify.math.verifier._installed", lambda: False)
    math = Math()
    found = verdict(math, r"$\int_0^1 x dx$", r"\frac12")
    assert (found.state, found.reason) == ("unscored", "unread")
    math.close()


def lines_of(path):
    data = path.read_bytes()
    return [json.loads(line) for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()]


def test_every_gold_answer_of_math_is_accepted_against_itself(shared):
    rows = lines_of(shared / "data/reasoning_code/math_sample/test.jsonl")
    assert len(rows) == 500
    for row in rows:
        found = extract(row["solution"], "math")
        assert found.answer is not None, row["id"]
        assert compare(found.answer, row["answer"]).equal and compare(row["answer"], row["answer"]).equal, row["id"]


def test_every_gold_answer_of_gsm8k_is_accepted_against_itself(shared):
    folder = shared / "data/reasoning_code/gsm8k"
    rows = [*lines_of(folder / "test.jsonl"), *lines_of(folder / "train.jsonl.gz")]
    assert len(rows) == 8792
    for row in rows:
        found = extract(row["solution"], "gsm8k")
        assert found.answer is not None and compare(found.answer, row["answer"]).equal, row["id"]


def test_solutions_of_real_models_are_judged_as_their_publishers_did(shared):
    """5,276 solutions of four GPT-3 models, each marked right or wrong by the authors of GSM8K."""
    folder = shared / "data/reasoning_code"
    gold = {row["id"]: row["answer"] for row in lines_of(folder / "gsm8k/test.jsonl")}
    rows = lines_of(folder / "gsm8k_model_solutions/solutions.jsonl.gz")
    found = [extract(row["solution"], "gsm8k").answer for row in rows]
    equal = [compare(answer, gold[row["question_id"]]).equal for answer, row in zip(found, rows, strict=True)]
    other = [row for says, row in zip(equal, rows, strict=True) if bool(says) != row["is_correct"]]
    assert len(rows) == 5276 and other == []


def test_different_gold_answers_of_math_are_told_apart(shared):
    """Each gold answer against the next four: equal only where they are written alike."""
    answers = [row["answer"] for row in lines_of(shared / "data/reasoning_code/math_sample/test.jsonl")]
    wrong = []
    for at, gold in enumerate(answers):
        for other in answers[at + 1 : at + 5]:
            found = compare(other, gold)
            if found.equal and found.method != "string":
                wrong.append((other, gold))
    assert wrong == []
