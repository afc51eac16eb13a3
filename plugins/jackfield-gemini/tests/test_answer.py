"""An answer as a response, whole: texts, thoughts, calls, how it ended, and what is kept besides."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from jackfield.errors import ContentFilterError, InvalidResponseError, StreamInterruptedError
from jackfield.testing import Reply
from jackfield.wire import to_dict

FILTERED = ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "ESCALATION", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"]  # fmt: skip
BROKEN = ["MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE", "TOO_MANY_TOOL_CALLS", "UNEXPECTED_TOOL_CALL"]  # fmt: skip
OTHERS = ["OTHER", "LANGUAGE", "IMAGE_OTHER", "NO_IMAGE", "FINISH_REASON_UNSPECIFIED", "PUP_LIMITED_DISABLED"]
CALL = {"functionCall": {"name": "f", "args": {"a": 1}}}


def choice(response: Any) -> dict[str, Any]:
    """The only choice."""
    (only,) = to_dict(response)["choices"]
    return only  # type: ignore[no-any-return]  # it is one


def test_texts_and_thoughts_are_told_apart(ask: Any, answered: Any) -> None:
    """Wherever they stand among each other."""
    parts = [{"text": "T1", "thought": True}, {"text": "A"}, {"text": "T2", "thought": True}, {"text": "B"}]

    message = choice(ask(answered(*parts)).response)["message"]

    assert (message["content"], message["reasoning_content"]) == ("AB", "T1T2")


def test_calls_are_numbered_and_named_by_the_answer(ask: Any, answered: Any) -> None:
    """An id of the service is kept, one that is missing is made; without arguments there are none."""
    parts = [CALL, {"functionCall": {"name": "g", "id": "call_7"}}, {"functionCall": {"name": "h", "args": None}}]

    message = choice(ask(answered(*parts)).response)["message"]

    assert message["content"] is None
    assert [(call["id"], call["function"]) for call in message["tool_calls"]] == [
        ("call_made_r-1_0_0", {"name": "f", "arguments": '{"a":1}'}),
        ("call_7", {"name": "g", "arguments": "{}"}),
        ("call_made_r-1_0_2", {"name": "h", "arguments": "{}"}),
    ]


def test_made_ids_fit_other_services(ask: Any) -> None:
    """Some of them take 40 characters at most, and the history may go there."""
    candidate = {"content": {"parts": [CALL]}, "finishReason": "STOP"}

    (call,) = choice(ask(Reply.of_json({"candidates": [candidate], "responseId": "x" * 99})).response)["message"][
        "tool_calls"
    ]

    assert len(call["id"]) <= 40


def test_a_part_with_a_text_and_a_call_is_both(ask: Any, answered: Any) -> None:
    """As some models send it."""
    message = choice(ask(answered({"text": "A", **CALL, "thoughtSignature": "s"})).response)["message"]

    assert message["content"] == "A"
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}


@pytest.mark.parametrize(
    ("parts", "finish", "reason"),
    [
        ([{"text": "A"}], "STOP", "stop"),
        ([CALL], "STOP", "tool_calls"),
        ([{"text": "A"}, CALL], "STOP", "tool_calls"),
        ([CALL], "MAX_TOKENS", "length"),
        ([{"text": "A"}], "MAX_TOKENS", "length"),
        ([], "MAX_TOKENS", "length"),
        ([], "STOP", "stop"),
        ([CALL], "SAFETY", "content_filter"),
        *(([{"text": "A"}], reason, "content_filter") for reason in FILTERED),
        *(([{"text": "A", "thought": True}], reason, "content_filter") for reason in FILTERED[:1]),
        *(([{"text": "A"}], reason, reason.lower()) for reason in OTHERS),
    ],
)
def test_finish_reason_is_translated(
    ask: Any, answered: Any, parts: list[Any], finish: str | None, reason: str
) -> None:
    """Only the plain end becomes that of calls; what is not known is kept, and so is the service's own word."""
    ended = choice(ask(answered(*parts, finish=finish)).response)

    assert (ended["finish_reason"], ended.get("finishReason")) == (reason, finish)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("reason", FILTERED)
