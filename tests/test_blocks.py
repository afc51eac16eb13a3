"""Blocks: the chunks of a stream, together those that came together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import fakeserver
from both import Async, Sync, config, said
from fakeserver import EVENTS, STREAM_HEAD, Server, chunked
from jackfield.errors import StreamInterruptedError


@pytest.fixture
def server() -> Iterator[Server]:
    with fakeserver.serving(fakeserver.answer) as server:
        yield server


def blocks(mode: Any, taken: int = 0) -> list[str]:
    """The texts of the blocks of a stream, after some of its chunks were taken by themselves."""
    handle = mode.stream()
    for _ in range(taken):
        handle.next()
    if isinstance(mode, Sync):
        found = list(handle.stream.blocks())
    else:

        async def read() -> list[Any]:
            return [block async for block in handle.stream.blocks()]

        found = mode.run(read())
    assert handle.stream.response.choices[0].message.content == "abc"
    return ["".join(said(chunk) for chunk in block) for block in found]


@pytest.mark.parametrize("kind", [Sync, Async])
def test_what_comes_together_is_given_together(server: Server, kind: Any) -> None:
    """Chunk by chunk where they come so; what is left of a block that was begun chunk by chunk; nothing at the end."""

    def script(exchange: Any) -> None:
        exchange.send(STREAM_HEAD + chunked(b"".join(EVENTS[:2])), 0.05)
        exchange.send(chunked(b"".join(EVENTS[2:])) + chunked(b""))

    mode = kind(config(server))
    server.script = script
    assert blocks(mode) == ["ab", "c"]
    assert blocks(mode, taken=1) == ["b", "c"]
    assert blocks(mode, taken=2) == ["c"]
    assert blocks(mode, taken=5) == []
    mode.close()
    mode.end()


@pytest.mark.parametrize("kind", [Sync, Async])
def test_a_failure_is_raised_after_what_came_before(server: Server, kind: Any) -> None:
    """As of the iterator."""
    server.script = fakeserver.in_pieces(EVENTS[:2], 0.0, end=False)
    mode = kind(config(server))
    with pytest.raises(StreamInterruptedError):
        blocks(mode)
    mode.close()
    mode.end()
