"""Budgets of one process: what counts, what is refused, and what of failures and broken streams."""

from __future__ import annotations

import contextlib
import threading

import attrs
import pytest

from jackfield import AsyncClient, Client
from jackfield.errors import (
    APIConnectionError,
    APIError,
    ConfigError,
    DeadlineExceededError,
    InternalServerError,
    RateLimitError,
    StreamInterruptedError,
)
from jackfield.flow import Deliver, Sleep
from jackfield.hookspecs import hookimpl
from jackfield.testing.contract.host import HOSTS
from jackfield_limits import Budget
from jackfield_limits.price import Price, exact

TOLD = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}
PRICES = {"test/m": Price(input=1.0, output=10.0, cached_input=0.1)}


def spent(budget: Budget) -> tuple[int, int]:
    """Tokens and billionths that were taken from the one account that there is."""
    ((tokens, money, _),) = budget._store._memory._accounts.values()
    return tokens, money


def test_a_budget_that_is_used_up_refuses_before_anything_is_sent(bench, backend, act):
    """The error tells what is taken, what this call may take, and when the period ends."""
    one = bench(Budget(tokens=100, period="hour", name="team"), backend([act(usage=TOLD)]))
    one.layer._now = lambda: 1_800_000_000.0 + 600
    one.call(max_tokens=10)
    one.call(max_tokens=10)

    error = one.fails(max_tokens=10)

    assert isinstance(error, RateLimitError)
    assert (error.code, error.stage, error.status_code, error.should_retry) == (
        "budget_exceeded",
        "not_sent",
        None,
        False,
    )
    assert error.retry_after == 3000
    assert str(error) == "budget team: used up this hour: 100 of 100 tokens are taken, this call may use 11"
    assert len(one.backend.asked) == 2


@pytest.mark.parametrize(
    ("limits", "states"),
    [
        ({"tokens": 100}, "may use 1001 of 100 tokens"),
        ({"money": 0.001, "prices": PRICES}, "may cost 0.010001 of 0.001"),
        (
            {"tokens": 2000, "money": 0.001, "prices": PRICES},
            "may use 1001 of 2000 tokens and may cost 0.010001 of 0.001",
        ),
    ],
)
def test_a_call_that_can_never_fit_is_not_told_to_wait(bench, limits, states):
    """No end of a period helps; the error says what does."""
    one = bench(Budget(**limits, period="hour", name="team"))

    error = one.fails()

    assert (error.code, error.stage, error.retry_after) == ("budget_exceeded", "not_sent", None)
    assert str(error) == (
        f"budget team: too small for this call, which {states}: set a lower max_completion_tokens, "
        "a lower expected_output for requests without one, or a larger budget"
    )
    assert one.driver.requests == []


def test_a_new_period_has_a_new_budget(bench, backend, act):
    """When the hour is over, calls pass again."""
    now = [1_800_000_000.0]
    one = bench(Budget(tokens=60, period="hour"), backend([act(usage=TOLD)]))
    one.layer._now = lambda: now[0]
    one.call(max_tokens=10)
    assert one.fails(max_tokens=10).code == "budget_exceeded"

    now[0] += 3600

    one.call(max_tokens=10)


def test_a_total_never_ends(bench, backend, act):
    """There is nothing to wait for."""
    one = bench(Budget(tokens=60, period="total"), backend([act(usage=TOLD)]))
    one.call(max_tokens=10)

    error = one.fails(max_tokens=10)

    assert error.retry_after is None
    assert str(error).startswith("budget: used up: 50 of 60 tokens")


def test_money_is_counted_by_the_prices_of_what_answered(bench, backend, act):
    """Cached tokens at their price."""
    told = {**TOLD, "prompt_tokens_details": {"cached_tokens": 10}}
    one = bench(Budget(money=1.0, prices=PRICES), backend([act(usage=told)]))
    one.call()

    assert spent(one.layer) == (50, exact((20 * 1.0 + 10 * 0.1 + 20 * 10.0) / 1_000_000))


