"""`tilth flow`: begin a flow file, check it, look at it, and the schema for editors."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilth.cli.options import CONTEXT, Answer, NiceGroup, Session, command
from tilth.errors import ManyErrors, RequestError, TilthError

if TYPE_CHECKING:
    from tilth.flows.flow import Flow

SCHEMA = Path(".tilth") / "flow.schema.json"
"""Where editors find the schema, beside the flow."""


@click.group(
    "flow",
    cls=NiceGroup,
    examples=("flow init tickets --from examples.csv", "flow validate tickets.yaml"),
    context_settings=CONTEXT,
    help="Flow files: begin one, check it, look at it. `tilth help flow` explains every key.",
)
def flow() -> None:
    """The commands are added below."""


@command(
    "init",
    examples=("flow init tickets --from examples.csv", "flow init --method attrprompt > my.yaml"),
    help="Write a commented flow that validates: to NAME.yaml, with a schema for editors beside it, or to stdout without NAME.",
)
@click.argument("name", required=False)
@click.option("--method", help="A method: tilth methods.")
@click.option("--kind", help="What kind of data: classification, instruction, dialogue, preference, code, math, qa, ...")
@click.option("--from", "source", metavar="FILE", help="Examples, which fill it in; or a folder of Markdown documents.")
@click.option("--columns", is_flag=True, help="Columns instead of a method.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(session: Session, name: str | None, force: bool, **wanted: Any) -> Answer:
    """Ask where nothing is said and somebody is there, draft, write."""
    from tilth.flows.drafting import draft

    if name is None and not any(wanted.values()) and session.may_ask:
        wanted = {**wanted, **_questions()}
    path = Path(name if name and name.endswith((".yaml", ".yml")) else f"{name}.yaml") if name else None
    if path is not None and path.exists() and not force:
        raise RequestError(f"{path} is there already. Choose another name, or write over it with --force.", code="flow.exists")
    folder = path.parent if path is not None else Path(".")
    stem = path.stem if path is not None else _redirected(session) or wanted.get("method") or "my-flow"
    called = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "my-flow"
    text = draft(called, folder=folder, **wanted)
    if path is None:
        session.printer.result(text.rstrip("\n"))
        return Answer({"flow": text, "path": None, "schema": None})
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    schema = _write_schema(folder / SCHEMA)
    session.printer.mark("done", f"{path} written; {schema} helps editors to complete and check it")
    session.printer.result(str(path))
    session.printer.advise(f"tilth flow validate {path}")
    session.printer.advise(f"tilth run {path} -n 8")
    return Answer({"flow": text, "path": str(path), "schema": str(schema)})


def _redirected(session: Session) -> str:
    """The name of the file that stdout is redirected to (``> tickets.yaml``), without its ending; empty where it is none."""
    out = session.printer.out
    with contextlib.suppress(OSError, ValueError):
        if stat.S_ISREG(os.fstat(out.fileno()).st_mode):
            return Path(os.readlink(f"/proc/self/fd/{out.fileno()}")).stem  # where there is no /proc nobody can know
    return ""


def _questions() -> dict[str, Any]:
    """The four questions: what kind, what file, which model, how many rows."""
    from tilth.flows.drafting import COLUMNS

    kind = click.prompt("What kind of data", type=click.Choice(list(COLUMNS)), default="classification", err=True)
    source = click.prompt("A file with examples (empty: none)", default="", show_default=False, err=True) or None
    model = click.prompt("Which model writes", default="local", err=True)
    rows = click.prompt("How many rows", type=click.IntRange(1), default=100, err=True)
    return {"kind": kind, "source": source, "model": model, "rows": rows}


def _write_schema(path: Path) -> Path:
    from tilth.flows.schema import flow_schema

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(flow_schema(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


@command(
    "validate",
    examples=("flow validate tickets.yaml", "flow validate flows/*.yaml --json"),
    help="Check flows: grammar, names, templates, circles, files and their columns, parameters, roles, gates. No model is called "
    "and nothing is written. Exit 2 when one is wrong; what this version does not have is listed and is no mistake.",
)
@click.argument("flows", nargs=-1, required=True, metavar="FLOW...")
@click.option("--models", is_flag=True, help="Also ask each model for a few tokens; exit 1 when one does not answer.")
def validate(session: Session, flows: tuple[str, ...], models: bool) -> Answer:
    """Check each; say everything that is wrong."""
    found = [_checked(session, path) for path in flows]
    errors = [error for one in found for error in one["errors"]]
    if models and not errors:
        found = [{**one, "models": _asked(session, one["flow"])} for one in found]
    silent = [model for one in found for model in one.get("models", ()) if not model["ok"]]
    answer = Answer({"flows": found, "errors": errors})
    if errors:
        answer.exit, answer.error = 2, (errors[0]["code"], errors[0]["message"])
    elif silent:
        answer.exit, answer.error = 1, ("model.no_answer", f"{silent[0]['spec']} did not answer: {silent[0]['says']}")
    else:
        session.printer.advise(f"tilth run {flows[0]}" if not found[0]["waiting"] else f"tilth flow show {flows[0]} --graph")
    return answer


def _checked(session: Session, path: str) -> dict[str, Any]:
    """One flow, its mistakes and what it waits for, told and as plain values."""
    from tilth.cli.boundary import tell
    from tilth.flows import showing
    from tilth.flows.flow import Flow

    printer = session.printer
    try:
        one = Flow.from_yaml(path).validate(files=True)
    except TilthError as error:
        tell(session, error)
        many = error.errors if isinstance(error, ManyErrors) else [error]
        return {"flow": path, "ok": False, "errors": [_place(each) for each in many], "waiting": []}
    counted = showing.counts(one, one.data())
    printer.mark("done", f"{path}: {counted}")
    for part in one.waiting:
        printer.mark("warn", str(part).rstrip("."))
    return {"flow": path, "ok": True, "errors": [], "waiting": [_place(part) for part in one.waiting], "counts": counted}


def _place(error: TilthError) -> dict[str, Any]:
    return {"code": error.code, "message": error.what, "file": error.file, "line": error.line, "column": error.column}


def _asked(session: Session, path: str) -> list[dict[str, Any]]:
    from tilth.cli.checking import check, of_flow

    rows = [check(spec) for spec in of_flow(path)]
    for row in rows:
        session.printer.mark("done" if row["ok"] else "fail", f"{row['spec']}   {row['says']}")
    return rows


@command(
    "show",
    examples=("flow show tickets.yaml", "flow show tickets.yaml --prompt text"),
    help="Columns in order, with what each needs; or a tree (--graph), the flow with all defaults (--resolved), or what the first row "
    "asks a model (--prompt).",
)
@click.argument("path", metavar="FLOW")
@click.option("--graph", is_flag=True, help="Stages and columns as a tree.")
@click.option("--resolved", is_flag=True, help="The whole flow with every default, as YAML that reads back.")
@click.option("--prompt", metavar="COLUMN", help="The prompt of a column, with the first row; or a template of the method.")
def show(session: Session, path: str, graph: bool, resolved: bool, prompt: str | None) -> Answer:
    """Read, and show one view of it."""
    from tilth.flows import showing
    from tilth.flows.overriding import flow_of

    one, printer = flow_of(path).validate(), session.printer
    if resolved:
        text = one.to_yaml(resolved=True)
        printer.result(text.rstrip("\n"))
        return Answer({"flow": text})
    if prompt is not None:
        messages = showing.prompt(one, prompt)
        for role, text in messages:
            printer.result((f"{role}:", "dim"))
            for line in text.split("\n"):
                printer.result("  ", line)
        return Answer({"prompt": [{"role": role, "content": text} for role, text in messages]})
    if graph:
        drawn = showing.graph(one)
        for line in drawn:
            printer.result(line)
        return Answer({"graph": drawn})
    return _table(session, one)


def _table(session: Session, one: Flow) -> Answer:
    from tilth.flows import showing

    shown = showing.lines(one)
    several = len(one.spec.generate) > 1
    rows = [
        [*([line.stage] if several else []), line.name, line.what, ", ".join(line.needs), "" if line.kept else "hidden"] for line in shown
    ]
    session.printer.table([*(["stage"] if several else []), "column", "made by", "needs", ""], rows)
    for part in one.waiting:
        session.printer.mark("warn", str(part).rstrip("."))
    columns = [{"stage": line.stage, "name": line.name, "what": line.what, "needs": list(line.needs), "kept": line.kept} for line in shown]
    return Answer({"columns": columns, "waiting": [_place(part) for part in one.waiting]})


@command(
    "schema",
    examples=("flow schema --out .tilth/flow.schema.json", "flow schema | jq '.properties | keys'"),
    help="The JSON Schema (2020-12) of flow files, with the parameters of every method.",
)
@click.option("--out", "-o", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it there.")
def schema(session: Session, out: Path | None) -> Answer:
    """Print or write it."""
    from tilth.flows.schema import flow_schema

    if out is not None:
        session.printer.result(str(_write_schema(out)))
        return Answer({"path": str(out)})
    whole = flow_schema()
    session.printer.result(json.dumps(whole, indent=1, ensure_ascii=False))
    return Answer({"schema": whole})


for one in (init, validate, show, schema):
    flow.add_command(one)
