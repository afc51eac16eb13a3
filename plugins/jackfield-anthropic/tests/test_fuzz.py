"""Whatever a server sends, and whatever a host gives back, nothing but jackfield's own errors comes of it."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.errors import APIError, ValidationError
from jackfield.fold import fold
from jackfield.models import CreateChatCompletionRequest
from jackfield.testing import make_call
from jackfield.wire import from_dict, to_json
from jackfield_anthropic import AnthropicProvider
from jackfield_anthropic.reader import MessagesReader
from jackfield_anthropic.response import decode, decode_models

atoms = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
)
KINDS = ["text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "compaction", "text_delta", "thinking_delta",
         "signature_delta", "input_json_delta", "citations_delta"]  # fmt: skip
NAMES = ["type", "text", "thinking", "signature", "input", "id", "name", "citations", "citation", "partial_json", "content",
         "url", "title", "stop_reason", "stop_sequence", "stop_details", "usage", "input_tokens", "output_tokens",
         "output_tokens_details", "thinking_tokens", "service_tier", "model", "index", "created_at", "data", "file_data",
         "file_id", "filename"]  # fmt: skip
values = st.recursive(
    atoms | st.sampled_from(KINDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
things = st.dictionaries(st.sampled_from(NAMES), values, max_size=5)
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
EVENTS = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta"]
START: dict[str, Any] = {"type": "message_start", "message": {"id": "m", "content": []}}
BLOCK: dict[str, Any] = {"type": "content_block_start", "index": 0}
STOP: list[dict[str, Any]] = [{"type": "message_delta", "delta": {"stop_reason": "x"}}, {"type": "message_stop"}]
events = st.fixed_dictionaries(
    {"type": st.sampled_from(EVENTS)},
    optional={
        "index": st.integers(0, 2) | atoms,
        "message": things | atoms,
        "content_block": things.map(lambda block: {"type": "text", "text": "a", **block}) | values,
        "delta": things.map(lambda delta: {"type": "text_delta", **delta}) | values,
        "usage": things | atoms,
    },
)
blocks = st.sampled_from(KINDS).map(
    lambda kind: {"type": kind, "text": "a", "thinking": "b", "id": "c", "name": "d", "input": {}}
)


@quick
@given(blocks, st.lists(events, max_size=6))
def test_any_events_are_chunks_or_an_error(block, told):
    """The chunks fold, and the response can be written."""
    reader = MessagesReader(2**20)
    chunks: list[Any] = []
    with contextlib.suppress(APIError):
        for one in [START, {**BLOCK, "content_block": block}, *told, *STOP]:
            chunks += reader.feed(b"data: " + json.dumps(one).encode() + b"\n\n")
    to_json(fold(chunks))


@quick
@given(st.lists(things | blocks, max_size=3), things)
def test_any_answer_is_a_response_or_an_error(content, members):
    """So it is with a list of models."""
    with contextlib.suppress(ValidationError):
        to_json(decode(json.dumps({**members, "content": content}).encode()))
    with contextlib.suppress(ValidationError):
        decode_models(json.dumps({"data": content}).encode())


@quick
@given(
    st.dictionaries(st.sampled_from(["content_blocks", "thinking_blocks", "cache_control", "reasoning"]), values),
    values,
)
def test_any_history_is_blocks_or_an_error(kept, part):
    """Hosts may keep anything in a message's unknown fields, and in a result."""
    messages = [
        {"role": "assistant", "content": "a", **kept},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "image_url", "image_url": part}]},
        {"role": "tool", "tool_call_id": "d", "content": [{"type": "file", "file": part}]},
    ]
    with contextlib.suppress(ValidationError):
        request = from_dict({"model": "m", "messages": messages}, CreateChatCompletionRequest)
        AnthropicProvider(on_unsupported="drop").encode(request, make_call())
