"""Server-sent events: bytes to events, incremental, without I/O.

Follows the WHATWG HTML standard, section 9.2.6 "Interpreting an event stream": LF, CRLF and CR end a line, a leading
byte order mark is dropped, lines of ``data`` are joined by LF, comments and unknown fields are ignored, an event
without data is none. The same bytes give the same events however they are cut. One difference, for the servers that
forget it: the blank line after the last event may be missing.
"""

from __future__ import annotations

from typing import TypeAlias

from jackfield.errors import InvalidResponseError

Event: TypeAlias = tuple[str, bytes]
"""Type of the event (``message`` unless told) and its data."""

_BOM = b"\xef\xbb\xbf"
MESSAGE = "message"


class EventDecoder:
    """Turns blocks of bytes into events.

    Args:
        max_line_bytes: longest line that is taken.
        max_event_bytes: most data that one event may have; four lines' worth unless told.

    Attributes:
        failure: what came after the events that ``feed`` returned, to be raised once they are used; the stream is over.
    """

    def __init__(self, max_line_bytes: int = 2**20, max_event_bytes: int | None = None) -> None:
        self._max_line = max_line_bytes
        self._max_event = 4 * max_line_bytes if max_event_bytes is None else max_event_bytes
        self._pieces: list[bytes] = []  # of the line that has not ended
        self._size = 0
        self._data: list[bytes] = []  # of the event that has not ended
        self._data_size = 0
        self._type = MESSAGE
        self._open = False  # whether lines of an unfinished event were seen
        self._skip_lf = False
        self._started = False
        self.failure: InvalidResponseError | None = None

    def feed(self, block: bytes) -> list[Event]:
        """The events that ``block`` completes, in order.

        Raises:
            InvalidResponseError: a line or an event is longer than allowed, before any event of this block.
        """
        events: list[Event] = []
        try:
            self._feed(block, events)
        except InvalidResponseError as error:
            if not events:
                raise
            self.failure = error
        return events

    def _feed(self, block: bytes, events: list[Event]) -> None:
        if self._skip_lf and block:
            self._skip_lf = False
            if block[:1] == b"\n":
                block = block[1:]
        if b"\r" in block:
            self._skip_lf = block[-1:] == b"\r"
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in block:
            self._keep(block)
            return
        if self._pieces:
            self._pieces.append(block)
            block = b"".join(self._pieces)
            self._pieces.clear()
            self._size = 0
        if not self._started:
            self._started = True
            block = block.removeprefix(_BOM)
        self._split(block, events)

    def plain(self, block: bytes) -> list[bytes] | None:
        """The data of the events that ``block`` completes, where each is one line of data and nothing else.

        That is what nearly all blocks of a model's stream are, and one split takes them apart. Otherwise None, and
        nothing was taken: the block is to be fed.
        """
        if self._open or self._skip_lf or b"\r" in block or b"\n" not in block:
            return None
        whole = b"".join((*self._pieces, block)) if self._pieces else block
        if whole[:6] != b"data: " or len(whole) > self._max_line:
            return None
        events = whole[6:].split(b"\n\ndata: ")
        rest = events.pop()
        ended = rest[-2:] == b"\n\n"
        if ended:
            events.append(rest[:-2])
            rest = b""
        if b"\n" in rest or b"\n" in b"".join(events):  # a line of another kind, or one of several
            return None
        self._started = True
        self._pieces = [] if ended else [b"data: " + rest]
        self._size = 0 if ended else 6 + len(rest)
        return events

    def end(self) -> list[Event]:
        """The event that the end of the stream completes, if any."""
        events: list[Event] = []
        rest = b"".join(self._pieces)
        self._pieces.clear()
        if not self._started:
            rest = rest.removeprefix(_BOM)
        if rest:
            self._line(rest, events)
        self._line(b"", events)
        return events

    def _split(self, block: bytes, events: list[Event]) -> None:
        """Whole events by one split; what is left over, and what a former block began, line by line."""
        if self._open:
            head, _, block = block.partition(b"\n\n")
            if not _:
                self._lines(head, events)
                return
            for line in head.split(b"\n"):
                self._line(line, events)
            self._line(b"", events)
        parts = block.split(b"\n\n")
        rest = parts.pop()
        limit = self._max_line
        # Mostly all events are one line of data; two counts tell, and spare a look at each.
        single = block.count(b"\n") - rest.count(b"\n") == 2 * len(parts)
        if parts and single and rest[:1] != b"\n" and len(block) <= limit:
            starts = block.count(b"\n\ndata: ") + (block[:6] == b"data: ") - (rest[:6] == b"data: ")
            if starts == len(parts):
                events += [(MESSAGE, part[6:]) for part in parts]
                parts = []
        for part in parts:
            if part[:6] == b"data: " and len(part) <= limit and b"\n" not in part:
                events.append((MESSAGE, part[6:]))
            else:
                for line in part.split(b"\n"):
                    self._line(line, events)
                self._line(b"", events)
        if rest:
            self._lines(rest, events)

    def _lines(self, block: bytes, events: list[Event]) -> None:
        *lines, rest = block.split(b"\n")
        for line in lines:
            self._line(line, events)
        self._keep(rest)

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self._size += len(piece)
            if self._size > self._max_line + len(_BOM):
                self._too_long("a line", self._max_line)

    def _line(self, line: bytes, events: list[Event]) -> None:
        if not line:
            if self._data:
                events.append((self._type, b"\n".join(self._data)))
                self._data.clear()
            self._data_size, self._type, self._open = 0, MESSAGE, False
            return
        if len(line) > self._max_line:
            self._too_long("a line", self._max_line)
        self._open = True
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._data_size += len(value)
            if self._data_size > self._max_event:
                self._too_long("an event", self._max_event)
        elif name == b"event":
            self._type = value.removeprefix(b" ").decode("utf-8", "replace") or MESSAGE

    def _too_long(self, what: str, limit: int) -> None:
        raise InvalidResponseError(f"{what} of the stream is longer than {limit} bytes (max_line_bytes)")
