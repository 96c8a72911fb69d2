"""Long texts cut into passages: at headings, at empty lines, or anywhere, with an overlap.

A token is a word or a mark here: no model's tokenizer is loaded to cut a text. A model counts about 1.3 times as many in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tilth.flows.grammar import SplitSpec
from tilth.records.record import Record
from tilth.text.sentences import TOKEN, sentences, tokens

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_GAP = re.compile(r"\n[ \t]*\n+")


def split(records: Iterable[Record], spec: SplitSpec, column: str = "text") -> Iterator[Record]:
    """The passages of records, in order. Other columns are kept; ``heading`` says under which headings a passage stands.

    A passage's id is that of its record and its number; a record that stays whole keeps its own.
    """
    for record in records:
        text = record.get(column)
        if not isinstance(text, str):
            yield record
            continue
        pieces = list(passages(text, spec))
        for number, (heading, piece) in enumerate(pieces, 1):
            columns = {**record.columns, column: piece, **({"heading": heading} if spec.by == "heading" else {})}
            own = record.id if len(pieces) == 1 else f"{record.id}#{number}"
            yield Record(columns, meta={**record.meta, "id": own})


def passages(text: str, spec: SplitSpec) -> Iterator[tuple[str, str]]:
    """(headings above it, passage) of a text; passages without a word are left out.

    >>> list(passages("# A\\none\\n\\n## B\\ntwo", SplitSpec(by="heading")))
    [('A', '# A\\none'), ('A > B', '## B\\ntwo')]
    """
    for heading, part in _sections(text) if spec.by == "heading" else [("", text)]:
        pieces = [part]
        if spec.by == "paragraph":
            pieces = _packed(_GAP.split(part), spec.max_tokens, spec.overlap, "\n\n") if spec.max_tokens else _GAP.split(part)
        elif spec.max_tokens is not None:
            pieces = _packed(_GAP.split(part), spec.max_tokens, spec.overlap, "\n\n") if spec.by != "tokens" else _cut(part, spec)
        for piece in pieces:
            if TOKEN.search(_HEADING.sub("", piece)):
                yield heading, piece.strip()


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """The text from each heading to the next, with the headings above it; a ``#`` within a block of code is none."""
    fenced = [found.span() for found in _FENCE.finditer(text)]
    heads = [one for one in _HEADING.finditer(text) if not any(start <= one.start() < end for start, end in fenced)]
    first = heads[0].start() if heads else len(text)
    if first:
        yield "", text[:first]
    way: list[tuple[int, str]] = []
    for number, head in enumerate(heads):
        level = len(head[1])
        way = [(depth, name) for depth, name in way if depth < level] + [(level, head[2])]
        end = heads[number + 1].start() if number + 1 < len(heads) else len(text)
        yield " > ".join(name for _, name in way), text[head.start() : end]


def _packed(parts: list[str], most: int, overlap: int, between: str) -> list[str]:
    """Parts put together up to `most` tokens; a part that is longer is cut at sentences, and a longer sentence anywhere."""
    out: list[str] = []
    held: list[str] = []
    size = 0
    for part in parts:
        n = tokens(part)
        if n > most:
            out += [between.join(held)] if held else []
            held, size = [], 0
            finer = [one.strip() for line in part.splitlines() for one in sentences(line)]
            out += _packed(finer, most, overlap, " ") if len(finer) > 1 else _windows(part, most, overlap)
            continue
        if size + n > most and held:
            out.append(between.join(held))
            held, size = _tail(held, min(overlap, most - n))
        held.append(part)
        size += n
    return [*out, between.join(held)] if held else out


def _tail(parts: list[str], overlap: int) -> tuple[list[str], int]:
    """The last parts that fit into `overlap` tokens."""
    size, tail = 0, list[str]()
    for part in reversed(parts):
        n = tokens(part)
        if size + n > overlap:
            break
        tail.insert(0, part)
        size += n
    return tail, size


def _cut(text: str, spec: SplitSpec) -> list[str]:
    return _windows(text, int(spec.max_tokens or 0), spec.overlap)


def _windows(text: str, most: int, overlap: int) -> list[str]:
    """Windows of `most` tokens that begin `most` - `overlap` tokens apart."""
    spans = [found.span() for found in TOKEN.finditer(text)]
    starts = range(0, max(1, len(spans) - overlap), most - overlap)
    return [text[spans[start][0] : spans[min(start + most, len(spans)) - 1][1]] for start in starts] if spans else []
