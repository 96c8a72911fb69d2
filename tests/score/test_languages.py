"""The language detector notices foreign rows and leaves short, odd and technical ones of the wanted language alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tilth.score.languages import LANGUAGES, probabilities

FOREIGN = {
    "de": "Ich möchte mein Geld zurück.", "fr": "Je voudrais un remboursement", "es": "Quiero que me devuelvan el dinero",
    "pt": "O filme é chato e muito longo", "it": "Un film noioso e troppo lungo", "nl": "Ik wil mijn geld terug",
    "sv": "Jag vill ha pengarna tillbaka", "da": "Jeg vil gerne have mine penge tilbage", "pl": "Chcę zwrotu pieniędzy",
    "cs": "Nudný film, který je příliš dlouhý", "ro": "Vreau banii înapoi, vă rog", "tr": "Sıkıcı ve çok uzun bir film",
    "fi": "Tylsä ja liian pitkä elokuva", "id": "Saya ingin uang saya kembali", "vi": "Tôi muốn lấy lại tiền",
    "ru": "Я хочу вернуть деньги", "uk": "Я хочу повернути гроші", "zh": "我想退款", "ja": "返金してほしいです", "ko": "환불 받고 싶어요",
    "ar": "أريد استعادة أموالي", "he": "אני רוצה את הכסף שלי", "hi": "मुझे पैसे वापस चाहिए", "el": "Θέλω τα χρήματά μου πίσω",
    "th": "ฉันต้องการเงินคืน",
}  # fmt: skip


@pytest.mark.parametrize("code", FOREIGN)
def test_a_short_foreign_text_among_english_ones_is_noticed(code: str) -> None:
    found = probabilities(FOREIGN[code], "en")
    assert max(found, key=lambda one: found[one]) == code and found.get("en", 0.0) < 0.65


@pytest.mark.parametrize("text", ["", "12 + 30 = 42", "🙂🙃", "?!", "ok", "x = y"])
def test_too_little_text_is_not_judged(text: str) -> None:
    assert probabilities(text, "en") == {}


def test_a_mixed_text_has_mixed_probabilities() -> None:
    found = probabilities("The word for cat is 猫猫猫猫猫猫猫猫猫猫猫猫猫猫猫 as you know", "en")
    assert 0.3 < found["en"] < 0.8 and 0.2 < found["zh"] < 0.7


def test_probabilities_are_of_known_languages() -> None:
    assert set(FOREIGN) <= LANGUAGES and "en" in LANGUAGES


def test_english_reviews_and_questions_are_hardly_ever_called_foreign(shared: Path) -> None:
    texts = []
    for name in ("sst2", "trec6", "banking77"):
        lines = (shared / "data" / "text_classification" / name / "test.jsonl").read_text("utf-8").splitlines()[:400]
        texts += [json.loads(line)["text"] for line in lines]
    wrong = [text for text in texts if (found := probabilities(text, "en")) and found.get("en", 0.0) < 0.65]
    assert len(wrong) <= 0.002 * len(texts), wrong
