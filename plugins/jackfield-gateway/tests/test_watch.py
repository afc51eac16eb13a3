"""The gateway's own layer, in front of real clients: what is taken down of each end that a call may come to."""

from __future__ import annotations

import asyncio
import gc
import weakref

import attrs
import pytest

import jackfield
from jackfield import hookimpl
from jackfield.errors import BadRequestError, InternalServerError, NotFoundError, StreamInterruptedError
from jackfield.models import CreateChatCompletionRequest
from jackfield.testing import Echo, plan, run_call
from jackfield.testing.faults import FaultServer
from jackfield.wire import from_dict
from jackfield_gateway.record import MESSAGE, NAME
from jackfield_gateway.watch import Watch

WORD = "a word that is mine"
MESSAGES = [{"role": "user", "content": WORD}]


def behind(service: FaultServer, **more):
    """A configuration with that service as the backend ``b``."""
    return {"backends": {"b": {"provider": "openai", "base_url": service.url}}, **more}


def take(books, asynchronous, model, *, stream, close_after=None):
    """Make a call to its end, whatever that is; a stream is closed after so many chunks."""
    fields = {"model": model, "messages": MESSAGES}

    async def one():
        async with books.client(jackfield.AsyncClient) as client:
            if not stream:
                await client.create_chat_completion(**fields)
                return
            async with client.create_chat_completion(**fields, stream=True) as chunks:
                taken = 0
                async for _ in chunks:
                    taken += 1
                    if taken == close_after:
                        return

    if asynchronous:
        asyncio.run(one())
        return
    with books.client() as client:
        if not stream:
            client.create_chat_completion(**fields)
            return
        with client.create_chat_completion(**fields, stream=True) as chunks:
            for taken, _ in enumerate(chunks, start=1):
                if taken == close_after:
                    return


both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
whole_and_streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@both
@whole_and_streamed
def test_an_answer_is_taken_down(watched, asynchronous, stream):
    """With its attempt, its span and its tokens, whole or streamed, from both clients."""
    books = watched()
    take(books, asynchronous, "echo/any", stream=stream)
    told = books.told()
    assert (told["state"], told["stream"], told["error"], told["model"]) == ("success", stream, None, "echo/any")
    (attempt,) = told["attempts"]
    assert (attempt["number"], attempt["backend"], attempt["outcome"]) == (1, "echo", "success")
    assert (told["first_chunk"] is not None) is stream
    assert told["usage"]["total_tokens"] > 0
    assert [span["kind"] for span in told["spans"]] == ["provider"]


@both
@whole_and_streamed
def test_a_failure_is_taken_down_with_both_attempts(watched, service, asynchronous, stream):
    """And with the wait between them."""
    retry = {"use": "retry", "max_attempts": 2}
    books = watched(behind(service, middleware=[retry]))
    with pytest.raises(InternalServerError):
        take(books, asynchronous, "b/status?code=503&retry-after-ms=1", stream=stream)
    told = books.told()
    assert (told["state"], told["error"]["type"], told["error"]["status"]) == ("error", "InternalServerError", 503)
    first, second = told["attempts"]
    assert (first["number"], second["number"], first["wait"]) == (1, 2, 0)
    assert second["wait"] > 0
    assert 'attempts_total{backend="b",outcome="error"} 2' in books.exposed


@both
def test_a_stream_that_was_cut_is_an_error(watched, service, asynchronous):
    """It had a first chunk, and is no success."""
    books = watched(behind(service))
    with pytest.raises(StreamInterruptedError):
        take(books, asynchronous, "b/cut", stream=True)
    told = books.told()
    assert (told["state"], told["error"]["type"]) == ("error", "StreamInterruptedError")
    assert told["first_chunk"] is not None


@both
def test_a_stream_that_was_closed_is_cancelled(watched, asynchronous):
    """Neither a success nor an error."""
    books = watched()
    take(books, asynchronous, "echo/any", stream=True, close_after=1)
    told = books.told()
    assert (told["state"], told["error"], told["attempts"][0]["outcome"]) == ("cancelled", None, "cancelled")
    assert 'outcome="cancelled"} 1' in books.exposed


@pytest.mark.parametrize("close_after", [None, 3], ids=["to its end", "closed"])
def test_what_had_arrived_of_a_stream_is_content(watched, close_after):
    """It is kept where content is; what had arrived of a stream that was closed, too."""
    for content in (False, True):
        books = watched(content=content)
        take(books, False, "echo/any", stream=True, close_after=close_after)
        told = books.told()
        assert (told["request"] is not None) is content
        assert (told["response"] is not None) is content
        assert "request" not in books.told(whole=False)
    assert told["request"]["messages"][0]["content"] == WORD
    arrived = told["response"]["choices"][0]["message"]["content"]
    assert arrived
    assert WORD.startswith(arrived.strip())


@whole_and_streamed
def test_nothing_of_a_call_is_held_after_it(watched, stream):
    """What layers keep for a call, and what had arrived of a stream, go with the call."""
    books, kept = watched({"middleware": [{"use": "hoard"}], "backends": {"echo": {"provider": "echo"}}}), []

    class Prompt:
        """Something that a layer keeps."""

    @attrs.define(eq=False)
    class Hoard:
        """Keeps something for the call."""

        @hookimpl
        def wrap_chat_completion(self, request, call):
            call.state[self] = prompt = Prompt()
            kept.append(weakref.ref(prompt))
            del prompt
            return (yield request)

    with books.client(hoard=Hoard) as client:
        answer = client.create_chat_completion(model="echo/any", messages=MESSAGES, stream=stream)
        for _ in answer if stream else ():
            pass
        del answer
    gc.collect()
    assert [one() for one in kept] == [None]
    assert books.told()["state"] == "success"


def test_names_and_texts_from_outside_are_cut(watched):
    """A client may give a name of a model of the size of a whole body."""
    books = watched({"backends": {"echo": {"provider": "echo"}, "b": {"provider": "echo"}}})
    take(books, False, "echo/" + "x" * 100_000, stream=False)
    with pytest.raises(NotFoundError):
        take(books, False, "y" * 100_000, stream=False)
    failed, answered = [record.shown({}, whole=True) for record in books.recorder.newest()]
    assert len(answered["model"]) == len(answered["attempts"][0]["model"]) == len(failed["model"]) == NAME
    assert len(failed["error"]["message"]) <= MESSAGE
    assert len(str([failed, answered])) < 5000


def test_messages_of_services_are_cut(watched, service):
    """They may be long, and repeat what was asked."""
    books = watched(behind(service))
    with pytest.raises(BadRequestError):
        take(books, False, f"b/status?code=400&message={'x' * 5000}", stream=False)
    told = books.told()
    assert len(told["error"]["message"]) == MESSAGE
    assert len(told["attempts"][0]["error"]) == MESSAGE


def test_a_list_of_spans_that_is_there_already_is_used(watched):
    """Another layer of the host may have put it there, and looks into it later."""
    seen = []

    @attrs.define(eq=False)
    class Other:
        @hookimpl
        def wrap_chat_completion(self, request, call):
            call.trace = seen
            return (yield request)

    books = watched()
    request = from_dict({"model": "m", "messages": MESSAGES}, CreateChatCompletionRequest)
    run_call(plan(Echo(), middleware=[Other(), Watch(books.recorder, books.metrics)]), request)
    assert "provider" in [span.kind for span in seen]
