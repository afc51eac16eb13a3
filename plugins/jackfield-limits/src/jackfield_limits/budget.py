"""Budget: so many tokens, and so much money, in a period."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

import attrs

from jackfield.call import Attempt, Call
from jackfield.errors import APIError, RateLimitError
from jackfield.flow import Flow
from jackfield.hookspecs import hookimpl
from jackfield.http import HttpRequest, HttpResponse
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.secret import Secret
from jackfield_limits import settings
from jackfield_limits.estimate import Estimate, estimate
from jackfield_limits.key import key
from jackfield_limits.operations import Balance, Correct, Limits, Spend
from jackfield_limits.period import period
from jackfield_limits.price import Price, candidates, exact, shown
from jackfield_limits.refusal import LOWER, refusal
from jackfield_limits.store import Store, passed
from jackfield_limits.usage import Usage, usages


@attrs.frozen(eq=False)
class _Taken:
    """What was taken from an account for a call.

    Attributes:
        spend: how.
        guess: what the request was expected to take.
        model: name, as the layer sees it.
        before: attempts that the call had made before.
    """

    spend: Spend
    guess: Estimate
    model: str
    before: int


@attrs.define(eq=False)
class Budget:
    """Let calls use so many tokens, and cost so much, in a period; then refuse them before anything is sent.

    What a request may take is taken from the budget before it is sent, and set right by what its attempts took, also
    those that failed, and streams that broke. So calls that go on at once do not overdraw it together.

    Attributes:
        tokens: the most in a period, of prompts and answers.
        money: the most in a period, in the currency of the prices.
        period: ``hour``, ``day`` or ``month`` of UTC, or ``total``.
        prices: by ``backend/model``: ``input`` and ``output``, and where they differ from ``input``,
            ``cached_input`` and ``cache_write``; of a million tokens.
        per: ``backend``, ``model`` and ``label:NAME``: each backend, model, value of a label has a budget of its own.
        expected_output: tokens of an answer to a request that sets no limit.
        name: of the budget, in errors and in Redis, where budgets of one name count together.
        redis: a reference to the URL of a Redis server that processes share; without it, this client counts alone.
        on_store_failure: where Redis fails: ``closed`` fails the calls, ``open`` lets them pass uncounted.
        store_timeout: seconds that each step with Redis may take.
    """

    tokens: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(settings.whole(settings.MOST_TOKENS))
    )
    money: float | None = attrs.field(default=None, validator=attrs.validators.optional(settings.money))
    period: Literal["hour", "day", "month", "total"] = attrs.field(
        default="month", validator=settings.choice("hour", "day", "month", "total")
    )
    prices: dict[str, Price] = attrs.field(factory=dict)
    per: tuple[str, ...] = attrs.field(default=(), validator=settings.per)
    expected_output: int = attrs.field(default=1000, validator=settings.whole(1_000_000_000))
    name: str | None = attrs.field(default=None, validator=attrs.validators.optional(settings.name))
    redis: Secret | None = attrs.field(default=None, validator=settings.redis)
    on_store_failure: Literal["closed", "open"] = attrs.field(
        default="closed", validator=settings.choice("closed", "open")
    )
    store_timeout: float = attrs.field(default=0.5, validator=settings.number(0.01, 10, "seconds"))
    _limits: Limits = attrs.field(init=False, repr=False)
    _store: Store = attrs.field(init=False, repr=False)
    _now: Callable[[], float] = attrs.field(init=False, repr=False, default=time.time)

    def __attrs_post_init__(self) -> None:
        settings.named(self.redis, self.name)
        if self.tokens is None and self.money is None:
            raise ValueError("tokens: expected a whole number, since money is not limited either")
        if self.money is not None and not self.prices:
            raise ValueError("prices: expected the price of each model, since money is limited")
        self._limits = Limits(self.tokens, None if self.money is None else exact(self.money))
        self._store = Store(self.redis, self.on_store_failure, self.store_timeout)

    @property
    def model_names(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """The names that have a price, by their places in its settings; none where no price is needed."""
        if self.money is not None:
            yield from ((("prices", name), name) for name in self.prices)

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Pass the request inward where the budget allows it.

        Raises:
            RateLimitError: it does not; its code is ``budget_exceeded``.
            APIError: Redis failed; its code is ``limit_store``.
        """
        taken = yield from self._take(request, call)
        if taken is None:
            return (yield from passed(request))
        return (yield from self._store.settling(passed(request), partial(self._corrected, taken, call), call))

    @hookimpl
    def wrap_http(self, http_request: HttpRequest, call: Call) -> Flow[HttpResponse]:
        """Pass the exchange on, if it is known what it costs.

        Raises:
            APIError: the model of the attempt has no price; its code is ``no_price``. Another model may have one.
        """
        attempt = call.attempt
        if self.money is not None and attempt is not None and attempt.model and self._price(attempt) is None:
            name = _name(attempt)
            text = f'the budget has no price of {name}: add "{name}" = {{ input = …, output = … }} to its prices'
            raise APIError(text, code="no_price", stage="not_sent", should_retry=False)
        response: HttpResponse = yield http_request
        return response

    @hookimpl
    def close(self) -> None:
        """Close the connections to Redis."""
        self._store.close()

    def _take(self, request: CreateChatCompletionRequest, call: Call) -> Flow[_Taken | None]:
        """Take what the request may use; None where the store failed and calls shall pass all the same."""
        now = self._now()
        current = period(self.period, now)
        guess = estimate(request, self.expected_output)
        money = 0
        if self.money is not None:
            money = max(one.at_most(guess) for one in candidates(self.prices, request.model))
        if not self._limits.allow(guess.total, money):
            raise self._too_small(guess.total, money)
        own = f"{key('budget', self.name or '', self.per, request.model, call)}:{current.name}"
        spend = Spend(own, self._limits, guess.total, money, current.ends)
        balance: Balance | None = yield from self._store.ask(spend, call)
        if balance is None:
            return None
        if not balance.granted:
            raise self._refusal(spend, balance, None if current.ends is None else current.ends - now)
        return _Taken(spend, guess, request.model, len(call.attempts))

    def _corrected(self, taken: _Taken, call: Call, response: CreateChatCompletionResponse | None) -> Correct:
        """What was used, less what was taken."""
        used = list(usages(call.attempts[taken.before :], taken.guess, response))
        tokens = sum(usage.total for _, usage in used)
        money = sum(self._cost(attempt, usage, taken.model) for attempt, usage in used)
        return Correct(taken.spend.key, tokens - taken.spend.tokens, money - taken.spend.money)

    def _cost(self, attempt: Attempt, usage: Usage, model: str) -> int:
        """What an attempt cost; by the dearest price that it may have where it was made without HTTP and has none."""
        if self.money is None:
            return 0
        own = self._price(attempt)
        return max(one.of(usage) for one in ([own] if own is not None else candidates(self.prices, model)))

    def _price(self, attempt: Attempt) -> Price | None:
        return self.prices.get(_name(attempt))

    def _refusal(self, spend: Spend, balance: Balance, retry_after: float | None) -> RateLimitError:
        states = []
        if self.tokens is not None:
            states.append(f"{balance.tokens} of {self.tokens} tokens are taken, this call may use {spend.tokens}")
        if self._limits.money is not None:
            limit = shown(self._limits.money)
            states.append(f"{shown(balance.money)} of {limit} is taken, this call may cost {shown(spend.money)}")
        when = "" if self.period == "total" else f" this {self.period}"
        text = f"used up{when}: {'; '.join(states)}"
        return refusal("budget", self.name, text, "budget_exceeded", retry_after)

    def _too_small(self, tokens: int, money: int) -> RateLimitError:
        """The refusal of a call that would not fit if nothing were taken; there is nothing to wait for."""
        states = []
        if self.tokens is not None:
            states.append(f"may use {tokens} of {self.tokens} tokens")
        if self._limits.money is not None:
            states.append(f"may cost {shown(money)} of {shown(self._limits.money)}")
        text = f"too small for this call, which {' and '.join(states)}: {LOWER}, or a larger budget"
        return refusal("budget", self.name, text, "budget_exceeded")


def _name(attempt: Attempt) -> str:
    return f"{attempt.backend.name}/{attempt.model}"
