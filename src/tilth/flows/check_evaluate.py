"""`evaluate` and `export`: metrics, gates, sets and formats that fit the flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tilth.flows import afterwards, grammar, planned, stages
from tilth.flows.load import Where
from tilth.flows.validate import Problems, wanted
from tilth.flows.words import listed, near, shown, suggestion

PRIVATE = frozenset({"dcr", "nndr", "membership_inference"})
"""Metrics that mean nothing without a holdout."""

SHARES = 1e-6
"""How near to 1 the shares of a split must add up."""


def check_evaluate(spec: grammar.FlowSpec, part: afterwards.EvaluateSpec, problems: Problems) -> None:
    """The metrics and the data that `evaluate` names are there, and every gate has a metric."""
    holdout = True  # whether a missing holdout was not said already
    for role, name in part.against.items():
        if not _has(spec, name, problems):
            hint = suggestion(name, list(spec.data))
            what = f"'{role}' is '{name}', which 'data' does not define. {hint}".rstrip()
            problems.add(("evaluate", "against", role), what, code="flow.unknown_data")
            holdout = holdout and role != "holdout"
    computed = list(_metrics(spec, part, problems))
    if holdout:
        _private(spec, part, problems)
    for index, benchmark in enumerate(part.benchmarks):
        at: Where = ("evaluate", "benchmarks", index)
        if planned.is_planned(benchmark, planned.BENCHMARKS):
            problems.wait(at, f"benchmarks: {benchmark}")
        else:
            problems.add(at, f"no benchmark is called '{benchmark}'. {suggestion(benchmark, sorted(planned.BENCHMARKS))}")
    if part.utility is not None:
        computed.append("utility")
        if holdout:
            _tested(spec, part, part.utility, problems)
        for student in part.utility.student:
            if student in planned.STUDENTS:
                problems.wait(("evaluate", "utility", "student"), f"student: {student}")
    for metric, gate in part.gates.items():
        _gate(metric, gate, computed, problems)


def _has(spec: grammar.FlowSpec, name: str, problems: Problems) -> bool:
    return name in spec.data or name in problems.held or problems.reported(("data",))


def _metrics(spec: grammar.FlowSpec, part: afterwards.EvaluateSpec, problems: Problems) -> Iterator[str]:
    """Check the metrics; yields the names of those that are measured, built or planned."""
    from tilth.evaluate.metrics import BY_NAME

    if part.metrics is None:
        yield from (name for name, metric in BY_NAME.items() if not metric.asked)
        return
    for index, item in enumerate(part.metrics):
        at: Where = ("evaluate", "metrics", index)
        if isinstance(item, Mapping) and len(item) != 1:
            problems.add(at, "a metric is NAME, or NAME: {setting: value}, one in each list item.")
            continue
        name, settings = (item, {}) if isinstance(item, str) else next(iter(item.items()))
        yield name
        if name in BY_NAME:
            _settings(BY_NAME[name], settings, (*at, name), problems)
        elif planned.is_planned(name, planned.METRICS):
            problems.wait(at, name)
        elif name != "utility":
            known = [*BY_NAME, "utility", *sorted(planned.METRICS)]
            yield near(name, known) or name  # its gate is right
            problems.add(at, f"no metric is called '{name}'. {suggestion(name, known)}".rstrip(), code="flow.unknown_metric")


def _private(spec: grammar.FlowSpec, part: afterwards.EvaluateSpec, problems: Problems) -> None:
    """Privacy is measured against real data that generation has not seen."""
    if _has(spec, part.against.get("holdout", "holdout"), problems):
        return
    for index, item in enumerate(part.metrics or ()):
        name = item if isinstance(item, str) else next(iter(item), "")
        if name in PRIVATE:
            what = f"metric '{name}' needs a holdout set; without one a privacy number means nothing."
            problems.add(("evaluate", "metrics", index), f"{what} Add --holdout FILE or drop the metric.", code="evaluate.no_holdout")


def _settings(metric: Any, settings: Any, at: Where, problems: Problems) -> None:
    """The settings of a metric are its own."""
    from pydantic import ValidationError

    if settings is None:
        return
    if not isinstance(settings, Mapping):
        problems.add(at, f"the settings of '{metric.name}' must be a mapping, not {shown(settings)}.", code="flow.type")
        return
    try:
        metric.model_validate(dict(settings))
    except ValidationError as error:
        for detail in error.errors():
            name = str(detail["loc"][0]) if detail["loc"] else metric.name
            if detail["type"] == "extra_forbidden":
                hint = suggestion(name, metric.model_fields)
                problems.add((*at, name), f"'{name}' is no setting of {metric.name}. {hint}".rstrip(), code="flow.unknown_key", key=True)
            else:
                want = wanted(detail)
                says = f"'{name}' {want[1:]}" if want.startswith("=") else f"'{name}' must be {want}, not {shown(detail['input'])}."
                problems.add((*at, name), says, code="flow.type")


def _tested(spec: grammar.FlowSpec, part: afterwards.EvaluateSpec, utility: afterwards.UtilitySpec, problems: Problems) -> None:
    test = part.against.get("holdout", "holdout") if utility.test == "holdout" else utility.test
    test = dict(part.against).get(test, test)  # type: ignore[call-overload]
    if not _has(spec, test, problems):
        if "test" in utility.model_fields_set:
            what = f"'test' is '{test}', which 'data' does not define. {suggestion(test, list(spec.data))}".rstrip()
            problems.add(("evaluate", "utility", "test"), what, code="flow.unknown_data")
        else:
            what = (
                "'utility' tests students on real data, and 'data' has no 'holdout'. Add it: data: {holdout: FILE}, or name it: test: NAME"
            )
            problems.add(("evaluate", "utility"), what, code="evaluate.no_holdout", key=True)


def _gate(metric: str, gate: afterwards.GateSpec, computed: list[str], problems: Problems) -> None:
    """The metric of a gate is computed, and its bounds are bounds."""
    from tilth.evaluate.metrics import BY_NAME

    at: Where = ("evaluate", "gates", metric)
    known = {*BY_NAME, "utility", *planned.METRICS}
    bases = {one.removesuffix("_n") for one in computed}
    if metric not in computed and not any(metric.startswith(f"{base}_") for base in bases):
        family = any(metric == one or metric.startswith(f"{one.removesuffix('_n')}_") for one in known)
        close = near(metric, computed)
        if family or close is None:
            problems.add(at, f"gate '{metric}' has no metric: add it under evaluate.metrics.", code="flow.gate", key=True)
        else:
            problems.add(at, f"no metric is called '{metric}'. Did you mean '{close}'?", code="flow.unknown_metric", key=True)
    if gate.at_least is None and gate.at_most is None:
        if not problems.reported(at):
            problems.add(at, f"gate '{metric}' needs 'at_least' or 'at_most'.", code="flow.missing_key", key=True)
    elif gate.at_least is not None and gate.at_most is not None and gate.at_least > gate.at_most:
        problems.add((*at, "at_least"), f"'at_least' ({gate.at_least:g}) is more than 'at_most' ({gate.at_most:g}): no value can hold.")


# --- export -----------------------------------------------------------------------------------------------------------


def check_export(spec: grammar.FlowSpec, problems: Problems) -> None:
    """Formats that the columns can be written in, splits that add up, columns that are there."""
    made = stages.made_columns(spec, len(spec.generate) - 1, problems.source.folder, problems.held) if spec.export else None
    for index, export in enumerate(spec.export):
        at: Where = ("export", index)
        needed = afterwards.NEEDED.get(export.to)
        if made is not None and needed is not None and not any(set(group) <= set(made) for group in needed):
            groups = " or ".join(f"'{', '.join(group)}'" for group in needed[:4]) + (" ..." if len(needed) > 4 else "")
            what = f"format '{export.to}' needs the columns {groups}; this flow makes {listed(made)}."
            problems.add((*at, "to"), what, code="flow.export")
        shares = list(export.split.values())
        if shares and (min(shares) <= 0 or abs(sum(shares) - 1) > SHARES):
            problems.add(
                (*at, "split"), f"the shares of a split must be above 0 and add up to 1, not to {sum(shares):g}.", code="flow.split"
            )
        for number, column in enumerate(export.drop):
            if made is not None and column not in [*made, "meta"]:
                hint = suggestion(column, [*made, "meta"])
                problems.add((*at, "drop", number), f"there is no column '{column}' to drop. {hint}", code="flow.unknown_name")
