"""Faults of bodies: answers with status 200 that are none, or are more than anyone can take."""

from __future__ import annotations

from jackfield.errors import APIError, InvalidResponseError, StreamInterruptedError
from jackfield.testing.faults.answer import RawAnswer, chunk, head
from jackfield.testing.faults.catalogue import Exchange, fault

INVALID = (InvalidResponseError,)
UNREADABLE = (InvalidResponseError, StreamInterruptedError)
HAZARDS = {
    "empty": b"",
    "text": b"all is well",
    "truncated": b'{"id": "x", "choices": [',
    "null": b"null",
    "list": b"[]",
    "string": b'"all is well"',
    "number": b"42",
    "empty-object": b"{}",
    "no-choices": b'{"id": "x", "choices": []}',
    "null-choices": b'{"id": "x", "choices": null}',
    "wrong-types": b'{"id": 1, "choices": [{"index": "a", "message": "hi"}]}',
    "deep": b"[" * 100_000,
    "deep-object": b'{"a":' * 100_000,
    "digits": b'{"id": "x", "created": ' + b"9" * 5000 + b', "choices": []}',
    "nan": b'{"id": "x", "created": NaN, "choices": []}',
    "control": b'{"id": "a\x00b", "choices": []}',
    "two-values": b"{}{}",
    "utf-8": b'{"id": "\xff\xfe", "choices": []}',
    "utf-16": '{"id": "x"}'.encode("utf-16"),
}
"""Bodies that are no answer, by name."""


@fault(
    "json",
    "answers 200 with a body that is no answer, as `hazard` says",
    whole=INVALID,
    stream=UNREADABLE,
    hazard="empty",
)
async def hazard(x: Exchange) -> None:
    """What calls itself JSON; where a stream is asked for, the data of its only event."""
    body = HAZARDS[x.text("hazard")]
    answer = x.stream([b"data: " + body + b"\n\n"]) if x.ask.stream else RawAnswer([body])
    await x.send(answer.whole)


@fault("html", "answers 200 with a page of HTML", whole=INVALID, stream=INVALID)
async def html(x: Exchange) -> None:
    """As a login page or a proxy does."""
    page = b"<!doctype html><title>Sign in</title><p>" + b"please " * 500
    await x.send(RawAnswer([page], headers={"content-type": "text/html; charset=utf-8"}).whole)


@fault("unlabelled", "answers well, with the content type `type`", stream=INVALID, type="application/json")
async def unlabelled(x: Exchange) -> None:
    """The right body with a wrong label; for a stream, one that says that it is none."""
    await x.send(RawAnswer(x.good().blocks, headers={"content-type": x.text("type")}).whole)


@fault("json-for-stream", "answers whole where a stream was asked for", stream=INVALID)
async def json_for_stream(x: Exchange) -> None:
    """As services do that know no streams."""
    await x.send(RawAnswer([x.dialect.whole(x.ask)]).whole)


@fault("stream-for-json", "sends a stream where none was asked for", whole=INVALID)
async def stream_for_json(x: Exchange) -> None:
    """As services do that know nothing else."""
    await x.send(x.stream(x.framed(x.events)).whole)


@fault("error-200", "answers 200 with an error", whole=(APIError,), stream=(APIError,), code="500")
async def error_200(x: Exchange) -> None:
    """As proxies do that have sent the status before they know."""
    await x.send(RawAnswer([x.dialect.error(int(x.text("code")), "the fault server was told to fail")]).whole)


@fault("large", "sends a body of `bytes` bytes", whole=INVALID, stream=(APIError,), bytes="67108864")
async def large(x: Exchange) -> None:
    """More than was agreed, piece by piece; where a stream is asked for, comments without end."""
    await x.send(head(200, {"content-type": x.content_type}, "transfer-encoding: chunked\r\n"))
    piece = chunk((b": " + b"x" * 65533 + b"\n") if x.ask.stream else b" " * 65536)
    for _ in range(int(x.text("bytes")) // 65536):
        await x.send(piece)
    await x.silence()
