"""The process of the code under test: it is loaded, tells its names, and answers calls. No test is ever in it."""

from __future__ import annotations

import types
from typing import Any

from .channel import Broken, Channel
from .peer import Peer
from .plain import NotPlain, encode
from .program import bases, error_of, load


def serve(config: dict[str, Any], report: Channel) -> int:
    """Load the code, then serve the process of the tests until it has gone."""
    link = Channel(config["link"], config["link"])
    peer = Peer(link, strict=False)
    try:
        module = load(config["code"], config["module"])
    except BaseException as error:  # boundary: the program
        report.send({"error": error_of(error)})
        link.send({"error": error_of(error)})
        return 1
    link.send({"names": {name: _shown(value, peer) for name, value in vars(module).items() if not name.startswith("__")}})
    try:
        peer.serve()
    except Broken:
        pass  # the tests are over
    return 0


def _shown(value: Any, peer: Peer) -> dict[str, Any]:
    if isinstance(value, types.ModuleType):
        return {"module": value.__name__}
    if isinstance(value, type) and issubclass(value, BaseException):
        return {"exception": [value.__name__, *bases(value)]}
    try:
        return {"value": encode(value)}
    except NotPlain:
        return {"value": peer.put(value)}
