"""Response: a whole GenerateContentResponse as a response of chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.errors import InvalidResponseError
from jackfield.models.response import (
    ChatCompletionAudio,
    ChatCompletionChoice,
    ChatCompletionResponseMessage,
    CreateChatCompletionResponse,
)
from jackfield.models.toolcalls import ChatCompletionMessageToolCall, FunctionCall
from jackfield.pieces import joined_base64
from jackfield_gemini.answer import Answer
from jackfield_gemini.choice import Added, Call, Choice
from jackfield_gemini.ending import check_answer, check_prompt
from jackfield_gemini.logprobs import logprobs
from jackfield_gemini.usage import usage


def response(answer: Answer) -> CreateChatCompletionResponse:
    """The response that an answer tells.

    Raises:
        ContentFilterError: the prompt was blocked, or nothing of the answer was let through.
        InvalidResponseError: the service itself calls the answer broken, or a choice has not ended, as in a stream.
        ValidationError: a call of a function is none.
    """
    check_prompt(answer.feedback, answer.id)
    choices, endings, whole = [], [], True
    for place, candidate in enumerate(answer.candidates):
        index = candidate.get("index")
        choice = Choice(place if index is None else index)
        added = choice.take(candidate, answer.id)
        endings.append(choice.ending)
        whole = whole and choice.ended
        choices.append(_choice(choice, added, candidate))
    check_answer(endings, answer.id)
    if not whole:
        text = "the answer is not whole: the service does not tell why it ended, or ended it before its code was run"
        raise InvalidResponseError(text, request_id=answer.id or None)
    return CreateChatCompletionResponse(
        id=answer.id,
        created=answer.created,
        model=answer.model,
        choices=choices,
        usage=usage(answer.usage),
        service_tier=answer.usage.get("serviceTier"),
        extra=answer.extra,
    )


def _choice(choice: Choice, added: Added, candidate: Mapping[str, Any]) -> ChatCompletionChoice:
    message = ChatCompletionResponseMessage(
        content=added.text or None,
        reasoning_content=added.thoughts or None,
        audio=ChatCompletionAudio(data=joined_base64(added.audio), extra=added.sound) if added.audio else None,
        tool_calls=[_call(call) for call in added.calls] or None,
        extra=choice.told,
    )
    return ChatCompletionChoice(
        index=choice.index,
        message=message,
        logprobs=logprobs(candidate.get("logprobsResult")),
        finish_reason=choice.ending.finish_reason or None,
        extra=choice.extra,
    )


def _call(call: Call) -> ChatCompletionMessageToolCall:
    function = FunctionCall(name=call.name, arguments=call.arguments)
    return ChatCompletionMessageToolCall(id=call.id, function=function, extra=call.extra)
