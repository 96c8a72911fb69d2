"""What only people can say: blocks between marks that survive when the card is made again, and the count of what is answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

UNKNOWN = "Not known."
_BLOCK = re.compile(r"<!-- tilth:human ([\w-]+) -->\n?(.*?)\n?<!-- /tilth:human \1 -->", re.DOTALL)


def blocks(text: str) -> dict[str, str]:
    """Name to what people wrote, of a card; those that still say that nothing is known are left out.

    >>> blocks(marked("bias", "Only one region.") + marked("uses", UNKNOWN))
    {'bias': 'Only one region.'}
    """
    found = {name: inside.strip() for name, inside in _BLOCK.findall(text)}
    return {name: inside for name, inside in found.items() if inside and inside != UNKNOWN}


def marked(name: str, text: str) -> str:
    """A block with its marks."""
    return f"<!-- tilth:human {name} -->\n{text}\n<!-- /tilth:human {name} -->"


def without(text: str) -> str:
    """The card with every block emptied: what tilth has written and answers for."""
    return _BLOCK.sub(lambda found: marked(found[1], ""), text)


@dataclass
class Items:
    """Questions of a card, each answered or not. written: what people wrote in the card before."""

    written: Mapping[str, str] = field(default_factory=dict)
    answered: dict[str, bool] = field(default_factory=dict)

    def human(self, name: str, otherwise: str = "") -> str:
        """The block `name`: what people wrote, else what the run knows, else that nothing is known.

        A block that people wrote is an answer; what the run knows stands before the block and is one too.
        """
        text = self.written.get(name, "")
        self.answered[name] = bool(text or otherwise)
        block = marked(name, text or UNKNOWN)
        return f"{otherwise}\n\n{block}" if otherwise else block

    def say(self, name: str, text: str) -> str:
        """An answer from the run, or that nothing is known."""
        self.answered[name] = bool(text)
        return text or UNKNOWN

    def rest(self, used: str) -> dict[str, str]:
        """Blocks that people added under names of their own: kept as they are."""
        return {name: text for name, text in self.written.items() if f"<!-- tilth:human {name} -->" not in used}

    @property
    def complete(self) -> str:
        """`21 of 24 items answered`"""
        return f"{sum(self.answered.values())} of {len(self.answered)} items answered"
