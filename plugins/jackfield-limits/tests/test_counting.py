"""Estimates, usage, prices and periods, as values."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.call import Attempt
from jackfield.http import Backend, Timeouts, Transport
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CompletionUsage
from jackfield.wire import from_dict
from jackfield_limits.estimate import Estimate, estimate
from jackfield_limits.period import period
from jackfield_limits.price import Price, candidates, exact, shown
from jackfield_limits.usage import Usage, usages

ROLE = 1
"""Tokens of the word ``user``."""


def request(content: object = "", **fields: object) -> CreateChatCompletionRequest:
    data = {"model": "m", "messages": [{"role": "user", "content": content}], **fields}
    return from_dict(data, CreateChatCompletionRequest)


@pytest.mark.parametrize(
    ("asked", "prompt", "completion"),
    [
        (request("x" * 400), 100 + ROLE, 700),
        (request("x" * 401), 101 + ROLE, 700),
        (request("ж" * 400), 200 + ROLE, 700),
        (request("\ud800" * 4), 1 + ROLE, 700),
        (request("", max_tokens=5), ROLE, 5),
        (request("", max_tokens=5, max_completion_tokens=9), ROLE, 9),
        (request("", max_tokens=None, max_completion_tokens=None), ROLE, 700),
        (request("", max_tokens=5, n=3), ROLE, 15),
        (
            request([{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9999}}]),
            1003 + ROLE,
            700,
        ),
        (request([{"type": "input_audio", "input_audio": {"data": "A" * 9999, "format": "wav"}}]), 1004 + ROLE, 700),
        (
            request(tools=[{"type": "function", "function": {"name": "f" * 40, "description": "d" * 400}}]),
            112 + ROLE,
            700,
        ),
    ],
)
def test_an_estimate_goes_by_the_size(asked, prompt, completion):
    """A token for every four bytes of text, 1000 for a medium; the limit of the answer, or what is expected."""
    guess = estimate(asked, 700)

    assert guess.completion == completion
    assert abs(guess.prompt - prompt) <= 12  # names of types and fields


def test_a_tool_counts_with_its_schema():
    """What a tool may be given is read by the model, too."""
    schema = {"type": "object", "properties": {"x" * 400: {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}

    assert estimate(request(tools=[tool]), 1).prompt > 100


def attempt(usage: dict[str, object] | None = None, **fields: object) -> Attempt:
    told = None if usage is None else from_dict(usage, CompletionUsage)
    backend = Backend("openai", "openai", None, Timeouts(), Transport())
    return Attempt(1, backend, "gpt", usage=told, **{"outcome": "success", **fields})  # type: ignore[arg-type]


GUESS = Estimate(10, 90)


@pytest.mark.parametrize(
    ("tried", "taken"),
    [
        (attempt({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}), Usage(3, 0, 0, 4)),
        (attempt({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 17}), Usage(3, 0, 0, 14)),
        (attempt({"prompt_tokens": 3, "completion_tokens": 4}), Usage(3, 0, 0, 4)),
        (attempt({"prompt_tokens": 3, "completion_tokens": -4}), Usage(3, 0, 0, 0)),
        (attempt({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}), Usage(5, 4, 0, 0)),
        (
            attempt({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3}}),
            Usage(2, 4, 3, 0),
        ),
        (attempt({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 40}}), Usage(0, 9, 0, 0)),
        (attempt({}), Usage(10, 0, 0, 90)),
        (attempt(None), Usage(10, 0, 0, 90)),
        (attempt(None, outcome="error", maybe_billed=True), Usage(10, 0, 0, 90)),
        (attempt(None, outcome="cancelled", maybe_billed=True), Usage(10, 0, 0, 90)),
        (attempt({"prompt_tokens": 3}, outcome="error", maybe_billed=False), Usage(3, 0, 0, 0)),
    ],
)
def test_what_an_attempt_took(tried, taken):
    """What the backend told, else the estimate."""
    assert [usage for _, usage in usages([tried], GUESS, None)] == [taken]


def test_what_was_not_carried_out_took_nothing():
    """An attempt that was refused, or never sent, is left out."""
    assert list(usages([attempt(None, outcome="error")], GUESS, None)) == []


PRICE = Price(input=1.25, output=10.0, cached_input=0.125)


def test_a_price_is_that_of_the_list():
    """A million tokens cost what the list says, to the billionth."""
    million = 1_000_000

    assert PRICE.of(Usage(million, 0, 0, 0)) == exact(1.25)
    assert PRICE.of(Usage(0, million, 0, 0)) == exact(0.125)
    assert PRICE.of(Usage(0, 0, million, 0)) == exact(1.25)
    assert PRICE.of(Usage(0, 0, 0, million)) == exact(10.0)
    assert Price(1.0, 2.0, cache_write=1.5).of(Usage(0, million, million, 0)) == exact(2.5)


def test_an_attempt_is_rounded_up():
    """A token of the cheapest model is not for nothing."""
    assert Price(0.0001, 0.0).of(Usage(1, 0, 0, 0)) == 1


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=50))
def test_sums_do_not_drift(counts):
    """The sum of many costs is the cost of the sum, where a token costs whole billionths."""
    price = Price(0.001, 0.3)
    parts = sum(price.of(Usage(prompt, 0, 0, completion)) for prompt, completion in counts)
    whole = sum(prompt for prompt, _ in counts) * Fraction("0.001") + sum(out for _, out in counts) * Fraction("0.3")

    assert parts == whole * 1000


def test_the_most_that_a_request_may_cost():
    """Nothing of the prompt is cached, and all of it is written to a cache where that costs more."""
    assert PRICE.at_most(Estimate(1000, 100)) == PRICE.of(Usage(1000, 0, 0, 100))
    assert Price(1.0, 2.0, cache_write=1.5).at_most(Estimate(1000, 0)) == Price(1.5, 2.0).of(Usage(1000, 0, 0, 0))


@pytest.mark.parametrize(("money", "text"), [(exact(1.5), "1.5"), (exact(20.0), "20"), (1, "0.000000001"), (0, "0")])
def test_money_is_shown_in_its_unit(money, text):
    """Without a float, and without needless digits."""
    assert shown(money) == text


def test_the_prices_that_a_name_may_stand_for():
    """Its own; else those of that model with any backend; else all."""
    prices = {"a/m": Price(1, 1), "b/m": Price(2, 2), "c/n": Price(3, 3), "fast": Price(4, 4)}

    assert candidates(prices, "a/m") == [prices["a/m"]]
    assert candidates(prices, "fast") == [prices["fast"]]
    assert candidates(prices, "m") == [prices["a/m"], prices["b/m"]]
    assert candidates(prices, "alias") == list(prices.values())


def at(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("kind", "name", "ends"),
    [
        ("hour", "2027-12-31T23", at(2028, 1, 1)),
        ("day", "2027-12-31", at(2028, 1, 1)),
        ("month", "2027-12", at(2028, 1, 1)),
        ("total", "total", None),
    ],
)
def test_periods_are_those_of_the_calendar(kind, name, ends):
    """Hours, days and months of UTC; a period ends when the next begins."""
    now = at(2027, 12, 31, 23, 59, 59)

    assert (period(kind, now).name, period(kind, now).ends) == (name, ends)
    if ends is not None:
        assert period(kind, ends).name != name
        assert period(kind, ends - 0.001).name == name


@pytest.mark.parametrize(("month", "days"), [(1, 31), (2, 29), (4, 30)])
def test_months_have_their_lengths(month, days):
    """Also in a leap year."""
    begin = at(2028, month, 1)

    assert period("month", begin).ends == begin + days * 86400
