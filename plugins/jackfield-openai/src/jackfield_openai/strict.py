"""Strict: services that refuse what they do not know in messages, and the messages of others as they take them.

Whoever answers puts fields of its own into the message, which has to come back to it: thoughts, signatures, blocks. A
host gives them back with the history, to another service too, if the conversation moves there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import attrs

from jackfield.models.base import EMPTY, UNSET, WireValue, unread_extra
from jackfield.models.messages import (
    AssistantAudio,
    ChatCompletionRequestAssistantMessage,
    ChatCompletionRequestToolMessage,
)
from jackfield.models.toolcalls import (
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageToolCall,
    FunctionCall,
)
from jackfield.parameters import Fitting
from jackfield.wire import spoken, to_json

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.models import CreateChatCompletionRequest

PRIVATE: Mapping[str, str] = {
    "annotations": "OpenAI: notes on an answer",
    "content_blocks": "jackfield-anthropic: all blocks of an answer",
    "content_parts": "Mistral: all parts of an answer",
    "context": "Azure: what it found in the data of the host",
    "executed_tools": "Groq: tools of its own",
    "extra_content": "Google: signatures of thoughts",
    "images": "OpenRouter: images that the model made",
    "provider_specific_fields": "LiteLLM: fields of the service behind it",
    "reasoning": "Groq, Ollama, OpenRouter, Together, vLLM: thoughts",
    "reasoning_content": "DeepSeek, llama.cpp and many others: thoughts",
    "reasoning_details": "OpenRouter: thoughts with their signatures",
    "thinking_blocks": "jackfield-anthropic, LiteLLM: thoughts with their signatures",
    "token_id": "Together: the last token",
    "token_ids": "Fireworks, vLLM: tokens",
}
"""Fields of an assistant's message that only the service which answered understands: whose they are, and what."""
PRIVATE_OF_CALLS: Mapping[str, str] = {
    "caller": "Anthropic: who called",
    "extra_content": "Google: the signature of the call",
    "index": "Mistral: which call of the message it is",
    "provider_specific_fields": "LiteLLM: fields of the service behind it",
}
"""The same of a tool call."""
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_WORDS = ("reasoning_content", "reasoning")
"""Private fields that are fields of the class, not in ``extra``."""


@attrs.frozen(kw_only=True)
class Strict:
    """What a service takes in messages, which refuses fields and ids that it does not know.

    Attributes:
        own: private fields that are its own, of messages and of calls.
        longest: characters that an id of a call may have.
        ids: what such an id has to match besides; None for anything.
        speaks: whether it has the fields ``refusal`` and ``audio``, and calls of custom tools.
        private: fields of an assistant's message that it refuses.
        private_of_calls: the same of a tool call.
    """

    own: frozenset[str] = frozenset()
    longest: int
    ids: re.Pattern[str] | None = None
    speaks: bool = True
    private: frozenset[str] = attrs.field(init=False, repr=False)
    private_of_calls: frozenset[str] = attrs.field(init=False, repr=False)

    @private.default
    def _private(self) -> frozenset[str]:
        return frozenset(PRIVATE) - self.own

    @private_of_calls.default
    def _private_of_calls(self) -> frozenset[str]:
        return frozenset(PRIVATE_OF_CALLS) - self.own

    def id(self, identity: str) -> str:
        """An id of a call that it takes; for the same id always the same."""
        if len(identity) <= self.longest and (self.ids is None or self.ids.fullmatch(identity) is not None):
            return identity
        return sha256(identity.encode()).hexdigest()[: self.longest]


OPENAI = Strict(longest=40)
"""OpenAI's own service: https://platform.openai.com/docs/api-reference/chat/create."""
AZURE = Strict(own=frozenset({"context"}), longest=40)
"""Azure OpenAI; https://learn.microsoft.com/azure/ai-foundry/openai/reference tells of ``context``."""
GROQ = Strict(own=frozenset({"reasoning"}), longest=64, speaks=False)
"""Groq: https://github.com/groq/groq-python, ``chat_completion_assistant_message_param.py``. Models that do not think
refuse ``reasoning`` too, so that thoughts under another name, which are not its own, do not take that one."""
MISTRAL = Strict(
    own=frozenset({"index", "reasoning", "reasoning_content"}),
    longest=9,
    ids=re.compile(r"[a-zA-Z0-9]{9}"),
    speaks=False,
)
"""Mistral: https://github.com/mistralai/client-python, ``assistantmessage.py`` and ``toolcall.py``. Its thoughts are in
the content, where ``fit`` puts them."""


