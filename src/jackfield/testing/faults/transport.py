"""Faults of the transport: connections that end, stall, drip, or come in pieces."""

from __future__ import annotations

from jackfield.errors import APIConnectionError, APITimeoutError, DeadlineExceededError, StreamInterruptedError
from jackfield.testing.faults.catalogue import Exchange, fault

LOST = (APIConnectionError,)
CUT = (APIConnectionError, StreamInterruptedError)
LATE = (APITimeoutError, DeadlineExceededError)
STALLED = (APITimeoutError, DeadlineExceededError, StreamInterruptedError)


@fault("ok", "answers well")
async def ok(x: Exchange) -> None:
    """Answer well, in one piece where it is one."""
    await x.send(x.good().whole)


@fault("slow", "answers well, a pause before each part", gap="0.05")
async def slow(x: Exchange) -> None:
    """Answer well, but take time."""
    for part in x.good().parts:
        await x.send(x.number("gap"), part)


@fault("bytes", "answers well, each byte in a segment of its own")
async def bytewise(x: Exchange) -> None:
    """Answer well, as the slowest of networks would."""
    for byte in x.good().whole:
        await x.send(bytes([byte]), 0.0)


@fault("split", "answers well, cut into segments at random")
async def split(x: Exchange) -> None:
    """Answer well, cut anywhere: in the middle of lines, of characters, of chunks' sizes."""
    whole = x.good().whole
    while whole:
        size = x.random.randint(1, 40)
        await x.send(whole[:size], 0.0)
        whole = whole[size:]


@fault("stale", "answers well, and closes the connection without having said so")
async def stale(x: Exchange) -> None:
    """Answer well; the connection that the client keeps is dead."""
    await x.send(x.good().whole)
    await x.part()


@fault("reset", "resets the connection after `at` bytes of the answer (else drawn)", whole=LOST, stream=CUT, at="")
async def reset(x: Exchange) -> None:
    """RST, at any byte."""
    whole = x.good().whole
    await x.send(whole[: x.at(_needed(x))], 0.005)  # RST would overtake what was just written
    x.connection.reset()


@fault("eof", "closes the connection after `at` bytes of the answer (else drawn)", whole=LOST, stream=CUT, at="")
async def eof(x: Exchange) -> None:
    """FIN, at any byte: no error of the transport tells of it."""
    await x.send(x.good().whole[: x.at(_needed(x))])
    await x.part()


@fault(
    "stall",
    "says nothing more after `at` bytes of the answer (else drawn)",
    whole=LATE,
    stream=STALLED,
    slow=True,
    at="",
)
async def stall(x: Exchange) -> None:
    """Silence, at any byte."""
    await x.send(x.good().whole[: x.at(_needed(x))])
    await x.silence()


@fault(
    "drip", "sends a byte of the answer every `gap` seconds", whole=LATE, stream=STALLED, slow=True, gap="0.05", at="0"
)
async def drip(x: Exchange) -> None:
    """Bytes that keep each single wait short, from byte ``at`` on."""
    whole = x.good().whole
    at = min(int(x.text("at")), _needed(x) - 20)  # a short answer drips too
    await x.send(whole[:at])
    for byte in whole[at:]:
        await x.send(x.number("gap"), bytes([byte]))


def _needed(x: Exchange) -> int:
    """How many bytes of the answer are needed for it to be whole: fewer are a fault."""
    good = x.good()
    if not x.ask.stream:
        return len(good.whole)
    parts = good.parts
    return sum(map(len, parts[: x.dialect.needed(x.events)])) + 1  # with the head, all but the event that ends it
