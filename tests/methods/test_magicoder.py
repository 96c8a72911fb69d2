"""OSS-Instruct: fragments are pieces of their documents, replies have both parts in order, and nothing is there twice."""

import json
import random
from collections import Counter
from zlib import crc32

import pytest

from contract.scenario import Scenario
from methods.growing import asked_of, grow
from tilth.errors import Failure
from tilth.methods.code.magicoder import Magicoder, fragment, sections, squeezed
from tilth.models.base import Reply

DOCUMENTS = [
    {"id": f"d{n}", "code": "".join(f"def part_{n}_{line}():\n    return {line}\n" for line in range(20)), "language": "python"}
    for n in range(24)
]


def shown(request):
    return asked_of(request).split("```\n")[1].rsplit("\n", 1)[0]


def write(request, problem="Write a program for case {}.", solution="```python\nprint({})\n```"):
    """A capable writer, whose every sixth reply or so lacks its heading."""
    number = crc32(shown(request).encode())
    head = "Sure." if number % 6 == 0 else "**[Problem Description]**"
    return f"{head}\n{problem.format(number)}\n\n[SOLUTION]\n{solution.format(number)}"


SCENARIO = Scenario(Magicoder(), write, data={"documents": DOCUMENTS})
LOCAL = {"data": {"documents": DOCUMENTS[:3]}}


def make(reply=write, documents=DOCUMENTS, seed=0, benchmarks=None, **settings):
    data = {"documents": documents} | ({"benchmarks": benchmarks} if benchmarks else {})
    return grow(Magicoder(**settings), reply, data=data, seed=seed)


def reasons(grown):
    return Counter(row["reason"] for row in grown.rejected)


def always(text):
    return lambda request: text


def numbered(request):
    """A different problem for each fragment."""
    return f"[Problem Description]\nProblem on {shown(request)!r}.\n[Solution]\nSolution of {shown(request)!r}."


def test_invariant_1_a_fragment_is_up_to_15_consecutive_lines_of_its_document_and_the_same_again():
    whole, again, other = make(numbered), make(numbered), make(numbered, seed=1)
    codes = {one["id"]: one["code"] for one in DOCUMENTS}
    assert len(whole.rows) == len(DOCUMENTS)
    for row in whole.rows:
        assert row["fragment"] in codes[row["seed_ids"][0]] and 1 <= row["fragment"].count("\n") <= 15
        line = json.loads(row["extras"])["meta"]["conditions"]["line"]
        assert codes[row["seed_ids"][0]].splitlines(keepends=True)[line - 1 :][0] == row["fragment"].splitlines(keepends=True)[0]
    fragments = [{row["seed_ids"][0]: row["fragment"] for row in grown.rows} for grown in (whole, again, other)]
    assert fragments[0] == fragments[1] != fragments[2]


def test_invariant_1_a_document_gives_the_same_fragment_whatever_else_is_there():
    first = {row["seed_ids"][0]: row["fragment"] for row in make(numbered).rows}
    assert {row["seed_ids"][0]: row["fragment"] for row in make(numbered, DOCUMENTS[:5]).rows} == {
        f"d{n}": first[f"d{n}"] for n in range(5)
    }


def test_invariant_1_start_and_length_are_uniform_and_the_end_cuts():
    rng, text = random.Random(0), "".join(f"line {n}\n" for n in range(40))
    drawn = [fragment(text, 15, rng) for _ in range(3000)]
    starts, lengths = Counter(line for line, _ in drawn), Counter(piece.count("\n") for line, piece in drawn if line <= 26)
    assert set(starts) == set(range(1, 41)) and max(starts.values()) < 2 * min(starts.values())
    assert set(lengths) == set(range(1, 16)) and max(lengths.values()) < 1.6 * min(lengths.values())
    assert all(piece == "".join(f"line {n}\n" for n in range(line - 1, line - 1 + piece.count("\n"))) for line, piece in drawn)


def test_invariant_2_order_is_of_chance_and_the_same_at_any_concurrency():
    runs = [grow(Magicoder(), numbered, data={"documents": DOCUMENTS}, concurrency=n, latency=0.001) for n in (1, 16)]
    orders = [[row["seed_ids"][0] for row in run.rows] for run in runs]
    assert orders[0] == orders[1] != sorted(orders[0])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[Solution]\nx\n[Problem Description]\ny", "order"),
        ("[Problem Description]\nx", "no_solution"),
        ("A problem.\n[Solution]\ny", "no_problem"),
        ("[Problem Description]\n\n[Solution]\ny", "empty_problem"),
        ("[Problem Description]\nx\n[Solution]\n  \n", "empty_solution"),
        ("[Problem Description] [Solution]\ny", "order"),
        ("I'm sorry, but I can't help with that.", "refused"),
    ],
)
def test_invariant_3_sections_that_are_reversed_missing_or_empty_are_dropped(text, reason):
    with pytest.raises(Failure) as caught:
        sections(Reply(text=text))
    assert caught.value.reason == reason
    grown = make(always(text), DOCUMENTS[:1])
    assert grown.rows == [] and reasons(grown) == {reason: 1} and len(grown.requests) == 1


