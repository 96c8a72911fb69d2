"""`tilth doctor`: what works on this machine and what is missing."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tilth.cli.numbers import size
from tilth.cli.options import Answer, Session, command
from tilth.config import KNOWN

EXTRAS: dict[str, tuple[str, str]] = {
    "ml": ("sklearn", "clusters, students"),
    "local": ("openvino_genai", "the embedded model"),
}
"""Extra to (module that shows it is there, what it adds)."""

LOW_DISK, LOW_MEMORY = 1e9, 1e9
"""Bytes below which a warning is given."""


@dataclass
class Check:
    """One line of the screen: `state` done, warn or fail; `facts` go into the JSON object."""

    name: str
    state: Literal["done", "warn", "fail"]
    text: str
    facts: dict[str, Any] = field(default_factory=dict)


@command(
    "doctor",
    examples=("doctor", "doctor --json        what a bug report should contain: no paths of home, no keys"),
    help="Check python, extras, settings, keys (set or not, never shown), disk, memory, the embedded model and the terminal.",
)
def doctor(session: Session) -> Answer:
    """Run all checks; exit 1 when something needed is missing."""
    found: list[Check] = []
    for check in CHECKS:
        found += check(session)
    printer = session.printer
    for one in found:
        color = {"done": "green", "warn": "yellow", "fail": "red"}[one.state]
        symbol = printer.symbol(one.state) if printer.unicode(printer.out) else {"done": "ok", "warn": "!", "fail": "fail"}[one.state]
        printer.result((symbol, color), f" {one.text}")
    bad = [one for one in found if one.state == "fail"]
    if any(one.name == "embedded_model" and one.state == "warn" for one in found):
        printer.advise("tilth models pull local", "the embedded model, so that everything runs without a key")
    elif not bad:
        printer.advise("tilth demo")
    rows = [{"name": one.name, "state": {"done": "ok"}.get(one.state, one.state), **one.facts} for one in found]
    return Answer({"checks": rows, "healthy": not bad}, exit=1 if bad else 0)


def _python(_session: Session) -> list[Check]:
    import platform

    from tilth import __version__

    here = {name: _has(module) for name, (module, _) in EXTRAS.items()}
    have = ", ".join(name for name, there in here.items() if there) or "none"
    lack = ", ".join(f"{name}: {EXTRAS[name][1]}" for name, there in here.items() if not there)
    text = f"python {platform.python_version()}, tilth {__version__}, extras: {have}" + (
        f"         (not installed: {lack})" if lack else ""
    )
    facts = {
        "python": platform.python_version(),
        "tilth": __version__,
        "extras": here,
        "system": platform.system(),
        "machine": platform.machine(),
    }
    return [Check("python", "done" if sys.version_info >= (3, 11) else "fail", text, facts)]


def _packages(_session: Session) -> list[Check]:
    import importlib.metadata as metadata

    versions: dict[str, str] = {}
    missing = []
    for name in (
        "numpy",
        "pyarrow",
        "pydantic",
        "click",
        "rich",
        "pyyaml",
        "jinja2",
        "aiohttp",
        "orjson",
        "rapidfuzz",
        "xxhash",
        "jsonschema",
    ):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        text = f"packages: {', '.join(missing)} not installed. Install with: pip install -U tilth"
        return [Check("packages", "fail", text, {"versions": versions, "missing": missing})]
    return [Check("packages", "done", f"packages: all {len(versions)} there", {"versions": versions, "missing": []})]


def _settings(session: Session) -> list[Check]:
    values = {name: session.config.get(name, session.given.get(name)) for name in KNOWN}
    shown = [f"{name}={one.value} ({one.origin})" for name, one in values.items() if one.origin != "default"]
    models = [f"{role}={spec} ({session.config.file.name})" for role, spec in session.config.models().items() if session.config.file]
    text = "settings: " + (" · ".join([*shown, *models]) or "all default")
    facts = {"settings": {name: {"value": one.value, "origin": one.origin} for name, one in values.items() if name != "runs"}}
    return [Check("settings", "done", text, facts)]


def _keys(session: Session) -> list[Check]:
    from tilth.cli.providers import key_variables

    found = {name: bool(session.config.environ.get(name)) for name in key_variables().values()}
    have = [f"{name} set" for name, there in found.items() if there]
    lack = [name for name, there in found.items() if not there]
    text = "keys: " + " · ".join([*have, f"not set: {', '.join(lack)}"] if lack else have)
    return [Check("keys", "done", text, {"set": found})]


def _disk(session: Session) -> list[Check]:
    runs = session.runs
    folder = next((one for one in (runs, *runs.resolve().parents) if one.is_dir()), Path.cwd())
    free = shutil.disk_usage(folder).free
    shown = str(runs) if not runs.is_absolute() else runs.name
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".tilth-doctor-") as probe:
            probe.write(b"x" * 1024)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        text = f"{shown}/ cannot be written ({error.strerror}). Give another folder with --runs or TILTH_RUNS."
        return [Check("runs_folder", "fail", text, {"writable": False, "free_bytes": free})]
    low = free < LOW_DISK
    return [
        Check("runs_folder", "warn" if low else "done", f"{shown}/ writable, {size(free)} free", {"writable": True, "free_bytes": free})
    ]


def _memory(_session: Session) -> list[Check]:
    free = _free_memory()
    cores = os.cpu_count() or 1
    low = free is not None and free < LOW_MEMORY
    return [Check("memory", "warn" if low else "done", f"memory {size(free)} free, {cores} cores", {"free_bytes": free, "cores": cores})]


def _free_memory() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _embedded(_session: Session) -> list[Check]:
    from tilth.models.local.weights import is_pulled, pin_of

    pin = pin_of("local")
    there, engine = is_pulled(pin), _has("openvino_genai")
    facts = {"model": pin.name, "pulled": there, "engine": engine}
    if there and engine:
        return [Check("embedded_model", "done", f"embedded model {pin.name}", facts)]
    what = [] if engine else ["pip install 'tilth[local]'"]
    what += [] if there else [f"tilth models pull local ({pin.megabytes} MB)"]
    text = f"embedded model {pin.name} is not ready. Get it with: {', then '.join(what)}"
    return [Check("embedded_model", "warn", text, facts)]


def _sandbox(_session: Session) -> list[Check]:
    from tilth.verify.sandbox import describe, kind

    found = kind()
    text = f"sandbox: {describe()}"
    return [Check("sandbox", "done" if found else "warn", text, {"kind": found})]


def _terminal(session: Session) -> list[Check]:
    printer = session.printer
    facts = {
        "stdout": printer.terminal(printer.out),
        "stderr": printer.terminal(printer.err),
        "columns": printer.columns(printer.err),
        "color": printer.colored(printer.err),
        "utf8": printer.unicode(printer.err),
    }
    kind = f"{facts['columns']} columns" if facts["stderr"] else "no terminal on stderr"
    text = f"terminal: {kind}, colour {'on' if facts['color'] else 'off'}, {'UTF-8' if facts['utf8'] else 'ASCII only'}"
    return [Check("terminal", "done", text, facts)]


def _clock(_session: Session) -> list[Check]:
    import time

    sane = time.time() > 1_767_225_600  # 2026-01-01
    text = "clock" if sane else "clock is before 2026: TLS certificates will be refused. Set the clock."
    return [] if sane else [Check("clock", "warn", text, {"sane": sane})]


def _has(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


CHECKS: tuple[Callable[[Session], list[Check]], ...] = (
    _python,
    _packages,
    _settings,
    _keys,
    _disk,
    _memory,
    _embedded,
    _sandbox,
    _terminal,
    _clock,
)
