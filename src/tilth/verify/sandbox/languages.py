"""Languages: Python runs in the process that is confined; others where their tool is found among the system's programs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from ...errors import RequestError

_PATH = "/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Language:
    """How a text of a language becomes a program. Words of `compile` and `command` stand as they are; the first is the tool."""

    file: str
    command: tuple[str, ...]
    compile: tuple[str, ...] = ()
    address_space: bool = True
    """False: the runtime reserves far more address space than it uses, so only resident memory is bounded."""


LANGUAGES: dict[str, Language] = {
    "javascript": Language("program.js", ("node", "--stack-size=800", "program.js"), address_space=False),
    "bash": Language("program.sh", ("bash", "program.sh")),
    "perl": Language("program.pl", ("perl", "program.pl")),
    "ruby": Language("program.rb", ("ruby", "program.rb")),
    "lua": Language("program.lua", ("lua", "program.lua")),
    "c": Language("program.c", ("./program",), ("cc", "-O1", "-o", "program", "program.c", "-lm")),
    "cpp": Language("program.cpp", ("./program",), ("c++", "-O1", "-o", "program", "program.cpp")),
    "java": Language("Main.java", ("java", "-Xmx256m", "-XX:+UseSerialGC", "Main.java"), address_space=False),
}


def language(name: str) -> Language:
    """The language called `name`, its tool with its full path.

    Raises
    ------
    RequestError: unknown, or its tool is not on this machine.
    """
    if name not in LANGUAGES:
        raise RequestError(f"no language is called '{name}'. There is: python, {', '.join(LANGUAGES)}.", code="sandbox.language")
    found = LANGUAGES[name]
    return Language(found.file, _resolved(name, found.command), _resolved(name, found.compile), found.address_space)


def _resolved(name: str, words: tuple[str, ...]) -> tuple[str, ...]:
    if not words or words[0].startswith("./"):
        return words
    tool = shutil.which(words[0], path=_PATH)
    if tool is None:
        raise RequestError(f"{name} programs need {words[0]}, which is not installed in /usr/bin.", code="sandbox.tool")
    return (tool, *words[1:])
