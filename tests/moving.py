"""Sides of a conversation that moves: every provider, one small reply of each in its own format, and what it takes.

A reply thinks, says something and calls two tools at once; it has every private field that its service has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

import takes
from jackfield.call import Attempt
from jackfield.fold import fold
from jackfield.http import Backend
from jackfield.models import ChatCompletionResponseMessage
from jackfield.parameters import Fitting
from jackfield.testing import Reply, ScriptedDriver, make_call, plan, run_call
from jackfield.wire import build_request
from jackfield_anthropic import AnthropicProvider
from jackfield_gemini import GeminiProvider
from jackfield_local.body import Defaults, Question, question
from jackfield_local.reply import ReplyReader
from jackfield_openai import AzureProvider, OpenAIProvider

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("look", "listen")
]
ASK = {"role": "user", "content": "What is there?"}
SAID, THOUGHT, SIGNATURE = "I look and listen.", "They want to know.", "c2lnbmF0dXJl"
ARGUMENTS = ({"at": "sea"}, {"to": "wind"})


@attrs.frozen(eq=False)
class Side:
    """A provider as one side of the matrix.

    Attributes:
        provider: None for the local one, which has no HTTP.
        message: of its reply, in its own format.
        whole, streamed: its reply.
        accept: raises ``AssertionError`` for what its service would refuse.
        answers: of the body of a request, the model's messages, in its own format.
    """

    provider: Any
    message: Any
    whole: Callable[[Any], Any]
    streamed: Callable[[Any], Sequence[Any]]
    accept: Callable[[Any], None]
    answers: Callable[[Any], list[Any]]
    model: str = "m"

    def reply(self, *, stream: bool) -> ChatCompletionResponseMessage:
        """What the host is given, whole or folded from a stream."""
        if self.provider is None:
            reader = ReplyReader(Question(b"", (), usage_chunk=False))
            chunks = reader.feed([json.dumps(chunk).encode() for chunk in self.streamed(self.message)]) + reader.end()
            return fold(chunks).choices[0].message
        events = [Reply.of_events(*self.streamed(self.message), done=isinstance(self.message, dict))]
        driver = ScriptedDriver(events if stream else [Reply.of_json(self.whole(self.message))])
        request = build_request({"model": self.model, "messages": [ASK], "stream": stream})
        response = run_call(plan(self.provider), request, driver)
        message: ChatCompletionResponseMessage = response.choices[0].message
        return message

    def sent(self, messages: Sequence[Any], **fields: Any) -> tuple[Any, tuple[str, ...]]:
        """The body for messages, and what was left out."""
        request = build_request({"model": self.model, "messages": messages, "tools": TOOLS, **fields})
        call = make_call()
        attempt = Attempt(number=1, backend=Backend("b", "p"), model=self.model)
        call.attempts.append(attempt)
        if self.provider is None:
            body = question(request, {}, Fitting("local", "error", attempt), Defaults()).body
        else:
            body = self.provider.encode(request, call).body
        return json.loads(body), attempt.dropped


# -- chat completions ------------------------------------------------------------------------------------------------


def chat(*ids: str, **fields: Any) -> dict[str, Any]:
    """A message in the shape of OpenAI's."""
    calls = [
        {"id": identity, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for identity, name, arguments in zip(ids, ("look", "listen"), ARGUMENTS, strict=True)
    ]
    return {"role": "assistant", "content": SAID, "tool_calls": calls, **fields}


def completion(message: Mapping[str, Any]) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def chunks(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Thoughts and text, then each call in two pieces, then all else and the end."""
    calls = message["tool_calls"]
    spoken = {name: value for name, value in message.items() if name != "tool_calls"}
    pieces: list[dict[str, Any]] = [spoken]
    for index, call in enumerate(calls):
        arguments = call["function"]["arguments"]
        begun = {**call, "index": index, "function": {**call["function"], "arguments": arguments[:4]}}
        pieces += [
            {"tool_calls": [begun]},
            {"tool_calls": [{"index": index, "function": {"arguments": arguments[4:]}}]},
        ]
    told: list[tuple[dict[str, Any], str | None]] = [(piece, None) for piece in pieces] + [({}, "tool_calls")]
    return [
        {
            "id": "c-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        }
        for delta, reason in told
    ]


def speaks(body: Any) -> list[Any]:
    """The messages of the assistant."""
    return [message for message in body["messages"] if message["role"] == "assistant"]


def openai(provider: Any, accept: Callable[[Any], None], message: Mapping[str, Any]) -> Side:
    return Side(provider, message, completion, chunks, accept, speaks)


# -- Anthropic and Gemini --------------------------------------------------------------------------------------------

BLOCKS = [
    {"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE},
    {"type": "redacted_thinking", "data": "cmVkYWN0ZWQ="},
    {"type": "text", "text": SAID},
    {"type": "tool_use", "id": "toolu_1", "name": "look", "input": ARGUMENTS[0], "caller": {"type": "direct"}},
    {"type": "text", "text": "And now:"},
    {"type": "tool_use", "id": "toolu_2", "name": "listen", "input": ARGUMENTS[1]},
]
PARTS = [
    {"text": THOUGHT, "thought": True},
    {"text": SAID, "thoughtSignature": "dGV4dA=="},
    {"functionCall": {"name": "look", "args": ARGUMENTS[0]}, "thoughtSignature": SIGNATURE},
    {"functionCall": {"name": "listen", "args": ARGUMENTS[1]}},
]


def message_of(blocks: Sequence[Any]) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}
    return {**head, "content": blocks, "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1}}


def events_of(blocks: Sequence[Any]) -> list[dict[str, Any]]:
    head = {**message_of([]), "stop_reason": None}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": head}]
    for index, block in enumerate(blocks):
        begun, deltas = opened(block)
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    return [*events, {"type": "message_delta", "delta": {"stop_reason": "tool_use"}}, {"type": "message_stop"}]


def opened(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it begins in a stream, and what completes it."""
    if block["type"] == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": block["text"]}]
    if block["type"] == "tool_use":
        text = json.dumps(block["input"])
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": text}]
    if block["type"] == "thinking":
        deltas = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
        return {**block, "thinking": "", "signature": ""}, deltas
    return dict(block), []


def candidate(parts: Sequence[Any], **ending: Any) -> dict[str, Any]:
    content = {"content": {"parts": parts, "role": "model"}, "index": 0, **ending}
    return {"candidates": [content], "modelVersion": "gemini-3-pro", "responseId": "a-long-id-of-an-answer-of-gemini"}


def generated(parts: Sequence[Any]) -> dict[str, Any]:
    return candidate(parts, finishReason="STOP")


def generating(parts: Sequence[Any]) -> list[dict[str, Any]]:
    return [*(candidate([part]) for part in parts[:-1]), candidate(parts[-1:], finishReason="STOP")]


# -- all -------------------------------------------------------------------------------------------------------------

THINKING = [
    {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
    {"type": "text", "text": SAID},
]
PAGE = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 1, "url": "https://example.com/"}}
DATED = AzureProvider(base_url="https://r.openai.azure.com", api_version="2024-10-21")
_openai = chat("call_1", "call_2", refusal=None, annotations=[PAGE])
_found = {"citations": [], "intent": "[]"}
_details = [{"type": "reasoning.encrypted", "data": "ZW5j", "id": "r", "format": "f", "index": 0}]

ODD: Mapping[str, dict[str, Any]] = {
    "refused": {"role": "assistant", "content": None, "refusal": SAID},
    "spoken": {
        "role": "assistant",
        "content": None,
        "audio": {"id": "audio_1", "expires_at": 1, "data": "AAAA", "transcript": SAID},
    },
    "custom": {
        "role": "assistant",
        "content": SAID,
        "tool_calls": [{"id": "call_1", "type": "custom", "custom": {"name": "look", "input": "sea"}}],
    },
    "broken": {
        "role": "assistant",
        "content": SAID,
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "se'}}],
    },
}
"""Messages of replies of OpenAI that not every format has a place for."""

SIDES: Mapping[str, Side] = {
    "openai": openai(OpenAIProvider(), takes.openai, _openai),
    "azure": openai(AzureProvider(base_url="https://r.openai.azure.com"), takes.azure, {**_openai, "context": _found}),
    "azure-dated": openai(DATED, takes.azure, {**_openai, "context": _found}),
    "mistral": openai(
        OpenAIProvider(preset="mistral"), takes.mistral, chat("aB3dE6gH9", "bC4eF7hI0", content=THINKING)
    ),
    "groq": openai(
        OpenAIProvider(preset="groq"),
        takes.groq,
        chat("fc_1", "fc_2", reasoning=THOUGHT, executed_tools=[{"index": 0, "type": "search"}]),
    ),
    "deepseek": openai(
        OpenAIProvider(preset="deepseek"), takes.deepseek, chat("call_00_a", "call_01_b", reasoning_content=THOUGHT)
    ),
    "llama.cpp": openai(
        OpenAIProvider(preset="llama.cpp"), takes.anything, chat("A" * 32, "B" * 32, reasoning_content=THOUGHT)
    ),
    "vllm": openai(
        OpenAIProvider(preset="vllm"),
        takes.anything,
        chat("chatcmpl-tool-" + "0a" * 16, "chatcmpl-tool-" + "0b" * 16, reasoning=THOUGHT),
    ),
    "openrouter": openai(
        OpenAIProvider(preset="openrouter"),
        takes.anything,
        chat("functions.look:0", "functions.listen:1", reasoning=THOUGHT, reasoning_details=_details),
    ),
    "anthropic": Side(
        AnthropicProvider(),
        BLOCKS,
        message_of,
        events_of,
        takes.anthropic,
        lambda body: [turn["content"] for turn in body["messages"] if turn["role"] == "assistant"],
    ),
    "gemini": Side(
        GeminiProvider(),
        PARTS,
        generated,
        generating,
        takes.gemini,
        lambda body: [turn["parts"] for turn in body["contents"] if turn["role"] == "model"],
        model="gemini-3-pro",
    ),
    "local": Side(None, chat("A" * 32, "B" * 32), completion, chunks, takes.local, speaks),
}
