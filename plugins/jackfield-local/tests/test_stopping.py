"""The engine stops when nobody wants the answer any more, and serves many at once until then."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest

from jackfield.errors import BadRequestError, ClientClosedError, DeadlineExceededError, StreamInterruptedError
from jackfield_local import LocalProvider

pytest.importorskip("xllamacpp")

Make = Callable[..., LocalProvider]
REPLY = "Hello from a tiny llama model on this real server."
ENDLESS = {"ignore_eos": True, "max_tokens": 100_000}
"""The tiny model needs seconds until its context is full."""


def test_a_stream_that_is_closed_stops_the_engine(make: Make, drive: Any) -> None:
    """The engine's callback is not called any more, and the next call finds the engine free."""
    provider = make(context=8192)
    one = drive(provider)

    one.chat(stream=True, **ENDLESS, until=lambda driven: len(driven.chunks) >= 5)

    assert one.settled
    assert len(one.chunks) < 2000
    assert not any(choice.finish_reason for chunk in one.chunks for choice in chunk.choices)
    assert drive(provider).chat().choices[0].message.content == REPLY


@pytest.mark.parametrize("stream", [False, True])
def test_a_deadline_is_kept(make: Make, drive: Any, stream: bool) -> None:
    """The call ends though the engine has thousands of tokens to go, and the engine stops."""
    provider = make(context=8192)
    drive(provider).chat(max_tokens=1)  # loaded
    one = drive(provider, timeout=0.3)

    with pytest.raises(DeadlineExceededError):
        one.chat(stream=stream, **ENDLESS)

    assert one.settled


def test_a_call_in_line_does_not_disturb(make: Make, drive: Any) -> None:
    """What gives up while it waits for another's answer leaves the engine to it."""
    provider = make(context=8192)
    first = drive(provider)
    second = drive(provider, timeout=0.1)
    seen: list[bool] = []

    def try_second(_: Any) -> bool:
        if not seen:
            with pytest.raises(DeadlineExceededError):
                second.chat()
            seen.append(True)
        return False

    first.chat(stream=True, ignore_eos=True, max_tokens=2000, until=try_second)

    assert seen
    assert first.folded.usage.completion_tokens == 2000


def test_closing_the_client_ends_what_runs(make: Make, drive: Any) -> None:
    """A stream is interrupted with what it had; later calls are refused."""
    provider = make(context=8192)
    one = drive(provider)

    def close(_: Any) -> bool:
        provider.close()
        return False

    with pytest.raises((ClientClosedError, StreamInterruptedError)):
        one.chat(stream=True, **ENDLESS, until=close)
    with pytest.raises(ClientClosedError):
        drive(provider).chat()

    assert provider._engine._server is None


def test_a_provider_that_never_answered_can_be_closed() -> None:
    """Closing does not load what was not needed, and may be done twice."""
    provider = LocalProvider()

    provider.close()
    provider.close()

    assert provider._engine._server is None


def test_an_answer_that_breaks_after_its_first_chunk_is_interrupted(make: Make, drive: Any) -> None:
    """Nobody may take it for a failure that can be tried again."""
    provider = make(context=8192)
    one = drive(provider)

    def break_it(_: Any) -> bool:
        for generation in provider._engine._running:
            generation._queue.put(BadRequestError("broken"))
        return False

    with pytest.raises(StreamInterruptedError, match="the stream broke: broken"):
        one.chat(stream=True, **ENDLESS, until=break_it)

    assert one.settled


# -- many at once --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parallel", [1, 3])
def test_many_threads_are_all_answered(make: Make, drive: Any, parallel: int) -> None:
    """The model is loaded once, and nobody gets another's answer."""
    provider = make(parallel=parallel)
    answers: list[Any] = [None] * 12

    def ask(number: int) -> None:
        answers[number] = drive(provider).chat(max_tokens=number + 1)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.usage.completion_tokens for answer in answers] == list(range(1, 13))
    assert len({answer.id for answer in answers}) == 12


def test_two_models_in_one_process(make: Make, drive: Any) -> None:
    """Freeing one leaves the other as it is."""
    first, second = make(), make(model_name="second")
    drive(first).chat()
    drive(second).chat()

    first.close()
    gc.collect()

    assert drive(second).chat().choices[0].message.content == REPLY
