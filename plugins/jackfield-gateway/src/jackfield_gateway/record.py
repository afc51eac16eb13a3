"""Record: what is kept of one call, and how it is shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from jackfield.errors import ValidationError
from jackfield.wire import encode
from jackfield_gateway.cost import cost_of
from jackfield_gateway.tokens import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jackfield.call import Attempt, Call
    from jackfield.models import CreateChatCompletionRequest
    from jackfield.models.base import WireValue
    from jackfield.span import Span
    from jackfield_gateway.settings import Price
    from jackfield_gateway.tokens import Tokens

NAME = 256
"""Characters of a name that a client gave, and of an id that a backend gave, which are kept."""
MESSAGE = 1000
"""Characters of an error that are kept."""
ATTEMPTS = 50
"""Attempts of a call that are kept: the last ones."""
SPANS = 500
"""Spans of a call that are kept: the first ones, among them those of the outer layers."""

BEGUN, CHUNK, ENDED = range(3)
"""Stages of a call: begun, with its first chunk, ended."""


class Tried(NamedTuple):
    """What is kept of an attempt, as in ``jackfield.call.Attempt``; the backend by its name."""

    number: int
    backend: str
    model: str
    started: float
    wait: float
    duration: float | None
    outcome: str
    error: str | None
    status_code: int | None
    request_id: str | None
    first_chunk: float | None
    usage: Tokens | None
    dropped: tuple[str, ...]
    maybe_billed: bool


@attrs.define(eq=False)
class Record:
    """One call, while it runs and after it. It is rendered only when somebody asks.

    Once the call has ended, nothing of it is held but what is shown: what layers keep for a call, heads of answers and
    what had arrived of a stream may hold prompts and answers.

    Messages of errors are kept without content, too. The core has scrubbed secrets from them, but a service's message
    may repeat words of a prompt (servers that check a request often quote the value at fault); that cannot be told
    from outside. They are cut to 1,000 characters.

    Attributes:
        sequence: 1 for the first since the start.
        began: seconds since 1970.
        call: jackfield's own book of it, while it runs; None after.
        id: of the client's request, ``req_…``; of the call where it has none.
        call_id, model, stream: of the call.
        key: id and label of the client's key; None without one.
        state: ``running``, ``success``, ``error`` or ``cancelled``.
        error: type, message and status of its failure.
        duration: seconds, once it has ended.
        usage: tokens of what was answered, where they were told.
        asked: the request, while the call runs and where content is kept.
        request, response: as JSON, once it has ended; kept only where content is.
    """

    sequence: int
    began: float
    call: Call | None
    id: str = attrs.field(init=False)
    call_id: str = attrs.field(init=False)
    model: str = attrs.field(init=False)
    stream: bool = attrs.field(init=False)
    key: tuple[str, str] | None = attrs.field(default=None, init=False)
    state: str = attrs.field(default="running", init=False)
    error: tuple[str, str, int | None] | None = attrs.field(default=None, init=False)
    duration: float | None = attrs.field(default=None, init=False)
    usage: Tokens | None = attrs.field(default=None, init=False)
    asked: CreateChatCompletionRequest | None = attrs.field(default=None, init=False)
    request: bytes | None = attrs.field(default=None, init=False)
    response: bytes | None = attrs.field(default=None, init=False)
    _attempts: tuple[Tried, ...] = attrs.field(default=(), init=False)
    _spans: tuple[Span, ...] = attrs.field(default=(), init=False)

    def __attrs_post_init__(self) -> None:
        call = self.call
        assert call is not None  # noqa: S101 - a record begins with its call
        labels = call.labels
        self.id, self.call_id = labels.get("request_id", call.id), call.id
        self.model, self.stream = call.model[:NAME], call.stream
        if "key" in labels:
            self.key = (labels["key"], labels.get("key_label", "")[:NAME])

    def end(self, state: str) -> None:
        """Take down what came of it, and let go of the call."""
        call = self.call
        if call is None:
            return
        self.state, self.duration = state, call.elapsed
        self._attempts, self._spans = self.attempts, tuple((call.trace or ())[:SPANS])
        self.call = self.asked = None

    @property
    def attempts(self) -> tuple[Tried, ...]:
        """Its attempts so far, oldest first."""
        call = self.call
        return self._attempts if call is None else tuple([_tried(one) for one in call.attempts[-ATTEMPTS:]])

    @property
    def last(self) -> Tried | None:
        """The last attempt of a call that has ended."""
        return self._attempts[-1] if self._attempts else None

    @property
    def first_chunk(self) -> float | None:
        """Seconds from the beginning of the call to its first chunk; None where none has come."""
        attempts = self._attempts if self.call is None else self.call.attempts
        return next((one.started + one.first_chunk for one in attempts if one.first_chunk is not None), None)

    @property
    def stage(self) -> int:
        """How far it is: ``BEGUN``, ``CHUNK`` or ``ENDED``."""
        return ENDED if self.call is None else BEGUN if self.first_chunk is None else CHUNK

    def shown(self, prices: Mapping[str, Price], *, whole: bool) -> dict[str, Any]:
        """As JSON; with spans, request and response where it is to be ``whole``."""
        told: dict[str, Any] = {
            "id": self.id,
            "call": self.call_id,
            "sequence": self.sequence,
            "started": self.began,
            "model": self.model,
            "stream": self.stream,
            "key": None if self.key is None else {"id": self.key[0], "label": self.key[1]},
            "state": self.state,
            "error": None if self.error is None else dict(zip(("type", "message", "status"), self.error, strict=True)),
            "duration": self.duration,
            "first_chunk": self.first_chunk,
            "attempts": [_shown(one) for one in self.attempts],
            "usage": _usage(self.usage),
            "cost": self._cost(prices),
        }
        if whole:
            spans = self._spans if self.call is None else (self.call.trace or ())[:SPANS]
            told["spans"] = [attrs.asdict(span) for span in spans]
            told["request"] = _json(self.request if self.asked is None else written(self.asked))
            told["response"] = _json(self.response)
        return told

    def _cost(self, prices: Mapping[str, Price]) -> float | None:
        last = self.last
        return None if self.usage is None or last is None else cost_of(prices, last.backend, last.model, self.usage)


def written(value: WireValue) -> bytes | None:
    """The value as JSON; None where it cannot be written, as what is nested too deeply: no call fails for that."""
    try:
        return encode(value)
    except ValidationError:
        return None


def _tried(one: Attempt) -> Tried:
    return Tried(
        one.number,
        one.backend.name,
        one.model[:NAME],
        one.started,
        one.wait,
        one.duration,
        one.outcome,
        None if one.error is None else one.error[:MESSAGE],
        one.status_code,
        None if one.request_id is None else one.request_id[:NAME],
        one.first_chunk,
        tokens(one.usage),
        one.dropped,
        one.maybe_billed,
    )


def _shown(one: Tried) -> dict[str, Any]:
    return {**one._asdict(), "dropped": list(one.dropped), "usage": _usage(one.usage)}


def _json(data: bytes | None) -> Any:
    return None if data is None else json.loads(data)


def _usage(usage: Tokens | None) -> dict[str, int] | None:
    return None if usage is None else usage._asdict()
