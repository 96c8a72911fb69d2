"""What metrics.json says, and whether it still speaks of the records that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tilth.evaluate.base import Value
from tilth.evaluate.gatelog import loosened
from tilth.records.folder import RunFolder
from tilth.report.counts import read


@dataclass(frozen=True, slots=True)
class Measured:
    """See `tilth.report.facts.Facts`. loosened: gates that were made easier after their figure was seen, in words."""

    values: tuple[Value, ...] = ()
    controls: Mapping[str, Any] | None = None
    findings: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    stale: bool = False
    loosened: tuple[str, ...] = ()


def measured(folder: RunFolder) -> Measured:
    """Read metrics.json; empty where there is none."""
    document = read(folder.metrics)
    if not document:
        return Measured(loosened=loosened(folder))
    written = document.get("values")
    values = [value_of(one) for one in written if isinstance(one, dict)] if isinstance(written, list) else []
    found = document.get("findings")
    findings = [str(one.get("finding")) for one in found if isinstance(one, dict) and one.get("finding")] if isinstance(found, list) else []
    controls, sizes = document.get("controls"), document.get("n")
    return Measured(
        tuple(one for one in values if one is not None),
        controls if isinstance(controls, dict) else None,
        tuple(findings),
        {str(name): n for name, n in sizes.items() if isinstance(n, int)} if isinstance(sizes, dict) else {},
        _stale(folder, document),
        loosened(folder),
    )


def value_of(plain: Mapping[str, Any]) -> Value | None:
    """A figure as metrics.json keeps it; None for what is none."""
    name, value, detail = plain.get("metric"), plain.get("value"), plain.get("detail")
    if not isinstance(name, str) or isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
        return None
    direction = plain.get("direction")
    return Value(
        name,
        value,
        _pair(plain.get("interval")),
        n=plain["n"] if isinstance(plain.get("n"), int) else 0,
        direction=direction if direction in ("up", "down", "target") else "up",
        seed=plain.get("seed"),
        kernel=str(plain.get("kernel") or ""),
        reference=_float(plain.get("reference")),
        reference_interval=_pair(plain.get("reference_interval")),
        finding=str(plain.get("finding") or ""),
        detail=detail if isinstance(detail, dict) else {},
    )


def _pair(found: Any) -> tuple[float, float] | None:
    if not isinstance(found, (list, tuple)) or len(found) != 2:
        return None
    low, high = _float(found[0]), _float(found[1])
    return None if low is None or high is None else (low, high)


def _float(found: Any) -> float | None:
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def _stale(folder: RunFolder, document: Mapping[str, Any]) -> bool:
    """Whether the figures speak of other records; by the bytes of their parts, which is fast at any size."""
    import pyarrow as pa

    from tilth.errors import TilthError
    from tilth.evaluate.marks import files_mark
    from tilth.score.rows import Rows

    files = document.get("files")
    if isinstance(files, str):
        return files != files_mark(folder)
    try:  # of an earlier version, which knew the content only
        return Rows.kept(folder).mark.hex() != document.get("data")
    except (OSError, pa.ArrowException, TilthError):  # records that cannot be read are not those that were measured
        return True
