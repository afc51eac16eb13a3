"""Whole answers in OpenAI's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.errors import ValidationError
from jackfield.wire import to_dict
from jackfield_anthropic.response import decode, decode_models

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "stop_reason": "end_turn",
}


def decoded(**members: Any) -> Any:
    return decode(json.dumps({**MESSAGE, **members}).encode())


def message(*blocks: dict[str, Any]) -> dict[str, Any]:
    return to_dict(decoded(content=list(blocks)).choices[0].message)


TEXT = {"type": "text", "text": "Hi.", "citations": None}
EMPTY = {"role": "assistant", "content": None, "refusal": None}


def test_an_answer_is_one_choice(data):
    """All of the recorded answer is told."""
    answer = json.loads(data("llama_text.json"))

    assert to_dict(decode(data("llama_text.json"))) == {
        "id": answer["id"],
        "object": "chat.completion",
        "created": 0,
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "message": {**EMPTY, "content": "Hello from a tiny llama model on this real server."},
                "logprobs": None,
                "finish_reason": "stop",
                "stop_reason": "end_turn",
            }
        ],
        "usage": {
            "prompt_tokens": 21,
            "completion_tokens": 12,
            "total_tokens": 33,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }


@pytest.mark.parametrize(
    ("blocks", "wanted"),
    [
        ([], {}),
        ([TEXT], {"content": "Hi."}),
        ([{"type": "text", "text": ""}], {}),
        (
            [TEXT, {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}}],
            {"content": "Hi.", "tool_calls": [{"type": "function", "id": "t", "caller": {"type": "direct"},
                "function": {"name": "f", "arguments": '{"a":1}'}}]},
        ),
        (
            [{"type": "tool_use", "id": "t", "name": "f"}],
            {"tool_calls": [{"type": "function", "id": "t", "function": {"name": "f", "arguments": "{}"}}]},
        ),
        (
            [{"type": "thinking", "thinking": "Hm.", "signature": "S"}, {"type": "redacted_thinking", "data": "D"}, TEXT],
            {"content": "Hi.", "reasoning_content": "Hm.", "thinking_blocks":
                [{"type": "thinking", "thinking": "Hm.", "signature": "S"}, {"type": "redacted_thinking", "data": "D"}]},
        ),
        (
            [{"type": "thinking", "thinking": "", "signature": "S"}],
            {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "S"}]},
        ),
        (
            [TEXT, {"type": "text", "text": " Ho."}],
            {"content": "Hi. Ho.", "content_blocks": [{"type": "text", "text": "Hi."}, {"type": "text", "text": " Ho."}]},
        ),
        ([{"type": "novel", "x": None, "y": 1}], {"content_blocks": [{"type": "novel", "y": 1}]}),
        ([{"type": "novel", "citations": {"a": 1}}], {"content_blocks": [{"type": "novel", "citations": {"a": 1}}]}),
    ],
)  # fmt: skip
def test_blocks_are_told_in_the_fields_that_hosts_know(blocks, wanted):
    """And kept as they are where those do not tell everything."""
    assert message(*blocks) == {**EMPTY, **wanted}


def test_citations_are_notes_on_the_part_of_the_text_that_cites(data):
    """Pages as OpenAI has them, places in documents under the service's own names."""
    made = to_dict(decode(data("web_search.json")).choices[0].message)

    assert made["content"] == "I will look. It is 68°F."
    assert made["annotations"] == [
        {"type": "url_citation", "url_citation": {"start_index": 13, "end_index": 23, "url": "https://example.com/weather",
            "title": "Weather", "cited_text": "68°F", "encrypted_index": "Eo8BCioI"}},
        {"type": "page_location", "start_index": 13, "end_index": 23, "cited_text": "sunny", "document_index": 0,
            "document_title": "Almanac", "start_page_number": 1, "end_page_number": 2},
    ]  # fmt: skip
    assert made["content_blocks"] == json.loads(data("web_search.json"))["content"]


