"""The shape of a method: parameters are fields, the algorithm is one async generator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from tilth.records.record import Record

if TYPE_CHECKING:
    from tilth.engine.run import Run
    from tilth.records.data import Data


class Task(BaseModel):
    """What the data is for. Every prompt may read it.

    about: one or two sentences on the domain. labels: name to definition ("" when none was given).
    codebook: text of the labelling rules. language: IETF tag; reaches every prompt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str = ""
    kind: str = "text"
    labels: dict[str, str] = {}
    language: str = "en"
    codebook: str = ""


class Method(BaseModel):
    """A way of growing records. Subclasses declare what they read and yield, and implement :meth:`generate`.

    Fields are the parameters: YAML, command line, documentation and run.json all derive from them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    family: ClassVar[str] = ""
    inputs: ClassVar[Mapping[str, str]] = {}
    """Data it reads: name to the columns it needs, as in ``{"support": "text label"}``; a leading ``?`` makes the whole input optional."""
    columns: ClassVar[Mapping[str, Any]] = {}
    """What it yields: column to type (str, int, float, bool, list[str], dict, list[dict])."""
    roles: ClassVar[Mapping[str, int | str]] = {"generator": 1}
    """Role to how many models: a number, or ``"2+"``."""
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Role to capabilities that it must have, such as ``("completion", "prefill")``."""
    prompts: ClassVar[Mapping[str, str]] = {}
    """Jinja sources by name; a user overrides one with the parameter ``prompts``."""

    rows: int | None = None
    """Records wanted; None: as many as the input gives."""
    own_prompts: dict[str, str] = Field(default={}, alias="prompts", description="Prompts of your own, by name; the others stay.")

    def model_post_init(self, context: Any, /) -> None:
        """Lay the user's own prompts over the method's."""
        if not self.own_prompts:
            return
        unknown = sorted(set(self.own_prompts) - set(type(self).prompts))
        if unknown:
            raise ValueError(f"no prompt is called '{unknown[0]}'. There are: {', '.join(type(self).prompts) or 'none'}.")
        self.__dict__["prompts"] = {**type(self).prompts, **self.own_prompts}

    def columns_for(self, data: Mapping[str, Data]) -> Mapping[str, Any]:
        """The columns that this instance yields with these inputs; a tabular method has those of its data. Default: `columns`."""
        return self.columns

    def most_rows(self, data: Mapping[str, Data]) -> int | None:
        """The most records that these inputs can give where `rows` is None, if that is known before the run. Default: None, unknown."""
        return None

    def generate(self, run: Run) -> AsyncIterator[Record]:
        """Yield records. Only what is yielded here is kept."""
        raise NotImplementedError  # abstract
