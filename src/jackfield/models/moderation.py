"""What moderation found in input and output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from jackfield.models.base import Array, WireValue, wire

__all__ = [
    "ChatCompletionModeration",
    "ChatCompletionModerationError",
    "ChatCompletionModerationResults",
    "ModerationOutcome",
    "ModerationResultBody",
    "UnknownModeration",
]


@wire(kw_only=True)
class ModerationResultBody(WireValue):
    """What was found in one input. OpenAI API schema ``ModerationResultBody``.

    Attributes:
        flagged: whether any category was.
        categories: whether each was flagged.
        category_scores: 0 to 1 for each.
        category_applied_input_types: what each score was computed from: ``text``, ``image``.
        model: that moderated.
        type: ``moderation_result``.
    """

    type: str = "moderation_result"
    flagged: bool
    categories: Mapping[str, bool] | None = None
    category_scores: Mapping[str, float] | None = None
    category_applied_input_types: Mapping[str, Array[str]] | None = None
    model: str = ""


@wire(kw_only=True)
class ChatCompletionModerationResults(WireValue):
    """What was found. OpenAI API schema ``ChatCompletionModerationResults``."""

    type: Literal["moderation_results"] = "moderation_results"
    model: str = ""
    results: Array[ModerationResultBody] = ()


@wire(kw_only=True)
class ChatCompletionModerationError(WireValue):
    """Moderation failed. OpenAI API schema ``ChatCompletionModerationError``."""

    type: Literal["error"] = "error"
    code: str = ""
    message: str = ""


@wire(kw_only=True)
class UnknownModeration(WireValue):
    """An outcome of a kind that jackfield does not know; all but the type is in ``extra``."""

    type: str


ModerationOutcome: TypeAlias = ChatCompletionModerationResults | ChatCompletionModerationError | UnknownModeration
"""What moderation came to."""


@wire(kw_only=True)
class ChatCompletionModeration(WireValue):
    """What moderation came to for input and output. OpenAI API schema ``ChatCompletionModeration``."""

    input: ModerationOutcome | None = None
    output: ModerationOutcome | None = None
