"""From what was found to how it is, and what to do about it."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from jackfield.checkup.row import Row
from jackfield.checkup.verdict import (
    BASE_URL,
    CODES,
    DAY,
    LATER,
    answer_row,
    call_row,
    certificate_row,
    clock_row,
    failed,
    skew,
)
from jackfield.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AuthenticationError,
    ConfigError,
    DeadlineExceededError,
    InternalServerError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    UnexpectedRedirectError,
)
from jackfield.redaction import remember


def lost(code: str, message: str = "it is lost") -> APIConnectionError:
    return APIConnectionError(message, code=code, stage="not_sent")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        *((lost(code), remedy) for code, remedy in CODES.items()),
        (lost("other"), None),
        (lost("certificate", "h cannot be trusted: certificate has expired"), "have the certificate of the service"),
        (lost("certificate", "certificate is not yet valid"), "set the clock"),
        (lost("certificate", "Hostname mismatch, certificate is not valid for 'x'"), "name the host"),
        (lost("certificate", "IP address mismatch"), "name the host"),
        (lost("dns", "the name expired.example cannot be resolved"), CODES["dns"]),
        (APITimeoutError("late", code="connect", stage="not_sent"), LATER),
        (DeadlineExceededError(), LATER),
        (UnexpectedRedirectError("moved", status_code=302), "write into base_url"),
        (ConfigError("wrong"), None),
    ],
    ids=repr,
)
def test_a_failure_has_its_remedy(error: Exception, remedy: str | None) -> None:
    """By what kind of failure it is, and not by words of the other side."""
    row = failed("b", "tls", error)

    assert (row.about, row.what, row.status, row.detail) == ("b", "tls", "failed", str(error))
    assert row.remedy == remedy if remedy is None else row.remedy.startswith(remedy)


def test_a_foreign_exception_is_told_by_its_class() -> None:
    """A plugin may raise anything."""
    assert failed("b", "http", KeyError("x")).detail == "KeyError: 'x'"


def test_an_error_without_words_is_told_by_its_class() -> None:
    """No line ends in nothing."""
    assert failed("b", "http", APIError("")).detail == "APIError"


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (None, "ok", "it answers, and lists 2 models"),
        (AuthenticationError("HTTP 401", status_code=401), "failed", "the credential is refused: HTTP 401"),
        (
            PermissionDeniedError("HTTP 403", status_code=403),
            "warning",
            "it answers, but not with its models: HTTP 403",
        ),
        (NotFoundError("HTTP 404", status_code=404), "warning", "it answers, but not with its models: HTTP 404"),
        (RateLimitError("HTTP 429", status_code=429), "warning", "it answers, but not with its models: HTTP 429"),
        (InternalServerError("HTTP 503", status_code=503), "warning", "it answers, but not with its models: HTTP 503"),
        (InvalidResponseError("no JSON"), "warning", "it answers, but with no list of models: no JSON"),
        (UnexpectedRedirectError("HTTP 302", status_code=302), "failed", "HTTP 302"),
        (lost("reset"), "failed", "it is lost"),
        (APITimeoutError("late", code="first_byte"), "failed", "late"),
        (RuntimeError("odd"), "failed", "RuntimeError: odd"),
    ],
    ids=repr,
)
def test_any_status_tells_that_a_service_is_reached(error: Exception | None, status: str, words: str) -> None:
    """Only a refused credential is a failure; a service that has no list of models may answer calls all the same."""
    row = answer_row("b", error, 2)

    assert (row.what, row.status, row.detail) == ("http", status, words)


def test_what_to_do_about_an_answer() -> None:
    """The remedy says of what it is certain."""
    assert answer_row("b", NotFoundError("x", status_code=404), 0).remedy == f"where calls fail too, {BASE_URL}"
    assert answer_row("b", InvalidResponseError("x"), 0).remedy == BASE_URL
    assert str(answer_row("b", AuthenticationError("x", status_code=401), 0).remedy).startswith("renew the secret")
    assert str(answer_row("b", PermissionDeniedError("x", status_code=403), 0).remedy).startswith("where calls fail")
    assert answer_row("b", RateLimitError("x", status_code=429), 0).remedy is None
    assert answer_row("b", None, 1).detail == "it answers, and lists 1 model"


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (NotFoundError("x", status_code=404), "look whether the service has m"),
        (RateLimitError("x", status_code=429), "look at what the service says"),
        (AuthenticationError("x", status_code=401), "renew the secret"),
        (lost("dns"), CODES["dns"]),
        (RuntimeError("odd"), None),
    ],
    ids=repr,
)
def test_a_call_that_failed_has_its_remedy(error: Exception, remedy: str | None) -> None:
    """Every failure of a call is one."""
    row = call_row("b", "m", error)

    assert (row.what, row.status) == ("call", "failed")
    assert row.remedy == remedy if remedy is None else str(row.remedy).startswith(remedy)
    assert call_row("b", "m", None) == Row("b", "call", "ok", "m answers")


@pytest.mark.parametrize(("days", "status"), [(14, "ok"), (90, "ok"), (13.9, "warning"), (0.5, "warning")])
def test_a_certificate_that_ends_soon_is_warned_of(days: float, status: str) -> None:
    """Two weeks are time enough to renew it."""
    row = certificate_row("b", "tls", "TLSv1.3 with h", days * DAY)

    assert row.status == status
    assert f"{int(days)} days" in row.detail


@pytest.mark.parametrize(
    ("seconds", "status", "words"),
    [
        (None, "skipped", "the answer has no date"),
        (30.0, "ok", "less than 30 s"),
        (-30.0, "ok", "less than 30 s"),
        (30.1, "warning", "this machine is 30 s ahead of the service"),
        (-3600.0, "warning", "this machine is 3600 s behind the service"),
    ],
)
def test_clocks_may_differ_by_half_a_minute(seconds: float | None, status: str, words: str) -> None:
    """Beyond it, which of the two is behind is told."""
    row = clock_row("b", seconds)

    assert row.status == status
    assert words in row.detail


def test_the_date_of_an_answer_is_compared_with_this_machine() -> None:
    """What is no date tells nothing."""
    assert skew(formatdate(1000, usegmt=True), 1040.5) == 40.5
    assert [
        skew(text, 0) for text in (None, "", "yesterday", "Mon, 99 Foo 0000", "Thu, 01 Jan 99999 00:00:00 GMT")
    ] == [None] * 5


def test_rows_are_scrubbed() -> None:
    """Whatever an error or a name has in it."""
    remember("canary-0123456789")
    row = Row("b", "http", "failed", "key canary-0123456789", "not canary-0123456789")

    assert (row.detail, row.remedy) == ("key ***", "not ***")