def test_an_answer_that_was_held_back_is_an_error(
    ask: Any, answered: Any, streamed: Any, reason: str, stream: bool
) -> None:
    """It says why, and whose answer it was."""
    answer = (
        streamed([], finish=reason, finishMessage="Too close\nto a text.")
        if stream
        else answered(finish=reason, finishMessage="Too close\nto a text.")
    )

    with pytest.raises(ContentFilterError) as caught:
        ask(answer, stream=stream)

    assert caught.value.message == f"the answer was held back: {reason} (Too close to a text.)"
    assert (caught.value.code, caught.value.request_id, caught.value.stage) == (reason, "r-1", "answered")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("reason", "parts"), [*((reason, [{"text": "A"}, CALL]) for reason in BROKEN), *((reason, []) for reason in OTHERS)]
)
def test_an_answer_that_is_none_is_an_error(
    ask: Any, answered: Any, streamed: Any, reason: str, parts: list[Any], stream: bool
) -> None:
    """What the service calls broken, and nothing at all for another reason than that there was no more to say."""
    with pytest.raises(InvalidResponseError) as caught:
        ask(streamed(parts, finish=reason) if stream else answered(*parts, finish=reason), stream=stream)

    assert caught.value.code == reason


CODE = {"executableCode": {"language": "PYTHON", "code": "print(1)"}}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("parts", "finish"), [([{"text": "A"}], None), ([CALL], None), ([CODE], None), ([{"text": "A"}, CODE], "STOP")]
)
def test_an_answer_that_has_not_ended_is_none(
    ask: Any, answered: Any, streamed: Any, parts: list[Any], finish: str | None, stream: bool
) -> None:
    """Whole or as a stream: without a reason, or with code that was not run, more was to come."""
    with pytest.raises(StreamInterruptedError if stream else InvalidResponseError):
        ask(streamed(parts, finish=finish) if stream else answered(*parts, finish=finish), stream=stream)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_blocked_prompt_is_an_error_though_the_status_is_200(ask: Any, stream: bool) -> None:
    """Before anything is given."""
    feedback = {"blockReason": "SAFETY", "blockReasonMessage": "It was not let through."}
    body = {"promptFeedback": feedback, "responseId": "r-2"}

    with pytest.raises(ContentFilterError) as caught:
        ask(Reply.of_events(body, done=False) if stream else Reply.of_json(body), stream=stream)

    assert caught.value.message == "the prompt was blocked: SAFETY (It was not let through.)"
    assert (caught.value.code, caught.value.request_id) == ("SAFETY", "r-2")


def test_feedback_without_a_block_is_kept(ask: Any) -> None:
    """It tells how the prompt was rated."""
    feedback = {"blockReason": "BLOCK_REASON_UNSPECIFIED", "safetyRatings": [{"category": "c"}]}
    candidate = {"content": {"parts": [{"text": "A"}]}, "finishReason": "STOP"}

    response = ask(
        Reply.of_json({"promptFeedback": feedback, "candidates": [candidate], "modelStatus": {"a": 1}})
    ).response

    assert dict(response.extra) == {"promptFeedback": feedback, "modelStatus": {"a": 1}}


def test_choices_are_told_apart_and_one_that_was_held_back_does_not_spoil_the_others(ask: Any) -> None:
    """By their index, or by their place where there is none."""
    candidates = [
        {"content": {"parts": [{"text": "A"}]}, "finishReason": "STOP"},
        {"content": {}, "finishReason": "SAFETY"},
        {"content": {"parts": [CALL]}, "finishReason": "STOP", "index": 2},
    ]

    response = ask(Reply.of_json({"candidates": candidates, "responseId": "r"}), n=3).response

    assert [(each.index, each.message.content, each.finish_reason) for each in response.choices] == [
        (0, "A", "stop"),
        (1, None, "content_filter"),
        (2, None, "tool_calls"),
    ]
    assert response.choices[2].message.tool_calls[0].id == "call_made_r_2_0"


def test_what_has_no_place_is_kept_by_its_name(ask: Any, answered: Any) -> None:
    """Grounding, ratings, citations: each as it came."""
    own = {
        "groundingMetadata": {"webSearchQueries": ["q"]},
        "safetyRatings": [],
        "citationMetadata": {"a": 1},
        "avgLogprobs": -0.5,
    }

    ended = ask(answered({"text": "A"}, **own)).response.choices[0]

    assert dict(ended.extra) == {**own, "finishReason": "STOP"}


def test_probabilities_of_tokens_are_translated(ask: Any, answered: Any) -> None:
    """Each token with the likeliest ones at its place; a probability that is missing is hardly one."""
    result = {
        "chosenCandidates": [{"token": "A", "tokenId": 1, "logProbability": -0.25}, {"token": "B"}],
        "topCandidates": [
            {
                "candidates": [
                    {"token": "A", "logProbability": -0.25},
                    {"token": "C", "logProbability": -2, "tokenId": 9},
                ]
            }
        ],
        "logProbabilitySum": -3,
    }

    told = choice(ask(answered({"text": "AB"}, logprobsResult=result)).response)["logprobs"]

    assert told == {
        "content": [
            {"token": "A", "logprob": -0.25, "bytes": None, "tokenId": 1, "top_logprobs": [
                {"token": "A", "logprob": -0.25, "bytes": None}, {"token": "C", "logprob": -2, "bytes": None, "tokenId": 9}]},
            {"token": "B", "logprob": -9999.0, "bytes": None, "top_logprobs": []},
        ],
        "refusal": None,
        "logProbabilitySum": -3,
    }  # fmt: skip


