"""Replies in another shape than OpenAI's, as services that speak its protocol send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.errors import ValidationError
from jackfield.event import decode_chunk
from jackfield.testing import Reply, ScriptedDriver, make_call, plan, run_call, run_flow
from jackfield.wire import build_request, to_dict
from jackfield_openai import OpenAIProvider
from jackfield_openai.amend import amending

HEAD = {"id": "c", "created": 1, "model": "m"}
THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}, {"type": "text", "text": "m."}]}
SAID = {"type": "text", "text": "Yes"}
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": {"city": "Zürich"}}}
CALLED = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"city":"Zürich"}'}}


def asked(**fields: Any) -> Any:
    return build_request({"model": "m", "messages": [{"role": "user", "content": "Hi."}], **fields})


def chunk(delta: Any, **choice: Any) -> dict[str, Any]:
    return {**HEAD, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, **choice}]}


def answered(message: dict[str, Any]) -> Any:
    """The message of an answer that has this one."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    reply = Reply.of_json({**HEAD, "object": "chat.completion", "choices": [choice]})
    return run_call(plan(OpenAIProvider()), asked(), ScriptedDriver([reply])).choices[0].message


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"content": [SAID, SAID]}, {"content": "YesYes"}),
        ({"content": [THINKING, SAID]}, {"content": "Yes", "reasoning_content": "Hmm."}),
        ({"content": [THINKING]}, {"content": None, "reasoning_content": "Hmm."}),
        ({"content": [{"type": "reference", "reference_ids": [1]}, SAID]}, {"content": "Yes"}),
        ({"content": "", "tool_calls": [CALL]}, {"content": "", "tool_calls": [CALLED]}),
    ],
)
def test_an_answer_in_another_shape_is_taken(sent: dict[str, Any], told: dict[str, Any]) -> None:
    """Text is text, reasoning is reasoning, and arguments are JSON text."""
    message = to_dict(answered(sent))

    assert {name: message.get(name) for name in told} == told


def test_parts_that_are_neither_text_nor_reasoning_are_kept() -> None:
    """Nothing that the service said is lost."""
    parts = [{"type": "reference", "reference_ids": [1]}, SAID]

    assert answered({"content": parts}).extra["content_parts"] == parts
    assert "content_parts" not in answered({"content": [THINKING, SAID]}).extra


def test_a_stream_in_another_shape_is_taken() -> None:
    """As Mistral's models that reason send it: first parts, then text."""
    events = [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]}),
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "m."}], "closed": True}]}),
        chunk({"content": [{"type": "text", "text": "Ye"}]}),
        chunk({"content": "s", "tool_calls": [{**CALL, "index": 0}]}),
        chunk({}, finish_reason="tool_calls"),
    ]
    driver = ScriptedDriver([Reply.of_events(*events)])

    message = run_call(plan(OpenAIProvider()), asked(stream=True), driver).choices[0].message

    assert (message.content, message.reasoning_content) == ("Yes", "Hmm.")
    assert message.tool_calls[0].function.arguments == CALLED["function"]["arguments"]  # type: ignore[index]  # a dict of dicts
    assert len(driver.delivered) == len(events)


def test_a_log_probability_that_is_a_number_is_kept_beside() -> None:
    """As Together sends it with every chunk."""
    made = amending(decode_chunk, json.dumps(chunk({"content": "a"}, logprobs=-0.5)).encode())

    assert made.choices[0].logprobs is None
    assert made.choices[0].extra["logprob"] == -0.5


@pytest.mark.parametrize(
    ("listing", "ids"),
    [
        ([{"id": "a", "object": "model", "created": 1}, {"id": "b"}], ["a", "b"]),
        ([], []),
        ({"object": "list", "data": None}, []),
        ({"data": [{"id": "a"}]}, ["a"]),
    ],
)
def test_a_list_of_models_in_another_shape_is_taken(listing: Any, ids: list[str]) -> None:
    """A bare array (Together), null for none (Ollama), and without its name (OpenRouter)."""
    driver = ScriptedDriver([Reply.of_json(listing)])

    assert [model.id for model in run_flow(OpenAIProvider().list_models(make_call(driver)), driver=driver)] == ids


@pytest.mark.parametrize(
    "data",
    [
        *({"choices": 1}, {"choices": [1]}, {"choices": [{"delta": {"content": [1]}}]}, "text", 1, None, {}),
        *({"choices": "none"}, {"choices": [{"delta": {"content": [{"type": "thinking"}]}}]}),
        *({"choices": [{"delta": {"content": [{"type": "text", "text": 1}]}}]}, {"choices": [{"delta": 1}]}),
    ],
)
def test_what_has_no_shape_at_all_is_refused_for_what_it_is(data: Any) -> None:
    """The error is that of the data as they came, or of what was made of them; no other comes out."""
    raw = json.dumps(data).encode()
    if data == {}:
        assert amending(decode_chunk, raw).choices == ()
        return
    with pytest.raises(ValidationError):
        amending(decode_chunk, raw)


def test_what_is_no_json_is_refused() -> None:
    """As before."""
    with pytest.raises(ValidationError):
        amending(decode_chunk, b"{")