def test_money_that_is_used_up_refuses(bench, backend, act):
    """What a call may cost must be left."""
    one = bench(Budget(money=0.0003, prices=PRICES), backend([act(usage=TOLD)]))
    one.call(max_tokens=20)

    error = one.fails(max_tokens=20)

    assert str(error).startswith("budget: used up this month: 0.00023 of 0.0003 is taken, this call may cost 0.000201")


def test_a_model_without_a_price_is_refused_before_anything_is_sent(bench):
    """The error names the model, and what to do; nothing is taken."""
    one = bench(Budget(money=1.0, prices=PRICES))

    error = one.fails(model="other/new")

    assert (type(error), error.code, error.stage, error.should_retry) == (APIError, "no_price", "not_sent", False)
    assert str(error) == (
        'the budget has no price of other/new: add "other/new" = { input = …, output = … } to its prices'
    )
    assert one.driver.requests == []
    assert spent(one.layer) == (0, 0)


@pytest.mark.parametrize("mode", list(HOSTS))
@pytest.mark.parametrize("last", ["ok", None])
def test_a_model_without_a_price_is_passed_over_by_a_fallback(fault_server, last, mode):
    """The next model is asked; where there is none, the error tells of all that failed before."""
    names = ["b/status?code=503", "b/unknown", *([f"b/{last}"] if last else [])]
    priced = {name: {"input": 1, "output": 1} for name in names if name != "b/unknown"}
    config = {
        "backends": {"b": {"provider": "openai", "base_url": fault_server.url}},
        "middleware": [
            {"use": "budget", "money": 10, "prices": priced},
            {"use": "fallback", "models": {names[0]: names[1:]}},
        ],
    }
    with contextlib.closing(HOSTS[mode](config, {})) as host:
        outcome = host.ask(model=names[0], messages=[{"role": "user", "content": "Hi"}])

    if last:
        assert outcome.response.choices
        return
    error = outcome.error
    assert isinstance(error, APIError)
    assert "the budget has no price of b/unknown" in str(error)
    assert [attempt.model for attempt in error.attempts] == ["status?code=503", "unknown"]
    assert "InternalServerError" in error.__notes__[0]


def test_a_price_that_belongs_to_no_model_is_a_fault_of_the_configuration(tmp_path):
    """It is found before any call, with its line."""
    file = tmp_path / "jackfield.toml"
    file.write_text(
        '[backends.test]\nprovider = "echo"\n[[middleware]]\nuse = "budget"\nmoney = 1\n'
        '[middleware.prices]\n"test/m" = { input = 1, output = 1 }\n"tset/m" = { input = 1, output = 1 }\n'
    )
    with pytest.raises(ConfigError) as caught:
        Client(file)

    (fault,) = caught.value.faults
    assert (fault.line, fault.path) == (8, 'middleware[0].prices."tset/m"')
    assert "no backend and no alias is meant by 'tset/m'" in fault.expected


def test_tokens_need_no_prices(bench):
    """A budget of tokens alone takes any model."""
    one = bench(Budget(tokens=10_000))
    one.call(model="other/new")

    assert spent(one.layer)[1] == 0


class Alias:
    """Leads to a model of another name."""

    @hookimpl
    def wrap_chat_completion(self, request):
        return (yield attrs.evolve(request, model="test/m"))


def test_an_alias_is_charged_by_what_it_leads_to(bench, backend, act):
    """Until that is known the dearest price stands for it."""
    dear = {**PRICES, "test/dear": Price(1000.0, 1000.0)}
    one = bench(Budget(money=1.0, prices=dear), backend([act(usage=TOLD)]), inside=[Alias()])
    engine, effect = one.begin(model="fast", max_tokens=100)
    assert spent(one.layer)[1] == exact(101 * 1000.0 / 1_000_000)

    one.driver.run(engine, effect)

    assert spent(one.layer) == (50, exact((30 * 1.0 + 20 * 10.0) / 1_000_000))


