"""The five example flows validate, and each of their broken variants gives one exact line and exit code 2."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cli.conftest import Tell, tilth
from tilth.flows.flow import Flow

__all__ = ["tilth"]  # a fixture

FLOWS = Path(__file__).parents[2] / "examples" / "flows"
NAMES = ("intents", "handbook", "code", "preferences", "tabular")

BROKEN: list[tuple[str, str, str, str]] = [
    (
        "intents",
        "name: support-intents",
        "name: support intents",
        "3:7: 'name' becomes a folder: use letters, digits, '-', '_' and '.' only.",
    ),
    (
        "intents",
        "seed: 7",
        "seed: seven",
        "5:7: 'seed' must be a whole number, not \"seven\".",
    ),
    (
        "intents",
        "budget: {usd: 3}",
        "budget: {usd: 0}",
        "6:15: 'usd' must be more than 0, not 0.",
    ),
    (
        "intents",
        "openai/gpt-4.1-mini",
        "opnai/gpt-4.1-mini",
        "9:14: role 'generator': no provider is called 'opnai'. Did you mean 'openai'? See: tilth models list",
    ),
    (
        "intents",
        "kind: classification",
        "kind: clasification",
        "13:9: 'kind' cannot be \"clasification\". It is one of 'classification', 'instruction', 'dialogue', 'preference', 'code'"
        ", 'math', 'qa', 'extraction', 'nli', 'tabular', 'text'.",
    ),
    (
        "intents",
        "codebook: codebook.md",
        "codebook: codebok.md",
        "21:13: no file matches 'codebok.md' (looked in .). Did you mean 'codebook.md'?",
    ),
    (
        "intents",
        "support: examples16.csv",
        "support: example16.csv",
        "24:12: no file matches 'example16.csv' (looked in .). Did you mean 'examples16.csv'?",
    ),
    (
        "intents",
        "method: attrprompt",
        "method: atrprompt",
        "28:11: no method is called 'atrprompt'. Did you mean 'attrprompt'? See: tilth methods",
    ),
    (
        "intents",
        "rows: 1000",
        "rows: -5",
        "29:9: 'rows' must be at least 1, not -5.",
    ),
    (
        "intents",
        "label_attributes: {product",
        "label_atributes: {product",
        "32:5: 'label_atributes' is no parameter of attrprompt. Did you mean 'label_attributes'?",
    ),
    (
        "intents",
        "  - refusals",
        "  - refusal",
        "35:5: no curation step is called 'refusal'. Did you mean 'refusals'?",
    ),
    (
        "intents",
        "words: [3, 150]",
        "words: [150, 3]",
        "36:21: step 'length': words: goes from the least to the most, not [150, 3].",
    ),
    (
        "intents",
        "{against: holdout}",
        "{against: hold_out}",
        "38:20: step 'decontaminate' reads 'hold_out', which 'data' does not define. Did you mean 'holdout'?",
    ),
    (
        "intents",
        "holdout: holdout}",
        "holdout: hold_out}",
        "44:40: 'holdout' is 'hold_out', which 'data' does not define. Did you mean 'holdout'?",
    ),
    (
        "intents",
        "metrics: [label_agreement,",
        "metrics: [label_agrement,",
        "45:13: no metric is called 'label_agrement'. Did you mean 'label_agreement'?",
    ),
    (
        "intents",
        "at_most: 0.05",
        "max: 0.05",
        "49:23: 'max' is not a key here. Known: at_least, at_most, level, on.",
    ),
    (
        "intents",
        "metrics: [label_agreement, near_duplicates, distinct_n, vendi",
        "metrics: [near_duplicates, distinct_n, vendi",
        "48:5: gate 'label_agreement' has no metric: add it under evaluate.metrics.",
    ),
    (
        "intents",
        "utility: {at_least: 0.60}",
        "utility: {level: must}",
        "51:5: gate 'utility' needs 'at_least' or 'at_most'.",
    ),
    (
        "intents",
        "test: holdout, ",
        "test: tests, ",
        "46:38: 'test' is 'tests', which 'data' does not define. Known: support, holdout.",
    ),
    (
        "intents",
        "redundancy: 2",
        "redundancy: 12",
        "56:15: 'redundancy' must be at most 9, not 12.",
    ),
    (
        "intents",
        "train: 0.9, validation: 0.1",
        "train: 0.9, validation: 0.2",
        "59:26: the shares of a split must be above 0 and add up to 1, not to 1.1.",
    ),
    (
        "intents",
        "to: parquet",
        "to: parket",
        "59:10: 'to' cannot be \"parket\". It is one of 'parquet', 'jsonl', 'csv', 'text', 'chat', 'alpaca', 'sharegpt', 'message"
        "s', 'prompt_completion', 'dpo', 'kto', 'hub', 'argilla', 'label_studio', 'croissant'.",
    ),
    (
        "intents",
        "generate:\n  method: attrprompt",
        "generate:\n  method: attrprompt\n  from: holdout",
        "29:9: generation never sees 'holdout'. Name other data, such as support.",
    ),
    (
        "handbook",
        "docs/**/*.md",
        "doc/**/*.md",
        "17:11: no file matches 'doc/**/*.md' (looked in .).",
    ),
    (
        "handbook",
        "overlap: 80",
        "overlap: 900",
        "18:52: 'overlap' must be less than 'max_tokens' (800), not 900.",
    ),
    (
        "handbook",
        "by: heading",
        "by: headings",
        "18:17: 'by' cannot be \"headings\". It is one of 'document', 'heading', 'paragraph', 'tokens'.",
    ),
    (
        "handbook",
        "personas: personas.jsonl",
        "personas: persona.jsonl",
        "20:13: no file matches 'persona.jsonl' (looked in .). Did you mean 'personas.jsonl'?",
    ),
    (
        "handbook",
        "weights: [5, 4, 1]",
        "weights: [5, 4]",
        "27:77: 'depth' has 3 values but 2 weights.",
    ),
    (
        "handbook",
        "You are {{ persona }}",
        "You are {{ personna }}",
        "30:20: 'instruction' asks for '{{ personna }}', which is no column, input or builtin. Did you mean 'persona'?",
    ),
    (
        "handbook",
        "Question: {{ instruction }}",
        "Question: {{ instruction }",
        "41:19: template of 'output': unexpected '}'.",
    ),
    (
        "handbook",
        "from: passages, field",
        "from: passage, field",
        "25:23: 'from' is 'passage', which 'data' does not define. Did you mean 'passages'?",
    ),
    (
        "handbook",
        "role: judge\n",
        "role: juge\n",
        "50:13: 'quality' asks the role 'juge', which 'models' does not set. Did you mean 'judge'?",
    ),
    (
        "handbook",
        "when: grounded",
        "when: grunded",
        "51:13: 'quality' asks for 'grunded', which is no column, input or builtin. Did you mean 'grounded'?",
    ),
    (
        "handbook",
        "verify: grounding",
        "verify: grouding",
        "44:15: no verifier is called 'grouding'. Did you mean 'grounding'?",
    ),
    (
        "handbook",
        "claim: output",
        "claim: ouput",
        "45:22: 'claim' is to be 'ouput', which is no column. Did you mean 'output'?",
    ),
    (
        "handbook",
        "      verify: grounding",
        "      compute: output\n      verify: grounding",
        "43:5: a column is one thing; this one is verify and compute. Split it in two columns.",
    ),
    (
        "handbook",
        "drop_if: not grounded",
        "drop_if: not groundd",
        "54:18: 'drop_if' asks for 'groundd', which is no column, input or builtin. Did you mean 'grounded'?",
    ),
    (
        "handbook",
        "on: instruction}",
        "on: instructions}",
        "56:29: step 'dedupe': the records have no column 'instructions'. Did you mean 'instruction'?",
    ),
    (
        "handbook",
        "at_least: 0.95",
        "min: 0.95",
        "63:20: 'min' is not a key here. Known: at_least, at_most, level, on.",
    ),
    (
        "handbook",
        "temperature: 0.3",
        "temprature: 0.3",
        "42:7: 'temprature' is not a key here. Did you mean 'temperature'?",
    ),
    (
        "handbook",
        "        {{ passage }}\n    output",
        "        {{ passage }} {{ output }}\n    output",
        "28:5: columns need each other in a circle: instruction -> output -> instruction.",
    ),
    (
        "code",
        "kind: code",
        "kind: coding",
        "11:9: 'kind' cannot be \"coding\". It is one of 'classification', 'instruction', 'dialogue', 'preference', 'code', 'math"
        "', 'qa', 'extraction', 'nli', 'tabular', 'text'.",
    ),
    (
        "code",
        "{{ code }}",
        "{{ code }",
        "36:11: template of 'tests': unexpected '}'.",
    ),
    (
        "code",
        "from: instructions",
        "from: instruction",
        "23:11: 'from' is 'instruction', which 'data' does not define. Did you mean 'instructions'?",
    ),
    (
        "code",
        "samples: 4\n",
        "samples: 1\n",
        "31:9: 'each' makes one record of each item: it needs 'samples' above 1, or 'parse: list'.",
    ),
    (
        "code",
        "parse: code\n        samples",
        "parse: python\n        samples",
        "29:16: 'parse' cannot be \"python\". It is one of 'text', 'label', 'json', 'code', 'list', 'messages'.",
    ),
    (
        "code",
        "id: solutions",
        "id: instructions",
        "22:9: 'instructions' is the name of another stage already; a stage needs one of its own.",
    ),
    (
        "code",
        "benchmarks: [humaneval]",
        "benchmarks: [humanevol]",
        "55:16: no benchmark is called 'humanevol'. Did you mean 'humaneval'?",
    ),
    (
        "code",
        "columns: {prompt: instruction}",
        "columns: {prompt: instruct}",
        "humaneval.jsonl has no column 'instruct' (it has: instruction, solution). Did you mean 'instruction'?",
    ),
    (
        "preferences",
        "method: ultrafeedback",
        "method: ultrafedback",
        "21:11: no method is called 'ultrafedback'. Did you mean 'ultrafeedback'? See: tilth methods",
    ),
    (
        "preferences",
        "from: prompts",
        "from: prompt",
        "23:9: 'from' is 'prompt', which 'data' does not define. Did you mean 'prompts'?",
    ),
    (
        "preferences",
        "gemini/gemini-2.5-flash",
        "gemni/gemini-2.5-flash",
        "10:13: role 'writer_c': no provider is called 'gemni'. Did you mean 'gemini'? See: tilth models list",
    ),
    (
        "preferences",
        "keep: agrees",
        "keep: agree",
        "32:94: step 'judge': keep: must be a number, or 'agrees' for a pair.",
    ),
    (
        "preferences",
        "drop_if: chosen_score - rejected_score < 1",
        "drop_if: chosen_score - < 1",
        "31:14: step 'drop_if': condition: 'chosen_score - < 1' is no expression: unexpected '<'.",
    ),
    (
        "preferences",
        "{agreement: {with: people}}",
        "{agrement: {with: people}}",
        "37:65: no metric is called 'agrement'. Did you mean 'agreement'?",
    ),
    (
        "preferences",
        "blind: always",
        "blind: allways",
        "42:44: 'blind' cannot be \"allways\". It is one of 'audit', 'always', 'never'.",
    ),
    (
        "tabular",
        "holdout: {read: patients_holdout.csv, licence: restricted}\n",
        "test: {read: patients_holdout.csv, licence: restricted}\n",
        "30:37: 'holdout' is 'holdout', which 'data' does not define. Known: support, test.",
    ),
    (
        "tabular",
        "real: support",
        "reel: support",
        "30:13: 'reel' is not a key here. Did you mean 'real'?",
    ),
    (
        "tabular",
        "holdout: holdout",
        "holdout: hold_out",
        "30:37: 'holdout' is 'hold_out', which 'data' does not define. Did you mean 'holdout'?",
    ),
    (
        "tabular",
        "dedupe: exact",
        "dedupe: {exct: true}",
        "25:14: step 'dedupe': 'exct' is no setting. Did you mean 'exact'?",
    ),
    (
        "tabular",
        "top_p: 0.95",
        "top_p: 1.95",
        "7:69: 'top_p' must be at most 1, not 1.95.",
    ),
    (
        "tabular",
        "student: gradient_boosting",
        "student: gradient_bosting",
        "32:22: 'student' cannot be \"gradient_bosting\". It is one of 'tfidf_lr', 'embedding_lr', 'gradient_boosting'.",
    ),
    (
        "tabular",
        "to: croissant",
        "too: croissant",
        "40:6: 'too' is not a key here. Did you mean 'to'?",
    ),
    (
        "tabular",
        "seed: 1",
        "seed: 1\nname: patients2",
        "4:1: 'name' is given twice; the first is on line 2.",
    ),
    (
        "tabular",
        "task:\n",
        "task:\n	",
        "10:1: not valid YAML: found character '\\t' that cannot start any token. Indent with spaces.",
    ),
]
"""Flow, what is replaced, by what, and the line after the flow's name (a line about a data file begins with that file)."""


