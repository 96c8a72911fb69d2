"""Text that anybody may have written: it cannot run, break out, reorder, hide, or make the page large."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from curate.support import curate
from report.reporting import page
from tilth.records.folder import RunFolder
from tilth.report.page.visible import LONGEST, cut, excerpt, visible


class Elements(HTMLParser):
    """The tags and attributes of a page, as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def html(nasty: RunFolder) -> str:
    return page(nasty)


def test_no_text_becomes_an_element(html: str) -> None:
    tags = Elements(html).tags
    counts = {name: sum(tag == name for tag, _ in tags) for name in ("script", "style", "img", "i", "body", "iframe", "object")}
    assert counts == {"script": 1, "style": 1, "img": 0, "i": 0, "body": 1, "iframe": 0, "object": 0}
    assert not [name for _, attrs in tags for name in attrs if name.startswith("on")]
    links = [attrs["href"] for tag, attrs in tags if tag == "a"]
    assert links and all(one and one.startswith("#") for one in links)
    assert not [attrs for _, attrs in tags if "src" in attrs or "srcset" in attrs]


def test_the_policy_lets_only_its_own_script_run(html: str) -> None:
    policy = next(attrs["content"] for tag, attrs in Elements(html).tags if attrs.get("http-equiv") == "Content-Security-Policy")
    script = re.search(r"<script>(.*?)</script>", html, re.S)
    assert script and policy
    assert f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script.group(1).encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'") and "unsafe-inline'; script" in policy and "http" not in policy
    assert len(script.group(1)) < 8192


def test_nothing_hides_or_reorders(html: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe]", html)
    for name in ("RLO", "NUL", "ESC", "LRI"):
        assert f">{name}</span>" in html
    assert "RIGHT-TO-LEFT OVERRIDE" in html


def test_templates_in_texts_are_not_run(html: str) -> None:
    assert "{{ 7 * 7 }}" in html and "&amp;lt;b&amp;gt;" in html


def test_a_megabyte_of_text_is_cut(html: str) -> None:
    assert "x" * (LONGEST + 1) not in html
    assert "… 998,000 more (tilth trace)" in html
    assert len(html) < 700_000


def test_text_is_shown_with_its_controls() -> None:
    assert str(visible("a\tb\nc")) == "a\tb\nc"
    assert str(visible("\x00\x00\x00")) == '<span class="ctl" title="U+0000 CONTROL CHARACTER">NUL ×3</span>'
    assert "U+D800" in visible("\ud800") and "\ud800" not in visible("\ud800")
    assert str(visible('"&<')) == "&quot;&amp;&lt;"
    assert str(cut("é" * 2001)).endswith('<span class="more">… 1 more (tilth trace)</span>')
    assert len(str(excerpt("word " * 100))) <= 111
    assert str(visible("👩\u200d🚀 می\u200cخواهم")) == "👩\u200d🚀 می\u200cخواهم", "joiners that writing needs stay"


def test_markdown_and_json_hold_no_markup_of_texts(nasty: RunFolder) -> None:
    words = page(nasty, form="md")
    assert "<script" not in words and "\u202e" not in words and "\x1b" not in words
    assert "\x1b" not in page(nasty, form="json")


def test_a_reason_that_holds_a_bar_can_still_be_chosen_in_the_filter(tmp_path: Path) -> None:
    rows = [{"id": str(at), "text": "short" if at % 3 else "long enough to stay, this one", "label": "a"} for at in range(9)]
    tags = Elements(page(curate(tmp_path / "bar", rows, [{"drop_if": "text | length < 8"}]).folder)).tags
    separators = re.search(r'dataset\.why\.split\("(.+?)"\)', (files("tilth.report.page") / "templates" / "script.js").read_text("utf-8"))
    assert separators
    shown = [str(attrs["data-why"]).split(separators.group(1)) for _, attrs in tags if "data-why" in attrs]
    choices = {attrs["value"] for tag, attrs in tags if tag == "option"}
    assert ["rejected: text | length < 8"] in shown
    assert {why for one in shown for why in one} <= choices
