"""Call and attempt: what one request of the host took, for the host, its layers and its errors."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Literal

import attrs

from jackfield.redaction import scrub

if TYPE_CHECKING:
    from jackfield.fold import Folder
    from jackfield.http import Backend
    from jackfield.models.response import CompletionUsage, CreateChatCompletionResponse
    from jackfield.plan import Route
    from jackfield.span import Span

_RATE_LIMIT = ("x-ratelimit-", "anthropic-ratelimit-")
PRIVATE_HEADERS = frozenset({"set-cookie", "set-cookie2", "www-authenticate"})
"""Headers of an answer that are not kept with an error."""
Outcome = Literal["running", "success", "error", "cancelled"]


@attrs.define(eq=False)
class Attempt:
    """One try at one backend.

    Attributes:
        number: 1 for the first of the call.
        backend: the configured backend, see ``jackfield.http.Backend``.
        model: the backend's own model name.
        stream: whether the backend was asked for a stream.
        started: seconds since the call began.
        wait: seconds that layers slept before it.
        duration: seconds until its outcome; None while it runs.
        outcome: ``running``, ``success``, ``error`` or ``cancelled``.
        error: class name and message of the failure, scrubbed; None without one.
        exchanges: HTTP requests that the provider sent for it (more than one where a credential was renewed).
        status_code, request_id, head: of the last answer's head; ``headers`` are fit to be shown.
        processing_ms: milliseconds that the backend worked, where it told.
        first_chunk: seconds from the attempt's start to its first chunk.
        usage: tokens, where the backend told.
        dropped: parameters that were left out, since the backend's format has no way to say them.
        maybe_billed: it failed after the backend may have begun to work: its tokens may be charged.
        state: what layers keep for this attempt, each under itself.
        folder: puts together what the host was given of a stream; None of a call without chunks. It stays with the
            attempt, for layers that look at what was given when the call has ended.
    """

    number: int
    backend: Backend
    model: str
    stream: bool = False
    started: float = 0.0
    wait: float = 0.0
    duration: float | None = None
    outcome: Outcome = "running"
    error: str | None = None
    exchanges: int = 0
    status_code: int | None = None
    request_id: str | None = None
    processing_ms: float | None = None
    head: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    first_chunk: float | None = None
    usage: CompletionUsage | None = None
    dropped: tuple[str, ...] = ()
    maybe_billed: bool = False
    state: MutableMapping[Any, Any] = attrs.field(factory=dict, repr=False)
    folder: Folder | None = attrs.field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The head's headers by name in lower case, scrubbed, without those that are nobody's business."""
        headers = ((name.lower(), value) for name, value in self.head.items())
        return {scrub(name): scrub(value) for name, value in headers if name not in PRIVATE_HEADERS}

    @property
    def rate_limit(self) -> dict[str, str]:
        """What the backend's ``x-ratelimit-*`` headers tell, by their names without that prefix.

        Anthropic's ``anthropic-ratelimit-*`` are told likewise; the services name and count in their own ways.
        """
        return {
            name.removeprefix(prefix): value
            for name, value in self.headers.items()
            for prefix in _RATE_LIMIT
            if name.startswith(prefix)
        }

    def __getstate__(self) -> dict[str, Any]:
        """All but what belongs to layers and to the stream: an error that carries its attempts can be pickled."""
        values = {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}
        return {
            **values,
            "head": self.headers,
            "state": {},
            "folder": None,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)


@attrs.define(eq=False)
class Call:
    """One request of the host, as its layers see it.

    Attributes:
        stream: whether the host asked for a stream.
        model: the model name as the host gave it (or the default), before any layer.
        labels: the host's own metadata, for logs and metrics.
        timeout: seconds for everything, or None where the backend's ``timeout.total`` decides.
        deadline: when it all must be over, on ``clock``.
        clock: seconds, monotonic; a driver of tests may have its own.
        id: 32 hexadecimal digits.
        attempts: the ledger, oldest first.
        committed: a chunk has been handed to the host: nothing may be repeated.
        state: what layers keep for this call, each under itself: ``call.state[self]``.
        faults: what layers did wrong while the call was taken down.
        trace: what each layer took, oldest first: those that begin after a layer has put a list here; None without.
        extra_headers, extra_body: what the host wants sent besides; the provider adds them.
        destination: for the layer that asks, where a model name leads: the backend with its layers, and the backend's
            own model name. Raises ``NotFoundError``. None where no engine drives the call, or the call has ended.
    """

    clock: Callable[[], float] = attrs.field(repr=False)
    model: str
    stream: bool = False
    labels: Mapping[str, str] = attrs.field(factory=dict)
    timeout: float | None = None
    extra_headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    extra_body: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    id: str = attrs.field(factory=lambda: os.urandom(16).hex())
    started: float = attrs.field(init=False, repr=False)
    deadline: float = attrs.field(init=False, repr=False)
    attempts: list[Attempt] = attrs.field(factory=list, init=False)
    committed: bool = attrs.field(default=False, init=False)
    state: dict[Any, Any] = attrs.field(factory=dict, init=False, repr=False)
    faults: list[str] = attrs.field(factory=list, init=False)
    trace: list[Span] | None = attrs.field(default=None, init=False, repr=False)
    destination: Callable[[str], tuple[Route, str]] | None = attrs.field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.started = self.clock()
        self.deadline = float("inf") if self.timeout is None else self.started + self.timeout

    @property
    def attempt(self) -> Attempt | None:
        """The attempt that runs, or the last one; None before the first."""
        return self.attempts[-1] if self.attempts else None

    @property
    def backend(self) -> Backend | None:
        """The backend of that attempt."""
        return self.attempts[-1].backend if self.attempts else None

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self.clock() - self.started

    @property
    def time_left(self) -> float:
        """Seconds until the deadline, below zero after it."""
        return self.deadline - self.clock()

    @property
    def partial(self) -> CreateChatCompletionResponse | None:
        """What had arrived in the current attempt of a stream, assembled; None where nothing had."""
        folder = self.attempts[-1].folder if self.attempts else None
        return None if folder is None or folder.empty else folder.whole()
