"""Columns: one kind each, options where they belong, names that exist, no circles."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tilth.errors import RequestError
from tilth.flows import grammar, planned, stages
from tilth.flows.check import names_data, no_file
from tilth.flows.load import Where
from tilth.flows.names import BUILTINS, TemplateMistake, Use, expression_uses, template_uses
from tilth.flows.order import circle, references
from tilth.flows.roles import ROLES
from tilth.flows.validate import Problems
from tilth.flows.words import listed, suggestion
from tilth.records.record import META_KEYS

RESERVED = frozenset({*BUILTINS, *META_KEYS, "demonstrations", "meta", "scores", "extras"})
"""Names that no column can have: builtins of templates, and what records use for their lineage."""


@dataclass(frozen=True)
class Of:
    """A column while it is checked: in which flow and stage it stands, and where."""

    spec: grammar.FlowSpec
    stage: grammar.Stage
    column: grammar.ColumnSpec
    path: Where
    problems: Problems

    @property
    def name(self) -> str:
        """The column's name."""
        return str(self.path[-1])

    def add(self, where: str | Where, what: str, **more: Any) -> None:
        """A mistake at a key of the column."""
        self.problems.add((*self.path, *((where,) if isinstance(where, str) else where)), what, **more)


def check_columns(spec: grammar.FlowSpec, index: int, problems: Problems) -> None:
    """Report every mistake in the columns of a stage."""
    stage, at = spec.generate[index], ("generate", index)
    given = stages.given_columns(spec, index, problems.source.folder, problems.held)
    for name, column in stage.columns.items():
        path = (*at, "columns", name)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name in RESERVED:
            problems.add(
                path, f"'{name}' cannot be the name of a column: use letters, digits and '_', and no name that tilth uses itself.", key=True
            )
        one = Of(spec, stage, column, path, problems)
        if _one_kind(one):
            if column.kind in planned.COLUMNS:
                problems.wait((*path, column.kind), column.kind, key=True)
            elif column.kind in CHECKS:
                CHECKS[column.kind](one)
            _options(one)
        _templates(one, given)
    ring = circle(stage.columns)
    if ring:
        what = f"columns need each other in a circle: {' -> '.join(ring)}."
        problems.add((*at, "columns", ring[0]), what, code="flow.circle", key=True)
    if stage.rows is None and stages.before(spec, index) is None and not problems.reported((*at, "rows")):
        problems.add((*at, "columns"), "'rows' is missing: say how many records you want.", code="flow.missing_key", key=True)
    if stage.columns and not any(column.kept for column in stage.columns.values()):
        problems.add((*at, "columns"), "every column has 'keep: false', so nothing would be written.", key=True)


def _one_kind(one: Of) -> bool:
    """A column is one thing."""
    kinds = [kind for kind in grammar.KINDS if one.column.setting(kind) is not None]
    if len(kinds) == 1:
        return True
    if len(kinds) > 1:
        what = f"a column is one thing; this one is {listed(kinds)}. Split it in two columns."
        one.add((), what, code="flow.column_kind", key=True)
    elif not one.problems.reported(one.path):
        what = f"a column needs one of: {', '.join(grammar.KINDS)}."
        one.add((), what, code="flow.column_kind", key=True)
    return False


def _options(one: Of) -> None:
    """Options stand only where they mean something."""
    column = one.column
    allowed = grammar.OPTIONS[column.kind] | {column.kind, "when", "keep"}
    given = {(grammar.ColumnSpec.model_fields[name].alias or name) for name in column.model_fields_set}
    for key in sorted(given - allowed - set(grammar.KINDS)):
        owners = [kind for kind, options in grammar.OPTIONS.items() if key in options]
        one.add(key, f"'{key}' belongs to {listed(owners)}, not to {column.kind}.", code="flow.option", key=True)


# --- drawn ------------------------------------------------------------------------------------------------------------


