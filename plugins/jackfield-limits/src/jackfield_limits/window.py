"""Window: how much may begin in any span of time, counted in slots. The script for Redis does the same in Lua."""

from __future__ import annotations

import math
from collections.abc import Iterator

import attrs

SLOTS = 60
"""Parts of a window. What began in a slot counts until the last moment of that slot is a window ago."""


@attrs.frozen
class Rate:
    """What may begin in any window.

    Attributes:
        window: seconds.
        requests, tokens: the most of each; None for no limit.
    """

    window: float
    requests: int | None = None
    tokens: int | None = None

    @property
    def grain(self) -> float:
        """Seconds of a slot."""
        return self.window / SLOTS

    def slot(self, now: float) -> int:
        """The slot that a moment is in."""
        return math.floor(now / self.grain)

    def wait(self, slot: int, now: float) -> float:
        """Seconds until a slot begins; 0 where it has."""
        return max(0.0, slot * self.grain - now)

    def allows(self, requests: int, tokens: int) -> bool:
        """Whether so much may begin in one window."""
        few = self.requests is None or requests <= self.requests
        return few and (self.tokens is None or tokens <= self.tokens)


@attrs.frozen
class Booking:
    """A place in a window.

    Attributes:
        slot: in which the call may begin; None where the wait would be too long, and nothing was booked.
        wait: seconds until then.
    """

    slot: int | None
    wait: float


class Window:
    """The calls that have begun in the last window, and those that were given a time to begin.

    Whatever span of a window's length one looks at, no more begins in it than the rate allows, but for what calls
    turned out to use beyond what was booked for them. A time that was given holds; it may only become an earlier one.
    Not safe for threads.
    """

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots: dict[int, tuple[int, int]] = {}

    def book(self, rate: Rate, tokens: int, most: float, now: float) -> Booking:
        """Book one request of so many tokens at the earliest time after those that were booked before.

        Args:
            rate: what is allowed.
            tokens: at most what the rate allows.
            most: seconds; where the wait would be longer, nothing is booked.
            now: seconds.
        """
        self.forget(rate, now)
        slot = self._earliest(rate, tokens, max([rate.slot(now), *self._slots]))
        wait = rate.wait(slot, now)
        if wait > most:
            return Booking(None, wait)
        self._add(slot, 1, tokens)
        return Booking(slot, wait)

    def move(self, rate: Rate, slot: int, tokens: int, now: float) -> Booking:
        """Begin what was booked for ``slot`` now, where enough was given back meanwhile that nobody has to wait longer.

        Args:
            rate: what is allowed.
            slot: where it was booked.
            tokens: that were booked.
            now: seconds.
        """
        here = rate.slot(now)
        if slot > here and slot in self._slots:
            self._add(slot, -1, -tokens)
            if all(rate.allows(1 + requests, tokens + used) for requests, used in self._sums(here)):
                slot = here
            self._add(slot, 1, tokens)
        return Booking(slot, rate.wait(slot, now))

    def settle(self, slot: int, requests: int, tokens: int) -> None:
        """Add to what was booked for a slot, or take from it; nothing where that slot counts no more."""
        if slot in self._slots:
            self._add(slot, requests, tokens)

    def forget(self, rate: Rate, now: float) -> bool:
        """Drop the slots that count no more; whether nothing is left."""
        oldest = rate.slot(now) - SLOTS
        for slot in [slot for slot in self._slots if slot < oldest]:
            del self._slots[slot]
        return not self._slots

    def _add(self, slot: int, requests: int, tokens: int) -> None:
        had = self._slots.get(slot, (0, 0))
        now = (max(0, had[0] + requests), max(0, had[1] + tokens))
        if any(now):
            self._slots[slot] = now
        else:
            self._slots.pop(slot, None)

    def _earliest(self, rate: Rate, tokens: int, first: int) -> int:
        """The first slot from ``first`` on with room; nothing is booked after ``first`` yet."""
        counted = sorted(slot for slot in self._slots if slot >= first - SLOTS)
        requests = sum(self._slots[slot][0] for slot in counted)
        used = sum(self._slots[slot][1] for slot in counted)
        for slot in counted:
            if rate.allows(1 + requests, tokens + used):
                break
            requests, used = requests - self._slots[slot][0], used - self._slots[slot][1]
            first = slot + SLOTS + 1
        return first

    def _sums(self, here: int) -> Iterator[tuple[int, int]]:
        """What begins in each window that has ``here`` in it, by the slots at which such windows end."""
        for end in [here, *(slot for slot in self._slots if here < slot <= here + SLOTS)]:
            counted = [amounts for slot, amounts in self._slots.items() if end - SLOTS <= slot <= end]
            yield sum(requests for requests, _ in counted), sum(tokens for _, tokens in counted)
