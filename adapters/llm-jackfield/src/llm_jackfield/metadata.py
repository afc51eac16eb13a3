"""Metadata: what of an answer has no place in llm's parts and has to come back in the next request.

Signatures of thoughts, say: they are kept with a part, in ``llm``'s database too, and so survive ``llm -c``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jackfield.models.response import ChatCompletionResponseMessage
    from jackfield.models.toolcalls import ChatCompletionMessageToolCall

KEY = "jackfield"
"""Where it stands in ``provider_metadata``."""
THOUGHTS = ("reasoning_content", "reasoning")
"""Fields of a message that servers give a model's thoughts."""
_SAID = ("role", "content", "tool_calls", *THOUGHTS)


def of_message(message: ChatCompletionResponseMessage) -> dict[str, Any] | None:
    """What a message says besides its text and its calls; None for nothing.

    Returns:
        ``thoughts``: the field that its thoughts came in; ``message``: further fields, as they are sent back.
    """
    from jackfield import to_dict

    fields = to_dict(message.to_request_message())
    told: dict[str, Any] = {}
    thoughts = next((field for field in THOUGHTS if fields.get(field)), None)
    if thoughts is not None:
        told["thoughts"] = thoughts
    others = {name: value for name, value in fields.items() if name not in _SAID and value is not None}
    if others:
        told["message"] = others
    return {KEY: told} if told else None


def of_call(call: ChatCompletionMessageToolCall) -> dict[str, Any] | None:
    """What a tool call says besides its id, its function and the arguments; None for nothing."""
    return {KEY: dict(call.extra)} if call.extra else None


def kept(parts: Iterable[Any]) -> dict[str, Any]:
    """What was kept with those parts, together; other plugins' metadata is none of ours."""
    told: dict[str, Any] = {}
    for part in parts:
        own = (part.provider_metadata or {}).get(KEY)
        if isinstance(own, dict):
            told |= own
    return told
