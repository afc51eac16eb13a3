"""How a request is put to the engine, and what is refused before the engine sees it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.call import Attempt
from jackfield.errors import BadRequestError, UnsupportedParameterError
from jackfield.http import Backend
from jackfield.models import CreateChatCompletionRequest
from jackfield.parameters import Fitting
from jackfield.wire import from_dict
from jackfield_local.body import Defaults, Question, question
from jackfield_local.parameters import PARAMETERS

USER = {"role": "user", "content": "Hi."}
SCHEMA = {"type": "object", "properties": {}}
TOOL = {"type": "function", "function": {"name": "add", "parameters": SCHEMA}}
SHORT = Defaults("Be short.", 0.0, 512)


def asked(defaults: Defaults = SHORT, extra: dict[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """The body for a request with ``fields``, and one user message unless told."""
    body: dict[str, Any] = json.loads(put(fields, extra or {}, "error", defaults).body)
    return body


def put(fields: Any, extra: Any, on_unsupported: Any, defaults: Defaults = SHORT, attempt: Any = None) -> Question:
    """The question for a request with ``fields``."""
    request = from_dict({"model": "m", "messages": [USER]} | fields, CreateChatCompletionRequest)
    return question(request, extra, Fitting("the local engine", on_unsupported, attempt), defaults)


def test_the_engine_is_asked_to_stream_and_to_tell_what_it_does() -> None:
    """Only so can it be stopped, in the prompt or in the answer."""
    body = asked(stream=False, stream_options={"include_usage": False})

    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["return_progress"] is True
    assert "model" not in body


def test_defaults_fill_in_what_the_caller_leaves_open() -> None:
    """A system message, a temperature and a limit."""
    body = asked()

    assert body["messages"] == [{"role": "system", "content": "Be short."}, USER]
    assert (body["temperature"], body["max_tokens"]) == (0.0, 512)


def test_the_callers_word_stands_above_the_defaults() -> None:
    """Whatever the caller says, in whatever form, is what the engine is told."""
    developer = {"role": "developer", "content": "Be long."}

    body = asked(messages=[developer, USER], temperature=0.7, max_completion_tokens=9, max_tokens=99)

    assert body["messages"] == [{"role": "system", "content": "Be long."}, USER]
    assert (body["temperature"], body["max_tokens"]) == (0.7, 9)
    assert asked(max_tokens=99)["max_tokens"] == 99


@pytest.mark.parametrize(
    ("fields", "extra", "param"),
    [
        ({"max_tokens": 0}, {}, "max_tokens"),
        ({"max_tokens": -1}, {}, "max_tokens"),
        ({"max_completion_tokens": 0}, {}, "max_completion_tokens"),
        ({"max_completion_tokens": -1}, {}, "max_completion_tokens"),
        ({"max_completion_tokens": 0, "max_tokens": 9}, {}, "max_completion_tokens"),
        ({"max_completion_tokens": None, "max_tokens": 0}, {}, "max_tokens"),
        ({"max_tokens": 9}, {"max_tokens": 0}, "max_tokens"),
    ],
)
def test_a_limit_below_one_token_is_refused(fields: dict[str, Any], extra: dict[str, Any], param: str) -> None:
    """The default does not take its place, and -1 is not the engine's word for no limit: it is a 400, as OpenAI's."""
    with pytest.raises(BadRequestError, match=r"^expected at least 1 token, got ") as caught:
        asked(SHORT, extra, **fields)

    assert (caught.value.param, caught.value.status_code) == (param, 400)


def test_a_limit_that_is_null_is_none() -> None:
    """The other one stands, else the default."""
    assert asked(max_completion_tokens=None, max_tokens=9)["max_tokens"] == 9
    assert asked(max_completion_tokens=None, max_tokens=None)["max_tokens"] == 512


def test_another_model_is_left_alone() -> None:
    """Without defaults nothing is added."""
    body = asked(Defaults())

    assert body["messages"] == [USER]
    assert body.keys().isdisjoint({"temperature", "max_tokens"})


def test_the_engines_own_parameters_are_passed_on() -> None:
    """Unknown fields of the request and of ``extra_body`` are the engine's to judge; null is as if not there."""
    body = asked(SHORT, {"min_p": 0.1}, top_k=5, stop=None, metadata={"a": "b"}, user="me", logit_bias={"1": -1})

    assert (body["top_k"], body["min_p"], body["logit_bias"]) == (5, 0.1, {"1": -1})
    assert body.keys().isdisjoint({"stop", "metadata", "user"})


