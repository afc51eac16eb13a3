"""The engine: a model that is loaded on first use, and the generations that run on it."""

from __future__ import annotations

import atexit
import ctypes
import os
import secrets
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import attrs

from jackfield.errors import ClientClosedError, ConfigError
from jackfield.gate import Gate
from jackfield_local.failure import from_exception
from jackfield_local.generation import Generation
from jackfield_local.machine import import_engine

BATCH = 64
"""Tokens of a prompt between two chances to stop; at 80 tokens a second that is 0.8 s. More would gain little speed."""
CACHE_MIB = 64
"""Memory for prompts that were seen before."""
CLOSE_WAIT = 5.0
"""Seconds that ``close`` waits for generations to stop."""
MAGIC = b"GGUF"
LONGEST = 90
"""Bytes of a directory's path that leave room for a socket in it."""


@attrs.frozen
class EngineSettings:
    """How a model is run.

    Attributes:
        name: under which its answers name it.
        find: gives the path of the GGUF file, fetching it where need be; may block, and gives up once the event is set.
        template: name of a chat template among this package's files; None takes the one in the file.
        threads: processor threads.
        context: tokens of prompt and answer together, for each request.
        parallel: requests that are answered at the same time.
    """

    name: str
    find: Callable[[threading.Event], Path]
    template: str | None = None
    threads: int = 1
    context: int = 4096
    parallel: int = 1


class Engine:
    """A model that is loaded once, when it is first needed, and again after a fork. For any number of threads.

    A generation has a thread of its own, since the engine blocks until it is done; so whoever waits for it can be
    interrupted. Enter ``gate`` before ``generate``; it is left when the engine is free again, not when the caller
    has lost interest.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._server: Any = None
        self._renew(closed=False)

    def _renew(self, *, closed: bool) -> None:
        """Begin anew, as a forked child has to: locks may have been held, and the threads are gone."""
        self._closing = threading.Event()
        if closed:
            self._closing.set()
        self.gate = Gate(self._settings.parallel)
        self._lock = threading.Lock()
        self._load_lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._running: set[Generation] = set()

    def generate(self, body: bytes, gate: Gate) -> Generation:
        """Begin to answer a request; never blocks.

        Args:
            body: the request as JSON, with ``stream``.
            gate: that was entered for it; it is left whatever happens.

        Raises:
            ClientClosedError: the engine was closed.
        """
        _watch(self)
        generation = Generation()
        try:
            self._admit(generation)
            thread = threading.Thread(
                target=self._work, args=(generation, body, gate), name="jackfield-local", daemon=True
            )
            thread.start()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the gate must be left
            generation.stop()
            self._finished(generation, gate)
            raise from_exception(error) from None
        return generation

    def _admit(self, generation: Generation) -> None:
        with self._lock:
            self._running.add(generation)
        if self._closing.is_set():
            raise ClientClosedError

    def close(self) -> None:
        """Stop all generations, wait for them a little, and free the model."""
        self._closing.set()
        with self._lock:
            for generation in self._running:
                generation.stop()
            self._idle.wait_for(lambda: not self._running, CLOSE_WAIT)
        self.unload()

    def unload(self) -> None:
        """Free the model unless it is in use; the next generation loads it again."""
        with self._lock:
            server = None if self._running else self._server
            if server is not None:
                self._server = None
        del server  # outside the lock, for this ends and joins the engine's threads

    # -- in a generation's thread --------------------------------------------------------------------------------

    def _work(self, generation: Generation, body: bytes, gate: Gate) -> None:
        error: BaseException | None = None
        try:
            self._load()
            if not generation.stopped:
                # No name may hold the server longer than the call: then ``unload`` could not free it.
                self._server.handle_chat_completions(body, generation.put)
        except BaseException as raised:  # noqa: BLE001 - whoever waits for the answer has to hear of it
            error = from_exception(raised)
        if error is None and self._closing.is_set() and generation.stopped:
            error = ClientClosedError("the client was closed while the local engine answered")
        self._finished(generation, gate)
        generation.end(error)

    def _finished(self, generation: Generation, gate: Gate) -> None:
        with self._lock:
            ours = generation in self._running
            self._running.discard(generation)
            self._idle.notify_all()
        if self._closing.is_set():
            self.unload()
        if ours:
            gate.release()

    def _load(self) -> None:
        with self._load_lock:
            if self._server is not None:
                return
            path = self._settings.find(self._closing)
            _check_file(path)
            self._server = _start(path, self._settings)

    # -- around a fork -------------------------------------------------------------------------------------------

    def after_fork(self) -> None:
        """In the child: leave behind what belongs to the parent. Only a model that was in use is still here."""
        for generation in self._running:
            generation.orphan()
        if self._server is not None:
            # Its threads do not exist here, and freeing it would wait for them: it is kept instead.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._server))
            self._server = None
        self._renew(closed=self._closing.is_set())


def _check_file(path: Path) -> None:
    """Refuse what is no GGUF file: the engine itself does not tell what is wrong."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(MAGIC))
    except OSError as error:
        raise ConfigError(f"the model {path} cannot be read: {error.strerror}; check model_path") from None
    if magic != MAGIC:
        raise ConfigError(f"the model {path} is not a GGUF file; check model_path")


def _start(path: Path, settings: EngineSettings) -> Any:
    """Load the model. It takes about a second, and the interpreter's lock is held all the while."""
    engine = import_engine()
    params = engine.CommonParams()
    params.model.path = str(path)
    params.model_alias = {settings.name}
    params.n_parallel, params.n_ctx = settings.parallel, settings.context * settings.parallel
    params.n_batch = params.n_ubatch = BATCH
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
    params.cache_ram_mib, params.n_threads_http = CACHE_MIB, 1
    params.verbosity, params.offline, params.ui = -1, True, False
    if settings.template is not None:
        params.chat_template = files("jackfield_local").joinpath(settings.template).read_text(encoding="utf-8")
    # The engine insists on listening. A socket file that is gone as soon as the model is loaded, in a directory that
    # is ours alone, with a key that nobody knows, is as near to not listening as it gets.
    directory = _socket_directory()
    try:
        params.hostnames = [os.path.join(directory, "s.sock")]
        params.api_keys = [secrets.token_urlsafe(32)]
        return engine.Server(params)
    except RuntimeError as error:
        raise ConfigError(
            f"the model {path} cannot be loaded ({error}); is it whole, and is there memory for it?"
        ) from None
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _socket_directory() -> str:
    """A private directory whose path is short enough for a socket's (108 bytes on Linux, 104 on macOS)."""
    directory = tempfile.mkdtemp(prefix="jackfield-")
    if len(os.fsencode(directory)) > LONGEST and os.name == "posix":
        shutil.rmtree(directory)
        directory = tempfile.mkdtemp(prefix="jackfield-", dir="/tmp")
    return directory


# -- the process ---------------------------------------------------------------------------------------------------

_engines: weakref.WeakSet[Engine] = weakref.WeakSet()
_watching = False


def _watch(engine: Engine) -> None:
    """Have the process's fork and end dealt with. A forked copy of a loaded model would keep the child from ending."""
    global _watching  # noqa: PLW0603 - the process has one list of hooks
    _engines.add(engine)
    if not _watching:
        _watching = True
        atexit.register(_each, Engine.close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=lambda: _each(Engine.unload), after_in_child=lambda: _each(Engine.after_fork))


def _each(action: Callable[[Engine], None]) -> None:
    for engine in list(_engines):
        action(engine)
