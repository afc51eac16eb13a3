"""Shelf: the exchanges of a recording, from which each request takes its own."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any, NamedTuple

import attrs
import msgspec

from jackfield.http import HttpRequest, target_of
from jackfield.redaction import MASK
from jackfield_replay.clean import Cleaner
from jackfield_replay.difference import NOTHING, differences, parsed, without
from jackfield_replay.errors import ReplayMissError
from jackfield_replay.exchange import Exchange

SHOWN = 10
"""Differences that the message of a miss shows."""
COUNTED = 1000
"""Differences that are counted to tell which exchange is nearest."""


class Question(NamedTuple):
    """What two requests are compared by: the method, path and query, and what the body says."""

    method: str
    target: str
    body: Any

    @property
    def key(self) -> tuple[str, str, bytes]:
        """The same for all that are the same, whatever the order of keys and the blanks of their JSON."""
        body = b"" if self.body is NOTHING else msgspec.json.encode(self.body, order="sorted")
        return self.method, self.target, body


@attrs.define(eq=False)
class Slot:
    """A place on the shelf.

    Attributes:
        number: of the exchange in its file, from 1.
        exchange: itself.
        question: what it answers.
        used: whether it was taken.
    """

    number: int
    exchange: Exchange
    question: Question
    used: bool = False


@attrs.define(eq=False)
class Shelf:
    """The exchanges of a recording, each of which is taken once; for many threads.

    Args:
        exchanges: in the order in which they are taken, where requests are the same.
        repeat: whether the last one that is the same is taken again when all are used.
        ignored: paths in a body that are not compared.
    """

    slots: list[Slot] = attrs.field(init=False)
    _by_key: dict[Any, list[Slot]] = attrs.field(init=False, factory=dict)
    _masked: list[Slot] = attrs.field(init=False, factory=list)
    _lock: threading.Lock = attrs.field(init=False, factory=threading.Lock)
    _exchanges: Sequence[Exchange] = ()
    _repeat: bool = False
    _ignored: Collection[str] = ()
    _clean: Cleaner = attrs.field(init=False, factory=Cleaner)

    def __attrs_post_init__(self) -> None:
        self.slots = [
            Slot(number, exchange, self._question(exchange.request.method, exchange.request.url, exchange.request.body))
            for number, exchange in enumerate(self._exchanges, start=1)
        ]
        for slot in self.slots:
            self._by_key.setdefault(slot.question.key, []).append(slot)
            if MASK in slot.question.target or MASK.encode() in slot.question.key[2]:
                self._masked.append(slot)

    def question(self, request: HttpRequest) -> Question:
        """What a request is compared by: without its secrets, as it would have been recorded."""
        return self._question(request.method, self._clean.url(request.url), self._clean.body(request.body))

    def take(self, question: Question, backend: str | None) -> Slot | None:
        """The exchange that answers a question, which is used then; None where there is none.

        The first that is not used of those whose question is the same; of them rather one of the same backend.
        """
        with self._lock:
            same = self._by_key.get(question.key) or [
                slot for slot in self._masked if not next(_differences(slot.question, question), None)
            ]
            unused = [slot for slot in same if not slot.used]
            near = [slot for slot in unused if slot.exchange.backend == backend]
            found = next(iter(near or unused), None)
            if found is None and self._repeat and same:
                found = next((slot for slot in reversed(same) if slot.exchange.backend == backend), same[-1])
            if found is not None:
                found.used = True
            return found

    def miss(self, question: Question) -> ReplayMissError:
        """The error for a question that has no answer: it tells of the nearest one that has."""
        asked = f"the recording has no answer left to {question.method} {question.target}"
        with self._lock:
            slots = [slot for slot in self.slots if not slot.used]
            same = self._by_key.get(question.key)
        if same:
            again = f"; exchange {same[-1].number} is the same, and was used before"
            return ReplayMissError(f"{asked}{again} (repeat = true uses it again)", nearest=same[-1].number)
        if not slots:
            what = "all of its exchanges were used" if self.slots else "it is empty"
            return ReplayMissError(f"{asked}: {what}")
        slot = min(slots, key=lambda slot: _distance(slot.question, question))
        found = list(islice(_differences(slot.question, question), SHOWN + 1))
        more = ["…"] if len(found) > SHOWN else []
        lines = "".join(f"\n  {line}" for line in (*found[:SHOWN], *more))
        return ReplayMissError(
            f"{asked}; exchange {slot.number} is the nearest:{lines}", nearest=slot.number, differences=found
        )

    def unused(self) -> list[Slot]:
        """The exchanges that no request took."""
        return [slot for slot in self.slots if not slot.used]

    def _question(self, method: str, url: str, body: bytes) -> Question:
        return Question(method, target_of(url), without(parsed(body), self._ignored))


def _differences(recorded: Question, asked: Question) -> Any:
    yield from differences(recorded.method, asked.method, "method")
    yield from differences(recorded.target, asked.target, "path")
    yield from differences(recorded.body, asked.body)


def _distance(recorded: Question, asked: Question) -> tuple[bool, int]:
    """How far two questions are apart: those to another place are farther than all others."""
    elsewhere = (recorded.method, recorded.target) != (asked.method, asked.target)
    return elsewhere, sum(1 for _ in islice(_differences(recorded, asked), COUNTED))
