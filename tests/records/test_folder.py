"""A run's folder: one writer at a time, state that is never half written, and no journal on a network disk."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tilth.errors import RequestError
from tilth.records.folder import RunFolder, check_local

HOLD = (
    "import sys, time; from tilth.records.folder import RunFolder\n"
    "with RunFolder(sys.argv[1]).lock():\n    sys.stdout.write('locked\\n'); sys.stdout.flush(); time.sleep(60)\n"
)


def test_the_layout_is_the_one_of_the_design() -> None:
    folder = RunFolder("runs/demo")
    assert folder.name == "demo"
    files = ("journal", "rows", "rejected", "data", "scores", "artifacts", "spool", "people", "partial", "crash", "progress", "run_json")
    assert [str(getattr(folder, name).relative_to("runs/demo")) for name in files] == [
        "journal.db", "rows", "rejected", "data", "scores", "artifacts", "spool", "people.jsonl", "partial.jsonl", "crash.txt",
        "progress.json", "run.json",
    ]  # fmt: skip
    assert not Path("runs").exists()


def test_state_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run").create()
    assert (folder.read_state(), folder.read_progress(), folder.exists()) == ({}, {}, False)
    folder.write_state({"status": "running", "seed": 7})
    with pytest.raises(TypeError):
        folder.write_state({"status": {1, 2}, object(): "no key"})
    folder.write_state({"status": "done"})
    folder.write_progress({"kept": 3})
    assert (folder.read_state(), folder.read_progress(), folder.exists()) == ({"status": "done"}, {"kept": 3}, True)
    assert sorted(path.name for path in folder.path.iterdir()) == ["progress.json", "rows", "run.json"]


@pytest.mark.parametrize("content", ["{half", "[]"])
def test_a_damaged_state_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RequestError, match=r"run.json cannot be read \(.*\). Restore it"):
        RunFolder(tmp_path).read_state()


def test_a_file_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("x")
    with pytest.raises(RequestError, match="is a file, not a run's folder"):
        RunFolder(tmp_path / "run").create()


def test_a_second_process_is_told_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "support-intents"
    source = str(Path(__file__).parents[2] / "src")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": source}
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    with pytest.raises(RequestError) as caught, RunFolder(path).lock():
        pass
    line = rf"{re.escape(str(path))} is being written by process {holder.pid} since \d\d:\d\d\. "
    line += "Watch it with: tilth status support-intents --watch"
    assert re.fullmatch(line, str(caught.value))
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with RunFolder(path).lock():  # the system freed it
        assert str(os.getpid()) in (path / ".lock").read_text()


def test_a_lock_is_freed_at_the_end_and_after_an_error(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(ZeroDivisionError), folder.lock():
        _ = 1 / 0
    with folder.lock(), pytest.raises(RequestError, match=f"process {os.getpid()} since {datetime.now().astimezone():%H}"), folder.lock():
        pass


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local\\040disk ext4 rw 0 0
//box/share /mnt/box cifs rw 0 0
me@host:/ /mnt/ssh fuse.sshfs rw 0 0
none /mnt/windows 9p rw 0 0
server:/old /srv nfs rw 0 0
/dev/sdc1 /srv ext4 rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/runs/x", "nfs4"),
        ("/home", "nfs4"),
        ("/mnt/box/x", "cifs"),
        ("/mnt/ssh/runs", "fuse.sshfs"),
        ("/homes/x", None),
        ("/home/local disk/x", None),
        ("/mnt/windows/x", None),
        ("/srv/x", None),
        ("/var/x", None),
    ],
)
def test_a_network_disk_is_refused(tmp_path: Path, path: str, kind: str | None) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    if kind is None:
        check_local(path, tmp_path / "mounts")
        return
    with pytest.raises(RequestError) as caught:
        check_local(path, tmp_path / "mounts")
    assert str(caught.value) == (
        f"{path} is on a network file system ({kind}), where a journal is not safe. Keep it on a local disk with: --journal DIR"
    )


def test_this_machine_is_local_enough(tmp_path: Path) -> None:
    check_local(tmp_path, tmp_path / "no table of mounts here")
