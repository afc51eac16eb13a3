"""Rate limits of one process, on a clock of their own."""

from __future__ import annotations

import math

import pytest

from jackfield.errors import APIConnectionError, DeadlineExceededError, InternalServerError, RateLimitError
from jackfield.flow import Sleep
from jackfield.hookspecs import hookimpl
from jackfield_limits import RateLimit

GRAIN = 1.0
"""Seconds of a slot of the usual window."""


def grains(seconds: float) -> bool:
    """Whether a wait is a window, but for the slot that it began in, and the one that is lost."""
    return 60.0 < seconds <= 61.0


def test_so_many_requests_pass_at_once(bench):
    """The limit itself is no wait; the next call waits until the first is a window ago."""
    one = bench(RateLimit(requests=3, max_wait=100))
    for _ in range(3):
        one.call()
    assert one.slept() == 0

    one.call()

    assert grains(one.slept())


def test_a_wait_is_told_by_what_is_booked(bench):
    """With three calls at 0, 20 and 40 seconds, a fourth waits for the first of them only."""
    one = bench(RateLimit(requests=3))
    for _ in range(3):
        one.call()
        one.driver.now += 20

    one.call()

    assert 0 < one.slept() <= 1.0  # the first is 60 seconds ago, its slot not yet


def test_no_window_has_more_than_the_limit(bench, backend, act):
    """Whichever stretch of a window's length one looks at, no more requests begin in it."""
    begun: list[float] = []
    one = bench(RateLimit(requests=5, window=10, max_wait=1000))
    one.backend = backend([act(during=lambda: begun.append(one.driver.now))])
    for turn in range(60):
        one.call()
        one.driver.now += (turn * 7919) % 30 / 10

    assert all(last - first >= 10 for first, last in zip(begun, begun[5:], strict=False))
    assert begun[-1] - begun[0] < 60 * 10 / 5 * 1.1  # and not much less


def test_a_limit_may_fail_at_once(bench):
    """Nothing is waited for, nothing is sent, and the error tells what it is."""
    one = bench(RateLimit(requests=1, on_limit="fail", name="mine"))
    one.call()

    error = one.fails()

    assert isinstance(error, RateLimitError)
    assert (error.code, error.stage, error.status_code, error.should_retry) == (
        "local_rate_limit",
        "not_sent",
        None,
        False,
    )
    assert grains(error.retry_after)
    assert "rate limit mine: 1 request in 60 s are used up" in str(error)
    assert len(one.backend.asked) == 1
    assert one.slept() == 0
    one.driver.now += error.retry_after
    one.call()


def test_a_request_larger_than_the_limit_is_told_so_where_it_cannot_wait(bench):
    """It is not only what others took that keeps it from passing."""
    one = bench(RateLimit(tokens=100, on_limit="fail"))
    one.call(max_tokens=10)
    assert str(one.fails(max_tokens=99)).endswith(" s")

    error = one.fails(max_tokens=1000)

    assert "this call may use 1001 tokens and takes all: set a lower max_completion_tokens, " in str(error)
    assert str(error).endswith("a lower expected_output for requests without one, or a larger limit")


@pytest.mark.parametrize(("patience", "passes"), [(59.0, False), (62.0, True)])
def test_no_call_waits_longer_than_max_wait(bench, patience, passes):
    """A wait that would be longer is an error at once."""
    one = bench(RateLimit(requests=1, max_wait=patience))
    one.call()
    if passes:
        one.call()
    else:
        assert one.fails().code == "local_rate_limit"
        assert one.slept() == 0


def test_no_call_waits_beyond_its_deadline(bench):
    """A wait that would end after it is an error at once, and takes no place."""
    one = bench(RateLimit(requests=1, max_wait=1000))
    one.call()

    assert one.fails(timeout=30).code == "local_rate_limit"
    assert one.slept() == 0
    one.call(timeout=100)
    assert grains(one.slept())


def test_tokens_are_booked_before_they_are_used(bench, act):
    """The prompt by its size and the most that the answer may have: two calls of 50 fit in 100, a third does not."""
    one = bench(RateLimit(tokens=100, on_limit="fail"))
    codes = []

    def inside() -> None:
        if len(one.backend.asked) < 2:
            one.call("x" * 36, max_completion_tokens=40)
        else:
            codes.append(one.fails(max_tokens=1).code)

    one.backend.acts = [act(during=inside)]
    one.call("x" * 36, max_tokens=40)

    assert codes == ["local_rate_limit"]


