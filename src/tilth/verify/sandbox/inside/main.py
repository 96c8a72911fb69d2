"""The first thing that runs inside: read what is asked, confine this process, say so, then run what is not trusted."""

from __future__ import annotations

import os
import sys
from typing import Any

from .channel import Channel, read_config
from .confine import confine


def main() -> None:
    """Read the configuration from standard input and do what it asks; never returns."""
    start(read_config(0))


def start(config: dict[str, Any]) -> None:
    """Confine this process, report that it is confined, and run the program; never returns."""
    confine(config)
    report = Channel(-1, config["report"])
    os.set_inheritable(config["report"], False)
    report.send({"ready": config["nonce"]})
    code = _dispatch(config, report)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass  # the program closed or replaced them
    os._exit(code & 0xFF)


def _dispatch(config: dict[str, Any], report: Channel) -> int:
    mode = config["mode"]
    if mode == "tool":
        return tool(config)
    _interactive_names()
    if mode == "run":
        from .program import script

        return script(config, report)
    if mode == "call":
        from .program import calls

        return calls(config, report)
    if mode == "serve":
        from .serving import serve

        return serve(config, report)
    from .testing import tests

    return tests(config, report)


def _interactive_names() -> None:
    """`exit` and `quit`, which programs use although only an interactive Python promises them (site is not loaded)."""
    import builtins
    from _sitebuiltins import Quitter
    from typing import cast

    names = cast(Any, builtins)
    names.exit, names.quit = Quitter("exit", "Ctrl-D"), Quitter("quit", "Ctrl-D")


def tool(config: dict[str, Any]) -> int:
    """Another language: write the text into a file, compile it where the language needs that, become the program."""
    with open(config["file"], "w", encoding="utf-8") as file:
        file.write(config["code"])
    compile_with = config["compile"]
    if compile_with:
        done = os.spawnv(os.P_WAIT, compile_with[0], compile_with)
        if done:
            return 1
    os.execv(config["command"][0], config["command"])
