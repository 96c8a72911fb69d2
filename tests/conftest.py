"""Every test runs offline, in its own empty folder, with none of the developer's settings.

The one thing taken from the machine is the folder of pulled weights, read only, so that tests with the embedded
model need no download of their own.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = (ROOT / ".." / "shared").resolve()

# What a developer's shell may hold and a test must not see. CI would imply --no-input.
_FOREIGN_PREFIXES = ("TILTH_", "XDG_")
_FOREIGN_SUFFIXES = ("_API_KEY", "_TOKEN", "_proxy", "_PROXY")
_FOREIGN_NAMES = ("CI", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "OPENAI_BASE_URL")

_COLLECTED = pytest.StashKey[tuple[int, int]]()

try:
    from hypothesis import settings
except ImportError:  # a test that needs it says so itself
    pass
else:
    settings.register_profile("tilth", deadline=None, derandomize=True, database=None)
    settings.load_profile("tilth")


@pytest.hookimpl(tryfirst=True)  # before -m and -k deselect
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Remember how many tests read ../shared; tests/house/test_hygiene.py bounds their share."""
    needs_shared = [item for item in items if "shared" in getattr(item, "fixturenames", ())]
    config.stash[_COLLECTED] = (len(needs_shared), len(items))


@pytest.fixture
def collected(request: pytest.FixtureRequest) -> tuple[int, int]:
    """(tests that need ../shared, all tests) of this session."""
    return request.config.stash[_COLLECTED]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published data beside the repository; where it is absent the test is skipped."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs ../shared, the published data beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def local_model() -> Iterator[str]:
    """The spec of the embedded model; skipped where its engine or weights are not on this machine."""
    pytest.importorskip("openvino_genai", reason="needs the 'local' extra", exc_type=ImportError)
    from tilth.models.local.weights import is_pulled

    if not is_pulled("local"):
        pytest.skip("needs the embedded model: tilth models pull local")
    yield "local"


def _tilth_home() -> Path:
    """The folder above the pulled weights, asked before the tests hide the developer's settings."""
    from tilth.models.local.weights import home

    return home().parent


_TILTH_HOME = _tilth_home()


@pytest.fixture(autouse=True, scope="session")
def _keep_weights() -> Iterator[None]:
    """Session fixtures run before any test's own environment is set, so they are told where the weights are too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TILTH_HOME", str(_TILTH_HOME))
        yield


@pytest.fixture(autouse=True)
def _isolate(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, _keep_weights: None) -> None:
    """An empty home and working folder; no keys, proxies or settings of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN_PREFIXES) or name.endswith(_FOREIGN_SUFFIXES) or name in _FOREIGN_NAMES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("TILTH_HOME", str(_TILTH_HOME))
    place = tmp_path_factory.mktemp("place")
    for variable, folder in (("HOME", "home"), ("XDG_CONFIG_HOME", "config"), ("XDG_CACHE_HOME", "cache"), ("XDG_DATA_HOME", "share")):
        monkeypatch.setenv(variable, str(place / folder))
        (place / folder).mkdir()
    monkeypatch.setenv("TILTH_RUNS", str(place / "runs"))
    (place / "work").mkdir()
    monkeypatch.chdir(place / "work")


class NetworkUsed(AssertionError):
    """A test tried to leave this machine."""


@pytest.fixture(autouse=True, scope="session")
def _offline() -> Iterator[None]:
    """Connections go to this machine only; names other than localhost are not looked up."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_remote(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_remote(self, address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and name.endswith(".invalid"):  # reserved: never resolves (RFC 6761)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name and not _is_here(name):
            raise NetworkUsed(f"a test looked up {name!r}; tests are offline")
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


def _refuse_remote(sock: socket.socket, address: Any) -> None:
    if sock.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(address[0]):
        raise NetworkUsed(f"a test connected to {address!r}; tests are offline")


def _is_here(host: str) -> bool:
    if host in ("localhost", "0.0.0.0", "::"):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return host == socket.gethostname()