def test_a_model_that_costs_nothing_has_a_price_of_nothing(bench):
    """It is said, not assumed."""
    one = bench(Budget(money=0.000001, prices={"test/m": Price(0, 0)}))
    one.call()

    assert spent(one.layer)[1] == 0


def test_calls_at_once_do_not_overdraw_it_together(bench, act):
    """What each may take is taken before it is sent."""
    one = bench(Budget(tokens=100))
    codes = []

    def inside() -> None:
        if len(one.backend.asked) < 2:
            one.call(max_tokens=49)
        else:
            codes.append(one.fails(max_tokens=1).code)

    one.backend.acts = [act(during=inside)]
    one.call(max_tokens=49)

    assert codes == ["budget_exceeded"]


def lost() -> APIConnectionError:
    return APIConnectionError("reset", code="reset")


def down() -> InternalServerError:
    return InternalServerError("down", status_code=503)


def cut() -> StreamInterruptedError:
    return StreamInterruptedError("cut")


@pytest.mark.parametrize(
    ("error", "stream", "text", "tokens"),
    [
        (lost, False, "", 1 + 60),
        (lost, True, "", 1 + 60),
        (down, False, "", 0),
        (cut, True, "x" * 40, 1 + 10),
        (cut, True, "", 1 + 60),
        (DeadlineExceededError, True, "x" * 40, 1 + 10),
    ],
)
def test_what_a_failure_counts(bench, backend, act, error, stream, text, tokens):
    """What may be charged: what had arrived, or the estimate where nothing had; what was refused counts nothing."""
    one = bench(Budget(tokens=1000), backend([act(error=error, text=text)]))
    one.fails(max_tokens=60, stream=stream)

    assert spent(one.layer)[0] == tokens


def test_failed_attempts_count_with_the_one_that_succeeds(bench, backend, act):
    """A retry inside: the budget pays for all of its attempts."""
    one = bench(Budget(tokens=1000), backend([act(error=lost), act(usage=TOLD)]), inside=[Twice()])
    one.call(max_tokens=60)

    assert spent(one.layer)[0] == 61 + 50


@pytest.mark.parametrize(("chunks", "tokens"), [(0, 61), (1, 2), (7, 3), (20, 6)])
def test_a_stream_that_the_host_closes_counts(bench, backend, act, chunks, tokens):
    """What had arrived, with the chunk that the host was about to be given; where no text had, the estimate."""
    one = bench(Budget(tokens=1000), backend([act(text="x" * 40)]))
    engine, effect = one.begin(max_tokens=60, stream=True)
    seen = 0
    while not (isinstance(effect, Deliver) and seen == chunks):
        seen += isinstance(effect, Deliver)
        effect = one.driver.step(engine, effect)
    engine.cancel()

    assert spent(one.layer)[0] == tokens


class Twice:
    """Asks once more after a failure."""

    @hookimpl
    def wrap_chat_completion(self, request):
        try:
            return (yield request)
        except APIConnectionError:
            return (yield request)


def test_attempts_that_were_made_before_count_once(bench, backend, act):
    """A retry outside: each attempt passes the budget by itself."""
    one = bench(Budget(tokens=1000), backend([act(error=lost), act(usage=TOLD)]), around=[Twice()])
    one.call(max_tokens=60)

    assert spent(one.layer)[0] == 61 + 50


def test_a_call_that_is_taken_down_before_it_was_sent_counts_nothing(bench, sleeping):
    """No attempt, no charge."""
    one = bench(Budget(tokens=1000), inside=[sleeping])
    engine, effect = one.begin(max_tokens=60)
    assert isinstance(effect, Sleep)
    assert spent(one.layer)[0] == 61
    engine.cancel()

    assert spent(one.layer)[0] == 0


