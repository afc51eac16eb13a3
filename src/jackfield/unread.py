"""Unknown fields of the pieces of a stream: kept as they came, and put together when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jackfield.event import EventExtra
from jackfield.models.base import EMPTY, Extra, ExtraSource, WireValue, unread_extra

Join = Callable[[Sequence[Any]], Any]
"""Makes one value of those that one name had, in the order in which they came."""


def last(values: Sequence[Any]) -> Any:
    """The last value stands."""
    return values[-1]


def grown(values: Sequence[Any]) -> Any:
    """Lists grow by what each piece adds; of anything else the last stands.

    Objects of a list that have one ``type`` and one ``index`` are pieces of one: their texts are joined, of their other
    members the last that is not null stands. So come the ``reasoning_details`` of OpenRouter, whose signature, in the
    last piece, is of the whole text. (Lists by ``index``: ``accumulate_delta`` of openai-python. It joins all texts,
    also those that every piece repeats.)
    """
    lists = [value for value in values if isinstance(value, list | tuple)]
    if not lists or not (values[-1] is None or isinstance(values[-1], list | tuple)):
        return values[-1]
    return _joined(entry for each in lists for entry in each)


_TEXTS = frozenset({"text", "summary"})
"""Members of an object in a list that come in pieces."""


class _Pieces:
    """An object in a list, while its pieces come."""

    def __init__(self, first: Mapping[str, Any]) -> None:
        self.members = dict(first)
        self._texts = {name: [text] for name in _TEXTS if isinstance(text := first.get(name), str)}

    def take(self, more: Mapping[str, Any]) -> bool:
        """Take a piece; False where it is one of another object, since some servers count anew with each ``id``."""
        if self.members.get("id") and more.get("id") and self.members["id"] != more["id"]:
            return False
        for name, value in more.items():
            if name in _TEXTS and isinstance(value, str):
                self._texts.setdefault(name, []).append(value)
            if value is not None:
                self.members[name] = value
        return True

    def whole(self) -> dict[str, Any]:
        return self.members | {name: "".join(pieces) for name, pieces in self._texts.items()}


def _joined(entries: Iterable[Any]) -> list[Any]:
    whole: list[Any] = []
    latest: dict[tuple[str, int], _Pieces] = {}
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(index := entry.get("index"), int):
            whole.append(entry)
            continue
        key = str(entry.get("type")), index
        if key not in latest or not latest[key].take(entry):
            latest[key] = _Pieces(entry)
            whole.append(latest[key])
    return [entry.whole() if isinstance(entry, _Pieces) else entry for entry in whole]


class _Joined(ExtraSource):
    """The unknown fields of several pieces, read and joined when asked for."""

    __slots__ = ("_join", "_pieces", "_read", "_source")

    def __init__(self, source: type[WireValue], pieces: Sequence[ExtraSource | bytes], join: Join) -> None:
        self._source, self._pieces, self._join = source, pieces, join
        self._read: dict[str, Any] | None = None

    def of(self, owner: type[WireValue]) -> Extra:
        pieces = self._pieces  # before it is looked whether they were read: another thread lets them go after it
        if self._read is None:
            told: dict[str, list[Any]] = {}
            for piece in map(_source, pieces):
                for name, value in piece.of(self._source).items():
                    told.setdefault(name, []).append(value)
            self._read = {name: self._join(values) for name, values in told.items()}
            self._pieces = ()  # the events' bytes may go
        return Extra({key: value for key, value in self._read.items() if key not in owner.__wire_fields__})


def _source(unread: ExtraSource | bytes) -> ExtraSource:
    return EventExtra(unread) if isinstance(unread, bytes) else unread


class Unread:
    """Collects the unknown fields of pieces of one class without reading them.

    Args:
        source: the class.
        join: makes one value of those that one name had.
    """

    def __init__(self, source: type[WireValue], join: Join = last) -> None:
        self._source, self._join = source, join
        self._pieces: list[ExtraSource | bytes] = []
        self.keep = self._pieces.append

    def add(self, piece: WireValue) -> None:
        """Take what the piece has, if it may have something."""
        if (extra := unread_extra(piece)) is not EMPTY:
            self.keep(extra)

    def whole(self) -> ExtraSource:
        """All of it, still unread."""
        return _Joined(self._source, tuple(self._pieces), self._join) if self._pieces else EMPTY