def test_a_seed_makes_answers_repeatable() -> None:
    """Reused prompts round differently, so a request with a seed does without them."""
    assert asked(seed=1)["cache_prompt"] is False
    assert asked(seed=1, cache_prompt=True)["cache_prompt"] is True
    assert "cache_prompt" not in asked()


def test_parts_of_text_become_text() -> None:
    """One part a line, refusals among them."""
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    refusal = {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}

    body = asked(
        Defaults(), messages=[{"role": "user", "content": parts}, refusal, {"role": "assistant", "refusal": "never"}]
    )

    assert [message["content"] for message in body["messages"]] == ["a\nb", "no", "never"]


def test_a_call_and_its_result_are_kept() -> None:
    """What the model called before, and what came of it, is part of the prompt."""
    call = {"id": "c", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    messages = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "3"},
    ]

    body = asked(Defaults(), messages=messages)

    assert body["messages"][1] == {"role": "assistant", "content": "", "tool_calls": [call]}
    assert body["messages"][2] == {"role": "tool", "content": "3", "tool_call_id": "c"}


def called(arguments: Any) -> list[dict[str, Any]]:
    """A conversation in which a function was called with ``arguments``."""
    call = {"id": "c", "type": "function", "function": {"name": "add", "arguments": arguments}}
    return [USER, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": "3"}]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [("", "{}"), (" \n", "{}"), ('{"a": 1}', '{"a": 1}'), ("[1]", "[1]"), ("null", "null"), ('"x"', '"x"')],
)
def test_arguments_of_a_call_are_sent_as_json(arguments: str, sent: str) -> None:
    """None are an empty object; JSON of any kind is the engine's to judge."""
    (call,) = asked(messages=called(arguments))["messages"][-2]["tool_calls"]

    assert call["function"] == {"name": "add", "arguments": sent}


def test_arguments_of_extra_body_may_be_an_object() -> None:
    """The engine takes that, though OpenAI's schema does not have it."""
    messages = called({"a": 1})

    assert asked(Defaults(), {"messages": messages})["messages"][1]["tool_calls"] == messages[1]["tool_calls"]


@pytest.mark.parametrize("arguments", ["nojson", '{"city": "Par', "{} x", '{"a": NaN}', '{"a": 1e999}', "[" * 5000])
def test_arguments_of_a_call_that_are_no_json_are_told_in_an_object(arguments: str) -> None:
    """As by the other providers: the engine would fail, and a conversation could not be gone on with here."""
    (call,) = asked(messages=called(arguments))["messages"][-2]["tool_calls"]

    assert json.loads(call["function"]["arguments"]) == {"invalid_json": arguments}


def test_offered_tools_go_to_the_engine_without_the_usual_prompt() -> None:
    """Asked for one short sentence, a small model does not call anything."""
    body = asked(tools=[TOOL], tool_choice="auto", parallel_tool_calls=False)

    assert body["tools"] == [TOOL]
    assert body["messages"] == [USER]
    assert body["parallel_tool_calls"] is False
    assert "tool_choice" not in body


def test_tools_that_may_not_be_called_are_not_shown() -> None:
    """The engine would show them to the model all the same."""
    body = asked(tools=[TOOL], tool_choice="none")

    assert body.keys().isdisjoint({"tools", "tool_choice"})


def test_a_demanded_call_is_had_by_grammar() -> None:
    """The function is told in the system message, and its schema stands above a ``response_format``."""
    system = {"role": "system", "content": "Be nice."}

    body = asked(tools=[TOOL], tool_choice="required", messages=[system, USER], response_format={"type": "json_object"})

    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert body["messages"][0]["content"].startswith("Be nice.\n\nCall this function")
    assert body["messages"][1] == USER
    assert "tools" not in body


