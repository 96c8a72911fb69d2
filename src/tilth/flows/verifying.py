"""Verify columns: a verdict taken outside whatever wrote the row. Passed is true, failed is false, and what nobody can say is null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilth.verify.base import Verifier


def verifiers() -> Mapping[str, type[Verifier]]:
    """The verifiers of this version, by the name that a flow uses."""
    return {}
