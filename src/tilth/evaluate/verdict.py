"""May I train on this? One function answers for the screen, the JSON object, the report, the card and the exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tilth.evaluate.base import Value
from tilth.evaluate.gates import Checked, audited, family, slack
from tilth.records.figures import figure

State = Literal["yes", "yes_but", "not_yet", "unknown", "demo"]

QUESTION = "May I train on this?"

FEW = 50
"""Records judged by people, or real rows of the holdout, below which a figure that rests on them is called small."""

REVIEW = ""
"""The command that brings answers of people; none until tilth can ask them."""

UNSCORED = 0.05
"""Share of rows without a score from which a step is named."""

RECOGNISABLE = 0.6
"""AUC whose interval must lie below it for rows not to be called recognisable as synthetic."""

USES: dict[str, str] = {
    "classification": "training classifiers",
    "instruction": "training a model to follow instructions",
    "dialogue": "training a chat model",
    "preference": "training on preferences",
    "code": "training a code model",
    "math": "training on mathematics",
    "qa": "training question answering",
    "extraction": "training extraction",
    "nli": "training inference between sentences",
    "tabular": "training on tables",
    "text": "training on text",
}
LANGUAGES: dict[str, str] = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese", "nl": "Dutch",
    "pl": "Polish", "ru": "Russian", "ja": "Japanese", "zh": "Chinese", "ko": "Korean", "ar": "Arabic", "hi": "Hindi", "tr": "Turkish",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a dataset beside its gates. Every default is what nobody knows, and no default makes a verdict better.

    run: name for commands. where: ` --runs DIR` for commands where it is needed. kind, language: of the task. kept: records.
    values: its figures. holdout: real rows that nothing else has seen. embedded: the generator is the small model on this machine.
    generators, judges: names of models. unscored: step to the share of rows without a score. steps: of its curation.
    loosened: gates that were made easier after their figure was seen, in words. stale: the figures speak of other records.
    named: inputs that the run's flow names, so that no command must name them again.
    """

    run: str = ""
    where: str = ""
    kind: str = "text"
    language: str = ""
    kept: int = 0
    values: Sequence[Value] = ()
    holdout: int = 0
    embedded: bool = False
    generators: Sequence[str] = ()
    judges: Sequence[str] = ()
    unscored: Mapping[str, float] = field(default_factory=dict)
    steps: Sequence[str] = ()
    loosened: Sequence[str] = ()
    stale: bool = False
    named: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer.

    state: yes, yes_but, not_yet, unknown or demo. text: the answer in words, `NOT KNOWN YET: 1 of 4 gates has no evidence.`
    sentence: what the data is worth, at most three numbers. know: what is true and unfavourable, one clause each.
    remedy: the command that brings the answer further, "" where there is none. holds, of: gates that hold, of how many.
    """

    state: State
    text: str
    sentence: str
    know: tuple[str, ...]
    remedy: str
    holds: int
    of: int

    @property
    def passed(self) -> bool:
        """Whether one may train on it; `--strict` exits 1 where not."""
        return self.state in ("yes", "yes_but")

    @property
    def gates(self) -> str:
        """`4 of 4 gates hold`; "" where there is none."""
        if self.of == 1:
            return "the gate holds" if self.holds else "the gate does not hold"
        return f"{self.holds} of {self.of} gates hold" if self.of else ""

    def to_json(self) -> dict[str, Any]:
        """As the JSON object of a command holds it."""
        plain = {"state": self.state, "text": self.text, "sentence": self.sentence, "know": list(self.know)}
        return {**plain, "remedy": self.remedy, "holds": self.holds, "of": self.of}


def verdict(checked: Sequence[Checked], evidence: Evidence) -> Verdict:
    """The answer for a dataset; never better than the evidence.

    yes: every `must` gate holds, and one of them rests on people or on real holdout rows that bad data would fail (utility).
    yes_but: as yes, and a `should` gate fails or is unknown. not_yet: a `must` gate fails. unknown: a `must` gate is unknown,
    none rests on people or real rows, or there is none. demo: the generator is the embedded model.
    """
    state, text, remedy = _answer(checked, evidence)
    holds = sum(one.state == "holds" for one in checked)
    return Verdict(state, text, _sentence(evidence), _know(checked, evidence), remedy, holds, len(checked))


def _answer(checked: Sequence[Checked], evidence: Evidence) -> tuple[State, str, str]:
    must = [one for one in checked if one.gate.level == "must"]
    failed = [one for one in must if one.state == "fails"]
    if evidence.embedded:
        return "demo", "A DEMONSTRATION: not for training.", ""
    if failed:
        worst = min(failed, key=slack)
        return "not_yet", f"NOT YET: {_failure(worst)}.", _repair(worst, evidence)
    missing, remedy = _missing(checked, must, evidence)
    if missing:
        return "unknown", f"NOT KNOWN YET: {missing}.", remedy
    doubts = [one for one in checked if one.gate.level == "should" and one.state != "holds"]
    if doubts:
        worst = min(doubts, key=lambda one: (one.state != "fails", slack(one)))
        found = worst.shown if worst.state == "fails" else "is not known"
        return "yes_but", f"YES, BUT {worst.gate.metric} {found}.", _repair(worst, evidence)
    return "yes", f"YES, for {USES.get(evidence.kind, USES['text'])}.", ""


def _missing(checked: Sequence[Checked], must: Sequence[Checked], evidence: Evidence) -> tuple[str, str]:
    """What is missing for a yes, and the command that brings it; "" where nothing is."""
    unknown = [one for one in must if one.state == "unknown"]
    if not evidence.kept:
        return "no record is kept", ""
    if evidence.stale:
        return "the figures speak of other records than those that are kept now", f"tilth evaluate {evidence.run}{evidence.where}"
    if not checked:
        return "no gate is set", _evaluate(evidence, "--gate 'utility>=0.6'")
    if not must:
        only = "those shown are suggestions" if any(one.gate.suggested for one in checked) else "all are 'should'"
        return f"no gate must hold; {only}", _evaluate(evidence, "--gate 'utility>=0.6'")
    if unknown:
        have = f"{len(unknown)} of {len(must)} gates {'has' if len(unknown) == 1 else 'have'} no evidence"
        return have, next((command for one in unknown if (command := _measure(one, evidence))), "")
    if not any(_rests(one, evidence) for one in must):
        return "no gate rests on people or on real data that nothing else has seen", _evaluate(evidence, "--gate 'utility>=0.6'")
    return "", ""


def _rests(one: Checked, evidence: Evidence) -> bool:
    """Whether a gate rests on people, or on real holdout rows that are there."""
    return one.rests and one.value is not None and (audited(one.value) > 0 or evidence.holdout > 0)


def _failure(one: Checked) -> str:
    """`near_duplicates is 0.12 [0.10, 0.14], and at most 0.05 is asked`"""
    end = f": {one.why}" if one.why.startswith("the ") else ""
    return f"{one.gate.metric} is {one.shown}, and {one.bound} is asked{end}"


def _evaluate(evidence: Evidence, more: str = "") -> str:
    files = "".join(f" --{name} FILE" for name in ("real", "holdout") if name not in evidence.named)
    return f"tilth evaluate {evidence.run}{files} --utility{' ' + more if more else ''}{evidence.where}"


def _measure(one: Checked, evidence: Evidence) -> str:
    """The command that would give a gate its figure."""
    name = family(one.gate.metric)
    if name == "label_agreement":
        return REVIEW
    if name == "utility":
        return _evaluate(evidence)
    holdout = "" if "holdout" in evidence.named or name != "contamination" else " --holdout FILE"
    return f"tilth evaluate {evidence.run}{holdout}{evidence.where}"


def _repair(one: Checked, evidence: Evidence) -> str:
    """The command that would make a gate hold, or show why it does not."""
    if one.state == "unknown":
        return _measure(one, evidence)
    name, run, where = family(one.gate.metric), evidence.run, evidence.where
    steps = {"near_duplicates": "dedupe near=0.85", "contamination": "decontaminate", "refusals": "refusals", "language": "language"}
    if name in steps and not evidence.steps:
        more = " --holdout FILE" if name == "contamination" and "holdout" not in evidence.named else ""
        return f'tilth curate {run} -s "{steps[name]}"{more}{where}'
    if name == "near_duplicates" and "dedupe" in evidence.steps:
        return f"tilth curate {run} --rethreshold dedupe.near=0.7{where}"
    return f"tilth report {run} --open{where}"


def _sentence(evidence: Evidence) -> str:
    """What the data is worth, or what little is known of it."""
    kept = f"{evidence.kept:,} records"
    useful = next((one for one in evidence.values if family(one.metric) == "utility" and one.value is not None), None)
    if useful is not None and useful.value is not None and useful.metric.split("_")[1:2]:
        size, score = useful.metric.split("_")[1], useful.kernel.rsplit(", ", 1)[-1].replace("_", " ") or "a score"
        text = f"A small model trained on {size} real records and these {evidence.kept:,} reaches {score} "
        text += f"{figure(useful.value, useful.interval)} on {useful.n:,} real ones that nothing else has seen"
        beside = [f"the {size} real ones alone give {figure(useful.reference)}"] if useful.reference is not None else []
        majority = useful.detail.get("majority")
        beside += [f"the most frequent label {figure(majority[0])}"] if isinstance(majority, (list, tuple)) and majority else []
        return f"{text}; {', '.join(beside)}." if beside else f"{text}."
    audit = next((one for one in evidence.values if audited(one) and one.value is not None), None)
    if audit is not None and audit.value is not None:
        return f"People agree with {figure(audit.value, audit.interval)} of the labels of {audit.n:,} of these {kept}."
    if any(one.value is not None for one in evidence.values):
        return f"{kept}; what a model would learn from them was not measured."
    return f"{kept}; nothing about them was measured."


def _know(checked: Sequence[Checked], evidence: Evidence) -> tuple[str, ...]:
    """What is true and unfavourable."""
    known = {one.metric: one for one in evidence.values}
    lines = []
    real = known.get("c2st")
    if real is not None and real.value is not None and (real.interval[0] if real.interval else real.value) > RECOGNISABLE:
        lines.append(f"a classifier can tell it from real text (AUC {figure(real.value)})")
    lines += _useless(evidence)
    if evidence.language:
        lines.append(f"{LANGUAGES.get(evidence.language.split('-')[0].lower(), repr(evidence.language))} only")
    same = sorted(set(evidence.generators) & set(evidence.judges))
    if same:
        lines.append(f"judge and generator are the same model ({same[0]}); a model rates its own text too well")
    lines += _counts(evidence)
    shares = [(share, step) for step, share in evidence.unscored.items() if share > UNSCORED]
    lines += [f"{step} could not score {share:.0%} of the records" for share, step in sorted(shares, reverse=True)]
    lines += [f"a gate was loosened after its figure was seen: {line}" for line in evidence.loosened]
    others = [name for name in evidence.generators if not name.startswith(("local", "scripted"))]
    if others:
        lines.append(f"what may be trained on text of {', '.join(others)} is a matter of its terms")
    usual = [one for one in checked if one.gate.suggested and one.state == "fails"]
    return (*lines, *(f"{one.gate.metric} {one.shown} misses the usual bound, {one.bound}" for one in usual))


def _useless(evidence: Evidence) -> list[str]:
    """Where adding the records to real ones did not help a student, or harmed it."""
    words = {"no gain": "adds nothing", "loss": "harms"}
    found = [one for one in evidence.values if family(one.metric) == "utility" and one.detail.get("verdict") in words]
    return [
        f"{one.metric}: it {words[one.detail['verdict']]} beside real records ({figure(one.value)}, without it {figure(one.reference)})"
        for one in found[:2]
        if one.value is not None and one.reference is not None
    ]


def _counts(evidence: Evidence) -> list[str]:
    people = max((audited(one) for one in evidence.values), default=0)
    lines = ["no person has read any of it"] if not people else [f"people have read only {people} records"] if people < FEW else []
    if 0 < evidence.holdout < FEW:
        lines.append(f"the holdout has only {evidence.holdout} real rows")
    return lines
