"""The clients that are compared: one module each, imported only in the process that measures it.

Such a module has a class ``Client`` with the methods of ``SyncClient`` or, where its name ends in ``_async``, of
``AsyncClient``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    Fields: TypeAlias = Mapping[str, Any]


class Entry(NamedTuple):
    """One client of the comparison.

    Attributes:
        module: where its ``Client`` is.
        library: the module whose import is measured, and the distribution whose version is reported.
        streams: how many paced streams at once it is asked for; fewer where 1,000 would take too long.
    """

    module: str
    library: str
    streams: int = 1000

    @property
    def is_async(self) -> bool:
        """Whether its ``Client`` is an ``AsyncClient``."""
        return self.module.endswith("_async")


CLIENTS = {
    "urllib3": Entry("clients.urllib3_sync", "urllib3"),
    "aiohttp": Entry("clients.aiohttp_async", "aiohttp"),
    "jackfield": Entry("clients.jackfield_sync", "jackfield"),
    "jackfield_async": Entry("clients.jackfield_async", "jackfield"),
    "jackfield_bare": Entry("clients.jackfield_bare", "jackfield"),
    "openai": Entry("clients.openai_sync", "openai", streams=300),
    "openai_async": Entry("clients.openai_async", "openai", streams=300),
    "litellm": Entry("clients.litellm_sync", "litellm", streams=100),
    "litellm_async": Entry("clients.litellm_async", "litellm", streams=100),
}
"""Every client by its name, hand-written ones first."""

BASELINE = "urllib3"
"""Ratios are to this one, unless a kind names another."""


class SyncClient(Protocol):
    """A client under measurement, for threads."""

    def __init__(self, base_url: str) -> None: ...

    def call(self, model: str, fields: Fields) -> str:
        """Make one call and return the content of its answer."""

    def stream(self, model: str, fields: Fields) -> int:
        """Read a stream to its end and return how many characters of content its chunks had."""

    def hold(self, model: str, fields: Fields) -> object:
        """Open a stream, read its first chunk, and return what keeps it open."""


class AsyncClient(Protocol):
    """A client under measurement, for tasks; made within a running loop."""

    def __init__(self, base_url: str) -> None: ...

    async def call(self, model: str, fields: Fields) -> str:
        """Make one call and return the content of its answer."""

    async def stream(self, model: str, fields: Fields) -> int:
        """Read a stream to its end and return how many characters of content its chunks had."""

    async def hold(self, model: str, fields: Fields) -> object:
        """Open a stream, read its first chunk, and return what keeps it open."""
