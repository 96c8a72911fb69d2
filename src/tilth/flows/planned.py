"""What the grammar knows by name and this version does not have: a flow that uses it validates, but cannot run.

One table. A name stops being planned by itself when its part is registered where parts of its kind are
(`tilth.catalog`, `tilth.curate.catalog`, `tilth.evaluate.metrics` ...); a name that is in neither is a mistake.
"""

from __future__ import annotations

from collections.abc import Iterable


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


METHODS = _words("""
    zerogen progen supergen fewgen sungen regen attrprompt gpt3mix auggpt s3 freeal mckd wanli core disco clingen synthie
    self-prompting udapdr chung-diversity tasks-nlu dp-synthetic soft-prompting
    annollm gpt-annotators want-to-reduce-labeling-cost pangakis llmaaa coannotating vote-k kate selective-annotation
    weak-supervision active-learning-loop human-in-the-loop cllm mallm-gan multimodal-text-side
    self-instruct alpaca gpt4-llm unnatural-instructions evol-instruct magpie orca orca2 personahub lab glan agentinstruct
    explore-instruct self-translate-train o1-journey-distillation phi-3-data baize ultrachat camel huatuo disc-medllm
    toolcoder toolbench tool-agent-tests star rest-em metamath mammoth openmathinstruct-1 orca-math lema synthetic-prompting
    chain-of-thought-self-consistency program-aided-verification deepseek-prover symgen ultrainteract
    code-alpaca wizardcoder magicoder self-oss-instruct alphacode reflexion case2code phi-1 self-debug-self-refine
    code-translation code-refactoring bug-repair coding-qa rl-from-execution-feedback
    tinystories child-directed-speech wrap synthllm phi-1-5 rag-grounded-generation
    ultrafeedback helpsteer beavertails constitutional-ai-rlaif self-rewarding spin self-judge fellowship-of-llms arena-learning
    worfbench benchagents benchmark-self-evolving
""")
STEPS = _words("pii toxicity grounded verify score relabel weight outliers select mix")
METRICS = _words("""
    faithfulness fluency topic_coverage regurgitation length mauve pass_rate code_diversity position_consistency length_bias
    agreement marginals correlations dcr nndr membership_inference bias_amplification collapse toxicity pii
""")
VERIFIERS = _words("python mutation math sql schema grounding regex")
BENCHMARKS = _words("humaneval mbpp gsm8k math mmlu ifeval truthfulqa alpaca_eval mt_bench")
STUDENTS = _words("gradient_boosting")
COLUMNS = _words("graph python")
SELECTIONS = _words("informative")


def is_planned(name: str, names: Iterable[str]) -> bool:
    """Whether `name` is one of the planned `names`; ``_`` and ``-`` are the same.

    >>> is_planned("self_oss_instruct", METHODS), is_planned("self_os_instruct", METHODS)
    (True, False)
    """
    return name.replace("_", "-") in {one.replace("_", "-") for one in names}


def later(what: str) -> str:
    """The line about a part that this version does not have.

    >>> later("verify: mutation")
    "'verify: mutation' is not in this version yet; the flow validates but cannot run."
    """
    return f"'{what}' is not in this version yet; the flow validates but cannot run."
