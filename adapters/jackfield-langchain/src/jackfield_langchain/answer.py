"""Answer: what a backend answered, as LangChain's messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, InvalidToolCall, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult

from jackfield.models.toolcalls import ChatCompletionMessageCustomToolCall, ChatCompletionMessageToolCall
from jackfield.wire import to_dict
from jackfield_langchain.request import CUSTOM_ARGUMENT, PROVIDER, THOUGHTS
from jackfield_langchain.usage import usage_metadata

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.models.response import (
        ChatCompletionChoice,
        ChatCompletionResponseMessage,
        CreateChatCompletionResponse,
    )


def chat_result(response: CreateChatCompletionResponse) -> ChatResult:
    """All answers of a response; ``llm_output`` tells what is of the response as a whole."""
    usage = usage_metadata(response.usage)
    generations = [
        ChatGeneration(
            message=_message(choice.message, usage if index == 0 else None), generation_info=_info(response, choice)
        )
        for index, choice in enumerate(response.choices)
    ]
    output: dict[str, Any] = metadata(response, response.call)
    if usage is not None:
        output["token_usage"] = to_dict(response.usage) if response.usage is not None else {}
    return ChatResult(generations=generations, llm_output=output)


def metadata(response: CreateChatCompletionResponse, call: Call | None) -> dict[str, Any]:
    """What ``response_metadata`` tells of an answer but for why it ended."""
    attempt = None if call is None else call.attempt
    told = {
        "model_provider": PROVIDER,
        "model_name": response.model,
        "id": response.id,
        "system_fingerprint": response.system_fingerprint,
        "service_tier": response.service_tier,
        "backend": None if attempt is None else attempt.backend.name,
        "request_id": None if attempt is None else attempt.request_id,
        "attempts": None if call is None else len(call.attempts),
    }
    return {name: value for name, value in told.items() if value is not None}


def _info(response: CreateChatCompletionResponse, choice: ChatCompletionChoice) -> dict[str, Any]:
    info = {"finish_reason": choice.finish_reason, **unknown(response, choice)}
    if choice.logprobs is not None:
        info["logprobs"] = to_dict(choice.logprobs)
    return info


def unknown(response: CreateChatCompletionResponse, choice: ChatCompletionChoice) -> dict[str, Any]:
    """Fields of an answer that OpenAI's API does not define, such as citations, for ``response_metadata``."""
    extra = {**response.extra, **choice.extra}
    return {"extra": extra} if extra else {}


def _message(message: ChatCompletionResponseMessage, usage: Any) -> AIMessage:
    calls, invalid = tool_calls(message)
    return AIMessage(
        content=message.content or "",
        additional_kwargs={**_spoken(message), **rest(message)},
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata=usage,
        response_metadata={"model_provider": PROVIDER},
    )


def _spoken(message: ChatCompletionResponseMessage) -> dict[str, Any]:
    """The texts besides the content."""
    names = ("refusal", *THOUGHTS)
    return {name: text for name in names if (text := getattr(message, name)) is not None}


def rest(message: ChatCompletionResponseMessage) -> dict[str, Any]:
    """What a message has besides texts and calls of functions: for ``additional_kwargs``.

    Unknown fields, such as signatures of thoughts, stand under our own name, and are sent back with the message.
    """
    told: dict[str, Any] = {}
    for name in ("audio", "function_call"):
        if (value := getattr(message, name)) is not None:
            told[name] = to_dict(value)
    if message.annotations:
        told["annotations"] = [to_dict(one) for one in message.annotations]
    kept: dict[str, Any] = {"extra": dict(message.extra), "calls": _kept_calls(message)}
    kept = {name: value for name, value in kept.items() if value}
    return {**told, PROVIDER: kept} if kept else told


def _kept_calls(message: ChatCompletionResponseMessage) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for call in message.tool_calls or ():
        if isinstance(call, ChatCompletionMessageCustomToolCall):
            kept[call.id] = {"type": "custom"}
        elif isinstance(call, ChatCompletionMessageToolCall) and call.extra:
            kept[call.id] = {"extra": dict(call.extra)}
    return kept


def tool_calls(message: ChatCompletionResponseMessage) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """The calls of a message; those whose arguments are no JSON object, as the model wrote them."""
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in message.tool_calls or ():
        if isinstance(call, ChatCompletionMessageCustomToolCall):
            calls.append(ToolCall(name=call.custom.name, args={CUSTOM_ARGUMENT: call.custom.input}, id=call.id))
        elif isinstance(call, ChatCompletionMessageToolCall):
            name, written = call.function.name, call.function.arguments
            arguments = arguments_of(written)
            if arguments is None:
                error = "the arguments are no JSON object"
                bad = InvalidToolCall(type="invalid_tool_call", name=name, args=written, id=call.id, error=error)
                invalid.append(bad)
            else:
                calls.append(ToolCall(name=name, args=arguments, id=call.id))
    return calls, invalid


def arguments_of(written: str) -> dict[str, Any] | None:
    """The arguments of a call, of which none are written as nothing; None where they are no JSON object."""
    try:
        value = json.loads(written or "{}", strict=False)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def custom_calls(message: ChatCompletionResponseMessage) -> list[tuple[str, str, str]]:
    """Id, name and arguments, as JSON, of the calls of custom tools."""
    return [
        (call.id, call.custom.name, json.dumps({CUSTOM_ARGUMENT: call.custom.input}, ensure_ascii=False))
        for call in message.tool_calls or ()
        if isinstance(call, ChatCompletionMessageCustomToolCall)
    ]
