"""Tools as data: documents become functions; responses are chosen, filled in, and change only their environment."""

import json

import pytest

from tilth.errors import RequestError
from tilth.generate.tools import BAD_INPUT, FAILED, OK, World, answer, function_name, read_api, read_arguments
from tilth.records.record import Record

LEND = {
    "tool": "City Library",
    "api": "Lend Book",
    "description": "Lends a book to a reader.",
    "required_parameters": [{"name": "book", "type": "STRING", "description": "Title"}],
    "optional_parameters": [{"name": "weeks", "type": "NUMBER", "default": 3}],
    "responses": [
        {"state": {"{{ args.book }}": "lent"}, "error": "{{ args.book }} is lent already"},
        {"when": {"book": "emma"}, "set": {"{{ args.book }}": "lent", "count": "{{ state.count | default(0) + 1 }}"},
         "returns": {"book": "{{ args.book }}", "weeks": "{{ args.weeks }}"}},
    ],
}  # fmt: skip


def api(**changes):
    return read_api(Record({**LEND, **changes}, meta={"id": "1"}))


def said(observation):
    return json.loads(observation.text)


def test_a_document_becomes_a_function():
    function = api().function()["function"]
    assert function["name"] == "lend_book_for_city_library"
    assert function["parameters"]["required"] == ["book"]
    assert function["parameters"]["properties"]["weeks"] == {"type": "number", "default": 3}


def test_names_of_functions_are_short_and_ascii():
    name = function_name("Zürich Öffis " * 9, "Übersicht v2!")
    assert len(name) <= 64 and name.isascii() and name.replace("_", "").isalnum()


def test_the_first_response_that_fits_answers_and_changes_the_environment():
    world = World()
    first = answer(api(), {"book": "Emma"}, world)
    assert (said(first), first.code) == ({"error": "", "response": {"book": "Emma", "weeks": 3}}, OK)
    assert world.state == {"Emma": "lent", "count": 1}
    second = answer(api(), {"book": "Emma"}, world)
    assert second.code == FAILED and said(second)["error"] == "Emma is lent already"
    assert answer(api(), {"book": "Ulysses"}, world).code == FAILED
    assert world.state == {"Emma": "lent", "count": 1}


@pytest.mark.parametrize("arguments", [None, {}, {"book": "Emma", "colour": "red"}])
def test_arguments_that_do_not_fit_the_document_are_refused(arguments):
    world = World()
    assert answer(api(), arguments, world).code == BAD_INPUT
    assert world.state == {}


def test_an_api_without_responses_is_for_a_model_to_play():
    assert answer(api(responses=None), {"book": "Emma"}, World()) is None
    assert answer(api(responses=None), {}, World()).code == BAD_INPUT


def test_a_python_function_takes_the_state_and_the_arguments():
    def lend(state, book):
        state["books"].remove(book)
        return sorted(state["books"])

    world = World({"books": ["Emma", "Ulysses"]})
    assert said(answer(api(), {"book": "Emma"}, world, lend))["response"] == ["Ulysses"]
    assert answer(api(), {"book": "Emma"}, world, lend).code == FAILED


def test_what_a_caller_writes_is_never_a_template():
    echo = api(responses=[{"returns": "{{ args.book }}"}])
    assert said(answer(echo, {"book": "{{ 7 * 7 }}"}, World()))["response"] == "{{ 7 * 7 }}"


def test_json_in_columns_of_text_is_read():
    assert api(responses=json.dumps(LEND["responses"])) == api()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"api": ""}, "'tool' and 'api'"),
        ({"responses": {"returns": 1}}, "lend_book_for_city_library"),
        ({"responses": [{"return": 1}]}, "'return'"),
        ({"responses": "[{"}, "not JSON"),
        ({"required_parameters": [{"type": "STRING"}]}, "has no name"),
        ({"parameters": [{"name": "book"}]}, "'parameters' of lend_book_for_city_library"),
        ({"parameters": {"properties": ["book"]}}, "'parameters' of lend_book_for_city_library"),
    ],
)
def test_a_wrong_document_is_named(changes, named):
    with pytest.raises(RequestError, match=named):
        api(**changes)


def test_a_wrong_template_names_its_api():
    with pytest.raises(RequestError, match="lend_book_for_city_library"):
        answer(api(responses=[{"returns": "{{ nobody }}"}]), {"book": "Emma"}, World())


@pytest.mark.parametrize(("given", "read"), [('{"a": 1}', {"a": 1}), ({"a": 1}, {"a": 1}), ("", {}), ("[1]", None), ("a=1", None)])
def test_arguments_are_read_from_json(given, read):
    assert read_arguments(given) == read
