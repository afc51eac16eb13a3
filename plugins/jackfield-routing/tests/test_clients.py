"""Through real clients, sync and async, with real sockets and a service that fails."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

import jackfield
from jackfield.errors import APIConnectionError, APIError, DeadlineExceededError, InternalServerError
from jackfield.testing.contract.host import HOSTS, Host
from jackfield.testing.faults import FaultServer

ASK = [{"role": "user", "content": "Hello"}]
PASSING = [
    "status?code=503",
    "status?code=429",
    "status?code=401",
    "status?code=404",
    "status?code=500&body=html",
    "reset?at=0",
    "eof?at=0",
    "stall?at=0",
    "html",
    "error-200?code=500",
]
"""Faults that come before any part of an answer."""
DOORS = ["refused", "reset", "silent", "tls-self-signed"]
"""Doors that no request comes through."""


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A service that fails as the model name says."""
    with FaultServer() as server:
        yield server


@pytest.fixture(params=list(HOSTS))
def hosts(request: pytest.FixtureRequest, server: FaultServer) -> Iterator[Any]:
    """Makes a host with some middleware, whose backends ``a``, ``b``, ``c`` are one server."""
    opened: list[Host] = []

    def make(*middleware: dict[str, Any], doors: tuple[str, ...] = (), **models: str) -> Host:
        backends = {name: backend(server.url) for name in "abc"}
        backends |= {f"door-{door}": backend(server.door(door)) for door in doors}
        config = {"models": models, "backends": backends, "middleware": list(middleware)}
        opened.append(HOSTS[request.param](config, {}))
        return opened[-1]

    yield make
    for host in opened:
        host.close()


def backend(url: str) -> dict[str, Any]:
    """A backend that waits for little."""
    return {"provider": "openai", "base_url": url, "timeout": {"connect": 0.3, "first_byte": 0.3, "idle": 0.3}}


def asked(server: FaultServer) -> list[str]:
    """The models that the service was asked for, in order."""
    return [received.model for received in server.ledger.requests]


@pytest.mark.parametrize("stream", [False, True])
def test_every_hop_may_fail_in_its_own_way(hosts: Any, server: FaultServer, stream: bool):
    """Four models fail by four kinds of failure, in every order of them that a round has; the fifth answers."""
    for start in range(len(PASSING)):
        chain = [*(PASSING * 2)[start : start + 4], "ok"]
        host = hosts(
            {"use": "fallback", "models": {"chain": [f"b/{model}" for model in chain[1:]]}}, chain=f"a/{chain[0]}"
        )

        outcome = host.ask(model="chain", messages=ASK, stream=stream)

        assert outcome.error is None
        assert outcome.text == "Hello"
        assert asked(server) == chain
        assert outcome.response is not None
        call = outcome.response.call
        assert [attempt.model for attempt in call.attempts] == chain
        assert [attempt.outcome for attempt in call.attempts] == ["error"] * 4 + ["success"]
        server.ledger.clear()


def test_where_no_connection_comes_about_the_next_one_is_asked(hosts: Any, server: FaultServer):
    """Refused, reset, silent or not to be trusted: the last one answers."""
    nexts = [*(f"door-{door}/m" for door in DOORS[1:]), "a/ok"]
    host = hosts({"use": "fallback", "models": {f"door-{DOORS[0]}/m": nexts}}, doors=tuple(DOORS))

    outcome = host.ask(model=f"door-{DOORS[0]}/m", messages=ASK, timeout=30)

    assert outcome.error is None
    assert outcome.text == "Hello"
    assert outcome.response is not None
    assert [attempt.backend.name for attempt in outcome.response.call.attempts] == [
        *(f"door-{door}" for door in DOORS),
        "a",
    ]
    assert asked(server) == ["ok"]


@pytest.mark.parametrize("fault", ["break?events=2", "break?events=2&how=stall", "cut?events=2", "damaged?events=2"])
def test_a_stream_that_has_begun_is_not_begun_again(hosts: Any, server: FaultServer, fault: str):
    """The host has its chunks and the failure, and no other model was asked."""
    host = hosts({"use": "fallback", "models": {f"a/{fault}": ["b/ok"]}})

    outcome = host.ask(model=f"a/{fault}", messages=ASK, stream=True)

    assert isinstance(outcome.error, APIError)
    assert outcome.chunks
    assert asked(server) == [fault]
    assert len(outcome.error.attempts) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_where_all_fail_the_error_has_every_hop(hosts: Any, server: FaultServer, stream: bool):
    """The ledger of the last error agrees with what the service received."""
    chain = ["status?code=503", "reset?at=0", "status?code=401", "stall?at=0", "status?code=429"]
    host = hosts({"use": "fallback", "models": {f"a/{chain[0]}": [f"c/{model}" for model in chain[1:]]}})

    outcome = host.ask(model=f"a/{chain[0]}", messages=ASK, stream=stream)

    assert isinstance(outcome.error, jackfield.RateLimitError)
    assert [attempt.model for attempt in outcome.error.attempts] == asked(server) == chain
    assert [attempt.backend.name for attempt in outcome.error.attempts] == ["a", "c", "c", "c", "c"]
    assert [note.split(" failed: ")[0] for note in outcome.error.__notes__] == [
        f"fallback: before it {name!r}" for name in (f"a/{chain[0]}", *(f"c/{model}" for model in chain[1:-1]))
    ]


