"""Where an export lands: it appears whole or not at all, and nothing is replaced that an export did not write."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tilth.errors import RequestError
from tilth.records.atomic import no_space, sync_folder

MANIFEST = "manifest.json"
_SWAP = 2  # RENAME_EXCHANGE of Linux
_HERE = -100  # AT_FDCWD


@contextmanager
def folder(target: Path) -> Iterator[Path]:
    """A folder to fill, which then becomes `target`; an earlier export there stays whole until that moment.

    Raises
    ------
    RequestError: there is something at `target` that no export wrote. OutsideError: the disk is full.
    """
    target = target.resolve() if target.is_symlink() else target
    check(target)
    aside = target.parent / f".{target.name}.{os.getpid()}.tmp"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        aside.mkdir()
        yield aside
        for path in sorted(aside.rglob("*")):
            _sync(path)
        _become(aside, target)
    except OSError as error:
        if error.errno is not None and os.strerror(error.errno) == os.strerror(28):
            raise no_space(target) from error
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check(target: Path) -> None:
    """Raise RequestError where `target` holds anything that is not an earlier export."""
    if target.is_file():
        raise RequestError(f"{target} is a file; this export is a folder. Choose another place with: -o", code="export.place")
    if not target.is_dir() or not any(target.iterdir()):
        return
    known = _listed(target)
    foreign = sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())
    foreign = [name for name in foreign if known is None or name not in known]
    if foreign:
        what = f"{target} holds {foreign[0]}{' and others' if len(foreign) > 1 else ''}, which no export wrote."
        raise RequestError(f"{what} Choose another folder with: -o", code="export.place")


def _listed(target: Path) -> set[str] | None:
    """What an earlier export says that it wrote; None where none did."""
    try:
        manifest = json.loads((target / MANIFEST).read_text("utf-8"))
        names = {str(one["path"]) for one in manifest["files"]}
        made = bool(manifest["export"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return names | {MANIFEST} if made else None


def _sweep(target: Path) -> None:
    """Remove what killed exports left aside."""
    for left in target.parent.glob(f".{target.name}.*.tmp"):
        number = left.name.split(".")[-2]
        if number.isdigit() and not _alive(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync(path: Path) -> None:
    if path.is_dir():
        sync_folder(path)
        return
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _become(aside: Path, target: Path) -> None:
    """Put `aside` where `target` is, in one step where the system can."""
    if not target.exists():
        aside.rename(target)
    elif not _exchange(aside, target):
        old = aside.with_name(aside.name + ".old")
        target.rename(old)
        aside.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    with suppress(OSError):
        sync_folder(target.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    return bool(rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _SWAP) == 0)
