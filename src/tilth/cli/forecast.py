"""An estimate on the screen: as a table, as one line, as JSON; what would be cheaper; and the question about cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tilth.cli import again, estimate, launching, trial
from tilth.cli.numbers import count, money, plural, tokens
from tilth.cli.options import Answer, Session
from tilth.errors import RequestError

if TYPE_CHECKING:
    from tilth.cli.estimate import Estimate, Span
    from tilth.flows.launch import Prepared
    from tilth.models.roles import RoleModel

UNITS = 20
"""Units of which a run's cost is foretold."""
ENOUGH = 100
"""Rows below which a run is not foretold: its units are a large part of it."""
ASK_ABOVE = 1.0
"""Dollars (upper end of the interval) above which a person is asked."""


def dry_run(session: Session, asked: launching.Asked, k: int) -> Answer:
    """Run K units aside, then print what all rows would take; the replies stay in the journal for the real run."""
    made = trial.make(session, asked, k)
    bad = trial.ended(session, made)
    if bad is not None:
        return bad
    found = estimate.of(made)
    kept, outcome = sum(unit.kept > 0 for unit in found.units), made.outcome
    spent = "cost unknown" if outcome.usd_unknown else money(outcome.usd)
    head = f"ran {found.tried} of {plural(found.rows, 'unit')}: {kept} kept, {found.tried - kept} rejected"
    session.printer.say(f"{head}, {plural(outcome.calls, 'call')}, {spent}")
    _table(session, found)
    alternative = cheaper(found, made.whole.settings.roles)
    if alternative:
        session.printer.say(f"cheaper: {alternative}")
    session.printer.advise(again.command(again.wet(asked.argv)), "the whole; these replies are used, not paid again")
    folder = made.whole.folder
    ran = {"kept": kept, "rejected": found.tried - kept, "calls": outcome.calls, "usd": None if outcome.usd_unknown else outcome.usd}
    return Answer({"run": folder.name, "path": str(folder.path), "ran": ran, "rows": found.rows, **facts(found), "cheaper": alternative})


def facts(found: Estimate) -> dict[str, Any]:
    """The estimate for `--json`. seconds: at `parallel` calls at once."""
    spans = {**found.spans, "kept": found.kept}
    return {
        "estimate": {name: {"expected": one.expected, "low": one.low, "high": one.high} for name, one in spans.items()},
        "level": estimate.LEVEL,
        "parallel": found.parallel,
        "by_role_usd": dict(found.roles),
        "not_foreseen": list(found.left_out),
    }


def _table(session: Session, found: Estimate) -> None:
    spans, printer = found.spans, session.printer
    both = [(spans[name].expected, spans[name].low, spans[name].high) for name in ("tokens_in", "tokens_out")]
    shares = _shares(found)
    survive = f"{', '.join(found.left_out)}: not foreseeable" if found.left_out else ""
    rows = [
        ["calls", count(spans["calls"].expected), _between(spans["calls"], count), ""],
        ["tokens in / out", " / ".join(tokens(one[0]) for one in both), " / ".join(_two(one[1], one[2], tokens) for one in both), ""],
        ["cost", money(spans["usd"].expected), _between(spans["usd"], money), shares],
        [f"time at {found.parallel} parallel", span_words(spans["seconds"])[0], span_words(spans["seconds"])[1], ""],
        ["kept after curation", count(found.kept.expected), _between(found.kept, count), survive],
    ]
    printer.table([f"for {found.rows:,} rows", "expected", f"{100 * estimate.LEVEL:.0f} % interval", ""], rows, right=frozenset({1}))
    if found.left_out:
        names = ", ".join(found.left_out)
        printer.say((f"{names}: looks at the whole set, so {plural(found.tried, 'unit')} cannot foretell what it drops", "dim"))


def _shares(found: Estimate) -> str:
    whole = sum(found.roles.values())
    if not whole or len(found.roles) < 2:
        return ""
    return ", ".join(f"{role} {100 * usd / whole:.0f} %" for role, usd in sorted(found.roles.items(), key=lambda item: -item[1]))


def _between(span: Span, write: Callable[[float | None], str]) -> str:
    return _two(span.low, span.high, write)


def _two(low: float | None, high: float | None, write: Callable[[float | None], str]) -> str:
    return "" if low is None else f"{write(low)} … {write(high)}"


