"""JSON lines over a file descriptor: one message a line, of bounded size."""

from __future__ import annotations

import json
import os
from typing import Any

LONGEST = 8 << 20
"""Bytes of a message; a longer one ends the channel."""


class Broken(Exception):
    """The other side is gone, or does not keep the protocol."""


class Channel:
    """Two descriptors (or one socket twice); reads whole lines, writes whole lines."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write, self._held = read, write, bytearray()

    def send(self, message: Any) -> None:
        line = json.dumps(message).encode() + b"\n"
        if len(line) > LONGEST:
            raise ValueError("message too long")
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._write, view) :]
        except OSError as error:
            raise Broken(str(error)) from None

    def receive(self) -> Any:
        while (end := self._held.find(b"\n")) < 0:
            if len(self._held) > LONGEST:
                raise Broken("message too long")
            try:
                part = os.read(self._read, 1 << 16)
            except OSError as error:
                raise Broken(str(error)) from None
            if not part:
                raise Broken("closed")
            self._held += part
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Broken(f"no message: {error}") from None


def read_config(descriptor: int) -> dict[str, Any]:
    """The frame `<length>\\n<JSON>` at the head of standard input, and not a byte more: the rest is the program's input."""
    head = b""
    while not head.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            raise Broken("no configuration")
        head += byte
    body, left = bytearray(), int(head)
    while left:
        part = os.read(descriptor, min(left, 1 << 16))
        if not part:
            raise Broken("half a configuration")
        body += part
        left -= len(part)
    config: dict[str, Any] = json.loads(body)
    return config
