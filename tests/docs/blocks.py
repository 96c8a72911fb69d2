"""Code blocks of the project's Markdown pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
_FENCE = re.compile(r"^```(?P<language>[\w-]*)[ \t]*(?P<mark>[^\n]*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^    [^\n]*\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block. name: page and line, for messages. mark: what follows the language: `theirs` (another project's code)."""

    page: str
    line: int
    language: str
    mark: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str, language: str, *, theirs: bool = False) -> list[Block]:
    """The fenced blocks of a page in one language, in order; those of other projects only when asked for."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [(text.count("\n", 0, match.start()) + 1, match) for match in _FENCE.finditer(text)]
    made = [Block(page, line, match["language"], match["mark"], match["text"]) for line, match in found]
    return [block for block in made if block.language == language and (block.mark == "theirs") == theirs]


def everywhere(language: str) -> list[Block]:
    """The blocks of all pages in one language, but for other projects' code."""
    return [block for page in PAGES for block in blocks(page, language)]


def output_after(block: Block) -> str | None:
    """The block of language `text` that follows directly: what the example prints."""
    follows = [other for other in blocks(block.page, "text") if other.line > block.line]
    ends = block.line + block.text.count("\n") + 2
    return follows[0].text if follows and follows[0].line - ends <= 1 else None


def command_lines(page: str) -> list[str]:
    """Every shell line of a page: in `sh` blocks and in indented blocks, without prompt and comment; then those inside sentences."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shell = [block.text for block in blocks(page, "sh")] + [match.group() for match in _INDENTED.finditer(_FENCE.sub("", text))]
    lines = [line.strip().removeprefix("$ ") for part in shell for line in part.splitlines()]
    return [re.split(r"\s{2,}|\s#", line)[0].strip() for line in lines if line.startswith(("make ", "tilth ", "pip ", ".ci/"))]


def command_words(page: str) -> list[str]:
    """Commands in backticks within sentences: `tilth run FLOW --budget 3`. Some leave out what they need, so only names are checked."""
    text = _FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    return [" ".join(found.split()) for found in re.findall(r"`(tilth [a-z][^`]*)`", text)]


ORDERS = [f"{asks} parcel {number}?" for number in range(12) for asks in ("Where is my", "When will I get")]
REFUNDS = [f"{asks} order {number}." for number in range(12) for asks in ("I want my money back for", "Please refund")]


def inputs(folder: Path) -> None:
    """The files that the examples read and that readers bring themselves: real messages, questions, reviews, documents."""
    rows = [*((text, "order_status") for text in ORDERS), *((text, "refund") for text in REFUNDS)]
    texts = {
        "train.csv": _csv(rows[::2]),
        "test.csv": _csv(rows[1::2]),
        "reviews.csv": _csv([("I loved it.", "positive"), ("I left before the end.", "negative")]),
        "questions.jsonl": '{"question": "Why is the sky blue?"}\n',
        "docs/leave.md": "# Leave\n\nFull-time staff have 28 days a year.\n",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _csv(rows: list[tuple[str, str]]) -> str:
    return "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)
