"""An error that comes of closing a stream has no secret either."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from both import Async, Sync, config
from fakeserver import EVENTS, STREAM_HEAD, Exchange, chunked, serving
from jackfield import hookimpl
from jackfield.redaction import remember
from jackfield.testing.leaks import artefacts, leaks
from keys import KEYS

KEY = KEYS["aws"]


@attrs.define(eq=False)
class Late:
    """A middleware that fails when all is over."""

    @hookimpl
    def wrap_chat_completion(self, request: Any) -> Any:
        """Pass on, and fail."""
        yield request
        raise ValueError(f"bad {KEY}")


@pytest.mark.parametrize("mode", [Sync, Async], ids=["sync", "async"])
def test_an_error_found_while_closing_shows_no_key(mode: Any) -> None:
    """The answer was whole when the host closed; what its layers do then comes with the response."""
    remember(KEY)

    def script(exchange: Exchange) -> None:
        exchange.send(STREAM_HEAD + b"".join(chunked(block) for block in [*EVENTS, b""]))

    with serving(script) as server:
        client = mode(config(server, middleware=[{"use": "late"}]), {"late": Late})
        try:
            stream = client.stream()
            while not stream.stream._live.engine.whole:
                stream.next()
            stream.close()
            with pytest.raises(ValueError, match="bad") as caught:
                _ = stream.stream.response
        finally:
            client.close()
            client.end()

    assert [sink for sink, text in artefacts(caught.value) if leaks(text, KEY)] == []


@attrs.define(eq=False)
class Leaving:
    """A middleware that ends the program when its call is taken down."""

    @hookimpl
    def wrap_chat_completion(self, request: Any) -> Any:
        """Pass on, and leave."""
        try:
            return (yield request)
        except BaseException:
            raise SystemExit(f"leave with {KEY}") from None


def test_a_call_that_its_loop_ends_shows_no_key() -> None:
    """A client that is closed with a stream in it has the loop take the call down."""
    remember(KEY)

    def script(exchange: Exchange) -> bool:
        exchange.send(STREAM_HEAD + chunked(EVENTS[0]))
        while not exchange.closed_within(0.02) and not exchange.server.closing.is_set():
            pass
        return False

    with serving(script) as server:
        client = Async(config(server, middleware=[{"use": "leaving"}]), {"leaving": Leaving})
        try:
            stream = client.stream()
            stream.next()
            client.loop.call_soon_threadsafe(stream.stream._driver.take_down)
        finally:
            client.close()
            client.end()
        with pytest.raises(SystemExit) as caught:
            _ = stream.stream.response

    assert [sink for sink, text in artefacts(caught.value) if leaks(text, KEY)] == []
