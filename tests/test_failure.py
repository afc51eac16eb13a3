"""Answers that are failures: the right exception, whatever shape the body has."""

from __future__ import annotations

import json
import math
import pickle
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield import errors
from jackfield.failure import answer_error, body_error, body_excerpt, excerpt, request_id, retry_after
from jackfield.redaction import remember

KEY = "sk-failure-0123456789abcdef"
NOW = "Sun, 06 Nov 1994 08:49:37 GMT"


def failed(body: Any, status: int = 400, **headers: str) -> errors.APIError:
    """The exception for an answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return answer_error(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (300, errors.UnexpectedRedirectError),
        (304, errors.UnexpectedRedirectError),
        (400, errors.BadRequestError),
        (401, errors.AuthenticationError),
        (402, errors.APIStatusError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (408, errors.APIStatusError),
        (409, errors.ConflictError),
        (422, errors.UnprocessableEntityError),
        (429, errors.RateLimitError),
        (500, errors.InternalServerError),
        (529, errors.InternalServerError),
        (101, errors.APIStatusError),
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"<html>no</html>", b'{"error": {"message": "no"}}'])
def test_the_status_decides_the_class(status: int, kind: type[errors.APIError], body: bytes) -> None:
    """Whatever the body says or fails to say."""
    error = failed(body, status)
    assert type(error) is kind
    assert (error.status_code, error.stage) == (status, "answered")
    assert error.message.startswith(f"HTTP {status}")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "no"}}, "no"),
        ({"error": {"detail": "no"}}, "no"),
        ({"error": {"error": "no"}}, "no"),
        ({"error": {"msg": "no"}}, "no"),
        ({"error": "no"}, "no"),
        ({"error": ["a", "b"]}, '["a","b"]'),
        ({"error": 7}, "7"),
        ({"error": {}, "message": "no"}, "no"),
        ({"error": None, "message": "no"}, "no"),
        ({"message": "no"}, "no"),
        ({"detail": "no"}, "no"),
        (
            {"detail": [{"loc": ["body", "n"], "msg": "too large"}]},
            '[{"loc":["body","n"],"msg":"too large"}]',
        ),
        ([{"error": {"message": "no"}}], "no"),
        (["no"], "no"),
        ("no", "no"),
        ({"error": {"message": {"en": "no"}}}, '{"en":"no"}'),
        ({"error": {"message": " a \n  b "}}, "a b"),
        (b"<html>\n<h1>502 Bad Gateway</h1></html>", "<html> <h1>502 Bad Gateway</h1></html>"),
        (b"upstream connect error", "upstream connect error"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[" * 5000, "[" * 1000),
    ],
)
def test_the_message_is_found_wherever_servers_put_it(body: Any, message: str) -> None:
    """In an object, nested, in a list, as a string, in HTML."""
    assert failed(body).message == f"HTTP 400: {message}"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"[{}]", b'{"error": {}}', b'{"error": ""}', b" "])
def test_without_a_message_the_status_is_told(body: bytes) -> None:
    """An empty body is no reason for an empty or a strange message."""
    assert failed(body, 503).message == "HTTP 503"


def test_the_fields_of_the_error_object_are_kept() -> None:
    """Code, type and param, a numeric code as text; what is no text is none."""
    error = failed({"error": {"message": "m", "code": 429, "type": "t", "param": "messages[0]"}})
    assert (error.code, error.type, error.param) == ("429", "t", "messages[0]")
    error = failed({"error": {"message": "m", "code": {"a": 1}, "type": [1], "param": True}})
    assert (error.code, error.type, error.param) == (None, None, None)


def test_the_headers_are_read() -> None:
    """Request id, the wait asked for, and the advice whether to try again."""
    error = failed(b"", 429, x_request_id="r" * 300, retry_after_ms="1500", x_should_retry=" True ")
    assert (error.request_id, error.retry_after, error.should_retry) == ("r" * 256, 1.5, True)
    assert failed(b"", 500, x_should_retry="false").should_retry is False
    assert failed(b"", 500, x_should_retry="maybe").should_retry is None
    assert failed(b"").should_retry is None


def test_the_request_id_has_many_names() -> None:
    """The usual one first."""
    assert request_id({"request-id": "b", "x-request-id": "a"}) == "a"
    assert request_id({"apim-request-id": "c"}) == "c"
    assert request_id({}) is None


@pytest.mark.parametrize("status", [400, 413, 429])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("context_length_exceeded", errors.ContextLengthExceededError),
        ("exceed_context_size_error", errors.ContextLengthExceededError),
        ("content_filter", errors.ContentFilterError),
        ("ResponsibleAIPolicyViolation", errors.ContentFilterError),
    ],
)
def test_the_code_makes_the_class_finer(status: int, code: str, kind: type[errors.APIError]) -> None:
    """Within the client's faults only, and by type as well as by code."""
    assert type(failed({"error": {"code": code}}, status)) is kind
    assert type(failed({"error": {"type": code}}, status)) is kind
    assert type(failed({"error": {"code": code}}, 500)) is errors.InternalServerError


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"message": "m", "code": 429}, errors.RateLimitError, 429),
        ({"message": "m", "code": "503"}, errors.InternalServerError, 503),
        ({"message": "m", "code": 200}, errors.APIError, None),
        ({"message": "m", "code": "0400999"}, errors.APIError, None),
        ({"message": "m", "code": "\u00b2\u00b2\u00b2"}, errors.APIError, None),
        ({"message": "m", "type": "server_error"}, errors.InternalServerError, None),
        ({"message": "m", "type": "rate_limit_error"}, errors.RateLimitError, None),
        ({"message": "m", "code": "insufficient_quota"}, errors.RateLimitError, None),
        (
            {"message": "m", "code": "invalid_api_key", "type": "invalid_request_error"},
            errors.AuthenticationError,
            None,
        ),
        ({"message": "m", "code": "context_length_exceeded"}, errors.ContextLengthExceededError, None),
        ("m", errors.APIError, None),
        (["m"], errors.APIError, None),
    ],
)
def test_an_error_in_place_of_an_answer_has_its_class(
    error: Any, kind: type[errors.APIError], status: int | None
) -> None:
    """By the status or the word that its code or type is."""
    found = body_error({"error": error})
    assert found is not None
    assert (type(found), found.status_code) == (kind, status)
    assert "m" in found.message


