"""Grounding: quotes, numbers, names and words of a claim in its source."""

import pytest

from tilth.verify.catalog import verifier_of

SOURCE = (
    "Leave: Full-time staff have 28 days a year. Days not taken by 31 March lapse.\n"
    "Dr. Smith, of Leeds, wrote: “Rest is   a right — not a gift.” In 1995 there were 1,000 members. "
    "Profit fell by 12.5% to 3 million euros."
)


@pytest.mark.parametrize(
    "claim",
    [
        "Yes, until 31 March; after that they lapse.",
        "Full time staff get twenty-eight days each year.",
        "There were 1000 members in 1995.",
        "Profits fell by 12.5 percent, to 3,000,000 euros.",
        "Unused days lapse after 31 March.",
        'Smith wrote "Rest is a right".',
        "Smith wrote “rest is a right - not a gift”.",
        'Smith wrote "Rest is ... not a gift."',
        'He wrote: "Rest is a right, [...] not a gift"',
        "Dr. Smith of Leeds wrote that rest is a right.",
        "The staff's leave: 28 days.",
        "1. Staff have 28 days.\n2. Days that are not taken lapse.\n\n3) There were 1000 members.",
    ],
)
async def test_supported(claim):
    found = await verifier_of("grounding").verify(None, {"claim": claim, "source": SOURCE})
    assert found.passed, found.evidence
    assert found.evidence["supported"] == found.evidence["of"] >= 1


@pytest.mark.parametrize(
    ("claim", "reason", "missing"),
    [
        ("Staff have 29 days a year.", "number", ["29"]),
        ("Staff have twenty-nine days a year.", "number", ["29"]),
        ("In that year there were 5 members.", "number", ["5"]),
        ("There were 100 members in 1995.", "number", ["100"]),
        ("There were 10,000 members.", "number", ["10000"]),
        ("Profit fell by 12% to 3 million euros.", "number", ["12"]),
        ("Profit fell to 3 billion euros.", "number", ["3000000000"]),
        ('Smith wrote "Rest is a duty".', "quote", ["Rest is a duty"]),
        ('Smith wrote "a gift, not a right".', "quote", ["a gift, not a right"]),
        ('Smith wrote "not a gift ... Rest is a right".', "quote", ["not a gift ... Rest is a right"]),
        ('Smith wrote "est is a right".', "quote", ["est is a right"]),
        ("He said “rest is a duty.” It was 1995.", "quote", ["rest is a duty."]),
        ("He said “It was 1995. Profit fell to nothing.” It was so.", "quote", ["It was 1995. Profit fell to nothing."]),
        ("Er schrieb „Profit fell to nothing.“ It was 1995.", "quote", ["Profit fell to nothing."]),
        ("It was Smith or Mith.", "name", ["mith"]),
        ("Then Smith of Manchester wrote that rest is a right.", "name", ["manchester"]),
        ("The moon is made of cheese and butter.", "words", None),
    ],
)
async def test_unsupported(claim, reason, missing):
    found = await verifier_of("grounding").verify(None, {"claim": claim, "source": SOURCE})
    assert (found.state, found.reason) == ("failed", reason)
    if missing is not None:
        assert found.evidence["claims"][0]["missing"] == missing


async def test_one_unsupported_sentence_fails_the_whole():
    claim = "Days not taken by 31 March lapse. Staff have 40 days."
    found = await verifier_of("grounding").verify(None, {"claim": claim, "source": SOURCE})
    assert found.reason == "number" and (found.evidence["supported"], found.evidence["of"]) == (1, 2)


async def test_the_span_of_the_source_is_told():
    found = await verifier_of("grounding", window=1).verify(None, {"claim": "Days that are not taken by 31 March lapse.", "source": SOURCE})
    begin, end = found.evidence["claims"][0]["span"]
    assert SOURCE[begin:end] == "Days not taken by 31 March lapse."


async def test_a_sentence_must_not_be_put_together_from_far_apart():
    source = "Ada wrote letters. " + "Nothing else happened here that day. " * 5 + "The river froze in winter."
    claim = "The river wrote letters; winter froze."
    near, far = verifier_of("grounding", window=1, overlap=0.9), verifier_of("grounding", window=20, overlap=0.9)
    assert (await near.verify(None, {"claim": claim, "source": source})).reason == "words"
    assert (await far.verify(None, {"claim": claim, "source": source})).passed


@pytest.mark.parametrize(
    ("claim", "source", "reason"),
    [
        ("Staff have 28 days.", "", "no_source"),
        ("Staff have 28 days.", None, "no_source"),
        ("", SOURCE, "no_claim"),
        (None, SOURCE, "no_claim"),
        ("Is it so?", SOURCE, "no_claim"),
        ("Yes.", SOURCE, "no_claim"),
    ],
)
async def test_nothing_to_check_is_unscored(claim, source, reason):
    found = await verifier_of("grounding").verify(None, {"claim": claim, "source": source})
    assert (found.state, found.reason) == ("unscored", reason)


async def test_a_source_without_a_sentence_supports_nothing():
    assert (await verifier_of("grounding").verify(None, {"claim": "Days lapse.", "source": "; "})).reason == "words"


async def test_several_sources_count_together():
    grounding = verifier_of("grounding", using={"claim": "output", "source": "passages"})
    assert (await grounding.verify(None, {"output": "Staff have 28 days.", "passages": ["Nothing.", "Staff have 28 days."]})).passed


async def test_checks_can_be_left_out():
    row = {"claim": "Staff of Paris have 29 days a year.", "source": SOURCE}
    assert (await verifier_of("grounding", names=False).verify(None, row)).reason == "number"
    assert (await verifier_of("grounding", names=False, numbers=False).verify(None, row)).passed


async def test_a_source_supports_itself():
    assert (await verifier_of("grounding").verify(None, {"claim": SOURCE, "source": SOURCE})).passed
