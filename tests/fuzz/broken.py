"""Subjects that break one promise each: a target that does not tell is worth nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from fuzz.targets import redaction
from jackfield.drivers.answer import Answer
from jackfield.drivers.head import Head, decode_head
from jackfield.errors import APIError, InvalidResponseError
from jackfield.event import decode_chunk, decode_plain
from jackfield.failure import answer_error
from jackfield.fold import fold
from jackfield.headers import Headers
from jackfield.http import ContentDecoder
from jackfield.reader import StreamReader
from jackfield.redaction import _Known
from jackfield.secret import Secret
from jackfield.sse import Event, EventDecoder
from jackfield.unfold import unfold
from jackfield.wire import from_json, to_json

Chunk = Any


class LosesAByteAtACut(EventDecoder):
    """The last byte of each block is gone."""

    def feed(self, block: bytes) -> list[Event]:
        return super().feed(block[:-1] if len(block) > 1 else block)


class FiresLate(EventDecoder):
    """The last event of each block comes with no block."""

    def feed(self, block: bytes) -> list[Event]:
        return super().feed(block)[:-1]


class TakesAnyLine(EventDecoder):
    """There is no limit."""

    def __init__(self, _: int) -> None:
        super().__init__(2**30)


class RaisesForeign(EventDecoder):
    """What is no UTF-8 is an error of Python's."""

    def feed(self, block: bytes) -> list[Event]:
        block.decode()
        return super().feed(block)


class LosesChunksAtACut(StreamReader):
    """A block that does not end with an event gives nothing."""

    def feed(self, block: bytes) -> list[Chunk]:
        chunks = super().feed(block)
        return chunks if block.endswith(b"\n") else []


class IsAlwaysWhole(StreamReader):
    """A stream that was cut is taken for a whole one."""

    def end(self) -> list[Chunk]:
        self.whole = True
        return []


def loses_chunks(events: Sequence[bytes]) -> tuple[list[Chunk], set[int]] | None:
    """Of many events the last is lost."""
    plain = decode_plain(events)
    return None if plain is None else (plain[0][:-1], plain[1])


class LosesABlock(Answer):
    """What came in one piece with the head is lost."""

    def head(self) -> Head | None:
        head = super().head()
        if head is not None:
            self._buffer = b""
        return head


class KeepsAll(Answer):
    """A head may be as long as it likes, and no body is cut short."""

    def read(self) -> bytes | None:
        try:
            return super().read()
        except ValueError:
            self.ended = True
            return b""


def keeps_line_ends(data: bytes) -> Head:
    """A value may have a line end in it."""
    head = decode_head(data)
    return head._replace(headers=Headers((name, value + "\n") for name, value in head.headers.items()))


def forgets_a_header(data: bytes) -> Head:
    """The last header is lost where there are two."""
    head = decode_head(data)
    return head._replace(headers=Headers(list(head.headers.items())[:1]), length=head.length + (len(data) % 2))


def takes_any_header(headers: Mapping[str, str]) -> None:
    """A value may end the head."""


def repeats_the_document(data: bytes | str, cls: type) -> Any:
    """The message has what was sent."""
    try:
        return from_json(data, cls)
    except ValueError as error:
        error.args = (str(data) * 20,)
        raise


def raises_foreign(data: bytes | str, cls: type) -> Any:
    """A document that is none raises what msgspec raises."""
    import msgspec

    msgspec.json.decode(data)
    return from_json(data, cls)


def loses_unknown_fields(value: Any) -> str:
    """What the class does not know is not written."""
    return to_json(attrs.evolve(value, extra={}))


def loses_what_is_unknown(data: bytes) -> Chunk:
    """A chunk has no unknown fields."""
    return attrs.evolve(decode_chunk(data), extra={})


def loses_the_last_chunk(chunks: Sequence[Chunk]) -> Any:
    """The response lacks an end."""
    return fold(chunks[:-1])


def loses_tool_calls(response: Any) -> list[Chunk]:
    """What is taken apart lacks what is rare."""
    return [chunk for chunk in unfold(response) if not any(choice.delta.tool_calls for choice in chunk.choices)]


def cannot_fold_nothing(chunks: Sequence[Chunk]) -> Any:
    """No chunk at all is an IndexError."""
    assert chunks[0] is not None
    return fold(chunks)


class HasNoLimit(ContentDecoder):
    """A bomb becomes a large body."""

    def __init__(self, encoding: str, limit: int) -> None:
        super().__init__(encoding, limit * 9 + 9)


class TakesWhatIsCutShort(ContentDecoder):
    """The end of the body is the end."""

    def feed(self, block: bytes) -> bytes:
        try:
            return super().feed(block)
        except InvalidResponseError:
            return b""


