"""Writes the pages of docs/ that are made from the code: flow.md, methods.md, metrics-and-steps.md, cli.md.

``make docs`` runs it; a test compares the pages with what it makes, byte for byte. Nothing here depends on the machine, the
terminal or the day.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
NOTE = "<!-- made by docs/generate.py from the code: change it there, then run make docs -->\n"
SECTIONS = (
    ("Budget", "budget"),
    ("ModelSpec", "models.ROLE"),
    ("PriceSpec", "models.ROLE.price"),
    ("TaskSpec", "task"),
    ("DataSpec", "data.NAME"),
    ("SplitSpec", "data.NAME.split"),
    ("Stage", "generate"),
    ("ColumnSpec", "generate.columns.NAME"),
    ("DemonstrationSpec", "generate.columns.NAME.demonstrations"),
    ("EvaluateSpec", "evaluate"),
    ("UtilitySpec", "evaluate.utility"),
    ("GateSpec", "evaluate.gates.METRIC"),
    ("ReviewSpec", "review"),
    ("ExportSpec", "export"),
)
"""Parts of the grammar, in the order of a flow file, with the path at which each stands."""

FLOW = """# The flow file

Every key of a flow, made from the grammar that checks it. An example to start from: [the README](../README.md), `tilth flow init`,
or [examples/flows](../examples/flows). Steps of `curate`, metrics and verifiers: [metrics-and-steps.md](metrics-and-steps.md); methods and
their parameters: [methods.md](methods.md).

    tilth flow init tickets --from examples.csv      a commented flow that validates
    tilth flow validate tickets.yaml                 every mistake, with line and column; no model is called
    tilth flow show tickets.yaml --resolved          the whole flow with every default
    tilth flow schema -o .tilth/flow.schema.json     this page for editors, as JSON Schema

Any value can be changed for one run by its path: `tilth run tickets.yaml -s generate.rows=50`. Keys that begin with `x-` are ignored: a
place for anchors and notes. `yes`, `no`, `on` and `off` are words, not truth values; only `true` and `false` are.
"""
METHODS = """# Methods

Published systems as they ship, one file each, and the preset flows. The same cards: `tilth methods NAME`. A method runs alone
(`tilth run attrprompt --task task.yaml -n 100`) or in a flow (`generate: {method: attrprompt, with: {temperature: 0.9}}`).

The column "from" says where a default comes from: the paper, the authors' repository ("repo"), or nothing: it is ours.
How to write one: [adding-a-method.md](adding-a-method.md).
"""
PARTS = """# Steps, metrics, verifiers, files

