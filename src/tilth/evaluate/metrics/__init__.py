"""The metrics, by name."""

from __future__ import annotations

from tilth.errors import RequestError
from tilth.evaluate.base import Metric
from tilth.evaluate.metrics.copies import Contamination, Memorised, NearDuplicates
from tilth.evaluate.metrics.labels import LabelAgreement, LlmAgreement
from tilth.evaluate.metrics.lexical import Compression, DistinctN, SelfBleu
from tilth.evaluate.metrics.semantic import Aps, Vendi
from tilth.evaluate.metrics.shares import LanguageShare, RefusalShare
from tilth.evaluate.metrics.twosample import C2st

ALL: tuple[type[Metric], ...] = (
    LabelAgreement,
    LlmAgreement,
    NearDuplicates,
    Contamination,
    Memorised,
    RefusalShare,
    LanguageShare,
    DistinctN,
    SelfBleu,
    Compression,
    Aps,
    Vendi,
    C2st,
)
"""In the order in which they are shown. `tilth.evaluate.utility.metric.Utility` comes last, when it is asked for."""

BY_NAME = {metric.name: metric for metric in ALL}


def chosen(names: list[str] | None) -> list[Metric]:
    """The metrics of these names, or those that are measured unasked.

    Raises
    ------
    RequestError: no such metric; says what there is.
    """
    if names is None:
        return [metric() for metric in ALL if not metric.asked]
    from tilth.records.hints import did_you_mean

    for name in names:
        if name not in BY_NAME:
            raise RequestError(f"no metric is called '{name}'.{did_you_mean(name, list(BY_NAME))}", code="evaluate.metric")
    return [BY_NAME[name]() for name in dict.fromkeys(names)]
