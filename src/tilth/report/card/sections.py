"""The sections of a card that come before its datasheet, each a piece of Markdown made of facts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tilth.records.figures import figure
from tilth.report.card.about import HIDDEN, About, count, day, listed, plain
from tilth.report.card.header import pretty

LONGEST = 600
"""Characters of the record that is shown."""

MEANINGS = {
    "text": "the text",
    "label": "the class",
    "instruction": "what is asked for",
    "input": "what the instruction works on, may be empty",
    "output": "the answer",
    "messages": "a dialogue: role, content, and calls of tools",
    "conversations": "a dialogue: from (system, human, gpt) and value",
    "prompt": "what is asked",
    "completion": "the answer to the prompt",
    "chosen": "the better answer",
    "rejected": "the worse answer",
    "question": "the question",
    "answer": "the answer",
    "rationale": "the reasoning that leads to the answer",
    "code": "the program",
    "tests": "tests that the program must pass",
    "premise": "the first sentence",
    "hypothesis": "the sentence that may follow from it",
    "weight": "how much the record should count in training",
    "system": "what the model is told before the dialogue",
    "history": "earlier turns, as pairs of request and answer",
    "id": "the record's id",
    "run": "the run that made it",
    "stage": "the stage of the run",
    "method": "the method that made it",
    "place": "where in the method",
    "parents": "ids of the records that it was made from",
    "seed_ids": "ids of the examples that it was grown from",
    "round": "how many generations lie before it",
    "origin": "who wrote it: human, model or mixed",
    "licence": "a licence of its own, where it has one",
    "scores": "name, value and detail of each score; no value: not scored",
    "label_probs": "probability of each label, where it was measured",
    "extras": "further columns, as JSON",
    "reason": "why it was rejected",
    "step": "what rejected it",
    "detail": "in words",
    "score": "the score that decided",
    "neighbour": "the record that it is too like",
    "raw": "the reply that it was read from",
    "trace": "where it failed",
}
_TYPES = {
    "str": "string", "int": "integer", "float": "number", "bool": "true or false", "dict": "JSON", "list": "JSON",
    "list[str]": "list of strings", "list[int]": "list of integers", "list[float]": "list of numbers", "list[dict]": "list of messages",
    "turns": "list of turns",
    "pairs": "list of pairs", "scores": "list", "own_scores": "list", "label_probs": "list",
}  # fmt: skip


def summary(about: About) -> str:
    """What it is, in two sentences; what must be known first stands first."""
    facts, contents = about.facts, about.contents
    lines = [f"# {pretty(facts, about.written_by_model)}", ""]
    lines += [f"> {line}" for line in _first(about)] + [""] if _first(about) else []
    what = f"{count(contents.rows, 'record')}{_by(about)}."
    lines += [f"{what} {plain(facts.describe)}".rstrip(), ""]
    return "\n".join([*lines, *_verdict(about)])


def _first(about: About) -> list[str]:
    facts = about.facts
    lines = [f"**Exported although a gate that must hold does not:** {plain(one)}." for one in about.failed]
    if facts.verdict.state == "demo":
        who = (
            "No model, but replies that were made up,"
            if all(name.startswith("scripted") for name in about.generators)
            else "A very small model"
        )
        lines.append(f"**A DEMONSTRATION, not for training.** {who} wrote it: the flow works, and the data prove no more than that.")
    if not facts.finished:
        wanted = f" of {facts.wanted:,} records" if facts.wanted else ""
        lines.append(f"**Unfinished:** the run is {plain(facts.status)}; {facts.generated:,}{wanted} were written so far.")
    return [part for line in lines for part in (line, "")][:-1]


def _by(about: About) -> str:
    """Who wrote it."""
    human, rest = about.origins.get("human", 0), sum(n for origin, n in about.origins.items() if origin != "human")
    models = f" ({', '.join(plain(name) for name in about.generators)})" if about.generators else ""
    if about.unknown == about.facts.kept and about.facts.given:
        return " that were given; who wrote them is not known"
    if about.origins and not rest:
        return ", written by people" + (f"; a language model{models} labelled or changed them" if models and about.labelled else "")
    if human:
        return f", {rest:,} of them **written by a language model**{models}, {human:,} by people"
    return f", **written by a language model**{models}"


def _verdict(about: About) -> list[str]:
    """The words of the one function that judges, quoted."""
    verdict = about.facts.verdict
    parts = [verdict.text, f"{verdict.gates}." if verdict.gates else "", verdict.sentence]
    lines = [f"> **May I train on this?** {plain(' '.join(part for part in parts if part))}"]
    if verdict.know:
        lines += [">", f"> **Know before use:** {plain('; '.join(verdict.know))}."]
    return [*lines, ""]


def use(about: About) -> str:
    """What it is for, and how to load it."""
    from tilth.evaluate.verdict import USES

    kind = str(about.facts.task.get("kind") or "text")
    fit = "Nothing but trying out the flow." if about.facts.verdict.state == "demo" else f"{USES.get(kind, USES['text']).capitalize()}."
    against = "What nobody has looked into: where the records come from is not known here."
    if about.written_by_model:
        against = "Evaluating models (nobody real wrote it), or estimating how frequent anything is among real texts."
    elif about.origins:
        against = "What the people who wrote the texts did not agree to."
    lines = ["## Use", "", f"Meant for: {fit} Not for: {against}", "", about.items.human("use"), ""]
    about.items.answered["intended use"] = True
    place = about.contents.repo or "PATH_OR_NAME_OF_THIS_DATASET"
    code = ["```python", "from datasets import load_dataset", f'ds = load_dataset("{place}")', "```", ""]
    return "\n".join([*lines, *(code if about.contents.tabular else [])])


def structure(about: About) -> str:
    """Columns, splits, one record."""
    contents = about.contents
    lines = ["## Structure", "", "| column | type | meaning |", "|---|---|---|"]
    lines += [f"| {plain(name)} | {_type(about, name, kind)} | {_meaning(about, name)} |" for name, kind in contents.kinds.items()]
    if contents.nested:
        lines.append(
            "| meta | struct | id, method, parents, seed_ids, origin, label_source, conditions, scores and more: where it comes from |"
        )
    splits = ", ".join(f"{part.split} {part.rows:,}" for part in contents.default)
    together = "; near-duplicates and records with a common parent or seed are on one side" if len(contents.default) > 1 else ""
    lines += ["", f"Splits: {splits}{together}."]
    lines += [f"Of the splits: {plain(note)}." for note in contents.notes]
    rejected = [part for part in contents.parts if part.config == "rejected"]
    lines += [f"Rejected records, with their reasons: {part.rows:,} (configuration `rejected`)." for part in rejected]
    if contents.example:
        lines += ["", "One record:", "", *_fenced(_shortened(contents.example))]
    about.items.answered |= {"columns": True, "splits": True}
    return "\n".join([*lines, ""])


def _type(about: About, name: str, kind: str) -> str:
    return "class" if name == "label" and about.contents.labels else _TYPES.get(kind, kind)


def _meaning(about: About, name: str) -> str:
    labels = about.contents.labels
    if name == "label" and labels:
        return plain(listed([f"{label} ({n:,})" for label, n in labels.items()], 30))
    return MEANINGS.get(name) or _column(about, name)


def _column(about: About, name: str) -> str:
    """A column of the user's own: how it came about."""
    generate = about.facts.asked.get("generate") or []
    for stage in generate if isinstance(generate, list) else [generate]:
        column = (stage.get("columns") or {}).get(name)
        if not column:
            continue
        if column.get("prompt"):
            return f"written by the {plain(column.get('role') or 'generator')}"
        kinds = {"judge": "said by a judge", "compute": "computed", "from": "taken from an input", "verify": "checked"}
        return next((text for key, text in kinds.items() if column.get(key)), "drawn")
    return ""


