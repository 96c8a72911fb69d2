"""Plain text: lines of .txt, whole .md files, and the decoding that every text format shares."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from tilth.errors import RequestError
from tilth.records.formats import Rows, Source

_OTHERS = ((codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"))


def raw_lines(source: Source) -> Iterator[tuple[int, bytes]]:
    """Physical lines with their numbers, ends included; a byte order mark is removed."""
    with open(source.path, "rb") as file:
        for number, line in enumerate(file, 1):
            yield number, _without_mark(source, line) if number == 1 else line


def _without_mark(source: Source, line: bytes) -> bytes:
    for mark, name in _OTHERS:
        if line.startswith(mark):
            raise RequestError(f"not UTF-8 but {name}. Save it as UTF-8.", code="data.encoding", file=source.shown, line=1)
    return line.removeprefix(codecs.BOM_UTF8)


def decoded(source: Source, number: int, line: bytes) -> str:
    """A line as text; RequestError names the byte that is not UTF-8."""
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        what = f"not UTF-8 (byte 0x{line[error.start]:02x} at column {error.start + 1}). Save it as UTF-8."
        raise RequestError(what, code="data.encoding", file=source.shown, line=number) from None


def txt(source: Source) -> Rows:
    """Each line that is not blank is a record with the column ``text``."""
    for number, line in raw_lines(source):
        text = decoded(source, number, line).rstrip("\r\n")
        if text.strip():
            yield number, {"text": text}


def document(source: Source) -> Rows:
    """The file is one record with the column ``text``; a blank file is none."""
    text = "".join(decoded(source, number, line) for number, line in raw_lines(source)).replace("\r\n", "\n")
    if text.strip():
        yield None, {"text": text}
