"""Checks with real clients: both kinds come to the same."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.errors import BadRequestError
from jackfield.testing.contract.host import HOSTS
from jackfield.testing.contract.middleware.faults import interrupted
from jackfield.testing.contract.middleware.source import WELL, Act, Source
from jackfield.testing.contract.middleware.subject import Subject, told
from jackfield.testing.contract.verdict import one_line

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


def came(mode: str, subject: Subject, act: Act, most: int | None, *, streamed: bool) -> list[str]:
    """What the host gets of a client: texts of chunks, and in the end the answer or the failure."""
    host = HOSTS[mode](configuration(subject, act), {"subject": subject.cls, "source": Source})
    try:
        outcome = host.ask(messages=ASK, stream=streamed, stop_after=most)
    finally:
        host.close()
    got = [str(chunk.choices) for chunk in outcome.chunks]
    if outcome.error is not None:
        got.append(told(outcome.error))
    elif outcome.response is not None:
        got.append(str(outcome.response.choices))
    return got


class ClientChecks:
    """The same code serves both clients."""

    @pytest.mark.parametrize("scenario", SCENARIOS)
    def test_sync_and_async_are_alike(self, subject: Subject, scenario: str) -> None:
        """The host gets the same of both clients, chunk for chunk, and the same failure."""
        pytest.importorskip("aiohttp")
        act, streamed, most = SCENARIOS[scenario]
        wanted = came("sync", subject, act, most, streamed=streamed)
        subject.pulse.beat(scenario)
        got = came("async", subject, act, most, streamed=streamed)
        if wanted != got:
            one, other = next((pair for pair in zip(wanted, got, strict=False) if pair[0] != pair[1]), (wanted, got))
            subject.fail(
                f"gave {one_line(str(one), 120)} with Client and {one_line(str(other), 120)} with AsyncClient",
                scenario,
                wants="a hook is the same code for both; it asks neither for a loop nor for a thread",
            )
