"""The command line: thin commands over the library. `main` is the entry point of the program `tilth`."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. `argv` without the program's name; None: from the process."""
    from tilth.cli.app import run

    return run(argv)
