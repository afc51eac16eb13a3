"""Which failures may pass, and how long to wait."""

from __future__ import annotations

import random
from typing import Any

import pytest

from jackfield.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    BadRequestError,
    ContextLengthExceededError,
    InternalServerError,
    InvalidResponseError,
    RateLimitError,
    StreamInterruptedError,
)
from jackfield.failure import answer_error, body_error
from jackfield_retry.policy import THROTTLE, TRANSIENT, Verdict, delay, judge

RETRIED = {408, 429, 500, 502, 503, 504, 529}
STATUSES = sorted(
    {301, 302, 307, 400, 401, 402, 403, 404, 405, 406, 409, 410, 413, 415, 418, 422, 424, 425, 451, 501, 505, 507}
    | RETRIED
)
ROWS = [(status, header) for status in STATUSES for header in (None, "true", "false")]


def test_the_matrix_is_large_enough():
    """At least 60 pairs of status and header are judged."""
    assert len(ROWS) >= 60


@pytest.mark.parametrize(("status", "header"), ROWS)
def test_status_and_header_decide(status: int, header: str | None):
    """``x-should-retry`` is obeyed; without it the table of statuses decides."""
    headers = {} if header is None else {"x-should-retry": header}
    wanted = status in RETRIED if header is None else header == "true"

    verdict = judge(answer_error(status, headers, b"{}"), store=False)

    assert (verdict is not None) == wanted


@pytest.mark.parametrize(
    ("status", "kind"), [(status, THROTTLE if status in {429, 529} else TRANSIENT) for status in sorted(RETRIED)]
)
def test_throttling_is_told_from_trouble(status: int, kind: Any):
    """Statuses 429 and 529 ask for fewer requests; the others tell of trouble."""
    assert judge(answer_error(status, {}, b""), store=True) == Verdict(kind)


@pytest.mark.parametrize(("status", "kind"), [(429, THROTTLE), (503, TRANSIENT), (404, TRANSIENT)])
def test_a_header_that_allows_another_try_leaves_the_kind_as_it_is(status: int, kind: Any):
    """``x-should-retry`` tells whether, the status tells how long and at what cost; one that is not retried is trouble."""
    assert judge(answer_error(status, {"x-should-retry": "true"}, b""), store=False) == Verdict(kind)


@pytest.mark.parametrize("field", ["code", "type"])
@pytest.mark.parametrize("header", [True, None])
def test_a_quota_that_is_used_up_never_passes(field: str, header: bool | None):
    """``insufficient_quota``, as code or type, is final even if the backend's header says otherwise."""
    error = RateLimitError("used up", status_code=429, should_retry=header, **{field: "Insufficient_Quota"})

    assert judge(error, store=False) is None


def test_a_certificate_never_passes():
    """A certificate that cannot be trusted is final, though nothing was sent."""
    assert judge(APIConnectionError("no", code="certificate", stage="not_sent"), store=False) is None


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize(("wish", "wanted"), [(False, None), (True, Verdict(TRANSIENT)), (None, Verdict(TRANSIENT))])
def test_a_layer_that_refused_to_send_is_obeyed(store: bool, wish: bool | None, wanted: Verdict | None):
    """Where an open circuit says that another try is of no use, there is none."""
    error = APIConnectionError("open", code="circuit_open", stage="not_sent", should_retry=wish)

    assert judge(error, store=store) == wanted


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("code", ["dns", "refused", "connect", "tls", "proxy", "pool"])
def test_what_was_not_sent_may_be_sent(code: str, store: bool):
    """A request that provably was not sent may be sent again, whatever it does."""
    assert judge(APIConnectionError("no", code=code, stage="not_sent"), store=store) == Verdict(TRANSIENT)


@pytest.mark.parametrize(
    "error",
    [
        APIConnectionError("reset", code="reset"),
        APITimeoutError("slow", code="first_byte"),
        APITimeoutError("slow", code="idle"),
        StreamInterruptedError("cut"),
        InvalidResponseError("no JSON"),
    ],
    ids=lambda error: f"{type(error).__name__}-{error.code}",
)
def test_what_may_have_been_carried_out_is_ambiguous(error: APIError):
    """It may be repeated as far as nothing is stored by it."""
    assert judge(error, store=False) == Verdict(TRANSIENT, ambiguous=True)
    assert judge(error, store=True) is None


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ({"error": {"type": "rate_limit_error"}}, Verdict(THROTTLE)),
        ({"error": {"type": "overloaded_error"}}, Verdict(THROTTLE)),
        ({"error": {"type": "server_error"}}, Verdict(TRANSIENT)),
        ({"error": {"code": 503, "message": "busy"}}, Verdict(TRANSIENT)),
        ({"error": {"code": 400, "message": "bad"}}, None),
        ({"error": {"type": "invalid_request_error"}}, None),
        ({"error": {"type": "insufficient_quota"}}, None),
        ({"error": {"message": "what is it?"}}, None),
    ],
)
def test_an_error_inside_an_answer_is_judged_by_its_kind(data: Any, wanted: Verdict | None):
    """Without a status only a rate limit and a failure of the server may pass."""
    error = body_error(data)

    assert error is not None
    assert judge(error, store=False) == wanted


@pytest.mark.parametrize(
    "error", [BadRequestError("no", status_code=400), ContextLengthExceededError("long"), APIError("?")], ids=repr
)
def test_what_asking_again_cannot_mend_is_final(error: APIError):
    """A request that is wrong stays wrong."""
    assert judge(error, store=False) is None


def test_an_overloaded_server_without_a_class_of_its_own_is_throttling():
    """The type of the error tells of overload where the class does not."""
    assert judge(InternalServerError("full", type="overloaded_error"), store=False) == Verdict(THROTTLE)


@pytest.mark.parametrize("kind", [TRANSIENT, THROTTLE])
@pytest.mark.parametrize("failures", [1, 2, 3, 5, 8])
def test_jitter_is_uniform(kind: Any, failures: int):
    """10,000 waits fill ten equal parts of (0, min(20, b·2^(n-1))) within 20 % of evenly."""
    uniform = random.Random(20261122).uniform
    top = min(20.0, kind.base * 2 ** (failures - 1))
    counts = [0] * 10

    for _ in range(10_000):
        counts[min(9, int(delay(kind, failures, None, uniform) / top * 10))] += 1

    assert all(800 <= count <= 1200 for count in counts)


def test_no_number_of_failures_is_too_large():
    """The limit of 20 s holds however often it failed, and no number overflows."""
    assert delay(TRANSIENT, 10**9, None, lambda _low, high: high) == 20.0


@pytest.mark.parametrize("wish", [0.001, 1.0, 19.0, 120.0])
def test_what_the_backend_asks_for_is_the_least(wish: float):
    """The wait is what was asked for, and up to a tenth more."""
    uniform = random.Random(7).uniform
    waits = [delay(THROTTLE, 1, wish, uniform) for _ in range(1000)]

    assert min(waits) >= wish
    assert max(waits) <= wish * 1.1
    assert max(waits) - min(waits) > wish * 0.09


def test_a_wish_for_no_wait_gets_jitter():
    """A ``retry-after`` of 0, or a date that is past, must not bring all clients back at once."""
    assert delay(TRANSIENT, 1, 0.0, lambda _low, high: high) == 0.25
