"""Files that appear whole or not at all: written aside, synced, renamed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tilth.errors import OutsideError


@contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[BinaryIO]:
    """Open `path` for writing so that readers see the old file until the new one is complete.

    With `sync` the content and the folder's entry are on disk when the block ends. On an error the old file stays.
    Raises OutsideError when the disk is full.
    """
    aside = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        aside.replace(path)
        if sync:
            sync_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_space(path) from error
        raise


def no_space(path: Path) -> OutsideError:
    """The error of a full disk; paid replies are in the journal, so the same command goes on."""
    what = f"no space left on the disk of {path}. All paid replies are in the journal: free space and run the same command again."
    return OutsideError(what, code="disk.full")


def sync_folder(folder: Path) -> None:
    """Put a folder's entries on disk, so that a rename in it survives a power loss."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def link(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`: a hard link, or a copy where the disk has no links."""
    if target.exists() and target.samefile(source):
        return  # a rename between two names of one file would do nothing and leave the name aside
    aside = target.with_name(target.name + ".tmp")
    aside.unlink(missing_ok=True)
    try:
        os.link(source, aside)
        aside.replace(target)
    except OSError:
        import shutil

        aside.unlink(missing_ok=True)
        with source.open("rb") as old, replacing(target) as new:
            shutil.copyfileobj(old, new)
