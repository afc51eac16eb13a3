"""Operations: what a store is asked to do, as values. Each is done whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from jackfield_limits.window import Rate

if TYPE_CHECKING:
    from jackfield_limits.window import Booking


class StoreFailure(Exception):  # noqa: N818 - reads as what it says; it never leaves the package
    """Redis did not do what it was asked; the text names the kind of failure and nothing that Redis said."""


@attrs.frozen
class Book:
    """Book a request in the window of ``key``: gives a ``Booking``.

    Attributes:
        key: whose window.
        rate: what is allowed there.
        tokens: of the request, at most what the rate allows.
        most: seconds; where the wait would be longer, nothing is booked.
    """

    key: str
    rate: Rate
    tokens: int
    most: float

    def undo(self, booking: Booking | None) -> Settle | None:
        """What gives up what it has booked."""
        return _given_up(self, booking)


@attrs.frozen
class Move:
    """Begin what was booked for a slot now, if there is room now: gives the ``Booking`` that holds from here on."""

    key: str
    rate: Rate
    slot: int
    tokens: int

    def undo(self, booking: Booking | None) -> Settle | None:
        """What gives up the booking that it has moved, or left where it was."""
        return _given_up(self, booking)


def _given_up(asked: Book | Move, booking: Booking | None) -> Settle | None:
    if booking is None or booking.slot is None:
        return None
    return Settle(asked.key, asked.rate, booking.slot, -1, -asked.tokens)


@attrs.frozen
class Settle:
    """Add the difference between what was used and what was booked."""

    key: str
    rate: Rate
    slot: int
    requests: int
    tokens: int

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice errs on the safe side."""
        return self.requests >= 0 and self.tokens >= 0

    @property
    def idle(self) -> bool:
        """Whether it changes nothing."""
        return not (self.requests or self.tokens)


@attrs.frozen
class Limits:
    """What may be spent: of each kind, or None for no limit.

    Attributes:
        tokens: whole tokens.
        money: billionths.
    """

    tokens: int | None = None
    money: int | None = None

    def allow(self, tokens: int, money: int) -> bool:
        """Whether so much is within both."""
        few = self.tokens is None or tokens <= self.tokens
        return few and (self.money is None or money <= self.money)


@attrs.frozen
class Spend:
    """Take from the account of ``key`` what a call may use, if that much is left: gives a ``Balance``.

    Attributes:
        key: whose account; a new one for each period.
        limits: what may be spent on it.
        tokens, money: what the call may use.
        ends: seconds since 1970 when the account counts no more; None for never.
    """

    key: str
    limits: Limits
    tokens: int
    money: int
    ends: float | None = None

    def undo(self, balance: Balance | None) -> Correct | None:
        """What gives back what it has taken."""
        granted = balance is not None and balance.granted
        return Correct(self.key, -self.tokens, -self.money) if granted else None


@attrs.frozen
class Balance:
    """An account before a call.

    Attributes:
        granted: whether what was asked for was taken from it.
        tokens, money: what had been taken before.
    """

    granted: bool
    tokens: int
    money: int


@attrs.frozen
class Correct:
    """Add the difference between what was used and what was taken."""

    key: str
    tokens: int
    money: int

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice errs on the safe side."""
        return self.tokens >= 0 and self.money >= 0

    @property
    def idle(self) -> bool:
        """Whether it changes nothing."""
        return not (self.tokens or self.money)


@attrs.frozen
class Enter:
    """Take one of ``size`` places at ``key``, or a place in the line before them: gives whether it was a place.

    Attributes:
        key: where.
        id: of whoever asks.
        size: how many places there are.
        lease: seconds after which the place is free again, whoever has it.
        waits: whether to stand in line.
    """

    key: str
    id: str
    size: int
    lease: float
    waits: bool

    def undo(self, _: bool | None) -> Leave:
        """What gives the place up; also where it is not known whether there is one."""
        return Leave(self.key, self.id)


@attrs.frozen
class Leave:
    """Give up a place, or a place in the line."""

    key: str
    id: str
    repeatable: bool = True
    idle: bool = False


Question = Book | Move | Spend | Enter
"""What is waited for."""
Notice = Settle | Correct | Leave
"""What may be done later as well: it gives nothing."""
