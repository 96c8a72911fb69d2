"""Templates fill text in, say where they are wrong, and never evaluate what they fill in."""

import pytest

from tilth.errors import RequestError
from tilth.prompts.template import Template, Variable, variables


def test_fills_in_values_and_loops_without_stray_newlines():
    source = "{% for shot in shots %}\n- {{ shot }}\n{% endfor %}\nNow {{ tone }}."
    assert Template(source).render(shots=["a", "b"], tone="calm") == "- a\n- b\nNow calm."


def test_a_value_that_looks_like_a_template_stays_text():
    assert Template("{{ text }}").render(text="{{ 7 * 7 }}{% raw %}") == "{{ 7 * 7 }}{% raw %}"
    assert Template("{{ text }}").render(text="<b>&amp;</b>") == "<b>&amp;</b>"


@pytest.mark.parametrize(
    "source",
    [
        "{{ x.__class__.__mro__ }}",
        "{{ ''.__class__ }}",
        "{{ x|attr('__class__') }}",
        "{{ '{0.__class__}'.format(x) }}",
        "{{ items.append(1) }}",
        "{{ record.pop('a') }}",
    ],
)
def test_what_could_reach_python_or_change_data_is_refused(source):
    items, record = [1], {"a": 1}
    with pytest.raises(RequestError):
        Template(source).render(x="s", items=items, record=record)
    assert (items, record) == ([1], {"a": 1})


def test_a_missing_name_is_an_error_with_its_line_within_the_template():
    with pytest.raises(RequestError, match="line 2 of the template: 'tone' is undefined") as caught:
        Template("first\nA {{ tone }} text").render()
    assert caught.value.line == 2 and caught.value.code == "template.render"


def test_a_syntax_error_names_its_line():
    with pytest.raises(RequestError, match=r"not a template \(line 3\)") as caught:
        Template("a\nb\n{% if x %}")
    assert caught.value.line == 3 and caught.value.code == "template.syntax"
    with pytest.raises(RequestError):
        variables("{{ x ")


def test_arithmetic_on_a_wrong_value_is_the_templates_error():
    with pytest.raises(RequestError, match="cannot fill the template in"):
        Template("{{ n + 1 }}").render(n="x")


def test_variables_are_found_with_line_and_column_and_text_outside_tags_is_not_searched():
    source = "personna is {{ task.about }}\n  and {% if personna %}{{ a.personna }}{% endif %}"
    assert variables(source) == [Variable("task", 1, 16), Variable("personna", 2, 13), Variable("a", 2, 27)]


def test_names_that_the_template_defines_itself_are_no_variables():
    assert variables("{% set x = 1 %}{% for d in rows %}{{ d }}{{ loop.index }}{{ x }}{% endfor %}") == [Variable("rows", 1, 28)]


def test_json_is_written_for_readers():
    assert Template("{{ x|tojson }}").render(x={"a": "<ü>"}) == '{"a": "<ü>"}'


def test_compiling_happens_once_per_source():
    assert Template("same {{ x }}")._compiled is Template("same {{ x }}")._compiled
