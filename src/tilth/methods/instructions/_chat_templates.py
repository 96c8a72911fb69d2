"""Chat templates as data: what stands around the turns of a conversation, so that a raw completion can go on from any of them."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from tilth.errors import RequestError


class ChatTemplate(BaseModel):
    """The texts that a model was trained with around each turn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str = Field(min_length=1, description="Header before a turn of the user.")
    assistant: str = Field(min_length=1, description="Header before a turn of the model.")
    end: str = Field(min_length=1, description="What closes a turn.")
    stops: list[str] = Field(min_length=1, description="Strings that no turn may hold; the first of them is its end.")
    system: str | None = Field(default=None, description="Header before the system message; null: the model knows none.")
    bos: str = Field(default="", description="Beginning-of-text token, where the model has one.")
    said: str = Field(default="", description="System message that the model's own template adds where none is given.")

    def text(self, turns: Sequence[str], system: str = "", *, bos: bool = False) -> str:
        r"""`turns` (user, assistant, user ...), each closed, and the header of whoever speaks next.

        >>> TEMPLATES["chatml"].text([])
        '<|im_start|>user\n'
        >>> TEMPLATES["chatml"].text(["Hi"])
        '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n'
        """
        first = system or self.said
        if first and self.system is None:
            raise RequestError("this chat template knows no system message.", code="method.template")
        headers = (self.user, self.assistant)
        begun = (self.bos if bos else "") + (f"{self.system}{first}{self.end}" if first else "")
        return begun + "".join(f"{headers[n % 2]}{turn}{self.end}" for n, turn in enumerate(turns)) + headers[len(turns) % 2]

    def cut(self, text: str, *more: str) -> str:
        """`text` up to the first stop string, `more` counted among them; servers do not cut all of them."""
        return text[: min([at for stop in (*self.stops, *more) if (at := text.find(stop)) >= 0], default=len(text))].strip()


_CHATML = ChatTemplate(
    system="<|im_start|>system\n",
    user="<|im_start|>user\n",
    assistant="<|im_start|>assistant\n",
    end="<|im_end|>\n",
    stops=["<|im_end|>", "<|im_start|>", "<|endoftext|>"],
)

TEMPLATES: dict[str, ChatTemplate] = {
    "smollm2": _CHATML.model_copy(update={"said": "You are a helpful AI assistant named SmolLM, trained by Hugging Face"}),
    "chatml": _CHATML,
    "qwen": _CHATML,
    "llama-3": ChatTemplate(
        bos="<|begin_of_text|>",
        system="<|start_header_id|>system<|end_header_id|>\n\n",
        user="<|start_header_id|>user<|end_header_id|>\n\n",
        assistant="<|start_header_id|>assistant<|end_header_id|>\n\n",
        end="<|eot_id|>",
        stops=["<|eot_id|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>"],
    ),
    "gemma": ChatTemplate(
        bos="<bos>",
        user="<start_of_turn>user\n",
        assistant="<start_of_turn>model\n",
        end="<end_of_turn>\n",
        stops=["<end_of_turn>", "<start_of_turn>", "<eos>"],
    ),
    "phi-3": ChatTemplate(
        bos="<s>",
        system="<|system|>\n",
        user="<|user|>\n",
        assistant="<|assistant|>\n",
        end="<|end|>\n",
        stops=["<|end|>", "<|user|>", "<|assistant|>", "<|endoftext|>"],
    ),
}
"""By the name that a model's own name holds. Headers and stops of Llama 3, Qwen, Gemma and Phi 3 as in the authors' configuration."""


def known(model: str) -> ChatTemplate | None:
    """The template of a model, by its name.

    >>> known("vllm/meta-llama/Meta-Llama-3-8B-Instruct") is TEMPLATES["llama-3"], known("openai/other")
    (True, None)
    """
    return next((template for name, template in TEMPLATES.items() if name in model.lower()), None)
