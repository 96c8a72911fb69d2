"""What a scorer is: a frozen configuration that gives each row one value, or says that it is not scored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

from tilth.records.ids import canonical, digest

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.score.rows import Rows


@dataclass(frozen=True, slots=True)
class Score:
    """What a scorer says about one row.

    value: a number, or a text for scorers that name something (a language, a group). None: not scored; it is never 0,
        and is left out of every mean. detail: for people, or JSON where a decision needs more than one number.
    neighbour: id of the row or reference row that caused the value.
    """

    id: str
    value: float | str | None
    detail: str = ""
    neighbour: str | None = None

    @property
    def number(self) -> float | None:
        """The value where it is a number."""
        return None if self.value is None or isinstance(self.value, str) else float(self.value)


class Scorer(BaseModel):
    """Computes one score a row. Fields are its configuration; thresholds belong to the step that decides, not here.

    name, version: kept beside each score; a change of what is computed raises the version.
    dataset_wise: a row's score depends on the other rows. Else a score is used again whatever became of the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1
    dataset_wise: ClassVar[bool] = False

    def needs(self) -> frozenset[str]:
        """Columns that it must have."""
        return frozenset()

    def reads(self) -> frozenset[str]:
        """Inputs of the run that it reads beside the rows, such as the holdout that rows are compared with."""
        return frozenset()

    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """Roles whose models it asks, each with what they must be able to do; checked before the first call."""
        return {}

    def depends(self, run: Run) -> bytes:
        """Digest of what a score depends on beside configuration and rows: models, references."""
        parts: list[bytes | str] = []
        for role in sorted(self.roles()):
            parts += [role, *(model.identity for model in run.models(role))]
        for name in sorted(self.reads()):
            parts += [name, *(digest(record.id or "", canonical(record.columns)) for record in run.data(name))]
        return digest(*parts)

    def score(self, run: Run, rows: Rows) -> AsyncIterator[Score]:
        """One score for each row, in row order."""
        raise NotImplementedError  # abstract

    def fingerprint(self) -> bytes:
        """Digest of name, version and configuration: with the same rows it means the same scores."""
        return digest("tilth/score", self.name, self.version, canonical(self.model_dump(mode="json")))
