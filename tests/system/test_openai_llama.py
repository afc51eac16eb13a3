"""jackfield's clients and the OpenAI plugin against a real server: llama.cpp's own, with a model of a few tokens."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from typing import Any

import pytest

import jackfield
from jackfield import (
    AsyncClient,
    AuthenticationError,
    BadRequestError,
    Client,
    ContextLengthExceededError,
    DeadlineExceededError,
    Secret,
    to_dict,
)
from jackfield.fold import fold
from system.asking import HELLO, Ask, ask_async, ask_sync, busy, stops
from system.llama import LlamaServer
from system.tiny_model import REPLY

pytestmark = pytest.mark.system

ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    },
}
SLOW = {"ignore_eos": True, "grammar": f"root ::= ({' '.join(['[a-z]*'] * 200)})"}
"""A grammar so ambiguous that each token takes the server a tenth of a second: 3900 of them take minutes."""


def configured(server: LlamaServer, **backend: Any) -> dict[str, Any]:
    """A configuration of one backend at the server."""
    settings = {"provider": "openai", "base_url": server.base_url, **backend}
    if server.api_key is not None:
        settings.setdefault("middleware", [{"use": "bearer", "token": Secret.of(server.api_key)}])
    return {"default_model": f"llama/{server.model}", "backends": {"llama": settings}}


@pytest.fixture(params=[ask_sync, ask_async], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Asks by either client."""
    asking: Ask = request.param
    return asking


# -- answers ---------------------------------------------------------------------------------------------------------


def test_a_chat_is_answered_with_usage_and_a_ledger(llama_server: LlamaServer, ask: Ask) -> None:
    """The model's sentence, the server's count of tokens, and what it took."""
    response, _ = ask(configured(llama_server))

    (attempt,) = response.call.attempts
    assert response.choices[0].message.content == REPLY
    assert response.choices[0].finish_reason == "stop"
    assert response.usage.total_tokens == response.usage.prompt_tokens + response.usage.completion_tokens > 0
    assert (attempt.outcome, attempt.status_code, attempt.model) == ("success", 200, "tiny")
    assert attempt.usage == response.usage


def test_a_stream_gives_the_same_answer_in_pieces(llama_server: LlamaServer, ask: Ask) -> None:
    """The deltas are the sentence; usage comes though the host did not ask; every chunk has a choice."""
    whole, _ = ask(configured(llama_server))

    response, chunks = ask(configured(llama_server), stream=True)

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == REPLY
    assert len([chunk for chunk in chunks if chunk.choices[0].delta.content]) > 5
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert response.choices[0].message.content == REPLY
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (
        whole.usage.prompt_tokens,
        whole.usage.completion_tokens,
    )
    assert response.call.attempts[0].first_chunk > 0


def test_usage_that_the_host_asked_for_is_a_chunk_of_its_own(llama_server: LlamaServer, ask: Ask) -> None:
    """As OpenAI's documentation has it, with the plugin leaving the host's options alone."""
    _, chunks = ask(configured(llama_server), stream=True, stream_options={"include_usage": True})

    assert chunks[-1].choices == ()
    assert chunks[-1].usage.completion_tokens > 0


def test_usage_is_not_asked_for_where_that_is_switched_off(llama_server: LlamaServer, ask: Ask) -> None:
    """For servers that refuse the option."""
    response, chunks = ask(configured(llama_server, include_usage=False), stream=True)

    assert response.choices[0].message.content == REPLY
    assert all(not chunk.usage for chunk in chunks)


def test_a_limit_of_tokens_ends_the_answer_and_says_so(llama_server: LlamaServer, ask: Ask) -> None:
    """The finish reason tells that there would have been more."""
    response, _ = ask(configured(llama_server), max_tokens=3)

    assert response.choices[0].finish_reason == "length"
    assert response.usage.completion_tokens == 3


def test_tools_are_called_and_their_results_taken(llama_server: LlamaServer, ask: Ask) -> None:
    """The message of the first answer goes back as it came, with the tool's result; whole and streamed."""
    whole, _ = ask(configured(llama_server), tools=[ADD])
    streamed, _ = ask(configured(llama_server), tools=[ADD], stream=True)

    for response in (whole, streamed):
        message = response.choices[0].message
        (call,) = message.tool_calls
        result = {"role": "tool", "tool_call_id": call.id, "content": "42"}
        after, _ = ask(configured(llama_server), tools=[ADD], messages=[*HELLO, message, result])
        assert response.choices[0].finish_reason == "tool_calls"
        assert call.function.name == "add"
        assert json.loads(call.function.arguments).keys() == {"a", "b"}
        assert after.choices[0].message.content == REPLY


def test_a_json_schema_is_kept(llama_server: LlamaServer, ask: Ask) -> None:
    """The answer fits the schema; no other text is possible."""
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "blue"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "c", "schema": schema}}

    for stream in (False, True):
        response, _ = ask(configured(llama_server), response_format=form, stream=stream)
        assert json.loads(response.choices[0].message.content)["colour"] in {"red", "blue"}


def test_the_chunks_fold_to_the_response(llama_server: LlamaServer, ask: Ask) -> None:
    """What a host assembles itself is what ``stream.response`` is."""
    response, chunks = ask(configured(llama_server), stream=True)

    assert to_dict(fold(chunks)) == to_dict(response)


