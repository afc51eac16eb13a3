"""Running: a gateway within a program, and what it leaves behind."""

from __future__ import annotations

import logging
import os
import socket
import threading
from urllib.parse import urlsplit

import pytest

from jackfield.errors import ConfigError
from jackfield_gateway import running
from jackfield_gateway.settings import GatewaySettings

ECHO = {"default_model": "echo/a", "backends": {"echo": {"provider": "echo"}}}


def connected(url: str) -> socket.socket:
    """A connection to a gateway."""
    host, _, port = urlsplit(url).netloc.partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_it_answers_as_soon_as_its_address_is_known():
    """There is no moment in which a connection is refused."""
    for _ in range(5):
        with running(ECHO) as url, connected(url) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_nothing_is_left_behind():
    """Neither threads nor descriptors, however often it runs, and though a client stays connected."""
    clients = []
    for number in range(23):
        if number == 3:
            threads, files = threading.active_count(), len(os.listdir("/dev/fd")) - len(clients)
        with running(ECHO) as url:
            clients.append(connected(url))
    assert threading.active_count() <= threads
    assert len(os.listdir("/dev/fd")) - len(clients) <= files
    for client in clients:
        client.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="only Linux tells which threads have ended")
def test_its_thread_has_ended_for_the_system_too():
    """One that gives back what is the server's when the program ends would abort the program."""
    left = []
    for _ in range(20):
        with running(ECHO) as url, connected(url):
            (thread,) = (one for one in threading.enumerate() if one.name == "jackfield-gateway")
        left += [name for name in os.listdir("/proc/self/task") if name == str(thread.native_id)]
    assert left == []


class Closed(logging.Handler):
    """Takes down whether somebody closed it."""

    closed = False

    def close(self) -> None:
        self.closed = True
        super().close()


def test_logging_is_left_as_it_was():
    """The server would close the handlers of the whole program."""
    root, handler = logging.getLogger(), Closed()
    root.addHandler(handler)
    try:
        before = list(root.handlers)
        with running(ECHO):
            assert root.handlers == before
        assert root.handlers == before
        assert not handler.closed
        assert logging.getLogger("_granian").handlers == []
    finally:
        root.removeHandler(handler)


def test_what_is_raised_in_the_block_comes_out_of_it():
    """And the gateway has ended."""
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), running(ECHO):
        raise KeyboardInterrupt
    assert threading.active_count() <= before


def test_a_running_gateway_demands_keys_where_the_configuration_says_so(tmp_path):
    """Or where the store that it names has some; by default none is demanded."""
    for own, status in (
        ({}, b"200"),
        ({"keys": "always"}, b"401"),
        ({"store": f"sqlite:{tmp_path / 'g.db'}"}, b"200"),
    ):
        with running({**ECHO, "gateway": own}) as url, connected(url) as client:
            client.sendall(b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            assert client.recv(100).split()[1] == status


def test_a_configuration_that_is_wrong_is_told_where_the_gateway_was_asked_for():
    """With all its faults."""
    with pytest.raises(ConfigError, match="nonsense"), running({**ECHO, "gateway": {"nonsense": 1}}):
        pass
    with pytest.raises(ConfigError, match=r"gateway\.store"), running({**ECHO, "gateway": {"store": "mysql:x"}}):
        pass


def test_a_store_that_cannot_be_opened_is_told(tmp_path):
    """Before anything is served, in jackfield's own words."""
    (tmp_path / "file").write_text("")
    store = f"sqlite:{tmp_path / 'file' / 'g.db'}"
    with pytest.raises(ConfigError, match="cannot be opened"), running({**ECHO, "gateway": {"store": store}}):
        pass


def test_settings_that_name_no_store_leave_the_users_own_alone(tmp_path, monkeypatch, asker):
    """What is stored is in memory, and no key of the user's is demanded."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with running({"backends": {"e": {"provider": "echo"}}}, settings=GatewaySettings(models=("e/*",))) as url:
        assert asker(url)("/v1/models").status == 200
    assert list(tmp_path.iterdir()) == []
