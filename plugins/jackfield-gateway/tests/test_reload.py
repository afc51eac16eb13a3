"""Reload: what of the ``[gateway]`` table changes while the gateway runs, and what does not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import attrs
import pytest

from jackfield.errors import ConfigError
from jackfield_gateway.gateway import FIXED, Gateway
from jackfield_gateway.settings import GatewaySettings, read

BEFORE = """
[models]
a = "echo/one"
b = "echo/two"

[backends.echo]
provider = "echo"

[gateway]
store = "sqlite::memory:"
keys = "never"
"""
AFTER = """
models = ["b"]
hosts = ["box"]
origins = ["https://app.example"]
prices = { "echo/two" = { input = 1, output = 2 } }

[gateway.limits]
body_bytes = 2048
concurrency = 1
queue = 0

[gateway.inspector]
calls = 1
content = true
"""


@attrs.frozen
class Written:
    """A configuration file and the gateway of it."""

    path: Path
    gateway: Gateway

    def reload(self, text: str) -> None:
        """Write it anew, and take it."""
        self.path.write_text(text)
        asyncio.run(self.gateway.reload())

    def serves(self, *models: str) -> list[bool]:
        """Which of these anybody may use."""
        return [self.gateway.serves(model, None) for model in models]


@pytest.fixture
def written(tmp_path) -> Written:
    """A gateway of a file."""
    path = tmp_path / "jackfield.toml"
    path.write_text(BEFORE)
    return Written(path, Gateway(path))


async def asked(gateway: Gateway, path: str, host: str = "localhost", **body: object) -> int:
    """The status that is answered."""
    sent: list[dict[str, object]] = []
    data = json.dumps({"messages": [{"role": "user", "content": "hi"}], **body}).encode()
    messages = [{"type": "http.request", "body": data, "more_body": False}]

    async def receive() -> dict[str, object]:
        return messages.pop() if messages else await asyncio.Event().wait()  # type: ignore[return-value]  # never

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    headers = [(b"host", host.encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b"", "client": None}
    await gateway.app(scope, receive, send)  # type: ignore[arg-type]  # plain dicts
    status = sent[0]["status"]
    assert isinstance(status, int)
    return status


def test_who_may_ask_and_how_much_is_taken_anew(written):
    """Names, hosts, origins, limits, prices and what is kept."""
    chat = "/v1/chat/completions"

    async def statuses() -> list[int]:
        return [
            await asked(written.gateway, chat, model="a"),
            await asked(written.gateway, chat, host="box", model="b"),
            await asked(written.gateway, chat, model="b", user="x" * 4000),
        ]

    assert asyncio.run(statuses()) == [200, 421, 200]
    written.reload(BEFORE + AFTER)
    assert asyncio.run(statuses()) == [404, 200, 413]
    assert written.gateway.gate.limits.queue == 0
    assert written.gateway.recorder.content
    assert len(list(written.gateway.recorder.newest())) == 1
    assert written.gateway.settings.prices["echo/two"].output == 2


def test_what_only_a_start_can_change_stays(written):
    """Above all that keys are demanded, on which it was decided who may connect."""
    before = {name: getattr(written.gateway.settings, name) for name in FIXED}
    text = BEFORE.replace('"never"', '"always"').replace(":memory:", "elsewhere.db")
    written.reload(text + 'port = 9\nhost = "0.0.0.0"\nworkers = 3\npage = false\nmodels = ["b"]\n')
    assert {name: getattr(written.gateway.settings, name) for name in FIXED} == before
    assert written.serves("a", "b") == [False, True]
    started = read(written.path)
    assert all(getattr(started, name) != before[name] for name in FIXED)
    assert {one.name for one in attrs.fields(GatewaySettings)} >= set(FIXED)


def test_of_the_names_that_are_served_only_a_star_stands_for_others(written):
    """As with those of a key."""
    written.reload(BEFORE + 'models = ["echo/[ab]*"]\n')
    assert written.serves("echo/[ab]", "echo/[ab]c", "echo/a", "echo/bc") == [True, True, False, False]


def test_of_a_wrong_configuration_nothing_is_taken(written):
    """Neither of the gateway's table nor of the rest."""
    with pytest.raises(ConfigError, match="body_bytes"):
        written.reload(BEFORE.replace('a = "echo/one"\n', "") + 'models = ["b"]\n[gateway.limits]\nbody_bytes = 1\n')
    assert written.serves("a", "b") == [True, True]
    assert "a" in written.gateway.client.names.models


def test_what_waits_for_a_start_is_told(tmp_path):
    """By name, once; what the command line changed is none of it."""
    path = tmp_path / "jackfield.toml"
    path.write_text(BEFORE)
    gateway = Gateway(path, settings=read(path).but(port=5))
    path.write_text(BEFORE.replace('keys = "never"', 'keys = "always"\nport = 4001\nlimits = { reader_stall = 5 }'))
    assert asyncio.run(gateway.reload()) == ["port", "keys", "limits.reader_stall"]
    assert asyncio.run(gateway.reload()) == []
    asyncio.run(gateway.close())
