"""The retry loop, driven by the engine with a clock of its own."""

from __future__ import annotations

import contextlib
import itertools
import random
import re
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import attrs
import pytest

from jackfield.call import Call
from jackfield.errors import (
    APIConnectionError,
    APIError,
    BadRequestError,
    DeadlineExceededError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    StreamInterruptedError,
)
from jackfield.failure import answer_error
from jackfield.flow import Deliver, Flow
from jackfield.hookspecs import hookimpl
from jackfield.models.chunks import CreateChatCompletionStreamResponse
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.testing import Echo, ScriptedDriver, plan, run_call
from jackfield.wire import from_dict
from jackfield_retry import Retry

README = Path(__file__).parents[1] / "README.md"


def request(**fields: Any) -> CreateChatCompletionRequest:
    return from_dict(
        {"model": "m", "messages": [{"role": "user", "content": "Hello."}], **fields}, CreateChatCompletionRequest
    )


ANSWER = CreateChatCompletionResponse(id="x", choices=[])


@attrs.define(eq=False)
class Failing:
    """Fails with the given errors in order, then answers."""

    errors: Iterable[Callable[[], Exception]] = ()
    asked: list[CreateChatCompletionRequest] = attrs.field(init=False, factory=list)
    _left: Any = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._left = iter(self.errors)

    @hookimpl
    def create_chat_completion(self, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
        self.asked.append(request)
        error = next(self._left, None)
        if error is not None:
            raise error()
        return ANSWER


def server_error() -> APIError:
    return InternalServerError("HTTP 503", status_code=503)


def throttled(**fields: Any) -> Callable[[], APIError]:
    return lambda: RateLimitError("HTTP 429", status_code=429, **fields)


def reset() -> APIError:
    return APIConnectionError("reset", code="reset")


def seeded(retry: Retry) -> Retry:
    retry._uniform = lambda _low, high: high
    return retry


def test_a_failure_that_passes_is_not_seen():
    """Two failures and a success are a success; the waits double, and the ledger has three attempts."""
    provider, driver = Failing([server_error, server_error]), ScriptedDriver()

    response = run_call(plan(provider, middleware=[seeded(Retry())]), request(), driver)

    assert response is ANSWER
    assert driver.slept == [0.25, 0.5]
    assert len(provider.asked) == 3


def test_the_same_request_is_passed_inward_again():
    """Each try is the very request that came to the layer."""
    provider = Failing([server_error, server_error])

    run_call(plan(provider, middleware=[seeded(Retry())]), request(), ScriptedDriver())

    assert provider.asked[0] is provider.asked[1] is provider.asked[2]


@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_attempts_are_limited(most: int):
    """The last error is raised after ``max_attempts`` attempts."""
    provider = Failing(itertools.repeat(server_error))

    with pytest.raises(InternalServerError, match="503") as caught:
        run_call(plan(provider, middleware=[seeded(Retry(max_attempts=most))]), request())

    assert len(provider.asked) == most
    assert not caught.value.retry_budget_exhausted


def test_what_cannot_pass_is_raised_at_once():
    """A bad request is sent once."""
    provider = Failing([lambda: BadRequestError("HTTP 400", status_code=400)])

    with pytest.raises(BadRequestError):
        run_call(plan(provider, middleware=[Retry()]), request())

    assert len(provider.asked) == 1


def test_errors_of_other_kinds_pass_through():
    """What is no ``APIError`` is not this layer's business."""
    provider = Failing([lambda: ZeroDivisionError("a bug")])

    with pytest.raises(ZeroDivisionError):
        run_call(plan(provider, middleware=[Retry()]), request())

    assert len(provider.asked) == 1


def test_a_wish_of_the_backend_is_obeyed():
    """The wait is what the backend asked for, and a tenth at most."""
    provider, driver = Failing([throttled(retry_after=30.0)]), ScriptedDriver()

    run_call(plan(provider, middleware=[seeded(Retry())]), request(), driver)

    assert driver.slept == [33.0]


def test_the_longest_wish_is_obeyed():
    """120 s are waited for."""
    driver = ScriptedDriver()

    run_call(plan(Failing([throttled(retry_after=120.0)]), middleware=[seeded(Retry())]), request(), driver)

    assert driver.slept == [132.0]


@pytest.mark.parametrize(("most", "wish"), [(120.0, 120.1), (120.0, 3600.0), (5.0, 6.0), (0.0, 0.1)])
def test_a_wish_that_is_too_long_is_raised(most: float, wish: float):
    """Beyond ``max_retry_after`` the error is raised without a wait, and nothing is charged."""
    provider, driver, retry = Failing([throttled(retry_after=wish)]), ScriptedDriver(), Retry(max_retry_after=most)

    with pytest.raises(RateLimitError) as caught:
        run_call(plan(provider, middleware=[retry]), request(), driver)

    assert caught.value.retry_after == wish
    assert driver.slept == []
    assert len(provider.asked) == 1
    assert retry._budgets == {}


def test_the_longest_wish_limits_no_wait_of_our_own():
    """Without a wish of the backend there is nothing to compare with ``max_retry_after``."""
    driver = ScriptedDriver()

    run_call(plan(Failing([server_error]), middleware=[seeded(Retry(max_retry_after=0))]), request(), driver)

    assert driver.slept == [0.25]


def test_a_wait_that_ends_with_the_deadline_is_not_begun():
    """There would be no time left to ask in."""
    driver, retry = ScriptedDriver(), Retry()
    retry._uniform = lambda low, _high: low

    with pytest.raises(RateLimitError):
        run_call(plan(Failing([throttled(retry_after=8.0)]), middleware=[retry]), request(), driver, timeout=8.0)

    assert driver.slept == []


def test_a_wait_beyond_the_deadline_is_not_begun():
    """The backend's error is raised at once, not the deadline's later."""
    provider, driver = Failing([throttled(retry_after=10.0)]), ScriptedDriver()

    with pytest.raises(RateLimitError):
        run_call(plan(provider, middleware=[Retry()]), request(), driver, timeout=10.0)

    assert driver.slept == []


def test_the_deadline_itself_is_not_retried():
    """``DeadlineExceededError`` ends the call."""
    provider = Failing([DeadlineExceededError])

    with pytest.raises(DeadlineExceededError):
        run_call(plan(provider, middleware=[Retry()]), request())

    assert len(provider.asked) == 1


def test_what_may_have_been_carried_out_is_repeated_once():
    """Two broken connections are one retry; the call's other retries stay possible."""
    provider = Failing([reset, reset])
    with pytest.raises(APIConnectionError):
        run_call(plan(provider, middleware=[seeded(Retry(max_attempts=9))]), request())
    assert len(provider.asked) == 2

    provider = Failing([reset, server_error, server_error])
    run_call(plan(provider, middleware=[seeded(Retry(max_attempts=9))]), request())
    assert len(provider.asked) == 4


@pytest.mark.parametrize("header", ["true", "false", None])
def test_a_quota_that_is_used_up_is_told_at_once(header: str | None):
    """``insufficient_quota`` is raised after one request, without a wait, whatever headers come with it."""
    body = b'{"error": {"message": "used up", "type": "insufficient_quota", "code": "insufficient_quota"}}'
    headers = {"retry-after": "1"} if header is None else {"retry-after": "1", "x-should-retry": header}
    provider, driver = Failing(itertools.repeat(lambda: answer_error(429, headers, body))), ScriptedDriver()

    with pytest.raises(RateLimitError):
        run_call(plan(provider, middleware=[Retry()]), request(), driver)

    assert len(provider.asked) == 1
    assert driver.slept == []


def test_what_may_have_been_stored_is_not_repeated():
    """With ``store`` a broken connection is final, while a refused request is sent again."""
    provider = Failing([reset])
    with pytest.raises(APIConnectionError):
        run_call(plan(provider, middleware=[seeded(Retry())]), request(store=True))
    assert len(provider.asked) == 1

    provider = Failing([server_error])
    run_call(plan(provider, middleware=[seeded(Retry())]), request(store=True))
    assert len(provider.asked) == 2


@attrs.define(eq=False)
class Breaking:
    """A stream that breaks ``times`` times, after ``chunks`` chunks."""

    chunks: int
    times: int
    asked: int = 0

    @hookimpl
    def create_chat_completion(self, request: CreateChatCompletionRequest) -> Flow[None]:
        self.asked += 1
        for _ in range(self.chunks):
            yield Deliver([from_dict(CHUNK, CreateChatCompletionStreamResponse)])
        if self.asked <= self.times:
            raise StreamInterruptedError("the stream broke")
        yield Deliver([from_dict(CHUNK, CreateChatCompletionStreamResponse)], last=True)


CHUNK = {"id": "x", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}


def test_a_stream_that_breaks_before_its_first_chunk_is_begun_again():
    """Nothing was committed, so the host sees one whole stream."""
    provider, driver = Breaking(chunks=0, times=1), ScriptedDriver()

    response = run_call(plan(provider, middleware=[seeded(Retry())]), request(stream=True), driver)

    assert provider.asked == 2
    assert len(driver.delivered) == 1
    assert response.choices[0].message.content == "Hi"


def test_what_was_committed_is_never_repeated():
    """After the first chunk the break is the host's to see."""
    provider, driver = Breaking(chunks=1, times=1), ScriptedDriver()

    with pytest.raises(StreamInterruptedError):
        run_call(plan(provider, middleware=[seeded(Retry())]), request(stream=True), driver)

    assert provider.asked == 1
    assert driver.slept == []


def test_a_backend_that_is_down_gets_hardly_more_requests():
    """10,000 calls that all fail are at most 10,050 requests, and the later errors tell why."""
    provider = Failing(itertools.repeat(server_error))
    layers = plan(provider, middleware=[Retry()])
    failures: list[InternalServerError] = []

    for _ in range(10_000):
        with pytest.raises(InternalServerError) as caught:
            run_call(layers, REQUEST)
        failures.append(caught.value)

    assert len(provider.asked) <= 10_050
    assert len(provider.asked) > 10_000
    assert failures[-1].retry_budget_exhausted
    assert not failures[0].retry_budget_exhausted


REQUEST = request()


def test_success_after_a_retry_gives_back_what_it_cost():
    """A call that needs two retries and succeeds takes the cost of the first only."""
    retry = seeded(Retry())

    run_call(plan(Failing([server_error, throttled()]), middleware=[retry]), request())

    assert retry._budgets["test"].tokens == 500 - 14


def test_success_at_once_gives_a_token():
    """Clean successes fill the budget slowly, and never beyond its size."""
    retry = seeded(Retry())
    layers = plan(Failing([server_error, server_error, server_error]), middleware=[retry])
    with pytest.raises(InternalServerError):
        run_call(layers, request())
    assert retry._budgets["test"].tokens == 472

    run_call(layers, request())
    assert retry._budgets["test"].tokens == 473

    for _ in range(40):
        run_call(layers, request())

    assert retry._budgets["test"].tokens == 500


def test_each_backend_has_a_budget_of_its_own():
    """A backend that is down does not take the retries of another."""
    retry = seeded(Retry())
    down, well = Failing(itertools.repeat(server_error)), Failing([server_error])
    layers = plan(down, middleware=[retry], backends={"other": well})
    for _ in range(40):
        with pytest.raises(InternalServerError):
            run_call(layers, request())

    run_call(layers, request(model="other/m"))

    assert retry._budgets["test"].tokens < 14
    assert retry._budgets["other"].tokens == 500


def test_a_layer_inside_that_answers_by_itself_counts_for_no_backend():
    """Without an attempt there is no budget to fill."""

    @attrs.define(eq=False)
    class Canned:
        @hookimpl
        def wrap_chat_completion(self, request: CreateChatCompletionRequest) -> Flow[CreateChatCompletionResponse]:
            return ANSWER
            yield

    retry = Retry()

    assert run_call(plan(Failing(), middleware=[retry, Canned()]), request()) is ANSWER
    assert retry._budgets == {}


def test_a_layer_inside_that_fails_by_itself_is_retried_under_no_name():
    """An error that belongs to no attempt is judged like any other."""

    @attrs.define(eq=False)
    class Shut:
        left: int = 1

        @hookimpl
        def wrap_chat_completion(self, request: CreateChatCompletionRequest) -> Flow[CreateChatCompletionResponse]:
            self.left -= 1
            if self.left >= 0:
                raise RateLimitError("shut", status_code=429)
            return (yield request)

    retry = seeded(Retry())

    assert run_call(plan(Failing(), middleware=[retry, Shut()]), request()) is ANSWER
    assert retry._budgets[""].tokens == 500


@pytest.mark.parametrize("step", [-86_400.0, 0.0, 86_400.0])
def test_a_step_of_the_wall_clock_changes_no_wait(monkeypatch: pytest.MonkeyPatch, step: float):
    """A date to wait for counts from the answer's own, so a clock that is a day off, or is set, does no harm."""
    headers = {"date": "Sun, 22 Nov 2026 12:00:00 GMT", "retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}
    now = itertools.count(time.time(), step)
    monkeypatch.setattr(time, "time", lambda: next(now))
    driver = ScriptedDriver()

    errors = [lambda: answer_error(503, headers, b"")] * 2
    run_call(plan(Failing(errors), middleware=[seeded(Retry())]), request(), driver)

    assert driver.slept == [33.0, 33.0]


def test_a_model_that_is_not_there_is_asked_for_once():
    """An unknown backend fails without a wait."""
    driver = ScriptedDriver()

    with pytest.raises(NotFoundError):
        run_call(plan(Failing(), middleware=[Retry()]), request(model="nobody/m"), driver)

    assert driver.slept == []


@attrs.define(eq=False)
class Fallback:
    """Goes on to another model after a failure."""

    @hookimpl
    def wrap_chat_completion(self, request: CreateChatCompletionRequest) -> Flow[CreateChatCompletionResponse]:
        try:
            return (yield request)
        except APIError:
            return (yield attrs.evolve(request, model="other/m"))


def test_inside_a_fallback_each_model_has_its_attempts():
    """Three tries at the first, then a success of the second."""
    down, well = Failing(itertools.repeat(server_error)), Failing([server_error])

    run_call(plan(down, middleware=[Fallback(), seeded(Retry())], backends={"other": well}), request())

    assert (len(down.asked), len(well.asked)) == (3, 2)


def test_outside_a_fallback_the_chain_is_repeated():
    """Both fail, both are asked again, and the failure is charged to the backend that failed last."""
    down, well = Failing(itertools.repeat(server_error)), Failing([throttled()])
    retry = seeded(Retry())

    run_call(plan(down, middleware=[retry, Fallback()], backends={"other": well}), request())

    assert (len(down.asked), len(well.asked)) == (2, 2)
    assert retry._budgets.keys() == {"other"}


def test_the_backend_whose_error_it_is_is_charged():
    """A fallback that raises the first failure in the end has the first backend charged, not the one asked last."""

    @attrs.define(eq=False)
    class First:
        @hookimpl
        def wrap_chat_completion(self, request: CreateChatCompletionRequest) -> Flow[CreateChatCompletionResponse]:
            try:
                return (yield request)
            except APIError as error:
                try:
                    return (yield attrs.evolve(request, model="other/m"))
                except APIError:
                    raise error from None

    down, unfit = Failing(itertools.repeat(server_error)), Failing(itertools.repeat(throttled()))
    retry = seeded(Retry())

    with pytest.raises(InternalServerError):
        run_call(plan(down, middleware=[retry, First()], backends={"other": unfit}), request())

    assert {name: budget.tokens for name, budget in retry._budgets.items()} == {"test": 500 - 2 * 14}


def test_inside_a_backend_it_works_as_well():
    """The layer may stand in the middleware of one backend."""
    provider = Failing([server_error])

    assert run_call(plan(provider, backend_middleware=[seeded(Retry())]), request()) is ANSWER
    assert len(provider.asked) == 2


def test_ten_threads_keep_the_budget_within_bounds():
    """Calls in ten threads, half of them failing, never bring the tokens below 0 or above 500."""
    retry = Retry()
    seen: list[int] = []

    def hammer(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(150):
            provider = Failing([server_error] * dice.randrange(4))
            with contextlib.suppress(InternalServerError):
                run_call(plan(provider, middleware=[retry]), REQUEST)
            seen.append(retry._budgets["test"].tokens)

    run_call(plan(Failing(), middleware=[retry]), REQUEST)
    threads = [threading.Thread(target=hammer, args=(seed,)) for seed in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 1500
    assert min(seen) >= 0
    assert max(seen) <= 500


def test_waits_are_random_unless_seeded():
    """The default source of randomness gives a different wait within its limits each time."""
    waits = []
    for _ in range(20):
        driver = ScriptedDriver()
        run_call(plan(Failing([server_error]), middleware=[Retry()]), request(), driver)
        waits += driver.slept

    assert len(set(waits)) > 1
    assert all(0 <= wait <= 0.25 for wait in waits)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("max_attempts", value) for value in (0, -1, 1.5, True, "3", None)]
    + [("max_retry_after", value) for value in (-1, -0.1, float("nan"), False, "120", None)],
)
def test_settings_are_checked(setting: str, value: Any):
    """A value that does not fit is refused with the setting's name and what was expected."""
    with pytest.raises(ValueError, match=f"{setting}: expected"):
        Retry(**{setting: value})


def test_the_readme_lists_the_settings():
    """The table of settings in the README is complete, and its defaults are those of the class."""
    table = README.read_text().partition("| setting |")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", table, re.MULTILINE))
    defaults = {field.name: f"{field.default:g}" for field in attrs.fields(Retry) if field.init}

    assert rows == defaults


def test_it_needs_no_settings_and_a_call_without_failure_no_effect():
    """A call that succeeds is passed through as it is."""
    driver = ScriptedDriver()

    response = run_call(plan(Echo(), middleware=[Retry()]), request(), driver)

    assert response.choices[0].message.content == "Hello."
    assert driver.effects == []


def test_the_same_error_object_is_raised():
    """The host gets the backend's own error, not a copy."""
    errors = [server_error() for _ in range(3)]
    left = iter(errors)

    with pytest.raises(InternalServerError) as caught:
        run_call(plan(Failing([lambda: next(left)] * 3), middleware=[seeded(Retry())]), request())

    assert caught.value is errors[-1]


def test_waits_are_in_the_ledger():
    """Each attempt knows how long layers slept before it."""
    calls: list[Call] = []

    @attrs.define(eq=False)
    class Watch:
        @hookimpl
        def wrap_chat_completion(
            self, request: CreateChatCompletionRequest, call: Call
        ) -> Flow[CreateChatCompletionResponse]:
            calls.append(call)
            return (yield request)

    run_call(plan(Failing([server_error, throttled()]), middleware=[Watch(), seeded(Retry())]), request())

    assert [attempt.wait for attempt in calls[0].attempts] == [0.0, 0.25, 2.0]