def test_what_may_have_been_stored_is_sent_once(hosts: Any, server: FaultServer):
    """With ``store`` a connection that breaks ends the chain; a status does not."""
    host = hosts({"use": "fallback", "models": {"a/eof?at=0": ["b/ok"], "a/status?code=500": ["b/ok"]}})

    outcome = host.ask(model="a/eof?at=0", messages=ASK, store=True)
    assert isinstance(outcome.error, APIConnectionError)
    assert asked(server) == ["eof?at=0"]

    outcome = host.ask(model="a/status?code=500", messages=ASK, store=True)
    assert outcome.error is None
    assert asked(server) == ["eof?at=0", "status?code=500", "ok"]


def test_a_service_that_hangs_uses_up_the_time_of_all(hosts: Any, server: FaultServer):
    """With less time than ``first_byte`` the deadline ends the call, and no other model was asked."""
    host = hosts({"use": "fallback", "models": {"a/stall?at=0": ["b/ok"]}})

    outcome = host.ask(model="a/stall?at=0", messages=ASK, timeout=0.1)

    assert isinstance(outcome.error, DeadlineExceededError)
    assert asked(server) == ["stall?at=0"]


def test_retry_fallback_and_circuit_breaker_in_their_usual_order(hosts: Any, server: FaultServer):
    """The circuit opens within the first call's retries, is not retried, and from then on the next model is asked."""
    host = hosts(
        {"use": "fallback", "models": {"chat": ["b/ok"]}},
        {"use": "retry", "max_attempts": 5},
        {"use": "circuit-breaker", "min_calls": 2, "open_for": 300},
        chat="a/status?code=503",
    )

    for number in range(3):
        outcome = host.ask(model="chat", messages=ASK, stream=number == 1)
        assert outcome.error is None
        assert outcome.text == "Hello"

    assert asked(server) == ["status?code=503"] * 2 + ["ok"] * 3


def test_a_circuit_opens_and_closes(hosts: Any, server: FaultServer):
    """Two failures open it; nothing is sent until it is due; the service is well again, and so is the model."""
    name = "status?code=503&first=2"
    host = hosts({"use": "circuit-breaker", "min_calls": 2, "open_for": 0.3})
    for _ in range(2):
        assert isinstance(host.ask(model=f"a/{name}", messages=ASK).error, InternalServerError)

    refused = host.ask(model=f"a/{name}", messages=ASK, stream=True).error
    assert isinstance(refused, APIConnectionError)
    assert refused.code == "circuit_open"
    assert refused.attempts == ()
    assert len(server.ledger.requests) == 2
    assert host.ask(model="a/ok", messages=ASK).error is None

    time.sleep(refused.retry_after or 0.0)
    until = time.monotonic() + 30
    while host.ask(model=f"a/{name}", messages=ASK).error is not None:
        assert time.monotonic() < until
    assert len(server.ledger.of(name)) == 3


def test_calls_at_the_same_time_are_shared_out_evenly(hosts: Any, server: FaultServer):
    """Nine calls to three models, however long each takes; afterwards nothing is in flight."""
    weights = {"a/slow?gap=0.01": 1, "b/slow?gap=0.02": 1, "c/slow?gap=0.03": 1}
    host = hosts({"use": "balance", "models": {"pool": weights}, "by": "least-in-flight"})

    outcomes = host.ask_all([{"model": "pool", "messages": ASK, "stream": number % 2 == 0} for number in range(9)])
    outcomes.append(host.ask(model="pool", messages=ASK, stream=True, stop_after=1))

    assert all(outcome.error is None for outcome in outcomes)
    counts = Counter(asked(server))
    assert counts.total() == 10
    (layer,) = (layer.plugin for layer in host.client._session.plan.chat)
    assert layer._in_flight == dict.fromkeys(weights, 0)


def test_a_label_chooses_the_model(hosts: Any, server: FaultServer):
    """The calls of one user go to one model, and both clients choose the same one."""
    host = hosts({"use": "balance", "models": {"pool": {"a/ok": 1, "b/ok": 1, "c/ok": 1}}, "sticky": "user"})
    chosen: dict[str, set[str]] = {}

    for user in ["anna", "ben", "carla", "dora", "anna", "ben", "carla", "dora"]:
        response = host.ask(model="pool", messages=ASK, labels={"user": user}).response
        assert response is not None
        chosen.setdefault(user, set()).add(response.call.attempts[0].backend.name)

    assert chosen == {"anna": {"c"}, "ben": {"c"}, "carla": {"a"}, "dora": {"a"}}


def test_a_probe_whose_task_is_cancelled_lets_the_next_one_through(server: FaultServer):
    """A service hangs until the deadline, which opens the circuit; a host that loses patience then blocks nobody."""
    model = "a/stall?at=0&first=2"

    async def main() -> None:
        config = {
            "backends": {"a": {"provider": "openai", "base_url": server.url}},
            "middleware": [{"use": "circuit-breaker", "min_calls": 1, "open_for": 0.01}],
        }
        async with jackfield.AsyncClient(config) as client:
            with pytest.raises(DeadlineExceededError):
                await client.create_chat_completion(model=model, messages=ASK, timeout=0.2)
            await asyncio.sleep(0.02)
            probe = asyncio.ensure_future(client.create_chat_completion(model=model, messages=ASK))
            while len(server.ledger.requests) < 2:
                await asyncio.sleep(0.01)
            with pytest.raises(APIConnectionError, match="a probe is under way"):
                await client.create_chat_completion(model=model, messages=ASK)

            probe.cancel()
            with pytest.raises(asyncio.CancelledError):
                await probe

            response = await client.create_chat_completion(model=model, messages=ASK)
            assert response.choices[0].message.content == "Hello"

    asyncio.run(main())
