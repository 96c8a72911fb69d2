"""The server: counters, latency, slots and caps, and which answer each request gets."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from tilth.models.faults.draws import Draws, Faults
from tilth.models.faults.protocol import HttpProtocol
from tilth.models.faults.replies import ReplyFunction, answer, default_text, embeddings

_HALF = b'{"id": "reply-1", "choices": [{"index": 0, "mess'
_MALFORMED: tuple[bytes, ...] = (
    b"<html><body>Bad gateway</body></html>",
    _HALF,
    b'{"id": "reply-1", "object": "chat.completion"}',
    b'{"choices": []}',
    b'{"choices": [{"index": 0, "finish_reason": "stop", "text": null, "message": {"role": "assistant", "content": null}}]}',
)


def _error(message: str, kind: str) -> bytes:
    return orjson.dumps({"error": {"message": message, "type": kind, "code": None}})


_PLAIN_FAULTS: dict[str, tuple[int, bytes]] = {
    "p429": (429, _error("Rate limit reached.", "rate_limit_error")),
    "p500": (500, _error("The server had an error.", "server_error")),
    "p401": (401, _error("Incorrect API key provided.", "invalid_request_error")),
    "p400": (400, _error("This request is declined by the test server.", "invalid_request_error")),
}


@dataclass(slots=True)
class _Counters:
    requests: int = 0
    ok: int = 0
    open_now: int = 0
    open_peak: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)


@dataclass(eq=False)
class FaultServer:
    """A loopback server that speaks the OpenAI API and misbehaves on request. Binds 127.0.0.1 only.

    It serves ``/v1/chat/completions``, ``/v1/completions``, ``/v1/embeddings``, ``/v1/models``, ``/stats`` and ``/reset``.
    It obeys `max_tokens` and `stop` (four characters count as a token). Use it as a context manager; it lives in a thread.

    Parameters
    ----------
    reply: request's JSON -> text or assistant message; None: thirty words that depend on the body alone.
        Raising in it is answered with status 500.
    latency: seconds until an answer; (lo, hi): uniform; with `sigma` > 0: log-normal with this median.
    faults: shares of faults, see :class:`Faults`.
    slots: how many requests are worked on at once; the others wait their turn (None: all at once).
    cap: requests worked on or waiting at once before 429 is answered (None: no cap), after `cap_delay` seconds.
    seed: of every draw. port: 0 takes a free one. headers: sent with each answer, such as ``x-ratelimit-...``.
    models: names it knows, others get 404; empty: it takes any name.
    """

    reply: ReplyFunction | None = None
    latency: float | tuple[float, float] = 0.0
    faults: Faults = field(default_factory=Faults)
    slots: int | None = None
    cap: int | None = None
    cap_delay: float = 0.0
    seed: int = 0
    sigma: float = 0.0
    port: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._counters = _Counters()
        self._draws = Draws(self.faults, self.seed)
        self._waiting: deque[Callable[[], None]] = deque()
        self._busy = 0
        self._protocols: set[HttpProtocol] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None

    # ---- life

    @property
    def origin(self) -> str:
        """Address without path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Base address for clients, such as ``http://127.0.0.1:8901/v1``."""
        return f"{self.origin}/v1"

    def __enter__(self) -> FaultServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen in a background thread; returns when the port is open."""
        ready = threading.Event()
        trouble: list[BaseException] = []

        def work() -> None:
            try:
                asyncio.run(self.serve(ready.set))
            except OSError as error:  # the port is taken: told to the caller below
                trouble.append(error)
                ready.set()

        self._thread = threading.Thread(target=work, name="fault-server", daemon=True)
        self._thread.start()
        ready.wait()
        if trouble:
            raise trouble[0]

    def stop(self) -> None:
        """Close the port and every connection. May be called twice."""
        if self._thread is None:
            return
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._thread = None

    async def serve(self, ready: Callable[[], None]) -> None:
        """Listen in the running loop until stopped; calls `ready` once the port is open."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        server = await self._loop.create_server(lambda: HttpProtocol(self), "127.0.0.1", self.port, backlog=4096)
        self.port = server.sockets[0].getsockname()[1]
        ready()
        try:
            await self._stop.wait()
        finally:
            server.close()
            for protocol in list(self._protocols):
                protocol.abort()
            await asyncio.sleep(0)

    def opened(self, protocol: HttpProtocol) -> None:
        """A connection was made."""
        self._protocols.add(protocol)

    def closed(self, protocol: HttpProtocol) -> None:
        """A connection was lost."""
        self._protocols.discard(protocol)

    # ---- numbers

    def stats(self) -> dict[str, Any]:
        """Counters so far: requests, ok, faults (total and by kind), open_now, open_peak, distinct_bodies, repeats.

        ``repeats`` counts answers given again to a body that was already answered well: calls paid twice.
        """
        now = self._counters
        return {
            "requests": now.requests,
            "ok": now.ok,
            "faults": sum(now.faults.values()),
            "by_kind": dict(sorted(now.faults.items())),
            "open_now": now.open_now,
            "open_peak": now.open_peak,
            "distinct_bodies": len(now.answered),
            "repeats": now.ok - len(now.answered),
        }

    def reset(self) -> None:
        """Set every counter to 0; open requests go on."""
        self._counters = _Counters(open_now=self._counters.open_now)

    # ---- one request

    def handle(self, protocol: HttpProtocol, method: bytes, path: bytes, body: bytes) -> None:
        """Answer now or later; called by the protocol for each complete request."""
        if method == b"GET" or path == b"/reset":
            self._plain(protocol, path)
            return
        counters = self._counters
        counters.requests += 1
        counters.open_now += 1
        counters.open_peak = max(counters.open_peak, counters.open_now)
        if self.cap is not None and self._busy + len(self._waiting) >= self.cap:
            self._later(self.cap_delay, lambda: self._finish(protocol, "p429", b"", b"", slot=False))
            return
        if self.slots is not None and self._busy >= self.slots:
            self._waiting.append(lambda: self._work(protocol, path, body))
            return
        self._work(protocol, path, body)

    def _work(self, protocol: HttpProtocol, path: bytes, body: bytes) -> None:
        self._busy += 1
        fault = self._draws.transport()
        delay = self._draws.latency(self.latency, self.sigma)
        self._later(delay, lambda: self._finish(protocol, fault, path, body, slot=True))

    def _later(self, delay: float, action: Callable[[], None]) -> None:
        if delay > 0 and self._loop is not None:
            self._loop.call_later(delay, action)
        else:
            action()

    def _finish(self, protocol: HttpProtocol, fault: str, path: bytes, body: bytes, *, slot: bool) -> None:
        self._counters.open_now -= 1
        if slot:
            self._busy -= 1
        if fault:
            self._fail(protocol, fault)
        else:
            self._serve(protocol, path, body)
        if slot and self._waiting:
            self._waiting.popleft()()

    def _fail(self, protocol: HttpProtocol, fault: str) -> None:
        self._counters.faults[fault.removeprefix("p")] += 1
        if fault == "hang":
            return
        if fault == "drop":
            protocol.abort()
        elif fault == "cut":
            protocol.send(200, _HALF, length=len(_HALF) + 400, then_close=True)
        elif fault == "malformed":
            protocol.send(200, _MALFORMED[self._draws.choose(len(_MALFORMED))])
        else:
            status, text = _PLAIN_FAULTS[fault]
            wait = self.faults.retry_after if fault == "p429" else None
            more = {**self.headers, "retry-after": f"{wait:g}"} if wait is not None else self.headers
            protocol.send(status, text, headers=more)

    def _serve(self, protocol: HttpProtocol, path: bytes, body: bytes) -> None:
        fault = self._draws.content(body)
        if fault != "p400" and path.endswith(b"/embeddings"):
            fault = ""  # vectors can be neither refused nor cut
        if fault == "p400":
            self._fail(protocol, fault)
            return
        try:
            made = self._make(path, body, fault)
        except Exception as error:  # boundary: the user's reply function, or a request that is no JSON: a server answers 500
            self._counters.faults["500"] += 1
            protocol.send(500, _error(f"{type(error).__name__}: {error}", "server_error"))
            return
        if not made:
            self._counters.faults["404"] += 1
            protocol.send(404, _error("no such path" if made is None else "The model does not exist.", "invalid_request_error"))
            return
        if fault:
            self._counters.faults[fault] += 1
        self._counters.ok += 1
        self._counters.answered[int.from_bytes(hashlib.blake2b(body, digest_size=8).digest(), "big")] += 1
        protocol.send(200, made, headers=self.headers)

    def _make(self, path: bytes, body: bytes, fault: str) -> bytes | None:
        """The body to answer with; None: no such path; empty: no such model."""
        job = orjson.loads(body)
        if self.models and job.get("model") not in self.models:
            return b""
        if path.endswith(b"/embeddings"):
            return embeddings(job)
        if not path.endswith(b"/completions"):
            return None
        message = default_text(body, job) if self.reply is None else self.reply(job)
        return answer(body, job, path.endswith(b"/chat/completions"), message, fault)

    def _plain(self, protocol: HttpProtocol, path: bytes) -> None:
        if path == b"/stats":
            protocol.send(200, orjson.dumps(self.stats()))
        elif path == b"/reset":
            self.reset()
            protocol.send(200, b'{"ok": true}')
        elif path.endswith(b"/models"):
            names = [{"id": name, "object": "model"} for name in self.models or ("test",)]
            protocol.send(200, orjson.dumps({"object": "list", "data": names}))
        else:
            protocol.send(404, _error("no such path", "invalid_request_error"))
