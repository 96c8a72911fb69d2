"""The card: every number from the run, what people wrote survives, nothing is called what it is not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import tilth
from report.export.making import LABELLED, ODD, folder_of, reviews
from tilth.records.folder import RunFolder
from tilth.report.card.header import size_category
from tilth.report.card.human import blocks, marked, without
from tilth.report.describe import describe

TASK = {"kind": "classification", "about": "Mails of a shop.", "labels": {"good": "praises", "bad": "complains"}, "language": "de"}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    asked = {"task": TASK, "licence": "CC-BY-4.0", "describe": "Mails for tests.", "data": {"support": {"read": "/secret/place/a.csv"}}}
    return folder_of(tmp_path / "shop-mails", reviews(30), LABELLED, asked=asked, rejected=[{"text": "x"}, {"text": "y"}])


def made(run: RunFolder) -> str:
    assert describe(run) is not None
    return run.readme.read_text("utf-8")


def header(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def test_the_header_follows_the_hubs_rules(run: RunFolder) -> None:
    head = header(made(run))
    assert head["license"] == "cc-by-4.0"
    assert head["language"] == ["de"]
    assert head["task_categories"] == ["text-classification"]
    assert head["size_categories"] == ["n<1K"]
    assert head["annotations_creators"] == head["language_creators"] == ["machine-generated"]
    assert head["tags"] == ["synthetic", "tilth", "attrprompt"]
    assert [config["config_name"] for config in head["configs"]] == ["default", "rejected"]
    assert head["configs"][0]["data_files"] == [{"split": "train", "path": "data/part-*.parquet"}]
    assert [(one["config_name"], one["splits"][0]["num_examples"]) for one in head["dataset_info"]] == [("default", 30), ("rejected", 2)]


@pytest.mark.parametrize(
    ("rows", "bucket"), [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (9_999, "1K<n<10K"), (10_000, "10K<n<100K"), (10**12, "n>1T")]
)
def test_size_buckets_at_their_borders(rows: int, bucket: str) -> None:
    assert size_category(rows) == bucket


def test_numbers_come_from_the_run(run: RunFolder) -> None:
    text = made(run)
    assert "30 records, **written by a language model** (openai/gpt-test). Mails for tests." in text
    assert "Where records went: 32 tried → 2 too_short → **30**." in text
    assert "| label | class | good (15), bad (15) |" in text or "| label | class | bad (15), good (15) |" in text
    assert "| Method | attrprompt (arXiv 2306.15895) |" in text
    assert "its provider's terms on using outputs apply" in text
    assert "@inproceedings{yu2023attrprompt," in text
    assert (
        "No label was given by a person: each is what a model was asked to write for, or what a model said. Nobody has checked them."
        in text
    )
    assert "Nothing was measured." in text


def test_the_verdict_is_quoted(run: RunFolder) -> None:
    from tilth.report.facts import facts

    verdict = facts(run).verdict
    assert verdict.state == "unknown"
    assert f"> **May I train on this?** {verdict.text}" in made(run)


def test_no_path_of_this_machine_and_no_clock(run: RunFolder) -> None:
    text = made(run)
    assert "/secret" not in text and str(run.path) not in text and "a.csv" in text
    assert describe(run) is not None
    assert run.readme.read_text("utf-8") == text


def test_a_demonstration_says_so_first(tmp_path: Path) -> None:
    run = folder_of(tmp_path / "demo", reviews(4), LABELLED, noted={"models": {"generator": ["local/smollm2-135m"]}})
    body = made(run).split("---\n", 2)[2].strip().split("\n")
    assert body[0] == "# Demo (synthetic)"
    assert body[2].startswith("> **A DEMONSTRATION, not for training.**")


def test_an_unfinished_run_says_so_first(tmp_path: Path) -> None:
    run = folder_of(tmp_path / "half", reviews(4), LABELLED, noted={"status": "stopped"})
    done = tilth.export(run, "jsonl", out=tmp_path / "out")
    body = (done.path / "README.md").read_text().split("---\n", 2)[2].strip().split("\n")
    assert body[2].startswith("> **Unfinished:** the run is stopped; 4 were written so far.")


def test_texts_of_people_are_not_called_a_models(tmp_path: Path) -> None:
    rows = [{**row, "meta": {"origin": "human" if at < 3 else "model"}} for at, row in enumerate(reviews(10))]
    text = made(folder_of(tmp_path / "mixed", rows, LABELLED))
    assert "10 records, 7 of them **written by a language model** (openai/gpt-test), 3 by people." in text
    assert header(text)["language_creators"] == ["machine-generated", "found"]


def test_what_people_write_survives_and_counts(run: RunFolder) -> None:
    before = describe(run)
    text = run.readme.read_text("utf-8")
    text = text.replace(marked("bias", "Not known."), marked("bias", "Only one shop.\n\nTwo lines."))
    run.readme.write_text(text + "\n" + marked("ours", "A section of our own.") + "\n", "utf-8")
    after = describe(run)
    assert before is not None and after is not None
    assert blocks(after.text)["bias"] == "Only one shop.\n\nTwo lines."
    assert blocks(after.text)["ours"] == "A section of our own."
    done = tilth.export(run, "jsonl")
    assert "Only one shop." in (done.path / "README.md").read_text("utf-8")
    assert int(after.complete.split()[0]) >= int(before.complete.split()[0])
    answered, of = (int(word) for word in before.complete.split() if word.isdigit())
    assert 0 < answered < of


def test_a_filled_block_is_one_more_answer(run: RunFolder) -> None:
    before = describe(run)
    run.readme.write_text(
        run.readme.read_text("utf-8").replace(marked("contact", "Not known."), marked("contact", "us@example.org")), "utf-8"
    )
    after = describe(run)
    assert before is not None and after is not None
    assert int(after.complete.split()[0]) == int(before.complete.split()[0]) + 1


def test_the_machines_part_is_the_card_without_the_blocks() -> None:
    one, two = marked("x", "one"), marked("x", "two\nthree")
    assert without("a" + one) == without("a" + two) != without("a")


@pytest.mark.parametrize("text", ODD)
def test_hostile_texts_break_nothing(tmp_path: Path, text: str) -> None:
    run = folder_of(
        tmp_path / "odd", [{"text": text or "x", "label": "a"}], LABELLED, asked={"describe": text, "task": {**TASK, "labels": {"a": text}}}
    )
    card = made(run)
    assert header(card)["license"] == "other"
    assert card.count("## Structure") == card.count("<summary>Datasheet</summary>") == 1
    assert "\x1b" not in card and "\u202e" not in card
    assert blocks(card) == {}


def test_files_of_a_run_are_verified(run: RunFolder) -> None:
    from tilth.report.manifest import verify

    describe(run)
    assert verify(run.path) == []


def test_an_unset_licence_is_said(tmp_path: Path) -> None:
    text = made(folder_of(tmp_path / "free", reviews(2), LABELLED))
    assert header(text)["license"] == "other"
    assert "No licence was chosen." in text


def test_the_hub_reads_the_header(run: RunFolder) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="needs the 'hub' extra")
    text = made(run)
    card = hub.DatasetCard(text)
    assert card.data.to_dict()["license"] == "cc-by-4.0"
    assert card.data.pretty_name == "Shop mails (synthetic)"
    assert card.text.strip().startswith("# Shop mails (synthetic)")


def test_lists_and_texts_of_their_own_are_no_classes(tmp_path: Path) -> None:
    rows = [{"text": f"t{at}", "label": ["a", f"b{at}"]} for at in range(4)]
    several = folder_of(tmp_path / "several", rows, {"text": str, "label": "list[str]"})
    assert "| label | list of strings |" in made(several)
    many = folder_of(tmp_path / "many", [{"text": f"t{at}", "label": f"l{at}"} for at in range(1100)], LABELLED)
    assert "| label | string | the class |" in made(many)
    assert [dict(part.labels) for part in tilth.export(many, "jsonl").parts] == [{}]
    assert [dict(part.labels) for part in tilth.export(several, "parquet", split="train=0.5,test=0.5").parts] == [{}, {}]


def test_methods_are_cited_by_their_papers() -> None:
    from tilth import catalog
    from tilth.report.card.citations import bibtex, entries

    for entry in catalog.methods().values():
        if entry.paper:
            cited = bibtex([entry.name])
            assert len(cited) == 1 and f"eprint = {{{entry.paper}}}" in cited[0] and cited[0].count("{") == cited[0].count("}")
    assert "title = {Large Language Model as Attributed Training Data Generator" in bibtex(["attrprompt"])[0]
    assert {"author", "title", "year", "eprint"} <= {key for entry in entries().values() for key in re.findall(r"^  (\w+) =", entry, re.M)}
    assert all(re.search(r"^  author = \{.+\},$", entry, re.M) for entry in entries().values()) and len(entries()) >= 30
    assert len(bibtex(["zerogen", "zerogen-nli"])) == 1
    assert bibtex(["columns", "of-my-own"]) == []


def test_texts_of_people_with_labels_of_a_model(tmp_path: Path) -> None:
    rows = [{**row, "meta": {"origin": "human", "labelled_by": "openai/gpt-test"}} for row in reviews(6)]
    run = folder_of(tmp_path / "annotated", rows, LABELLED, method="llm-labels")
    text = made(run)
    assert "6 records, written by people; a language model (openai/gpt-test) labelled or changed them." in text
    assert "No label was given by a person" in text
    head = header(text)
    assert (head["pretty_name"], head["tags"]) == ("Annotated", ["tilth", "llm-labels"])
    assert (head["annotations_creators"], head["language_creators"]) == (["machine-generated"], ["found"])
    tilth.export(run, "jsonl", out=tmp_path / "a.jsonl")
    assert {json.loads(line)["meta"]["label_source"] for line in (tmp_path / "a.jsonl").read_text().splitlines()} == {"llm"}
    assert '"6 records' in (run.path / "croissant.json").read_text()


def test_given_rows_are_not_called_synthetic(tmp_path: Path) -> None:
    rows = [{**row, "meta": {"origin": None}} for row in reviews(5)]
    text = made(folder_of(tmp_path / "table", rows, LABELLED, method="given"))
    assert "5 records that were given; who wrote them is not known." in text
    assert "written by a language model" not in text
    assert header(text)["tags"] == ["tilth"]
    assert header(text)["language_creators"] == header(text)["annotations_creators"] == ["found"]
    assert header(text)["pretty_name"] == "Table"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib and pandas, as mlcroissant uses them
def test_the_run_folder_itself_is_read_by_others(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    datasets = pytest.importorskip("datasets", reason="needs the 'hub' extra")
    mlcroissant = pytest.importorskip("mlcroissant", reason="needs the 'hub' extra")
    datasets.disable_progress_bars()
    describe(run)
    for name, rows in (("default", {"train": 30}), ("rejected", {"rejected": 2})):
        loaded = datasets.load_dataset(str(run.path), name, cache_dir=str(tmp_path / "cache"))
        assert {split: part.num_rows for split, part in loaded.items()} == rows
    described = mlcroissant.Dataset(jsonld=str(run.path / "croissant.json"))
    assert not described.metadata.ctx.issues.warnings
    assert [len(list(described.records(name))) for name in ("train", "rejected")] == [30, 2]
