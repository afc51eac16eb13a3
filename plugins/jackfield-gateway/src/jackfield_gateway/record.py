"""Record: what is kept of one call, and how it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from jackfield.models import UNSET
from jackfield.wire import to_dict
from jackfield_gateway.cost import cost_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jackfield.call import Attempt, Call
    from jackfield.models import CompletionUsage, CreateChatCompletionRequest, CreateChatCompletionResponse
    from jackfield_gateway.settings import Price


@attrs.define(eq=False)
class Record:
    """One call, while it runs and after it. It is rendered only when somebody asks.

    Attributes:
        sequence: 1 for the first since the start.
        began: seconds since 1970.
        call: jackfield's own book of it.
        state: ``running``, ``success``, ``error`` or ``cancelled``.
        error: type, message and status of its failure, scrubbed. A service's message may repeat words of a prompt.
        duration: seconds, once it has ended.
        usage: tokens of all that was answered, where it was told.
        request, response: kept only where content is to be kept.
    """

    sequence: int
    began: float
    call: Call
    state: str = "running"
    error: tuple[str, str, int | None] | None = None
    duration: float | None = None
    usage: CompletionUsage | None = None
    request: CreateChatCompletionRequest | None = None
    response: CreateChatCompletionResponse | None = None

    @property
    def id(self) -> str:
        """The id of the client's request."""
        return self.call.labels.get("request_id", self.call.id)

    def shown(self, prices: Mapping[str, Price], *, whole: bool) -> dict[str, Any]:
        """As JSON; with spans, request and response where it is to be ``whole``."""
        call, key = self.call, self.call.labels.get("key")
        firsts = [one.started + one.first_chunk for one in call.attempts if one.first_chunk is not None]
        told: dict[str, Any] = {
            "id": self.id,
            "call": call.id,
            "sequence": self.sequence,
            "started": self.began,
            "model": call.model,
            "stream": call.stream,
            "key": None if key is None else {"id": key, "label": call.labels.get("key_label", "")},
            "state": self.state,
            "error": None if self.error is None else dict(zip(("type", "message", "status"), self.error, strict=True)),
            "duration": self.duration,
            "first_chunk": firsts[0] if firsts else None,
            "attempts": [_attempt(one) for one in call.attempts],
            "usage": _usage(self.usage),
            "cost": self._cost(prices),
        }
        if whole:
            told["spans"] = [attrs.asdict(span) for span in call.trace or ()]
            told["request"] = None if self.request is None else to_dict(self.request)
            told["response"] = None if self.response is None else to_dict(self.response)
        return told

    def _cost(self, prices: Mapping[str, Price]) -> float | None:
        last = self.call.attempt
        return (
            None if self.usage is None or last is None else cost_of(prices, last.backend.name, last.model, self.usage)
        )


def _attempt(one: Attempt) -> dict[str, Any]:
    return {
        "number": one.number,
        "backend": one.backend.name,
        "model": one.model,
        "started": one.started,
        "wait": one.wait,
        "duration": one.duration,
        "outcome": one.outcome,
        "error": one.error,
        "status_code": one.status_code,
        "request_id": one.request_id,
        "first_chunk": one.first_chunk,
        "usage": _usage(one.usage),
        "dropped": list(one.dropped),
        "maybe_billed": one.maybe_billed,
    }


def _usage(usage: CompletionUsage | None) -> dict[str, int] | None:
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cached_tokens": _detail(usage.prompt_tokens_details, "cached_tokens"),
        "reasoning_tokens": _detail(usage.completion_tokens_details, "reasoning_tokens"),
    }


def _detail(details: Any, name: str) -> int:
    value = UNSET if details is UNSET or details is None else getattr(details, name)
    return value if isinstance(value, int) else 0
