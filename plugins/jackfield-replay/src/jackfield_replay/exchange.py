"""Exchange: one HTTP request and what came of it, as it stands in a recording."""

from __future__ import annotations

import base64 as base64_
from typing import Any, Literal

import msgspec

from jackfield import errors
from jackfield.errors import APIError, CallError, DeadlineExceededError

DECIMALS = 3
"""Of the seconds in a recording."""
AT_ONCE = 0.0
"""No pause: it is not written."""


LAYOUTS = {"json": -1, "json_spaced": 0}
"""How JSON stood between its tokens, as ``msgspec.json.format`` has it, by the names of attributes."""


class _Part(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of the parts of an exchange."""


class Block(_Part, frozen=True, kw_only=True):
    """A block of an answer's body. Exactly one of ``json``, ``json_spaced``, ``text`` and ``base64`` has its bytes.

    Attributes:
        after: seconds that passed before it came.
        json: JSON, laid out for readers; the bytes have no blanks between its tokens.
        json_spaced: the same, for bytes with a blank after each comma and colon.
        text: any other text in UTF-8, as it is.
        base64: bytes that are no such text.
    """

    after: float = AT_ONCE
    json: str | None = None
    json_spaced: str | None = None
    text: str | None = None
    base64: str | None = None

    def __post_init__(self) -> None:
        _one(self)
        _at_once(self)

    @property
    def data(self) -> bytes:
        """The bytes."""
        return _bytes(self)


class Request(_Part, frozen=True, kw_only=True):
    """What was asked.

    Attributes:
        method, url: as they were sent, without secrets.
        headers: those that may be shown.
        withheld: names of headers that hold credentials.
        json, json_spaced, text, base64: the body, see ``Block``; none of them where it is empty.
    """

    method: str
    url: str
    headers: dict[str, str] = {}
    withheld: list[str] = []
    json: str | None = None
    json_spaced: str | None = None
    text: str | None = None
    base64: str | None = None

    def __post_init__(self) -> None:
        if _contents(self) != [None] * 4:
            _one(self)

    @property
    def body(self) -> bytes:
        """The bytes of the body."""
        return _bytes(self)


class Response(_Part, frozen=True, kw_only=True):
    """What was answered.

    Attributes:
        status: HTTP status.
        after: seconds until the head had come.
        headers, withheld: as of a request.
        blocks: of the body, its content encoding undone.
    """

    status: int
    after: float = AT_ONCE
    headers: dict[str, str] = {}
    withheld: list[str] = []
    blocks: list[Block] = []

    def __post_init__(self) -> None:
        _at_once(self)


class Failure(_Part, frozen=True, kw_only=True):
    """What was raised in place of an answer, or of the rest of one.

    Attributes:
        error: name of a class of ``jackfield.errors``: of an ``APIError``, or ``DeadlineExceededError``.
        message, code, type, param, request_id, status_code, retry_after, should_retry, stage: of the error.
        after: seconds that passed before it.
    """

    error: str
    message: str
    after: float = AT_ONCE
    stage: Literal["not_sent", "ambiguous", "answered"] | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    request_id: str | None = None
    status_code: int | None = None
    retry_after: float | None = None
    should_retry: bool | None = None

    def __post_init__(self) -> None:
        kind = vars(errors).get(self.error) if self.error.endswith("Error") else None
        if kind is None or not issubclass(kind, APIError | DeadlineExceededError):
            raise ValueError("error: expected the name of an APIError of jackfield.errors, or DeadlineExceededError")
        _at_once(self)

    @classmethod
    def of(cls, error: CallError, after: float = AT_ONCE) -> Failure:
        """The failure that an error tells of; an error of a class that jackfield does not have is its nearest base."""
        kind = next(kind for kind in type(error).__mro__ if getattr(errors, kind.__name__, None) is kind)
        told = {name: getattr(error, name, None) for name in DETAILS}
        return cls(error=kind.__name__, message=error.message, after=after, **told)

    def raised(self) -> CallError:
        """The error anew."""
        kind: Any = getattr(errors, self.error)
        if not issubclass(kind, APIError):
            error: CallError = kind(self.message)
            return error
        return kind(self.message, **{name: getattr(self, name) for name in DETAILS})  # type: ignore[no-any-return]  # by name


DETAILS = ("stage", "code", "type", "param", "request_id", "status_code", "retry_after", "should_retry")
"""Attributes of an error that are kept."""


class Exchange(_Part, frozen=True, kw_only=True):
    """A request and what came of it.

    Attributes:
        backend, model: of the attempt that made it; None outside of one.
        request: what was asked.
        response: what was answered, None where no head came.
        end: ``whole``: the body came to its end; ``failed``: see ``failure``; ``left``: its reader read no further.
        failure: what ended it.
    """

    backend: str | None = None
    model: str | None = None
    request: Request
    response: Response | None = None
    end: Literal["whole", "failed", "left"]
    failure: Failure | None = None

    def __post_init__(self) -> None:
        if (self.failure is not None) != (self.end == "failed"):
            raise ValueError("end: expected failed where there is a failure, and only there")
        if self.response is None and self.failure is None:
            raise ValueError("response: expected one, or a failure")

    @property
    def outcome(self) -> str:
        """How it ended, in a word."""
        return self.end if self.failure is None else self.failure.code or self.failure.error


def block(data: bytes, after: float = AT_ONCE) -> Block:
    """A block of these bytes, which came so many seconds after what was before."""
    return Block(after=round(after, DECIMALS), **shown(data))


def shown(data: bytes) -> dict[str, str]:
    """Bytes as a reader can see them, by the name of the attribute that is to have them."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"base64": base64_.b64encode(data).decode()}
    if text[:1] in {"{", "["}:
        try:
            pretty = msgspec.json.format(data, indent=2)
            for name, indent in LAYOUTS.items():
                if msgspec.json.format(pretty, indent=indent) == data:
                    return {name: pretty.decode() + "\n"}
        except (msgspec.DecodeError, RecursionError):
            pass  # it only looks like JSON
    return {"text": text}


def _one(part: Block | Request) -> None:
    if _contents(part).count(None) != 3:
        raise ValueError("expected one of json, json_spaced, text and base64")
    try:
        _bytes(part)
    except (ValueError, msgspec.DecodeError, RecursionError):  # up to msgspec 0.19 the second is not the first
        raise ValueError("expected JSON under json, and base64 under base64") from None


def _at_once(part: Block | Response | Failure) -> None:
    if not part.after:
        msgspec.structs.force_setattr(part, "after", AT_ONCE)  # it is left out where it is the very default


def _contents(part: Block | Request) -> list[str | None]:
    return [part.json, part.json_spaced, part.text, part.base64]


def _bytes(part: Block | Request) -> bytes:
    for name, indent in LAYOUTS.items():
        laid_out: str | None = getattr(part, name)
        if laid_out is not None:
            return msgspec.json.format(laid_out.encode(), indent=indent)
    if part.text is not None:
        return part.text.encode()
    return base64_.b64decode(part.base64 or "", validate=True)
