"""Ask and Outcome: what a host wants of one call, and what it got."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from jackfield.errors import CallError

KEY = "sk-soak-q7Zt4mXw9LcV2bNs8Rfy"
"""What no error may show."""
WORDS = ("plain", "Grüße", "世界", "👋", "q\"uo'te", "back\\slash", "<b>", "data: x", "\u2028", "zero\u200bwidth")


@attrs.frozen
class Ask:
    """One call.

    Attributes:
        label: sent as ``Idempotency-Key``, so that the server counts what it did for this call.
        model: the backend's own name, which tells the server how to fail.
        text: what the server shall say.
        stream, store: as of the request.
    """

    label: str
    model: str
    text: str
    stream: bool = False
    store: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """Arguments of ``create_chat_completion``."""
        fields: dict[str, Any] = {
            "model": f"main/{self.model}",
            "messages": [{"role": "user", "content": self.text}],
            "extra_headers": {"Idempotency-Key": self.label},
            "stream": self.stream,
        }
        return {**fields, "store": True} if self.store else fields


def asks(name: str, models: Sequence[str], calls: int, seed: int, *, store: bool = False) -> Iterator[Ask]:
    """So many calls, the models in turn; each says something else, and a third of them are streams."""
    source = random.Random(f"{seed} {name}")
    for number in range(calls):
        text = f"{name}-{number}: " + " ".join(source.choices(WORDS, k=source.randint(1, 12)))
        stream = source.random() < 1 / 3
        yield Ask(f"{name}-{number}", models[number % len(models)], text, stream, store)


@attrs.frozen
class Outcome:
    """What came of a call.

    Attributes:
        ask: what was wanted.
        said: the text that came, also before an error.
        chunks: how many the host was handed.
        attempts: those that the answer, or the error, reports.
        error: what was raised, or None.
    """

    ask: Ask
    said: str
    chunks: int
    attempts: Sequence[Any]
    error: BaseException | None = None

    @property
    def typed(self) -> bool:
        """It is an answer, or an error of jackfield's own for calls."""
        return self.error is None or isinstance(self.error, CallError)

    @property
    def mixed_up(self) -> bool:
        """What was said is not what was asked for, nor the beginning of it where the answer broke off."""
        return self.said != self.ask.text if self.error is None else not self.ask.text.startswith(self.said)

    @property
    def reason(self) -> str:
        """Why no further try was made, as the promises have it; ``unexplained`` where one could have helped."""
        error: Any = self.error
        maybe_done = sum(attempt.maybe_billed for attempt in self.attempts)
        if self.chunks:
            return "chunks were handed over"
        if getattr(error, "retry_budget_exhausted", False):
            return "the budget was used up"
        if len(self.attempts) == 3:
            return "three tries failed"
        if self.attempts and self.attempts[-1].maybe_billed and (maybe_done == 2 or self.ask.store):
            return "the work may have been done" + ("" if self.ask.store else " twice")
        return "unexplained"
