"""A run's folder: where each file lies, the lock, and the state that is replaced atomically."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from tilth.errors import RequestError
from tilth.records.atomic import replacing

_NETWORK = (
    "nfs", "nfs4", "cifs", "smbfs", "smb2", "smb3", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "ncpfs", "coda",
    "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.juicefs", "fuse.nfs", "fuse.smb",
)  # fmt: skip


class RunFolder:
    """The files of one run (design: "A run is a folder"); nothing is created before :meth:`create`."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.run_json = self.path / "run.json"
        self.flow = self.path / "flow.yaml"
        self.progress = self.path / "progress.json"
        self.journal = self.path / "journal.db"
        self.rows = self.path / "rows"
        self.scores = self.path / "scores"
        self.decisions = self.path / "decisions.parquet"
        self.data = self.path / "data"
        self.rejected = self.path / "rejected"
        self.metrics = self.path / "metrics.json"
        self.report = self.path / "report.html"
        self.readme = self.path / "README.md"
        self.artifacts = self.path / "artifacts"
        self.spool = self.path / "spool"
        self.people = self.path / "people.jsonl"
        self.partial = self.path / "partial.jsonl"
        self.crash = self.path / "crash.txt"
        self._lock = self.path / ".lock"

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    @property
    def name(self) -> str:
        """The run's name: the last part of its path."""
        return self.path.name or self.path.resolve().name

    def create(self) -> RunFolder:
        """Make the folder and ``rows/`` where they are not there yet."""
        if self.path.exists() and not self.path.is_dir():
            raise RequestError(f"{self.path} is a file, not a run's folder. Choose another name.", code="run.folder")
        self.rows.mkdir(parents=True, exist_ok=True)
        return self

    def exists(self) -> bool:
        """Whether a run was started here."""
        return self.run_json.exists()

    def read_state(self) -> dict[str, Any]:
        """What run.json holds; empty where there is none. Raises RequestError where it cannot be read."""
        return _read_json(self.run_json)

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Replace run.json atomically; it is on disk when this returns."""
        _write_json(self.run_json, state, sync=True)

    def read_progress(self) -> dict[str, Any]:
        """What progress.json holds; empty where there is none."""
        return _read_json(self.progress)

    def write_progress(self, progress: Mapping[str, Any]) -> None:
        """Replace progress.json atomically, without waiting for the disk."""
        _write_json(self.progress, progress, sync=False)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for this process; the system frees it when the process ends, however it ends.

        Raises RequestError that names the process which holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._in_use(os.pread(handle, 1000, 0)) from None
            holder = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(holder).encode(), 0)
            yield
            os.ftruncate(handle, 0)
        finally:
            os.close(handle)

    def held(self) -> bool:
        """Whether a process is writing the run now."""
        try:
            handle = os.open(self._lock, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(handle)
        return False

    def _in_use(self, content: bytes) -> RequestError:
        try:
            holder = json.loads(content)
            since = datetime.fromisoformat(holder["since"]).astimezone()
            who = f"process {holder['pid']} since {since:%H:%M}"
        except (ValueError, KeyError, TypeError):
            who = "another process"
        return RequestError(f"{self.path} is being written by {who}. Watch it with: tilth status {self.name} --watch", code="run.in_use")


def check_local(path: str | Path, mounts: str | Path = "/proc/mounts") -> None:
    """Raise RequestError where `path` lies on a network file system, on which a journal can lose what was paid.

    Where the system has no table of mounts, nothing is refused.
    """
    try:
        table = Path(mounts).read_text(errors="replace")
    except OSError:
        return
    real = os.path.realpath(path)
    best, kind = "", ""
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].encode("latin-1", "replace").decode("unicode_escape").rstrip("/")
        if (real == point or real.startswith(point + "/")) and len(point) >= len(best):
            best, kind = point, fields[2]
    if kind in _NETWORK or kind.startswith(("nfs", "smb")):
        what = f"{path} is on a network file system ({kind}), where a journal is not safe. Keep it on a local disk with: --journal DIR"
        raise RequestError(what, code="run.network_disk")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except orjson.JSONDecodeError as error:
        raise _damaged(path, str(error)) from None
    if not isinstance(value, dict):
        raise _damaged(path, "not an object")
    return value


def _damaged(path: Path, why: str) -> RequestError:
    return RequestError(f"{path} cannot be read ({why}). Restore it, or start the run under another name.", code="run.damaged")


def _write_json(path: Path, value: Mapping[str, Any], *, sync: bool) -> None:
    with replacing(path, sync=sync) as file:
        file.write(orjson.dumps(dict(value), str, orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY) + b"\n")
