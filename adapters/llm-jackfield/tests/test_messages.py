"""Messages: a chain of ``llm`` as the wire's."""

from __future__ import annotations

import llm
import pytest
from llm.parts import AttachmentPart, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from llm_jackfield.messages import messages

GIF = llm.Attachment(content=b"GIF89a", type="image/gif")
URL = "data:image/gif;base64,R0lGODlh"


def said(role: str, *parts: object) -> llm.Message:
    return llm.Message(role=role, parts=list(parts))


def test_texts_are_said_in_their_order():
    """Roles stay, and texts of one message are one."""
    chain = [
        said("system", TextPart("Be short")),
        said("user", TextPart("He"), TextPart("llo")),
        said("assistant", TextPart("Hi")),
    ]

    assert messages(chain, None) == [
        {"role": "system", "content": "Be short"},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
    ]


def test_a_system_prompt_is_not_said_again():
    """It is where it changes only."""
    chain = [said("system", TextPart(text)) for text in ("A", "A", "B", "", "A")]

    assert [message["content"] for message in messages(chain, None)] == ["A", "B", "A"]


def test_what_says_nothing_is_left_out():
    """Empty messages are refused by many servers."""
    assert messages([said("user", TextPart("")), said("assistant"), said("assistant", ReasoningPart("hm"))], None) == []


def test_attachments_of_the_history_are_said_again():
    """In their place between the texts."""
    chain = [
        said("user", TextPart("Look"), AttachmentPart(attachment=GIF), TextPart("here")),
        said("user", TextPart("And?")),
    ]

    assert messages(chain, "low") == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": URL, "detail": "low"}},
                {"type": "text", "text": "here"},
            ],
        },
        {"role": "user", "content": "And?"},
    ]


def test_thoughts_go_back_under_the_name_they_came_by():
    """Thoughts of other plugins' models, of which no name is known, do not."""
    kept = ReasoningPart("", provider_metadata={"jackfield": {"thoughts": "reasoning", "message": {"signed": 1}}})

    assert messages([said("assistant", ReasoningPart("hm"), kept, TextPart("Hi"))], None) == [
        {"role": "assistant", "signed": 1, "content": "Hi", "reasoning": "hm"}
    ]
    assert messages([said("assistant", ReasoningPart("hm"), TextPart("Hi"))], None) == [
        {"role": "assistant", "content": "Hi"}
    ]


@pytest.mark.parametrize("foreign", [{"openai": {"message": {"x": 1}}}, {"jackfield": "?"}, None])
def test_metadata_of_others_is_none_of_ours(foreign):
    """Whatever it is, it does not get into a request."""
    assert messages([said("assistant", TextPart("Hi", provider_metadata=foreign))], None) == [
        {"role": "assistant", "content": "Hi"}
    ]


def test_calls_and_results_keep_their_ids_and_what_was_added():
    """A call goes back as it came, its result or its error with it."""
    added = {"jackfield": {"extra_content": {"sign": "x"}}}
    chain = [
        said("assistant", ToolCallPart("f", {"word": "é"}, tool_call_id="a", provider_metadata=added), ToolCallPart("g", {}, tool_call_id="b")),
        said("tool", ToolResultPart("f", "É", tool_call_id="a"), ToolResultPart("g", "", tool_call_id="b", exception="no luck")),
    ]  # fmt: skip

    assert messages(chain, None) == [
        {
            "role": "assistant",
            "tool_calls": [
                {"extra_content": {"sign": "x"}, "type": "function", "id": "a", "function": {"name": "f", "arguments": '{"word": "é"}'}},
                {"type": "function", "id": "b", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "É"},
        {"role": "tool", "tool_call_id": "b", "content": "Error: no luck"},
    ]  # fmt: skip


def test_calls_without_ids_are_told_apart():
    """A conversation may have begun with a model that gives none: each result finds the first call of its name."""
    calls = said("assistant", *(ToolCallPart(name, {}) for name in ("f", "g", "f")))
    results = said("tool", *(ToolResultPart(name, text) for name, text in (("f", "1"), ("f", "3"), ("g", "2"))))
    asked, *answered = messages([calls, results], None)

    assert [(one["function"]["name"], one["id"]) for one in asked["tool_calls"]] == [
        ("f", "call_1"),
        ("g", "call_2"),
        ("f", "call_3"),
    ]
    assert [(one["tool_call_id"], one["content"]) for one in answered] == [
        ("call_1", "1"),
        ("call_3", "3"),
        ("call_2", "2"),
    ]


def test_what_a_service_did_by_itself_is_left_out():
    """No one else can answer for it."""
    chain = [
        said("assistant", ToolCallPart("search", {}, tool_call_id="a", server_executed=True), TextPart("Found")),
        said("tool", ToolResultPart("search", "x", tool_call_id="a", server_executed=True)),
    ]

    assert messages(chain, None) == [{"role": "assistant", "content": "Found"}]


@pytest.mark.parametrize("again", [True, False])
def test_what_a_tool_shows_is_shown_once(again):
    """Whether or not the next message of the user has it too."""
    chain = [said("tool", ToolResultPart("f", "there", tool_call_id="a", attachments=[GIF]))]
    if again:
        chain.append(said("user", AttachmentPart(attachment=GIF)))
    result, shown = messages(chain, None)

    assert result == {"role": "tool", "tool_call_id": "a", "content": "there"}
    assert shown == {"role": "user", "content": [{"type": "image_url", "image_url": {"url": URL}}]}
