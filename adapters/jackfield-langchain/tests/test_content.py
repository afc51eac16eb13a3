"""Content: each kind of block, as a backend gets it."""

from __future__ import annotations

import warnings

import pytest
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage

DATA = "R0lGODlh"
PNG = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{DATA}"}}
AT = {"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/a.png"}}
PDF = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{DATA}"}}
BLOCKS = [
    ("Hello", {"type": "text", "text": "Hello"}),
    ({"type": "text", "text": "Hello", "index": 1, "id": "x"}, {"type": "text", "text": "Hello"}),
    ({"type": "image", "base64": DATA, "mime_type": "image/png"}, PNG),
    ({"type": "image", "url": "http://127.0.0.1:9/a.png"}, AT),
    ({"type": "image", "source_type": "base64", "data": DATA, "mime_type": "image/png"}, PNG),
    ({"type": "image", "source_type": "url", "url": "http://127.0.0.1:9/a.png"}, AT),
    ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}, PNG),
    (AT, AT),
    ({"type": "image_url", "image_url": "http://127.0.0.1:9/a.png"}, AT),
    (
        {"type": "audio", "base64": DATA, "mime_type": "audio/mpeg"},
        {"type": "input_audio", "input_audio": {"data": DATA, "format": "mp3"}},
    ),
    (
        {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}},
    ),
    ({"type": "file", "base64": DATA, "mime_type": "application/pdf", "extras": {"filename": "a.pdf"}}, PDF),
    (
        {"type": "file", "base64": DATA, "mime_type": "application/pdf"},
        {**PDF, "file": {**PDF["file"], "filename": "file.pdf"}},
    ),
    (
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": DATA},
            "title": "a.pdf",
        },
        PDF,
    ),
    ({"type": "document", "source": {"type": "text", "data": "Hello"}}, {"type": "text", "text": "Hello"}),
    ({"type": "document", "source": {"type": "content", "content": "Hello"}}, {"type": "text", "text": "Hello"}),
    (
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Hello"}] * 2}},
        {"type": "text", "text": "Hello\nHello"},
    ),
    (
        {"type": "document", "source": {"type": "file", "file_id": "file-1"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ),
    ({"type": "file", "file_id": "file-1"}, {"type": "file", "file": {"file_id": "file-1"}}),
    ({"type": "non_standard", "value": {"type": "own", "x": 1}}, {"type": "own", "x": 1}),
]


@pytest.mark.parametrize(
    ("block", "part"), BLOCKS, ids=lambda value: value if isinstance(value, str) else value["type"]
)
def test_blocks_become_parts(model, bodies, block, part):
    """In the words of OpenAI's API; nothing is fetched, and nothing warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.invoke([HumanMessage(["Look", block])])

    assert bodies()[0]["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Look"}, part]}]


def test_a_document_of_images_is_refused(model, bodies):
    """It has no place in a part of OpenAI's."""
    source = {
        "type": "content",
        "content": [{"type": "image", "source": {"type": "url", "url": "http://127.0.0.1:9/"}}],
    }
    with pytest.raises(ValueError, match="a document block: expected its content to be text"):
        model.invoke([HumanMessage([{"type": "document", "source": source}])])

    assert bodies() == []


@pytest.mark.parametrize("kind", ["image", "audio", "video", "file"])
def test_media_without_data_is_refused(model, bodies, kind):
    """Before anything is sent."""
    with pytest.raises(ValueError, match="block: expected"):
        model.invoke([HumanMessage([{"type": kind, "mime_type": "x/y"}])])

    assert bodies() == []


def test_each_kind_of_message_has_its_role(model, bodies):
    """Names stay; a developer's message is LangChain's system message with its mark."""
    asked = [
        SystemMessage("Be short"),
        SystemMessage("Be kind", additional_kwargs={"__openai_role__": "developer"}),
        HumanMessage("Hi", name="ann"),
        AIMessage("Yes?"),
        AIMessage([], tool_calls=[{"name": "look", "args": {"at": "é"}, "id": "c"}]),
        ToolMessage([{"type": "text", "text": "A cat"}], tool_call_id="c", status="error"),
        ChatMessage("Go", role="user"),
    ]
    model.invoke(asked)

    assert bodies()[0]["messages"] == [
        {"role": "system", "content": "Be short"},
        {"role": "developer", "content": "Be kind"},
        {"role": "user", "content": "Hi", "name": "ann"},
        {"role": "assistant", "content": "Yes?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"type": "function", "id": "c", "function": {"name": "look", "arguments": '{"at": "é"}'}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "A cat"}]},
        {"role": "user", "content": "Go"},
    ]
    with pytest.raises(TypeError, match="RemoveMessage"):
        model.invoke([RemoveMessage("x")])
