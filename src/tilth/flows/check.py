"""What a flow means: do the names, templates, values and roles fit together? Grammar and types were checked before.

Nothing is called and no data file is read beyond its first record (to know its columns).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tilth.errors import TilthError
from tilth.flows import grammar
from tilth.flows.environment import EnvironmentMistake, expand
from tilth.flows.load import Where
from tilth.flows.names import BUILTINS, TemplateMistake, Use, expression_uses, template_uses
from tilth.flows.order import circle, references
from tilth.flows.validate import Problems
from tilth.flows.words import listed, near, suggestion
from tilth.records.record import META_KEYS

ROLES = ("generator", "judge", "user", "pupil", "embedder")
"""Roles that every flow knows; an unset one falls back to the generator (the embedder to local/minilm)."""


RESERVED = frozenset({*BUILTINS, *META_KEYS, "demonstrations", "meta", "scores", "extras"})
"""Names that no column can have: builtins of templates, and what records use for their lineage."""


def check(spec: grammar.FlowSpec, problems: Problems) -> None:
    """Report every mistake of meaning."""
    if spec.name is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", spec.name):
        problems.add(("name",), "'name' becomes a folder: use letters, digits, '-', '_' and '.' only.")
    _codebook(spec, problems)
    for name in spec.data:
        _data(spec, name, problems)
    for role, models in spec.models.items():
        for index, model in enumerate(models):
            _expanded(("models", role, index, "model"), model.model, problems)
    if len(spec.generate) > 1:
        problems.add(("generate", 1), "several stages are not built yet in this version; keep one.", code="flow.not_built")
    for index, stage in enumerate(spec.generate[:1]):
        _stage(spec, stage, ("generate", index), problems)
    if spec.curate:
        from tilth.flows.curating import check_steps

        check_steps(spec, problems)
    if spec.evaluate is not None:
        _evaluate(spec, spec.evaluate, problems)


def _evaluate(spec: grammar.FlowSpec, part: grammar.EvaluateSpec, problems: Problems) -> None:
    """The metrics and the data that `evaluate` names are there."""
    from tilth.evaluate.metrics import BY_NAME

    named: list[tuple[Where, str]] = [(("evaluate", "against", name), one) for name, one in part.against.items()]
    if part.utility is not None and part.utility.test not in ("holdout", *part.against):
        named.append((("evaluate", "utility", "test"), part.utility.test))
    for path, name in named:
        if name not in spec.data and name not in problems.held:
            problems.add(path, f"'{name}' is no data of this flow. {suggestion(name, list(spec.data))}".rstrip(), code="flow.unknown_data")
    for index, metric in enumerate(part.metrics or ()):
        if metric not in BY_NAME and metric != "utility":
            problems.add(("evaluate", "metrics", index), f"no metric is called '{metric}'. {suggestion(metric, list(BY_NAME))}".rstrip())


def _expanded(path: Where, text: str, problems: Problems) -> str | None:
    """`text` with ``${NAME}`` replaced; None after a mistake was reported."""
    try:
        return expand(text)
    except EnvironmentMistake as error:
        problems.add(path, error.what, code=error.code)
        return None


def _codebook(spec: grammar.FlowSpec, problems: Problems) -> None:
    if spec.task.codebook and not (problems.source.folder / spec.task.codebook).is_file():
        problems.add(("task", "codebook"), no_file(spec.task.codebook, problems.source.folder), code="data.not_found")


def _data(spec: grammar.FlowSpec, name: str, problems: Problems) -> None:
    """The files of one input exist."""
    path: Where = ("data", name, "read")
    if name in problems.held or spec.data[name].read == "-":
        return
    read = _expanded(path, spec.data[name].read, problems)
    if read is None:
        return
    if read.startswith("hf:"):
        problems.add(path, "reading from the hub is not built yet in this version; use a file.", code="flow.not_built")
    elif not matches(read, problems.source.folder):
        problems.add(path, no_file(read, problems.source.folder), code="data.not_found")


def matches(read: str, folder: Path) -> list[Path]:
    """Files that `read` names (a path or a pattern), relative to `folder`, sorted."""
    whole = folder / read
    if whole.is_file():
        return [whole]
    if not any(mark in read for mark in "*?["):
        return []
    base = Path(whole.anchor) if whole.is_absolute() else Path()
    return sorted(one for one in base.glob(str(whole.relative_to(base))) if one.is_file())


def no_file(read: str, folder: Path) -> str:
    """``no file matches 'persona.jsonl' (looked in .). Did you mean 'personas.jsonl'?``"""
    where = (folder / read).parent
    try:
        close = near(Path(read).name, sorted(one.name for one in where.iterdir() if one.is_file()))
    except OSError:
        close = None
    what = f"no file matches '{read}' (looked in {folder})."
    return f"{what} Did you mean '{Path(read).parent / close}'?" if close else what


# --- stages -----------------------------------------------------------------------------------------------------------


def _stage(spec: grammar.FlowSpec, stage: grammar.Stage, at: Where, problems: Problems) -> None:
    if stage.source is not None:
        _names_data(spec, stage.source, (*at, "from"), problems)
    if stage.method is not None and stage.columns:
        problems.add((*at, "columns"), "a stage is a method or columns; this one is both. Split it in two stages.", key=True)
    elif stage.method is not None:
        _method(spec, stage, at, problems)
    elif stage.columns:
        _columns(spec, stage, at, problems)
    elif not problems.reported((*at, "method")) and not problems.reported((*at, "columns")):
        problems.add(at, "a stage needs 'method' or 'columns'.", code="flow.missing_key")


def _names_data(spec: grammar.FlowSpec, name: str, path: Where, problems: Problems) -> None:
    """`name` is an input that generation may read."""
    if name == "holdout":
        problems.add(path, "generation never sees 'holdout'. Name other data, such as support.", code="flow.holdout")
    elif name not in spec.data and not problems.reported(("data",)):
        hint = suggestion(name, [one for one in spec.data if one != "holdout"])
        problems.add(path, f"'from' is '{name}', which 'data' does not define. {hint}".rstrip(), code="flow.unknown_data")


def _method(spec: grammar.FlowSpec, stage: grammar.Stage, at: Where, problems: Problems) -> None:
    """The method exists, and its parameters are its own."""
    from tilth.flows.methods import find, parameter_problems

    try:
        method = find(str(stage.method)) if problems.own is None else type(problems.own)
    except TilthError as error:
        problems.add((*at, "method"), error.what, code=error.code)
        return
    for path, what, code, key in parameter_problems(method, stage.parameters):
        problems.add((*at, "with", *path), what, code=code, key=key)
    for name, columns in method.inputs.items():
        if not columns.startswith("?") and name not in spec.data and stage.source is None and not problems.reported(("data",)):
            have = f" (it has: {', '.join(spec.data)})" if spec.data else ""
            add = f"Add it: data: {{{name}: FILE}}" if problems.source.text else f"Give it with: --data {name}=FILE"
            what = f"{stage.method} reads '{name}', which 'data' does not define{have}. {add}"
            problems.add((*at, "method"), what, code="flow.unknown_data")


# --- columns ----------------------------------------------------------------------------------------------------------


def _columns(spec: grammar.FlowSpec, stage: grammar.Stage, at: Where, problems: Problems) -> None:
    for name, column in stage.columns.items():
        path = (*at, "columns", name)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name in RESERVED:
            problems.add(
                path, f"'{name}' cannot be the name of a column: use letters, digits and '_', and no name that tilth uses itself.", key=True
            )
        if _one_kind(column, path, problems):
            CHECKS[column.kind](spec, stage, column, path, problems)
            _options(column, path, problems)
        _templates(spec, stage, name, path, problems)
    ring = circle(stage.columns)
    if ring:
        what = f"columns need each other in a circle: {' -> '.join(ring)}."
        problems.add((*at, "columns", ring[0]), what, code="flow.circle", key=True)
    if stage.rows is None and stage.source is None and not problems.reported((*at, "rows")):
        problems.add((*at, "columns"), "'rows' is missing: say how many records you want.", code="flow.missing_key", key=True)
    if stage.columns and not any(column.kept for column in stage.columns.values()):
        problems.add((*at, "columns"), "every column has 'keep: false', so nothing would be written.", key=True)


def _one_kind(column: grammar.ColumnSpec, path: Where, problems: Problems) -> bool:
    """A column is one thing."""
    kinds = [kind for kind in grammar.KINDS if column.setting(kind) is not None]
    if len(kinds) == 1:
        return True
    if len(kinds) > 1:
        what = f"a column is one thing; this one is {listed(kinds)}. Split it in two columns."
        problems.add(path, what, code="flow.column_kind", key=True)
    elif not problems.reported(path):
        what = f"a column needs one of: {', '.join(grammar.KINDS)}."
        problems.add(path, what, code="flow.column_kind", key=True)
    return False


def _options(column: grammar.ColumnSpec, path: Where, problems: Problems) -> None:
    """Options stand only where they mean something."""
    allowed = grammar.OPTIONS[column.kind] | {column.kind, "when", "keep"}
    given = {(grammar.ColumnSpec.model_fields[name].alias or name) for name in column.model_fields_set}
    for key in sorted(given - allowed - set(grammar.KINDS)):
        owners = [kind for kind, options in grammar.OPTIONS.items() if key in options]
        problems.add((*path, key), f"'{key}' belongs to {listed(owners)}, not to {column.kind}.", code="flow.option", key=True)


def _values(spec: grammar.FlowSpec, stage: grammar.Stage, column: grammar.ColumnSpec, path: Where, problems: Problems) -> None:
    values: Any = list(spec.task.labels) if column.values == "labels" else column.values
    if column.values == "labels" and not values:
        if not problems.reported(("task", "labels")):
            problems.add((*path, "values"), "'labels' are the labels of the task, and task.labels is empty.", code="flow.no_labels")
        return
    if not values:
        problems.add((*path, "values"), f"'{path[-1]}' has no values.")
    if column.weights is not None and values:
        if len(values) != len(column.weights):
            what = f"'{path[-1]}' has {_count(len(values), 'value')} but {_count(len(column.weights), 'weight')}."
            problems.add((*path, "weights"), what, code="flow.weights")
        elif min(column.weights) < 0 or sum(column.weights) <= 0:
            problems.add((*path, "weights"), "weights must not be negative, and one must be more than 0.", code="flow.weights")
        elif column.by is not None:
            problems.add((*path, "by"), "'by' balances, so it takes no 'weights'. Keep one of them.", key=True)
    if column.by is not None:
        _by(stage, column.by, (*path, "by"), problems)


def _by(stage: grammar.Stage, by: str, path: Where, problems: Problems) -> None:
    """``by`` names another drawn column."""
    drawn = [
        name for name, one in stage.columns.items() if one.kind in {"values", "integer", "number", "words", "from"} and name != path[-2]
    ]
    if by not in drawn:
        problems.add(path, f"'by' is '{by}', which is no other drawn column. {suggestion(by, drawn)}".rstrip(), code="flow.unknown_name")
    elif stage.columns[by].by is not None or stage.columns[by].when is not None:
        problems.add(path, f"'by' cannot be '{by}': that column has 'by' or 'when' itself.")


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _range(spec: grammar.FlowSpec, stage: grammar.Stage, column: grammar.ColumnSpec, path: Where, problems: Problems) -> None:
    low, high = column.setting(column.kind)
    if low > high:
        problems.add((*path, column.kind), f"'{column.kind}' goes from the least to the most: [{high}, {low}].")


def _from(spec: grammar.FlowSpec, stage: grammar.Stage, column: grammar.ColumnSpec, path: Where, problems: Problems) -> None:
    _names_data(spec, str(column.source), (*path, "from"), problems)


def _prompt(spec: grammar.FlowSpec, stage: grammar.Stage, column: grammar.ColumnSpec, path: Where, problems: Problems) -> None:
    _role(spec, stage, column, path, problems)
    if column.demonstrations is not None:
        _names_data(spec, column.demonstrations.source, (*path, "demonstrations", "from"), problems)
        if column.demonstrations.select not in {"random", "fixed", "balanced"}:
            what = f"select '{column.demonstrations.select}' is not built yet in this version; use random, fixed or balanced."
            problems.add((*path, "demonstrations", "select"), what, code="flow.not_built")
    if column.shape is not None:
        _shape_is_schema(column, path, problems)
    if column.parse == "label" and not spec.task.labels and not problems.reported(("task", "labels")):
        problems.add((*path, "parse"), "parse 'label' needs task.labels, which is empty.", code="flow.no_labels")
    if column.each and column.samples == 1 and column.parse not in {"list", "json"} and column.shape is None:
        problems.add((*path, "each"), "'each' makes one record of each item: it needs 'samples' above 1, or 'parse: list'.", key=True)


def _shape_is_schema(column: grammar.ColumnSpec, path: Where, problems: Problems) -> None:
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(column.shape or {})
    except SchemaError as error:
        problems.add((*path, "shape", *error.path), f"'shape' is no JSON Schema: {error.message}.")
    if column.parse not in {None, "json"}:
        problems.add((*path, "parse"), f"a reply with a 'shape' is JSON; 'parse' cannot be '{column.parse}'.")


def _judge(spec: grammar.FlowSpec, stage: grammar.Stage, column: grammar.ColumnSpec, path: Where, problems: Problems) -> None:
    _role(spec, stage, column, path, problems)
    if not column.judge:
        problems.add((*path, "judge"), "a judge needs a question.")
    if column.scale[0] >= column.scale[1]:
        problems.add((*path, "scale"), f"'scale' goes from the least to the most: [{column.scale[1]}, {column.scale[0]}].")


def _role(spec: grammar.FlowSpec, stage: grammar.Stage, column: grammar.ColumnSpec, path: Where, problems: Problems) -> None:
    known = [*dict.fromkeys([*ROLES, *spec.models, *stage.models])]
    if column.role is not None and column.role not in known:
        what = f"'{path[-1]}' asks the role '{column.role}', which 'models' does not set. {suggestion(column.role, known)}"
        problems.add((*path, "role"), what, code="flow.unknown_role")


def _nothing(spec: grammar.FlowSpec, stage: grammar.Stage, column: grammar.ColumnSpec, path: Where, problems: Problems) -> None:
    """Kinds that need no check of their own."""


CHECKS = {
    "values": _values,
    "integer": _range,
    "number": _range,
    "words": _nothing,
    "from": _from,
    "prompt": _prompt,
    "judge": _judge,
    "compute": _nothing,
}


def _templates(spec: grammar.FlowSpec, stage: grammar.Stage, name: str, path: Where, problems: Problems) -> None:
    """Templates and expressions parse, and name only what there is."""
    visible = list(dict.fromkeys([*stage.columns, *_source_columns(spec, stage, problems), *sorted(BUILTINS)]))
    for key, text, is_template in references(stage.columns[name]):
        try:
            uses = template_uses(text) if is_template else expression_uses(text)
        except TemplateMistake as error:
            kind = "template" if is_template else "expression"
            place = (error.line or 1, error.column or 1)
            problems.add((*path, *key), f"{kind} of '{name}': {error.what}.", code="flow.template", at=place)
            continue
        extra = ["demonstrations"] if stage.columns[name].demonstrations is not None else []
        _undefined(name, uses, [*visible, *extra], (*path, *key), is_template, problems)


def _undefined(name: str, uses: Iterable[Use], visible: list[str], path: Where, is_template: bool, problems: Problems) -> None:
    for use in uses:
        if use.name in visible:
            continue
        asked = f"'{{{{ {use.name} }}}}'" if is_template else f"'{use.name}'"
        hint = suggestion(use.name, [one for one in visible if one != name])
        what = f"'{name}' asks for {asked}, which is no column, input or builtin. {hint}"
        problems.add(path, what, code="flow.unknown_name", at=(use.line, use.column))


def _source_columns(spec: grammar.FlowSpec, stage: grammar.Stage, problems: Problems) -> list[str]:
    """Columns of the data that the stage goes through, from its first record; none where it cannot be read (reported elsewhere)."""
    if stage.source is None or stage.source not in spec.data or stage.source in problems.held:
        return []
    from tilth.flows.inputs import first_columns

    return first_columns(spec.data[stage.source], problems.source.folder)
