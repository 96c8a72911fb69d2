"""Code blocks of the project's Markdown pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/adding-a-method.md")
_FENCE = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^    [^\n]*\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block. name: page and line, for messages."""

    page: str
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str, language: str) -> list[Block]:
    """The fenced blocks of a page in one language, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [Block(page, text.count("\n", 0, match.start()) + 1, match["language"], match["text"]) for match in _FENCE.finditer(text)]
    return [block for block in found if block.language == language]


def output_after(block: Block) -> str | None:
    """The block of language `text` that follows directly: what the example prints."""
    follows = [other for other in blocks(block.page, "text") if other.line > block.line]
    ends = block.line + block.text.count("\n") + 2
    return follows[0].text if follows and follows[0].line - ends <= 1 else None


def command_lines(page: str) -> list[str]:
    """Every shell line of a page: in `sh` blocks and in indented blocks, without prompt and comment."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shell = [block.text for block in blocks(page, "sh")] + [match.group() for match in _INDENTED.finditer(_FENCE.sub("", text))]
    lines = [line.strip().removeprefix("$ ") for part in shell for line in part.splitlines()]
    return [re.split(r"\s{2,}|\s#", line)[0].strip() for line in lines if line.startswith(("make ", "tilth ", "pip ", ".ci/"))]
