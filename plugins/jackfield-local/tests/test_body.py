"""How a request is put to the engine, and what is refused before the engine sees it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.errors import BadRequestError
from jackfield_local.body import Defaults, question

USER = {"role": "user", "content": "Hi."}
PARAMETERS = {"type": "object", "properties": {}}
TOOL = {"type": "function", "function": {"name": "add", "parameters": PARAMETERS}}
SHORT = Defaults("Be short.", 0.0, 512)


def asked(defaults: Defaults = SHORT, extra: dict[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """The body for a request with ``fields``, and one user message unless told."""
    body: dict[str, Any] = json.loads(question({"model": "m", "messages": [USER]} | fields, extra or {}, defaults).body)
    return body


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

    assert body["response_format"]["json_schema"]["schema"] == PARAMETERS
    assert body["messages"][0]["content"].startswith("Be nice.\n\nCall this function")
    assert body["messages"][1] == USER
    assert "tools" not in body


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"function_call": "auto"}, "function_call"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"moderation": {"model": "m"}}, "moderation"),
        ({"logprobs": True, "tools": [TOOL]}, "logprobs"),
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0].type"),
        ({"messages": []}, "messages"),
        ({"messages": [USER, {"role": "function", "name": "f", "content": "1"}]}, "messages[1].role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages[0].content[0]",
        ),
        ({"messages": [{"role": "assistant", "audio": {"id": "a"}}]}, "messages[0]"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"type": "custom", "id": "c"}]}]},
            "messages[0].tool_calls[0].type",
        ),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages"),
        ({"temperature": float("nan")}, None),
    ],
)
def test_what_the_engine_cannot_do_is_refused(fields: dict[str, Any], param: str | None) -> None:
    """The error is a 400 that names the parameter, and says what to do or what is expected."""
    with pytest.raises(BadRequestError) as caught:
        asked(**fields)

    assert (caught.value.param, caught.value.status_code) == (param, 400)
    assert len(caught.value.message) > 20


@pytest.mark.parametrize("fields", [{"n": 1}, {"modalities": ["text"]}, {"logprobs": True}, {"audio": None}])
def test_what_only_looks_special_is_not_refused(fields: dict[str, Any]) -> None:
    """One answer, text, logprobs without tools, and null."""
    assert asked(**fields)["messages"][-1] == USER


def test_logprobs_go_together_with_tools_that_are_not_shown() -> None:
    """Nothing is refused that would work."""
    assert asked(logprobs=True, tools=[TOOL], tool_choice="none")["logprobs"] is True
