"""Wire values from and to JSON: the one door for everything that goes over the wire.

A value that does not fit raises ``jackfield.ValidationError``, whose message has one line for each fault, with its path
and with types, never with values: ``choices[0].message.content: expected str or null, got int``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from jackfield.converter import hook
from jackfield.errors import ValidationError
from jackfield.mismatch import REFUSED, MismatchError, listed, mismatches
from jackfield.models.base import WireValue
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.plain import blemishes, plain

if TYPE_CHECKING:
    from jackfield.event import decode_chunk
    from jackfield.models.messages import ChatCompletionRequestMessage
    from jackfield.models.response import ChatCompletionResponseMessage, CreateChatCompletionResponse
else:

    def __getattr__(name: str) -> Any:
        """``decode_chunk``; only a stream needs the classes behind it."""
        if name != "decode_chunk":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from jackfield.event import decode_chunk

        globals()[name] = decode_chunk
        return decode_chunk


__all__ = [
    "build_request",
    "decode_chunk",
    "decode_response",
    "encode",
    "from_dict",
    "from_json",
    "request_fields",
    "structure_messages",
    "to_dict",
    "to_json",
]

T = TypeVar("T")
_TOO_DEEP = "nested too deeply"


def to_dict(value: WireValue) -> dict[str, Any]:
    """The value as plain JSON: dict, list, str, int, float, bool, None; what is unset is left out.

    Raises:
        ValidationError: it holds something that is no JSON.
    """
    data: dict[str, Any] = _plain(value)
    return data


def to_json(value: Any) -> str:
    """The value as compact JSON text; see ``encode``."""
    return encode(value).decode()


def encode(value: Any) -> bytes:
    """A wire value, or JSON with wire values in it, as compact JSON in UTF-8.

    Raises:
        ValidationError: it holds something that is no JSON: NaN, infinity, half of a surrogate pair, another type.
    """
    data = _plain(value)
    try:
        return msgspec.json.encode(data)
    except UnicodeEncodeError:
        raise ValidationError(_blemishes(data)) from None


def _plain(value: Any) -> Any:
    try:
        return plain(value)
    except MismatchError:
        raise ValidationError(_blemishes(value)) from None
    except RecursionError:
        raise ValidationError(_TOO_DEEP) from None


def _blemishes(value: Any) -> str:
    try:
        return listed(blemishes(value))
    except RecursionError:
        return _TOO_DEEP


def from_dict(data: Any, cls: type[T]) -> T:
    """A value of the wire type ``cls`` from plain JSON; parts of it may be wire values already.

    Raises:
        ValidationError: it does not have the shape of the type.
    """
    return _structure(data, cls)


def from_json(data: bytes | str, cls: type[T]) -> T:
    """A value of the wire type ``cls`` from JSON text.

    Raises:
        ValidationError: it is no JSON, or does not have the shape of the type.
    """
    return _structure(parse(data), cls)


def parse(data: bytes | str) -> Any:
    """What JSON text says, as plain values. Raises ``ValidationError``."""
    try:
        return msgspec.json.decode(data)
    except UnicodeError:
        raise ValidationError("expected UTF-8, got other bytes") from None
    except RecursionError:
        raise ValidationError(_TOO_DEEP) from None
    except (msgspec.MsgspecError, ValueError) as error:  # ValueError: too many digits
        raise ValidationError(f"expected JSON: {error}") from None


NO_OBJECT = "invalid_json"
"""The member under which the arguments of a call stand that are no JSON object, where a format takes nothing else."""


def call_arguments(text: str) -> dict[str, Any]:
    """The arguments of a call as an object, whatever a model wrote.

    ``{}`` for a text that is blank; a text that is no JSON object stands under ``NO_OBJECT``.
    """
    if not text.strip():
        return {}
    try:
        value = parse(text)
    except ValidationError:
        value = None
    return value if isinstance(value, dict) else {NO_OBJECT: text}


def spoken(audio: Mapping[str, Any]) -> str:
    """The words of an answer that was spoken, where the host kept them: the ``transcript`` of its audio; else empty."""
    words = audio.get("transcript")
    return words if isinstance(words, str) else ""


def decode_response(data: bytes) -> CreateChatCompletionResponse:
    """The response in the body of an HTTP reply. Raises ``ValidationError``."""
    from jackfield.models.response import CreateChatCompletionResponse

    return _structure(parse(data), CreateChatCompletionResponse)


def structure_messages(
    messages: Iterable[ChatCompletionRequestMessage | ChatCompletionResponseMessage | Mapping[str, Any]],
) -> tuple[ChatCompletionRequestMessage, ...]:
    """Messages of a request from dicts, wire values and the messages of replies. Raises ``ValidationError``."""
    return tuple(_structure({"messages": tuple(messages), "model": ""}, CreateChatCompletionRequest).messages)


def request_fields() -> tuple[str, ...]:
    """The names of the request's fields."""
    return CreateChatCompletionRequest.__wire_fields__


_REQUEST_FIELDS = frozenset(CreateChatCompletionRequest.__wire_fields__)


def build_request(fields: Mapping[str, Any]) -> CreateChatCompletionRequest:
    """The request with these fields; objects may be dicts or wire values, at any level.

    Raises:
        TypeError: there is no such field; the message names the nearest.
        ValidationError: a field does not have its type.
    """
    if not fields.keys() <= _REQUEST_FIELDS:
        raise TypeError(_unknown_field(next(name for name in fields if name not in _REQUEST_FIELDS)))
    return _structure(fields, CreateChatCompletionRequest)


def _unknown_field(name: str) -> str:
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(name, _REQUEST_FIELDS, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"create_chat_completion() got an unexpected keyword argument {name!r}{hint}"


def _structure(data: Any, cls: type[T]) -> T:
    try:
        value: T = hook(cls)(data, None)
    except REFUSED as error:
        raise ValidationError(listed(mismatches(error))) from None
    return value
