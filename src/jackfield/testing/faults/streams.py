"""Faults and freedoms of streams: server-sent events in every form that servers send (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from jackfield.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    DeadlineExceededError,
    InvalidResponseError,
    StreamInterruptedError,
)
from jackfield.testing.faults.answer import chunk, event
from jackfield.testing.faults.catalogue import Exchange
from jackfield.testing.faults.catalogue import fault as any_fault

fault = partial(any_fault, only_streams=True)
CUT = (StreamInterruptedError,)
INVALID = (InvalidResponseError,)
BROKEN = (StreamInterruptedError, APIConnectionError)
STALLED = (APITimeoutError, DeadlineExceededError, StreamInterruptedError)


@fault(
    "cut",
    "ends the stream well after `events` events, before its answer is whole",
    stream=CUT,
    events="2",
    framing="chunked",
)
async def cut(x: Exchange) -> None:
    """An end that no error tells of, whether the body is ``chunked`` or ends with the connection (``close``)."""
    await x.send(x.stream(_incomplete(x), x.text("framing")).whole)
    if x.text("framing") == "close":
        await x.part()


@fault(
    "break", "breaks off after `events` events, by `how`: reset, eof, or stall", stream=BROKEN, events="2", how="reset"
)
async def break_off(x: Exchange) -> None:
    """The same, but rudely."""
    await x.send(x.stream([]).head, *map(chunk, _incomplete(x)), 0.005)
    if x.text("how") == "reset":
        x.connection.reset()
    elif x.text("how") == "eof":
        await x.part()
    else:
        await x.silence()


@fault(
    "error",
    "tells of an error after `events` events of a stream, in the form `form`",
    stream=(APIError,),
    form="",
    events="2",
)
async def error(x: Exchange) -> None:
    """An error in every form that the dialect knows; the first of them where none is given."""
    forms = x.dialect.stream_errors()
    told = forms[x.text("form") or next(iter(forms))]
    framed = x.framed(x.events)[: int(x.text("events"))]
    answer = x.stream([*framed, *(event(data, name) for name, data in told)])
    await x.send(answer.whole)


@fault("variant", "sends a good stream in an unusual form, as `name` says", name="")
async def variant(x: Exchange) -> None:
    """What real servers send and clients stumble over; the dialect's first where none is named."""
    variants = x.dialect.variants(x.ask)
    events = list(variants[x.text("name") or next(iter(variants))])
    await x.send(x.stream(x.framed(events)).whole)


@fault("lines", "ends the lines of a good stream with `end`: lf, cr, crlf or mixed", end="crlf")
async def lines(x: Exchange) -> None:
    """Every kind of line end, each event by itself so that CR and LF come apart."""
    kinds = list(ENDS.values()) if x.text("end") == "mixed" else [ENDS[x.text("end")]]
    blocks = [event(data, x.dialect.named(data), end=kinds[n % len(kinds)]) for n, data in enumerate(x.events)]
    await x.send(x.stream(blocks).whole)


@fault("sse", "sends a good stream as its format allows, in the form `form`", form="bom")
async def sse(x: Exchange) -> None:
    """Whatever a decoder has to bear."""
    await x.send(x.stream(FORMS[x.text("form")](x.framed(x.events))).whole)


@fault("huge-line", "sends a line of `bytes` bytes in a stream", stream=INVALID, bytes="8388608")
async def huge_line(x: Exchange) -> None:
    """A line that would fill the memory: its end never comes."""
    framed = x.framed(x.events)
    await x.send(x.stream([]).head, chunk(framed[0]), chunk(b"data: "))
    for _ in range(int(x.text("bytes")) // 65536):
        await x.send(chunk(b"x" * 65536))
    await x.silence()


@fault(
    "damaged",
    "sends an event that is no chunk after `events` events, as `how` says",
    stream=INVALID,
    how="utf-8",
    events="2",
)
async def damaged(x: Exchange) -> None:
    """Data that no one can read."""
    framed = x.framed(x.events)
    bad = event(DAMAGES[x.text("how")])
    answer = x.stream([*framed[: int(x.text("events"))], bad, *framed[int(x.text("events")) :]])
    await x.send(answer.whole)


@fault(
    "pings",
    "answers, but sends only comments every `gap` seconds after the first event",
    stream=STALLED,
    slow=True,
    gap="0.05",
)
async def pings(x: Exchange) -> None:
    """What keeps each wait short, and never ends."""
    await x.send(x.stream([]).head, chunk(x.framed(x.events)[0]))
    while True:
        await x.send(x.number("gap"), chunk(b": ping\n\n"))


def _incomplete(x: Exchange) -> list[bytes]:
    """The first ``events`` events, or all but the last that is needed, where they are fewer."""
    return x.framed(x.events)[: min(int(x.text("events")), x.dialect.needed(x.events) - 1)]


ENDS = {"lf": b"\n", "cr": b"\r", "crlf": b"\r\n"}
FORMS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "bom": lambda framed: [b"\xef\xbb\xbf" + framed[0], *framed[1:]],
    "comments": lambda framed: [b": ping\n\n" + block for block in framed],
    "fields": lambda framed: [b"id: 7\nretry: 3000\nfoo: bar\n" + block for block in framed],
    "only-fields": lambda framed: [b"id: 7\n\nretry: 10\n\nevent: ping\n\n:\n\n" + block for block in framed],
    "no-space": lambda framed: [block.replace(b"data: ", b"data:") for block in framed],
    "multi-line": lambda framed: [block.replace(b', "', b',\ndata: "') for block in framed],
    "blank-data": lambda framed: [b"data:\n\ndata: \n\n" + block for block in framed],
    "blank-lines": lambda framed: [b"\n\n\n" + block for block in framed],
}
"""Forms of a good stream, by name."""
DAMAGES = {
    "utf-8": b'{"choices": [{"index": 0, "delta": {"content": "\xff\xfe"}}]}',
    "cut-utf-8": '{"choices": [{"index": 0, "delta": {"content": "世"}}]}'.encode().replace(b"\x96", b""),
    "json": b'{"choices": [',
    "text": b"hello",
    "number": b"42",
    "deep": b"[" * 100_000,
    "types": b'{"choices": "none"}',
}
"""Data that is no chunk, by name."""
