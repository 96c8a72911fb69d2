"""Long texts as data: where they are cut, what each passage knows, and that nothing is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.support import go, model, said
from tilth.errors import RequestError
from tilth.flows.flow import Flow
from tilth.flows.grammar import SplitSpec
from tilth.flows.splitting import passages

BOOK = """\
Before all.

# Leave

Ask early.

## Sick

Call in.

```sh
# no heading
```

# Pay

On the 25th.
"""


def cut(text: str, **spec: object) -> list[str]:
    return [piece for _, piece in passages(text, SplitSpec.model_validate(spec))]


def words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text)


def test_headings_cut_and_the_way_to_them_is_kept() -> None:
    found = list(passages(BOOK, SplitSpec(by="heading")))
    assert [heading for heading, _ in found] == ["", "Leave", "Leave > Sick", "Pay"]
    assert found[2][1].startswith("## Sick") and "# no heading" in found[2][1]


def test_paragraphs_are_cut_at_empty_lines_and_packed_up_to_the_most_tokens() -> None:
    text = "one two three\n\nfour five\n\nsix seven eight nine ten\n\neleven"
    assert cut(text, by="paragraph") == ["one two three", "four five", "six seven eight nine ten", "eleven"]
    assert cut(text, by="paragraph", max_tokens=8) == ["one two three\n\nfour five", "six seven eight nine ten\n\neleven"]


def test_tokens_are_cut_in_windows_that_overlap() -> None:
    text = " ".join(f"w{n}" for n in range(20))
    pieces = cut(text, by="tokens", max_tokens=8, overlap=2)
    assert [words(piece)[0] for piece in pieces] == ["w0", "w6", "w12"]
    assert words(pieces[-1])[-1] == "w19"


def test_a_document_stays_whole_unless_it_is_too_long() -> None:
    assert cut(BOOK, by="document") == [BOOK.strip()]
    pieces = cut("A b c. " * 30, by="document", max_tokens=12)
    assert len(pieces) > 5 and all(len(words(piece)) <= 12 for piece in pieces)


def test_an_abbreviation_ends_no_sentence() -> None:
    assert cut("It was Dr. Who. He came in. Nobody saw Mr. Smith.", by="document", max_tokens=8, overlap=0) == [
        "It was Dr. Who.",
        "He came in.",
        "Nobody saw Mr. Smith.",
    ]


@given(st.lists(st.sampled_from(["word", "Other.", "\n\n", "\n", "three little words."]), max_size=60), st.integers(8, 20))
def test_every_word_is_in_some_passage_and_no_passage_is_too_long(parts: list[str], most: int) -> None:
    text = " ".join(parts)
    for by in ("paragraph", "tokens", "document"):
        pieces = cut(text, by=by, max_tokens=most)
        assert all(len(words(piece)) <= most for piece in pieces)
        kept = [word for piece in pieces for word in words(piece)]
        assert kept == words(text)


def test_a_flow_reads_passages_with_ids_of_their_own() -> None:
    Path("docs").mkdir()
    Path("docs/book.md").write_text(BOOK)
    text = """\
tilth: 1
task: {}
data:
  passages: {read: docs/*.md, split: {by: heading, max_tokens: 50, overlap: 10}}
generate:
  from: passages
  columns:
    question: {prompt: 'Ask about {{ heading }}: {{ text }}'}
"""
    outcome, records = go(text, model(said))
    assert outcome.kept == 4
    assert "Ask about Leave > Sick: ## Sick" in records[2]["question"]
    parents = [record.meta["parents"][0] for record in records]
    assert len({parent.split("#")[0] for parent in parents}) == 1 and [parent.split("#")[1] for parent in parents] == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("split", "line"),
    [
        ("{by: tokens}", "f.yaml:3:24: a split by tokens needs 'max_tokens'."),
        ("{max_tokens: 20, overlap: 20}", "f.yaml:3:57: 'overlap' must be less than 'max_tokens' (20), not 20."),
        ("{by: chapter}", "f.yaml:3:36: 'by' cannot be \"chapter\". It is one of 'document', 'heading', 'paragraph', 'tokens'."),
        ("{overlapp: 3}", "f.yaml:3:32: 'overlapp' is not a key here. Did you mean 'overlap'?"),
    ],
)
def test_mistakes_in_a_split(split: str, line: str) -> None:
    Path("b.md").write_text("x")
    text = f"tilth: 1\ntask: {{}}\ndata: {{d: {{read: b.md, split: {split}}}}}\ngenerate: {{from: d, columns: {{x: {{compute: text}}}}}}\n"
    with pytest.raises(RequestError) as caught:
        Flow.from_text(text, name="f.yaml")
    assert str(caught.value) == line
