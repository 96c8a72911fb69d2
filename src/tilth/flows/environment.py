"""``${NAME}`` in the paths of data and the names of models: environment variables, but never keys."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from tilth.errors import RequestError

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET = re.compile(r"(KEY|TOKEN|SECRET)$", re.IGNORECASE)


class EnvironmentMistake(RequestError):
    """A variable that is not set, or that holds a key."""


def expand(text: str, environ: Mapping[str, str] | None = None) -> str:
    """`text` with every ``${NAME}`` replaced.

    Raises
    ------
    EnvironmentMistake: the variable is not set, or its name says that it holds a secret.
    """
    values = os.environ if environ is None else environ

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if _SECRET.search(name):
            # the provider's usual variable is the only way in for a key
            known = name if name.endswith("_API_KEY") else "OPENAI_API_KEY"
            raise EnvironmentMistake(f"keys do not belong in a flow; tilth reads {known} by itself.", code="flow.key")
        if name not in values:
            raise EnvironmentMistake(f"the environment variable '{name}' is not set. Set it, or write the value.", code="flow.variable")
        return values[name]

    return _NAME.sub(value, text)
