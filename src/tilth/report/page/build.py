"""From a run to its page: facts, material, sections, then the template; smaller samples where the file would be too large."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import RequestError
from tilth.records.folder import RunFolder
from tilth.report.facts import Facts, facts
from tilth.report.look.given import given_sets
from tilth.report.look.material import Material, gather
from tilth.report.page.blocks import Plot, Section, Sheet
from tilth.report.page.entries import listing
from tilth.report.page.sections import sections
from tilth.report.page.visible import cut, excerpt, visible
from tilth.report.page.written import as_json, as_markdown
from tilth.report.plot.canvas import plain
from tilth.report.plot.figure import Table

if TYPE_CHECKING:
    import jinja2

HARD_MB = 5.0
"""Size that no report passes, whatever is asked."""
FEWEST = 8
"""Records below which plots are given up before records are."""
HEAVY = ("map", "coverage-")
"""Figures that become tables first."""


@dataclass(frozen=True, slots=True)
class Options:
    """real, holdout: files that replace the run's own inputs. samples: records shown. theme: auto, light or dark.

    texts: whether records and prompts are shown. against: a run for a column beside ours. form: html, md or json.
    """

    real: str | Path | None = None
    holdout: str | Path | None = None
    samples: int = 60
    max_mb: float = 3.0
    theme: str = "auto"
    texts: bool = True
    against: RunFolder | None = None
    form: str = "html"
    label: str = "label"


@dataclass(frozen=True, slots=True)
class Built:
    """A report. plots, records: how many it shows; of: records that there are."""

    text: str
    plots: int
    records: int
    of: int
    notes: tuple[str, ...] = ()


def build(folder: RunFolder, options: Options) -> Built:
    """The report of a run, as text. Deterministic: it reads the run's files and nothing else.

    Raises
    ------
    RequestError: a file that the options name cannot be read, or the report stays above 5 MB.
    """
    run = facts(folder)  # without --runs DIR in commands: the page is the same wherever it was called from
    given = given_sets(folder, {"real": options.real, "holdout": options.holdout})
    against = facts(options.against) if options.against is not None else None
    material = gather(run, given, samples=options.samples, against=against, texts=options.texts, label=options.label)
    whole = sections(material)
    if options.form != "html":
        write = as_json if options.form == "json" else as_markdown
        return _built(write(material, whole), material, whole, ())
    return _fitted(material, whole, options)


def _built(text: str, m: Material, whole: Sequence[Section], notes: Sequence[str]) -> Built:
    plots = sum(isinstance(block, Plot) for section in whole for block in section.blocks)
    return Built(text, plots, len(m.shown), m.facts.tried, tuple(notes))


def _fitted(m: Material, whole: list[Section], options: Options) -> Built:
    """Fewer records until the file is small enough, then heavy plots as tables."""
    most = min(options.max_mb, HARD_MB) * 1_000_000
    notes: list[str] = []
    text = render(m, whole, options.theme, notes)
    asked = len(m.shown)
    while len(text.encode()) > most and len(m.shown) > FEWEST:
        m.shown = m.shown[: len(m.shown) // 2]
        notes = [f"Only {len(m.shown)} of {asked} records are shown, so that this file stays below {options.max_mb:g} MB."]
        whole = sections(m)
        text = render(m, whole, options.theme, notes)
    if len(text.encode()) > most:
        whole = [_without_heavy(section) for section in whole]
        notes.append("The map and the heat maps are shown as tables only, for the same reason.")
        text = render(m, whole, options.theme, notes)
    if len(text.encode()) > HARD_MB * 1_000_000:
        what = f"the report would have {len(text.encode()) / 1e6:.1f} MB; at most {HARD_MB:g} MB are written. Leave the records "
        what += "out with: --samples 0"
        raise RequestError(what, code="report.large")
    return _built(text, m, whole, notes)


def _without_heavy(section: Section) -> Section:
    def lighter(block: Any) -> Any:
        heavy = isinstance(block, Plot) and block.figure.name.startswith(HEAVY)
        return Sheet(block.figure.title, block.figure.table, block.figure.caption) if heavy else block

    return replace(section, blocks=tuple(lighter(block) for block in section.blocks))


def render(m: Material, whole: Sequence[Section], theme: str, notes: Sequence[str]) -> str:
    """The page."""
    environment = _environment()
    style, script = (_asset(name) for name in ("style.css", "script.js"))
    template = environment.get_template("page.html.j2")
    from tilth import __version__

    return template.render(
        facts=m.facts,
        against=m.against,
        sections=whole,
        notes=[*notes, *_unfinished(m.facts)],
        browser=listing(m),
        theme=theme,
        style=style,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        records=f"{m.facts.kept:,} {'record' if m.facts.kept == 1 else 'records'}",
        day=day(m.facts.ended or m.facts.started),
        tilth=__version__,
    )


def _unfinished(run: Facts) -> list[str]:
    if run.finished:
        return []
    of = f" of {run.wanted:,}" if run.wanted else ""
    return [f"Unfinished: {run.generated:,}{of} rows so far (status {run.status}). Everything below speaks of these."]


def day(moment: str) -> str:
    """A date as people write it; "" where there is none.

    >>> day("2026-11-20T10:29:11Z")
    '20 Nov 2026'
    """
    try:
        return datetime.fromisoformat(moment).strftime("%d %b %Y").lstrip("0")
    except ValueError:
        return ""


def _asset(name: str) -> str:
    from importlib.resources import files

    return files("tilth.report.page").joinpath("templates", name).read_text("utf-8")


def _environment() -> jinja2.Environment:
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tilth.report.page"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    filters: Mapping[str, Any] = {"visible": visible, "visible_plain": lambda text: plain(str(text)), "cut": cut, "excerpt": excerpt}
    environment.filters.update(filters)

    def sheet(table: Table, caption: str) -> Markup:
        return Markup(environment.get_template("table.html.j2").render(table=table, caption=caption))

    environment.globals["sheet"] = sheet
    return environment
