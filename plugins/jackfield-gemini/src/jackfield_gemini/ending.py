"""Ending: why an answer ended, and whether it is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from jackfield.errors import APIError, ContentFilterError, InvalidResponseError
from jackfield.failure import MAX_MESSAGE, MAX_WORD, excerpt, sentence

FILTERED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "ESCALATION",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    }
)
"""Reasons by which a filter of the service ended an answer."""
BROKEN = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
    }
)
"""Reasons by which there is no answer, whatever came before."""
_REASONS = {"STOP": "stop", "MAX_TOKENS": "length", **dict.fromkeys(FILTERED, "content_filter")}


@attrs.frozen
class Ending:
    """How one choice ended.

    Attributes:
        reason: in the service's words.
        message: what it says of it, or None.
        empty: nothing had come for the choice: no text, no thoughts, no call.
        called: it calls a function.
    """

    reason: str
    message: str | None
    empty: bool
    called: bool

    @property
    def finish_reason(self) -> str:
        """The same in OpenAI's words; what those have none for is kept, in lower case."""
        reason = _REASONS.get(self.reason, self.reason.lower())
        return "tool_calls" if reason == "stop" and self.called else reason


def check_answer(endings: Iterable[Ending], response_id: str) -> None:
    """Refuse an answer of which nothing came, or that the service itself calls broken.

    Args:
        endings: of all its choices.
        response_id: of the answer.

    Raises:
        ContentFilterError: a filter held it back.
        InvalidResponseError: it is broken, or it is empty for another reason than that the model had no more to say;
            ``code`` is the service's word for it.
    """
    for ending in (endings := list(endings)):
        if ending.reason in BROKEN:
            raise _error(InvalidResponseError, "the model gave no answer that can be used", ending, response_id)
    if not all(ending.empty for ending in endings):
        return
    for ending in endings:
        if ending.reason in FILTERED:
            raise _error(ContentFilterError, "the answer was held back", ending, response_id)
        if ending.reason not in _REASONS:
            raise _error(InvalidResponseError, "the model gave no answer", ending, response_id)


def check_prompt(feedback: Mapping[str, Any], response_id: str) -> None:
    """Refuse an answer that only tells that the prompt was blocked.

    Raises:
        ContentFilterError: ``code`` is the service's word for the reason.
    """
    reason = feedback.get("blockReason")
    if reason and reason != "BLOCK_REASON_UNSPECIFIED":
        blocked = Ending(reason, feedback.get("blockReasonMessage"), empty=True, called=False)
        raise _error(ContentFilterError, "the prompt was blocked", blocked, response_id)


def _error(kind: type[APIError], what: str, ending: Ending, response_id: str) -> APIError:
    reason = excerpt(ending.reason, MAX_WORD)
    told = f" ({sentence(ending.message, MAX_MESSAGE)})" if ending.message else ""
    return kind(f"{what}: {reason or 'no reason is told'}{told}", code=reason or None, request_id=response_id or None)