def test_speech_is_audio(ask: Any, answered: Any) -> None:
    """In base64, of all parts together; its type, without which no one can play it, comes with it."""
    part = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": "c291bmQ="}, "own": 1}

    message = choice(ask(answered(part)).response)["message"]
    twice = choice(ask(answered(part, part)).response)["message"]

    assert message["audio"]["data"] == "c291bmQ="
    assert (message["audio"]["mimeType"], message["audio"]["own"]) == ("audio/L16;codec=pcm;rate=24000", 1)
    assert b64decode(twice["audio"]["data"], validate=True) == b"soundsound"
    assert "extra_content" not in message


@pytest.mark.parametrize("content", [None, {}, {"parts": []}])
def test_an_answer_that_has_nothing_and_tells_no_reason_is_none(ask: Any, content: Any) -> None:
    """A host would take it for an empty answer."""
    with pytest.raises(InvalidResponseError, match="no reason is told"):
        ask(Reply.of_json({"candidates": [{"content": content, "index": 0}]}))


def test_an_image_is_kept_with_the_message(ask: Any, answered: Any) -> None:
    """No field of a message holds one."""
    part = {"inlineData": {"mimeType": "image/png", "data": "aWNvbg=="}, "thoughtSignature": "s"}

    message = choice(ask(answered({"text": "Here:"}, part)).response)["message"]

    assert message["extra_content"]["google"]["parts"] == [{"text": 5}, part]


def test_time_is_told_where_the_service_tells_it(ask: Any) -> None:
    """Vertex AI does; seconds since 1970."""
    candidate = {"content": {"parts": [{"text": "A"}]}, "finishReason": "STOP"}

    told = [
        ask(Reply.of_json({"candidates": [candidate], "createTime": time})).response.created
        for time in ("2026-11-27T03:00:00.500Z", "yesterday", None)
    ]

    assert told == [1795748400, 0, 0]


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        ({"promptTokenCount": 12013, "candidatesTokenCount": 15, "thoughtsTokenCount": 73, "totalTokenCount": 12101, "cachedContentTokenCount": 11243},
         {"prompt_tokens": 12013, "completion_tokens": 88, "total_tokens": 12101, "prompt_tokens_details": {"cached_tokens": 11243}, "completion_tokens_details": {"reasoning_tokens": 73}}),
        ({"promptTokenCount": 9}, {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}),
        ({"promptTokenCount": 1, "toolUsePromptTokenCount": 2, "candidatesTokenCount": 3, "thoughtsTokenCount": 4},
         {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10, "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 4}, "toolUsePromptTokenCount": 2}),
        ({"promptTokenCount": 5, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 2}, {"modality": "VIDEO"}],
          "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}], "trafficType": "ON_DEMAND"},
         {"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5, "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 0},
          "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 2}, {"modality": "VIDEO"}], "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}], "trafficType": "ON_DEMAND"}),
    ],
)  # fmt: skip
def test_usage_adds_up(ask: Any, usage: dict[str, Any], told: dict[str, Any]) -> None:
    """Thoughts are output, what tools gave is input, what was cached is part of it; the details are kept."""
    candidate = {"content": {"parts": [{"text": "A"}]}, "finishReason": "STOP"}

    assert to_dict(ask(Reply.of_json({"candidates": [candidate], "usageMetadata": usage})).response.usage) == told


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"candidates": {}}, "candidates: expected array or null, got object"),
        ({"candidates": [{"content": {"parts": [{"text": 5}]}}]}, r"candidates\[0\].content.parts\[0\].text: expected str or null, got int"),
        ({"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": [1]}}]}}]}, "expected object or null, got array"),
        ({"candidates": [{"content": {"parts": [{"functionCall": {"args": {}}}]}}]}, "functionCall.name: expected the name of a function"),
        ({"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "partialArgs": []}}]}}]}, "streamFunctionCallArguments"),
        ({"usageMetadata": {"promptTokenCount": "many"}, "candidates": []}, "usageMetadata.promptTokenCount: expected int or null, got str"),
        ({}, "choices: expected at least one"),
        ([], "expected object, got array"),
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_names_the_path(ask: Any, body: Any, path: str) -> None:
    """With types, never with values; whole and as a stream."""
    with pytest.raises(InvalidResponseError, match=path):
        ask(Reply.of_json(body))
    if body:
        with pytest.raises(InvalidResponseError, match=path):
            ask(Reply.of_events(body, done=False), stream=True)
