"""The embedded LLM's weights as plain arrays, under the names of their published model, for whoever computes with them otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tilth.errors import require
from tilth.models.local.weights import path_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

_FEATURE = "reading the embedded model's weights"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the arrays do not say. theta: base of the rotary positions; epsilon: of the RMS norms; ends: tokens that end a text."""

    layers: int
    heads: int
    key_heads: int
    theta: float
    epsilon: float
    ends: tuple[int, ...]


SHAPES = {"smollm2-135m": Shape(layers=30, heads=9, key_heads=3, theta=100_000.0, epsilon=1e-5, ends=(0, 2))}


def tensors_of(name: str) -> dict[str, npt.NDArray[np.float16]]:
    """Weights by name (``model.embed_tokens.weight``, ``model.layers.0.self_attn.q_proj.weight`` ...), float16 as they lie on disk.

    The files name the matrices; the norms follow from their order: two a layer, each before the matrix that reads it, and one at
    the end. Raises RequestError ``model.not_pulled``, or MissingExtra.
    """
    openvino = require("openvino", extra="local", feature=_FEATURE)
    found: dict[str, npt.NDArray[np.float16]] = {}
    norm: npt.NDArray[np.float16] | None = None
    for op in openvino.Core().read_model(str(path_of(name))).get_ordered_ops():
        if op.get_type_name() != "Constant":
            continue
        called, shape = op.get_friendly_name().replace("[", ".").replace("]", ""), list(op.get_output_shape(0))
        if called.endswith(".weight"):
            found[called] = op.data.copy()
            if norm is not None and called.endswith(("q_proj.weight", "gate_proj.weight")):
                layer = called.split("self_attn")[0].split("mlp")[0]
                kind = "input_layernorm" if called.endswith("q_proj.weight") else "post_attention_layernorm"
                found[f"{layer}{kind}.weight"] = norm
        elif len(shape) == 3 and shape[:2] == [1, 1] and shape[2] > 64:
            norm = op.data.copy().reshape(-1)
    if norm is not None:
        found["model.norm.weight"] = norm
    return found


def tokenizer_of(name: str) -> Tokenizer:
    """The embedded model's tokenizer."""
    return Tokenizer(path_of(name))


class Tokenizer:
    """Text to token ids and back, as the engine does it."""

    def __init__(self, weights: Path) -> None:
        genai = require("openvino_genai", extra="local", feature=_FEATURE)
        self._tokenizer: Any = genai.Tokenizer(str(weights.parent))

    def encode(self, text: str) -> list[int]:
        """Token ids, without special tokens around them."""
        return [int(token) for token in self._tokenizer.encode(text, add_special_tokens=False).input_ids.data[0]] if text else []

    def decode(self, ids: list[int]) -> str:
        """Text of token ids; a leading space is kept."""
        return str(self._tokenizer.decode(ids)) if ids else ""