def waits_without_end(headers: Mapping[str, str]) -> float | None:
    """Whatever Python takes for a number."""
    try:
        return float(headers.get("retry-after", ""))
    except ValueError:
        return None


def repeats_the_body(status: int, headers: Mapping[str, str], body: bytes) -> APIError:
    """The message has all that the server sent."""
    error = answer_error(status, headers, body)
    error.args = (body.decode("latin-1"),)
    return error


def overlooks_errors(content: Any) -> APIError | None:
    """An error that is a text is none."""


def shows_all(settings: Any, _: Any) -> dict[str, Any]:
    """Keys too."""
    backends = {name: {"provider": backend.provider, **backend.settings} for name, backend in settings.backends.items()}
    return {"backends": backends, "middleware": [{"use": one.use, **one.settings} for one in settings.middleware]}


def stops_at_the_first_fault(*args: Any, **named: Any) -> Any:
    """A fault is raised instead of told."""
    from jackfield.config.load import load

    loaded = load(*args, **named)
    if loaded.faults:
        raise ValueError(str(loaded.faults[0]))
    return loaded


def writes_python(data: Mapping[str, Any]) -> str:
    """What is shown is no TOML."""
    return "\n".join(f"{name} = {value!r}" for name, value in data.items())


class ShowsItsValue(Secret):
    """Its repr has what was read."""

    def __repr__(self) -> str:
        return f"Secret({self._value or self.reference!r})"

    __str__ = __repr__


class RepeatsTheReference(Secret):
    """A reference that is none is repeated, though it may be a key."""

    def __init__(self, reference: str) -> None:
        try:
            super().__init__(reference)
        except ValueError:
            raise ValueError(reference) from None


def hides_nothing(text: str) -> str:
    """All stays."""
    return text


def hides_too_much(text: str) -> str:
    """What is no secret is taken away too."""
    return redaction.KNOWN.scrub(text).replace(" ", "")


def grows(text: str) -> str:
    """The mask is longer than what it hides."""
    return redaction.KNOWN.scrub(text).replace("***", "*" * 60)


class LeavesWhatItForgets(_Known):
    """Needles of a secret that is forgotten stay."""

    def _drop(self, text: bytes) -> None:
        """Nothing goes."""


class ForgetsTheLatest(_Known):
    """A secret that is used again is as old as it was."""

    def add(self, value: str) -> None:
        if value not in self._values:
            super().add(value)


def cannot_take_halves(text: str) -> str:
    """Half of a surrogate pair is an error."""
    return redaction.KNOWN.scrub(text.encode().decode())


BROKEN: list[tuple[str, str, Any]] = [
    ("sse", "EventDecoder", LosesAByteAtACut),
    ("sse", "EventDecoder", FiresLate),
    ("sse", "EventDecoder", TakesAnyLine),
    ("sse", "EventDecoder", RaisesForeign),
    ("reader", "StreamReader", LosesChunksAtACut),
    ("reader", "StreamReader", IsAlwaysWhole),
    ("reader", "decode_plain", loses_chunks),
    ("answer", "Answer", LosesABlock),
    ("answer", "Answer", KeepsAll),
    ("head", "decode_head", keeps_line_ends),
    ("head", "decode_head", forgets_a_header),
    ("head", "check_headers", takes_any_header),
    ("wire", "from_json", repeats_the_document),
    ("wire", "from_json", raises_foreign),
    ("wire", "to_json", loses_unknown_fields),
    ("chunk", "decode_chunk", loses_what_is_unknown),
    ("chunk", "decode_plain", loses_chunks),
    ("fold", "fold", loses_the_last_chunk),
    ("fold", "fold", cannot_fold_nothing),
    ("fold", "unfold", loses_tool_calls),
    ("content", "ContentDecoder", HasNoLimit),
    ("content", "ContentDecoder", TakesWhatIsCutShort),
    ("failure", "retry_after", waits_without_end),
    ("failure", "answer_error", repeats_the_body),
    ("failure", "body_error", overlooks_errors),
    ("config", "show", shows_all),
    ("config", "load", stops_at_the_first_fault),
    ("config", "to_toml", writes_python),
    ("secret", "Secret", ShowsItsValue),
    ("secret", "Secret", RepeatsTheReference),
    ("forgetting", "Known", LeavesWhatItForgets),
    ("forgetting", "Known", ForgetsTheLatest),
    ("redaction", "scrub", hides_nothing),
    ("redaction", "scrub", hides_too_much),
    ("redaction", "scrub", grows),
    ("redaction", "scrub", cannot_take_halves),
]
"""Target, the name in it, and what takes its place."""
