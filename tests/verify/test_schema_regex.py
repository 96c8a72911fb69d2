"""JSON Schema and regular expressions: verdicts, and what would hang."""

import pytest

from tilth.errors import RequestError
from tilth.verify import Verifier
from tilth.verify.catalog import verifier_of

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}, "born": {"type": "string", "format": "date"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def schema():
    made = verifier_of("schema", against=PERSON, seconds=20)
    yield made
    made._workers.close()


@pytest.mark.parametrize(
    ("text", "state", "reason"),
    [
        ('{"name": "Ada", "age": 36}', "passed", ""),
        ('```json\n{"name": "Ada", "age": 36}\n```', "passed", ""),
        ({"name": "Ada", "age": 36}, "passed", ""),
        ('{"name": "Ada", "age": 36, "born": "1815-12-10"}', "passed", ""),
        ('{"name": "Ada", "age": 36, "born": "10 December"}', "failed", "does_not_fit"),
        ('{"name": "Ada"}', "failed", "does_not_fit"),
        ('{"name": "Ada", "age": "36"}', "failed", "does_not_fit"),
        ('{"name": "Ada", "age": 36.5}', "failed", "does_not_fit"),
        ('{"name": "Ada", "age": -1}', "failed", "does_not_fit"),
        ('{"name": "Ada", "age": 36, "more": 1}', "failed", "does_not_fit"),
        ("[]", "failed", "does_not_fit"),
        ('Here it is: {"name": "Ada", "age": 36}', "failed", "not_json"),
        ('{"name": "Ada", "age": 36', "failed", "not_json"),
        ('{"name": "Ada", "age": NaN}', "failed", "not_json"),
        ("{'name': 'Ada', 'age': 36}", "failed", "not_json"),
        ("[" * 100_000, "failed", "not_json"),
        ('{"name": "Ada", "age": 36, "age": 37}', "failed", "duplicate_key"),
        ("", "failed", "not_json"),
        (None, "unscored", "no_text"),
    ],
    ids=range(19),
)
async def test_json(schema, text, state, reason):
    found = await schema.verify(None, {"text": text})
    assert (found.state, found.reason) == (state, reason)


async def test_where_it_does_not_fit_is_told(schema):
    found = await schema.verify(None, {"text": '{"name": 5, "age": "x"}'})
    assert [error["at"] for error in found.evidence["errors"]] == ["$.age", "$.name"]


async def test_a_schema_of_the_row_comes_first(schema):
    assert (await schema.verify(None, {"text": "5", "schema": {"type": "integer"}})).passed
    assert (await schema.verify(None, {"text": "5", "schema": '{"type": "string"}'})).state == "failed"
    assert (await schema.verify(None, {"text": "5", "schema": {"type": "nonsense"}})).reason == "bad_schema"
    assert (await schema.verify(None, {"text": "5", "schema": "{"})).reason == "bad_schema"
    assert (await verifier_of("schema").verify(None, {"text": "5"})).reason == "no_schema"


async def test_what_breaks_the_check_has_a_name_that_can_be_counted(schema):
    found = await schema.verify(None, {"text": "5", "schema": {"$schema": ["x"]}})
    assert (found.state, found.reason) == ("unscored", "TypeError") and "unhashable" in found.evidence["error"]


async def test_no_reference_is_fetched(schema):
    found = await schema.verify(None, {"text": "5", "schema": {"$ref": "http://schemas.invalid/a.json"}})
    assert (found.state, found.reason) == ("unscored", "unresolved")


async def test_a_pattern_that_never_ends_is_stopped():
    slow = verifier_of("schema", against={"pattern": "^(a+)+$"}, seconds=0.5)
    assert (await slow.verify(None, {"text": '"' + "a" * 60 + '!"'})).reason == "timeout"


def test_a_wrong_schema_or_expression_is_refused_at_once():
    with pytest.raises(RequestError, match="not a JSON Schema"):
        verifier_of("schema", against={"type": "nonsense"})
    with pytest.raises(RequestError, match="not a regular expression"):
        verifier_of("regex", expression="(")


@pytest.mark.parametrize(
    ("settings", "text", "state"),
    [
        ({"expression": r"[A-Z]{2}\d{4}"}, "AB1234", "passed"),
        ({"expression": r"[A-Z]{2}\d{4}"}, "AB1234 ", "failed"),
        ({"expression": r"[A-Z]{2}\d{4}"}, "xAB1234", "failed"),
        ({"expression": r"\d", "match": "anywhere"}, "a 5", "passed"),
        ({"expression": r"\d", "match": "nowhere"}, "a 5", "failed"),
        ({"expression": r"\d", "match": "nowhere"}, "a", "passed"),
        ({"expression": "ABC", "flags": ["ignorecase"]}, "abc", "passed"),
        ({"expression": "a.b", "flags": ["dotall"]}, "a\nb", "passed"),
        ({"expression": ""}, "", "passed"),
        ({"expression": "a"}, None, "unscored"),
        ({}, "a", "unscored"),
    ],
)
async def test_expressions(settings, text, state):
    regex = verifier_of("regex", seconds=20, **settings)
    assert isinstance(regex, Verifier)
    assert (await regex.verify(None, {"text": text})).state == state


async def test_an_expression_of_the_row_comes_first():
    regex = verifier_of("regex", expression="a", seconds=20)
    assert (await regex.verify(None, {"text": "b", "pattern": "b"})).passed
    assert (await regex.verify(None, {"text": "b", "pattern": "("})).reason == "bad_pattern"


async def test_catastrophic_backtracking_is_killed_and_the_next_text_is_matched():
    regex = verifier_of("regex", expression="(a+)+$", seconds=0.5)
    found = await regex.verify(None, {"text": "a" * 60 + "!"})
    assert (found.state, found.reason) == ("unscored", "timeout")
    assert (await regex.verify(None, {"text": "aaa"})).passed
