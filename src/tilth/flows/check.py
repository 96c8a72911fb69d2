"""What a flow means: do the names, templates, values and roles fit together? Grammar and types were checked before.

Nothing is called and no data file is read beyond its first record (to know its columns). The parts have files of their own:
`check_columns`, `check_models`, `check_evaluate`, and `curating` for the steps.
"""

from __future__ import annotations

import re
from pathlib import Path

from tilth.errors import TilthError
from tilth.flows import grammar, planned, stages
from tilth.flows.environment import EnvironmentMistake, expand
from tilth.flows.inputs import with_columns
from tilth.flows.load import Where
from tilth.flows.roles import ROLES
from tilth.flows.validate import Problems
from tilth.flows.words import near, suggestion

__all__ = ["ROLES", "check", "matches", "no_file"]


def check(spec: grammar.FlowSpec, problems: Problems) -> None:
    """Report every mistake of meaning, and every part that this version does not have."""
    from tilth.flows.check_evaluate import check_evaluate, check_export
    from tilth.flows.check_models import check_models

    if spec.name is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", spec.name):
        problems.add(("name",), "'name' becomes a folder: use letters, digits, '-', '_' and '.' only.")
    _codebook(spec, problems)
    for name in spec.data:
        _data(spec, name, problems)
    check_models(spec, problems)
    _ids(spec, problems)
    for index in range(len(spec.generate)):
        _stage(spec, index, problems)
    if spec.curate:
        from tilth.flows.curating import check_steps

        check_steps(spec, problems)
    if spec.evaluate is not None:
        check_evaluate(spec, spec.evaluate, problems)
    if spec.review is not None:
        problems.wait(("review",), "review", key=True)
    check_export(spec, problems)


# --- task and data ----------------------------------------------------------------------------------------------------


def expanded(path: Where, text: str, problems: Problems) -> str | None:
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
    part = spec.data[name]
    if part.split is not None and part.split.max_tokens is not None and part.split.overlap >= part.split.max_tokens:
        what = f"'overlap' must be less than 'max_tokens' ({part.split.max_tokens}), not {part.split.overlap}."
        problems.add(("data", name, "split", "overlap"), what)
    if part.split is not None and part.split.by == "tokens" and part.split.max_tokens is None:
        problems.add(("data", name, "split"), "a split by tokens needs 'max_tokens'.", code="flow.missing_key", key=True)
    if name in problems.held or part.read == "-":
        return
    read = expanded(path, part.read, problems)
    if read is None:
        return
    if read.startswith("hf:"):
        problems.wait(path, "read: hf:")
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


def _ids(spec: grammar.FlowSpec, problems: Problems) -> None:
    """Names of stages are unique, and none is also the name of data."""
    seen: set[str] = set()
    for index, stage in enumerate(spec.generate):
        if stage.id is None:
            continue
        if stage.id in seen or stage.id in spec.data:
            what = "another stage" if stage.id in seen else "data"
            problems.add(("generate", index, "id"), f"'{stage.id}' is the name of {what} already; a stage needs one of its own.")
        seen.add(stage.id)


def _stage(spec: grammar.FlowSpec, index: int, problems: Problems) -> None:
    from tilth.flows.check_columns import check_columns

    stage, at = spec.generate[index], ("generate", index)
    if stage.source is not None:
        names_data(spec, stage.source, (*at, "from"), problems, index=index)
    if index + 1 < len(spec.generate) and stage.top_up:
        problems.add((*at, "top_up"), "'top_up' belongs to the last stage: it repeats what comes before curation.", key=True)
    if stage.top_up and not spec.curate:
        problems.add((*at, "top_up"), "'top_up' fills what curation takes away, and this flow has no 'curate'.", key=True)
    if stage.method is not None and stage.columns:
        problems.add((*at, "columns"), "a stage is a method or columns; this one is both. Split it in two stages.", key=True)
    elif stage.method is not None:
        _method(spec, stage, index, problems)
    elif stage.columns:
        check_columns(spec, index, problems)
    elif not problems.reported((*at, "method")) and not problems.reported((*at, "columns")):
        problems.add(at, "a stage needs 'method' or 'columns'.", code="flow.missing_key")


def names_data(spec: grammar.FlowSpec, name: str, path: Where, problems: Problems, *, index: int | None = None) -> None:
    """`name` is an input that generation may read; `index`: of the stage that may also read an earlier one."""
    earlier = stages.ids(spec)[:index] if index is not None else []
    if name in earlier:
        return
    if name in stages.fenced(spec):
        why = (
            f"generation never sees '{name}'."
            if name == "holdout"
            else f"generation never sees '{name}': it is what the result is tested on."
        )
        problems.add(path, f"{why} Name other data, such as support.", code="flow.holdout")
    elif name not in spec.data and not problems.reported(("data",)):
        hint = suggestion(name, [one for one in [*earlier, *spec.data] if one not in stages.fenced(spec)])
        later = index is not None and name in stages.ids(spec)[index:]
        hint = "A stage reads only what stands above it." if later else hint
        problems.add(path, f"'from' is '{name}', which 'data' does not define. {hint}".rstrip(), code="flow.unknown_data")


def _method(spec: grammar.FlowSpec, stage: grammar.Stage, index: int, problems: Problems) -> None:
    """The method exists, and its parameters are its own."""
    from tilth.flows.methods import find, parameter_problems

    at: Where = ("generate", index)
    try:
        method = find(str(stage.method)) if problems.own is None else type(problems.own)
    except TilthError as error:
        if planned.is_planned(str(stage.method), planned.METHODS):
            problems.wait((*at, "method"), f"method: {stage.method}")
        else:
            close = near(str(stage.method).replace("_", "-"), planned.METHODS)
            what = f"no method is called '{stage.method}'. Did you mean '{close}'? See: tilth methods"
            problems.add((*at, "method"), what if close and "Did you mean" not in error.what else error.what, code=error.code)
        return
    for path, what, code, key in parameter_problems(method, stage.parameters):
        problems.add((*at, "with", *path), what, code=code, key=key)
    if stage.top_up and stage.rows is None:
        problems.add((*at, "top_up"), "'top_up' fills up to 'rows', which is missing.", key=True)
    if stages.before(spec, index) is not None:
        if not method.inputs:
            what = f"{stage.method} reads no data, so it cannot read " + (f"'{stage.source}'." if stage.source else "the stage before it.")
            problems.add((*at, "from") if stage.source else (*at, "method"), what, code="flow.no_input")
        return
    for name, columns in method.inputs.items():
        if not columns.startswith("?") and name not in spec.data and stage.source is None and not problems.reported(("data",)):
            have = f" (it has: {', '.join(spec.data)})" if spec.data else ""
            add = f"Add it: data: {{{name}: FILE}}" if problems.source.text else f"Give it with: --data {name}=FILE"
            what = f"{stage.method} reads '{name}'{with_columns(columns)}, which 'data' does not define{have}. {add}"
            problems.add((*at, "method"), what, code="flow.unknown_data")
