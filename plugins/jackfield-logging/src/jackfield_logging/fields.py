"""Fields: what a record carries besides its message, as plain values.

None of the names is an attribute of ``logging.LogRecord``, nor a name that structlog or JSON formatters use themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jackfield.call import Attempt, Call
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield_logging.line import capped, one_line

MAX_ERROR = 2048
"""Characters of an error that are logged."""
CALL = ("event_name", "call_id", "model_name", "labels")
"""Of every record."""
START = (*CALL, "stream")
ATTEMPT = (
    *CALL,
    "backend",
    "attempt",
    "outcome",
    "status_code",
    "request_id",
    "error",
    "error_class",
    "wait",
    "duration",
    "time_to_first_chunk",
)
END = (
    *CALL,
    "stream",
    "backend",
    "attempts",
    "outcome",
    "request_id",
    "error",
    "error_class",
    "duration",
    "time_to_first_chunk",
    "prompt_tokens",
    "completion_tokens",
)


def start_fields(request: CreateChatCompletionRequest, call: Call) -> dict[str, Any]:
    """Fields of the record at the start of a call."""
    return {**_call_fields("call_started", request.model, call), "stream": call.stream}


def attempt_fields(attempt: Attempt, call: Call) -> dict[str, Any]:
    """Fields of the record at the end of an attempt; ``model_name`` is the backend's own name."""
    error = None if attempt.error is None else capped(attempt.error, MAX_ERROR)
    return {
        **_call_fields("attempt_ended", attempt.model, call),
        "backend": one_line(attempt.backend.name),
        "attempt": attempt.number,
        "outcome": attempt.outcome,
        "status_code": attempt.status_code,
        "request_id": None if attempt.request_id is None else one_line(attempt.request_id),
        "error": error,
        "error_class": None if error is None else error.partition(":")[0],
        "wait": attempt.wait,
        "duration": attempt.duration,
        "time_to_first_chunk": attempt.first_chunk,
    }


def end_fields(
    request: CreateChatCompletionRequest,
    call: Call,
    attempts: Sequence[Attempt],
    began: float,
    outcome: CreateChatCompletionResponse | BaseException,
) -> dict[str, Any]:
    """Fields of the record at the end of a call.

    Args:
        request: as it came to the layer.
        call: the call.
        attempts: those that were made for it.
        began: when that was, on ``call.clock``.
        outcome: what came of it.
    """
    last = attempts[-1] if attempts else None
    failure = outcome if isinstance(outcome, BaseException) else None
    usage = outcome.usage if isinstance(outcome, CreateChatCompletionResponse) else None
    return {
        **_call_fields("call_ended", request.model, call),
        "stream": call.stream,
        "backend": None if last is None else one_line(last.backend.name),
        "attempts": len(attempts),
        "outcome": _outcome(failure),
        "request_id": None if last is None or last.request_id is None else one_line(last.request_id),
        "error": None if failure is None else capped(f"{type(failure).__name__}: {failure}".rstrip(": "), MAX_ERROR),
        "error_class": None if failure is None else type(failure).__name__,
        "duration": call.clock() - began,
        "time_to_first_chunk": _first_chunk(last, began - call.started),
        "prompt_tokens": None if usage is None else usage.prompt_tokens,
        "completion_tokens": None if usage is None else usage.completion_tokens,
    }


def request_content(request: CreateChatCompletionRequest, limit: int) -> str:
    """The messages of a request as JSON, in one line of at most ``limit`` characters."""
    from jackfield.wire import to_json  # only where content is logged

    return capped(to_json(request.messages), limit)


def response_content(response: CreateChatCompletionResponse, limit: int) -> str:
    """The messages of a response as JSON, in one line of at most ``limit`` characters."""
    from jackfield.wire import to_json  # only where content is logged

    return capped(to_json([choice.message for choice in response.choices]), limit)


def _call_fields(event_name: str, model_name: str, call: Call) -> dict[str, Any]:
    labels = {one_line(name): one_line(value) for name, value in call.labels.items()} if call.labels else {}
    return {"event_name": event_name, "call_id": call.id, "model_name": one_line(model_name), "labels": labels}


def _outcome(failure: BaseException | None) -> str:
    if failure is None:
        return "success"
    return "error" if isinstance(failure, Exception) else "cancelled"


def _first_chunk(attempt: Attempt | None, offset: float) -> float | None:
    """Seconds from the start of the layer to the first chunk of the last attempt."""
    if attempt is None or attempt.first_chunk is None:
        return None
    return attempt.started + attempt.first_chunk - offset
