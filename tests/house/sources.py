"""What the house tests read: every Python file of the package, parsed once, and every tracked file."""

from __future__ import annotations

import ast
import functools
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
_SKIPPED = {".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "runs", "dist", "build"}


@dataclass(frozen=True)
class Source:
    """One file of the package. module: its dotted name; lines: its text by line."""

    path: Path
    module: str
    lines: tuple[str, ...]
    tree: ast.Module

    def at(self, line: int) -> str:
        """`path:line`, as it is written in a list of offenders."""
        return f"{self.path.relative_to(ROOT)}:{line}"


@functools.cache
def package() -> tuple[Source, ...]:
    """Every module under src/tilth, sorted by path."""
    return tuple(_read(path) for path in sorted((SRC / "tilth").rglob("*.py")))


def _read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    parts = path.relative_to(SRC).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Source(path, module, tuple(text.splitlines()), ast.parse(text, str(path)))


@functools.cache
def tracked() -> tuple[Path, ...]:
    """Every file that git tracks or would add; without git, every file outside the known caches."""
    try:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
        files = [ROOT / name for name in listing.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        files = [path for path in ROOT.rglob("*") if not any(_is_skipped(part) for part in path.relative_to(ROOT).parts)]
    return tuple(sorted(path for path in files if path.is_file() and not path.is_symlink()))


def _is_skipped(folder: str) -> bool:
    return folder in _SKIPPED or folder.startswith(".venv")