def test_what_was_not_used_is_given_back(bench, act, backend):
    """When the answer has come, what it took is what counts."""
    told = act(usage={"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10})
    one = bench(RateLimit(tokens=1000, on_limit="fail"), backend([told]))
    for _ in range(50):
        one.call(max_tokens=500)

    assert one.fails(max_tokens=500 + 1).code == "local_rate_limit"


def test_what_was_used_beyond_counts(bench, act, backend):
    """A call that took more than expected makes those that come later wait."""
    told = act(usage={"prompt_tokens": 900, "completion_tokens": 50, "total_tokens": 950})
    one = bench(RateLimit(tokens=1000, on_limit="fail"), backend([told]))
    one.call(max_tokens=10)

    assert one.fails(max_tokens=100).code == "local_rate_limit"


def test_a_request_that_is_larger_than_the_limit_takes_all_of_it(bench):
    """It passes when the window is empty, and only then."""
    one = bench(RateLimit(tokens=100, max_wait=100))
    one.call("x" * 4000)
    one.call("x" * 4000)

    assert grains(one.slept())


def test_every_attempt_counts(bench, act, backend):
    """A retry inside makes requests of its own: they count when the call has ended."""
    one = bench(RateLimit(requests=4, on_limit="fail"), backend([_down(act), _down(act), act()]), inside=[Twice()])
    one.call()
    one.call()

    assert one.fails().code == "local_rate_limit"


def test_attempts_that_were_made_before_count_once(bench, act, backend):
    """A retry outside passes the limit each time."""
    one = bench(RateLimit(requests=3, on_limit="fail"), backend([_down(act), act()]), around=[Twice()])
    one.call()
    one.call()

    assert one.fails().code == "local_rate_limit"


class Twice:
    """Tries up to three times."""

    @hookimpl
    def wrap_chat_completion(self, request):
        for _ in range(2):
            try:
                return (yield request)
            except InternalServerError:
                yield Sleep(1)
        return (yield request)


def _down(act, **fields):
    return act(error=lambda: InternalServerError("down", status_code=503), **fields)


def test_what_made_no_attempt_is_given_back(bench):
    """A cache inside answers: neither a request nor a token counts."""
    one = bench(RateLimit(requests=1, tokens=1000, on_limit="fail"), inside=[Canned(bench(Passing()).call())])
    for _ in range(5):
        one.call()

    assert one.backend.asked == []


class Passing:
    """Passes everything on."""

    @hookimpl
    def wrap_chat_completion(self, request):
        return (yield request)


class Canned:
    """Answers by itself."""

    def __init__(self, answer):
        self.answer = answer

    @hookimpl
    def wrap_chat_completion(self, request):
        yield from ()
        return self.answer


def test_a_request_that_leads_nowhere_is_given_back(bench):
    """No backend is named so: nothing was sent, nothing counts."""
    one = bench(RateLimit(requests=1, on_limit="fail"))
    for _ in range(3):
        assert one.fails(model="nowhere/m").code == "model_not_found"

    one.call()


def test_keys_have_limits_of_their_own(bench):
    """Each model and each value of a label is counted by itself; calls without the label share one."""
    one = bench(RateLimit(requests=1, per=("model", "label:tenant"), on_limit="fail"))
    one.call(labels={"tenant": "a"})
    one.call(labels={"tenant": "b"})
    one.call(labels={"tenant": "a"}, model="other/m")
    one.call()

    assert one.fails(labels={"tenant": "a", "more": "x"}).code == "local_rate_limit"
    assert one.fails(labels={"more": "y"}).code == "local_rate_limit"


def test_a_backend_has_a_limit_of_its_own_whatever_its_models_are_called(bench):
    """Every model of it counts together; a name that leads nowhere counts for none of them."""
    one = bench(RateLimit(requests=1, per=("backend",), on_limit="fail"))
    assert one.fails(model="nowhere/m").code == "model_not_found"
    one.call(model="test/m")
    one.call(model="other/m")

    assert one.fails(model="test/x").code == "local_rate_limit"
    assert one.fails(model="other/x").code == "local_rate_limit"


@pytest.mark.parametrize("most", [80, 4000])
def test_a_call_that_waits_begins_earlier_where_others_give_back(bench, act, backend, most):
    """It looks every second, so what was booked too much is no wait for long."""
    one = bench(RateLimit(tokens=100, max_wait=100), backend([_down(act), act()]))
    first, effect = one.begin(max_tokens=80, timeout=500)
    second, waiting = one.begin(max_tokens=most, timeout=500)
    for _ in range(5):  # it has waited for five seconds
        assert isinstance(waiting, Sleep)
        waiting = one.driver.step(second, waiting)
    with pytest.raises(InternalServerError):  # and now all tokens are given back
        one.driver.run(first, effect)
    one.driver.run(second, waiting)

    assert len(one.backend.asked) == 2
    assert sum(one.driver.slept) == 6


def test_a_call_that_is_taken_down_while_it_waits_gives_back(bench):
    """Neither its request nor its tokens count."""
    one = bench(RateLimit(requests=1, max_wait=100))
    one.call()
    for _ in range(3):
        engine, effect = one.begin(timeout=500)
        assert isinstance(effect, Sleep)
        engine.cancel()

    one.call()

    assert grains(one.slept())  # as if nobody had waited


def test_what_may_be_charged_counts(bench, act, backend):
    """Where the connection broke after the request was sent, its tokens count as they were expected."""
    lost = act(error=lambda: APIConnectionError("reset", code="reset"))
    one = bench(RateLimit(tokens=100, on_limit="fail"), backend([lost]))
    one.fails(max_tokens=60)

    assert one.fails(max_tokens=60).code == "local_rate_limit"


def test_what_was_refused_does_not(bench, act, backend):
    """A backend that answers with a status has done no work: only the request counts."""
    one = bench(RateLimit(tokens=100, requests=3, on_limit="fail"), backend([_down(act)]))
    for _ in range(3):
        assert one.fails(max_tokens=60).status_code == 503

    assert one.fails(max_tokens=60).code == "local_rate_limit"


def test_the_time_that_runs_out_gives_back(bench, act, backend):
    """A call whose deadline passes counts as one that may be charged, which is what is left of its booking."""
    one = bench(RateLimit(tokens=100, on_limit="fail"), backend([act(error=DeadlineExceededError), act()]))
    assert isinstance(one.fails(max_tokens=60, stream=True), DeadlineExceededError)  # 2 tokens have come

    one.call(max_tokens=90)


def test_nobody_starves(bench, act, backend):
    """Who comes later gets a later time, however small the request."""
    told = {"prompt_tokens": 1, "completion_tokens": 59, "total_tokens": 60}
    one = bench(RateLimit(tokens=100, max_wait=100), backend([act(usage=told)]))
    one.call(max_tokens=60)
    _, large = one.begin(max_tokens=90, timeout=500)
    _, small = one.begin(max_tokens=1, timeout=500)

    assert isinstance(large, Sleep)
    assert isinstance(small, Sleep)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "requests: expected a whole number, since tokens are not limited either"),
        ({"requests": 0}, "requests: expected a whole number from 1"),
        ({"requests": True}, "requests: expected a whole number"),
        ({"tokens": 1.5}, "tokens: expected a whole number"),
        ({"requests": 1, "window": 0.5}, "window: expected seconds from 1 to 2678400$"),
        ({"requests": 1, "window": math.nan}, "window: expected seconds"),
        ({"requests": 1, "per": ("modell",)}, "per: expected an array of backend, model and label:NAME"),
        ({"requests": 1, "per": ("label:",)}, "per: expected"),
        ({"requests": 1, "per": ("backend", "backend")}, "per: expected"),
        ({"requests": 1, "per": ("model", "model")}, "per: expected"),
        ({"requests": 1, "on_limit": "drop"}, "on_limit: expected wait or fail"),
        ({"requests": 1, "on_store_failure": "ajar"}, "on_store_failure: expected closed or open"),
        ({"requests": 1, "name": " "}, "name: expected a text of 1 to 64"),
        ({"requests": 1, "redis": "redis://x"}, "redis: expected a secret reference"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    """The message names the setting and what was expected, and repeats no text."""
    with pytest.raises(ValueError, match=f"^{message}"):
        RateLimit(**settings)


def test_a_shared_limit_has_a_name():
    """Limits of one name count together: one without a name would count with any other."""
    from jackfield.secret import Secret

    with pytest.raises(ValueError, match="limits of one name count together"):
        RateLimit(requests=1, redis=Secret("env:REDIS_URL"))
