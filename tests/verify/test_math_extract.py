"""The final answer in a text: conventions, their order, and the traps."""

import pytest

from tilth.errors import RequestError
from tilth.verify.math import extract


@pytest.mark.parametrize(
    ("text", "convention", "answer"),
    [
        ("She has 3 + 4 = 7.\n#### 7", "gsm8k", "7"),
        ("#### 1,000\nQ: another question\n5", "gsm8k", "1,000"),
        ("first #### 3\nlater\n#### 4", "gsm8k", "4"),
        ("The answer is $18.", "gsm8k", "$18"),
        (r"So $x=\boxed{2}$ and then \boxed{3}.", "math", "3"),
        (r"\boxed{\frac{1}{\sqrt{2}}}", "math", r"\frac{1}{\sqrt{2}}"),
        (r"\boxed{\left\{1, \text{a set}\right\}}", "math", r"\left\{1, \text{a set}\right\}"),
        (r"\fbox{7} is it", "math", "7"),
        (r"\boxed 5", "math", "5"),
        (r"$\boxed 5$ apples", "math", "5"),
        ("The answer is 3.5.", "auto", "3.5"),
        ("The answer is 3.5. That was hard.", "auto", "3.5"),
        ("the answer is: 18 eggs.", "auto", "18 eggs"),
        ("The final answer is $\\frac{1}{2}$, because 2 is even.", "auto", r"$\frac{1}{2}$"),
        ("Final Answer: The final answer is $5$. I hope it is correct.", "auto", "$5$"),
        ("**Answer:** 12", "auto", "12"),
        ("The answer is 5 because 3 + 2 = 5", "auto", "5"),
        (r"The answer is $3+4=\boxed{7}$.", "auto", "7"),
        ("The answer is therefore 7.\nThanks.", "auto", "7"),
        ("The value of x is 4.", "unknown", "4"),
        ("The value of the unknown variable $x$ is $4$.", "unknown", "$4$"),
        ("A: Let us think.\n3 + 4 = 7\nA: 7", "gsm8k", "7"),
        ("18", "auto", "18"),
        (r"\frac12", "auto", r"\frac12"),
        ("There are 12 in 2024.", "metamath", "2024"),
        ("It costs $1,250.50", "last_number", "1,250.50"),
        ("The answer is (C).", "choice", "C"),
        ("The answer is C) because", "choice", "C"),
        (r"\boxed{\text{(E)}}", "choice", "E"),
        ("B", "choice", "B"),
    ],
)
def test_the_answer_is_found(text, convention, answer):
    assert extract(text, convention).answer == answer


def test_metamath_takes_the_phrase_then_the_box_then_the_last_number():
    assert extract(r"The answer is 1. \boxed{2} 3", "metamath").answer == "1"
    assert extract(r"\boxed{2} 3", "metamath").answer == "2"
    assert extract("2 then 3", "metamath").answer == "3"


def test_what_is_stated_last_wins():
    assert extract(r"The answer is 4. No: \boxed{5}").answer == "5"
    assert extract(r"\boxed{5} is wrong. The answer is 4.").answer == "4"


def test_a_box_in_a_quoted_question_is_ignored_where_the_answer_comes_later():
    text = r"You asked me to write it as \boxed{x}. It is $2+2$. The answer is 4."
    assert extract(text).answer == "4"
    assert extract(r"Put it into \boxed{}. Well: \boxed{4}", "math").answer == "4"


@pytest.mark.parametrize("text", [r"so \boxed{\frac{1}{2}", r"\boxed{1} and \boxed{2", r"The answer is \boxed{3"])
def test_an_unbalanced_box_is_no_answer(text):
    """A reply that was cut off must not be read as an earlier box, or as its last number."""
    for convention in ("auto", "math", ("boxed", "last_number")):
        found = extract(text, convention)
        assert (found.answer, found.problem) == (None, "unbalanced")


def test_a_number_that_nobody_called_the_answer_is_no_answer():
    """The trap: a year, a unit or a step is taken for the answer."""
    text = "We take the 18 eggs of 2024.\nThen we divide them by 6 m^2."
    assert extract(text).answer is None
    assert extract(text, "gsm8k").problem == "no_answer"


def test_the_value_of_x_is_a_step_unless_it_was_asked_for():
    text = "We know that the value of x is 4, so there are 6 in all."
    assert extract(text).answer is None and extract(text, "gsm8k").answer is None
    assert extract(text, "unknown").answer == "4"
    assert extract("A: Let us think about this.", "gsm8k").answer is None


def test_a_letter_that_begins_a_word_is_no_choice():
    for text in ("A train leaves the station", "The answer is A train leaves", "Because", "I"):
        assert extract(text, "choice").answer != "A"
    assert extract("The answer is A train leaves", "choice").answer is None


def test_boxes_that_differ_are_no_answer_where_asked():
    text = r"\boxed{1} or \boxed{2}"
    assert extract(text, "math").answer == "2"
    assert extract(text, "math", several=False).problem == "several"
    assert extract(r"\boxed{\frac12}, that is \boxed{\dfrac{1}{2}}", "math", several=False).answer == r"\dfrac{1}{2}"


@pytest.mark.parametrize("text", [None, "", "   ", "\n", r"\boxed{}", "####", "The answer is ."])
def test_nothing_is_no_answer(text):
    assert extract(text).answer is None


def test_an_unknown_convention_is_refused():
    with pytest.raises(RequestError, match="Did you mean 'gsm8k'"):
        extract("5", "gsm8")
    with pytest.raises(RequestError, match="no rule"):
        extract("5", ["boxed", "guess"])
