"""jackfield's clients and the Anthropic plugin against a real server: llama.cpp's own speaks the Messages API too."""

from __future__ import annotations

import asyncio
import gc
import json
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
    InternalServerError,
    NotFoundError,
    Secret,
    to_dict,
)
from jackfield.errors import UnsupportedParameterError
from jackfield.fold import fold
from system.asking import HELLO, Ask, ask_async, ask_sync, busy, stops
from system.llama import LlamaServer
from system.tiny_model import REPLY

pytestmark = pytest.mark.system


def tool(name: str, **parameters: Any) -> dict[str, Any]:
    """A function, all of whose parameters have to be given."""
    schema = {"type": "object", "properties": parameters, "required": list(parameters), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


ADD = tool("add", a={"type": "number"}, b={"type": "number"})
SLOW = tool("write", text={"type": "string", "pattern": f"^{'[a-z]*' * 100}[a-z]{{1900}}$"})
"""So ambiguous that each token of its argument takes the server a tenth of a second: 1900 of them take minutes."""


def configured(server: LlamaServer, **backend: Any) -> dict[str, Any]:
    """A configuration of one backend at the server."""
    settings = {"provider": "anthropic", "base_url": server.base_url, "max_tokens": 500, **backend}
    if server.api_key is not None:
        key = {"use": "header", "name": "x-api-key", "value": Secret.of(server.api_key)}
        settings.setdefault("middleware", [key])
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
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (
        whole.usage.prompt_tokens,
        whole.usage.completion_tokens,
    )
    assert to_dict(fold(chunks)) == to_dict(response)


def test_usage_that_is_asked_for_comes_by_itself(llama_server: LlamaServer, ask: Ask) -> None:
    """As OpenAI documents it."""
    _, chunks = ask(configured(llama_server), stream=True, stream_options={"include_usage": True})

    assert chunks[-1].choices == ()
    assert chunks[-1].usage.completion_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_limit_of_tokens_and_a_stop_end_the_answer(llama_server: LlamaServer, ask: Ask, stream: bool) -> None:
    """The finish reason tells which it was."""
    limited, _ = ask(configured(llama_server), max_completion_tokens=3, stream=stream)
    stopped, _ = ask(configured(llama_server), stop=["llama"], stream=stream)

    assert (limited.choices[0].finish_reason, limited.usage.completion_tokens) == ("length", 3)
    assert (stopped.choices[0].finish_reason, stopped.choices[0].message.content) == ("stop", "Hello from a tiny ")
    assert stopped.choices[0].extra["stop_sequence"] == "llama"


def test_instructions_count_wherever_they_stand(llama_server: LlamaServer, ask: Ask) -> None:
    """First ones, and later ones in a turn of their own."""
    system = {"role": "system", "content": "Be brief."}
    counts = [
        ask(configured(llama_server), messages=messages)[0].usage.prompt_tokens
        for messages in (HELLO, [system, *HELLO], [{"role": "developer", "content": "Be"}, *HELLO, system])
    ]

    assert counts == sorted(set(counts))


@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called_and_their_results_taken(llama_server: LlamaServer, ask: Ask, stream: bool) -> None:
    """The message of the first answer goes back as it came, with the tool's result."""
    response, _ = ask(configured(llama_server), tools=[ADD], stream=stream)
    message = response.choices[0].message
    (call,) = message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": "42"}
    after, _ = ask(configured(llama_server), tools=[ADD], messages=[*HELLO, message, result], stream=stream)

    assert response.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "add"
    assert json.loads(call.function.arguments).keys() == {"a", "b"}
    assert after.choices[0].message.content == REPLY


def test_results_of_parallel_calls_are_taken(llama_server: LlamaServer, ask: Ask) -> None:
    """With foreign ids, in one turn, and what the user says besides."""
    function = {"name": "add", "arguments": '{"a": 1, "b": 2}'}
    calls = [{"type": "function", "id": f"functions.add:{number}", "function": function} for number in (0, 1)]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "3"} for call in calls]
    messages = [*HELLO, {"role": "assistant", "content": None, "tool_calls": calls}, *results]

    response, _ = ask(configured(llama_server), tools=[ADD], messages=[*messages, *HELLO])

    assert response.choices[0].message.content == REPLY


@pytest.mark.parametrize("stream", [False, True])
def test_a_json_schema_is_kept_by_a_tool(llama_server: LlamaServer, ask: Ask, stream: bool) -> None:
    """The server passes over ``output_config``, but not over the arguments of a tool."""
    schema = tool("x", colour={"enum": ["red", "blue"]})["function"]["parameters"]
    form = {"type": "json_schema", "json_schema": {"name": "c", "schema": schema}}

    response, _ = ask(configured(llama_server, json_by="tool"), response_format=form, stream=stream)

    assert json.loads(response.choices[0].message.content)["colour"] in {"red", "blue"}
    assert response.choices[0].finish_reason == "stop"


def test_a_conversation_goes_on(llama_server: LlamaServer, ask: Ask) -> None:
    """In any writing, and with what was answered."""
    first, _ = ask(configured(llama_server), messages=[{"role": "user", "content": "Grüße, 世界 👋"}])
    history = [*HELLO, first.choices[0].message, {"role": "user", "content": "Und?"}]

    second, _ = ask(configured(llama_server), messages=history)

    assert second.choices[0].message.content == REPLY
    assert second.usage.prompt_tokens > first.usage.prompt_tokens


