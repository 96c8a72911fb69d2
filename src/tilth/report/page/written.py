"""The same sections as Markdown, and as one JSON object."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

from tilth.report.look.material import Material
from tilth.report.page.blocks import Block, Folded, Line, Missing, Pairs, Plot, Quotes, Section, Sheet
from tilth.report.plot.canvas import plain
from tilth.report.plot.figure import Table

_MARKS = re.compile(r"([\\`*_{}\[\]<>|#])")


def as_json(m: Material, whole: Sequence[Section]) -> str:
    """Verdict, gates, and every figure's table; numbers as they were measured."""
    run = m.facts
    document = {
        "run": run.name,
        "describe": run.describe,
        "status": run.status,
        "seed": run.seed,
        "verdict": run.verdict.to_json(),
        "gates": [one.to_json() for one in run.gates],
        "sections": [
            {"number": one.number, "name": one.anchor, "title": one.title, "blocks": list(map(_plain, one.blocks))} for one in whole
        ],
        "records": [{"id": one.id, "state": one.state, "why": one.why, "columns": dict(one.record.columns)} for one in m.shown],
    }
    return orjson.dumps(document, str, orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode("utf-8", "replace") + "\n"


def _plain(block: Block) -> dict[str, Any]:
    if isinstance(block, Plot):
        f = block.figure
        return {"kind": "plot", "name": f.name, "title": f.title, "caption": f.caption, "how": f.how, "table": _table(f.table)}
    if isinstance(block, Sheet):
        return {"kind": "table", "title": block.caption, "note": block.note, "table": _table(block.table)}
    if isinstance(block, Line):
        return {"kind": "line", "text": block.text}
    if isinstance(block, Missing):
        return {"kind": "missing", "what": block.what, "why": block.why, "command": block.command}
    if isinstance(block, Pairs):
        return {"kind": "figures", "rows": [list(row) for row in block.rows]}
    if isinstance(block, Folded):
        return {"kind": "text", "title": block.title, "text": block.text}
    return {"kind": block.block}


def _table(table: Table) -> dict[str, Any]:
    return {"columns": list(table.columns), "rows": [list(row) for row in table.rows]}


def as_markdown(m: Material, whole: Sequence[Section]) -> str:
    """Headings, sentences and tables; plots as their tables."""
    run = m.facts
    lines = [f"# {_safe(run.name)}", "", _safe(run.describe), ""]
    for section in whole:
        lines += [f"## {section.number} {section.title}", "", section.question, ""]
        for block in section.blocks:
            lines += [*_lines(block, m), ""]
    return "\n".join(lines).rstrip() + "\n"


def _lines(block: Block, m: Material) -> list[str]:
    if isinstance(block, Plot):
        f = block.figure
        return [f"### {_safe(f.title)}", "", *_markdown(f.table), "", _safe(f.caption)]
    if isinstance(block, Sheet):
        return [f"### {_safe(block.caption)}", "", *_markdown(block.table), *(["", _safe(block.note)] if block.note else [])]
    if isinstance(block, Line):
        return [_safe(block.text)]
    if isinstance(block, Missing):
        return [f"*{_safe(block.what)} Not known: {_safe(block.why)}.*" + (f" `{plain(block.command)}`" if block.command else "")]
    if isinstance(block, Pairs):
        return [f"- {_safe(name)}: {_safe(value)}" + (f" ({_safe(beside)})" if beside else "") for name, value, beside in block.rows]
    if isinstance(block, Quotes):
        return [f"### {block.words}", "", *(f"- {_safe(text[:400])} ({_safe(label)}, {id_[:8]})" for id_, label, text in block.rows)]
    if isinstance(block, Folded):
        return [f"### {_safe(block.title)}", "", *(f"    {plain(line)}" for line in block.text.splitlines())]
    if block.block == "headline":
        v = m.facts.verdict
        know = [f"- {_safe(one)}" for one in v.know]
        return [f"**{_safe(v.text)}** {v.gates}", "", _safe(v.sentence), "", *(["Know before use:", "", *know] if know else [])]
    return [f"- {one.id[:8]} {one.state} ({_safe(', '.join(one.why))})" for one in m.shown]


def _markdown(table: Table) -> list[str]:
    head = "| " + " | ".join(_safe(name) for name in table.columns) + " |"
    rule = "|" + "|".join("--:" if at in table.right else "---" for at in range(len(table.columns))) + "|"
    return [head, rule, *("| " + " | ".join(_safe(cell) for cell in row) + " |" for row in table.shown())]


def _safe(text: str) -> str:
    return _MARKS.sub(r"\\\1", plain(" ".join(str(text).split())))
