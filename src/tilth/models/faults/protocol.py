"""Just enough HTTP/1.1 for a loopback server: requests with Content-Length, answered in order, kept alive."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Protocol

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_MAX_HEAD = 65_536


class Handler(Protocol):
    """What the protocol needs of the server."""

    def opened(self, protocol: HttpProtocol) -> None:
        """A connection was made."""

    def closed(self, protocol: HttpProtocol) -> None:
        """A connection was lost."""

    def handle(self, protocol: HttpProtocol, method: bytes, path: bytes, body: bytes) -> None:
        """One whole request; `protocol.send` answers it, now or later."""


class HttpProtocol(asyncio.Protocol):
    """One connection. A second request on it waits until the first is answered."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        if isinstance(transport, asyncio.Transport) or hasattr(transport, "write"):
            self._transport = transport  # type: ignore[assignment]  # uvloop's transports are not subclasses
        self._handler.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._transport = None
        self._handler.closed(self)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._buffer += data
        if not self._answering:
            self._next()

    def abort(self) -> None:
        """Close at once, without an answer."""
        if self._transport is not None:
            self._transport.abort()

    def send(
        self, status: int, body: bytes, *, headers: Mapping[str, str] | None = None, length: int | None = None, then_close: bool = False
    ) -> None:
        """Answer the open request. `length` other than the body's makes a body that ends too early."""
        if self._transport is None:
            return
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items()) if headers else ""
        size = len(body) if length is None else length
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n{more}\r\n"
        self._transport.write(head.encode("latin-1") + body)
        if then_close:
            self._transport.close()
            return
        self._answering = False
        if self._buffer:
            self._next()

    def _next(self) -> None:
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(buffer) > _MAX_HEAD:
                self.abort()
            return
        if _CHUNKED.search(buffer, 0, end):
            self.send(411, b'{"error": {"message": "send a Content-Length"}}', then_close=True)
            return
        found = _LENGTH.search(buffer, 0, end)
        stop = end + 4 + (int(found[1]) if found else 0)
        if len(buffer) < stop:
            return
        method, path, _ = bytes(buffer[: buffer.find(b"\r\n")]).split(b" ", 2)
        body = bytes(buffer[end + 4 : stop])
        del buffer[:stop]
        self._answering = True
        self._handler.handle(self, method, path.partition(b"?")[0], body)
