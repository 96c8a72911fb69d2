"""The guard of tests/conftest.py holds: no network, no settings of the developer."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest


def test_a_remote_address_is_refused() -> None:
    with socket.socket() as sock, pytest.raises(AssertionError, match="offline"):
        sock.connect(("192.0.2.1", 80))


def test_a_remote_name_is_not_looked_up() -> None:
    with pytest.raises(AssertionError, match="offline"):
        socket.create_connection(("example.org", 80))


async def test_asyncio_is_guarded_too() -> None:
    with pytest.raises(AssertionError, match="offline"):
        await asyncio.open_connection("192.0.2.1", 80)


def test_this_machine_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_home_and_keys_are_hidden() -> None:
    assert not list(Path.home().iterdir())
    assert not list(Path.cwd().iterdir())
    assert not [name for name in os.environ if name.endswith("_API_KEY")]
