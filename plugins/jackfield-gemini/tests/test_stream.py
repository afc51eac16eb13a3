"""A stream as chunks: what comes in which, when it is whole, and what may go wrong in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.errors import (
    APIError,
    AuthenticationError,
    ContentFilterError,
    InternalServerError,
    InvalidResponseError,
    RateLimitError,
    StreamInterruptedError,
)
from jackfield.testing import Reply
from jackfield.wire import to_dict

CALL = {"functionCall": {"name": "f", "args": {}}}
CODE = {"executableCode": {"language": "PYTHON", "code": "1"}}
PRINTED = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}
OVERLOADED = {
    "error": {"code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}
}
SSE = {"content-type": "text/event-stream"}


def event(
    text: str | None = None, *, finish: str | None = None, index: int = 0, usage: int | None = None
) -> dict[str, Any]:
    """An event with a text."""
    candidate: dict[str, Any] = {"index": index}
    if text is not None:
        candidate["content"] = {"parts": [{"text": text}], "role": "model"}
    if finish is not None:
        candidate["finishReason"] = finish
    told = {} if usage is None else {"usageMetadata": {"totalTokenCount": usage}}
    return {"candidates": [candidate], **told, "modelVersion": "m", "responseId": "r"}


def stream(*events: Any) -> Reply:
    return Reply.of_events(*events, done=False)


def test_chunks_have_the_role_first_and_the_end_and_usage_last(ask: Any) -> None:
    """Hosts that read ``choices[0]`` of every chunk never meet one without; of the usage the last word stands."""
    asked = ask(stream(event("A", usage=1), event("B", usage=2), event("", finish="STOP", usage=3)), stream=True)

    assert asked.url.endswith("/models/gemini-2.5-flash:streamGenerateContent?alt=sse")
    assert [to_dict(chunk)["choices"] for chunk in asked.chunks] == [
        [{"index": 0, "delta": {"role": "assistant", "content": "A"}, "finish_reason": None}],
        [{"index": 0, "delta": {"content": "B"}, "finish_reason": None}],
        [{"index": 0, "delta": {}, "finish_reason": "stop", "finishReason": "STOP"}],
    ]
    assert [None if chunk.usage is None else chunk.usage.total_tokens for chunk in asked.chunks] == [None, None, 3]
    assert {(chunk.id, chunk.model) for chunk in asked.chunks} == {("r", "m")}


def test_usage_that_the_host_asked_for_has_a_chunk_of_its_own(ask: Any) -> None:
    """As OpenAI documents it."""
    asked = ask(
        stream(event("A", usage=1), event(finish="STOP", usage=3)), stream=True, stream_options={"include_usage": True}
    )

    assert [(len(chunk.choices), chunk.usage is None) for chunk in asked.chunks] == [(1, True), (1, True), (0, False)]
    assert asked.response.usage.total_tokens == 3


def test_calls_are_counted_over_the_whole_stream(ask: Any, streamed: Any) -> None:
    """Several in one event, or one in each; the plain end in an event of its own is still that of calls."""
    asked = ask(streamed([CALL, CALL], [CALL], [{"text": ""}]), stream=True)

    pieces = [call for chunk in asked.chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert [(call.index, call.id, call.type) for call in pieces] == [
        (n, f"call_made_r-1_0_{n}", "function") for n in range(3)
    ]
    assert asked.response.choices[0].finish_reason == "tool_calls"


def test_thoughts_and_text_may_share_an_event(ask: Any, streamed: Any) -> None:
    """They come in one chunk then."""
    asked = ask(
        streamed([{"text": "T", "thought": True}], [{"text": "U", "thought": True}, {"text": "A"}], []), stream=True
    )

    assert [(chunk.choices[0].delta.reasoning_content, chunk.choices[0].delta.content) for chunk in asked.chunks] == [
        ("T", None),
        ("U", "A"),
        (None, None),
    ]


def test_speech_comes_in_pieces(ask: Any, streamed: Any) -> None:
    """Each as it was sent; put together they are one sound, whose type is told."""
    asked = ask(
        streamed(*([{"inlineData": {"mimeType": "audio/pcm", "data": data}}] for data in ("YWI=", "ZGVm"))), stream=True
    )

    assert [chunk.choices[0].delta.audio.data for chunk in asked.chunks[:-1]] == ["YWI=", "ZGVm"]
    assert asked.response.choices[0].message.audio.data == "YWJkZWY="
    assert asked.response.choices[0].message.audio.extra == {"mimeType": "audio/pcm"}


def test_whole_only_when_every_choice_has_ended(ask: Any) -> None:
    """As many as were asked for, and all that came."""
    both = [event("A"), event("B", index=1), event(finish="STOP"), event(finish="MAX_TOKENS", index=1)]

    asked = ask(stream(*both), stream=True, n=2)

    assert [(each.message.content, each.finish_reason) for each in asked.response.choices] == [
        ("A", "stop"),
        ("B", "length"),
    ]
    for missing in (both[:3], [both[0], both[2]]):
        with pytest.raises(StreamInterruptedError):
            ask(stream(*missing), stream=True, n=2)


def test_choices_of_one_event_are_one_chunk(ask: Any) -> None:
    """Without an index their place tells them apart."""
    parts = [{"content": {"parts": [{"text": text}]}} for text in "AB"]
    ends = [{"finishReason": "STOP"}, {"finishReason": "STOP"}]

    asked = ask(stream({"candidates": parts}, {"candidates": ends}), stream=True, n=2)

    assert [len(chunk.choices) for chunk in asked.chunks] == [2, 2]
    assert [each.message.content for each in asked.response.choices] == ["A", "B"]


@pytest.mark.parametrize(
    ("events", "whole"),
    [
        ([([CODE], "STOP")], False),
        ([([CODE], "STOP"), ([PRINTED], None)], False),
        ([([CODE], "STOP"), ([PRINTED], None), ([{"text": "A"}], None)], False),
        ([([CODE], "STOP"), ([PRINTED], None), ([{"text": "A"}], "STOP")], True),
        ([([CODE], None), ([PRINTED], "STOP")], True),
        ([([CODE], "MAX_TOKENS")], True),
        ([([{"text": "A"}], "STOP"), ([{"text": "B"}], None)], False),
        ([([CALL], "STOP"), ([CALL], None)], False),
        ([([{"text": "A"}], "STOP"), ([{"text": ""}], None)], True),
        ([([{"text": "A"}], "STOP"), ([{"text": "", "thoughtSignature": "s"}], None)], True),
        ([([{"text": "A"}], "STOP"), ([{"text": "", "functionCall": None}], None)], True),
    ],
)
def test_what_goes_on_has_not_ended(
    ask: Any, answered: Any, events: list[tuple[list[Any], str | None]], whole: bool
) -> None:
    """A reason is told before code is run, and again after it."""
    reply = Reply(
        200, SSE, [b"data: " + answered(*parts, finish=finish).blocks[0] + b"\n\n" for parts, finish in events]
    )

    if whole:
        asked = ask(reply, stream=True)
        assert [chunk.choices[0].finish_reason for chunk in asked.chunks].count(None) == len(asked.chunks) - 1
    else:
        with pytest.raises(StreamInterruptedError):
            ask(reply, stream=True)


def test_an_answer_is_kept_though_the_body_never_ends(ask: Any) -> None:
    """What is whole shall not fail for what need not come."""
    data = [b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in (event("A"), event(finish="STOP"))]

    asked = ask(Reply(200, SSE, [*data, 3600.0, b": still here\n\n"]), stream=True)

    assert asked.response.choices[0].message.content == "A"


def test_what_the_service_tells_besides_comes_with_the_next_chunk(ask: Any) -> None:
    """No chunk goes out for it alone; of each name the last stands."""
    rated = {"promptFeedback": {"safetyRatings": []}, "responseId": "r"}
    grounded = event("A")
    grounded["candidates"][0]["groundingMetadata"] = {"webSearchQueries": ["p"]}
    end = {**event(finish="STOP"), "x_own": 1}
    end["candidates"][0]["groundingMetadata"] = {"webSearchQueries": ["p", "q"]}

    asked = ask(stream(rated, grounded, end), stream=True)

    assert [dict(chunk.extra) for chunk in asked.chunks] == [{"promptFeedback": {"safetyRatings": []}}, {"x_own": 1}]
    assert dict(asked.response.extra) == {"promptFeedback": {"safetyRatings": []}, "x_own": 1}
    assert dict(asked.response.choices[0].extra) == {
        "groundingMetadata": {"webSearchQueries": ["p", "q"]},
        "finishReason": "STOP",
    }


def test_probabilities_come_with_their_text(ask: Any, streamed: Any) -> None:
    """Also where they are all that an event tells."""
    result = {"chosenCandidates": [{"token": "A", "logProbability": -1.0}]}

    asked = ask(streamed([{"text": "A"}], [], logprobsResult=result), stream=True)

    assert asked.response.choices[0].logprobs.content[0].token == "A"


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_filter_that_ends_a_stream_leaves_what_came(ask: Any) -> None:
    """The host has it already; the finish reason says the rest."""
    response = ask(stream(event("A"), event(finish="SAFETY")), stream=True).response

    assert (response.choices[0].message.content, response.choices[0].finish_reason) == ("A", "content_filter")


def test_a_prompt_that_is_blocked_later_is_an_error_all_the_same(ask: Any) -> None:
    """No reason of a choice will come after it."""
    with pytest.raises(ContentFilterError) as caught:
        ask(stream(event("A"), {"promptFeedback": {"blockReason": "SAFETY"}}), stream=True)

    assert (caught.value.code, caught.value.request_id) == ("SAFETY", "r")


@pytest.mark.parametrize("form", ["event", "list", "raw", "raw list", "raw pretty", "raw at once"])
def test_an_error_in_a_stream_is_typed_in_each_form_that_the_service_sends(ask: Any, form: str) -> None:
    """As an event, or as bare JSON after the events, which a reader of events does not see."""
    body = json.dumps(OVERLOADED, indent=2) if form == "raw pretty" else json.dumps(OVERLOADED)
    body = f"[{body}]" if "list" in form else body
    sent = f"data: {body}\r\n\r\n" if "raw" not in form else body
    first = f"data: {json.dumps(event('A'))}\r\n\r\n".encode()
    blocks = [first + sent.encode()] if form == "raw at once" else [first, sent[:9].encode(), sent[9:].encode()]

    with pytest.raises(InternalServerError) as caught:
        ask(Reply(200, SSE, blocks), stream=True)

    assert (caught.value.code, caught.value.type, caught.value.status_code) == ("UNAVAILABLE", "UNAVAILABLE", 503)
    assert caught.value.message == "The model is overloaded. Please try again later."


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "m"}, RateLimitError),
        ({"status": "RESOURCE_EXHAUSTED", "message": "m"}, RateLimitError),
        ({"status": "UNAUTHENTICATED", "message": "m"}, AuthenticationError),
        ({"status": "INTERNAL", "message": "m"}, InternalServerError),
        ({"status": "UNAVAILABLE", "message": "m"}, InternalServerError),
        ({"status": "DEADLINE_EXCEEDED", "message": "m"}, InternalServerError),
    ],
)
def test_an_error_in_a_stream_goes_by_its_code_or_else_by_its_status(
    ask: Any, error: Any, kind: type[Exception]
) -> None:
    """The HTTP status was 200."""
    with pytest.raises(kind):
        ask(stream({"error": error}), stream=True)


@pytest.mark.parametrize("data", [b"the model went away", b'{"message": "the model went away"}'])
def test_an_event_named_error_is_one(ask: Any, data: bytes) -> None:
    """As proxies send it, whatever its data are."""
    with pytest.raises(APIError, match="the model went away"):
        ask(Reply(200, SSE, [b"event: error\ndata: " + data + b"\n\n"]), stream=True)


def test_an_answer_that_speaks_of_errors_is_one(ask: Any) -> None:
    """The word alone, in a text or as an empty member, is no failure."""
    reply = stream({**event('say "error" again'), "error": None}, event(finish="STOP"))

    assert ask(reply, stream=True).response.choices[0].message.content == 'say "error" again'


@pytest.mark.parametrize(
    "data",
    [b"{", b"42", b'"text"', b"[]", b'{"choices": []}', b'{"candidates": 5}', b'{"candidates": [{"content": 5}]}'],
)
def test_an_event_that_is_no_answer_is_refused(ask: Any, data: bytes) -> None:
    """It may have been part of one."""
    blocks = [b"data: " + json.dumps(event("A")).encode() + b"\n\n", b"data: " + data + b"\n\n"]

    with pytest.raises(InvalidResponseError):
        ask(Reply(200, SSE, [*blocks, b"data: " + json.dumps(event(finish="STOP")).encode() + b"\n\n"]), stream=True)


def test_the_partial_response_has_what_came(ask: Any, streamed: Any) -> None:
    """Texts, thoughts and calls."""
    with pytest.raises(StreamInterruptedError) as caught:
        ask(streamed([{"text": "T", "thought": True}], [{"text": "A"}], [CALL], finish=None), stream=True)

    partial: Any = caught.value.partial
    message = partial.choices[0].message
    assert (message.reasoning_content, message.content, message.tool_calls[0].function.name) == ("T", "A", "f")
