"""Answer: what ``llm`` is told of an answer, while it comes and when it is whole."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import llm
from llm.parts import StreamEvent
from llm.utils import simplify_usage_dict

from llm_jackfield import metadata
from llm_jackfield.failure import FailedError, line

if TYPE_CHECKING:
    from jackfield.models.chunks import CreateChatCompletionStreamResponse
    from jackfield.models.response import (
        ChatCompletionResponseMessage,
        CompletionUsage,
        CreateChatCompletionResponse,
    )

_CUT = {"length": "it was cut short at the limit of tokens", "content_filter": "the content filter cut it short"}


def piece(chunk: CreateChatCompletionStreamResponse) -> Iterator[StreamEvent]:
    """The thoughts and the text that a chunk brings. Tool calls are told when they are whole, see ``conclude``."""
    for choice in chunk.choices:
        if choice.index == 0:
            yield from _said(choice.delta)


def whole(answer: CreateChatCompletionResponse) -> Iterator[StreamEvent]:
    """The thoughts and the text of an answer that did not come in chunks."""
    for choice in answer.choices[:1]:
        yield from _said(choice.message)


def conclude(answer: CreateChatCompletionResponse, response: Any) -> Iterator[StreamEvent]:
    """The tool calls of a whole answer, and what has to come back with it; the response is told the rest.

    Args:
        answer: that has been told but for this.
        response: llm's own: it gets the calls to run, the tokens, the model that answered, and the answer for the log.

    Raises:
        FailedError: a tool call cannot be run, there is no answer, or no JSON where a schema was given.
    """
    from jackfield import to_dict

    if not answer.choices:
        raise FailedError("the backend answered without an answer: choices is empty")
    message = answer.choices[0].message
    if response.prompt.schema and not message.tool_calls:
        _check_json(message, answer.choices[0].finish_reason)
    calls = list(_calls(message.tool_calls or ()))
    for event, call in calls:
        response.add_tool_call(call)
        yield event
        yield StreamEvent("tool_call_args", json.dumps(call.arguments), tool_call_id=call.tool_call_id)
    if kept := metadata.of_message(message):
        yield StreamEvent("reasoning", "", provider_metadata=kept)
    usage = answer.usage
    if usage is not None:
        _count(usage, response)
        if not _thoughts(message) and _thought(usage):
            yield StreamEvent("reasoning", "", redacted=True)
    if model := _resolved(answer):
        response.set_resolved_model(model)
    response.response_json = _without_nulls(to_dict(answer))


def _check_json(message: ChatCompletionResponseMessage, reason: str | None) -> None:
    """Raise where a schema was given and the answer cannot be a value; whether it has its shape the backend sees to."""
    if message.refusal:
        raise FailedError(f"the model refused: {line(message.refusal)}")
    if reason in _CUT:
        raise FailedError(f"the answer is not whole: {_CUT[reason]}")
    try:
        json.loads(message.content or "")
    except ValueError as error:
        raise FailedError(f"the answer is no JSON, though a schema was given: {error}") from None


def _said(says: Any) -> Iterator[StreamEvent]:
    """What a message, or a piece of one, says; that the model refuses is the text then."""
    if thoughts := _thoughts(says):
        yield StreamEvent("reasoning", thoughts)
    if text := says.content or says.refusal:
        yield StreamEvent("text", text)


def _thoughts(says: Any) -> str | None:
    """Some servers give them twice."""
    return next((thoughts for field in metadata.THOUGHTS if (thoughts := getattr(says, field))), None)


def _calls(calls: Any) -> Iterator[tuple[StreamEvent, llm.ToolCall]]:
    seen = {""}
    for call in calls:
        function = getattr(call, "function", None)
        if function is None:
            raise FailedError(f"the model called a tool of the type {call.type!r}, which llm cannot run")
        # llm tells calls apart by it, so that two of one id would be one.
        identity = call.id if call.id not in seen else f"call_{uuid.uuid4().hex}"
        seen.add(identity)
        event = StreamEvent(
            "tool_call_name", function.name, tool_call_id=identity, provider_metadata=metadata.of_call(call)
        )
        arguments = _arguments(function.name, function.arguments)
        yield event, llm.ToolCall(name=function.name, arguments=arguments, tool_call_id=identity)


def _arguments(name: str, text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise FailedError(f"the model called the tool {name} with arguments that are no JSON: {error}") from None
    if not isinstance(value, dict):
        raise FailedError(f"the model called the tool {name} with arguments that are no JSON object")
    return value


def _count(usage: CompletionUsage, response: Any) -> None:
    from jackfield import to_dict

    counted = to_dict(usage)
    tokens = {name: counted.pop(name, None) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
    details = simplify_usage_dict(counted) or None  # type: ignore[no-untyped-call]  # llm does not annotate it
    response.set_usage(input=tokens["prompt_tokens"], output=tokens["completion_tokens"], details=details)


def _thought(usage: CompletionUsage) -> bool:
    """Whether the model thought, though it does not tell what."""
    details = usage.completion_tokens_details
    return details is not None and bool(details.reasoning_tokens)


def _resolved(answer: CreateChatCompletionResponse) -> str | None:
    """The backend that answered, and the model that it says it is."""
    attempts = answer.call.attempts if answer.call is not None else ()
    if not attempts:
        return answer.model or None
    return f"{attempts[-1].backend.name}/{answer.model or attempts[-1].model}"


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
