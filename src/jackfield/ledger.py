"""The ledger: attempts begin and end here, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.call import Attempt
from jackfield.errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    CallCancelled,
    CallError,
    StreamInterruptedError,
)
from jackfield.redaction import scrub

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.models.response import CreateChatCompletionResponse
    from jackfield.plan import Route


def begin_attempt(call: Call, route: Route, model: str, *, stream: bool, wait: float) -> Attempt:
    """Enter an attempt; the first one sets the deadline of a call that was given none."""
    if call.deadline == float("inf"):
        call.deadline = call.started + route.backend.timeouts.total
    attempt = Attempt(
        number=len(call.attempts) + 1,
        backend=route.backend,
        model=model,
        stream=stream,
        started=call.clock() - call.started,
        wait=wait,
    )
    call.attempts.append(attempt)
    return attempt


def end_attempt(
    call: Call, attempt: Attempt, error: BaseException | None, response: CreateChatCompletionResponse | None = None
) -> None:
    """Enter how an attempt went."""
    attempt.duration = call.clock() - call.started - attempt.started
    if error is None:
        attempt.outcome = "success"
        attempt.usage = None if response is None else response.usage
        return
    attempt.outcome = "cancelled" if isinstance(error, CallCancelled) else "error"
    attempt.error = scrub(f"{type(error).__name__}: {error}").rstrip(": ")
    attempt.maybe_billed = attempt.exchanges > 0 and not _refused(error)
    if isinstance(error, CallError):
        error.backend = error.backend or attempt.backend.name
        error.model = error.model or attempt.model
    if isinstance(error, APIError):
        error.request_id = error.request_id or attempt.request_id
        attempt.request_id = attempt.request_id or error.request_id
    partial = call.partial
    if partial is not None:
        attempt.usage = partial.usage


def complete(error: CallError, call: Call) -> None:
    """Tell in the host's error what the call took, and what of a stream had arrived."""
    if isinstance(error, StreamInterruptedError) and error.partial is None:
        error.partial = call.partial
    error.attempts = tuple(call.attempts)
    last = call.attempt
    if last is not None:
        error.backend = error.backend or last.backend.name
        error.model = error.model or last.model


def _refused(error: BaseException) -> bool:
    """Whether the backend provably did no work for it."""
    return isinstance(error, APIStatusError) or (isinstance(error, APIConnectionError) and error.stage == "not_sent")