def test_models_are_listed_under_the_names_that_a_call_takes(llama_server: LlamaServer) -> None:
    """By both clients."""

    async def names() -> list[str]:
        async with AsyncClient(configured(llama_server)) as client:
            return [model.id for model in await client.list_models()]

    with Client(configured(llama_server)) as client:
        assert [model.id for model in client.list_models()] == ["llama/tiny"]
    assert asyncio.run(names()) == ["llama/tiny"]


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_that_the_server_refuses_is_a_bad_request(llama_server: LlamaServer, ask: Ask, stream: bool) -> None:
    """With the server's own words, and the ledger."""
    with pytest.raises(BadRequestError, match="temperature") as caught:
        ask(configured(llama_server), stream=stream, extra_body={"temperature": "hot"})

    error = caught.value
    assert (error.status_code, error.type, error.backend, error.stage) == (
        400,
        "invalid_request_error",
        "llama",
        "answered",
    )
    assert [attempt.outcome for attempt in error.attempts] == ["error"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_does_not_fit_the_context_is_named_so(llama_server: LlamaServer, ask: Ask, stream: bool) -> None:
    """A host can shorten its prompt and try again."""
    with pytest.raises(ContextLengthExceededError):
        ask(configured(llama_server), stream=stream, messages=[{"role": "user", "content": "hello " * 2000}])


@pytest.mark.parametrize("stream", [False, True])
def test_an_image_that_the_model_cannot_see_is_told_of(llama_server: LlamaServer, ask: Ask, stream: bool) -> None:
    """It arrives, so the server can say that it takes none."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    with pytest.raises(InternalServerError, match="image input is not supported"):
        ask(configured(llama_server), stream=stream, messages=[{"role": "user", "content": [image]}])


def test_a_path_that_is_none_is_not_found(llama_server: LlamaServer, ask: Ask) -> None:
    """The base URL ends with the version."""
    with pytest.raises(NotFoundError, match="File Not Found"):
        ask(configured(llama_server, base_url=f"{llama_server.base_url}/v1"))


@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_key_is_refused_and_never_shown(llama_server_with_key: LlamaServer, ask: Ask, stream: bool) -> None:
    """The right one is taken; the wrong one is in no part of the error."""
    wrong = "sk-wrong-key-0123456789"
    header = [{"use": "header", "name": "x-api-key", "value": Secret.of(wrong)}]

    with pytest.raises(AuthenticationError) as caught:
        ask(configured(llama_server_with_key, middleware=header), stream=stream)
    response, _ = ask(configured(llama_server_with_key), stream=stream)

    assert caught.value.status_code == 401
    assert wrong not in f"{caught.value!r} {vars(caught.value)}"
    assert response.choices[0].message.content == REPLY


def test_what_cannot_be_said_is_refused_or_left_out(llama_server: LlamaServer, ask: Ask) -> None:
    """Nothing is sent, or the attempt tells."""
    with pytest.raises(UnsupportedParameterError, match=r"^seed: .*set on_unsupported to drop it") as caught:
        ask(configured(llama_server), seed=7)
    response, _ = ask(configured(llama_server, on_unsupported="drop"), seed=7)

    assert caught.value.attempts[0].exchanges == 0
    assert response.call.attempts[0].dropped == ("seed",)
    assert response.choices[0].message.content == REPLY


# -- cancelling ------------------------------------------------------------------------------------------------------


def begin(client: Client) -> jackfield.ChatStream:
    """A stream of minutes, of which something has come."""
    stream = client.create_chat_completion(messages=HELLO, tools=[SLOW], stream=True, max_tokens=3900)
    next(stream)
    return stream


@pytest.mark.parametrize("how", ["closed", "dropped", "client"])
def test_a_stream_that_the_host_leaves_stops_the_server(llama_server: LlamaServer, how: str) -> None:
    """No tokens are made, and paid for, that nobody reads; the client goes on, unless it was closed itself."""
    client = Client(configured(llama_server))
    stream = begin(client)
    call, generated = stream.call, busy(llama_server)
    if how == "closed":
        stream.close()
    elif how == "client":
        client.close()
    del stream
    gc.collect()

    assert generated
    assert stops(llama_server)
    assert call.attempts[0].outcome == "cancelled"
    if how != "client":
        assert client.create_chat_completion(messages=HELLO, temperature=0).choices[0].message.content == REPLY
    client.close()


@pytest.mark.parametrize("stream", [False, True])
def test_a_deadline_stops_the_server(llama_server: LlamaServer, ask: Ask, stream: bool) -> None:
    """In the middle of an answer, with both clients."""
    with pytest.raises(DeadlineExceededError):
        ask(configured(llama_server), stream=stream, timeout=1.0, tools=[SLOW], max_tokens=3900)

    assert stops(llama_server)


def test_a_task_that_is_cancelled_stops_the_server(llama_server: LlamaServer) -> None:
    """The host's cancellation arrives unchanged, and the connection is closed."""

    async def cancelled() -> bool:
        async with AsyncClient(configured(llama_server)) as client:
            begun = asyncio.Event()

            async def read() -> None:
                fields: dict[str, Any] = {"messages": HELLO, "tools": [SLOW], "max_tokens": 3900}
                async with client.create_chat_completion(**fields, stream=True) as stream:
                    async for _ in stream:
                        begun.set()

            task = asyncio.create_task(read())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await asyncio.to_thread(stops, llama_server)

    assert asyncio.run(cancelled())