def test_invariant_3_case_does_not_matter_and_the_first_headings_count():
    text = "Sure!\n\n## [problem DESCRIPTION]\nx\nthe word [Problem Description] again\n**[SOLUTION]**\ny\n[Solution]\nz"
    assert sections(Reply(text=text)) == ("x\nthe word [Problem Description] again", "y\n[Solution]\nz")
    assert sections(Reply(text="**[Problem Description]:** Do it.\n[Solution]: Done.")) == ("Do it.", "Done.")


def test_invariant_4_what_was_cut_off_never_appears():
    grown = make(lambda request: Reply(text=numbered(request), finish="length"), DOCUMENTS[:4])
    assert grown.rows == [] and reasons(grown) == {"truncated": 4} and len(grown.requests) == 4


def test_invariant_5_another_parameter_is_another_run(tmp_path):
    import tilth
    from tilth.models.scripted import ScriptedModel

    def run(**parameters):
        given = {"data": {"documents": DOCUMENTS[:2]}, "models": {"generator": ScriptedModel(numbered)}, "runs": tmp_path, "name": "x"}
        return tilth.run("magicoder", parameters=parameters, rows=2, **given)

    assert run().folder.path.name == run().folder.path.name == "x"
    assert run(lines=3).folder.path.name == "x-2"


def test_invariant_6_nothing_is_there_twice_blanks_apart():
    spaced = [{"code": "def f(x):\n    return  x\n"}, {"code": "def f(x):\n  return x\n"}, {"code": "def f(x): return x"}]
    assert reasons(make(numbered, spaced * 3))["duplicate_fragment"] >= 5
    problems = make(lambda request: f"[Problem Description]\nSort  a list.{' ' * (len(shown(request)) % 5)}\n[Solution]\n{shown(request)}")
    assert len(problems.rows) == 1 and reasons(problems) == {"duplicate_problem": 23}
    solutions = make(lambda request: f"[Problem Description]\n{shown(request)}\n[Solution]\nx{chr(10) * (len(shown(request)) % 3)}y")
    assert len(solutions.rows) == 1 and reasons(solutions) == {"duplicate_solution": 23}
    assert squeezed(" a\n\tb ") == "ab"


@pytest.mark.parametrize("where", ["problem", "solution"])
def test_invariant_7_a_text_of_a_benchmark_is_found_in_both_parts(where):
    planted = {"problem": "Task {}: From A List Of Integers, Remove duplicates.", "solution": "Solve {}."}
    if where == "solution":
        planted = {"problem": "Task {}.", "solution": "from a list of INTEGERS, remove duplicates: {}"}
    benchmarks = [{"text": "from a list of integers, remove duplicates", "name": "humaneval"}, {"text": "Task", "name": "short"}]
    grown = make(lambda request: write(request, **planted), benchmarks=benchmarks)
    assert grown.rows == [] and set(reasons(grown)) == {"contaminated_humaneval", "no_problem"}
    assert reasons(make(benchmarks=benchmarks)) == {"no_problem": reasons(grown)["no_problem"]}


def test_invariant_8_the_fragment_is_kept_and_not_shown_to_whoever_solves():
    for row in make().rows:
        assert row["fragment"] and row["fragment"].strip() not in row["instruction"] and row["language"] == "python"


def test_the_fragment_inspires_and_is_not_the_task():
    prompt = make(numbered, DOCUMENTS[:1]).prompts[0]
    assert "inspire" in prompt and "self-contained" in prompt and "[Problem Description]" in prompt and "[Solution]" in prompt


def test_empty_documents_and_lines_without_letters_cost_no_call():
    grown = make(numbered, [{"code": ""}, {"code": "\n\n\n"}, {"code": "}\n)\n"}, {"code": "__ = 1_0"}])
    assert grown.requests == [] and reasons(grown) == {"no_code": 4}


def test_the_reply_has_what_the_prompt_leaves_of_the_context():
    long = [{"code": "x = '" + "a" * 3000 + "'\n"}]
    assert make(numbered, long).requests[0].max_tokens == 2500
    assert 500 < make(numbered, long, context=2048).requests[0].max_tokens < 900
    assert reasons(make(numbered, long, context=900)) == {"too_long": 1}


def test_so_many_rows_as_asked_and_several_fragments_of_a_document():
    assert len(make(rows=5).rows) == 5
    grown = make(numbered, DOCUMENTS[:2], each=4, rows=6)
    assert len(grown.rows) == 6 and len({row["fragment"] for row in grown.rows}) == 6
