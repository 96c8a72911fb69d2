"""MiniLM (BERT with 6 layers of 384 in 12 heads) as an OpenVINO graph, built from its safetensors; no torch, no ONNX.

The encoder of Devlin et al. 2019 (arXiv 1810.04805) with the mean pooling over tokens of Reimers & Gurevych 2019
(arXiv 1908.10084), section 3; sizes from the model's config.json. The pooled row comes out at unit length.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from openvino import Model, Type
from openvino import opset13 as ops

_KINDS: Final[dict[str, np.dtype[Any]]] = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}
_HIDDEN: Final = float(np.finfo(np.float32).min)

Tensors = Mapping[str, npt.NDArray[Any]]


def read_safetensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a file, as views of the file mapped into memory: nothing is read before it is used.

    The format: 8 bytes with the length of a JSON header, the header (name to dtype, shape, begin and end), the data.
    Only the two dtypes of this model are known; another one raises KeyError.
    """
    whole = np.memmap(path, dtype=np.uint8, mode="c")  # private: OpenVINO shares only arrays that could be written
    start = 8 + int(whole[:8].view("<u8")[0])
    header = json.loads(bytes(whole[8:start]))
    tensors: dict[str, npt.NDArray[Any]] = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            data = whole[start + begin : start + end]
            tensors[name] = np.frombuffer(data, dtype=_KINDS[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def build(tensors: Tensors, config: Mapping[str, Any]) -> Model:
    """Inputs ``ids`` (rows, tokens) int32 and ``mask`` (rows, tokens) float32, 1 where there is a token; output (rows, 384).

    config: ``num_hidden_layers``, ``num_attention_heads``, ``hidden_size`` and ``layer_norm_eps`` of config.json.
    """
    return _Builder(tensors, config).model()


class _Builder:
    """What every layer needs: the weights by name, and the sizes."""

    def __init__(self, tensors: Tensors, config: Mapping[str, Any]) -> None:
        self.tensors = tensors
        self.layers = int(config["num_hidden_layers"])
        self.heads = int(config["num_attention_heads"])
        self.size = int(config["hidden_size"])
        self.epsilon = float(config["layer_norm_eps"])

    def model(self) -> Model:
        ids = ops.parameter([-1, -1], Type.i32, name="ids")
        mask = ops.parameter([-1, -1], Type.f32, name="mask")
        for node in (ids, mask):
            node.get_output_tensor(0).set_names({node.get_friendly_name()})
        # 0 where there is a token; elsewhere so low that its weight is exactly 0 after the softmax
        unseen = _unsqueeze(ops.multiply(ops.subtract(_number(1), mask), _number(_HIDDEN)), [1, 2])
        state = self._embedded(ids)
        for layer in range(self.layers):
            state = self._layer(state, unseen, f"encoder.layer.{layer}")
        return Model([ops.result(_pooled(state, mask))], [ids, mask], "minilm")

    def _embedded(self, ids: Any) -> Any:
        words = ops.gather(self._weight("embeddings.word_embeddings.weight"), ids, _whole(0))
        kind = self.tensors["embeddings.token_type_embeddings.weight"][:1]
        places = ops.constant(self.tensors["embeddings.position_embeddings.weight"] + kind)  # all tokens are of the first kind
        count = ops.gather(ops.shape_of(ids, "i32"), _whole([1]), _whole(0))
        first = ops.slice(places, _whole([0]), count, _whole([1]), _whole([0]))
        return self._normed(ops.add(words, first), "embeddings.LayerNorm")

    def _layer(self, state: Any, unseen: Any, name: str) -> Any:
        part = f"{name}.attention.self"
        query, key, value = (self._split(self._dense(state, f"{part}.{each}")) for each in ("query", "key", "value"))
        seen = ops.scaled_dot_product_attention(query, key, value, unseen)
        joined = ops.reshape(ops.transpose(seen, _whole([0, 2, 1, 3])), _whole([0, 0, self.size]), True)
        state = self._normed(ops.add(state, self._dense(joined, f"{name}.attention.output.dense")), f"{name}.attention.output.LayerNorm")
        wide = ops.gelu(self._dense(state, f"{name}.intermediate.dense"), "erf")
        return self._normed(ops.add(state, self._dense(wide, f"{name}.output.dense")), f"{name}.output.LayerNorm")

    def _split(self, state: Any) -> Any:
        """(rows, tokens, size) to (rows, heads, tokens, size of a head)."""
        shape = _whole([0, 0, self.heads, self.size // self.heads])
        return ops.transpose(ops.reshape(state, shape, True), _whole([0, 2, 1, 3]))

    def _dense(self, state: Any, name: str) -> Any:
        return ops.add(ops.matmul(state, self._weight(f"{name}.weight"), False, True), self._weight(f"{name}.bias"))

    def _normed(self, state: Any, name: str) -> Any:
        level = ops.mvn(state, _whole([-1]), True, self.epsilon, "inside_sqrt")
        return ops.add(ops.multiply(level, self._weight(f"{name}.weight")), self._weight(f"{name}.bias"))

    def _weight(self, name: str) -> Any:
        return ops.constant(self.tensors[name], shared_memory=True)


def _pooled(state: Any, mask: Any) -> Any:
    """Mean over the tokens; then unit length."""
    column = _unsqueeze(mask, [2])
    total = ops.reduce_sum(ops.multiply(state, column), _whole([1]), False)
    mean = ops.divide(total, ops.reduce_sum(column, _whole([1]), False))
    return ops.normalize_l2(mean, _whole([1]), 1e-12, "max")


def _unsqueeze(node: Any, axes: list[int]) -> Any:
    return ops.unsqueeze(node, _whole(axes))


def _whole(value: int | list[int]) -> Any:
    return ops.constant(np.asarray(value, dtype=np.int64))


def _number(value: float) -> Any:
    return ops.constant(np.float32(value))
