"""Work in the sandbox that is deterministic is done once in a file of tests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from types import ModuleType

import pytest


@contextmanager
def remembered(module: ModuleType, name: str) -> Iterator[None]:
    """`module.name(sandbox, payload)` is run once for each payload; the name is looked up in the module at each call."""
    known, run = {}, getattr(module, name)

    @wraps(run)
    def once(sandbox, payload):
        key = json.dumps(payload, sort_keys=True)
        if key not in known:
            known[key] = run(sandbox, payload)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, once)
        yield
