"""What the model answered before, to the blocks that it answered with."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.errors import UnsupportedParameterError

USER = {"role": "user", "content": "Hi."}
CALL = {"type": "function", "id": "call_1", "function": {"name": "f", "arguments": '{"a": 1}'}}
USED = {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}}
CALLS = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "42"}
CACHED = {"cache_control": {"type": "ephemeral"}}


def text(words: str, **besides: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **besides}


def turns(sent, *messages, **settings):
    body = sent(settings, messages=list(messages))
    return body.get("system"), body["messages"]


ANSWER = {"role": "assistant", "content": "Yes."}


def test_calls_without_text_are_only_calls(sent):
    """An empty text beside them would be refused."""
    assert turns(sent, USER, {**CALLS, "content": ""})[1][1] == {"role": "assistant", "content": [USED]}


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ("", {}),
        ("{}", {}),
        ('{"b": [1, 12345678901234567890]}', {"b": [1, 12345678901234567890]}),
        ('{"a": ', {"invalid_json": '{"a": '}),
        ("[1]", {"invalid_json": "[1]"}),
        ("null", {"invalid_json": "null"}),
    ],
)
def test_arguments_are_an_object(sent, arguments, wanted):
    """The format takes nothing else; what the model wrote is not lost."""
    call = {**CALL, "function": {"name": "f", "arguments": arguments}}

    assert turns(sent, USER, {**CALLS, "tool_calls": [call]})[1][1]["content"][0]["input"] == wanted


def test_foreign_ids_are_rewritten_for_call_and_result_alike(sent):
    """Two that differ only in refused characters stay two, and the same id is always written the same."""
    calls = [{**CALL, "id": name} for name in ("functions.f:0", "functions:f.0", "functions_f_0")]
    results = [{**RESULT, "tool_call_id": call["id"]} for call in calls]

    _, made = turns(sent, USER, {**CALLS, "tool_calls": calls}, *results)

    used = [block["id"] for block in made[1]["content"]]
    assert used == [block["tool_use_id"] for block in made[2]["content"]]
    assert len(set(used)) == 3
    assert used[2] == "functions_f_0"
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-") for name in used)


def test_refusals_are_what_the_model_said(sent):
    """As a field, and as a part."""
    parts = {"role": "assistant", "content": [text("No."), {"type": "refusal", "refusal": "Never."}]}

    assert turns(sent, USER, {"role": "assistant", "content": None, "refusal": "No."})[1][1]["content"] == "No."
    assert turns(sent, USER, parts)[1][1]["content"] == [text("No."), text("Never.")]


def test_deprecated_function_calls_have_their_results(sent):
    """They have no id, so one is made up."""
    called = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}

    _, made = turns(sent, USER, called, {"role": "function", "name": "f", "content": "42"})

    (use,), (result,) = made[1]["content"], made[2]["content"]
    assert use == {"type": "tool_use", "id": "function_1", "name": "f", "input": {}}
    assert result == {"type": "tool_result", "tool_use_id": "function_1", "content": "42"}


def test_calls_of_custom_tools_keep_their_text(sent):
    """History from a service that has such tools."""
    custom = {"type": "custom", "id": "c1", "custom": {"name": "shell", "input": "ls"}}

    assert turns(sent, USER, {**CALLS, "tool_calls": [custom]})[1][1]["content"] == [
        {"type": "tool_use", "id": "c1", "name": "shell", "input": {"input": "ls"}}
    ]


def test_a_call_of_an_unknown_kind_is_refused(sent):
    """Its result would have no call."""
    with pytest.raises(UnsupportedParameterError, match=r"messages\[1\]\.tool_calls\[0\]"):
        turns(sent, USER, {**CALLS, "tool_calls": [{"type": "dance", "x": 1}]})


def test_audio_that_a_model_spoke_is_left_out_and_told_of(attempted):
    """It is only known to the service that made it; its words are said, where the host kept them."""
    kept = ({}, {"transcript": "Hi."}, {"transcript": 1})
    spoken = [{"role": "assistant", "audio": {"id": "audio_1", **words}} for words in kept]

    body, attempt = attempted(messages=[USER, *spoken])

    assert body["messages"][1:] == [{"role": "assistant", "content": "Hi."}]
    assert attempt.dropped == ("messages[1].audio", "messages[2].audio", "messages[3].audio")


THOUGHTS = [
    {"type": "thinking", "thinking": "", "signature": "EqQB"},
    {"type": "redacted_thinking", "data": "Emw"},
    {"type": "thinking", "thinking": "Hm.", "signature": "EqQC"},
]


def test_thoughts_come_first_and_unchanged(attempted):
    """With their signatures, also where the thought itself was not told."""
    message = {**CALLS, "content": "Yes.", "reasoning_content": "Hm.", "thinking_blocks": THOUGHTS}

    body, attempt = attempted(messages=[USER, message])

    assert body["messages"][1]["content"] == [*THOUGHTS, text("Yes."), USED]
    assert attempt.dropped == ()


def test_what_other_services_say_besides_is_left_out_and_told_of(attempted):
    """Thoughts without a signature cannot be given back, but no call fails for that."""
    call = {**CALL, "extra_content": {"google": {}}, "caller": {"type": "direct"}}
    message = {**CALLS, "tool_calls": [call], "reasoning_content": "Hm.", "reasoning_details": [], "logo": None}

    body, attempt = attempted(messages=[USER, message])

    assert body["messages"][1]["content"] == [{**USED, "caller": {"type": "direct"}}]
    assert attempt.dropped == (
        "messages[1].reasoning_content",
        "messages[1].reasoning_details",
        "messages[1].tool_calls[0].extra_content",
    )


def test_members_that_are_left_out_are_told_in_their_order_and_a_null_says_nothing(attempted):
    """In every process the same."""
    besides = dict.fromkeys("zyxwvutsrq", 1)
    function = {"name": "f", "arguments": "{}", "null": None, **besides}
    message = {**CALLS, "tool_calls": [{"id": "c", "type": "function", "null": None, "function": function}]}

    assert attempted(messages=[message])[1].dropped == tuple(
        f"messages[0].tool_calls[0].function.{name}" for name in besides
    )


KEPT = [text("I look."), {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        text(" "), text("42", citations=[{"type": "page_location"}]), USED]  # fmt: skip


def test_unknown_members_of_functions_are_left_out_and_told_of(attempted):
    """Of those that were called, of whatever kind."""
    calls = [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}", "own": 1}},
        {"id": "d", "type": "custom", "custom": {"name": "g", "input": "x", "own": 1}},
    ]
    message = {"role": "assistant", "tool_calls": calls, "function_call": {"name": "h", "arguments": "{}", "own": 1}}

    assert attempted(messages=[message])[1].dropped == (
        "messages[0].tool_calls[0].function.own",
        "messages[0].tool_calls[1].custom.own",
        "messages[0].function_call.own",
    )


def test_all_blocks_are_given_back_where_the_message_keeps_them(sent):
    """In their order, with what only the service understands; blank text is what it would refuse."""
    message = {**CALLS, "content": "I look. 42", "content_blocks": KEPT}

    assert turns(sent, USER, message)[1][1]["content"] == [block for block in KEPT if block.get("text") != " "]


@pytest.mark.parametrize("change", [{"content": "I look. 43"}, {"tool_calls": []}, {"content": None}])
def test_a_message_that_was_changed_makes_blocks_of_what_it_says_now(attempted, change):
    """The host's word stands, and the attempt tells what is gone."""
    message = {**CALLS, "content": "I look. 42", "content_blocks": KEPT, "thinking_blocks": THOUGHTS[:1], **change}
    texts = [text(message["content"])] if message["content"] else []
    calls = [USED] if message["tool_calls"] else []

    body, attempt = attempted(messages=[USER, message])

    assert body["messages"][1]["content"] == [THOUGHTS[0], *texts, *calls]
    assert attempt.dropped == ("messages[1].content_blocks",)


def test_the_cache_may_end_after_an_answer(sent):
    """The ``cache_control`` of a message is that of its last block."""
    assert turns(sent, USER, {**ANSWER, **CACHED})[1][1]["content"] == [text("Yes.", **CACHED)]
