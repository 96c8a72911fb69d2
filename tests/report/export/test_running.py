"""`tilth.run` leaves a card, and does what the flow says under `export`."""

from __future__ import annotations

from pathlib import Path

import yaml

import tilth
from tilth.report.manifest import verify

FLOW = {
    "tilth": 1,
    "name": "notes",
    "task": {"kind": "text"},
    "generate": {"rows": 8, "columns": {"text": {"prompt": "Write note number {{ row }}."}}},
    "export": [{"to": "jsonl", "split": {"train": 0.75, "test": 0.25}}, {"to": "csv", "path": "taken"}],
}


def test_a_python_run_leaves_card_and_exports(tmp_path: Path) -> None:
    Path("taken").mkdir()
    Path("taken", "mine").write_text("mine")
    Path("notes.yaml").write_text(yaml.safe_dump(FLOW))
    model = tilth.ScriptedModel(lambda request: f"A note on {request.messages[-1]['content'].split()[-1]}")
    outcome = tilth.run("notes.yaml", models={"generator": model}, runs=tmp_path)
    assert outcome.status == "done"
    assert (outcome.path / "README.md").read_text().startswith("---\n")
    assert verify(outcome.path) == verify(outcome.path / "exports" / "jsonl") == []
    refused = [line for line in outcome.warnings if line.startswith("not exported to csv: ")]
    assert refused == ["not exported to csv: taken holds mine, which no export wrote. Choose another folder with: -o"]
    assert [path.name for path in Path("taken").iterdir()] == ["mine"]
