"""The grammar of a flow: what may stand where. Types, defaults and help come from here; everything else refuses unknown keys.

Messages for people are made in `tilth.flows.validate`; checks that need more than one field stand in `tilth.flows.check`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

GRAMMAR = 1
"""Version of the grammar that this tilth reads (the value of the key ``tilth``)."""

Kind = Literal["classification", "instruction", "dialogue", "preference", "code", "math", "qa", "extraction", "nli", "tabular", "text"]
Parse = Literal["text", "label", "json", "code", "list", "messages"]
Select = Literal["random", "fixed", "knn", "diverse", "informative", "balanced"]

LATER: dict[str, frozenset[str]] = {
    "flow": frozenset({"review", "export"}),
    "stage": frozenset({"top_up"}),
    "evaluate": frozenset({"gates", "benchmarks"}),
    "column": frozenset({"date", "tree", "graph", "verify", "using", "python", "swap"}),
    "data": frozenset({"split"}),
}
"""Keys of the full grammar that this version refuses by name; a later version moves them into the classes below."""


class Part(BaseModel):
    """Base of all parts: unknown keys and wrong types are mistakes, Python's reserved words are written as in YAML."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


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
    temperature: float | None = Field(None, ge=0, description="0 always takes the likeliest token; the role's default is 1.")
    top_p: float | None = Field(None, gt=0, le=1, description="Nucleus sampling.")
    max_tokens: int | None = Field(None, gt=0, description="Most tokens of one reply.", examples=[1200])
    seed: int | None = Field(None, description="Replaces the seed that the engine derives for each request.")
    concurrency: int | None = Field(None, gt=0, description="Most requests at once.")
    rpm: int | None = Field(None, gt=0, description="Requests a minute that the provider allows.")
    tpm: int | None = Field(None, gt=0, description="Tokens a minute that the provider allows.")
    timeout: float | None = Field(None, gt=0, description="Seconds to wait for a reply.")
    batch: bool = Field(False, description="Use the provider's batch service.")
    price: PriceSpec | None = Field(None, description="Price, where tilth does not know it.")
    extra: dict[str, Any] = Field({}, description="The provider's own parameters, sent as they are.")


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
    about: str = Field("", description="One or two sentences on the domain; every prompt may read them.")
    labels: Annotated[dict[str, str], BeforeValidator(_labels, json_schema_input_type=dict[str, str] | list[str])] = Field(
        {}, description="Labels, with their definitions where there are some."
    )
    language: str = Field("en", description="Language of the data (IETF tag).", examples=["en", "de"])
    codebook: str | None = Field(None, description="A text file with the labelling rules.", examples=["codebook.md"])


class DataSpec(Part):
    """One input."""

    read: str = Field(description="A file, or a pattern for several files.", examples=["examples16.csv", "docs/**/*.md"])
    columns: dict[str, str] = Field({}, description="Renames columns: ours: theirs.", examples=[{"label": "intent"}])
    sample: int | None = Field(None, gt=0, description="Take this many records, drawn with the flow's seed.")
    licence: str | None = Field(None, description="SPDX id, proprietary or restricted.")


def _data(value: Any) -> Any:
    return {"read": value} if isinstance(value, str) else value


DataEntry = Annotated[DataSpec, BeforeValidator(_data, json_schema_input_type=str | DataSpec)]


class DemonstrationSpec(Part):
    """Examples that a prompt shows."""

    source: str = Field(alias="from", description="Name of the data that they come from.", examples=["support"])
    k: int = Field(4, ge=0, description="How many are shown.")
    select: Select = Field("random", description="How they are chosen.")


class ColumnSpec(Part):
    """One column of a record. It is exactly one of: values, integer, number, words, from, prompt, judge, compute."""

    values: list[Any] | Literal["labels"] | None = Field(None, description="Draw one of these; 'labels' are the task's labels.")
    weights: list[float] | None = Field(None, description="Weights of the values, in the same order.")
    by: str | None = Field(None, description="Balance the values within each value of this column.")
    integer: list[int] | None = Field(None, min_length=2, max_length=2, description="Draw a whole number from [least, most].")
    number: list[float] | None = Field(None, min_length=2, max_length=2, description="Draw a number from [least, most].")
    words: int | None = Field(None, gt=0, description="Draw this many random words (keeps prompts from being alike).")
    source: str | None = Field(None, alias="from", description="Take a record of this data, each once before any twice.")
    field: str | None = Field(None, description="Which of its columns; default 'text'.")
    prompt: str | None = Field(None, description="Ask a model; a template that may name other columns.")
    system: str | None = Field(None, description="System message, a template.")
    role: str | None = Field(None, description="Which role answers; generator for prompts, judge for judges.")
    temperature: float | None = Field(None, ge=0, description="0 always takes the likeliest token.")
    max_tokens: int | None = Field(None, gt=0, description="Most tokens of the reply.")
    prefill: str | None = Field(None, description="Beginning of the answer that the model goes on from, a template.")
    demonstrations: DemonstrationSpec | None = Field(None, description="Examples to show, as {{ demonstrations }} or before the prompt.")
    parse: Parse | None = Field(None, description="How the reply becomes a value; default text (json with a shape).")
    shape: dict[str, Any] | None = Field(None, description="JSON Schema of the reply.")
    samples: int = Field(1, ge=1, description="Replies asked for.")
    each: bool = Field(False, description="One record for each sample or list item, instead of a list.")
    judge: str | dict[str, str] | None = Field(None, description="A question, or criteria with what they mean; scored on the scale.")
    scale: list[int] = Field([1, 5], min_length=2, max_length=2, description="Least and most of the score.")
    compute: str | None = Field(None, description="A Jinja expression over the other columns.")
    when: str | None = Field(None, description="Only where this expression holds; else the column is null.")
    keep: bool | None = Field(None, description="false: not in the output. true: a judge's score is a column too.")

    @property
    def kind(self) -> str:
        """Which kind of column it is; the first one that is set."""
        return next((kind for kind in KINDS if self.setting(kind) is not None), "")

    def setting(self, key: str) -> Any:
        """The value of a key as it is written in YAML (``from`` instead of ``source``)."""
        return getattr(self, "source" if key == "from" else key)

    @property
    def kept(self) -> bool:
        """Whether the column is part of the output; a judge's score goes to ``meta.scores`` unless ``keep: true`` is written."""
        return self.keep if self.keep is not None else self.kind != "judge"


