"""The engine's pieces as chunks, where the engine does not do what it usually does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.errors import APIError, BadRequestError, InternalServerError, InvalidResponseError
from jackfield_local.body import Question
from jackfield_local.failure import from_exception
from jackfield_local.reply import ReplyReader


def piece(finish: str | None = None, content: str | None = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish}
    return json.dumps({"id": "chatcmpl-1", "created": 1, "model": "m", "choices": [choice]} | fields).encode()


def reply(*, usage_chunk: bool = False) -> ReplyReader:
    return ReplyReader(Question(b"", (), usage_chunk))


def test_progress_in_the_prompt_is_no_chunk() -> None:
    """It only gives the engine's callback a chance to stop."""
    assert reply().feed([piece(prompt_progress={"processed": 64, "total": 128})]) == []


def test_an_answer_without_a_finish_reason_is_not_whole() -> None:
    """It is never passed off as a success."""
    cut = reply()
    cut.feed([piece(content="Hel")])

    with pytest.raises(InvalidResponseError, match="without a finish reason"):
        cut.end()


def test_an_answer_without_usage_is_whole() -> None:
    """The finish reason is what counts."""
    whole = reply(usage_chunk=True)

    chunks = whole.feed([piece(content="Hello"), piece("stop")]) + whole.end()

    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, "stop"]
    assert whole.milliseconds is None


def test_what_the_engine_tells_of_itself_is_kept() -> None:
    """Its id and the time that it worked, for the ledger."""
    told = reply()
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}

    told.feed([piece("stop"), piece(choices=[], usage=usage, timings={"prompt_ms": 1.5, "predicted_ms": 2.0})])

    assert (told.id, told.milliseconds) == ("chatcmpl-1", 3.5)
    assert told.end()[0].usage is not None


@pytest.mark.parametrize(
    ("error", "kind", "status", "code"),
    [
        ({"code": 400, "message": "m", "type": "invalid_request_error"}, BadRequestError, 400, None),
        ({"code": 500, "message": "m", "type": "server_error"}, InternalServerError, 500, None),
        ({"code": "400", "message": "m"}, InternalServerError, 500, None),
        ({"code": "odd"}, InternalServerError, 500, "odd"),
        ("just text", InternalServerError, 500, None),
    ],
)
def test_an_error_of_any_shape_is_raised(error: Any, kind: type[APIError], status: int, code: str | None) -> None:
    """With the class that its code asks for; a status is no code of the error, a word is."""
    with pytest.raises(kind) as caught:
        reply().feed([json.dumps({"error": error}).encode()])

    assert (caught.value.status_code, caught.value.code) == (status, code)


def test_an_exception_of_the_engine_becomes_one_of_ours() -> None:
    """The caller's fault or the engine's; what is ours, or is no failure, is left as it is."""
    ours, interrupt = BadRequestError("ours"), KeyboardInterrupt()

    assert isinstance(from_exception(ValueError("no")), BadRequestError)
    assert isinstance(from_exception(RuntimeError("broken")), InternalServerError)
    assert from_exception(ours) is ours
    assert from_exception(interrupt) is interrupt
