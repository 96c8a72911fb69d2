"""Preview and dry run: made aside, paid once, and an estimate that counts only the calls that were this flow's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Tell
from tilth.models.faults import FaultServer

FLOW = """\
tilth: 1
name: prices
models:
  generator: {{model: "openai/test@{url}", price: {{in: 1000, out: 0}}}}
  judge: {{model: "openai/gpt-4.1@{url}", price: {{in: 5000, out: 0}}}}
task: {{about: Numbers.}}
generate:
  rows: 40
  columns:
    text: {{prompt: "Say a number, {word}", temperature: 0.5}}
curate:
  - judge: {{asks: is it a number, keep: 3}}
  - dedupe: {{near: 0.85}}
"""


def said(job: dict[str, Any]) -> str:
    """Every other number is liked; judges ask at temperature 0."""
    asks = str(job["messages"][-1]["content"])
    if "is it a number" in asks:
        return '{"score": 5, "reason": "yes"}' if "even" in asks else '{"score": 1, "reason": "no"}'
    return f"number {job.get('seed')} {'even' if int(job.get('seed') or 0) % 2 else 'odd'}"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(reply=said) as running:
        yield running


def flow(server: FaultServer, word: str = "please") -> str:
    Path("prices.yaml").write_text(FLOW.format(url=server.url, word=word))
    return "prices.yaml"


def test_a_dry_run_counts_judges_per_row_and_names_what_it_cannot_foresee(tilth: Tell, server: FaultServer) -> None:
    result = tilth("run", flow(server), "--dry-run", "10", "--json").json["result"]
    assert result["ran"]["kept"] == 10 and result["ran"]["calls"] == 20 == server.stats()["requests"]
    estimate = result["estimate"]
    assert estimate["calls"]["expected"] == 80 and (estimate["calls"]["low"], estimate["calls"]["high"]) == (80, 80)
    assert result["not_foreseen"] == ["dedupe"]
    kept = estimate["kept"]
    assert 0 < kept["low"] < kept["expected"] < kept["high"] < 40
    assert sum(result["by_role_usd"].values()) == pytest.approx(estimate["usd"]["expected"])
    assert not Path("runs/prices/run.json").exists()
    text = tilth("run", "prices.yaml", "--dry-run", "10")
    assert "ran 10 of 40 units: 10 kept, 0 rejected, 0 calls, $0.00" in text.err
    rows = [line.split("\t") for line in text.out.splitlines()]
    assert rows[0][:3] == ["for 40 rows", "expected", "90 % interval"] and rows[1][:3] == ["calls", "80", "80 … 80"]
    assert rows[-1][-1] == "dedupe: not foreseeable"
    whole = tilth("run", "prices.yaml", "--json").json["result"]["usage"]
    assert whole["from_journal"] == 20 and server.stats()["requests"] == 80


def test_after_an_edit_the_calls_of_the_old_prompt_do_not_count(tilth: Tell, server: FaultServer) -> None:
    first = tilth("preview", flow(server), "-n", "4", "--json").json["result"]
    again = tilth("preview", flow(server, "now"), "-n", "4", "--json").json["result"]
    for one in (first, again):
        assert one["estimate"]["calls"]["expected"] == 80
        assert [[call["role"] for call in record["calls"]] for record in one["records"]] == [["generator", "judge"]] * 4
        assert all(record["scores"]["judge"][0] in "15" for record in one["records"])
    assert "now" in str(again["records"][0]["calls"]) and "please" not in str(again["records"][0]["calls"])
    before = server.stats()["requests"]
    assert tilth("preview", "prices.yaml", "-n", "4").exit == 0 and server.stats()["requests"] == before


def test_only_one_record_and_one_that_is_rejected_says_why(tilth: Tell, server: FaultServer) -> None:
    found = tilth("preview", flow(server), "-n", "6", "--json").json["result"]["records"]
    at = next(number for number, one in enumerate(found, 1) if one["state"] == "rejected")
    told = tilth("preview", "prices.yaml", "-n", "6", "--record", str(at))
    assert told.out.startswith(f'record {at} of 6 · rejected: judge "judged low"') and told.out.count("record ") == 1


def test_a_trial_that_fails_has_the_exit_code_of_its_cause(tilth: Tell, server: FaultServer) -> None:
    path = flow(server)
    told = tilth("preview", path, "-m", "openai/test@http://127.0.0.1:9/v1", "--max-calls", "1", "--json")
    assert told.exit in (3, 4) and told.json["error"]["exit"] == told.exit
    none = tilth("preview", path, "-s", "curate=[{drop_if: 'true'}]", "-n", "2", "--json")
    assert (none.exit, none.json["error"]["code"]) == (1, "run.empty") and len(none.json["result"]["records"]) == 2


def test_what_a_verifier_said_stands_in_preview_and_trace(tilth: Tell) -> None:
    columns = "{text: {prompt: Say a number.}, digits: {verify: regex, using: {text: text, pattern: pattern}, keep: false}"
    more = ', pattern: {values: ["[a-z]+"], keep: false}}'
    Path("f.yaml").write_text(f"tilth: 1\nname: f\ntask: {{about: Numbers.}}\ngenerate:\n  rows: 2\n  columns: {columns}{more}\n", "utf-8")
    told = tilth("preview", "f.yaml", "--scripted", "-n", "1")
    assert told.exit == 0, told.err
    assert "  digits             0 (" in told.out
    assert tilth("run", "f.yaml", "--scripted").exit == 0
    first = tilth("trace", "f").out.splitlines()[1].split("\t")[0]
    shown = tilth("trace", "f", first)
    assert shown.exit == 0 and "digits 0 (" in shown.out, shown.err
