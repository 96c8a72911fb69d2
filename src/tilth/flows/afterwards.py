"""The parts of a flow that come after generation: evaluate with its gates, review, export."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tilth.flows.part import Part

Format = Literal[
    "parquet", "jsonl", "csv", "text", "chat", "alpaca", "sharegpt", "messages", "prompt_completion", "dpo", "kto", "hub", "argilla",
    "label_studio", "croissant",
]  # fmt: skip
PAIRS = (
    ("instruction", "output"), ("prompt", "completion"), ("prompt", "response"), ("prompt", "output"), ("question", "answer"),
    ("instruction", "code"), ("prompt", "code"), ("premise", "hypothesis", "label"), ("text", "label"),
)  # fmt: skip
"""Columns of which one stands for what is asked and the other for what is answered."""

NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(("chat", "messages", "sharegpt", "alpaca", "prompt_completion"), (("messages",), *PAIRS)),
    "text": (("text",), *PAIRS),
    "dpo": (("chosen", "rejected"),),
    "kto": (("prompt", "completion", "label"), ("prompt", "chosen", "rejected")),
}
"""Format to the columns that it is made of: one of the groups must be there. Formats that are not named take any columns."""


def _many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class UtilitySpec(Part):
    """What the records are worth to students; the controls are always measured, whatever `compare` names."""

    student: Annotated[
        list[Literal["tfidf_lr", "embedding_lr", "gradient_boosting"]],
        BeforeValidator(_many, json_schema_input_type=str | list[str]),
        Field(min_length=1),
    ] = Field(["tfidf_lr", "embedding_lr"], description="Which students.", examples=["tfidf_lr"])
    test: str = Field("holdout", description="Name of the data that they are tested on.", examples=["holdout"])
    compare: list[Literal["real", "synthetic", "real+synthetic", "majority", "random", "templates", "eda", "annotate"]] = Field(
        [], description="Arms worth naming; all of them are measured.", examples=[["real", "real+synthetic", "majority"]]
    )
    seeds: int = Field(10, ge=1, description="Draws of real records.", examples=[5])
    sizes: list[int] = Field([16, 100], min_length=1, description="Real records drawn, in all.", examples=[[16, 100]])


class GateSpec(Part):
    """A bound that a metric must keep."""

    at_least: float | None = Field(None, description="The lower end of the 95 % interval must reach this.", examples=[0.85])
    at_most: float | None = Field(None, description="The upper end of the 95 % interval must not pass this.", examples=[0.05])
    level: Literal["must", "should"] = Field("must", description="Whether a broken gate forbids, or only warns.", examples=["should"])
    on: Literal["interval", "point"] = Field("interval", description="Compare the interval's end, or the value itself.", examples=["point"])


MetricItem = str | dict[str, Any]
"""``NAME`` or ``NAME: {setting: value}``; checked in `tilth.flows.check_evaluate`."""


class EvaluateSpec(Part):
    """How the records are measured."""

    against: dict[Literal["real", "holdout", "support", "unlabelled", "templates"], str] = Field(
        {}, description="Which data is which set; default: the data of that name.", examples=[{"real": "support"}]
    )
    metrics: list[MetricItem] | None = Field(
        None, description="Metrics by name, some with settings; default: all that can be measured.", examples=[["vendi", "c2st"]]
    )
    benchmarks: list[str] = Field([], description="Benchmarks that a student is tested on.", examples=[["humaneval"]])
    utility: UtilitySpec | None = Field(None, description="Train students on real, synthetic and both.", examples=[{"student": "tfidf_lr"}])
    gates: dict[str, GateSpec] = Field(
        {}, description="Bounds that the metrics must keep, by metric.", examples=[{"near_duplicates": {"at_most": 0.05}}]
    )


class ReviewSpec(Part):
    """What people must see."""

    audit: int | float = Field(0, ge=0, description="Records drawn uniformly, a number or a share: what estimates rest on.", examples=[100])
    queue: int | float = Field(0, ge=0, description="Doubtful records, a number or a share.", examples=[60])
    redundancy: int = Field(1, ge=1, le=9, description="People who decide about each record.", examples=[2])
    gold: str | None = Field(None, description="File with records whose right decision is known.", examples=["gold.csv"])
    blind: Literal["audit", "always", "never"] = Field("audit", description="When the model's suggestion is hidden.", examples=["always"])
    order: dict[Literal["uncertainty", "impact", "risk"], float] = Field(
        {}, description="Weights of what puts a record to the front of the queue.", examples=[{"uncertainty": 1, "risk": 2}]
    )
    codebook: str | None = Field(None, description="Rules for reviewers; default: the task's codebook.", examples=["codebook.md"])


class ExportSpec(Part):
    """One form in which the records leave."""

    to: Format = Field(description="Format of the files.", examples=["parquet"])
    path: str | None = Field(None, description="Folder of the files, or owner/name on the hub.", examples=["out/", "acme/support-intents"])
    split: dict[str, float] = Field(
        {}, description="Name to share of the records; shares add up to 1.", examples=[{"train": 0.9, "test": 0.1}]
    )
    drop: list[str] = Field([], description="Columns that are left out.", examples=[["meta"]])
    private: bool = Field(False, description="Whether a repository on the hub is private.", examples=[True])
