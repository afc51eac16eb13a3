"""The provider's flow on a real engine with the tiny model, driven by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import (
    BadRequestError,
    ConfigError,
    ContextLengthExceededError,
    NotFoundError,
    UnsupportedParameterError,
)
from jackfield_local import LocalProvider

pytest.importorskip("xllamacpp")

Make = Callable[..., LocalProvider]
REPLY = "Hello from a tiny llama model on this real server."


def tool(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


ADD = tool("add", a={"type": "number"}, b={"type": "number"})
MAIL = tool("send_mail", to={"type": "string"}, urgent={"type": "boolean"})


# -- answers -------------------------------------------------------------------------------------------------------


def test_a_whole_answer(make: Make, drive: Any) -> None:
    """Text, finish reason, usage, model name and id are there; the ledger has the id and the time."""
    one = drive(make())

    response = one.chat()

    assert response.choices[0].message.content == REPLY
    assert response.choices[0].message.role == "assistant"
    assert response.choices[0].finish_reason == "stop"
    assert response.usage.completion_tokens > 0
    assert response.usage.total_tokens == response.usage.prompt_tokens + response.usage.completion_tokens
    assert (response.model, response.object) == ("tiny", "chat.completion")
    assert response.id.startswith("chatcmpl-")
    assert one.blocks == []


def test_a_stream(make: Make, drive: Any) -> None:
    """The chunks say the same as the whole answer, and only the last block holds the finish reason."""
    provider = make()
    whole = drive(provider).chat()
    one = drive(provider)

    result = one.chat(stream=True)

    assert result is None
    assert one.text == REPLY
    assert one.last == [False] * (len(one.blocks) - 1) + [True]
    assert [choice.finish_reason for chunk in one.chunks for choice in chunk.choices][-1] == "stop"
    assert one.folded.choices == whole.choices


def test_usage_is_always_told(make: Make, drive: Any) -> None:
    """In a chunk of its own where that was asked for; else with the finish reason, so that every chunk has a choice."""
    provider = make()
    asked, silent = drive(provider), drive(provider)

    asked.chat(stream=True, stream_options={"include_usage": True})
    silent.chat(stream=True)

    assert not asked.chunks[-1].choices
    assert asked.chunks[-1].usage.completion_tokens == silent.chunks[-1].usage.completion_tokens
    assert all(len(chunk.choices) == 1 for chunk in silent.chunks)
    assert asked.blocks[-1][-2].choices[0].finish_reason == "stop"


def test_json_schema_and_limits_are_kept(make: Make, drive: Any) -> None:
    """The engine's grammar allows nothing else; a limit cuts off with the finish reason ``length``."""
    provider = make()
    form = {
        "type": "json_schema",
        "json_schema": {"name": "c", "schema": tool("x", colour={"enum": ["red"]})["function"]["parameters"]},
    }

    response = drive(provider).chat(response_format=form)
    cut = drive(provider).chat(max_completion_tokens=3)

    assert json.loads(response.choices[0].message.content) == {"colour": "red"}
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("Hello from a", "length")
    assert cut.usage.completion_tokens == 3


def test_offered_tools_may_be_called(make: Make, drive: Any) -> None:
    """The template shows them, and the engine finds the call in what the model writes."""
    provider = make()
    one = drive(provider)

    response = one.chat(tools=[ADD])
    one.chat(tools=[ADD], stream=True)

    (call,) = response.choices[0].message.tool_calls
    assert call.function.name == "add"
    assert json.loads(call.function.arguments).keys() == {"a", "b"}
    assert response.choices[0].finish_reason == "tool_calls"
    assert one.folded.choices[0].message.tool_calls[0].function == call.function


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("tools", "choice", "names"),
    [
        ([ADD], "required", {"add"}),
        ([ADD, MAIL], "required", {"add", "send_mail"}),
        ([ADD, MAIL], {"type": "function", "function": {"name": "add"}}, {"add"}),
        ([ADD, MAIL], {"type": "function", "function": {"name": "send_mail"}}, {"send_mail"}),
    ],
)
def test_a_demanded_call_is_made(
    make: Make, drive: Any, *, stream: bool, tools: list[Any], choice: Any, names: set[str]
) -> None:
    """Whatever the model would like: the call is there, of an allowed function, with arguments that fit its schema."""
    one = drive(make())

    response = one.chat(tools=tools, tool_choice=choice, stream=stream)
    if stream:
        response = one.folded

    (call,) = response.choices[0].message.tool_calls
    arguments = json.loads(call.function.arguments)
    (expected,) = (one for one in tools if one["function"]["name"] == call.function.name)
    assert call.function.name in names
    assert arguments.keys() == expected["function"]["parameters"]["properties"].keys()
    assert call.id.startswith("call_")
    assert response.choices[0].finish_reason == "tool_calls"
    assert not response.choices[0].message.content


