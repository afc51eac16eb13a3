"""Service: a fault server in a process of its own, so that what it costs is not taken for the client's."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import attrs


@attrs.frozen
class Service:
    """A fault server.

    Attributes:
        doors: base URLs, by name of the door.
    """

    doors: Mapping[str, str]

    @property
    def url(self) -> str:
        """The base URL where every request is answered."""
        return self.doors["plain"]

    def ledger(self, *, clear: bool = False) -> dict[str, Any]:
        """The counts of what it received; with ``clear`` it begins anew."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request("DELETE" if clear else "GET", "/ledger")
            counts: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return counts


@contextmanager
def serving(seed: int) -> Iterator[Service]:
    """A fault server while the context is open."""
    command = [sys.executable, "-m", "jackfield.testing.faults", "--seed", str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        doors = {}
        for line in process.stdout:
            name, _, value = line.strip().partition(" ")
            if name == "ca_file":
                break
            doors[name] = value
        try:
            yield Service(doors)
        finally:
            process.stdin.close()