KINDS = ("values", "integer", "number", "words", "from", "prompt", "judge", "compute")
"""Kinds of columns that this version builds."""

OPTIONS: dict[str, frozenset[str]] = {
    "values": frozenset({"weights", "by"}),
    "integer": frozenset(),
    "number": frozenset(),
    "words": frozenset(),
    "from": frozenset({"field"}),
    "prompt": frozenset({"system", "role", "temperature", "max_tokens", "prefill", "demonstrations", "parse", "shape", "samples", "each"}),
    "judge": frozenset({"scale", "role", "temperature", "max_tokens", "system"}),
    "compute": frozenset(),
}
"""Which options belong to which kind; ``when`` and ``keep`` belong to all."""


class Stage(Part):
    """One step of generation: a method, or columns."""

    id: str | None = Field(None, description="Name of the stage.")
    rows: int | None = Field(None, ge=1, description="Records that leave the stage.", examples=[1000])
    source: str | None = Field(None, alias="from", description="Data that gives one row per record.")
    models: dict[str, RoleModels] = Field({}, description="Models of this stage, by role.")
    method: str | None = Field(None, description="Name of a method: tilth methods.", examples=["attrprompt"])
    parameters: dict[str, Any] = Field({}, alias="with", description="Parameters of the method.")
    columns: dict[str, ColumnSpec] = Field({}, description="Columns, in any order.")


def _stages(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Stages = Annotated[list[Stage], BeforeValidator(_stages, json_schema_input_type=Stage | list[Stage]), Field(min_length=1)]


def _many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class UtilitySpec(Part):
    """What the records are worth to students; the controls are always measured, whatever `compare` names."""

    student: Annotated[list[Literal["tfidf_lr", "embedding_lr"]], BeforeValidator(_many), Field(min_length=1)] = Field(
        ["tfidf_lr", "embedding_lr"], description="Which students.", examples=["tfidf_lr"]
    )
    test: str = Field("holdout", description="Name of the data that they are tested on.")
    compare: list[Literal["real", "synthetic", "real+synthetic", "majority", "templates", "eda", "annotate"]] = Field(
        [], description="Arms worth naming; all of them are measured."
    )
    seeds: int = Field(10, ge=1, description="Draws of real records.")
    sizes: list[int] = Field([16, 100], min_length=1, description="Real records drawn, in all.")


class EvaluateSpec(Part):
    """How the records are measured."""

    against: dict[Literal["real", "holdout", "support", "unlabelled", "templates"], str] = Field(
        {}, description="Which data is which set; default: the data of that name.", examples=[{"real": "support"}]
    )
    metrics: list[str] | None = Field(None, description="Metrics by name; default: all that can be measured.", examples=[["vendi", "c2st"]])
    utility: UtilitySpec | None = Field(None, description="Train students on real, synthetic and both.")


StepItem = str | dict[str, Any]
"""``NAME``, ``NAME: VALUE`` or ``NAME: {setting: value}``; `tilth.flows.curating` checks what stands in it."""


class FlowSpec(Part):
    """A whole flow file."""

    tilth: Literal[1] = Field(description="Version of the grammar.")
    name: str | None = Field(None, description="Name of the run's folder; default: the file's name.", examples=["support-intents"])
    describe: str = Field("", description="What this flow makes, for people.")
    seed: int = Field(0, ge=0, description="Governs every draw of the run.")
    licence: str | None = Field(None, description="SPDX id of the result.", examples=["CC-BY-4.0"])
    budget: Budget = Field(Budget.model_construct(usd=None, calls=None, tokens=None, hours=None), description="What the run may use.")
    models: dict[str, RoleModels] = Field({}, description="Models by role; an unset role is the generator, an unset generator is local.")
    task: TaskSpec = Field(description="What the data is for: kind, domain, labels, language.")
    data: dict[str, DataEntry] = Field({}, description="Inputs by name; support, real and holdout have a fixed meaning.")
    generate: Stages = Field(description="How records are made.")
    curate: list[StepItem] = Field([], description="Which records stay: steps, in order.", examples=[["refusals", {"dedupe": 0.85}]])
    evaluate: EvaluateSpec | None = Field(None, description="How the result is measured against real data.")
