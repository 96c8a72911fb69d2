"""Settings and where each one came from.

Precedence: command line > environment > `tilth.toml` or `[tool.tilth]` in `pyproject.toml` of the nearest parent folder
> flow > default. A file holds the settings of :data:`KNOWN` and a table `models` (role to spec), nothing else, and never a key.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tilth.errors import RequestError


@dataclass(frozen=True, slots=True)
class Known:
    """A setting: its default, the environment variable that sets it ("" for none), its type and its choices."""

    default: Any
    variable: str = ""
    type: type = str
    choices: tuple[str, ...] = ()


KNOWN: Mapping[str, Known] = {
    "runs": Known("runs", "TILTH_RUNS"),
    "progress": Known(None, "TILTH_PROGRESS", choices=("live", "plain", "json", "none")),
    "quiet": Known(0, "TILTH_QUIET", int),
    "color": Known("auto", "", choices=("auto", "always", "never")),
    "errors": Known(None, "TILTH_ERRORS", choices=("full", "short", "github")),
    "budget": Known(None, "", float),
    "concurrency": Known(None, "", int),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it came from: ``command line``, a variable's name, a file's name, ``flow`` or ``default``."""

    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Config:
    """What the environment and the nearest file say; see :func:`load`."""

    environ: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str, given: Any = None, flow: Any = None) -> Setting:
        """The value of setting `name`. `given`: from the command line; `flow`: from the flow; None: not set there.

        Raises
        ------
        RequestError: the environment or the file holds a value of the wrong type.
        """
        known = KNOWN[name]
        if given is not None:
            return Setting(given, "command line")
        if known.variable and self.environ.get(known.variable):
            return Setting(_typed(name, self.environ[known.variable], known.variable), known.variable)
        if name in self.values and self.file is not None:
            return Setting(_typed(name, self.values[name], self.file.name), self.file.name)
        if flow is not None:
            return Setting(flow, "flow")
        return Setting(known.default, "default")

    def models(self) -> dict[str, str]:
        """Role to spec, as the file's table `models` says."""
        return {str(role): str(spec) for role, spec in dict(self.values.get("models", {})).items()}


def load(start: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Read the settings of the nearest parent folder of `start` (default: the current folder) that has any.

    Raises
    ------
    RequestError: the file is no TOML, or names a setting that does not exist.
    """
    environ = dict(os.environ if environ is None else environ)
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        for name in ("tilth.toml", "pyproject.toml"):
            path = folder / name
            values = _table(path) if path.is_file() else None
            if values is not None:
                _check(values, path)
                return Config(environ, path, values)
    return Config(environ)


def _table(path: Path) -> dict[str, Any] | None:
    import tomllib

    text = path.read_text("utf-8", errors="replace")
    if path.name == "pyproject.toml" and "tool.tilth" not in text:
        return None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RequestError(f"not TOML ({error}). Mend or remove the file.", code="config.not_toml", file=str(path)) from error
    if path.name == "tilth.toml":
        return document
    found = document.get("tool", {}).get("tilth")
    return found if isinstance(found, dict) else None


def _check(values: Mapping[str, Any], path: Path) -> None:
    for key, value in values.items():
        if key == "models" and isinstance(value, dict):
            continue
        if key not in KNOWN:
            near = difflib.get_close_matches(key, [*KNOWN, "models"], 1, 0.6)
            hint = f"Did you mean '{near[0]}'?" if near else f"It knows: {', '.join([*KNOWN, 'models'])}."
            raise RequestError(f"'{key}' is no setting. {hint}", code="config.unknown_key", file=str(path))


def _typed(name: str, value: Any, origin: str) -> Any:
    known = KNOWN[name]
    try:
        result = known.type(value)
    except (TypeError, ValueError) as error:
        wanted = {int: "a whole number", float: "a number"}.get(known.type, "text")
        raise RequestError(f"'{name}' must be {wanted}, not \"{value}\" (from {origin}).", code="config.type") from error
    if known.choices and result not in known.choices:
        raise RequestError(f"'{name}' must be one of {', '.join(known.choices)}, not \"{value}\" (from {origin}).", code="config.choice")
    return result
