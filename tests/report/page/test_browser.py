"""The page in a real browser: phones and desks, light and dark, without scripts, in print, and for those who cannot see it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from report.reporting import page
from tilth.records.data import Data
from tilth.records.folder import RunFolder

WIDTHS = (360, 768, 1280)
THEMES = ("light", "dark")

OUTSIDE = """() => [...document.querySelectorAll('svg.plot')].filter(s => s.getBoundingClientRect().width > 0).flatMap(s => {
  const v = s.viewBox.baseVal;
  return [...s.querySelectorAll('text')].map(t => [t.textContent, t.getBBox()]).filter(([, b]) =>
    b.x < -1 || b.y < -1 || b.x + b.width > v.width + 1 || b.y + b.height > v.height + 1).map(([words]) => words);
})"""
SHOWN = "() => [...document.querySelectorAll('svg.plot')].filter(s => s.getBoundingClientRect().width > 0).length"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for this module. No longer: while playwright runs, its event loop does too, and no async test could."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the 'dev' extra")
    path = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("needs Chromium on this machine")
    flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--no-first-run"]
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=path, args=flags)
        yield found
        found.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The rules of axe-core, which a package of the 'dev' extra brings."""
    package = pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python, of the 'dev' extra")
    return (Path(package.__file__).parent / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def pages(
    bad: tuple[RunFolder, dict[str, Data]], bad_files: dict[str, Path], nasty: RunFolder, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Addresses of the pages on this disk."""
    folder = tmp_path_factory.mktemp("pages")
    sets = {"real": bad_files["real"], "holdout": bad_files["holdout"]}
    written = {"bad": page(bad[0], **sets), "few": page(bad[0], samples=6, **sets), "nasty": page(nasty)}
    for name, html in written.items():
        (folder / f"{name}.html").write_text(html, "utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in written}


class Visit:
    """A page in a browser's window, with what it said and asked for."""

    def __init__(self, browser: Any, address: str, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def ask(self, script: str) -> Any:
        return self.page.evaluate(script)


def size(width: int) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": 800}}


@pytest.mark.parametrize("name", ["bad", "nasty"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_the_screen_and_is_quiet(browser: Any, pages: dict[str, str], name: str, width: int) -> None:
    with Visit(browser, pages[name], **size(width)) as visit:
        visit.ask("() => document.querySelectorAll('details').forEach(d => d.open = true)")
        assert visit.ask("() => document.documentElement.scrollWidth") <= width
        assert visit.ask(OUTSIDE) == []
        assert visit.ask(SHOWN) == visit.ask("() => document.querySelectorAll('figure').length"), "one drawing of each plot"
        assert visit.said == [] and visit.asked == [pages[name]]


@pytest.mark.parametrize(("name", "width", "theme"), [("few", 1280, "light"), ("few", 360, "dark"), ("nasty", 768, "dark")])
def test_nobody_is_shut_out(browser: Any, pages: dict[str, str], axe: str, name: str, width: int, theme: str) -> None:
    with Visit(browser, pages[name], color_scheme=theme, **size(width)) as visit:
        some = "nav details, #fig-funnel details, #fig-labels details, .record details"
        visit.ask(f"() => document.querySelectorAll('{some}').forEach(d => d.open = true)")
        visit.ask(axe)
        found = visit.ask("() => axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})")
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]] == []


def test_without_scripts_everything_is_listed(browser: Any, pages: dict[str, str]) -> None:
    with Visit(browser, pages["bad"], java_script_enabled=False, **size(1280)) as visit:
        assert visit.page.locator(".record").count() == 60 and visit.page.locator(".record").first.is_visible()
        assert visit.page.locator("#filters").is_hidden() and visit.page.locator("button").count() == 0
        visit.page.locator(".record summary").first.click()
        assert visit.page.locator(".record .inside").first.is_visible()


def test_records_are_filtered_searched_and_found_by_links(browser: Any, pages: dict[str, str]) -> None:
    with Visit(browser, pages["bad"], **size(1280)) as visit:
        view = visit.page
        view.select_option("select[name=why]", "rejected: near_duplicate")
        assert view.locator(".record:visible").count() == 3 and "3 of 60" in view.locator("#found").inner_text()
        view.fill("input[name=words]", "no such words anywhere")
        assert view.locator(".record:visible").count() == 0
        view.locator("#fig-funnel a", has_text="near duplicate").click()
        assert view.locator(".record details[open]").count() == 1
        assert "near_duplicate" in view.locator(".record details[open] summary").inner_text()


def test_the_theme_can_be_chosen(browser: Any, pages: dict[str, str]) -> None:
    with Visit(browser, pages["bad"], color_scheme="light", **size(1280)) as visit:
        colour = "() => getComputedStyle(document.documentElement).backgroundColor"
        assert visit.ask(colour) == "rgb(255, 255, 255)"
        visit.page.locator("button.theme").click(click_count=2)
        assert visit.ask(colour) == "rgb(20, 23, 26)"
        visit.page.emulate_media(media="print")
        assert visit.ask(colour) == "rgb(255, 255, 255)", "paper is white"


def test_in_print_nothing_is_folded_away_but_the_records(browser: Any, pages: dict[str, str]) -> None:
    with Visit(browser, pages["bad"], java_script_enabled=False, **size(800)) as visit:
        visit.page.emulate_media(media="print")
        assert not visit.page.locator("#records").is_visible()
        assert visit.page.locator("#fig-funnel table").is_visible()
        assert visit.page.locator("#fig-funnel svg.wide").is_visible() and visit.page.locator("#fig-funnel svg.narrow").is_hidden()
        assert len(visit.page.pdf()) > 50_000


def test_bars_and_marks_stand_out_from_the_page(browser: Any, pages: dict[str, str]) -> None:
    """3 to 1 for what must be seen, 4.5 to 1 for text, in both themes: computed from the colours that the browser uses."""
    script = """() => Object.fromEntries(['page','text','muted','syn','real','hold','kept','rej','review'].map(name =>
      [name, getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()]))"""
    for theme in THEMES:
        with Visit(browser, pages["bad"], color_scheme=theme, **size(768)) as visit:
            colours = visit.ask(script)
        ratios = {name: contrast(colour, colours["page"]) for name, colour in colours.items() if name != "page"}
        assert min(ratios.values()) >= 4.5, (theme, ratios)


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2 of two colours like #fff or #14171a."""

    def light(colour: str) -> float:
        digits = colour.lstrip("#")
        digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
