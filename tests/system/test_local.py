"""The embedded model through jackfield's clients: a real answer without a key, a service or a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from jackfield import AsyncClient, Client, ConfigError, DeadlineExceededError, NotFoundError

pytestmark = pytest.mark.system

CONFIG: dict[str, Any] = {"default_model": "local/smollm2", "backends": {"local": {"provider": "local"}}}
PARIS = [{"role": "user", "content": "What is the capital of France?"}]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A client of the embedded model, which is fetched on first use."""
    fetch = pytest.importorskip("jackfield_local.fetch")
    try:
        fetch.model_file()
    except ConfigError as error:
        pytest.skip(str(error))
    with Client(CONFIG) as client:
        yield client


def test_it_answers(client: Client) -> None:
    """A fact that even a small model knows, and what it took."""
    response = client.create_chat_completion(messages=PARIS)

    assert "Paris" in (response.choices[0].message.content or "")
    assert response.choices[0].finish_reason == "stop"
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.prompt_tokens + response.usage.completion_tokens
    assert response.call is not None
    assert [attempt.outcome for attempt in response.call.attempts] == ["success"]


def test_it_streams_what_it_answers(client: Client) -> None:
    """Token by token, and the same text, for nothing is drawn by chance."""
    whole = client.create_chat_completion(messages=PARIS)

    with client.create_chat_completion(messages=PARIS, stream=True) as stream:
        texts = [choice.delta.content for chunk in stream for choice in chunk.choices if choice.delta.content]

    assert len(texts) > 3
    assert "".join(texts) == whole.choices[0].message.content == stream.response.choices[0].message.content
    assert stream.response.usage == whole.usage


def test_it_keeps_a_json_schema(client: Client) -> None:
    """By grammar, so that the smallest model can be used by programs."""
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}},
        "required": ["city"],
        "additionalProperties": False,
    }
    form: dict[str, Any] = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}

    response = client.create_chat_completion(messages=PARIS, response_format=form)

    assert json.loads(response.choices[0].message.content or "").keys() == {"city"}


def test_it_goes_on_after_a_stream_was_closed_or_a_deadline_passed(client: Client) -> None:
    """The one engine is free again for the next call."""
    with client.create_chat_completion(messages=PARIS, stream=True) as stream:
        next(stream)
    with pytest.raises(DeadlineExceededError):
        client.create_chat_completion(messages=PARIS, max_tokens=500, timeout=0.3, extra_body={"ignore_eos": True})

    response = client.create_chat_completion(messages=PARIS)

    assert stream.call.attempts[0].outcome == "cancelled"
    assert "Paris" in (response.choices[0].message.content or "")


def test_its_one_model_is_listed_and_no_other_answered(client: Client) -> None:
    """A name that it does not have is told, not taken for the one that it has."""
    assert [model.id for model in client.list_models()] == ["local/smollm2"]
    with pytest.raises(NotFoundError, match="smollm2"):
        client.create_chat_completion(messages=PARIS, model="local/gpt-5.4-mini")


def test_it_answers_tasks_whole_and_streamed(client: Client) -> None:
    """The asynchronous client; the event loop runs on while the model works."""
    expected = client.create_chat_completion(messages=PARIS).choices[0].message.content

    async def both() -> tuple[str | None, str | None]:
        async with AsyncClient(CONFIG) as asynchronous:

            async def streamed() -> str | None:
                async with asynchronous.create_chat_completion(messages=PARIS, stream=True) as stream:
                    async for _ in stream:
                        pass
                return stream.response.choices[0].message.content

            response, text = await asyncio.gather(asynchronous.create_chat_completion(messages=PARIS), streamed())
            return response.choices[0].message.content, text

    assert asyncio.run(both()) == (expected, expected)


def test_a_conversation_goes_on_with_the_models_own_message(client: Client) -> None:
    """Its answer goes back to it as the message it gave, and is a part of the next prompt."""
    first = client.create_chat_completion(messages=PARIS)
    message = first.choices[0].message

    second = client.create_chat_completion(
        messages=[*PARIS, message, {"role": "user", "content": "Name one more city in France."}]
    )

    assert second.choices[0].message.content
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.prompt_tokens > first.usage.prompt_tokens + first.usage.completion_tokens
