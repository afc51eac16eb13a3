"""The sync driver: urllib3, one thread a call."""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, cast

from urllib3 import PoolManager, ProxyManager, make_headers
from urllib3.exceptions import EmptyPoolError, HTTPError

from jackfield.drivers.connection import POOLS, SLICE, Pool, SyncBody, current
from jackfield.drivers.failure import transport_error
from jackfield.drivers.heritage import bequeath
from jackfield.drivers.live import POOL_WAIT, Live
from jackfield.drivers.network import credentials, proxy_for, tls_context
from jackfield.drivers.watchdog import Watchdog
from jackfield.errors import CallError, ConfigError, DeadlineExceededError, PluginError
from jackfield.flow import Acquire, Deliver, Effect, Read, Run, Send, Sleep
from jackfield.headers import check_headers
from jackfield.http import HttpResponse, Origin, Transport


class SyncDriver:
    """Drives calls in the threads of the host."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.watchdog = Watchdog()
        self._pools: dict[tuple[Origin, Transport], Pool] = {}
        self._perform: dict[type[Effect], Callable[[Any, Live], Any]] = {
            Send: self._send,
            Read: self._read,
            Sleep: self._sleep,
            Run: self._run,
            Acquire: self._acquire,
        }
        bequeath(self)

    def advance(self, live: Live, effect: Effect | None) -> Deliver | None:
        """Drive a call on from ``effect`` until it delivers chunks, or ends: then None.

        What takes the call down (``KeyboardInterrupt``, say) is raised by the engine's ``result``.
        """
        engine = live.engine
        while effect is not None:
            if type(effect) is Deliver:
                return effect
            try:
                value = self._perform[type(effect)](effect, live)
            except BaseException as error:  # noqa: BLE001 - the engine deals with every failure
                if live.closing is not None and isinstance(error, Exception):
                    engine.cancel(live.closing)
                    return None
                effect = engine.fail(error)
            else:
                effect = engine.step(value)
        return None

    def end(self, live: Live) -> None:
        """Let go of a call that has ended; an interrupt may have kept it from giving its connections back."""
        for conn, pool in list(live.lent.items()):
            pool.give_back(conn, alive=False)
        self.watchdog.discard(live)

    def close(self) -> None:
        """Close all connections and end the watchdog."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()
        self.watchdog.stop()

    # -- effects -------------------------------------------------------------------------------------------------

    def _send(self, effect: Send, live: Live) -> HttpResponse:
        request = effect.request
        check_headers(request.headers)
        try:
            pool = self._pool(request.origin, live.transport)
        except ConfigError as error:
            raise live.placed(error) from None
        live.sent = False
        live.wait("pool", POOL_WAIT)
        current.live = live
        try:
            return pool.exchange(request)
        except CallError:
            raise
        except EmptyPoolError:
            raise live.over() or live.timeout() from None
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            raise live.over() or transport_error(error, request.origin, sent=live.sent) from None
        finally:
            del current.live
            live.rest()

    def _read(self, effect: Read, live: Live) -> bytes:
        limit = live.transport.max_response_bytes
        if not effect.whole:
            return self._block(effect, live, limit)
        blocks = []
        while block := self._block(effect, live, limit):
            blocks.append(block)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def _block(self, effect: Read, live: Live, limit: int) -> bytes:
        response = effect.response
        body: SyncBody = response.body  # type: ignore[assignment]  # this driver's own
        if body.held:
            live.wait("idle", live.timeouts.idle if effect.within is None else effect.within)
        try:
            while body.held:
                block = body.read(live)
                error = live.over()  # whatever came, the socket may be shut by now
                if error is not None:
                    raise error
                decoded = response.decode(block, limit) if block else b""
                if decoded:
                    return decoded
            return response.decode(b"", limit)
        except (OSError, ValueError) as error:
            raise live.over() or transport_error(error, response.request.origin, sent=True) from None
        finally:
            live.rest()

    def _sleep(self, effect: Sleep, live: Live) -> None:
        if effect.seconds > live.engine.call.time_left:
            raise DeadlineExceededError
        self._wait(threading.Event(), effect.seconds, live)

    def _acquire(self, effect: Acquire, live: Live) -> None:
        entered = threading.Event()
        ticket = effect.gate.line_up(entered.set)
        try:
            while not ticket.granted:
                self._wait(entered, live.engine.call.time_left, live)
                live.check()
        except BaseException:
            effect.gate.leave(ticket)
            raise

    def _wait(self, event: threading.Event, seconds: float, live: Live) -> None:
        """Let time pass until the event; closing the call from elsewhere ends it.

        In slices, for Python runs a handler of signals only between two of its own steps: one that comes just before
        the thread begins to wait would be heard when the wait is over.
        """
        live.cut = event.set
        until = time.monotonic() + seconds
        while live.closing is None and (left := until - time.monotonic()) > 0 and not event.wait(min(left, SLICE)):
            pass
        live.part(event.set)
        if live.closing is not None:
            raise live.closing

    def _run(self, effect: Run, live: Live) -> Any:
        live.check()
        try:
            value = live.engine.context.copy().run(effect.function, *effect.args)
        except StopIteration:
            raise PluginError("a Run function raised StopIteration; use Run(next, iterator, None)") from None
        live.check()
        return value

    # -- pools ---------------------------------------------------------------------------------------------------

    def _pool(self, origin: Origin, transport: Transport) -> Pool:
        try:
            return self._pools[origin, transport]
        except KeyError:  # of two threads that come first, one makes a pool for nothing: it has no connection yet
            return self._pools.setdefault((origin, transport), self._make_pool(origin, transport))

    def _make_pool(self, origin: Origin, transport: Transport) -> Pool:
        options: dict[str, Any] = {"maxsize": transport.max_connections, "block": True}
        proxy = proxy_for(origin, transport)
        context: ssl.SSLContext | None = None
        if origin.scheme == "https" or (proxy or "").startswith("https:"):
            context = tls_context(transport)
            options["ssl_context"] = context
        if proxy is None:
            manager = PoolManager(num_pools=1, **options)
        else:
            login = credentials(proxy)
            headers = None if login is None else make_headers(proxy_basic_auth=":".join(login))
            manager = ProxyManager(proxy, num_pools=1, proxy_headers=headers, proxy_ssl_context=context, **options)
        manager.pool_classes_by_scheme = POOLS
        pool: Any = manager.connection_from_host(origin.host, origin.port, origin.scheme)
        return cast("Pool", pool)