@pytest.fixture(autouse=True)
def flows(tilth: Tell) -> None:
    shutil.copytree(FLOWS, ".", dirs_exist_ok=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_flows_that_the_others_break_are_right(name: str, tilth: Tell) -> None:
    told = tilth("flow", "validate", f"{name}.yaml")
    assert told.exit == 0 and told.err.startswith(f"✓ {name}.yaml: ")
    flow = Flow.from_yaml(f"{name}.yaml")
    assert Flow.from_text(flow.to_yaml()).spec == flow.spec


def test_there_are_enough_variants() -> None:
    assert len(BROKEN) >= 40
    assert {name for name, *_ in BROKEN} == set(NAMES)


@pytest.mark.parametrize(("name", "old", "new", "line"), BROKEN, ids=[f"{row[0]}: {row[2].strip()[:40]}" for row in BROKEN])
def test_a_mistake_gives_one_line_with_its_place_and_exit_code_2(name: str, old: str, new: str, line: str, tilth: Tell) -> None:
    path = Path(f"{name}.yaml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    told = tilth("flow", "validate", str(path))
    whole = line if line.startswith("humaneval.jsonl") else f"{name}.yaml:{line}"
    assert (told.exit, told.out, told.err) == (2, "", f"error: {whole}\n")


def test_several_mistakes_come_at_once_sorted_by_line(tilth: Tell) -> None:
    path = Path("handbook.yaml")
    text = path.read_text()
    for old, new in (("{{ persona }}", "{{ personna }}"), ("weights: [5, 4, 1]", "weights: [5, 4]"), ("at_least: 0.95", "min: 0.95")):
        text = text.replace(old, new, 1)
    path.write_text(text)
    told = tilth("run", "handbook.yaml")
    assert told.exit == 2
    assert [line.split(": ")[1] for line in told.err.splitlines()] == ["handbook.yaml:27:77", "handbook.yaml:30:20", "handbook.yaml:63:20"]
