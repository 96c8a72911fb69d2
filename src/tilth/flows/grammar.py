"""The grammar of a flow: what may stand where. Types, defaults and help come from here; everything else refuses unknown keys.

Messages for people are made in `tilth.flows.validate`; checks that need more than one field stand in `tilth.flows.check`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tilth.flows.afterwards import EvaluateSpec, ExportSpec, ReviewSpec
from tilth.flows.part import Part

GRAMMAR = 1
"""Version of the grammar that this tilth reads (the value of the key ``tilth``)."""

Kind = Literal["classification", "instruction", "dialogue", "preference", "code", "math", "qa", "extraction", "nli", "tabular", "text"]
Parse = Literal["text", "label", "json", "code", "list", "messages"]
Capability = Literal["chat", "completion", "prefill", "logprobs", "seed", "schema", "tools", "images"]
Select = Literal["random", "fixed", "knn", "diverse", "informative", "balanced"]


class Budget(Part):
    """What the run may use; the first bound reached stops it cleanly."""

    usd: float | None = Field(None, gt=0, description="US dollars.", examples=[3])
    calls: int | None = Field(None, gt=0, description="Calls to models.", examples=[2000])
    tokens: int | None = Field(None, gt=0, description="Tokens in and out together.", examples=[1000000])
    hours: float | None = Field(None, gt=0, description="Hours of running time.", examples=[6])


class PriceSpec(Part):
    """US dollars per 1,000,000 tokens."""

    input: float = Field(alias="in", ge=0, description="Price of tokens sent.", examples=[0.4])
    output: float = Field(alias="out", ge=0, description="Price of tokens written.", examples=[1.6])
    cached: float | None = Field(None, ge=0, description="Price of cached tokens sent.", examples=[0.1])


class ModelSpec(Part):
    """One model and how it is asked."""

    model: str = Field(description="provider/name, with @URL for a server of your own.", examples=["openai/gpt-4.1-mini", "local"])
    temperature: float | None = Field(
        None, ge=0, description="0 always takes the likeliest token; the role's default is 1.", examples=[0.7]
    )
    top_p: float | None = Field(
        None, gt=0, le=1, description="Nucleus sampling: only the likeliest tokens that make up this share.", examples=[0.95]
    )
    max_tokens: int | None = Field(None, gt=0, description="Most tokens of one reply.", examples=[1200])
    seed: int | None = Field(None, description="Replaces the seed that the engine derives for each request.", examples=[1])
    concurrency: int | None = Field(None, gt=0, description="Most requests at once.", examples=[8])
    rpm: int | None = Field(None, gt=0, description="Requests a minute that the provider allows.", examples=[500])
    tpm: int | None = Field(None, gt=0, description="Tokens a minute that the provider allows.", examples=[200000])
    timeout: float | None = Field(None, gt=0, description="Seconds to wait for a reply.", examples=[120])
    batch: bool = Field(False, description="Use the provider's batch service.", examples=[True])
    price: PriceSpec | None = Field(None, description="Price, where tilth does not know it.", examples=[{"in": 0.4, "out": 1.6}])
    can: dict[Capability, bool] = Field(
        {},
        description="What it can or cannot do, where tilth guesses wrong. A server of your own is taken to continue bare prompts: "
        "say `{completion: false}` of a chat model.",
        examples=[{"completion": False}],
    )
    extra: dict[str, Any] = Field({}, description="The provider's own parameters, sent as they are.", examples=[{"top_k": 40}])


def _models(value: Any) -> Any:
    """``SPEC``, ``{model: SPEC}`` or a list of either becomes a list of mappings."""
    many = value if isinstance(value, list) else [value]
    return [{"model": one} if isinstance(one, str) else one for one in many]


RoleModels = Annotated[list[ModelSpec], BeforeValidator(_models, json_schema_input_type=str | ModelSpec | list[str | ModelSpec])]


def _labels(value: Any) -> Any:
    """``[a, b]`` becomes ``{a: "", b: ""}``."""
    if isinstance(value, list):
        return {str(one): "" for one in value}
    if isinstance(value, dict):
        return {str(name): "" if text is None else text for name, text in value.items()}
    return value


class TaskSpec(Part):
    """What the data is for."""

    kind: Kind = Field("text", description="What kind of data this is.", examples=["classification"])
    about: str = Field(
        "", description="One or two sentences on the domain; every prompt may read them.", examples=["Messages to a web shop's support."]
    )
    labels: Annotated[dict[str, str], BeforeValidator(_labels, json_schema_input_type=dict[str, str] | list[str])] = Field(
        {}, description="Labels, with their definitions where there are some.", examples=[{"refund": "wants money back"}, ["good", "bad"]]
    )
    language: str = Field("en", description="Language of the data (IETF tag).", examples=["en", "de"])
    codebook: str | None = Field(None, description="A text file with the labelling rules.", examples=["codebook.md"])


class SplitSpec(Part):
    """Cuts long texts into passages."""

    by: Literal["document", "heading", "paragraph", "tokens"] = Field(
        "heading", description="Where a text may be cut: not at all, at headings, at empty lines, or anywhere.", examples=["heading"]
    )
    max_tokens: int | None = Field(None, ge=8, description="Most tokens (words and marks) of a passage.", examples=[800])
    overlap: int = Field(0, ge=0, description="Tokens of the passage before that a further piece repeats.", examples=[80])


class DataSpec(Part):
    """One input."""

    read: str = Field(description="A file, or a pattern for several files.", examples=["examples16.csv", "docs/**/*.md"])
    columns: dict[str, str] = Field({}, description="Renames columns: ours: theirs.", examples=[{"label": "intent"}])
    sample: int | None = Field(None, gt=0, description="Take this many records, drawn with the flow's seed.", examples=[100])
    split: SplitSpec | None = Field(None, description="Cut long texts into passages.", examples=[{"by": "heading", "max_tokens": 800}])
    licence: str | None = Field(None, description="SPDX id, proprietary or restricted.", examples=["CC-BY-4.0", "restricted"])


def _data(value: Any) -> Any:
    return {"read": value} if isinstance(value, str) else value


DataEntry = Annotated[DataSpec, BeforeValidator(_data, json_schema_input_type=str | DataSpec)]


class DemonstrationSpec(Part):
    """Examples that a prompt shows."""

    source: str = Field(alias="from", description="Name of the data that they come from.", examples=["support"])
    k: int = Field(4, ge=0, description="How many are shown.", examples=[4])
    select: Select = Field(
        "random",
        description="How they are chosen; knn: those that are most like the row, diverse: unlike each other.",
        examples=["balanced"],
    )


class ColumnSpec(Part):
    """One column of a record: exactly one kind (values, integer, ..., prompt, judge, verify, compute), and its options."""

    values: list[Any] | Literal["labels"] | None = Field(
        None, description="Draw one of these; 'labels' are the task's labels.", examples=[["calm", "angry"], "labels"]
    )
    weights: list[float] | None = Field(None, description="Weights of the values, in the same order.", examples=[[5, 1]])
    by: str | None = Field(None, description="Balance the values within each value of this column.", examples=["label"])
    integer: list[int] | None = Field(
        None, min_length=2, max_length=2, description="Draw a whole number from [least, most].", examples=[[3, 40]]
    )
    number: list[float] | None = Field(None, min_length=2, max_length=2, description="Draw a number from [least, most].", examples=[[0, 1]])
    date: list[str] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="Draw a day from [first, last], as 2024-12-31.",
        examples=[["2024-01-01", "2024-12-31"]],
    )
    words: int | None = Field(None, gt=0, description="Draw this many random words (keeps prompts from being alike).", examples=[3])
    tree: str | None = Field(None, description="Draw a leaf of the taxonomy in this file, with the way to it.", examples=["topics.yaml"])
    graph: str | None = Field(None, description="Draw a path in the knowledge graph in this file.", examples=["facts.jsonl"])
    source: str | None = Field(
        None, alias="from", description="Take a record of this data, each once before any twice.", examples=["personas"]
    )
    field: str | None = Field(None, description="Which of its columns; default 'text'.", examples=["persona"])
    prompt: str | None = Field(
        None, description="Ask a model; a template that may name other columns.", examples=["Write about {{ topic }}."]
    )
    system: str | None = Field(None, description="System message, a template.", examples=["You are a careful writer."])
    role: str | None = Field(None, description="Which role answers; generator for prompts, judge for judges.", examples=["judge"])
    temperature: float | None = Field(None, ge=0, description="0 always takes the likeliest token.", examples=[0.3])
    max_tokens: int | None = Field(None, gt=0, description="Most tokens of the reply.", examples=[300])
    prefill: str | None = Field(None, description="Beginning of the answer that the model goes on from, a template.", examples=["1."])
    demonstrations: DemonstrationSpec | None = Field(
        None, description="Examples to show, as {{ demonstrations }} or before the prompt.", examples=[{"from": "support", "k": 4}]
    )
    parse: Parse | None = Field(None, description="How the reply becomes a value; default text (json with a shape).", examples=["code"])
    shape: dict[str, Any] | None = Field(None, description="JSON Schema of the reply.", examples=[{"type": "object"}])
    samples: int = Field(1, ge=1, description="Replies asked for.", examples=[4])
    each: bool = Field(False, description="One record for each sample or list item, instead of a list.", examples=[True])
    judge: str | dict[str, str] | None = Field(
        None, description="A question, or criteria with what they mean; scored on the scale.", examples=["Is the answer right?"]
    )
    scale: list[int] = Field([1, 5], min_length=2, max_length=2, description="Least and most of the score.", examples=[[0, 10]])
    swap: bool = Field(False, description="Ask the judge twice, with what it sees in both orders; the score is the mean.", examples=[True])
    verify: str | None = Field(None, description="Check the record with this verifier: passed, failed or not scored.", examples=["python"])
    using: dict[str, str] = Field(
        {}, description="What the verifier reads: argument: column.", examples=[{"code": "solution", "tests": "tests"}]
    )
    compute: str | None = Field(None, description="A Jinja expression over the other columns.", examples=["instruction | wordcount"])
    python: str | None = Field(None, description="A function of your own: package.module:function.", examples=["mine.columns:reading_age"])
    when: str | None = Field(None, description="Only where this expression holds; else the column is null.", examples=["grounded"])
    keep: bool | None = Field(None, description="false: not in the output; true: a score is a column too.", examples=[False])

    @property
    def kind(self) -> str:
        """Which kind of column it is; the first one that is set."""
        return next((kind for kind in KINDS if self.setting(kind) is not None), "")

    def setting(self, key: str) -> Any:
        """The value of a key as it is written in YAML (``from`` instead of ``source``)."""
        return getattr(self, "source" if key == "from" else key)

    @property
    def kept(self) -> bool:
        """Whether it is part of the output; the score of a judge or verifier goes to ``meta.scores`` unless ``keep: true`` is written."""
        return self.keep if self.keep is not None else self.kind not in SCORED


KINDS = ("values", "integer", "number", "date", "words", "tree", "graph", "from", "prompt", "judge", "verify", "compute", "python")
"""Kinds of columns."""

SCORED = frozenset({"judge", "verify"})
"""Kinds whose value is a score."""

OPTIONS: dict[str, frozenset[str]] = {
    "values": frozenset({"weights", "by"}),
    "integer": frozenset(),
    "number": frozenset(),
    "date": frozenset(),
    "words": frozenset(),
    "tree": frozenset({"by"}),
    "graph": frozenset(),
    "from": frozenset({"field"}),
    "prompt": frozenset({"system", "role", "temperature", "max_tokens", "prefill", "demonstrations", "parse", "shape", "samples", "each"}),
    "judge": frozenset({"scale", "role", "temperature", "max_tokens", "system", "swap"}),
    "verify": frozenset({"using"}),
    "compute": frozenset(),
    "python": frozenset({"using"}),
}
"""Which options belong to which kind; ``when`` and ``keep`` belong to all."""


class Stage(Part):
    """One step of generation: a method, or columns."""

    id: str | None = Field(None, description="Name of the stage, by which a later one reads it.", examples=["instructions"])
    rows: int | None = Field(None, ge=1, description="Records that leave the stage.", examples=[1000])
    source: str | None = Field(
        None,
        alias="from",
        description="Data or an earlier stage: one row per record. Default of a later stage: the one before.",
        examples=["docs"],
    )
    models: dict[str, RoleModels] = Field({}, description="Models of this stage, by role.", examples=[{"generator": "openai/gpt-4.1"}])
    method: str | None = Field(None, description="Name of a method: tilth methods.", examples=["attrprompt"])
    parameters: dict[str, Any] = Field({}, alias="with", description="Parameters of the method.", examples=[{"temperature": 0.9}])
    columns: dict[str, ColumnSpec] = Field({}, description="Columns, in any order.", examples=[{"text": {"prompt": "Write a review."}}])
    top_up: int = Field(0, ge=0, le=20, description="Rounds of generation for what curation took away.", examples=[2])


def _stages(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Stages = Annotated[list[Stage], BeforeValidator(_stages, json_schema_input_type=Stage | list[Stage]), Field(min_length=1)]


StepItem = str | dict[str, Any]
"""``NAME``, ``NAME: VALUE`` or ``NAME: {setting: value}``; `tilth.flows.curating` checks what stands in it."""


class FlowSpec(Part):
    """A whole flow file."""

    tilth: Literal[1] = Field(description="Version of the grammar.", examples=[1])
    name: str | None = Field(None, description="Name of the run's folder; default: the file's name.", examples=["support-intents"])
    describe: str = Field("", description="What this flow makes, for people.", examples=["Messages for five support intents."])
    seed: int = Field(0, ge=0, description="Governs every draw of the run.", examples=[7])
    licence: str | None = Field(None, description="SPDX id of the result.", examples=["CC-BY-4.0"])
    budget: Budget = Field(
        Budget.model_construct(usd=None, calls=None, tokens=None, hours=None), description="What the run may use.", examples=[{"usd": 3}]
    )
    models: dict[str, RoleModels] = Field(
        {},
        description="Models by role; an unset role is the generator, an unset generator is local.",
        examples=[{"generator": "openai/gpt-4.1-mini"}],
    )
    task: TaskSpec = Field(
        description="What the data is for: kind, domain, labels, language.", examples=[{"kind": "text", "about": "Reviews of films."}]
    )
    data: dict[str, DataEntry] = Field(
        {}, description="Inputs by name; support, real and holdout have a fixed meaning.", examples=[{"support": "examples16.csv"}]
    )
    generate: Stages = Field(description="How records are made: one stage, or several in order.", examples=[{"method": "attrprompt"}])
    curate: list[StepItem] = Field([], description="Which records stay: steps, in order.", examples=[["refusals", {"dedupe": 0.85}]])
    evaluate: EvaluateSpec | None = Field(
        None, description="How the result is measured against real data.", examples=[{"metrics": ["near_duplicates"]}]
    )
    review: ReviewSpec | None = Field(None, description="What people must see before the data leave.", examples=[{"audit": 100}])
    export: list[ExportSpec] = Field([], description="In which forms the records leave.", examples=[[{"to": "parquet"}]])
