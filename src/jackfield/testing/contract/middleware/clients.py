"""Checks with real clients: both kinds come to the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import jackfield
from jackfield.errors import BadRequestError
from jackfield.testing.contract.middleware.faults import interrupted
from jackfield.testing.contract.middleware.source import WELL, Act, Source
from jackfield.testing.contract.middleware.subject import Subject, one_line, told

ASK = [{"role": "user", "content": "why?"}]


def refused() -> BadRequestError:
    """A failure that no one should try again after."""
    return BadRequestError("the backend says no", status_code=400)


SCENARIOS: dict[str, tuple[Act, bool, int | None]] = {
    "whole call": (WELL, False, None),
    "streamed call": (WELL, True, None),
    "whole call, failing": (Act(refused), False, None),
    "streamed call, failing": (Act(refused), True, None),
    "streamed call, broken after 3 chunks": (Act(interrupted, 3), True, None),
    "streamed call, closed by the host after 3 chunks": (WELL, True, 3),
}
"""How the backend answers, whether by a stream, and after how many chunks the host leaves."""


def configuration(subject: Subject, act: Act) -> dict[str, Any]:
    """A configuration with the plugin in it, and a backend that runs in this process."""
    entry = {"use": "subject", **subject.settings}
    source: dict[str, Any] = {"provider": "source", "text": subject.text, "wired": False, "acts": [act]}
    inside = {} if subject.in_host else {"middleware": [entry]}
    return {
        "default_model": "test/m",
        "backends": {"test": {**source, **inside}, "other": source},
        "middleware": [entry] if subject.in_host else [],
    }


def synchronous(subject: Subject, act: Act, most: int | None, *, streamed: bool) -> list[str]:
    """What the host gets of the synchronous client: texts of chunks, and in the end the answer or the failure."""
    plugins = {"subject": subject.cls, "source": Source}
    got: list[str] = []
    try:
        with jackfield.Client(configuration(subject, act), plugins=plugins) as client:
            if not streamed:
                return [str(client.create_chat_completion(messages=ASK).choices)]
            with client.create_chat_completion(messages=ASK, stream=True) as stream:
                for chunk in stream:
                    got.append(str(chunk.choices))
                    if len(got) == most:
                        return got
                got.append(str(stream.response.choices))
    except Exception as error:  # noqa: BLE001 - what is compared
        got.append(told(error))
    return got


async def asynchronous(subject: Subject, act: Act, most: int | None, *, streamed: bool) -> list[str]:
    """The same of the asynchronous one."""
    plugins = {"subject": subject.cls, "source": Source}
    got: list[str] = []
    try:
        async with jackfield.AsyncClient(configuration(subject, act), plugins=plugins) as client:
            if not streamed:
                return [str((await client.create_chat_completion(messages=ASK)).choices)]
            async with client.create_chat_completion(messages=ASK, stream=True) as stream:
                async for chunk in stream:
                    got.append(str(chunk.choices))
                    if len(got) == most:
                        return got
                got.append(str(stream.response.choices))
    except Exception as error:  # noqa: BLE001 - what is compared
        got.append(told(error))
    return got


def run(make: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What a coroutine comes to on a loop of its own."""
    return asyncio.run(make(*args, **options))


class ClientChecks:
    """The same code serves both clients."""

    @pytest.mark.parametrize("scenario", SCENARIOS)
    def test_sync_and_async_are_alike(self, subject: Subject, scenario: str) -> None:
        """The host gets the same of both clients, chunk for chunk, and the same failure."""
        pytest.importorskip("aiohttp")
        act, streamed, most = SCENARIOS[scenario]
        wanted = synchronous(subject, act, most, streamed=streamed)
        subject.pulse.beat(scenario)
        got = run(asynchronous, subject, act, most, streamed=streamed)
        if wanted != got:
            one, other = next((pair for pair in zip(wanted, got, strict=False) if pair[0] != pair[1]), (wanted, got))
            subject.fail(
                f"gave {one_line(str(one), 120)} with Client and {one_line(str(other), 120)} with AsyncClient",
                scenario,
                wants="a hook is the same code for both; it asks neither for a loop nor for a thread",
            )