def test_models_are_listed_under_the_names_that_a_call_takes(llama_server: LlamaServer) -> None:
    """Both clients; the first of them answers."""

    async def names() -> list[str]:
        async with AsyncClient(configured(llama_server)) as client:
            return [model.id for model in await client.list_models()]

    with Client(configured(llama_server)) as client:
        (model,) = client.list_models()
        response = client.create_chat_completion(messages=HELLO, model=model.id, max_tokens=1)

    assert model.id == "llama/tiny"
    assert response.usage is not None
    assert asyncio.run(names()) == ["llama/tiny"]


def test_one_client_answers_many_threads(llama_server: LlamaServer) -> None:
    """More calls than the server has slots; each gets its own answer."""
    texts: list[str | None] = []
    with Client(configured(llama_server)) as client:

        def call() -> None:
            response = client.create_chat_completion(messages=HELLO, temperature=0)
            texts.append(response.choices[0].message.content)

        threads = [threading.Thread(target=call) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert texts == [REPLY] * 12


def test_one_client_answers_many_tasks(llama_server: LlamaServer) -> None:
    """The same, by streams of the asynchronous client."""

    async def all_of_them() -> list[str | None]:
        async with AsyncClient(configured(llama_server)) as client:

            async def one() -> str | None:
                async with client.create_chat_completion(messages=HELLO, temperature=0, stream=True) as stream:
                    async for _ in stream:
                        pass
                return stream.response.choices[0].message.content

            return await asyncio.gather(*(one() for _ in range(12)))

    assert asyncio.run(all_of_them()) == [REPLY] * 12


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_that_the_server_refuses_is_a_bad_request(llama_server: LlamaServer, ask: Ask, stream: bool) -> None:
    """With the server's own words, and the ledger."""
    with pytest.raises(BadRequestError, match="temperature") as caught:
        ask(configured(llama_server), stream=stream, extra_body={"temperature": "hot"})

    error = caught.value
    assert (error.status_code, error.backend, error.model, error.stage) == (400, "llama", "tiny", "answered")
    assert [attempt.outcome for attempt in error.attempts] == ["error"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_does_not_fit_the_context_is_named_so(llama_server: LlamaServer, ask: Ask, stream: bool) -> None:
    """A host can shorten its prompt and try again."""
    with pytest.raises(ContextLengthExceededError):
        ask(configured(llama_server), stream=stream, messages=[{"role": "user", "content": "hello " * 2000}])


@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_key_is_refused_and_never_shown(llama_server_with_key: LlamaServer, ask: Ask, stream: bool) -> None:
    """The right one is taken; the wrong one is in no part of the error."""
    wrong = "sk-wrong-key-0123456789"
    bearer = [{"use": "bearer", "token": Secret.of(wrong)}]

    with pytest.raises(AuthenticationError) as caught:
        ask(configured(llama_server_with_key, middleware=bearer), stream=stream)
    response, _ = ask(configured(llama_server_with_key), stream=stream)

    assert caught.value.status_code == 401
    assert wrong not in f"{caught.value!r} {vars(caught.value)}"
    assert response.choices[0].message.content == REPLY


# -- cancelling ------------------------------------------------------------------------------------------------------


def begin(client: Client) -> jackfield.ChatStream:
    """A stream of minutes, of which something has come."""
    stream = client.create_chat_completion(messages=HELLO, stream=True, max_tokens=3900, extra_body=SLOW)
    next(stream)
    return stream


def test_a_stream_that_is_closed_stops_the_server(llama_server: LlamaServer) -> None:
    """No tokens are made, and paid for, that nobody reads."""
    with Client(configured(llama_server)) as client:
        stream = begin(client)
        generated = busy(llama_server)
        stream.close()

        assert generated
        assert stops(llama_server)
        assert stream.call.attempts[0].outcome == "cancelled"


def test_a_stream_that_is_dropped_stops_the_server(llama_server: LlamaServer) -> None:
    """A host that forgets to close it."""
    with Client(configured(llama_server)) as client:
        stream = begin(client)
        call = stream.call
        del stream
        gc.collect()

        assert stops(llama_server)
        assert call.attempts[0].outcome == "cancelled"


def test_a_client_that_is_closed_stops_the_server(llama_server: LlamaServer) -> None:
    """All its calls are taken down."""
    client = Client(configured(llama_server))
    begin(client)

    client.close()

    assert stops(llama_server)


@pytest.mark.parametrize("stream", [False, True])
def test_a_deadline_stops_the_server(llama_server: LlamaServer, ask: Ask, stream: bool) -> None:
    """In the middle of an answer, with both clients."""
    with pytest.raises(DeadlineExceededError):
        ask(configured(llama_server), stream=stream, timeout=1.0, max_tokens=3900, extra_body=SLOW)

    assert stops(llama_server)


def test_a_task_that_is_cancelled_stops_the_server(llama_server: LlamaServer) -> None:
    """The host's cancellation arrives unchanged, and the connection is closed."""

    async def cancelled() -> bool:
        async with AsyncClient(configured(llama_server)) as client:
            begun = asyncio.Event()

            async def read() -> None:
                async with client.create_chat_completion(
                    messages=HELLO, stream=True, max_tokens=3900, extra_body=SLOW
                ) as stream:
                    async for _ in stream:
                        begun.set()

            task = asyncio.create_task(read())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await asyncio.to_thread(stops, llama_server)

    assert asyncio.run(cancelled())


def test_after_a_stream_was_closed_the_client_goes_on(llama_server: LlamaServer) -> None:
    """A cancelled call spoils no connection for the next."""
    with Client(configured(llama_server)) as client:
        begin(client).close()

        response = client.create_chat_completion(messages=HELLO, temperature=0)

    assert response.choices[0].message.content == REPLY