What a flow can name under `curate`, `evaluate` and `verify`, which files are read and which formats are written. The same list with the
place of each part and its tests: `tilth catalog`.
"""
WITHOUT_A_WORD = "–"


def main() -> None:
    """Write every page that has changed."""
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"docs/{name}\n")


def cli_page() -> str:
    """The help of every command."""
    from tilth.cli.pages import markdown

    head, _, rest = markdown().partition("\n")
    return f"{head}\n{NOTE}{rest}"


def flow_page() -> str:
    """Every key of the grammar, from its JSON Schema."""
    from tilth.flows.schema import flow_schema

    schema = flow_schema()
    found = schema["$defs"]
    parts = [FLOW, "## The file", _fields(schema)]
    for name, path in SECTIONS:
        if name == "EvaluateSpec":
            parts += ["## `curate`", "A list of steps, in order: `NAME`, `NAME: VALUE` or `NAME: {setting: value}`. " + _steps_link()]
        parts += [f"## `{path}`", _prose(found[name].get("description", "")), _fields(found[name])]
    unknown = sorted(name for name in found if "." not in name and name not in dict(SECTIONS))
    if unknown:
        raise SystemExit(f"docs/generate.py: the grammar has parts without a section: {', '.join(unknown)}")
    return _page([*parts, _planned()])


def methods_page() -> str:
    """Every method and preset flow, by family."""
    from tilth import catalog
    from tilth.cli.commands import methods as cards
    from tilth.cli.presets import everything

    entries, presets = catalog.methods(), everything()
    families = sorted({one.family for one in entries.values()} | {one.kind for one in presets})
    parts = [METHODS, _table(["family", "methods", "preset flows"], [_family(family, entries.values(), presets) for family in families])]
    for family in families:
        parts.append(f"## {family}")
        parts += [_method(cards, entry) for entry in entries.values() if entry.family == family]
        for one in presets:
            if one.kind == family:
                reads = f", reads `{'`, `'.join(one.data)}`" if one.data else ""
                parts += [f"### {one.name}", f"Preset flow: {_prose(one.describe)} Makes `{one.makes}`{reads}."]
    return _page(parts)


def parts_page() -> str:
    """Steps, metrics, verifiers, file endings and formats."""
    from tilth.evaluate.metrics import ALL
    from tilth.evaluate.utility.metric import Utility
    from tilth.records.formats import READERS
    from tilth.report.export.formats import FORMATS
    from tilth.verify.catalog import VERIFIERS

    parts = [PARTS, "## Steps of `curate`", STEPS_INTRO, *_steps(), "## Metrics", METRICS_INTRO]
    rows = [_metric(metric) for metric in (*ALL, Utility)]
    parts.append(_table(["metric", "what it is", "better", "needs", "cost"], rows))
    parts += ["## Verifiers", VERIFIERS_INTRO]
    checks = [[f"`{name}`", one.summary, _arguments(one.arguments), one.extra] for name, one in VERIFIERS.items()]
    parts.append(_table(["verifier", "holds when", "using", "extra"], checks))
    parts += ["## Files that are read", ", ".join(f"`{ending}`" for ending in READERS) + "; `-` is JSON Lines on stdin."]
    parts.append("## Formats of `export`")
    parts.append(_table(["format", "what it is"], [[f"`{one.name}`", one.says] for one in FORMATS.values()]))
    return _page(parts)


STEPS_INTRO = """Each step computes a score for every record and decides by it. `action` says what becomes of the records that it
finds: `drop`, `flag`, `weight` or `review`. `on` names the column (or columns) that it looks at, `id` the step where one occurs twice."""
METRICS_INTRO = """Each has an interval, the same figure for real rows where there are some, and the number of rows that it rests on.
Needs: the sets without which it is not measured. Cost: `n` and `n k` are computed here, `calls` asks a model. How to read
them: [evidence.md](evidence.md)."""
VERIFIERS_INTRO = "Of a column: `passed: {verify: python, using: {code: solution, tests: tests}}`. Each gives true, false or null."


def _steps() -> Iterable[str]:
    from tilth.curate.catalog import STEPS, step_class
    from tilth.flows.schema import flow_schema

    choices = flow_schema()["properties"]["curate"]["items"]["anyOf"][1]["properties"]
    for name in STEPS:
        step = step_class(name)
        yield f"### {name}"
        yield _prose(step.__doc__)
        plain = f"`{name}: VALUE` sets `{step.plain}`." if step.plain else ""
        settings = dict(choices[name]["anyOf"][0]["properties"])
        own = {key: field for key, field in settings.items() if key not in ("id", "action", "on")}
        action = settings["action"].get("default", "drop")
        said = f"Default action: `{action}`." if action != "drop" else ""
        yield " ".join(one for one in (plain, said) if one)
        if own:
            yield _fields({"properties": own, "required": choices[name]["anyOf"][0].get("required", [])})


def _metric(metric: Any) -> list[str]:
    first = _prose(metric.__doc__).split("\n\n")[0]
    needs = ", ".join(f"`{one}`" for one in sorted(metric.sets)) or WITHOUT_A_WORD
    better = {"up": "higher", "down": "lower", "target": "nearer to the target"}[metric.direction]
    return [f"`{metric.name}`", first, better, needs, metric.cost]


def _arguments(arguments: Mapping[str, str]) -> str:
    told = [f"`{name}`: {text.removeprefix('?')}" + (" (optional)" if text.startswith("?") else "") for name, text in arguments.items()]
    return "; ".join(told)


def _family(family: str, entries: Iterable[Any], presets: Sequence[Any]) -> list[str]:
    own = [f"[{one.name}](#{one.name})" for one in entries if one.family == family]
    flows = [f"[{one.name}](#{one.name})" for one in presets if one.kind == family]
    return [family, ", ".join(own), ", ".join(flows)]


def _method(cards: Any, entry: Any) -> str:
    """One card, as `tilth methods NAME` has it; the private helpers of that command are what makes the two agree."""
    cls = entry.load()
    link = f" ([arXiv {entry.paper}](https://arxiv.org/abs/{entry.paper}))" if entry.paper else ""
    head = [f"### {entry.name}", _prose(cards._title(cls) or entry.summary) + ("" if entry.paper in (cards._title(cls) or "") else link)]
    steps = re.split(r"\n\s*(?=Differs: |When: |Needs: |Calls: )", inspect.cleandoc(cls.__doc__ or ""))[0]
    facts = "\n".join(f"* **{label}**: {_prose(text)}" for label, text in [*cards._facts(entry), *entry.notes.items()])
    rows = [[f"`{one['name']}`", _code(one["default"]), one["source"], _prose(one["meaning"])] for one in cards.parameters(cls)]
    return "\n\n".join([*head, _listed(_paragraphs(steps)), facts, _table(["parameter", "default", "from", "meaning"], rows)])


def _planned() -> str:
    from tilth import catalog
    from tilth.curate.catalog import STEPS
    from tilth.evaluate.metrics import BY_NAME
    from tilth.flows import planned

    built = {
        "methods": (planned.METHODS, set(catalog.methods())),
        "steps": (planned.STEPS, set(STEPS)),
        "metrics": (planned.METRICS, set(BY_NAME)),
        "columns": (planned.COLUMNS, set()),
    }
    lines = [f"* {kind}: {', '.join(f'`{name}`' for name in sorted(names - has))}" for kind, (names, has) in built.items()]
    head = (
        "## Known by name, not there yet\n\nA flow that uses one of these validates, with a line that says so, and does not run. "
        "The same holds for `review`, `benchmarks` and `batch`."
    )
    return "\n\n".join([head, "\n".join(lines)])


def _steps_link() -> str:
    return "They are in [metrics-and-steps.md](metrics-and-steps.md#steps-of-curate)."


def _fields(schema: Mapping[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = []
    for key, field in schema["properties"].items():
        default = "required" if key in required else _code(field.get("default"))
        examples = " · ".join(_code(one) for one in field.get("examples", ()))
        rows.append([f"`{key}`", _kind(field), default, _prose(field.get("description", "")).replace("\n", " "), examples])
    names = ["key", "type", "default", "meaning", "example"]
    if not any(row[4] for row in rows):
        return _table(names[:4], [row[:4] for row in rows])
    return _table(names, rows)


def _kind(field: Mapping[str, Any]) -> str:
    """The type in words.

    >>> _kind({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]})
    'whole number, at least 1'
    """
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_kind(one) for one in field["anyOf"] if one.get("type") != "null"))
    if "$ref" in field:
        name = str(field["$ref"]).rpartition("/")[2]
        path = dict(SECTIONS).get(name)
        return f"[mapping](#{re.sub(r'[^a-z_]', '', path.lower())})" if path else "mapping"
    if "const" in field:
        return _code(field["const"])
    if "enum" in field:
        values = [one for one in field["enum"] if one is not None]
        return " or ".join(_code(one) for one in values) if len(values) <= 12 else "name"
    return _plain_kind(field)


def _plain_kind(field: Mapping[str, Any]) -> str:
    kind = field.get("type", "anything")
    words = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false", "object": "mapping"}
    if kind == "array":
        inner = _kind(field["items"]) if field.get("items") else ""
        return f"list of {inner}" if inner and "anything" not in inner else "list"
    if isinstance(kind, list):
        return " or ".join(words.get(one, one) for one in kind if one != "null")
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    return ", ".join([words.get(kind, kind), *(f"{text} {field[key]}" for key, text in bounds.items() if key in field)])


def _code(value: Any) -> str:
    """A value as YAML would have it, in backticks; nothing for what is not given."""
    if value is None or value == "" or value == {} or value == []:
        return ""
    if isinstance(value, dict) and all(one is None for one in value.values()):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"


def _prose(text: str | None) -> str:
    """Docstring text as Markdown: literals in single backticks, no line that is longer for nothing."""
    return _paragraphs(inspect.cleandoc(text or ""))


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.replace("``", "`").split("\n\n"))


def _listed(text: str) -> str:
    """Paragraphs that count (``1. ... 2. ...``) as numbered lists."""
    return "\n\n".join(re.sub(r" (?=[2-9]\. )", "\n", part) if part.startswith("1. ") else part for part in text.split("\n\n"))


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(_cell(one) for one in row) + " |" for row in lines)


def _cell(value: Any) -> str:
    return str(value).replace("\n", " ").replace("|", "\\|")


def _page(parts: Sequence[str]) -> str:
    """The parts, one blank line apart, with the note under the title."""
    head, _, rest = parts[0].partition("\n")
    whole = [f"{head}\n{NOTE}{rest}".rstrip(), *(part for part in parts[1:] if part)]
    return "\n\n".join(whole).rstrip() + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "flow.md": flow_page,
    "methods.md": methods_page,
    "metrics-and-steps.md": parts_page,
}
"""Page to what makes it."""

if __name__ == "__main__":
    main()