def _values(one: Of) -> None:
    column, task = one.column, one.spec.task
    values: Any = list(task.labels) if column.values == "labels" else column.values
    if column.values == "labels" and not values:
        if not one.problems.reported(("task", "labels")):
            one.add("values", "'labels' are the labels of the task, and task.labels is empty.", code="flow.no_labels")
        return
    if not values:
        one.add("values", f"'{one.name}' has no values.")
    if column.weights is not None and values:
        if len(values) != len(column.weights):
            what = f"'{one.name}' has {_count(len(values), 'value')} but {_count(len(column.weights), 'weight')}."
            one.add("weights", what, code="flow.weights")
        elif min(column.weights) < 0 or sum(column.weights) <= 0:
            one.add("weights", "weights must not be negative, and one must be more than 0.", code="flow.weights")
        elif column.by is not None:
            one.add("by", "'by' balances, so it takes no 'weights'. Keep one of them.", key=True)
    _by(one)


def _by(one: Of) -> None:
    """``by`` names another drawn column."""
    from tilth.flows.draws import DRAWN

    by, columns = one.column.by, one.stage.columns
    if by is None:
        return
    drawn = [name for name, other in columns.items() if other.kind in DRAWN and name != one.name]
    if by not in drawn:
        one.add("by", f"'by' is '{by}', which is no other drawn column. {suggestion(by, drawn)}".rstrip(), code="flow.unknown_name")
    elif columns[by].by is not None or columns[by].when is not None:
        one.add("by", f"'by' cannot be '{by}': that column has 'by' or 'when' itself.")


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _range(one: Of) -> None:
    kind = one.column.kind
    low, high = one.column.setting(kind)
    if low > high:
        one.add(kind, f"'{kind}' goes from the least to the most: [{high}, {low}].")


def _date(one: Of) -> None:
    days = one.column.date or []
    for place, text in enumerate(days):
        try:
            datetime.date.fromisoformat(text)
        except ValueError:
            one.add(("date", place), f"'{text}' is no day. Write it as 2024-12-31.")
            return
    if days[0] > days[1]:
        one.add("date", f"'date' goes from the first day to the last: [{days[1]}, {days[0]}].")


def _tree(one: Of) -> None:
    from tilth.flows.trees import leaves

    path = one.problems.source.folder / str(one.column.tree)
    if not path.is_file():
        one.add("tree", no_file(str(one.column.tree), one.problems.source.folder), code="data.not_found")
        return
    try:
        leaves(path)
    except RequestError as error:
        one.add("tree", error.what, code=error.code)
    _by(one)


def _from(one: Of) -> None:
    names_data(one.spec, str(one.column.source), (*one.path, "from"), one.problems)


# --- asked ------------------------------------------------------------------------------------------------------------


def _prompt(one: Of) -> None:
    column, task = one.column, one.spec.task
    _role(one)
    if column.demonstrations is not None:
        names_data(one.spec, column.demonstrations.source, (*one.path, "demonstrations", "from"), one.problems)
        if column.demonstrations.select in planned.SELECTIONS:
            one.problems.wait((*one.path, "demonstrations", "select"), f"select: {column.demonstrations.select}")
    if column.shape is not None:
        _shape_is_schema(one)
    if column.parse == "label" and not task.labels and not one.problems.reported(("task", "labels")):
        one.add("parse", "parse 'label' needs task.labels, which is empty.", code="flow.no_labels")
    if column.each and column.samples == 1 and column.parse not in {"list", "json"} and column.shape is None:
        one.add("each", "'each' makes one record of each item: it needs 'samples' above 1, or 'parse: list'.", key=True)


def _shape_is_schema(one: Of) -> None:
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(one.column.shape or {})
    except SchemaError as error:
        one.add(("shape", *error.path), f"'shape' is no JSON Schema: {error.message}.")
    if one.column.parse not in {None, "json"}:
        one.add("parse", f"a reply with a 'shape' is JSON; 'parse' cannot be '{one.column.parse}'.")


