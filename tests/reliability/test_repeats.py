"""What is sent again, and what never: counted by the server that received it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jackfield import APIConnectionError, RateLimitError, StreamInterruptedError, UnexpectedRedirectError
from jackfield.testing.contract.host import HOSTS, Host
from jackfield.testing.faults import FaultServer, name_of

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(params=list(HOSTS))
def mode(request: pytest.FixtureRequest) -> str:
    """Sync or async."""
    return str(request.param)


@pytest.fixture
def host(mode: str, fault_server: FaultServer) -> Iterator[Host]:
    """A host that tries again, with a backend for each door."""
    host = connect(mode, fault_server, "plain")
    yield host
    host.close()


def connect(mode: str, server: FaultServer, door: str) -> Host:
    """A host that tries again at a door."""
    backend = {
        "provider": "openai",
        "base_url": server.door(door),
        "timeout": {"connect": 0.5, "first_byte": 0.5, "idle": 0.5, "total": 20},
        "transport": {"ca_file": str(server.ca_file)},
    }
    return HOSTS[mode]({"backends": {"test": backend}, "middleware": [{"use": "retry", "max_attempts": 3}]}, {})


@pytest.mark.parametrize("how", ["reset", "eof", "stall"])
def test_stream_that_broke_is_not_sent_again(fault_server: FaultServer, host: Host, how: str) -> None:
    """Once the host was given a chunk nothing is repeated, however well another try would go."""
    model = name_of("break", how=how, events=4, first=1)
    outcome = host.ask(model=f"test/{model}", stream=True, **ASK)

    assert isinstance(outcome.error, StreamInterruptedError)
    assert outcome.chunks
    assert len(fault_server.ledger.of(model)) == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["reset?at=0", "eof?at=0", "status?code=503", "status?code=429", "two-lengths"])
def test_failure_that_passes_is_not_seen(fault_server: FaultServer, host: Host, model: str, stream: bool) -> None:
    """Before the first chunk another try is made, and its answer is the answer; attempts are what the server saw."""
    model += "&first=1" if "?" in model else "?first=1"
    outcome = host.ask(model=f"test/{model}", stream=stream, **ASK)

    assert outcome.text == "hello"
    assert outcome.response is not None
    assert outcome.response.call is not None
    assert len(outcome.response.call.attempts) == len(fault_server.ledger.of(model)) == 2


def test_what_may_have_been_done_is_done_twice_at_most(fault_server: FaultServer, host: Host) -> None:
    """A request that broke after it was sent is sent once more, and with ``store`` not even that."""
    for store, times in ((None, 2), (True, 1)):
        model = name_of("eof", at=0)
        fault_server.ledger.clear()
        outcome = host.ask(model=f"test/{model}", **ASK, **({} if store is None else {"store": store}))

        assert isinstance(outcome.error, APIConnectionError)
        assert outcome.error.attempts[-1].maybe_billed
        assert len(fault_server.ledger.of(model)) == times


def test_key_of_idempotency_is_the_same_for_each_attempt(fault_server: FaultServer, host: Host) -> None:
    """A header of the host goes with every attempt of its call, and with no other call."""
    model = name_of("status", code=503, first=2)
    for key in ("one", "two"):
        host.ask(model=f"test/{model}", extra_headers={"Idempotency-Key": key}, seed=len(key + key), **ASK, user=key)
    sent = [received.headers["idempotency-key"] for received in fault_server.ledger.requests]

    assert sent == ["one"] * 3 + ["two"] * 3
    assert fault_server.ledger.executions == {"one": 1, "two": 1}


def test_redirect_is_neither_followed_nor_tried_again(fault_server: FaultServer, host: Host) -> None:
    """One request for each call, whatever it is told."""
    for code in (301, 302, 303, 307, 308):
        outcome = host.ask(model=f"test/{name_of('redirect', code=code)}", **ASK)
        assert isinstance(outcome.error, UnexpectedRedirectError)

    assert len(fault_server.ledger.requests) == 5
    assert fault_server.ledger.through("other") == []


@pytest.mark.parametrize("door", ["tls-self-signed", "tls-wrong-host", "tls-expired"])
def test_certificate_is_not_tried_twice(fault_server: FaultServer, mode: str, door: str) -> None:
    """It does not become better: one connection, and no byte of a request."""
    host = connect(mode, fault_server, door)
    outcome = host.ask(model="test/ok", **ASK)
    host.close()

    assert isinstance(outcome.error, APIConnectionError)
    assert outcome.error.code == "certificate"
    assert fault_server.ledger.connections[door] == 1
    assert fault_server.ledger.requests == []


@pytest.mark.parametrize("door", ["refused", "tls-eof", "tls-reset"])
def test_what_was_not_sent_is_tried_again(fault_server: FaultServer, mode: str, door: str) -> None:
    """No connection, and no handshake: as often as is allowed, and none of it may be billed."""
    host = connect(mode, fault_server, door)
    outcome = host.ask(model="test/ok", **ASK)
    host.close()

    assert isinstance(outcome.error, APIConnectionError)
    assert [attempt.maybe_billed for attempt in outcome.error.attempts] == [False] * 3
    assert fault_server.ledger.connections[door] == (0 if door == "refused" else 3)


def test_wait_that_is_too_long_is_the_hosts_to_decide(fault_server: FaultServer, host: Host) -> None:
    """Where the service asks for more than two minutes, its error comes at once, and says so."""
    model = name_of("status", code=429, retry_after=3600)
    outcome = host.ask(model=f"test/{model}", **ASK)

    assert isinstance(outcome.error, RateLimitError)
    assert outcome.error.retry_after == 3600
    assert len(fault_server.ledger.of(model)) == 1