def span_words(span: Span) -> tuple[str, str]:
    """A time and its interval: (`5 min`, `4 … 8 min`).

    >>> from tilth.cli.estimate import Span
    >>> span_words(Span(300.0, 240.0, 480.0)), span_words(Span(None, None, None))
    (('5 min', '4 … 8 min'), ('unknown', ''))
    """
    if span.expected is None or span.low is None or span.high is None:
        return "unknown", ""
    unit, name = (1.0, "s") if span.high < 100 else (60.0, "min") if span.high < 6000 else (3600.0, "h")
    least, digits = (0.1, 1) if name == "h" else (1, 0)
    numbers = [f"{max(edge / unit, least):.{digits}f}" for edge in (span.expected, span.low, span.high)]
    return f"{numbers[0]} {name}", f"{numbers[1]} … {numbers[2]} {name}"


def one_line(found: Estimate) -> str:
    """`about $0.88 [$0.74, $1.06], 2,060 calls, 4 to 8 min`."""
    usd, between = found.spans["usd"], span_words(found.spans["seconds"])[1].replace(" … ", " to ")
    cost = "cost unknown" if usd.expected is None else "free" if not usd.high else f"about {priced(usd)}"
    return ", ".join(part for part in (cost, plural(round(found.spans["calls"].expected or 0), "call"), between) if part)


def priced(usd: Span) -> str:
    """`$0.88 [$0.74, $1.06]`."""
    return f"{money(usd.expected)} [{money(usd.low)}, {money(usd.high)}]"


def cheaper(found: Estimate, roles: dict[str, list[RoleModel]] | Any) -> str:
    """The one change of a model that saves most, among models of the table that can do the same; "" where none saves a tenth."""
    from tilth.models.prices import price_table

    whole = sum(found.roles.values())
    options: list[tuple[float, str]] = []
    for role, usd in found.roles.items():
        model = (roles.get(role) or roles.get("generator") or [None])[0]
        if model is None or not usd or model.price is None:
            continue
        came, went = found.tokens.get(role, (0.0, 0.0))
        for identity, price in price_table().items():
            total = whole - usd + (came * price.input + went * price.output) / 1e6
            if total < 0.9 * whole and _as_able(identity, model):
                options.append((total, f"-m {role}={identity} about {money(total)}{_family(role, identity, roles)}"))
    return min(options)[1] if options else ""


def _as_able(identity: str, model: RoleModel) -> bool:
    """Whether a model of the table is of the same provider and can do what this one can."""
    from tilth.models.providers import provider_of

    provider, _, name = identity.partition("/")
    if provider != model.identity.partition("/")[0] or identity == model.identity or "embedding" in name:
        return False
    can = provider_of(provider, name).can
    return can.chat == model.can.chat and (can.schema or not model.can.schema) and (can.tools or not model.can.tools)


def _family(role: str, identity: str, roles: Any) -> str:
    generators = {one.identity for one in roles.get("generator") or ()}
    if role == "generator" or not generators:
        return ""
    if identity in generators:
        return " (the generator itself: a model rates its own text too well)"
    same = identity.partition("/")[0] in {one.partition("/")[0] for one in generators}
    return " (same family as the generator)" if same else ""


def foretold(session: Session, asked: launching.Asked, ready: Prepared, *, partial: bool) -> launching.Asked | Answer | None:
    """Before a run that costs: its first units, what they say of the whole, and the question.

    Returns what was asked with the estimate for the displays; an `Answer` where the first units failed; None where the person
    said no. Not done for a run that has begun already, for few rows, and where nothing costs.

    Raises
    ------
    RequestError: the budget cannot do it (``budget.too_small``), unless `partial`.
    """
    from dataclasses import replace

    rows = trial.wanted(ready)
    costs = any(one.price is not None and (one.price.input or one.price.output) for many in ready.settings.roles.values() for one in many)
    if not costs or rows is None or rows < ENOUGH or ready.folder.exists():
        return asked
    made = trial.make(session, asked, UNITS, ready)
    bad = trial.ended(session, made)
    if bad is not None:
        return bad
    found = estimate.of(made)
    usd = found.spans["usd"]
    if asked.budget is not None and not partial and usd.low is not None and usd.low > asked.budget:
        what = f"a budget of {money(asked.budget)} cannot do this: the estimate is {priced(usd)}."
        raise RequestError(f"{what} Raise --budget, lower -n, or use --budget-ok-partial.", code="budget.too_small")
    if asked.budget is None and (usd.high or 0.0) > ASK_ABOVE and session.may_ask:
        question = f"About {priced(usd)} for {plural(round(found.spans['calls'].expected or 0), 'call')}. Go on?"
        if not session.ask(question, default=False):
            return None
    return replace(asked, estimate=f"{one_line(found)} (from the first {found.tried} units, which are kept)")


def declined(session: Session, argv: Sequence[str]) -> Answer:
    """The answer where the person said no to the cost."""
    session.printer.say("nothing more was asked; the first units are kept")
    session.printer.advise(again.command([*argv, "--budget", "1"]), "stops before more is spent")
    return Answer({"state": "declined"})
