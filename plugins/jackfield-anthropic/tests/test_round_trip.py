"""A reply that is given back as history makes the same blocks again, whole or streamed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jackfield.fold import fold
from jackfield.models import ChatCompletionResponseMessage, CreateChatCompletionRequest
from jackfield.testing import make_call
from jackfield.wire import from_dict, to_dict
from jackfield_anthropic import AnthropicProvider
from jackfield_anthropic.reader import MessagesReader
from jackfield_anthropic.response import decode

words = st.text(min_size=1, max_size=6).filter(str.strip)
ids = st.from_regex(r"[a-zA-Z0-9_-]{1,8}", fullmatch=True)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | words
)
inputs = st.dictionaries(
    words, scalars | st.lists(scalars, max_size=2) | st.dictionaries(words, scalars, max_size=2), max_size=3
)
citations = st.fixed_dictionaries(
    {"type": st.sampled_from(["web_search_result_location", "page_location"]), "url": words, "cited_text": words}
)
texts = st.fixed_dictionaries(
    {"type": st.just("text"), "text": words}, optional={"citations": st.lists(citations, min_size=1, max_size=2)}
)
blocks = st.one_of(
    texts,
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": st.just("") | words, "signature": words}),
    st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": words}),
    st.fixed_dictionaries(
        {"type": st.just("tool_use"), "id": ids, "name": ids, "input": inputs},
        optional={"caller": st.just({"type": "direct"})},
    ),
    st.fixed_dictionaries({"type": st.just("server_tool_use"), "id": ids, "name": ids, "input": inputs}),
    st.fixed_dictionaries({"type": st.just("web_search_tool_result"), "tool_use_id": ids, "content": st.lists(inputs)}),
)
answers = st.lists(blocks, min_size=1, max_size=6)
HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
USER = {"role": "user", "content": "Hi."}


def given_back(message: Any) -> Any:
    """The blocks that a message makes in the next request."""
    request = from_dict({"model": "m", "messages": [USER, message, USER]}, CreateChatCompletionRequest)
    body = json.loads(AnthropicProvider().encode(request, make_call()).body)
    content = body["messages"][1]["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def whole(content: list[dict[str, Any]]) -> ChatCompletionResponseMessage:
    return decode(json.dumps({**HEAD, "content": content}).encode()).choices[0].message


@given(answers)
def test_a_whole_reply_makes_the_same_blocks(content):
    """Thoughts, signatures, citations, the service's own blocks, in their order."""
    assert given_back(whole(content)) == content


@given(answers)
def test_a_reply_that_the_host_kept_as_json_makes_the_same_blocks(content):
    """A conversation may be written down and go on another day."""
    assert given_back(json.loads(json.dumps(to_dict(whole(content).to_request_message())))) == content


@given(answers, st.data())
def test_a_streamed_reply_makes_the_same_blocks(content, draw):
    """However it was cut into deltas."""
    reader = MessagesReader(2**20)
    chunks = reader.feed(b"".join(event(one) for one in events(content, draw)))

    assert given_back(fold(chunks).choices[0].message) == content


def event(one: dict[str, Any]) -> bytes:
    return f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode()


def events(content: list[dict[str, Any]], draw: st.DataObject) -> list[dict[str, Any]]:
    """The events of a stream that tells these blocks."""
    told: list[dict[str, Any]] = [{"type": "message_start", "message": {**HEAD, "stop_reason": None, "content": []}}]
    for index, block in enumerate(content):
        begun, deltas = opened(block, draw)
        told.append({"type": "content_block_start", "index": index, "content_block": begun})
        told += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        told.append({"type": "content_block_stop", "index": index})
    return [*told, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, {"type": "message_stop"}]


def opened(block: dict[str, Any], draw: st.DataObject) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it begins, and the deltas that complete it."""
    kind = block["type"]
    if kind == "text":
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"], draw)]
        deltas += [{"type": "citations_delta", "citation": one} for one in block.get("citations", ())]
        return {"type": "text", "text": ""}, deltas
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"], draw)]
        deltas += [{"type": "signature_delta", "signature": piece} for piece in pieces(block["signature"], draw)]
        return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if "input" in block:
        deltas = [
            {"type": "input_json_delta", "partial_json": piece} for piece in pieces(json.dumps(block["input"]), draw)
        ]
        return {**block, "input": {}}, deltas
    return block, []


def pieces(text: str, draw: st.DataObject) -> list[str]:
    """The text in two pieces, of which one may be empty."""
    at = draw.draw(st.integers(0, len(text)))
    return [text[:at], text[at:]]
