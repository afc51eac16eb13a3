"""Host: one face over both clients, so that each check of the kit is written once and made twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias, TypeVar

import attrs

from jackfield.aclient import AsyncClient
from jackfield.client import Client
from jackfield.models.chunks import CreateChatCompletionStreamResponse
from jackfield.models.response import CreateChatCompletionResponse

T = TypeVar("T")
Fields: TypeAlias = Mapping[str, Any]


@attrs.define(eq=False)
class Outcome:
    """What came of a call.

    Attributes:
        response: the answer, assembled where it was a stream; None where it failed.
        error: what the host was raised, or None.
        chunks: those that the host was given.
        seconds: how long it took.
    """

    response: CreateChatCompletionResponse | None = None
    error: BaseException | None = None
    chunks: list[CreateChatCompletionStreamResponse] = attrs.field(factory=list)
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """What the answer says."""
        if self.response is None or not self.response.choices:
            return ""
        content = self.response.choices[0].message.content
        return content if isinstance(content, str) else ""

    @property
    def streamed(self) -> str:
        """What the chunks say."""
        deltas = [choice.delta.content for chunk in self.chunks for choice in chunk.choices if choice.index == 0]
        return "".join(content for content in deltas if isinstance(content, str))


def _provider(client: Client | AsyncClient) -> object:
    (route,) = client._session.plan.routes.values()  # noqa: SLF001 - the kit is jackfield's own
    return route.provider.plugin


class SyncHost:
    """A host that calls ``jackfield.Client``.

    Args:
        config, plugins: as for the client.
    """

    name = "sync"

    def __init__(self, config: Fields, plugins: Mapping[str, type]) -> None:
        self.client = Client(config, plugins=plugins)

    def ask(self, *, stop_after: int | None = None, **fields: Any) -> Outcome:
        """Make one call to its end; a stream is closed after ``stop_after`` chunks where that is given."""
        outcome, began = Outcome(), time.monotonic()
        try:
            self._ask(outcome, fields, stop_after)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what the host gets
            outcome.error = error
        outcome.seconds = time.monotonic() - began
        return outcome

    def ask_all(self, several: Sequence[Fields]) -> list[Outcome]:
        """Make calls at the same time."""
        with ThreadPoolExecutor(len(several)) as pool:
            return list(pool.map(lambda fields: self.ask(**fields), several))

    def models(self) -> list[str]:
        """The names of the models that the backend lists."""
        return [model.id for model in self.client.list_models()]

    @property
    def provider(self) -> object:
        """The plugin of the only backend."""
        return _provider(self.client)

    def close(self) -> None:
        """Close the client."""
        self.client.close()

    def _ask(self, outcome: Outcome, fields: Fields, stop_after: int | None) -> None:
        answer: Any = self.client.create_chat_completion(**fields)
        if not fields.get("stream"):
            outcome.response = answer
            return
        with answer as stream:
            for chunk in stream:
                outcome.chunks.append(chunk)
                if len(outcome.chunks) == stop_after:
                    return
            outcome.response = stream.response


class AsyncHost:
    """The same with ``jackfield.AsyncClient``, on an event loop of its own.

    Attributes:
        complaints: what the event loop had to complain of.
    """

    name = "async"

    def __init__(self, config: Fields, plugins: Mapping[str, type]) -> None:
        self.complaints: list[dict[str, Any]] = []
        self._runner = asyncio.Runner()
        self._runner.get_loop().set_exception_handler(lambda _, context: self.complaints.append(context))
        try:
            self.client = AsyncClient(config, plugins=plugins)
        except BaseException:
            self._runner.close()
            raise

    def ask(self, *, stop_after: int | None = None, **fields: Any) -> Outcome:
        """Make one call to its end; a stream is closed after ``stop_after`` chunks where that is given."""
        return self._run(lambda: self.asked(fields, stop_after))

    def ask_all(self, several: Sequence[Fields]) -> list[Outcome]:
        """Make calls at the same time."""

        async def gather() -> list[Outcome]:
            return await asyncio.gather(*(self.asked(fields) for fields in several))

        return self._run(gather)

    def models(self) -> list[str]:
        """The names of the models that the backend lists."""
        return [model.id for model in self._run(self.client.list_models)]

    @property
    def provider(self) -> object:
        """The plugin of the only backend."""
        return _provider(self.client)

    def close(self) -> None:
        """Close the client, and the loop, on which nothing may be left."""
        try:
            self._run(self.client.close)
            left = asyncio.all_tasks(self._runner.get_loop())
        finally:
            self._runner.close()
        if left or self.complaints:
            raise AssertionError(f"left on the event loop: {[*left, *self.complaints]}")

    def _run(self, begin: Callable[[], Awaitable[T]]) -> T:
        async def main() -> T:
            return await begin()

        return self._runner.run(main())

    async def asked(self, fields: Fields, stop_after: int | None = None) -> Outcome:
        """Make one call, within a task on its loop."""
        outcome, began = Outcome(), time.monotonic()
        try:
            await self._ask(outcome, fields, stop_after)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what the host gets
            outcome.error = error
        outcome.seconds = time.monotonic() - began
        return outcome

    async def _ask(self, outcome: Outcome, fields: Fields, stop_after: int | None) -> None:
        answer: Any = self.client.create_chat_completion(**fields)
        if not fields.get("stream"):
            outcome.response = await answer
            return
        async with answer as stream:
            async for chunk in stream:
                outcome.chunks.append(chunk)
                if len(outcome.chunks) == stop_after:
                    return
            outcome.response = stream.response


Host: TypeAlias = SyncHost | AsyncHost
HOSTS: Mapping[str, type[SyncHost | AsyncHost]] = {"sync": SyncHost, "async": AsyncHost}
