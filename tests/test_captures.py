"""What real llama.cpp servers sent: two servers, whole replies and streams."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jackfield import wire
from jackfield.fold import fold
from jackfield.models import ErrorObject, ErrorResponse, ModelList

DATA = Path(__file__).parent / "data" / "llama_cpp"
REPLIES = ["chat.json", "logprobs.json", "tool_call.json", "legacy_tool_call.json"]
STREAMS = ["stream.jsonl", "tool_stream.jsonl", "legacy_stream.jsonl"]


def missing_from(found: object, sent: object, path: str = "") -> list[str]:
    """Paths of what was sent, null aside, and is not found."""
    if isinstance(sent, dict) and isinstance(found, dict):
        return [
            gap
            for key, value in sent.items()
            if value is not None
            for gap in missing_from(found.get(key), value, f"{path}.{key}")
        ]
    if isinstance(sent, list) and isinstance(found, list) and len(sent) == len(found):
        return [
            gap for index, value in enumerate(sent) for gap in missing_from(found[index], value, f"{path}[{index}]")
        ]
    return [] if sent == found else [path]


@pytest.mark.parametrize("name", REPLIES)
def test_a_real_reply_is_kept_whole(name: str) -> None:
    """Everything that the server sent comes out again."""
    data = (DATA / name).read_bytes()

    assert missing_from(wire.to_dict(wire.decode_response(data)), json.loads(data)) == []


@pytest.mark.parametrize("name", STREAMS)
def test_every_chunk_of_a_real_stream_is_kept_whole(name: str) -> None:
    """Everything in each event comes out again."""
    for line in (DATA / name).read_bytes().splitlines():
        assert missing_from(wire.to_dict(wire.decode_chunk(line)), json.loads(line)) == []


def test_a_real_stream_tells_a_response_with_usage_and_the_servers_own_fields() -> None:
    """Text, finish, usage, and timings, which no schema knows."""
    response = fold([wire.decode_chunk(line) for line in (DATA / "stream.jsonl").read_bytes().splitlines()])
    (choice,) = response.choices

    assert choice.message.content
    assert choice.finish_reason == "stop"
    assert response.usage is not None
    assert response.usage.total_tokens == 57
    assert response.usage.prompt_tokens_details is not None
    assert response.usage.prompt_tokens_details.cached_tokens == 24
    assert response.extra["timings"]["predicted_n"] == 24


def test_a_real_stream_of_a_tool_call_tells_valid_arguments() -> None:
    """The pieces of the arguments make JSON."""
    response = fold([wire.decode_chunk(line) for line in (DATA / "tool_stream.jsonl").read_bytes().splitlines()])
    (choice,) = response.choices
    (call,) = wire.to_dict(choice.message)["tool_calls"]

    assert choice.finish_reason == "tool_calls"
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"])["city"] == "Paris"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("out_of_range.json", "invalid_request_error"), ("context_exceeded.json", "exceed_context_size_error")],
)
def test_a_real_error_has_a_number_as_code(name: str, kind: str) -> None:
    """llama.cpp's codes are HTTP statuses; both are read."""
    error = wire.from_json((DATA / name).read_bytes(), ErrorResponse).error

    assert isinstance(error, ErrorObject)
    assert (error.code, error.type, error.param) == (400, kind, None)


def test_a_real_list_of_models_is_read() -> None:
    """The server's own fields stay in extra."""
    listed = wire.from_json((DATA / "models.json").read_bytes(), ModelList)

    assert [model.id for model in listed.data] == ["smollm2-135m-instruct"]
    assert listed.data[0].extra["meta"]["n_ctx"] == 4096
    assert "models" in listed.extra