def test_an_answer_without_usage_counts_by_its_size(bench, backend, act):
    """Also a stream."""
    one = bench(Budget(tokens=1000), backend([act(text="x" * 40)]))
    one.call("y" * 36, max_tokens=60)
    one.call("y" * 36, max_tokens=60, stream=True)

    assert spent(one.layer)[0] == 2 * (10 + 10)


def test_keys_have_budgets_of_their_own(bench, backend, act):
    """One tenant's spending is not another's."""
    one = bench(Budget(tokens=60, per=("label:tenant",)), backend([act(usage=TOLD)]))
    one.call(max_tokens=10, labels={"tenant": "a"})
    one.call(max_tokens=10, labels={"tenant": "b"})

    assert one.fails(max_tokens=10, labels={"tenant": "a"}).code == "budget_exceeded"


ECHO = {"default_model": "echo/m", "backends": {"echo": {"provider": "echo"}}}


def within(made: Client | AsyncClient) -> Budget:
    """The budget of a client."""
    (budget,) = [layer.plugin for layer in made._session.plan.layers if isinstance(layer.plugin, Budget)]
    return budget


def test_many_threads_do_not_overdraw():
    """However many calls go on at once, what was used is within the budget, and nearly all of it."""
    made = Client({**ECHO, "middleware": [{"use": "budget", "tokens": 1000}]})
    refused = []

    def work() -> None:
        while not refused:
            try:
                made.create_chat_completion(messages=[{"role": "user", "content": "one two three"}], max_tokens=20)
            except RateLimitError as error:
                refused.append(error.code)

    with made:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert set(refused) == {"budget_exceeded"}
    assert 1000 - 8 * 25 < spent(within(made))[0] <= 1000


@pytest.fixture(params=list(HOSTS))
def ask(request, fault_server):
    """Asks a server that fails, through a budget; what was taken from it."""

    def asked(model: str, stream: bool, server: str | None = None) -> int:
        config = {
            "backends": {"b": {"provider": "openai", "base_url": server or fault_server.url}},
            "middleware": [{"use": "budget", "tokens": 100_000}],
        }
        with contextlib.closing(HOSTS[request.param](config, {})) as host:
            error = host.ask(**_question(model), stream=stream).error
        assert error is None or isinstance(error, APIError)
        return spent(within(host.client))[0]

    return asked


def _question(model: str) -> dict[str, object]:
    return {"model": f"b/{model}", "messages": [{"role": "user", "content": "x" * 396}], "max_tokens": 500}


@pytest.mark.parametrize(
    ("model", "stream", "least", "most"),
    [
        ("ok", False, 8, 8),
        ("ok", True, 8, 8),
        ("status?code=500", False, 0, 0),
        ("status?code=429", True, 0, 0),
        ("reset?at=0", False, 600, 600),
        ("reset?at=0", True, 600, 600),
        ("break?events=3", True, 101, 250),
        ("variant?name=no-usage", True, 101, 250),
    ],
)
def test_what_real_attempts_count(ask, model, stream, least, most):
    """Over a socket: told, refused, lost before and after the answer began, and not told."""
    assert least <= ask(model, stream) <= most


def test_what_never_arrived_counts_nothing(ask):
    """Nobody listens there: provably nothing was sent."""
    assert ask("ok", False, "http://127.0.0.1:9/v1") == 0


def test_settings_that_count_nothing_are_refused():
    """A budget of nothing, or money without prices."""
    with pytest.raises(ValueError, match=r"^tokens: expected a whole number, since money is not limited either"):
        Budget()
    with pytest.raises(ValueError, match=r"^prices: expected the price of each model, since money is limited"):
        Budget(money=1.0)
    with pytest.raises(ValueError, match=r"^input: expected the price of a million tokens from 0"):
        Price(-1.0, 1.0)
    for money in (0, -1, float("nan"), float("inf"), True, 10**9):
        with pytest.raises(ValueError, match=r"^money: expected an amount above 0"):
            Budget(money=money, prices=PRICES)