def _shortened(example: Mapping[str, Any]) -> str:
    def cut(value: Any) -> Any:
        if isinstance(value, str):
            return value if len(value) <= LONGEST else value[:LONGEST] + "…"
        if isinstance(value, list):
            return [cut(one) for one in value[:6]]
        return {key: cut(one) for key, one in value.items() if one is not None} if isinstance(value, dict) else value

    return json.dumps(cut(dict(example)), ensure_ascii=False, indent=1, default=str)


def _fenced(text: str) -> list[str]:
    """A block of code whatever the text holds: no mark of ours begins in it, and what steers terminals is shown as a mark."""
    fence, text = "```", text.replace("<!--", "\\u003c!--")
    while fence in text:
        fence += "`"
    return [f"{fence}json", *(line.translate(HIDDEN) for line in text.split("\n")), fence]


def making(about: About) -> str:
    """How it was made, and where records went."""
    facts = about.facts
    lines = ["## How it was made", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {text} |" for name, text in _rows(about) if text]
    about.items.say("method", ", ".join(facts.methods))
    about.items.say("models", ", ".join(about.generators) or ("given" if facts.given else ""))
    return "\n".join([*lines, "", f"Where records went: {funnel(about)}.", ""])


def _rows(about: About) -> Iterator[tuple[str, str]]:
    from tilth.report.card.citations import papers_of

    facts = about.facts
    papers = papers_of(facts.methods)
    methods = [f"{plain(name)}{f' (arXiv {papers[name]})' if name in papers else ''}" for name in facts.methods if name != "given"]
    yield "Method", ", ".join(methods)
    for role, names in facts.models.items():
        terms = " · its provider's terms on using outputs apply" if role == "generator" and facts.verdict.state != "demo" else ""
        when = f", {day(facts.started)}" if facts.started else ""
        if names and not (facts.given and role == "generator" and role not in facts.usage.by_role):
            yield role.capitalize(), f"{', '.join(plain(name) for name in names)}{when}{terms}"
    for name, one in facts.inputs.items():
        yield f"Input '{plain(name)}'", _input(about, name, one)
    yield "Seed, tool", f"{facts.seed}, tilth {facts.versions.get('tilth', 'unknown')}"
    used = facts.usage
    money = "cost unknown" if used.usd is None else f"${used.usd:,.2f}" if used.usd >= 0.01 or not used.usd else f"${used.usd:.4f}"
    yield "Cost", f"{money}, {count(used.calls, 'call')}, {used.tokens_in:,} tokens in, {used.tokens_out:,} out"
    yield (
        "Repeat",
        "`tilth run flow.yaml` · same models and seed; a hosted model may answer differently" if facts.asked.get("generate") else "",
    )


def _input(about: About, name: str, one: Mapping[str, Any]) -> str:
    rows = count(int(one["rows"]), "row") if isinstance(one.get("rows"), int) else ""
    shown = "never shown to generation" if name == "holdout" else ""
    sha = f"sha256 {str(one['sha256'])[:12]}…" if one.get("sha256") else ""
    licence = f"licence {plain(one['licence'])}" if one.get("licence") else "no licence given"
    return " · ".join(part for part in (plain(one.get("file") or ""), rows, sha, licence, shown) if part)


def funnel(about: About) -> str:
    """`1,078 tried → 42 refused, 25 unreadable → 1,000 → 61 near_duplicate → **820**`"""
    facts = about.facts
    made = _losses([loss for loss in facts.losses if loss.stage == "generate" and loss.action == "drop"])
    cut = _losses([loss for loss in facts.losses if loss.stage != "generate" and loss.action == "drop"])
    parts = [
        f"{facts.tried:,} {'read' if facts.given else 'tried'}",
        made,
        f"{facts.generated:,}" if made and cut else "",
        cut,
        f"**{facts.kept:,}**",
    ]
    return " → ".join(part for part in parts if part)


def _losses(losses: Sequence[Any]) -> str:
    return ", ".join(f"{loss.n:,} {plain(loss.reason)}" for loss in losses)


def labels(about: About) -> str:
    """Where labels come from; a label that a model gave is never called anything else."""
    facts = about.facts
    if not about.labelled:
        return ""
    source = "No label was given by a person: each is what a model was asked to write for, or what a model said"
    if not about.written_by_model and not about.generators:
        source = "The labels came with the records that were given"
    audit = next((value for value in facts.values if value.metric.startswith("label_agreement") and value.value is not None), None)
    people = "Nobody has checked them."
    if audit is not None and not facts.stale:
        people = f"Agreement with {plain(audit.kernel or 'others')}: {figure(audit.value or 0, audit.interval)} (n {audit.n:,})."
    definitions = facts.task.get("labels") or {}
    lines = [f"- {plain(name)}: {plain(text)}" for name, text in definitions.items() if text]
    about.items.answered |= {"where labels come from": True, "what labels mean": bool(lines)}
    book = ["", "The labelling rules are in `codebook.md`."] if facts.task.get("codebook") else []
    return "\n".join(["## Labels", "", f"{source}. {people}", *(["", *lines] if lines else []), *book, ""])


def quality(about: About) -> str:
    """What was measured, with intervals and the same figure for real data."""
    facts = about.facts
    known = [value for value in facts.values if value.value is not None]
    about.items.answered["measured quality"] = bool(known) and not facts.stale
    if facts.stale:
        return "## Quality\n\nThe figures at hand speak of other records than these, so none is shown.\n"
    if not known:
        return "## Quality\n\nNothing was measured.\n"
    lines = ["## Quality", "", "| metric | value | real data | n | how |", "|---|---|---|---|---|"]
    for value in known:
        real = figure(value.reference, value.reference_interval) if value.reference is not None else "–"
        arrow = {"up": "higher is better", "down": "lower is better", "target": "near that of real data is better"}[value.direction]
        how = f"{plain(value.kernel)}; {arrow}" if value.kernel else arrow
        lines.append(f"| {plain(value.metric)} | {figure(value.value or 0, value.interval)} | {real} | {value.n:,} | {how} |")
    missing = [value.metric for value in facts.values if value.value is None]
    more = ["", f"Not measured: {plain(listed(missing, 20))}."] if missing else []
    findings = [f"- {plain(one)}" for one in facts.findings]
    return "\n".join([*lines, *more, *(["", *findings] if findings else []), ""])


def risks(about: About) -> str:
    """Bias, personal data, limits: what the run knows, then what people add."""
    facts, items = about.facts, about.items
    language = f"All prompts asked for the language '{plain(facts.task['language'])}'." if facts.task.get("language") else ""
    known = "The faults and habits of the models named above are in the text." if about.written_by_model else ""
    pii = next(
        (f"{loss.n:,} records were changed or dropped by the step `{plain(loss.step)}`." for loss in facts.losses if "pii" in loss.step), ""
    )
    sensitive = pii or "Names, numbers and addresses in it were not searched for; a model may have repeated real ones."
    lines = [
        "## Bias, risks, limits",
        "",
        items.human("bias", f"{language} {known}".strip()),
        "",
        sensitive,
        "",
        items.human("sensitive"),
        "",
    ]
    return "\n".join(lines)


def citation(about: About) -> str:
    """Licence, version, and whom to cite."""
    from tilth.report.card.citations import bibtex

    licence, facts = about.licence, about.facts
    name = f"Licence: {licence.id}." if licence.id != "other" else ""
    lines = ["## Maintenance and citation", "", " ".join(part for part in (name, *licence.lines) if part), ""]
    lines += [about.items.human("maintenance"), ""]
    entries = bibtex(facts.methods)
    lines += ["Cite this dataset, and the papers of the methods that made it:" if entries else "Cite this dataset:", ""]
    about.items.answered |= {"licence": licence.id != "other" or not any("No licence" in one for one in licence.lines), "citation": True}
    return "\n".join([*lines, "```bibtex", *[own_entry(about), *entries], "```", ""])


def own_entry(about: About) -> str:
    """BibTeX of the dataset itself."""
    year = about.facts.started[:4]
    inside = f"  title = {{{pretty(about.facts, about.written_by_model)}}},\n" + (f"  year = {{{year}}},\n" if year else "")
    return f"@misc{{{about.facts.name},\n{inside}  note = {{Made with tilth {about.facts.versions.get('tilth', '')}}}\n}}"