def test_a_demanded_call_that_is_cut_off_says_so(make: Make, drive: Any) -> None:
    """Broken arguments are not passed off as a call that ended."""
    response = drive(make()).chat(tools=[MAIL], tool_choice="required", max_tokens=4)

    assert response.choices[0].finish_reason == "length"


def test_tools_with_choice_none_are_not_called(make: Make, drive: Any) -> None:
    """The model does not even see them."""
    assert drive(make()).chat(tools=[ADD], tool_choice="none").choices[0].message.content == REPLY


@pytest.mark.parametrize("arguments", ["", "{}", '{"a": 1}', "[1]", "null", "3", '"x"', "nojson", '{"a": '])
def test_a_history_of_calls_is_answered(make: Make, drive: Any, arguments: str) -> None:
    """Whatever the arguments are, and where there are none."""
    call = {"id": "c", "type": "function", "function": {"name": "add", "arguments": arguments}}
    messages = [
        {"role": "user", "content": "Add."},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "3"},
    ]

    assert drive(make()).chat(messages=messages).choices[0].message.content == REPLY


def test_logprobs_are_the_engines(make: Make, drive: Any) -> None:
    """One entry for each token, with as many alternatives as were asked for."""
    response = drive(make()).chat(logprobs=True, top_logprobs=2, max_tokens=2)

    assert [len(entry.top_logprobs) for entry in response.choices[0].logprobs.content] == [2, 2]


# -- refusals ------------------------------------------------------------------------------------------------------


def test_what_cannot_be_done_is_refused_before_anything_is_loaded(make: Make, drive: Any) -> None:
    """A refusal costs nothing."""
    provider = make(model_path="/nowhere/model.gguf")

    with pytest.raises(UnsupportedParameterError) as caught:
        drive(provider).chat(n=2)

    assert caught.value.param == "n"


def test_another_models_name_is_not_found(make: Make, drive: Any) -> None:
    """No other model answers in its place; the message tells the names."""
    with pytest.raises(NotFoundError, match=r"no model 'gpt-5'; it has tiny$") as caught:
        drive(make()).chat(model="gpt-5")

    assert (caught.value.param, caught.value.code) == ("model", "model_not_found")


def test_the_engines_refusals_are_bad_requests(make: Make, drive: Any) -> None:
    """Whether the engine raises them or answers with them."""
    provider = make()

    with pytest.raises(BadRequestError, match="nonsense"):
        drive(provider).chat(
            response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}
        )
    with pytest.raises(BadRequestError, match="top_k") as caught:
        drive(provider).chat(top_k="many")
    assert (caught.value.type, caught.value.code) == ("invalid_request_error", None)


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_does_not_fit_is_told_with_the_remedy(make: Make, drive: Any, stream: bool) -> None:
    """It is never cut silently."""
    one = drive(make(context=256))

    with pytest.raises(ContextLengthExceededError, match="raise the local backend's setting `context`") as caught:
        one.chat("x" * 1000, stream=stream)

    assert (caught.value.param, caught.value.status_code) == ("messages", 400)
    assert one.blocks == []


@pytest.mark.parametrize("content", [None, b"", b"not a model", b"GGUF and then nothing"])
def test_a_file_that_is_no_model_is_a_config_error(
    make: Make, drive: Any, tmp_path: Path, content: bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    """Missing, empty, something else or broken: the path is named, and the engine prints nothing."""
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match=r"model\.gguf"):
        drive(make(model_path=str(path))).chat()

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "settings",
    [{"threads": 0}, {"context": 10}, {"parallel": 0}, {"max_tokens": 0}, {"temperature": -1.0}, {"model_name": " "}],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    """The message names the setting."""
    with pytest.raises(ValueError, match=next(iter(settings))):
        LocalProvider(**settings)


# -- names ---------------------------------------------------------------------------------------------------------


def test_the_model_is_listed_without_being_loaded(make: Make) -> None:
    """A file goes by its stem, or by the name it was given; the packaged model by its own."""
    providers = [LocalProvider(), make(), make(model_name="mine")]

    listed = [[model.id for model in provider.list_models()] for provider in providers]

    assert listed == [["smollm2"], ["tiny"], ["mine"]]
    assert not any(provider._engine._server for provider in providers)


def test_answers_come_under_the_given_name(make: Make, drive: Any) -> None:
    """So a configuration can swap the file without any host noticing."""
    assert drive(make(model_name="mine")).chat(max_tokens=1).model == "mine"
