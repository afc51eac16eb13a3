"""An answer that was cut anywhere is never a success."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

import jackfield
from jackfield import APIConnectionError, InvalidResponseError, StreamInterruptedError
from jackfield.testing.contract.host import HOSTS, Host, Outcome
from jackfield.testing.faults import Ask, FaultServer, OpenAIDialect, name_of

TEXT = "Grüße, 世界 👋"
DIALECT = OpenAIDialect()
NEEDED = DIALECT.needed(DIALECT.events(Ask("", stream=True, text=TEXT)))


@pytest.fixture(params=list(HOSTS))
def host(request: pytest.FixtureRequest, fault_server: FaultServer) -> Iterator[Host]:
    """A host with a backend at the server."""
    backend = {"provider": "openai", "base_url": fault_server.url}
    host = HOSTS[request.param]({"backends": {"test": backend}}, {})
    yield host
    host.close()


def ask(host: Host, model: str, *, stream: bool) -> Outcome:
    """What comes of asking for the text."""
    return host.ask(model=f"test/{model}", messages=[{"role": "user", "content": TEXT}], stream=stream)


def sizes(server: FaultServer, host: Host, *, stream: bool) -> int:
    """How many bytes of an answer are needed, head and all: with one less it is not whole."""
    low, high = 0, 8192
    while low < high:
        middle = (low + high) // 2
        if ask(host, name_of("eof", at=middle), stream=stream).error is None:
            high = middle
            time.sleep(0.05)  # by when the connection's end is here, so that no one takes it for a fresh one
        else:
            low = middle + 1
    server.ledger.clear()
    return low


@pytest.mark.parametrize("how", ["eof", "reset"])
def test_whole_answer_cut_at_every_byte_is_an_error(fault_server: FaultServer, host: Host, how: str) -> None:
    """Wherever the connection ends, politely or not: in the head, in the body, before the last byte."""
    needed = sizes(fault_server, host, stream=False)
    assert needed > 300
    for at in range(0, needed, 1 if how == "eof" else 37):
        outcome = ask(host, name_of(how, at=at), stream=False)

        assert isinstance(outcome.error, APIConnectionError), at
    assert ask(host, "ok", stream=False).text == TEXT


def test_stream_cut_at_every_byte_is_an_error(fault_server: FaultServer, host: Host) -> None:
    """Wherever it ends before its finish reason has come, it is an error; what came is the beginning of the answer."""
    needed = sizes(fault_server, host, stream=True)
    assert needed > 900
    for at in range(needed):
        outcome = ask(host, name_of("eof", at=at), stream=True)

        assert isinstance(outcome.error, APIConnectionError | StreamInterruptedError), at
        assert TEXT.startswith(outcome.streamed), at
        if isinstance(outcome.error, StreamInterruptedError) and outcome.chunks:
            assert Outcome(response=outcome.error.partial).text == outcome.streamed, at


@pytest.mark.parametrize("framing", ["chunked", "close"])
@pytest.mark.parametrize("events", range(NEEDED))
def test_stream_that_ends_well_too_early_is_an_error(host: Host, events: int, framing: str) -> None:
    """A clean end of the body after any number of events, which no error of the transport tells of."""
    outcome = ask(host, name_of("cut", events=events, framing=framing), stream=True)

    assert isinstance(outcome.error, StreamInterruptedError)
    assert TEXT.startswith(outcome.streamed)


def test_compressed_answer_cut_short_is_an_error(host: Host) -> None:
    """Also where it decompresses without a complaint as far as it goes."""
    for stream in (False, True):
        assert isinstance(ask(host, "short-gzip", stream=stream).error, InvalidResponseError)


def test_error_of_a_cut_answer_is_told_in_the_ledger(host: Host) -> None:
    """The attempt is an error, and what it may have cost is told."""
    error: Any = ask(host, "cut", stream=True).error
    (attempt,) = error.attempts

    assert attempt.outcome == "error"
    assert attempt.maybe_billed
    assert isinstance(error, jackfield.APIError)
