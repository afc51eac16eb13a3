"""What a type checker makes of the public face. It is checked by mypy, and never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

import attrs

import jackfield
from jackfield.models import (
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse,
    Model,
)

MESSAGES = [{"role": "user", "content": "Hello"}]


def whole(client: jackfield.Client, request: CreateChatCompletionRequest, maybe: bool) -> None:
    """The result's type follows ``stream``."""
    assert_type(client.create_chat_completion(messages=MESSAGES), CreateChatCompletionResponse)
    assert_type(client.create_chat_completion(messages=MESSAGES, stream=False), CreateChatCompletionResponse)
    assert_type(client.create_chat_completion(messages=MESSAGES, stream=True), jackfield.ChatStream)
    assert_type(
        client.create_chat_completion(messages=MESSAGES, stream=maybe),
        CreateChatCompletionResponse | jackfield.ChatStream,
    )
    assert_type(client.create_chat_completion(request, timeout=3.0), CreateChatCompletionResponse)
    assert_type(client.create_chat_completion(request, stream=True), jackfield.ChatStream)
    assert_type(client.list_models(), list[Model])


def fields(client: jackfield.Client) -> None:
    """A response is typed to its leaves; wrong types of parameters are found."""
    response = client.create_chat_completion(
        messages=MESSAGES, model="a/b", temperature=0.2, labels={"tenant": "x"}, extra_body={"top_k": 3}
    )
    assert_type(response.choices[0].message.content, str | None)
    client.create_chat_completion(messages=MESSAGES, temperature="hot")  # type: ignore[call-overload]  # the test
    client.create_chat_completion(messages=MESSAGES, temprature=0.2)  # type: ignore[call-overload]  # the test


def chunks(client: jackfield.Client) -> None:
    """A stream gives chunks, and then the response."""
    with client.create_chat_completion(messages=MESSAGES, stream=True) as stream:
        iterator: Iterator[CreateChatCompletionStreamResponse] = iter(stream)
        for chunk in iterator:
            assert_type(chunk, CreateChatCompletionStreamResponse)
            assert_type(chunk.choices[0].delta.content, str | None)
        assert_type(stream.response, CreateChatCompletionResponse)
        assert_type(stream.call, jackfield.Call)


async def asynchronous(client: jackfield.AsyncClient) -> None:
    """The same with ``await``."""
    async with client:
        assert_type(await client.create_chat_completion(messages=MESSAGES), CreateChatCompletionResponse)
        assert_type(await client.create_chat_completion(messages=MESSAGES, stream=True), jackfield.AsyncChatStream)
        assert_type(await client.list_models(), list[Model])
        async with client.create_chat_completion(messages=MESSAGES, stream=True) as stream:
            iterator: AsyncIterator[CreateChatCompletionStreamResponse] = aiter(stream)
            async for chunk in iterator:
                assert_type(chunk.choices[0].finish_reason, str | None)
            assert_type(stream.response, CreateChatCompletionResponse)


@attrs.define(eq=False)
class Middleware:
    """A hook of a middleware can be annotated."""

    @jackfield.hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: jackfield.Call
    ) -> jackfield.Flow[CreateChatCompletionResponse]:
        """Pass through, and let time pass."""
        yield jackfield.Sleep(1.0)
        response: CreateChatCompletionResponse = yield request
        return response


def errors(error: jackfield.APIError) -> None:
    """What an error carries is typed."""
    assert_type(error.status_code, int | None)
    assert_type(error.attempts, tuple[jackfield.Attempt, ...])
