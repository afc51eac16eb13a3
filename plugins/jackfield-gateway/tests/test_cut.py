"""Cut: the connections of a port, found among all that is open."""

from __future__ import annotations

import os
import socket
import tempfile

import pytest

from jackfield_gateway.server import cut


def copies(descriptor: int) -> int:
    """How many descriptors of this process stand for the same file."""
    wanted, found = os.fstat(descriptor), 0
    for name in os.listdir("/dev/fd"):
        try:
            found += os.path.samestat(wanted, os.stat(int(name)))
        except OSError:
            continue  # the listing's own
    return found


def test_what_is_no_connection_is_looked_at_and_left() -> None:
    """A server that cuts one client after the other would end with no file left to open."""
    reading, writing = os.pipe()
    try:
        with tempfile.TemporaryFile() as file:
            before = [copies(descriptor) for descriptor in (reading, writing, file.fileno())]
            cut(9)
            cut(9)
            assert [copies(descriptor) for descriptor in (reading, writing, file.fileno())] == before
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_sockets_of_others_are_left_as_they_are(family: socket.AddressFamily) -> None:
    """Neither shut nor held open."""
    one, other = socket.socketpair() if family is socket.AF_UNIX else connected()
    with one, other:
        before = copies(one.fileno())
        cut(9)
        assert copies(one.fileno()) == before
        one.sendall(b"x")
        assert other.recv(1) == b"x"


def connected() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        return one, listener.accept()[0]
