"""What an event loop tells of its work, in debug mode say, has no secret in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import jackfield
from both import ASK, settings
from keys import KEYS


def test_the_future_of_a_function_does_not_show_what_it_returned(tmp_path: Path) -> None:
    """A future's repr has its result, and may stand in a task's, which a slow loop logs: a secret is read so."""
    file = tmp_path / "key"
    file.write_text(KEYS["azure"], encoding="utf-8")
    bearer = {"use": "bearer", "token": f"file:{file}"}
    config = settings("http://127.0.0.1:9/v1", backend={"middleware": [bearer]})
    futures: list[asyncio.Future[Any]] = []

    class Loop(asyncio.SelectorEventLoop):
        def run_in_executor(self, *args: Any) -> asyncio.Future[Any]:
            futures.append(super().run_in_executor(*args))
            return futures[-1]

    async def call() -> None:
        async with jackfield.AsyncClient(config) as client:
            await client.create_chat_completion(messages=ASK)

    with asyncio.Runner(loop_factory=Loop) as runner, pytest.raises(jackfield.APIConnectionError):
        runner.run(call())

    assert futures
    assert KEYS["azure"][:8] not in repr(futures)
