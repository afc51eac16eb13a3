"""With real clients and a real service: what was sent is counted there."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import pytest

import jackfield
from jackfield.testing.faults import FaultServer, name_of


def config(server: FaultServer, path: Any, model: str, **settings: Any) -> dict[str, Any]:
    return {
        "default_model": "alias",
        "models": {"alias": f"b/{model}"},
        "backends": {"b": {"provider": "openai", "base_url": server.url}},
        "middleware": [{"use": "cache", "path": str(path), **settings}],
    }


@pytest.fixture(params=["sync", "async"])
def ask(request, fault_server, tmp_path):
    """Makes one call by a client of either kind; the text, and how many attempts it took."""

    def sync(model: str, *, stream: bool = False, chunks: int | None = None, **settings: Any) -> tuple[str, int]:
        with jackfield.Client(config(fault_server, tmp_path / "c", model, **settings)) as client:
            if not stream:
                return told(client.create_chat_completion(**ASK))
            with client.create_chat_completion(**ASK, stream=True) as stream_:
                for number, _ in enumerate(stream_, start=1):
                    if number == chunks:
                        return "", -1
                return told(stream_.response)

    async def both(model: str, *, stream: bool = False, chunks: int | None = None, **settings: Any) -> tuple[str, int]:
        async with jackfield.AsyncClient(config(fault_server, tmp_path / "c", model, **settings)) as client:
            if not stream:
                return told(await client.create_chat_completion(**ASK))
            async with client.create_chat_completion(**ASK, stream=True) as stream_:
                number = 0
                async for _ in stream_:
                    number += 1
                    if number == chunks:
                        return "", -1
                return told(stream_.response)

    return sync if request.param == "sync" else lambda *args, **about: asyncio.run(both(*args, **about))


ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "Why is it so?"}], "temperature": 0}


def told(response: Any) -> tuple[str, int]:
    return response.choices[0].message.content, len(response.call.attempts)


@pytest.mark.parametrize("first", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("second", [False, True], ids=["whole", "streamed"])
def test_the_service_is_asked_once(ask, fault_server, first, second):
    """However the answer comes, and by whichever client."""
    text, attempts = ask("ok", stream=first)
    assert attempts == 1

    assert ask("ok", stream=second) == (text, 0)
    assert len(fault_server.ledger.requests) == 1


def test_a_stream_that_broke_is_asked_for_again(ask, fault_server):
    """The first request breaks in the middle of its stream; the next has the whole answer, which is kept."""
    broken = name_of("cut", first=1)
    with contextlib.suppress(jackfield.APIError):
        ask(broken, stream=True)

    whole = ask(broken, stream=True)
    assert whole[1] == 1
    assert ask(broken) == (whole[0], 0)
    assert len(fault_server.ledger.requests) == 2


def test_a_stream_that_its_host_closed_is_asked_for_again(ask, fault_server):
    """After two chunks the host has enough: that is no answer for others."""
    slow = name_of("slow", gap="0.005")
    assert ask(slow, stream=True, chunks=2) == ("", -1)

    assert ask(slow)[1] == 1
    assert ask(slow)[1] == 0


def test_an_alias_that_leads_elsewhere_is_another_question(ask, fault_server):
    """The model is told apart by the backend's own name for it."""
    assert ask("ok")[1] == 1
    assert ask("ok?first=0")[1] == 1
    assert ask("ok")[1] == 0


def test_a_new_file_for_each_tenant_is_not_needed(fault_server, tmp_path):
    """With ``by_labels`` no tenant has the answer of another."""
    with jackfield.Client(config(fault_server, tmp_path / "c", "ok", by_labels=["tenant"])) as client:
        calls = [
            client.create_chat_completion(**ASK, labels={"tenant": tenant, "job": job}).call
            for tenant, job in [("a", "1"), ("b", "1"), ("a", "2"), ("b", "2")]
        ]

    assert [len(call.attempts) for call in calls] == [1, 1, 0, 0]


@pytest.mark.parametrize("stream", [False, True])
def test_of_fifty_threads_one_is_sent(fault_server, tmp_path, stream):
    """The service is asked once, and all have its answer."""
    texts: list[tuple[str, int]] = []
    with jackfield.Client(config(fault_server, tmp_path / "c", "ok")) as client:
        barrier = threading.Barrier(50)

        def call() -> None:
            barrier.wait()
            if not stream:
                texts.append(told(client.create_chat_completion(**ASK)))
                return
            with client.create_chat_completion(**ASK, stream=True) as chunks:
                list(chunks)
                texts.append(told(chunks.response))

        threads = [threading.Thread(target=call) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(fault_server.ledger.requests) == 1
    assert len(texts) == 50
    assert len({text for text, _ in texts}) == 1