IMAGE = {"type": "image_url", "image_url": {"url": "x"}}
DANCE = {"type": "dance", "id": "d"}
UNSAID = [
    ({"n": 2}, ["n"]),
    ({"modalities": ["text", "audio"]}, ["modalities"]),
    ({"audio": {"voice": "alloy", "format": "wav"}}, ["audio"]),
    ({"functions": [{"name": "f"}], "function_call": "auto"}, ["function_call", "functions"]),
    ({"web_search_options": {}}, ["web_search_options"]),
    ({"moderation": {"model": "m"}}, ["moderation"]),
    ({"reasoning_effort": "high", "store": True, "verbosity": "low"}, ["reasoning_effort", "store", "verbosity"]),
    ({"logprobs": True, "top_logprobs": 2, "tools": [TOOL]}, ["logprobs"]),
    ({"tools": [TOOL, {"type": "custom", "custom": {"name": "f"}}]}, ["tools[1]"]),
    ({"messages": [USER, {"role": "function", "name": "f", "content": "1"}]}, ["messages[1]"]),
    ({"messages": [{"role": "user", "content": [IMAGE, {"type": "text", "text": "Hi."}]}]}, ["messages[0].content[0]"]),
    ({"messages": [{**USER, "name": "ann"}]}, ["messages[0].name"]),
    ({"messages": [USER, {"role": "assistant", "tool_calls": [DANCE]}]}, ["messages[1].tool_calls[0]"]),
]
"""What the engine cannot do, and where it stands."""


@pytest.mark.parametrize(("fields", "params"), UNSAID)
def test_what_the_engine_cannot_do_is_refused(fields: dict[str, Any], params: list[str]) -> None:
    """The error names the parameter, and says what to do."""
    with pytest.raises(UnsupportedParameterError) as caught:
        asked(**fields)

    assert (caught.value.param, caught.value.code) == (params[0], "unsupported_parameter")
    assert caught.value.message.startswith(f"{params[0]}: the local engine has no way to say it; ")


@pytest.mark.parametrize(("fields", "params"), UNSAID)
def test_what_the_engine_cannot_do_is_dropped_where_that_is_wanted(fields: dict[str, Any], params: list[str]) -> None:
    """All of it is entered in the attempt, and the rest is asked."""
    attempt = Attempt(number=1, backend=Backend("b", "local"), model="m")

    body = json.loads(put(fields, {}, "drop", Defaults(), attempt).body)

    assert list(attempt.dropped) == params
    assert body.keys() <= {"messages", "tools", "stream", "stream_options", "return_progress"}
    assert body["messages"][0] == USER
    assert None not in body["messages"]
    assert not {"custom", "dance"} & set(json.dumps(body).split('"'))
    assert body.get("tools", [TOOL]) == [TOOL]


def test_what_stands_in_extra_body_is_refused_too() -> None:
    """It would be lost there without a word."""
    with pytest.raises(UnsupportedParameterError, match=r"^n: "):
        asked(SHORT, {"n": 2})


def test_what_has_no_effect_is_not_asked() -> None:
    """The table says so: it would change nothing of the answer."""
    effectless = {
        "metadata": {"a": "b"}, "prediction": {"type": "content", "content": "x"}, "prompt_cache_key": "k",
        "prompt_cache_options": {}, "prompt_cache_retention": "24h", "safety_identifier": "s", "service_tier": "flex",
        "user": "me",
    }  # fmt: skip

    assert asked(**effectless) == asked()
    assert {name for name, one in PARAMETERS.items() if one.note.startswith("without effect")} == set(effectless)


def test_reasoning_of_an_earlier_answer_goes_to_the_template() -> None:
    """A model that does not reason passes over it; one that does may want it."""
    thought = {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}

    assert asked(Defaults(), messages=[USER, thought])["messages"][1] == thought


