"""Keys stay in one small object that no error, repr or log can spell out."""

from __future__ import annotations

import base64
from urllib.parse import unquote, urlsplit, urlunsplit


class Secret:
    """The Authorization header of one endpoint, and a filter that takes its parts out of any text.

    >>> secret = Secret.bearer("sk-abcdef123456")
    >>> secret, secret.hide("bad key sk-abcdef123456")
    (Secret(***), 'bad key ***')

    Parameters
    ----------
    header: value of the Authorization header; None: no header is sent.
    parts: strings that must never be shown.
    """

    __slots__ = ("_header", "_parts")

    def __init__(self, header: str | None = None, parts: tuple[str, ...] = ()) -> None:
        self._header = header
        self._parts = tuple(sorted({part for part in parts if part}, key=len, reverse=True))

    @classmethod
    def bearer(cls, key: str) -> Secret:
        """What nearly every provider takes."""
        return cls(f"Bearer {key}", (key,))

    @classmethod
    def basic(cls, user: str, password: str) -> Secret:
        """The user part of an address, as a browser or curl would send it."""
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        return cls(f"Basic {token}", (token, f"{user}:{password}", password or user))

    def __bool__(self) -> bool:
        """Whether there is a key to send."""
        return self._header is not None

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise TypeError("a key is not written to disk")

    def headers(self) -> dict[str, str]:
        """The header to send."""
        return {"Authorization": self._header} if self._header else {}

    def hide(self, text: str) -> str:
        """The text with every part of the key replaced by ``***``."""
        for part in self._parts:
            text = text.replace(part, "***")
        return text

    def joined(self, parts: tuple[str, ...]) -> Secret:
        """The same header, with more strings that must never be shown."""
        return Secret(self._header, self._parts + parts)


def split_address(url: str) -> tuple[str, str, tuple[str, ...], tuple[str, str] | None]:
    """Take an address apart: (address without user part and query, query, secret strings, user and password or None).

    A query may hold a key too (``?key=...``), so its values count as secret.

    >>> split_address("http://me:pass@host:80/v1?key=k1")
    ('http://host:80/v1', 'key=k1', ('key=k1', 'k1', 'me:pass'), ('me', 'pass'))
    """
    parts = urlsplit(url)
    user = (unquote(parts.username or ""), unquote(parts.password or "")) if parts.username is not None else None
    plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    hidden = (parts.query, *(pair.partition("=")[2] for pair in parts.query.split("&"))) if parts.query else ()
    if user is not None:
        hidden += (parts.netloc.rpartition("@")[0],)
    return plain, parts.query, tuple(part for part in hidden if len(part) > 1), user
