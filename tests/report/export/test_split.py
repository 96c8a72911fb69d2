"""Splits: relatives stay together, labels stay alike, the same seed gives the same splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.export.making import LABELLED, folder_of, reviews
from tilth.errors import RequestError
from tilth.records.folder import RunFolder
from tilth.report.export.source import Source
from tilth.report.export.split import NOWHERE, Splits, _wanted, shares_of, split


def sides(run: RunFolder, splits: Splits) -> dict[str, str]:
    """Text to the name of its split."""
    return {row.columns["text"]: splits.names[splits.of[row.position]] for row in Source(run).rows()}


def halves(tmp_path: Path, rows: Sequence[Mapping[str, Any]], shares: str = "train=0.5,test=0.5", seed: int = 0) -> dict[str, str]:
    run = folder_of(tmp_path / "run", rows, LABELLED)
    return sides(run, split(Source(run), shares_of(shares), seed))


def test_planted_near_duplicates_stay_on_one_side(tmp_path: Path) -> None:
    rows = reviews(120)
    twins = [{"text": row["text"].replace(" over ", " of the over ").upper() + "!", "label": row["label"]} for row in rows[:60]]
    found = halves(tmp_path, [*rows, *twins])
    assert [found[row["text"]] for row in rows[:60]] == [found[twin["text"]] for twin in twins]
    assert set(Counter(found.values()).values()) == {90}


def test_records_with_a_common_parent_or_seed_stay_on_one_side(tmp_path: Path) -> None:
    rows = reviews(120)
    for at, row in enumerate(rows):
        row["meta"] = {"parents": [f"parent-{at // 4}"]} if at < 60 else {"seed_ids": [f"seed-{at // 5}"]}
    found = halves(tmp_path, rows)
    for at in range(60):
        assert found[rows[at]["text"]] == found[rows[at // 4 * 4]["text"]]
    for at in range(60, 120):
        assert found[rows[at]["text"]] == found[rows[at // 5 * 5]["text"]]
    assert set(found.values()) == {"train", "test"}


def test_a_record_stays_with_its_parent(tmp_path: Path) -> None:
    ids = [f"own-{at}" for at in range(20)]
    rows = [{**row, "meta": {"id": own}} for row, own in zip(reviews(20), ids, strict=True)]
    made = [{**row, "text": f"child {row['text'][::-1]}", "meta": {"parents": [own]}} for row, own in zip(reviews(20), ids, strict=True)]
    run = folder_of(tmp_path / "run", [*rows, *made], LABELLED)
    assert [row.meta["id"] for row in Source(run).rows()][:20] == ids
    found = sides(run, split(Source(run), shares_of("train=0.5,test=0.5"), 0))
    assert [found[row["text"]] for row in rows] == [found[child["text"]] for child in made]


def test_examples_that_all_prompts_shared_do_not_make_a_split_impossible(tmp_path: Path) -> None:
    rows = [{**row, "meta": {"seed_ids": [f"s{at % 7}", f"s{(at + 1) % 7}"]}} for at, row in enumerate(reviews(100))]
    run = folder_of(tmp_path / "run", rows, LABELLED)
    splits = split(Source(run), {"train": 0.9, "test": 0.1}, 0)
    assert (splits.rows("train"), splits.rows("test")) == (90, 10)
    assert "same several examples" in splits.notes[0]


def test_what_hangs_together_whole_is_refused(tmp_path: Path) -> None:
    rows = [{**row, "meta": {"parents": ["one"]}} for row in reviews(30)]
    with pytest.raises(RequestError, match="'test' would be empty: of 30 records, 30 hang together"):
        halves(tmp_path, rows)


def test_labels_have_the_same_share_everywhere(tmp_path: Path) -> None:
    rows = [{"text": f"{row['text']} {at}", "label": "rare" if at % 10 == 0 else "common"} for at, row in enumerate(reviews(200))]
    run = folder_of(tmp_path / "run", rows, LABELLED)
    splits = split(Source(run), shares_of("train=0.8,validation=0.1,test=0.1"), 3)
    found = Counter((row.columns["label"], splits.names[splits.of[row.position]]) for row in Source(run).rows())
    assert found == {
        ("common", "train"): 144, ("common", "validation"): 18, ("common", "test"): 18,
        ("rare", "train"): 16, ("rare", "validation"): 2, ("rare", "test"): 2,
    }  # fmt: skip


def test_five_labels_of_164_give_738_and_82() -> None:
    wanted = _wanted({f"label{at}": 164 for at in range(5)}, [0.9, 0.1])
    assert [sum(one.values()) for one in wanted] == [738, 82]


def test_the_seed_decides_and_sorting_does_not(tmp_path: Path) -> None:
    run = folder_of(tmp_path / "run", reviews(80), LABELLED)
    shares = shares_of("train=0.75,test=0.25")
    plain = split(Source(run), shares, 0)
    assert split(Source(run), shares, 0) == plain
    assert split(Source(run, sort="text", only=("label",)), shares, 0) == plain
    assert split(Source(run), shares, 1).of != plain.of


@pytest.mark.parametrize(
    "text", ["train", "train=x", "train=0.5,test=0.6", "train=1.5,test=-0.5", "a b=1", "rejected=0.5,train=0.5", "train=0,test=1"]
)
def test_shares_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(RequestError, match="train=0.9,validation=0.1"):
        shares_of(text)


def test_records_that_are_not_exported_are_in_no_split(tmp_path: Path) -> None:
    rows = [{**row, "meta": {"origin": "human" if at < 10 else "model"}} for at, row in enumerate(reviews(30))]
    run = folder_of(tmp_path / "run", rows, LABELLED)
    splits = split(Source(run, label="people"), shares_of("train=0.5,test=0.5"), 0)
    assert splits.of.count(NOWHERE) == 20
    assert (splits.rows("train"), splits.rows("test")) == (5, 5)


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 400), min_size=1, max_size=8),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_wanted_numbers_add_up(labels: dict[str, int], weights: list[int]) -> None:
    shares = [weight / sum(weights) for weight in weights]
    wanted = _wanted(labels, shares)
    assert {label: sum(one[label] for one in wanted) for label in labels} == labels
    total = sum(labels.values())
    for one, share in zip(wanted, shares, strict=True):
        assert abs(sum(one.values()) - share * total) < 1.0 + 1e-6