def test_an_error_without_words_is_told() -> None:
    """Something went wrong, and that is said."""
    found = body_error({"error": {"code": 9}})
    assert found is not None
    assert found.message == "the backend reported an error"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"choices": [{"finish_reason": "error", "error": {"code": 502, "message": "gone"}}]}, "gone"),
        ({"choices": [{"index": 0}, {"error": "gone"}]}, "gone"),
        ({"choices": [{"index": 0}], "x_groq": {"error": "over capacity"}}, "over capacity"),
        (
            {"choices": [{"index": 0}, {"finish_reason": "error"}]},
            "the backend ended the answer with finish_reason 'error'",
        ),
        ([{"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}}], "quota"),
        ({"error": {"message": "the first"}, "choices": [{"error": "the second"}]}, "the first"),
    ],
)
def test_an_error_is_found_wherever_services_put_it_in_an_answer(data: Any, message: str) -> None:
    """Beside what had been said, in a choice or in a field of the service's own."""
    found = body_error(data)
    assert found is not None
    assert found.message == message


@pytest.mark.parametrize(
    "data",
    [
        *(
            None,
            [],
            [[]],
            ["error"],
            [{"id": "x"}],
            "error",
            {},
            {"error": None},
            {"error": {}},
            {"error": ""},
            {"id": "x"},
        ),
        *({"choices": None, "x_groq": None}, {"choices": ["error"], "x_groq": "error"}),
        *({"choices": [{"error": None}], "x_groq": {"id": "req", "error": None}}, {"choices": {"error": "x"}}),
    ],
)
def test_an_answer_is_no_error(data: Any) -> None:
    """Also where it has an empty member of that name."""
    assert body_error(data) is None


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://evil.example/v1?key=" + KEY, "evil.example"),
        ("//evil.example/x", "evil.example"),
        (f"https://{KEY}:pw@evil.example/", "evil.example"),
        ("/v2/chat", "the same host"),
        ("http://[::1", "an address that is none"),
        ("https://" + "a" * 5000, "a" * 256),
    ],
)
def test_a_redirect_names_the_host_only(location: str, host: str) -> None:
    """Not the path, the query or the user, for they may be secrets of someone."""
    error = failed(b"", 302, location=location)
    assert error.message == f"HTTP 302: redirect to {host} not followed"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "1e2"}, 100.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "abc"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "1_0"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "99999999999999999999"}, 1e20),
        ({"retry-after": "1, 2"}, None),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "-5", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "0"}, 0.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT", "date": NOW}, 60.0),
        ({"retry-after": "Sun, 06 Nov 1994 09:50:37 +0100", "date": NOW}, 60.0),
        ({"retry-after": "Sunday, 06-Nov-94 08:50:37 GMT", "date": NOW}, 60.0),
        ({"retry-after": "Sun Nov  6 08:50:37 1994", "date": NOW}, 60.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:50:37 -0000", "date": NOW}, 60.0),
        ({"retry-after": NOW, "date": "Sun, 06 Nov 1994 08:50:37 GMT"}, 0.0),
        ({"retry-after": NOW}, 0.0),
        ({"retry-after": NOW, "date": "garbage"}, 0.0),
        ({"retry-after": "Sun, 99 Nov 1994 08:50:37 GMT", "date": NOW}, None),
        ({"retry-after": "Sun, 06 Nov 99999 08:50:37 GMT", "date": NOW}, None),
    ],
)
def test_the_wait_asked_for(headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds before seconds or a date; what is malformed is as if it were not there."""
    assert retry_after(headers) == seconds


def test_a_date_counts_from_the_clock_where_the_answer_has_none() -> None:
    """About an hour from now is about 3,600 seconds."""
    from email.utils import formatdate

    seconds = retry_after({"retry-after": formatdate(time.time() + 3600, usegmt=True)})
    assert seconds is not None
    assert 3500 < seconds <= 3600


VALUES = st.one_of(
    st.text(max_size=40),
    st.floats().map(str),
    st.integers().map(str),
    st.datetimes().map(lambda date: date.strftime("%a, %d %b %Y %H:%M:%S GMT")),
)


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "date"]), VALUES))
@example({"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359", "date": NOW})
@example({"retry-after": "Fri, 31 Dec 9999 23:59:59 -2359", "date": NOW})
def test_no_header_breaks_the_wait(headers: dict[str, str]) -> None:
    """Whatever a server sends, it is a finite number that is not negative, or none."""
    seconds = retry_after(headers)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "message", "detail", "code", "type", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(body=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60), status=st.integers(100, 599))
@example(body=b'{"error": {"message": "\\ud800", "code": ' + b"9" * 5000 + b"}}", status=400)
@example(body=b'{"error": {"message": {"a": "\\ud800"}, "code": 1e400}}', status=400)
@example(body=b"\xef\xbb\xbf{}", status=400)
def test_every_body_becomes_an_exception(body: bytes, status: int) -> None:
    """Of the right family, picklable, and short."""
    error = answer_error(status, {}, body)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.message, copy.code) == (type(error), error.message, error.code)
    assert len(error.message) < 1100


def test_a_large_body_becomes_a_short_error() -> None:
    """1 MiB of HTML: 1,000 characters in the message, 2 KiB in the excerpt."""
    error = failed(b"<p>" + b"x" * 2**20, 502)
    assert error.message == "HTTP 502: <p>" + "x" * 997
    assert error.body_excerpt == "<p>" + "x" * 2045


def shows(text: str | None) -> bool:
    """Whether any eight characters of the key are in a text."""
    return any(KEY[i : i + 8] in (text or "") for i in range(len(KEY) - 7))


@pytest.mark.parametrize("before", [*range(970, 1001), *range(2020, 2050), 4090, 8000])
def test_no_piece_of_a_secret_is_left_where_a_text_is_cut(before: int) -> None:
    """A key that lies across the cut is masked, in the message as in the excerpt, the id, the code."""
    remember(KEY)
    text = "x" * before + KEY + "y" * 9000
    for error in (failed(text.encode()), failed({"error": {"message": text, "code": text[before - 250 :]}})):
        for shown in (error.message, error.body_excerpt, error.code, str(vars(error))):
            assert not shows(shown)
    assert not shows(request_id({"x-request-id": text[before - 250 :]}))


def test_masks_do_not_move_a_piece_of_a_secret_into_sight() -> None:
    """A body that is full of a key shrinks as it is masked; the torn last one stays out."""
    remember(KEY)
    for size in range(6000, 6100):
        assert not shows(excerpt((KEY * 2000)[:size] + "z" * 40_000, 2048))
    assert not shows(failed((KEY * 20_000).encode()).body_excerpt)


def test_a_short_text_is_kept_whole() -> None:
    """Nothing is dropped but what is over the limit."""
    assert excerpt("a" * 10, 10) == "a" * 10
    assert excerpt("a" * 11, 10) == "a" * 10
    assert excerpt("a" * 5000, 10) == "a" * 10


def test_a_secret_with_a_line_break_in_it_does_not_hide_behind_the_blank_that_stands_for_it():
    """A message is put on one line after it was scrubbed."""
    remember(KEY)
    body = json.dumps({"error": {"message": f"wrong  key\n{KEY[:9]}\n{KEY[9:]}, sorry"}}).encode()

    assert answer_error(401, {}, body).message == "HTTP 401: wrong key ***, sorry"


def test_a_long_secret_is_not_cut_in_two():
    """What is cut off is looked at as far as the longest known secret may reach, however it is written."""
    secret = "".join(f"{number:04x}" for number in range(2000))
    remember(secret)
    written = "".join(f"\\u{ord(char):04x}" for char in secret)

    assert excerpt("x" * 1990 + written + " end" * 9999, 2048).strip("x") in {"", "*", "**", "***"}
    assert excerpt("x" * 1990 + written + " end", 2048) == "x" * 1990 + "*** end"
    assert body_excerpt(("é" * 2000 + secret + " end").encode()) == "é" * 2000 + "*** end"
