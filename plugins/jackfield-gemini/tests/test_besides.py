"""Unknown fields inside of a request: the attempt tells which are not sent."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.call import Attempt
from jackfield.errors import UnsupportedParameterError
from jackfield.http import Backend
from jackfield.models import CreateChatCompletionRequest
from jackfield.testing import make_call
from jackfield.wire import from_dict
from jackfield_gemini import GeminiProvider

USER = {"role": "user", "content": "A"}


def told(*messages: Any, on_unsupported: Any = "error", **fields: Any) -> tuple[str, ...]:
    """What the attempt tells of a request."""
    call = make_call()
    call.attempts.append(Attempt(number=1, backend=Backend("b", "gemini"), model="m"))
    asked = {"model": "gemini-3-pro", "messages": [USER, *messages], **fields}
    GeminiProvider(on_unsupported=on_unsupported).encode(from_dict(asked, CreateChatCompletionRequest), call)
    return call.attempts[0].dropped


FUNCTION = {"name": "f", "parameters": {"own": 1}}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"messages": [{"role": "user", "content": "A", "own": 1}]}, "messages[0].own"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "A", "own": 1}]}]}, "messages[0].content[0].own"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://h/a.png", "own": 1}}]}]}, "messages[0].content[0].image_url.own"),
        ({"messages": [{"role": "user", "content": [{"type": "video_url", "video_url": "https://h/a.mp4", "own": 1}]}]}, "messages[0].content[0].own"),
        ({"tools": [{"type": "function", "function": FUNCTION, "own": 1}]}, "tools[0].own"),
        ({"tools": [{"type": "function", "function": {**FUNCTION, "own": 1}}]}, "tools[0].function.own"),
        ({"tools": [{"type": "googleSearch", "googleSearch": {"own": 1}, "other": 1}]}, "tools[0].other"),
        ({"response_format": {"type": "json_object", "own": 1}}, "response_format.own"),
        ({"stream_options": {"own": 1}}, "stream_options.own"),
        ({"web_search_options": {"own": 1}}, "web_search_options.own"),
    ],
)  # fmt: skip
def test_unknown_fields_that_are_not_sent_are_told(fields: Any, path: str) -> None:
    """They are never refused; those of the request itself, and of the service's own tools, are sent."""
    assert told(**fields, cachedContent="c") == (path,)


def test_of_what_another_service_answered_the_unknown_fields_are_told() -> None:
    """But for those of Google, and nulls, which say nothing."""
    call = {"id": "c", "type": "function", "function": FUNCTION | {"arguments": "{}"}, "index": 0, "extra_content": {}}
    answer = {"role": "assistant", "content": None, "tool_calls": [call], "thinking_blocks": [1], "own": None}
    result = {"role": "tool", "tool_call_id": "c", "content": "R", "name": "f"}

    dropped = told(answer, result)

    assert set(dropped) == {
        "messages[1].thinking_blocks",
        "messages[1].tool_calls[0].index",
        "messages[1].tool_calls[0].function.parameters",
        "messages[2].name",
    }


def test_what_is_left_out_altogether_is_told_once() -> None:
    """Not each of its fields again."""
    part = {"type": "own", "own": 1}

    dropped = told(messages=[{"role": "user", "content": [part]}], prediction=part, on_unsupported="drop")

    assert sorted(dropped) == ["messages[0].content[0]", "prediction"]


def test_two_choices_of_a_tool_are_one_too_many() -> None:
    """The deprecated one is left out, and told."""
    fields = {"functions": [{"name": "f"}], "tool_choice": "none", "function_call": "auto"}

    assert told(**fields, on_unsupported="drop") == ("function_call",)
    with pytest.raises(UnsupportedParameterError, match="function_call"):
        told(**fields)