def test_what_another_backend_answered_is_asked_as_far_as_the_engine_knows_it() -> None:
    """A conversation may have begun elsewhere: what is left out is entered in the attempt, and nothing is refused."""
    custom = {"type": "custom", "id": "c", "custom": {"name": "f", "input": "x"}}
    call = {"type": "function", "id": "d", "function": {"name": "g", "arguments": "{}"}}
    called = {**call, "extra_content": {"google": {}}, "index": None}
    spoken = {"role": "assistant", "audio": {"id": "a", "transcript": "Hi."}}
    silent = {"role": "assistant", "audio": {"id": "b", "transcript": 1}}
    thought = {"role": "assistant", "reasoning": "Hm.", "thinking_blocks": [], "tool_calls": [custom, called]}
    attempt = Attempt(number=1, backend=Backend("b", "local"), model="m")

    body = json.loads(put({"messages": [USER, spoken, thought, silent]}, {}, "error", Defaults(), attempt).body)

    made = {"type": "function", "id": "c", "function": {"name": "f", "arguments": '{"input": "x"}'}}
    assert body["messages"][1:] == [
        {"role": "assistant", "content": "Hi."},
        {"role": "assistant", "content": "", "reasoning_content": "Hm.", "tool_calls": [made, call]},
        {"role": "assistant", "content": ""},
    ]
    told = ("[1].audio", "[2].tool_calls[1].extra_content", "[2].thinking_blocks", "[3].audio")
    assert attempt.dropped == tuple(f"messages{path}" for path in told)


PART = {"type": "text", "text": "Hi."}
CUSTOM = {"type": "custom", "id": "c", "custom": {"name": "f", "input": "x"}}


@pytest.mark.parametrize(
    ("message", "besides", "path"),
    [
        ({"role": "assistant", "content": "Hi."}, {"refusal": "No."}, "refusal"),
        (
            {"role": "assistant", "tool_calls": [CUSTOM]},
            {"tool_calls": [{**CUSTOM, "custom": {**CUSTOM["custom"], "own": 1, "null": None}}]},
            "tool_calls[0].custom.own",
        ),
        (
            {"role": "user", "content": [PART, PART]},
            {"content": [PART, {**PART, "own": 1, "null": None}]},
            "content[1].own",
        ),
        (
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            {"content": [{"type": "refusal", "refusal": "No.", "own": 1}]},
            "content[0].own",
        ),
    ],
    ids=["refusal", "custom", "text", "refusal_part"],
)
def test_what_is_left_out_beside_what_is_said_is_told(message: Any, besides: Any, path: str) -> None:
    """A refusal beside a text, and unknown members of calls and parts: never refused, and nothing else changes."""
    attempts = [Attempt(number=1, backend=Backend("b", "local"), model="m") for _ in range(2)]
    bodies = [
        put({"messages": [USER, asked]}, {}, "error", Defaults(), attempt).body
        for asked, attempt in zip((message, {**message, **besides}), attempts, strict=True)
    ]

    assert bodies[0] == bodies[1]
    assert [attempt.dropped for attempt in attempts] == [(), (f"messages[1].{path}",)]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [USER, {"role": "judge", "content": "1"}]}, "messages[1].role"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages"),
        ({"tool_choice": "required"}, "tool_choice"),
    ],
)
def test_what_is_no_request_is_refused(fields: dict[str, Any], param: str | None) -> None:
    """The error is a 400 that names the parameter, and says what is expected."""
    with pytest.raises(BadRequestError) as caught:
        asked(**fields)

    assert (caught.value.param, caught.value.status_code) == (param, 400)
    assert len(caught.value.message) > 20


def test_what_is_no_json_is_refused() -> None:
    """A number that has none, in ``extra_body``."""
    with pytest.raises(BadRequestError, match="cannot be written as JSON"):
        asked(SHORT, {"temperature": float("nan")})


@pytest.mark.parametrize("fields", [{"n": 1}, {"modalities": ["text"]}, {"logprobs": True}, {"audio": None}])
def test_what_only_looks_special_is_not_refused(fields: dict[str, Any]) -> None:
    """One answer, text, logprobs without tools, and null."""
    assert asked(**fields)["messages"][-1] == USER


def test_logprobs_go_together_with_tools_that_are_not_shown() -> None:
    """Nothing is refused that would work."""
    assert asked(logprobs=True, tools=[TOOL], tool_choice="none")["logprobs"] is True