@pytest.mark.parametrize(
    ("stop_reason", "finish_reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "pause_turn"),
        ("novel", "novel"),
        (None, None),
    ],
)
def test_why_the_model_ended_is_told_in_both_words(stop_reason, finish_reason):
    """One that OpenAI does not have stays as it is: such an answer is not at its end."""
    (choice,) = decoded(stop_reason=stop_reason).choices

    assert choice.finish_reason == finish_reason
    assert choice.extra == ({} if stop_reason is None else {"stop_reason": stop_reason})


def test_what_the_service_says_of_the_end_is_kept(data):
    """The word that ended it, and why it refused."""
    (stopped,) = decode(data("llama_stop.json")).choices
    (refused,) = decode(data("refusal.json")).choices

    assert (stopped.finish_reason, stopped.extra["stop_sequence"]) == ("stop", "llama")
    assert refused.extra["stop_details"]["category"] == "cyber"
    assert refused.message.content is None


def test_usage_counts_all_of_the_prompt():
    """What was read from the cache or written to it is a part of it; what else is told is kept."""
    usage = {"input_tokens": 5, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 100, "output_tokens": 7,
             "output_tokens_details": {"thinking_tokens": 3}, "service_tier": "standard", "inference_geo": None,
             "cache_creation": {"ephemeral_5m_input_tokens": 10}}  # fmt: skip
    response = decoded(usage=usage)

    assert to_dict(response.usage) == {
        "prompt_tokens": 115,
        "completion_tokens": 7,
        "total_tokens": 122,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 3},
        "cache_creation": {"ephemeral_5m_input_tokens": 10},
    }
    assert response.service_tier == "default"
    assert decoded().usage is None
    assert decoded(usage={"service_tier": "priority"}).service_tier == "priority"


def test_unknown_members_are_kept():
    """Nulls say nothing."""
    assert decoded(container={"id": "c"}, context_management=None).extra == {"container": {"id": "c"}}


@pytest.mark.parametrize(
    "members",
    [
        {"content": None},
        {"content": "Hi."},
        {"content": ["Hi."]},
        {"content": [{}]},
        {"content": [{"type": "text"}]},
        {"content": [{"type": "text", "text": 1}]},
        {"content": [{"type": "thinking"}]},
        {"content": [{"type": "text", "text": "Hi.", "citations": ["Hi."]}]},
        {"content": [{"type": ["text"], "text": "Hi."}]},
        {"content": [{"type": "tool_use", "id": "t"}]},
        {"content": [{"type": "tool_use", "id": "t", "name": "f", "input": "{}"}]},
        {"id": 7},
        {"stop_reason": 7},
        {"usage": {"input_tokens": "few"}},
        {"usage": []},
    ],
)
def test_an_answer_of_another_shape_is_refused(members):
    """Without repeating what it says."""
    with pytest.raises(ValidationError) as caught:
        decoded(**members)
    assert "Hi." not in str(caught.value)
    assert "few" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"choices": []}'])
def test_what_is_no_answer_is_refused(body):
    """Such as the answer of a server that speaks OpenAI's format."""
    with pytest.raises(ValidationError):
        decode(body)


def test_models_are_listed_as_openai_lists_them(data):
    """The service's own list, and that of servers which list in OpenAI's shape."""
    own = {"id": "claude-opus-5", "type": "model", "display_name": "Claude Opus 5", "created_at": "2026-07-24T00:00:00Z",
           "max_tokens": 128000}  # fmt: skip
    odd = {"id": "x", "type": "model", "created_at": "soon"}

    models = decode_models(json.dumps({"data": [own, odd], "has_more": False}).encode())
    (llama,) = decode_models(data("llama_models.json"))

    assert [to_dict(model) for model in models] == [
        {"id": "claude-opus-5", "object": "model", "created": 1784851200, "owned_by": "anthropic",
         "display_name": "Claude Opus 5", "max_tokens": 128000},
        {"id": "x", "object": "model", "created": 0, "owned_by": "anthropic"},
    ]  # fmt: skip
    assert (llama.id, llama.created, llama.owned_by) == ("tiny", 1795748572, "llamacpp")


@pytest.mark.parametrize("body", [b"{}", b'{"data": {}}', b'{"data": [{"name": "x"}]}', b"no"])
def test_a_list_of_models_that_is_none_is_refused(body):
    """Not every server has one."""
    with pytest.raises(ValidationError):
        decode_models(body)
