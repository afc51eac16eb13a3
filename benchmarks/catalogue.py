"""What is measured, and what jackfield has promised."""

from __future__ import annotations

import attrs
from clients import BASELINE


@attrs.frozen
class Kind:
    """One thing that is measured.

    Attributes:
        name: as given to ``--kinds``.
        title: heading of its table.
        unit: of the figures, which are ``factor`` times seconds or bytes.
        value: which number of a sample counts; divided by the sample's ``units`` where it has any.
        fresh: the mode of ``fresh.py`` that measures it, or None where a worker does.
        share: part of the rounds that it gets, at least three.
        baseline: the client in every pair, to which ratios are taken.
    """

    name: str
    title: str
    unit: str
    factor: float = 1e6
    value: str = "cpu"
    fresh: str | None = None
    share: float = 1.0
    baseline: str = BASELINE

    def rounds(self, rounds: int) -> int:
        """How many rounds it gets of those that were asked for."""
        return max(min(rounds, 3), round(rounds * self.share))


KINDS = (
    Kind("import", "import of the library alone", "ms", 1e3, fresh="import"),
    Kind("first", "from a fresh interpreter to the end of the first call", "ms", 1e3, fresh="first"),
    Kind("call", "small call", "µs/call"),
    Kind("tools", "call with 20 messages and 3 tools", "µs/call"),
    Kind("chunk", "chunk of a stream of 2,000 events of 250 bytes, many events in one HTTP chunk", "µs/chunk"),
    Kind("single", "the same, one HTTP chunk an event", "µs/chunk"),
    Kind("concurrent", "call, 64 at once", "µs/call"),
    Kind(
        "streams", "chunk, 1,000 streams at once of 50 events at 20 a second", "µs/chunk", share=0.2, baseline="aiohttp"
    ),
    Kind("memory", "peak memory with 200 open streams", "MB", 1e-6, value="peak", fresh="memory", share=0.1),
)
"""Every kind, in the order of the report."""


@attrs.frozen
class Target:
    """A promise: in ``kind`` the ratio of ``client`` to ``against`` is at most ``limit``, and ``aim`` is aimed at."""

    kind: str
    client: str
    limit: float
    aim: float | None = None
    against: str = BASELINE


TARGETS = (
    Target("import", "jackfield", 0.2),
    Target("first", "jackfield", 2.2),
    Target("call", "jackfield", 1.25, 1.0),
    Target("call", "jackfield_async", 1.0, 0.75),
    Target("chunk", "jackfield", 1.0, 0.7),
    Target("chunk", "jackfield_async", 0.9, 0.7),
    Target("streams", "jackfield_async", 0.2, against="openai_async"),
)
"""What jackfield has promised."""