def _judge(one: Of) -> None:
    column = one.column
    _role(one)
    if not column.judge:
        one.add("judge", "a judge needs a question.")
    if column.scale[0] >= column.scale[1]:
        one.add("scale", f"'scale' goes from the least to the most: [{column.scale[1]}, {column.scale[0]}].")


def _role(one: Of) -> None:
    role = one.column.role
    known = [*dict.fromkeys([*ROLES, *one.spec.models, *one.stage.models])]
    if role is not None and role not in known:
        what = f"'{one.name}' asks the role '{role}', which 'models' does not set. {suggestion(role, known)}"
        one.add("role", what, code="flow.unknown_role")


def _verify(one: Of) -> None:
    """The verifier is one of ours or a planned one, and reads columns that are there."""
    from tilth.flows.verifying import verifiers

    name, known = str(one.column.verify), verifiers()
    if name not in known and not planned.is_planned(name, planned.VERIFIERS):
        both = sorted({*known, *planned.VERIFIERS})
        one.add("verify", f"no verifier is called '{name}'. {suggestion(name, both)}", code="flow.unknown_verifier")
        return
    if name not in known:
        one.problems.wait((*one.path, "verify"), f"verify: {name}")
    given = stages.given_columns(one.spec, int(one.path[1]), one.problems.source.folder, one.problems.held)
    visible = [*one.stage.columns, *(given or [])]
    arguments = known[name].arguments if name in known else None
    for argument, column in one.column.using.items():
        if arguments is not None and argument not in arguments:
            what = f"'{argument}' is no argument of verify {name}. {suggestion(argument, arguments)}"
            one.add(("using", argument), what, code="flow.unknown_key", key=True)
        elif column not in visible and given is not None:
            what = f"'{argument}' is to be '{column}', which is no column. {suggestion(column, [n for n in visible if n != one.name])}"
            one.add(("using", argument), what.rstrip(), code="flow.unknown_name")
    for argument, says in (arguments or {}).items():
        if not says.startswith("?") and argument not in one.column.using and argument not in visible and given is not None:
            one.add("verify", f"verify {name} needs '{argument}' ({says}). Write: using: {{{argument}: COLUMN}}", code="flow.missing_key")


CHECKS = {
    "values": _values,
    "integer": _range,
    "number": _range,
    "date": _date,
    "tree": _tree,
    "from": _from,
    "prompt": _prompt,
    "judge": _judge,
    "verify": _verify,
}
"""Kind to its check; the others need none."""


# --- templates --------------------------------------------------------------------------------------------------------


def _templates(one: Of, given: list[str] | None) -> None:
    """Templates and expressions parse, and name only what there is; given: columns of what the stage goes through, None: not known."""
    visible = list(dict.fromkeys([*one.stage.columns, *(given or []), *sorted(BUILTINS)]))
    for key, text, is_template in references(one.column):
        try:
            uses = template_uses(text) if is_template else expression_uses(text)
        except TemplateMistake as error:
            kind = "template" if is_template else "expression"
            place = (error.line or 1, error.column or 1)
            one.add(key, f"{kind} of '{one.name}': {error.what}.", code="flow.template", at=place)
            continue
        if given is None:
            continue
        extra = ["demonstrations"] if one.column.demonstrations is not None else []
        undefined(one.name, uses, [*visible, *extra], (*one.path, *key), is_template, one.problems)


def undefined(name: str, uses: Iterable[Use], visible: list[str], path: Where, is_template: bool, problems: Problems) -> None:
    """Report the names that a text uses and that are not there."""
    for use in uses:
        if use.name in visible:
            continue
        asked = f"'{{{{ {use.name} }}}}'" if is_template else f"'{use.name}'"
        hint = suggestion(use.name, [one for one in visible if one != name])
        what = f"'{name}' asks for {asked}, which is no column, input or builtin. {hint}"
        problems.add(path, what, code="flow.unknown_name", at=(use.line, use.column))
