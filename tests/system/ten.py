"""A host application that has ten conversations and knows nothing of backends: which one answers, configuration says.

``python ten.py [sync|async]`` prints one JSON object: what came of each conversation. No name of a backend, a format or a
plugin stands here; ``default_model`` is asked.
"""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import sys
import zlib
from typing import Any

import jackfield

NUMBERS = {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}, "required": ["x", "y"]}
CITY = {
    "name": "CityLocation",
    "schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "country": {"type": "string"}},
        "required": ["city", "country"],
        "additionalProperties": False,
    },
}


def function(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """A tool that the model may call."""
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


COUNTRY = function("get_country", "The country of the user.", {"type": "object", "properties": {}})
ADD = function("add", "Add two numbers.", NUMBERS)
SUBTRACT = function("subtract", "Subtract the second number from the first.", NUMBERS)


def user(content: Any) -> dict[str, Any]:
    """A message of the user."""
    return {"role": "user", "content": content}


def red_dot() -> str:
    """A PNG of one red point, as a data URL."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    parts = part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\0\xff\0\0")) + part(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + parts).decode()


BOTH = "Compute 3 + 4 and 10 - 2. Call both tools at once, then report both results."
CONVERSATIONS: dict[str, dict[str, Any]] = {
    "chat": {"messages": [{"role": "system", "content": "Be brief."}, user("Reply with exactly OK.")]},
    "stream": {"messages": [user("Count from 1 to 30, one number per line, digits only.")], "stream": True},
    "tools": {
        "messages": [user("What is the capital of my country? Call the tool.")],
        "tools": [COUNTRY],
        "tool_choice": "required",
        "stream": True,
    },
    "parallel": {"messages": [user(BOTH)], "tools": [ADD, SUBTRACT], "tool_choice": "required"},
    "schema": {
        "messages": [user("What is the largest city in Mexico?")],
        "response_format": {"type": "json_schema", "json_schema": CITY},
    },
    "image": {
        "messages": [
            user([{"type": "text", "text": "Which colour?"}, {"type": "image_url", "image_url": {"url": red_dot()}}])
        ]
    },
    "long": {"messages": [user("one two three four " * 150 + "What comes next?")], "max_completion_tokens": 2000},
    "unicode": {"messages": [user("Say: Grüße, 世界 👋 عربى")], "stream": True},
    "error": {"messages": [user("much too long " * 600)]},
    "cancel": {"messages": [user("Tell a long story.")], "stream": True, "max_completion_tokens": 2000},
}


def with_results(fields: dict[str, Any], response: jackfield.models.CreateChatCompletionResponse) -> dict[str, Any]:
    """The next turn of a conversation: the calls that the model made, as it made them, and what came of them."""
    message = response.choices[0].message
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": str(computed(call.function))}
        for call in message.tool_calls
    ]
    return {**fields, "messages": [*fields["messages"], message, *results], "tool_choice": "auto"}


def computed(called: Any) -> int:
    """What a tool gives."""
    numbers = json.loads(called.arguments)
    return numbers["x"] + numbers["y"] if called.name == "add" else numbers["x"] - numbers["y"]


def answer(response: jackfield.models.CreateChatCompletionResponse) -> dict[str, Any]:
    """What came of a conversation that was answered."""
    (choice,) = response.choices
    calls = [[one.function.name, json.loads(one.function.arguments)] for one in choice.message.tool_calls or ()]
    return {
        "text": choice.message.content,
        "calls": calls,
        "finish": choice.finish_reason,
        "prompt": response.usage.prompt_tokens if response.usage else None,
        "usage": response.usage is not None and response.usage.completion_tokens > 0,
        "backends": [attempt.backend.name for attempt in response.call.attempts],
    }


def failure(error: jackfield.JackfieldError) -> dict[str, Any]:
    """What came of one that failed."""
    return {"error": type(error).__name__, "param": getattr(error, "param", None)}


def joined(chunks: list[Any]) -> str:
    """The text of chunks."""
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def streamed(chunks: list[Any], response: Any) -> dict[str, Any]:
    """What came of a stream that was read to its end: what the host saw is what was assembled."""
    return {**answer(response), "same": joined(chunks) == (response.choices[0].message.content or "")}


def left(call: jackfield.Call) -> dict[str, Any]:
    """What came of a stream that was left after its first chunk."""
    return {"outcome": call.attempts[-1].outcome, "seconds": call.elapsed}


def talk(client: jackfield.Client, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Have one conversation."""
    if not fields.get("stream"):
        response = client.create_chat_completion(**fields)
        if name != "parallel":
            return answer(response)
        then = client.create_chat_completion(**with_results(fields, response))
        return {**answer(response), "then": answer(then)["text"]}
    with client.create_chat_completion(**fields) as stream:
        if name != "cancel":
            chunks = list(stream)
            return streamed(chunks, stream.response)
        next(stream)
    return left(stream.call)


async def atalk(client: jackfield.AsyncClient, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The same with the asynchronous client."""
    if not fields.get("stream"):
        response = await client.create_chat_completion(**fields)
        if name != "parallel":
            return answer(response)
        then = await client.create_chat_completion(**with_results(fields, response))
        return {**answer(response), "then": answer(then)["text"]}
    async with client.create_chat_completion(**fields) as stream:
        if name != "cancel":
            chunks = [chunk async for chunk in stream]
            return streamed(chunks, stream.response)
        await anext(stream)
    return left(stream.call)


def all_of_them() -> dict[str, Any]:
    """Have all conversations, one after the other."""
    outcomes = {}
    with jackfield.Client() as client:
        for name, fields in CONVERSATIONS.items():
            try:
                outcomes[name] = talk(client, name, fields)
            except jackfield.JackfieldError as error:
                outcomes[name] = failure(error)
    return outcomes


async def all_at_once() -> dict[str, Any]:
    """The same with the asynchronous client."""
    outcomes = {}
    async with jackfield.AsyncClient() as client:
        for name, fields in CONVERSATIONS.items():
            try:
                outcomes[name] = await atalk(client, name, fields)
            except jackfield.JackfieldError as error:
                outcomes[name] = failure(error)
    return outcomes


if __name__ == "__main__":
    told = asyncio.run(all_at_once()) if sys.argv[1:] == ["async"] else all_of_them()
    sys.stdout.write(json.dumps(told, ensure_ascii=False))
