"""Clients: one client of each kind for a process, made when the first model is asked, closed when the process ends."""

from __future__ import annotations

import asyncio
import atexit
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jackfield

_lock = threading.Lock()
_client: jackfield.Client | None = None
_aclient: jackfield.AsyncClient | None = None


def client() -> jackfield.Client:
    """The client of this process.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    global _client  # noqa: PLW0603 - one for the process: limits and budgets are counted in it
    import jackfield

    with _lock:
        if _client is None:
            _client = jackfield.Client()
            atexit.register(_close)
        return _client


def aclient() -> jackfield.AsyncClient:
    """The asynchronous client of this process, for whichever event loop.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    global _aclient  # noqa: PLW0603 - as above
    import jackfield

    with _lock:
        if _aclient is None:
            _aclient = jackfield.AsyncClient()
            atexit.register(_aclose)
        return _aclient


def close() -> None:
    """Close what was made. What is asked for later is made anew, of the configuration that holds then."""
    _close()
    _aclose()


def _close() -> None:
    """Close the client, and drop it while the interpreter is still whole."""
    global _client
    made, _client = _client, None
    if made is not None:
        made.close()


def _aclose() -> None:
    global _aclient
    made, _aclient = _aclient, None
    if made is not None:
        asyncio.run(made.close())
