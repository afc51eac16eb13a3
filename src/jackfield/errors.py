"""Errors: one tree, with the names that openai-python's users know.

``JackfieldError`` is the root of everything jackfield raises. ``APIError`` and what is below it are failures of a
backend, and the only ones that a layer may want to try again. ``DeadlineExceededError`` and ``PluginError`` are no
``APIError``, so that ``except APIError`` in a layer never swallows them. ``CallCancelled`` is a ``BaseException``, like
asyncio's, and never reaches the host.

Every text is scrubbed of known secrets when the error is made; no error holds an object of an HTTP or JSON library;
every error can be pickled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from jackfield.redaction import scrub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jackfield.call import Attempt
    from jackfield.models.response import CreateChatCompletionResponse

Stage = Literal["not_sent", "ambiguous", "answered"]


class JackfieldError(Exception):
    """Anything that jackfield raises; ``str()`` of it is one scrubbed message."""

    def __init__(self, message: str) -> None:
        self.message = scrub(message)
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments do not fit Exception's own pickling; the state does.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[JackfieldError], args: tuple[Any, ...], state: dict[str, Any]) -> JackfieldError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class Fault:
    """One thing wrong in a configuration: where it is, what was expected, and a guess at what was meant."""

    __slots__ = ("expected", "file", "hint", "line", "path")

    def __init__(
        self, path: str, expected: str, *, file: str | None = None, line: int | None = None, hint: str | None = None
    ) -> None:
        self.path, self.expected, self.file, self.line, self.hint = path, scrub(expected), file, line, hint

    def __str__(self) -> str:
        place = "" if self.file is None else self.file + ("" if self.line is None else f":{self.line}") + ": "
        hint = "" if self.hint is None else f" ({self.hint})"
        return f"{place}{self.path}: {self.expected}{hint}" if self.path else f"{place}{self.expected}{hint}"

    def __repr__(self) -> str:
        return f"<Fault {self}>"

    def but(self, **changes: str | int | None) -> Fault:
        """The same with some of its fields changed."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return Fault(**{**fields, **changes})


class ConfigError(JackfieldError):
    """The configuration is not usable; ``faults`` lists everything wrong with it, in the order of files and lines."""

    def __init__(self, faults: Sequence[Fault] | str) -> None:
        told = [Fault("", faults)] if isinstance(faults, str) else list(faults)
        files = list(dict.fromkeys(fault.file for fault in told))
        told.sort(key=lambda fault: (files.index(fault.file), fault.line or 0))
        self.faults: tuple[Fault, ...] = tuple(told)
        lines = [str(fault) for fault in self.faults]
        head = "" if len(lines) == 1 else f"{len(lines)} faults in the configuration:\n  "
        super().__init__(head + "\n  ".join(lines))


class PluginError(JackfieldError):
    """A plugin broke the contract, or cannot be loaded; the message names its class and distribution."""


class ValidationError(JackfieldError, ValueError):
    """A value does not have the shape of its wire type; the message has one line for each fault, with its path."""


class CallError(JackfieldError):
    """A call failed; what it took is in ``attempts``.

    Attributes:
        attempts: the ledger of the call, oldest first.
        backend: name of the backend that answered last, or None.
        model: the model name that backend was asked for, or None.
    """

    attempts: tuple[Attempt, ...] = ()
    backend: str | None = None
    model: str | None = None


class DeadlineExceededError(CallError):
    """The time given for the whole call is over (``timeout=``, or ``timeout.total`` of the backend)."""

    def __init__(self, message: str = "the deadline of the call has passed") -> None:
        super().__init__(message)


class ClientClosedError(CallError):
    """The client was closed, so it takes no more calls."""

    def __init__(self, message: str = "the client is closed") -> None:
        super().__init__(message)


