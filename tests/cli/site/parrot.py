"""A provider for tests of the command line: the model's name says how it answers."""

from __future__ import annotations

import json
from typing import Any

import attrs

from jackfield import (
    Deliver,
    RateLimitError,
    Sleep,
    StreamInterruptedError,
    from_dict,
    hookimpl,
    to_dict,
)
from jackfield.models import CreateChatCompletionResponse, Model
from jackfield.unfold import unfold

ANSI = "red \x1b[31m \x9b0m\x7f\ttab\nnew"
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def choice(content: str | None, index: int = 0, reason: str = "stop", **message: Any) -> dict[str, Any]:
    return {
        "index": index,
        "finish_reason": reason,
        "message": {"role": "assistant", "content": content, "refusal": None, **message},
    }


def choices(model: str, request: dict[str, Any]) -> list[dict[str, Any]]:
    messages = request["messages"]
    return {
        "parrot": [choice(str(messages[-1]["content"]))],
        "ansi": [choice(ANSI)],
        "line": [choice("whole line\n")],
        "cut": [choice("so far", reason="length")],
        "refuse": [choice(None, refusal="no \x1b[31m")],
        "tools": [choice(None, reason="tool_calls", tool_calls=[CALL])],
        "two": [choice("one"), choice("two", 1)],
        "nothing": [],
        "request": [choice(json.dumps(request))],
        "said": [choice(said(messages))],
        "flaky": [choice(said(messages))],
    }[model]


def said(messages: list[dict[str, Any]]) -> str:
    return " | ".join(f"{message['role']}: {message['content']}" for message in messages)


def flaky(request: Any) -> Any:
    """As the last message wishes: fail, or be interrupted in the middle of the answer."""
    wish = request.messages[-1].content
    if wish == "fail":
        raise StreamInterruptedError("as you wish")
    if wish == "interrupt":
        data = {"id": "r1", "object": "chat.completion", "created": 1, "model": "flaky", "choices": [choice("part")]}
        yield Deliver(unfold(from_dict(data, CreateChatCompletionResponse))[:1])
        raise KeyboardInterrupt


@attrs.define(eq=False)
class Parrot:
    """Answers as the name of the model says.

    Attributes:
        token: a setting that no one may see.
        broken_list: whether it has no models to tell.
    """

    token: str = ""
    broken_list: bool = False

    @hookimpl
    def create_chat_completion(self, request, call):
        if isinstance(request.seed, int):
            call.attempt.dropped = ("seed",)
        if request.model == "busy":
            raise RateLimitError("slow down \x1b[2J", status_code=429, request_id="req_7")
        if request.model == "flaky":
            yield from flaky(request)
        data = {
            "id": "r1",
            "object": "chat.completion",
            "created": 1,
            "model": request.model,
            "choices": choices("parrot" if request.model in {"breaks", "hangs"} else request.model, to_dict(request)),
        }
        response = from_dict(data, CreateChatCompletionResponse)
        if not request.stream:
            return response
        yield Deliver(unfold(response)[:-1])
        if request.model == "breaks":
            raise StreamInterruptedError("the connection was cut")
        if request.model == "hangs":
            yield Sleep(300)
        yield Deliver(unfold(response)[-1:], last=True)
        return None

    @hookimpl
    def list_models(self, call):
        yield Sleep(0)
        if self.broken_list:
            raise RateLimitError("no list", status_code=429)
        return [Model(id="parrot", owned_by="the [red]zoo[/red]"), Model(id="hangs")]


@attrs.define(eq=False)
class Shout:
    """Asks as it was asked; it is only there to be listed."""

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@attrs.define(eq=False)
class Again:
    """Tries once more."""

    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except RateLimitError:
            return (yield request)
