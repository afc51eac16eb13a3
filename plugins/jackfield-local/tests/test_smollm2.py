"""The packaged model is a language model, and the engine obeys while it thinks."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from jackfield.errors import DeadlineExceededError
from jackfield_local import LocalProvider

pytest.importorskip("xllamacpp")
pytestmark = pytest.mark.system

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather for a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
QUESTION = "What is the weather in Paris in celsius?"


def test_it_knows_the_capital_of_france(smollm2: LocalProvider, drive: Any) -> None:
    """A real answer, and its usage."""
    response = drive(smollm2).chat("What is the capital of France?")

    assert "Paris" in response.choices[0].message.content
    assert response.choices[0].finish_reason == "stop"
    assert 0 < response.usage.completion_tokens < 40


def test_it_streams_token_by_token(smollm2: LocalProvider, drive: Any) -> None:
    """The text comes in many deltas; a second name is as good."""
    one = drive(smollm2)

    one.chat("What is the capital of France?", stream=True, model="smollm2-135m-instruct")

    assert "Paris" in one.text
    assert len(one.blocks) > 3


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_it_calls_a_tool(smollm2: LocalProvider, drive: Any, choice: str) -> None:
    """By the template, or by grammar."""
    response = drive(smollm2).chat(QUESTION, tools=[WEATHER], tool_choice=choice)

    (call,) = response.choices[0].message.tool_calls
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Paris", "unit": "celsius"}


def test_it_uses_what_a_tool_returned(smollm2: LocalProvider, drive: Any) -> None:
    """The result of the call is in the answer."""
    call = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
    messages = [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "21 degrees and sunny"},
    ]

    response = drive(smollm2).chat(messages=messages, tools=[WEATHER])

    assert "21" in response.choices[0].message.content


def test_it_writes_json_by_a_schema(smollm2: LocalProvider, drive: Any) -> None:
    """The values are the model's, the shape is the schema's."""
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}

    response = drive(smollm2).chat("Bob is 12 years old. Give his data as JSON.", response_format=form)

    assert json.loads(response.choices[0].message.content) == {"name": "Bob", "age": 12}


def test_a_seed_gives_the_same_answer_again(smollm2: LocalProvider, drive: Any) -> None:
    """Whatever was asked in between."""
    options = {"seed": 7, "temperature": 1.0, "max_tokens": 24}

    first = drive(smollm2).chat("Tell me a story.", **options)
    drive(smollm2).chat("What is the capital of France?")
    second = drive(smollm2).chat("Tell me a story.", **options)

    assert first.choices[0].message.content == second.choices[0].message.content


def test_a_stream_that_is_closed_stops_within_a_token(smollm2: LocalProvider, drive: Any) -> None:
    """Of the four hundred tokens that it would have made, hardly more are made than were seen."""
    one = drive(smollm2)
    made = []

    def enough(driven: Any) -> bool:
        (generation,) = smollm2._engine._running
        made.append(generation)
        return len(driven.chunks) > 5

    one.chat("Tell me a long story.", stream=True, max_tokens=400, ignore_eos=True, until=enough)
    while smollm2._engine._running:
        time.sleep(0.01)

    assert made[-1].stopped
    assert made[-1].pieces < 50


def test_a_deadline_holds_in_the_middle_of_a_long_prompt(smollm2: LocalProvider, drive: Any) -> None:
    """The engine gives up between two parts of the prompt, long before it would have spoken."""
    drive(smollm2).chat("Hello.", max_tokens=1)
    one = drive(smollm2, timeout=0.5)

    with pytest.raises(DeadlineExceededError):
        one.chat("Many words. " * 800)
    response = drive(smollm2).chat("What is the capital of France?")

    assert "Paris" in response.choices[0].message.content


def test_a_fold_of_its_stream_is_its_whole_answer(smollm2: LocalProvider, drive: Any) -> None:
    """Streaming changes nothing but when it comes."""
    whole = drive(smollm2).chat("Name three colours.", seed=1)
    one = drive(smollm2)

    one.chat("Name three colours.", seed=1, stream=True)

    assert one.folded.choices == whole.choices
