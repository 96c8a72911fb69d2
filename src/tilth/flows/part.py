"""What every part of a flow is: no unknown keys, no silent conversion, Python's reserved words written as in YAML."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of all parts: unknown keys and wrong types are mistakes, Python's reserved words are written as in YAML."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)
