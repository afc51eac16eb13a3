"""Source: a fuzzer's bytes as the decisions of a generator, and what every target needs besides."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
SHORT = 128
"""Bytes that are given one by one; with more than these a fuzzer would be at it for too long."""
TOO_DEEP = "nested too deeply"
"""What is said of JSON that msgspec reads in C, and Python, which has less of a stack, can no longer write."""
Allowed = tuple[type[Exception], ...]


class Source:
    """Bytes that decide what is made; once they are used up every decision is the first one, so that all ends.

    Args:
        data: the fuzzer's input.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def byte(self) -> int:
        """The next byte, 0 at the end."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def pick(self, options: Sequence[T]) -> T:
        """One of at most 256 options."""
        return options[self.byte() % len(options)]

    def word(self, options: Sequence[str], most: int) -> str:
        """One of the options, or another text of at most ``most`` bytes, each of which is a character."""
        return self.pick((*options, None)) or self.take(self.count(most)).decode("latin-1")

    def count(self, most: int) -> int:
        """A number from 0 to ``most``."""
        return self.byte() % (most + 1)

    def chance(self) -> bool:
        """True in one of 16 cases."""
        return self.byte() >= 240

    def take(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        self._at += size
        return self._data[self._at - size : self._at]

    def text(self, size: int) -> str:
        """Text of at most ``size`` bytes; halves of surrogate pairs may be in it."""
        return self.take(size).decode("utf-8", "surrogateescape" if size % 2 else "replace")

    @property
    def ended(self) -> bool:
        """Whether all bytes were used."""
        return self._at >= len(self._data)

    def rest(self) -> bytes:
        """All bytes that are left."""
        return self.take(max(len(self._data) - self._at, 0))


def ways(data: bytes, seed: int) -> list[list[bytes]]:
    """Ways of cutting data: whole, in steps, which are bytes of what is short, at one place, and at random places."""
    chance = random.Random(seed)
    step = 1 if len(data) <= SHORT else 64 + seed
    places = sorted(chance.choices(range(len(data) + 1), k=1 + seed % 8))
    middle = seed % (len(data) + 1)
    return [
        [data],
        [data[at : at + step] for at in range(0, len(data), step)],
        [data[:middle], data[middle:]],
        [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)],
    ]


def tried(allowed: Allowed, function: Callable[..., T], *args: Any, **named: Any) -> tuple[T | None, Exception | None]:
    """What a function returns, or the error of an allowed kind that it raises.

    Raises:
        AssertionError: another exception came out of it.
    """
    try:
        return function(*args, **named), None
    except allowed as error:
        return None, error
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} came out of {getattr(function, '__name__', function)}") from error
