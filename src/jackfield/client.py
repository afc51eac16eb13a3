"""The synchronous client: what a host application holds."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, Unpack, overload

from jackfield.chat_stream import ChatStream, run, shut
from jackfield.drivers.live import Live
from jackfield.drivers.sync import SyncDriver
from jackfield.errors import ClientClosedError
from jackfield.names import Names, names_of
from jackfield.session import Config, Session, answered

if TYPE_CHECKING:
    from jackfield.models.fields import CallFields
    from jackfield.models.models import Model
    from jackfield.models.request import CreateChatCompletionRequest
    from jackfield.models.response import CreateChatCompletionResponse

LEAVE = 1.0
"""Seconds that ``close`` waits for the threads whose calls it took down."""


class Client:
    """Calls the backends of a configuration. May be used from many threads, and after a fork.

    Close it with ``with`` or ``close()``.

    Args:
        config: path of a TOML file, a mapping of the same shape, or None: ``JACKFIELD_CONFIG``, ``jackfield.toml``
            from the working directory upward, the user's configuration directory, else the built-in default.
        profile: name of a profile of the configuration; None takes ``JACKFIELD_PROFILE``.
        plugins: plugin classes of the program's own, by the name that the configuration uses for them.
        outermost: middleware that the program puts around all that is configured, as tables of the same shape.

    Raises:
        ConfigError: lists everything that is wrong with the configuration.
    """

    def __init__(
        self,
        config: Config = None,
        *,
        profile: str | None = None,
        plugins: Mapping[str, type] | None = None,
        outermost: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._session = Session(config, profile, plugins, outermost)
        self._driver = SyncDriver()
        self._heirs: dict[int, SyncDriver] = {}

    @overload
    def create_chat_completion(
        self,
        request: CreateChatCompletionRequest | None = None,
        /,
        *,
        stream: Literal[False] | None = None,
        **fields: Unpack[CallFields],
    ) -> CreateChatCompletionResponse: ...

    @overload
    def create_chat_completion(
        self,
        request: CreateChatCompletionRequest | None = None,
        /,
        *,
        stream: Literal[True],
        **fields: Unpack[CallFields],
    ) -> ChatStream: ...

    @overload
    def create_chat_completion(
        self,
        request: CreateChatCompletionRequest | None = None,
        /,
        *,
        stream: bool | None,
        **fields: Unpack[CallFields],
    ) -> CreateChatCompletionResponse | ChatStream: ...

    def create_chat_completion(
        self,
        request: CreateChatCompletionRequest | None = None,
        /,
        *,
        stream: bool | None = None,
        timeout: float | None = None,
        labels: Mapping[str, str] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> CreateChatCompletionResponse | ChatStream:
        """Ask a backend for a chat completion.

        A stream is sent when it is created, up to its first chunk, so errors and retries happen here.

        Args:
            request: a whole request; or else its fields as keywords, dicts or wire values at any level.
            stream: whether to answer in chunks; None takes the request's own.
            timeout: seconds for everything: waiting, all attempts, the whole stream; None takes ``timeout.total``
                of the backend.
            labels: the host's own metadata, for logs and metrics.
            extra_headers: sent besides.
            extra_body: members of the JSON body besides the request's; they win over its own.
            fields: ``messages``, ``model`` (``backend/model``, an alias, or left out for the default) and whatever
                else ``CreateChatCompletionRequest`` has.

        Returns:
            The response, whose ``call`` tells what it took; or the stream.

        Raises:
            CallError: it failed: ``APIError`` and what is below it, ``DeadlineExceededError``, ``ClientClosedError``.
            PluginError: a plugin broke the contract.
            TypeError, ValidationError: the request is none.
        """
        try:
            engine, request = self._session.engine(
                request,
                fields,
                stream=stream,
                timeout=timeout,
                labels=labels,
                extra_headers=extra_headers,
                extra_body=extra_body,
            )
        finally:
            del extra_headers, extra_body  # the frames of a traceback show no credentials
        session, driver, live = self._session, self._current(), Live(engine)
        if engine.call.stream:
            return ChatStream(driver, live, lambda: session.begin_chat(engine, request))
        run(driver, live, lambda: session.begin_chat(engine, request))
        return answered(engine)

    def list_models(self, backend: str | None = None, *, timeout: float | None = None) -> list[Model]:
        """The models of all backends, or of one, under the names that ``model=`` takes.

        Args:
            backend: name of the only one to ask.
            timeout: seconds for each backend.

        Raises:
            CallError: a backend failed.
            ConfigError: there is no such backend.
        """
        driver = self._current()
        models: list[Model] = []
        for route, engine in self._session.models(backend, timeout):
            run(driver, Live(engine), lambda engine=engine, route=route: engine.begin_models(route))  # type: ignore[misc]  # mypy cannot infer lambda defaults
            models += self._session.named(route, engine.result())
        return models

    @property
    def names(self) -> Names:
        """What the configuration names by itself: default, groups, aliases and backends. No backend is asked."""
        return names_of(self._session.settings, self._session.plan)

    def section(self, name: str) -> Any:
        """A table of the configuration that belongs to another program, ``[gateway]`` say, as a value of its class.

        The class is the entry point of that name in the group ``jackfield.sections``. Where the table was not written,
        its settings have their defaults.

        Raises:
            ConfigError: there is no such table, or a setting of it has to be written.
        """
        return self._session.section(name)

    def reload(self, config: Config = None) -> None:
        """Take the configuration anew, without a restart: calls that run end on the former one.

        A plugin whose settings are the same in the same place keeps its state and its connections. One that is gone or
        changed is closed once the last call on the former configuration has ended: when the next call begins.

        Args:
            config: a path or a mapping, from now on in place of what the client was made of; None reads that again: the
                same file where one was found.

        Raises:
            ConfigError: lists everything that is wrong with it; the former configuration stays in force.
            ClientClosedError: the client was closed.
        """
        self._session.reload(config)

    def close(self) -> None:
        """Take running calls down, close the plugins and all connections. Later calls raise ``ClientClosedError``."""
        if self._session.closed:
            return
        self._session.closed = True
        driver = self._current()
        for live in driver.watchdog.live():
            shut(driver, live, ClientClosedError("the client was closed while the call ran"))
        until = time.monotonic() + LEAVE
        while driver.watchdog.live() and time.monotonic() < until:
            time.sleep(0.005)
        try:
            self._session.close_plugins()
        finally:
            driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Client cannot be copied or pickled: make one in each process")

    def __del__(self) -> None:
        driver: SyncDriver | None = getattr(self, "_driver", None)
        if driver is not None and driver.process == os.getpid():
            # Streams may outlive a client that was dropped: the watchdog ends with the last of them.
            driver.watchdog.hand_over(driver.close)

    def _current(self) -> SyncDriver:
        """The driver; a forked child gets one of its own, for sockets and threads are the parent's."""
        driver = self._driver
        if driver.process != os.getpid():
            made = SyncDriver()
            driver = self._driver = self._heirs.setdefault(made.process, made)  # two threads may come first
        return driver
