"""Answers that are failures: any status, headers and body become one APIError, short, finite and picklable."""

from __future__ import annotations

import math
import pickle

from fuzz.documents import anything
from fuzz.source import Source, tried
from jackfield.errors import APIError, ValidationError, status_error
from jackfield.failure import answer_error, body_error, number, retry_after
from jackfield.wire import parse

NAMES = (
    "retry-after", "retry-after-ms", "date", "x-should-retry", "x-request-id", "request-id", "location", "content-type",
)  # fmt: skip
VALUES = (
    "0", "1", "1.5", "-1", "1e400", "nan", "inf", "1_0", "true", "FALSE ", "Wed, 21 Oct 2015 07:28:00 GMT",
    "Wed, 21 Oct 2015 07:28:00", "Wed, 21 Oct 9999 23:59:59 -2359", "Mon, 1 Jan 0001 00:00:00 +2359", "21 Oct 99 7:28",
    "http://u:p@h.example/x", "http://[::1", "//h", "x" * 5000, " ", "Sunday, 06-Nov-94 08:49:37 GMT", "9" * 400,
)  # fmt: skip
STATUSES = (400, 401, 403, 404, 408, 409, 422, 429, 500, 503, 529, 302, 100, 999)
KEYS = ("error", "message", "code", "type", "param", "detail", "msg")
WORDS = (b'"insufficient_quota"', b"429", b'"context_length_exceeded"', b"true", b'"x"', b'""', b"null", b"9" * 4301)


def check(data: bytes) -> None:
    """Bytes choose the status, the headers and the body."""
    source = Source(data)
    status, headers = source.pick(STATUSES), {}
    for _ in range(source.count(4)):
        headers[source.pick(NAMES)] = source.word(VALUES, 40)
    wait, _ = tried((), retry_after, headers)
    assert wait is None or (math.isfinite(wait) and wait >= 0), "this is no time to wait"
    for value in headers.values():
        told, _ = tried((), number, value)
        assert told is None or (math.isfinite(told) and told >= 0), "this is no number"
    body = source.pick((source.rest, lambda: error_object(source, 0), lambda: anything(source)))()
    error, _ = tried((), answer_error, status, headers, body)
    sound(error)
    assert error.status_code == status, "the status is another one"
    assert isinstance(error, status_error(status)) or 400 <= status < 500, "the class is not that of the status"
    content, _ = tried((ValidationError,), parse, body)
    found, _ = tried((), body_error, content)
    if found is not None:
        sound(found)
    else:
        assert not isinstance(content, dict) or not content.get("error"), "an error was overlooked"


def error_object(source: Source, depth: int) -> bytes:
    """An error as services send it, or nearly."""
    pairs = []
    for _ in range(source.count(4)):
        inner = error_object(source, depth + 1) if depth < 3 and source.byte() % 3 == 0 else source.pick(WORDS)
        pairs.append(b'"%s":%s' % (source.pick(KEYS).encode(), inner))
    text = b"{" + b",".join(pairs) + b"}"
    return b"[" + text + b"]" if source.chance() else text


def sound(error: APIError) -> None:
    """What is true of every error."""
    assert isinstance(error, APIError), "another exception was made"
    assert len(str(error)) <= 1100, "the message is too long"
    assert len(error.body_excerpt or "") <= 2048, "the excerpt is too long"
    for text in (error.code, error.type, error.param, error.request_id):
        assert text is None or (isinstance(text, str) and len(text) <= 256), "a word is too long"
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.code) == (type(error), str(error), error.code), "pickle makes another error"