class APIError(CallError):
    """A backend failed.

    Attributes:
        code, type, param: as the backend's error object gave them, or None. A numeric code is kept as text.
        request_id: the backend's id of the exchange, or None.
        status_code: HTTP status, or None where no status was read or it does not tell of the failure.
        retry_after: seconds to wait before another try, as the backend asked, or None.
        should_retry: what the backend's ``x-should-retry`` header said, or None.
        stage: how far the request came: ``not_sent`` (provably), ``ambiguous`` (sent, perhaps carried out),
            ``answered`` (the backend's own word).
        body_excerpt: at most 2 KiB of what the backend sent instead of an answer, scrubbed.
        retry_budget_exhausted: True where another try was refused to spare the backend.
    """

    default_stage: Stage = "answered"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        type: str | None = None,  # noqa: A002 - the wire's own name
        param: str | None = None,
        request_id: str | None = None,
        status_code: int | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
        stage: Stage | None = None,
        body_excerpt: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = None if code is None else scrub(code)
        self.type = None if type is None else scrub(type)
        self.param = None if param is None else scrub(param)
        self.request_id = None if request_id is None else scrub(request_id)
        self.status_code = status_code
        self.retry_after = retry_after
        self.should_retry = should_retry
        self.stage: Stage = stage or self.default_stage
        self.body_excerpt = None if body_excerpt is None else scrub(body_excerpt)[:2048]
        self.retry_budget_exhausted = False


class APIConnectionError(APIError):
    """No answer could be had: DNS, refused, TLS, reset. ``code`` tells which; ``stage`` whether it may have been sent.

    ``code`` is one of ``dns``, ``refused``, ``connect``, ``certificate``, ``tls``, ``proxy``, ``reset``, ``protocol``,
    ``pool``; or ``circuit_open``, where a circuit breaker let nothing be sent.
    """

    default_stage = "ambiguous"


class APITimeoutError(APIConnectionError):
    """One wait was too long; ``code`` tells which limit: ``connect``, ``pool``, ``first_byte`` or ``idle``."""


class APIStatusError(APIError):
    """The backend answered with an HTTP status that is a failure."""


class BadRequestError(APIStatusError):
    """HTTP 400."""


class ContextLengthExceededError(BadRequestError):
    """The prompt does not fit the model's context window."""


class ContentFilterError(BadRequestError):
    """The backend's content filter refused the request."""


class AuthenticationError(APIStatusError):
    """HTTP 401."""


class PermissionDeniedError(APIStatusError):
    """HTTP 403."""


class NotFoundError(APIStatusError):
    """HTTP 404."""


class ConflictError(APIStatusError):
    """HTTP 409."""


class UnprocessableEntityError(APIStatusError):
    """HTTP 422."""


class RateLimitError(APIStatusError):
    """HTTP 429."""


class InternalServerError(APIStatusError):
    """HTTP 500 and above."""


class UnexpectedRedirectError(APIStatusError):
    """HTTP 3xx: no redirect is ever followed with a prompt or a key. The message names the target's host only."""


class UnsupportedParameterError(APIError):
    """The request asks for what the backend's format has no way to say; ``param`` tells what. Nothing was sent."""

    default_stage = "not_sent"


class InvalidResponseError(APIError):
    """The backend answered, but not with what its protocol allows: no JSON, wrong types, too large, cut short."""


class StreamInterruptedError(APIError):
    """A stream ended before its terminal signal.

    Attributes:
        partial: the response assembled from what had arrived, or None where nothing had.
    """

    def __init__(self, message: str, *, partial: CreateChatCompletionResponse | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.partial = partial


class CallCancelled(BaseException):
    """The host closed, dropped or cancelled the call. Thrown into its layers, never to the host."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def status_error(status: int) -> type[APIStatusError]:
    """The exception class for an HTTP status that is not a success."""
    if 300 <= status < 400:
        return UnexpectedRedirectError
    if status >= 500:
        return InternalServerError
    return _BY_STATUS.get(status, APIStatusError)
