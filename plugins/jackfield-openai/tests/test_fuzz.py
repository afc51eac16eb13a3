"""Whatever a server sends, nothing but jackfield's own errors comes of it: recorded answers with something changed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.errors import APIError, ValidationError
from jackfield.fold import fold
from jackfield.wire import build_request, to_json
from jackfield_openai import AzureProvider, OpenAIProvider

CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}, {"type": "text", "text": "x"}]
TOKEN = {"token": "a", "logprob": -1, "bytes": [1], "top_logprobs": [{"token": "a", "logprob": -1, "bytes": None}]}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1}}
HEAD = {"id": "x", "created": 1, "model": "m", "service_tier": "default"}
MESSAGE = {"role": "assistant", "content": "hi", "refusal": None, "tool_calls": [CALL], "annotations": [{"type": "url_citation"}],
           "audio": {"id": "a", "expires_at": 1, "data": "AA==", "transcript": "t"}}  # fmt: skip
WHOLE = {**HEAD, "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": [TOKEN]}}
                             for message in (MESSAGE, {"role": "assistant", "content": PARTS})], "usage": USAGE}  # fmt: skip
DELTAS: list[dict[str, Any]] = [
    {"role": "assistant", "content": ""},
    {"content": "é", "reasoning": "r"},
    {"content": PARTS},
    {"tool_calls": [CALL]},
    {},
]
CHUNKS = [
    {**HEAD, "choices": [], "prompt_filter_results": [{}]},
    *({**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in DELTAS),
    {**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": 0.5}]},
    {**HEAD, "choices": [], "usage": USAGE},
]
OTHERS = (None, True, 0, -1, 1.5, 10**30, "", "x", [], {}, [None], [[]], [{}], {"type": 5}, {"error": {"code": []}})
PROVIDERS = [
    OpenAIProvider(),
    OpenAIProvider(preset="mistral"),
    AzureProvider(base_url="https://a.example", api_version="2024-10-21"),
]
quick = settings(max_examples=200, deadline=None)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something can be changed."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def changed(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """A value with something else in one place."""
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], other)
    return copy


def mutated(value: Any) -> st.SearchStrategy[Any]:
    """The value with something else in one place."""
    return st.builds(
        lambda path, other: changed(value, path, other), st.sampled_from([*places(value)]), st.sampled_from(OTHERS)
    )


@pytest.mark.parametrize("provider", PROVIDERS, ids=["openai", "mistral", "azure"])
@quick
@given(answer=mutated(WHOLE), status=st.sampled_from([400, 401, 404, 429, 500]))
def test_any_answer_is_a_response_or_an_error(provider: Any, answer: Any, status: int) -> None:
    """Also as a list of models, and as the body of a failure."""
    body = json.dumps(answer).encode()
    with contextlib.suppress(APIError, ValidationError):
        to_json(provider.decode(body))
    with contextlib.suppress(APIError, ValidationError):
        provider.decode_models(body)
    assert isinstance(provider.failure(status, {}, body), APIError)


@pytest.mark.parametrize("provider", PROVIDERS, ids=["openai", "mistral", "azure"])
@quick
@given(events=mutated(CHUNKS), asks=st.booleans(), count=st.integers(1, 2))
def test_any_events_are_chunks_or_an_error(provider: Any, events: Any, asks: bool, count: int) -> None:
    """The chunks fold, and the response can be written."""
    options = {"stream_options": {"include_usage": True}} if asks else {}
    request = build_request({"model": "m", "messages": [{"role": "user", "content": "q"}], "n": count, **options})
    reader = provider.reader(request, 2**20)
    chunks: list[Any] = []
    with contextlib.suppress(APIError):
        for event in [*events, "[DONE]"] if isinstance(events, list) else [events]:
            data = event if event == "[DONE]" else json.dumps(event)
            chunks += reader.feed(f"data: {data}\n\n".encode())
        chunks += [] if reader.done else reader.end()
    to_json(fold(chunks))


@quick
@given(kept=st.integers(0, len(CHUNKS) - 1))
def test_a_stream_that_was_cut_is_no_answer(kept: int) -> None:
    """Wherever between two events, until every choice has told why it ended."""
    reader = PROVIDERS[0].reader(build_request({"model": "m", "messages": [{"role": "user", "content": "q"}]}), 2**20)
    for event in CHUNKS[:kept]:
        reader.feed(f"data: {json.dumps(event)}\n\n".encode())
    if kept < len(CHUNKS) - 1:
        with pytest.raises(APIError):
            reader.end()
    else:
        reader.end()
