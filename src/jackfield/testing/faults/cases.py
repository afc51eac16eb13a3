"""Cases: every fault that a client has to bear, with the arguments that make a difference, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from jackfield.errors import status_error
from jackfield.testing.faults.bodies import HAZARDS
from jackfield.testing.faults.catalogue import FAULTS, Expected, name_of, parse
from jackfield.testing.faults.dialect import Ask, Dialect
from jackfield.testing.faults.status import BODIES, PLACES
from jackfield.testing.faults.streams import DAMAGES, ENDS, FORMS

STATUSES = (400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 500, 501, 502, 503, 504, 529)
WAITS: Sequence[Mapping[str, Any]] = (
    {"retry_after": "0.5"},
    {"retry_after": "-1"},
    {"retry_after": "soon"},
    {"retry_after": "9" * 5000},
    {"retry_after": "date:30"},
    {"retry_after": "date:-30"},
    {"retry_after_ms": "250"},
    {"x_should_retry": "false"},
)


@attrs.frozen
class Case:
    """A request to a fault server, and what a provider has to make of it.

    Attributes:
        model: the model name to ask for.
        stream: whether to ask for a stream.
        expected: the exceptions of which one must come; none where the answer is good.
        slow: it ends only where a client's own limits end it.
    """

    model: str
    stream: bool
    expected: Expected
    slow: bool = False

    def __str__(self) -> str:
        return f"{self.model[:60]}-{'stream' if self.stream else 'whole'}"


def cases(dialect: Dialect) -> list[Case]:
    """All cases of a wire format; each kind of fault once without arguments, and with those that matter."""
    return [case for model in _names(dialect) for case in _cases(model)]


def _names(dialect: Dialect) -> Iterator[str]:
    yield from (name for name in FAULTS if name not in {"reset", "eof", "stall", "drip"})  # which draw where
    yield from (name_of(fault, at=at) for fault in ("reset", "eof") for at in (0, 1, 20, 60, ""))
    yield from (name_of("stall", at=at) for at in (0, 60, ""))
    yield from (name_of("drip", at=at) for at in (0, 200))
    yield from (name_of("break", how=how, events=count) for how in ("reset", "eof") for count in (0, 1, 4))
    yield name_of("break", how="stall", events=3)
    yield from (name_of("cut", framing=how, events=count) for how in ("chunked", "close") for count in (0, 1, 5, 99))
    yield from (name_of("status", code=code) for code in STATUSES)
    yield from (name_of("status", code=502, body=body) for body in BODIES)
    yield from (name_of("status", code=429, **wait) for wait in WAITS)
    yield from (name_of("echo-head", place=place) for place in PLACES)
    yield from (name_of("redirect", code=code, to=to) for code in (301, 302, 303, 307, 308) for to in ("same", "other"))
    yield from (name_of("json", hazard=hazard) for hazard in HAZARDS)
    yield from (name_of("damaged", how=how) for how in DAMAGES)
    yield from (name_of("coding", coding=coding) for coding in ("gzip, gzip", "zstd", "x"))
    yield name_of("gzip", coding="deflate")
    yield from (name_of("bad-length", value=value) for value in ("abc", "0x10", "9" * 40, "1,2"))
    yield from (name_of("bad-status", line=line) for line in ("", "HTTP/2 200 OK", "HTTP/1.1", "220 mail.example"))
    yield name_of("informational", status=100)
    yield from (name_of("sse", form=form) for form in FORMS)
    yield from (name_of("lines", end=end) for end in (*ENDS, "mixed"))
    yield from (name_of("error", form=form, events=count) for form in dialect.stream_errors() for count in (0, 3))
    yield from (name_of("variant", name=name) for name in dialect.variants(Ask("")))


def _cases(model: str) -> Iterator[Case]:
    fault, arguments = parse(model)
    slow = fault.slow or arguments.get("how") == "stall"
    whole, stream = fault.whole, fault.stream
    if fault.name == "status":  # one that has an exception of its own must come as that
        whole = stream = (status_error(int(arguments["code"])),)
    if not fault.only_streams:
        yield Case(model, False, whole, slow)
    yield Case(model, True, stream, slow)
