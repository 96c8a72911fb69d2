"""One endpoint over HTTP: bytes out, bytes in, and every trouble of the network as a `ModelError`.

Kept thin, as it runs for every call: one session per event loop, no bound on connections (the engine's limiter is the
bound), headers made once, and no exception of the HTTP library reaches the caller, since some of them hold the
request's headers and with them the key.
"""

from __future__ import annotations

import asyncio
import io
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from tilth.errors import Misconfigured, ModelError, RequestError, Unavailable
from tilth.models.problems import Speaker, from_status, speaks_of_model

_LARGE = 1 << 20  # above this the library wants a file-like body
_KEEP_ALIVE = 15.0  # seconds; shorter than most servers wait, so that few requests meet a connection just closed
_CONNECT = 30.0
_TROUBLES = (aiohttp.ClientError, HttpProcessingError, OSError, TimeoutError, EOFError)

OnHeaders = Callable[[Mapping[str, str]], None]


class Wire:
    """Connections to one endpoint, one session per event loop that uses it.

    Parameters
    ----------
    base_url: address without user part and query. query: sent with every request.
    speaker: for error lines; holds the key. timeout: seconds for one whole request.
    """

    def __init__(self, base_url: str, query: str, speaker: Speaker, timeout: float) -> None:
        if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname:
            raise RequestError(
                f"'{speaker.secret.hide(base_url)}' is no address of a server. Write it as http://HOST:PORT/v1.", code="model.address"
            )
        self._base_url = base_url
        self._query = query
        self._speaker = speaker
        self._timeout = timeout
        self._urls: dict[str, URL] = {}  # made once, as parsing is not free
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}
        self._proxy: str | None = None
        self.on_headers: OnHeaders | None = None

    def __repr__(self) -> str:
        return f"Wire({self._speaker.origin})"

    async def post(self, path: str, body: bytes) -> bytes:
        """Send JSON to a path below the address, return the reply's body. Raises a `ModelError` for any status but 2xx."""
        url = self._urls.get(path) or self._url(path)
        session = self._sessions.get(asyncio.get_running_loop()) or await self._open()
        try:
            async with session.post(
                url, data=body if len(body) < _LARGE else io.BytesIO(body), allow_redirects=False, proxy=self._proxy
            ) as response:
                answer = await response.read()
        except _TROUBLES as error:
            problem = from_exception(self._speaker, error)
        else:
            if self.on_headers is not None:
                self.on_headers(response.headers)
            status = response.status
            if 200 <= status < 300:
                return answer
            if status == 404 and not speaks_of_model(answer, self._speaker.model):
                problem = self._speaker.no_path(url.path)
            else:
                problem = from_status(self._speaker, status, response.headers, answer)
        # raised outside `except`: the library's exception, which may hold the key, is not even its context
        raise problem

    async def get(self, path: str, timeout: float = 10.0) -> bytes:
        """Fetch a small page, such as the list of models, within `timeout` seconds."""
        url = self._urls.get(path) or self._url(path)
        session = self._sessions.get(asyncio.get_running_loop()) or await self._open()
        try:
            limit = aiohttp.ClientTimeout(total=timeout)
            async with session.get(url, allow_redirects=False, proxy=self._proxy, timeout=limit) as response:
                answer = await response.read()
        except _TROUBLES as error:
            problem = from_exception(self._speaker, error)
        else:
            if 200 <= response.status < 300:
                return answer
            problem = from_status(self._speaker, response.status, response.headers, answer)
        raise problem

    async def close(self) -> None:
        """Close every session. May be called twice; a later request opens a new one."""
        here = asyncio.get_running_loop()
        sessions, self._sessions = self._sessions, {}
        for loop, session in sessions.items():
            if loop is here or loop.is_closed():
                await session.close()
            else:  # another thread's loop still runs: its session is closed there
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(session.close(), loop))

    def _url(self, path: str) -> URL:
        url = URL(f"{self._base_url}{path}{'?' if self._query else ''}{self._query}")
        self._urls[path] = url
        return url

    async def _open(self) -> aiohttp.ClientSession:
        for loop in [loop for loop in self._sessions if loop.is_closed()]:
            await self._sessions.pop(loop).close()
        self._proxy = _proxy_for(self._base_url)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE, ttl_dns_cache=300),
            headers={"Content-Type": "application/json", **self._speaker.secret.headers()},
            timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=_CONNECT),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._sessions[asyncio.get_running_loop()] = session
        return session


def from_exception(speaker: Speaker, error: BaseException) -> ModelError:
    """The error for an exception of the HTTP library; only its kind is shown, never its text."""
    where = f"(role '{speaker.role}', {speaker.spec})"
    if isinstance(error, aiohttp.InvalidURL):
        return Misconfigured(f"'{speaker.origin}' is no address of a server {where}. Write it as http://HOST:PORT/v1.")
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ServerFingerprintMismatch):
        return Misconfigured(
            f"the certificate of {speaker.origin} is not trusted {where}. Check the address and this machine's certificates."
        )
    if isinstance(error, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
        return Unavailable(f"the proxy for {speaker.origin} did not let the request through {where}. Check HTTPS_PROXY and NO_PROXY.")
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientConnectorSSLError):
        return speaker.nothing_answers()
    if isinstance(error, TimeoutError):
        return Unavailable(f"{speaker.provider}: no answer in time from {speaker.origin} {where}")
    return Unavailable(f"{speaker.provider}: the connection to {speaker.origin} broke off ({type(error).__name__})")


def _proxy_for(base_url: str) -> str | None:
    # read once per session: asking the environment at each request costs more than the rest of the client
    parts = urlsplit(base_url)
    host: Any = parts.hostname
    if host in ("localhost", "127.0.0.1", "::1") or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all") or ""
    found = found if "://" in found or not found else f"http://{found}"
    return found if found.startswith(("http://", "https://")) else None  # the library speaks to no other kind
