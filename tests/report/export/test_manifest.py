"""The manifest notices every change; the chain links inputs to output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tilth
from report.export.making import LABELLED, folder_of, reviews
from tilth.errors import RequestError
from tilth.report.card.human import marked
from tilth.report.manifest import verify


@pytest.fixture(params=["parquet", "jsonl", "csv"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    asked = {
        "data": {"support": {"read": "a.csv"}},
        "generate": [{"method": "attrprompt", "with": {"prompts": {"text": "Write {{ label }}."}}}],
    }
    run = folder_of(
        tmp_path / "run", reviews(30), LABELLED, asked=asked, noted={"inputs": {"support": {"file": "a.csv", "sha256": "ab", "rows": 3}}}
    )
    return tilth.export(run, request.param, out=tmp_path / "out", split="train=0.8,test=0.2").path


def test_every_byte_counts(out: Path) -> None:
    assert verify(out) == []
    data = next(path for path in sorted(out.rglob("*train*")) if path.is_file())
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(bytes(content))
    assert verify(out)[0] == f"{data.relative_to(out).as_posix()}: differs (SHA-256)"


def test_a_missing_file_is_noticed(out: Path) -> None:
    (out / "croissant.json").unlink()
    assert verify(out) == ["croissant.json: is missing"]


def test_changed_numbers_are_noticed(out: Path) -> None:
    manifest = json.loads((out / "manifest.json").read_bytes())
    manifest["rows"][0]["rows"] += 1
    manifest["rows"][1]["labels"] = {"good": 99}
    manifest["chain"][1]["holds"]["seed"] = 5
    (out / "manifest.json").write_text(json.dumps(manifest))
    found = verify(out)
    assert "manifest.json: its own hash does not fit: it was changed" in found
    assert "train: 24 rows, and the manifest says 25" in found
    assert "test: labels differ from those of the manifest" in found
    assert "manifest.json: the link 'request' of its chain does not fit" in found


def test_people_may_fill_their_blocks_and_nothing_else_of_the_card(out: Path) -> None:
    card = out / "README.md"
    text = card.read_text("utf-8")
    card.write_text(text.replace(marked("contact", "Not known."), marked("contact", "us")), "utf-8")
    assert verify(out) == []
    card.write_text(text.replace("30 records", "3000 records"), "utf-8")
    assert verify(out) == ["README.md: differs (SHA-256)"]


def test_it_says_what_was_made_of_what(out: Path) -> None:
    manifest = json.loads((out / "manifest.json").read_bytes())
    assert [link["stage"] for link in manifest["chain"]] == ["inputs", "request", "generate", "curate", "output"]
    assert manifest["chain"][0]["holds"] == {"support": "ab"}
    assert sum(part["rows"] for part in manifest["rows"]) == 30
    assert "attrprompt.text" in manifest["prompts"]
    assert manifest["models"] == [{"role": "generator", "model": "openai/gpt-test", "day": manifest["run"]["started"][:10]}]
    assert {"path", "bytes", "sha256"} == set(manifest["files"][1])
    assert not [one["path"] for one in manifest["files"] if Path(one["path"]).is_absolute()]


def test_no_manifest_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"has no manifest\.json"):
        verify(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(RequestError, match="cannot be read"):
        verify(tmp_path)
