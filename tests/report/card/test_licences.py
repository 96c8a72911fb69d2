"""Licences: what an input asks of the result."""

from __future__ import annotations

import pytest

from tilth.report.card.licences import hub_id, licence_of


def of(
    chosen: str | None, *, records: dict[str, int] | None = None, evaluate: dict[str, object] | None = None, **inputs: str | None
) -> object:
    given = {name: {"licence": licence} for name, licence in inputs.items()}
    return licence_of({"licence": chosen, "evaluate": evaluate}, given, records or {})


@pytest.mark.parametrize(
    ("chosen", "given", "why"),
    [
        ("MIT", "CC-BY-NC-4.0", "stays non-commercial"),
        ("CC-BY-4.0", "CC-BY-SA-4.0", "keeps that licence"),
        ("CC-BY-4.0", "ODbL-1.0", "keeps that licence"),
        ("CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "nothing that is made of it may be passed on"),
        (None, "CC-BY-ND-4.0", "nothing that is made of it may be passed on"),
        ("Foo-1.0", "CC-BY-NC-4.0", "stays non-commercial"),
        ("proprietary", "CC-BY-SA-4.0", "keeps that licence"),
    ],
)
def test_what_an_input_forbids(chosen: str | None, given: str, why: str) -> None:
    assert why in of(chosen, support=given).refused


@pytest.mark.parametrize(
    ("chosen", "given"),
    [
        ("CC-BY-4.0", "MIT"), ("CC-BY-NC-4.0", "CC-BY-NC-4.0"), ("CC-BY-SA-4.0", "CC-BY-SA-4.0"), ("CC-BY-NC-SA-4.0", "CC-BY-NC-4.0"),
        ("MIT", "proprietary"), ("MIT", None), ("MIT", "CC0-1.0"), ("proprietary", "Apache-2.0"),
    ],
)  # fmt: skip
def test_what_an_input_allows(chosen: str, given: str | None) -> None:
    assert of(chosen, support=given).refused == ""


def test_unset_is_other_with_a_line() -> None:
    found = of(None, support="MIT")
    assert (found.id, found.lines, found.refused) == ("other", ("No licence was chosen.",), "")


def test_unset_takes_the_strictest_that_is_passed_on() -> None:
    found = of(None, a="CC-BY-4.0", b="CC-BY-NC-4.0")
    assert found.id == "cc-by-nc-4.0"
    assert "that of the input 'b' (CC-BY-NC-4.0) is passed on" in found.lines[0]
    assert "each pass their licence on" in of(None, a="CC-BY-SA-4.0", b="ODbL-1.0").refused


def test_what_only_evaluation_reads_asks_nothing() -> None:
    assert of("MIT", holdout="CC-BY-NC-4.0").refused == ""
    assert of("MIT", test="CC-BY-NC-4.0", evaluate={"against": {"holdout": "test"}}).refused == ""
    assert of("MIT", test="CC-BY-NC-4.0").refused != ""


def test_records_bring_their_own_licences() -> None:
    assert "the input '3 records' is CC-BY-NC-4.0" in of("MIT", records={"CC-BY-NC-4.0": 3}).refused


def test_restricted_is_for_no_public_place_and_unknown_is_said() -> None:
    found = of("MIT", support="restricted", other="Foo-2.0")
    assert not found.public
    assert any("for no public place" in line for line in found.lines)
    assert any("Foo-2.0, which tilth does not know" in line for line in found.lines)
    assert of("MIT", support="MIT").public


@pytest.mark.parametrize(
    ("name", "hub"), [("CC-BY-4.0", "cc-by-4.0"), ("ODbL-1.0", "odbl"), ("gpl-3.0-or-later", "gpl-3.0"), ("", "other")]
)
def test_ids_of_the_hub(name: str, hub: str) -> None:
    assert hub_id(name) == hub