def settled(request: CreateChatCompletionRequest, strict: Strict, call: Call) -> CreateChatCompletionRequest:
    """The request with the messages that other services answered as a strict one takes them.

    What it has no place for is left out, and entered in the attempt; it is never refused, for the host did not ask for
    it. A refusal, or the words of an answer that was spoken, become content where the service has no field for it, and
    a call of a custom tool one of a function with one text. An id or a name that the service does not take is replaced,
    the id in the message of the tool too.

    Args:
        request: as the host made it; the same where nothing is to be changed.
        strict: what the service takes.
        call: in whose attempt it is entered what was left out.
    """
    if not _is_moved(request, strict):
        return request
    fitting = Fitting("the service", "drop", call.attempt)
    messages = [
        _message(message, f"messages[{index}]", strict, fitting) for index, message in enumerate(request.messages)
    ]
    return attrs.evolve(request, messages=messages)


def _is_moved(request: CreateChatCompletionRequest, strict: Strict) -> bool:
    """Whether there is something to change. This is asked of every request: it is written out for speed."""
    longest, ids, speaks = strict.longest, strict.ids, strict.speaks
    for message in request.messages:
        if message.__class__ is ChatCompletionRequestAssistantMessage:
            if (
                unread_extra(message) is not EMPTY
                or message.reasoning_content is not UNSET
                or message.reasoning is not UNSET
                or not (speaks or (message.refusal is UNSET and message.audio is UNSET))
            ):
                return True
            if message.tool_calls is not UNSET:
                for call in message.tool_calls:
                    if (
                        call.__class__ is not ChatCompletionMessageToolCall
                        or unread_extra(call) is not EMPTY
                        or len(call.id) > longest
                        or (ids is not None and strict.id(call.id) != call.id)
                        or not _is_name(call.function.name)
                    ):
                        return True
        elif message.__class__ is ChatCompletionRequestToolMessage:
            identity = message.tool_call_id
            if len(identity) > longest or (ids is not None and strict.id(identity) != identity):
                return True
    return False


@lru_cache(maxsize=512)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _message(message: Any, path: str, strict: Strict, fitting: Fitting) -> Any:
    if isinstance(message, ChatCompletionRequestToolMessage):
        return attrs.evolve(message, tool_call_id=strict.id(message.tool_call_id))
    if not isinstance(message, ChatCompletionRequestAssistantMessage):
        return message
    fields: dict[str, Any] = {"extra": _extra(message, strict.private, path, fitting)}
    for name in _WORDS:
        if name in strict.private and (value := getattr(message, name)) is not UNSET:
            fields[name] = UNSET
            if value is not None:
                fitting.leave_out(f"{path}.{name}")
    if not strict.speaks:
        fields |= _spoken(message, path, fitting)
    if message.tool_calls is not UNSET:
        fields["tool_calls"] = [
            _call(call, f"{path}.tool_calls[{index}]", strict, fitting) for index, call in enumerate(message.tool_calls)
        ]
    return attrs.evolve(message, **fields)


def _spoken(message: Any, path: str, fitting: Fitting) -> dict[str, Any]:
    """A refusal and the words of an answer that was spoken, as content; where there is content, they are left out."""
    fields: dict[str, Any] = {"refusal": UNSET, "audio": UNSET}
    words = message.refusal or None
    if isinstance(message.audio, AssistantAudio):
        fitting.leave_out(f"{path}.audio")
        words = words or spoken(message.audio.extra)
    if words:
        if not message.content:
            return {**fields, "content": words}
        if message.refusal:
            fitting.leave_out(f"{path}.refusal")
    return fields


def _call(call: Any, path: str, strict: Strict, fitting: Fitting) -> Any:
    fields: dict[str, Any] = {"extra": _extra(call, strict.private_of_calls, path, fitting)}
    if hasattr(call, "id"):
        fields["id"] = strict.id(call.id)
    if isinstance(call, ChatCompletionMessageCustomToolCall) and not strict.speaks:
        for lost in fitting.others(call.custom.extra, (), f"{path}.custom"):
            fitting.leave_out(lost)
        function = FunctionCall(name=call.custom.name, arguments=to_json({"input": call.custom.input}))
        return ChatCompletionMessageToolCall(id=strict.id(call.id), function=function, extra=fields["extra"])
    if isinstance(call, ChatCompletionMessageToolCall) and not _is_name(call.function.name):
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", call.function.name)[:64] or "_"
        fields["function"] = attrs.evolve(call.function, name=name)
    return attrs.evolve(call, **fields)


def _extra(value: WireValue, left_out: frozenset[str], path: str, fitting: Fitting) -> dict[str, Any]:
    """The unknown fields of a value without some, of which those that say anything are entered."""
    kept = {name: told for name, told in value.extra.items() if name not in left_out}
    for lost in fitting.others(value.extra, kept, path):
        fitting.leave_out(lost)
    return kept
