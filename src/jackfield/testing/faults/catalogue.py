"""Catalogue: what a service can do wrong, or unusually, and what a client has to make of it; faults by name."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, quote

import attrs

from jackfield.testing.faults.answer import RawAnswer, event
from jackfield.testing.faults.connection import Connection
from jackfield.testing.faults.dialect import Ask, Dialect
from jackfield.testing.faults.ledger import Received

Expected: TypeAlias = tuple[type[BaseException], ...]
"""The exceptions of which one must come; none where the answer is good."""
GOOD: Expected = ()
Act: TypeAlias = "Callable[[Exchange], Awaitable[None]]"
STREAM_TYPE = "text/event-stream; charset=utf-8"


@attrs.define(eq=False)
class Exchange:
    """One request, and all that a fault needs to answer it.

    Attributes:
        connection: to answer it on.
        received: the request, in the ledger.
        ask: what it asks for.
        dialect: the wire format.
        arguments: of the fault.
        random: repeatable by the server's seed, the model name and how often that was asked for.
        urls: where the server's doors are, by name.
    """

    connection: Connection
    received: Received
    ask: Ask
    dialect: Dialect
    arguments: Mapping[str, str]
    random: random.Random
    urls: Callable[[str], str]
    began: float = attrs.field(factory=lambda: asyncio.get_running_loop().time())

    def text(self, name: str) -> str:
        """An argument."""
        return self.arguments[name]

    def number(self, name: str) -> float:
        """An argument that is a number."""
        return float(self.arguments[name])

    def at(self, length: int) -> int:
        """The argument ``at``, or a place before ``length`` drawn by the seed where it was not given."""
        return int(self.arguments["at"]) if self.arguments.get("at") else self.random.randrange(length)

    @property
    def content_type(self) -> str:
        """The content type of what was asked for: a whole answer, or a stream."""
        return STREAM_TYPE if self.ask.stream else "application/json"

    @property
    def events(self) -> list[bytes]:
        """The data of the events of a good stream."""
        return self.dialect.events(self.ask)

    def framed(self, events: list[bytes], end: bytes = b"\n") -> list[bytes]:
        """Events as they are sent."""
        return [event(data, self.dialect.named(data), end=end) for data in events]

    def good(self) -> RawAnswer:
        """A good answer, whole or as a stream, as it was asked for."""
        if self.ask.stream:
            return self.stream(self.framed(self.events))
        return RawAnswer([self.dialect.whole(self.ask)], headers={"content-type": "application/json", **self.ids})

    def stream(self, blocks: list[bytes], framing: str = "chunked") -> RawAnswer:
        """A stream of these blocks."""
        return RawAnswer(blocks, headers={"content-type": STREAM_TYPE, **self.ids}, framing=framing)

    @property
    def ids(self) -> dict[str, str]:
        """The header with the request's id."""
        return {"x-request-id": f"req-{self.received.connection}"}

    async def send(self, *blocks: bytes | float) -> None:
        """Send bytes and make pauses."""
        await self.connection.send(*blocks)

    async def refuse(self, answer: RawAnswer) -> None:
        """Send a failure: the work was not done."""
        self.received.executed = False
        await self.send(answer.whole)

    async def silence(self) -> None:
        """Say nothing until the client has left."""
        await self.connection.left(self.received, self.began)

    async def part(self) -> None:
        """Close the connection politely."""
        await self.connection.close()


@attrs.frozen
class Fault:
    """A fault that can be asked for.

    Attributes:
        name: how it is asked for, as the model name: ``name``, or ``name?argument=value&…``.
        summary: what the server does.
        act: does it.
        defaults: its arguments, and their values where they are not given.
        whole, stream: what a client has to make of it, without and with ``stream``.
        only_streams: it is a fault of streams; without one the server answers well.
        slow: it ends only where a client's own limits end it.
    """

    name: str
    summary: str
    act: Act = attrs.field(repr=False)
    defaults: Mapping[str, str]
    whole: Expected
    stream: Expected
    only_streams: bool = False
    slow: bool = False


FAULTS: dict[str, Fault] = {}
"""All faults, by name."""


def fault(
    name: str,
    summary: str,
    /,
    *,
    whole: Expected = GOOD,
    stream: Expected = GOOD,
    only_streams: bool = False,
    slow: bool = False,
    **defaults: str,
) -> Callable[[Act], Act]:
    """Have the decorated function be the fault ``name``; in the names of arguments ``_`` stands for ``-``.

    Args:
        name: how it is asked for.
        summary: what the server does.
        whole: what a client has to make of it, without ``stream``.
        stream: the same with ``stream``.
        only_streams: it is a fault of streams.
        slow: it ends only where a client's own limits end it.
        defaults: its arguments, and their values where they are not given.

    Raises:
        ValueError: there is a fault of that name.
    """
    if name in FAULTS:
        raise ValueError(f"there is a fault named {name!r} already")

    def register(act: Act) -> Act:
        named = {key.replace("_", "-"): value for key, value in defaults.items()}
        FAULTS[name] = Fault(name, summary, act, named, whole, stream, only_streams, slow)
        return act

    return register


def parse(model: str) -> tuple[Fault, dict[str, str]]:
    """The fault that a model name asks for, and its arguments.

    Raises:
        ValueError: there is no such fault, it has no such argument, or ``first`` is no number.
    """
    name, _, query = model.partition("?")
    found = FAULTS.get(name)
    if found is None:
        raise ValueError(f"no fault is named {name!r}; there are {', '.join(FAULTS)}")
    given = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(set(given) - set(found.defaults) - {"first"})
    if unknown:
        raise ValueError(f"{name} has no argument {unknown[0]!r}; it has {', '.join(found.defaults) or 'none'}")
    if not given.get("first", "0").isdecimal():
        raise ValueError(f"first: expected a whole number, got {given['first']!r}")
    return found, {**found.defaults, **given}


def name_of(fault: str, /, **arguments: Any) -> str:
    """The model name that asks for a fault; in the names of arguments ``_`` stands for ``-``."""
    pairs = [f"{key.replace('_', '-')}={quote(str(value), safe='')}" for key, value in arguments.items()]
    return f"{fault}?{'&'.join(pairs)}" if pairs else fault
