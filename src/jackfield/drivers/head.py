"""The heads of HTTP/1.1: of a request as bytes, of an answer from bytes, and how its body is framed (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from jackfield.headers import Headers
from jackfield.http import HttpRequest

LONGEST_HEAD = 65536
"""Bytes of a head that are taken."""
MOST_FIELDS = 128
"""Fields of a head that are taken."""
UNTIL_CLOSE, CHUNKED = -1, -2
"""Instead of a length: the body ends with the connection, or comes in chunks that tell their sizes."""

END = re.compile(rb"\n\r?\n")
_STATUS = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?\r?")
# Neither may look at a character twice: spaces without end must not hold the interpreter.
_FIELDS = re.compile(r"^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\n\0]*)\r?$", re.MULTILINE)
_FOLD = re.compile(r"\r?\n[ \t]+")
_NO_BODY = frozenset({204, 304})


class MalformedError(ValueError):
    """An answer that is not HTTP/1.1. Its text is ours: nothing of the answer is repeated."""


class Head(NamedTuple):
    """The head of an answer.

    Attributes:
        status: 200 to 599, or what the server made up.
        headers: as they came.
        length: bytes of the body, ``UNTIL_CLOSE`` or ``CHUNKED``.
        keep_alive: the connection stands for another exchange once the body was read to its end.
    """

    status: int
    headers: Headers
    length: int
    keep_alive: bool


def encode_head(request: HttpRequest, target: str, more: Iterable[tuple[str, str]] = ()) -> bytes:
    """The head of a request, which tells the length of its body (RFC 9112, section 3; RFC 9110, section 8.6).

    Args:
        request: whose headers were found fit to be sent.
        target: what the request line names.
        more: headers besides, for a proxy.
    """
    headers = request.headers
    lines = [f"{request.method} {target} HTTP/1.1"]
    if "host" not in headers:
        lines.append(f"host: {request.origin.authority}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"{name}: {value}" for name, value in more]
    if request.body or request.method != "GET":
        lines.append(f"content-length: {len(request.body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def decode_head(data: bytes) -> Head:
    """The head in ``data``, which ends before the blank line.

    Raises:
        MalformedError: it is none, or two of its fields contradict each other.
    """
    text = data.decode("latin-1")
    first, _, rest = text.partition("\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise MalformedError("this is no status line of HTTP/1")
    if "\n " in rest or "\n\t" in rest:
        rest = _FOLD.sub(" ", rest)
    fields = _FIELDS.findall(rest)
    if rest and len(fields) != rest.count("\n") + 1:
        raise MalformedError("a line of the head is no header")
    if len(fields) > MOST_FIELDS:
        raise MalformedError(f"the head has more than {MOST_FIELDS} headers")
    headers = Headers((name, value.strip(" \t")) for name, value in fields)
    code = int(status[2])
    length = _frame(code, headers)
    return Head(code, headers, length, length != UNTIL_CLOSE and _stays(status[1], headers))


def _frame(status: int, headers: Mapping[str, str]) -> int:
    """The length of the body that a head announces, ``UNTIL_CLOSE`` or ``CHUNKED`` (RFC 9112, section 6.3).

    Raises:
        MalformedError: two fields contradict each other, or the framing is not known.
    """
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if status in _NO_BODY:
        return 0
    if coding is not None:
        if length is not None:
            raise MalformedError("both a length and a transfer coding are told")
        if coding.lower() != "chunked":
            raise MalformedError("the transfer coding is not chunked")
        return CHUNKED
    if length is None:
        return UNTIL_CLOSE
    if not (length.isascii() and length.isdecimal() and len(length) < 19):
        raise MalformedError("the length told is none")
    return int(length)


def _stays(minor: str, headers: Mapping[str, str]) -> bool:
    """Whether the connection is kept after this answer (RFC 9112, section 9.3)."""
    options = headers.get("connection")
    if options is None:
        return minor == "1"
    told = {option.strip().lower() for option in options.split(",")}
    return "close" not in told and (minor == "1" or "keep-alive" in told)
