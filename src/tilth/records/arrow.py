"""pyarrow's types for our kinds; imported only when a Parquet file is touched."""

from __future__ import annotations

import pyarrow as pa

from tilth.records.values import MESSAGE_KEYS


def arrow_type(kind: str) -> pa.DataType:
    """The column type of a kind (see `tilth.records.values`), of ``scores`` or of ``label_probs``."""
    if kind.startswith("list["):
        inner = kind[5:-1]
        return pa.list_(pa.struct([(key, pa.string()) for key in MESSAGE_KEYS]) if inner == "dict" else arrow_type(inner))
    if kind == "scores":
        return pa.list_(pa.struct([("name", pa.string()), ("value", pa.float64()), ("detail", pa.string())]))
    if kind == "label_probs":
        return pa.list_(pa.struct([("label", pa.string()), ("prob", pa.float64())]))
    simple = {"int": pa.int64(), "int32": pa.int32(), "float": pa.float64(), "bool": pa.bool_()}
    return simple.get(kind, pa.string())
