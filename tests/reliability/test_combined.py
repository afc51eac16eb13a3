"""All middleware that chooses, repeats, limits and remembers, in one configuration, while a fifth of all requests fail."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest

from jackfield import JackfieldError, hookimpl
from jackfield.testing.contract.host import HOSTS, AsyncHost, Host, Outcome
from jackfield.testing.faults import M20, FaultServer, Mix

CALLS, AT_ONCE = 2000, 64
PERCENT = 20.0
PLACES = 24
"""Calls at a time, fewer than there are: some wait in line."""
ESTIMATE = 1010
"""Tokens that a request may take, at most."""
USES = ["watch", "balance", "fallback", "retry", "circuit-breaker", "rate-limit", "concurrency", "budget", "cache"]


def layers(directory: Path) -> list[dict[str, Any]]:
    """The middleware, from the outside in; the two models stand for each other."""
    settings: dict[str, dict[str, Any]] = {
        "balance": {"models": {"either": {"one/mix": 2, "two/mix": 1}}, "by": "least-in-flight"},
        "fallback": {"models": {"one/mix": ["two/mix"], "two/mix": ["one/mix"]}},
        "retry": {"max_attempts": 2},
        "circuit-breaker": {
            "min_calls": 4,
            "failure_ratio": 0.25,
            "window": 0.3,
            "open_for": 0.05,
            "groups": [["one/mix", "two/mix"]],
        },
        "rate-limit": {"requests": 1_000_000, "tokens": 1_000_000_000, "window": 3600},
        "concurrency": {"limit": PLACES},
        "budget": {"tokens": 1_000_000_000, "period": "total"},
        "cache": {"path": str(directory / "cache.sqlite3")},
    }
    return [{"use": use, **settings.get(use, {})} for use in USES]


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A server at which a fifth of the requests fail."""
    with FaultServer(mix=Mix({name: part * PERCENT / sum(M20.values()) for name, part in M20.items()})) as server:
        yield server


@pytest.fixture(params=list(HOSTS))
def host(request: pytest.FixtureRequest, server: FaultServer, tmp_path: Path) -> Iterator[Host]:
    """A host with two backends, both at the server."""
    backend = {
        "provider": "openai",
        "base_url": server.url,
        "timeout": {"connect": 2, "first_byte": 0.5, "idle": 0.5, "total": 20},
    }
    config = {"default_model": "one/mix", "backends": {"one": backend, "two": backend}, "middleware": layers(tmp_path)}
    host = HOSTS[str(request.param)](config, {"watch": Watch})
    yield host
    host.close()


def asks() -> list[tuple[dict[str, Any], int | None]]:
    """Calls, and after how many chunks the host leaves them: streams and others, some asked before or twice at once."""
    calls = []
    for number in range(CALLS):
        text = f"number {(number - (number % 5 == 4)) % (CALLS * 4 // 5)}"
        fields = {"model": "either", "temperature": 0, "messages": [{"role": "user", "content": text}], "timeout": 15}
        calls.append((fields | {"stream": number % 3 == 0}, 2 if number % 21 == 0 else None))
    return calls


def ask_all(host: Host, calls: Sequence[tuple[dict[str, Any], int | None]]) -> list[Outcome]:
    """Make all calls, so many at a time."""
    if isinstance(host, AsyncHost):
        places = asyncio.Semaphore(AT_ONCE)

        async def ask(fields: dict[str, Any], stop: int | None) -> Outcome:
            async with places:
                return await host.asked(fields, stop)

        async def gather() -> list[Outcome]:
            return await asyncio.gather(*(ask(fields, stop) for fields, stop in calls))

        return host._run(gather)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda call: host.ask(**call[0], stop_after=call[1]), calls))


@attrs.define(eq=False)
class Watch:
    """Keeps each call, also those that their host left."""

    calls: list[Any] = attrs.field(init=False, factory=list)

    @hookimpl
    def wrap_chat_completion(self, request: Any, call: Any) -> Any:
        self.calls.append(call)
        return (yield request)


def test_everything_together_holds_its_promises(host: Host, server: FaultServer) -> None:
    """No error but jackfield's own, the ledger is what the server saw, and nothing is held afterwards."""
    outcomes = ask_all(host, asks())
    plugins = {layer.entry.use: layer.plugin for layer in host.client._session.plan.layers if layer.entry is not None}
    calls = plugins["watch"].calls
    attempts = [attempt for call in calls for attempt in call.attempts]

    assert [error for outcome in outcomes if not isinstance(error := outcome.error, JackfieldError | None)] == []
    assert sum(outcome.response is not None for outcome in outcomes) > 0.9 * CALLS
    assert len(calls) == CALLS
    assert [call.faults for call in calls if call.faults] == []
    assert {attempt.outcome for attempt in attempts} >= {"success", "error"}
    assert sum(attempt.exchanges for attempt in attempts) == len(server.ledger.requests)
    assert len({attempt.backend.name for attempt in attempts}) == 2
    assert any(not call.attempts for call in calls)  # answered by the cache
    nothing_is_held(plugins)
    counted_right(plugins, attempts)


def nothing_is_held(plugins: dict[str, Any]) -> None:
    """No place, no turn, no probe and no flight."""
    assert set(plugins["balance"]._in_flight.values()) == {0}
    circuits = list(plugins["circuit-breaker"]._circuits._circuits.values())
    assert [circuit._probe for circuit in circuits] == [None, None]
    assert plugins["concurrency"]._gates._gates == {}
    assert len(plugins["cache"]._flights) == 0


def counted_right(plugins: dict[str, Any], attempts: Sequence[Any]) -> None:
    """Limits have what the attempts took: not more for what was booked, and not less for what failed."""
    told = sum(attempt.usage.total_tokens for attempt in attempts if attempt.usage is not None)
    untold = sum(attempt.usage is None and attempt.maybe_billed for attempt in attempts)
    (account,) = plugins["budget"]._store._memory._accounts.values()
    ((_, window),) = plugins["rate-limit"]._store._memory._windows.values()
    amounts = list(window._slots.values())

    assert sum(requests for requests, _ in amounts) == len(attempts)
    assert sum(tokens for _, tokens in amounts) == account[0]
    assert told < account[0] <= told + untold * ESTIMATE
