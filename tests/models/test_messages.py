"""Messages of a request, and the message of a reply among them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from jackfield import wire
from jackfield.models import (
    UNSET,
    AssistantAudio,
    ChatCompletionAnnotation,
    ChatCompletionAudio,
    ChatCompletionMessageToolCall,
    ChatCompletionRequestAssistantMessage,
    ChatCompletionRequestUserMessage,
    ChatCompletionResponseMessage,
    CreateChatCompletionRequest,
    FunctionCall,
)

CALL = ChatCompletionMessageToolCall(id="c", function=FunctionCall(name="f", arguments="{}"), extra={"x_sig": "s"})
FULL = ChatCompletionResponseMessage(
    content="text",
    refusal="no",
    tool_calls=[CALL],
    annotations=[ChatCompletionAnnotation()],
    audio=ChatCompletionAudio(id="a", data="AAAA", transcript="t", expires_at=1),
    function_call=FunctionCall(name="g"),
    reasoning_content="hm",
    reasoning="hmm",
    extra={"reasoning_details": [1]},
)


def test_the_message_of_a_reply_becomes_an_assistant_message() -> None:
    """All that a backend may want back is kept, audio by its id, unknown fields too; annotations are not."""
    assert FULL.to_request_message() == ChatCompletionRequestAssistantMessage(
        content="text",
        refusal="no",
        tool_calls=[CALL],
        audio=AssistantAudio(id="a"),
        function_call=FunctionCall(name="g"),
        reasoning_content="hm",
        reasoning="hmm",
        extra={"reasoning_details": [1]},
    )


def test_what_a_reply_has_not_is_not_sent_back() -> None:
    """An answer of text alone goes back as role and content."""
    message = ChatCompletionResponseMessage(content="text", tool_calls=[])

    assert wire.to_dict(message.to_request_message()) == {"role": "assistant", "content": "text"}


def test_null_content_beside_tool_calls_is_sent_back_as_null() -> None:
    """Servers that look for the key find it."""
    message = ChatCompletionResponseMessage(tool_calls=[CALL]).to_request_message()

    assert message.content is None
    assert message.refusal is UNSET


@pytest.mark.parametrize("how", ["constructor", "evolve", "build_request"])
def test_a_reply_may_stand_in_the_history(how: str) -> None:
    """However a request is made, the message of a reply in it becomes an assistant message."""
    history: list[Any] = [ChatCompletionRequestUserMessage(content="hi"), FULL]
    if how == "constructor":
        request = CreateChatCompletionRequest(model="m", messages=history)
    elif how == "evolve":
        request = attrs.evolve(CreateChatCompletionRequest(model="m", messages=[]), messages=history)
    else:
        request = wire.build_request({"model": "m", "messages": history})

    assert request.messages == (history[0], FULL.to_request_message())


def test_messages_are_structured_alone() -> None:
    """Dicts, wire values and replies become messages, in order."""
    messages = wire.structure_messages([{"role": "user", "content": "hi"}, FULL])

    assert messages == (ChatCompletionRequestUserMessage(content="hi"), FULL.to_request_message())
