"""``jackfield serve``: the gateway as a process."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import signal
import socket
from typing import TYPE_CHECKING

import click

from jackfield.cli.output import say
from jackfield.cli.source import Source, source_options
from jackfield.errors import ConfigError, JackfieldError

if TYPE_CHECKING:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.settings import GatewaySettings

log = logging.getLogger("jackfield.gateway")


@click.command()
@click.option("--host", help="Address to listen on, in place of the configured one.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port; 0 takes a free one.")
@source_options
@click.pass_context
def serve(context: click.Context, *, host: str | None, port: int | None) -> None:
    """Serve the configured models over HTTP, as OpenAI's API has it.

    SIGTERM and Ctrl-C let running calls end; a second one ends at once. SIGHUP reads the configuration again.
    """
    source = context.ensure_object(Source)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_main(source, host, port))
    except JackfieldError as error:
        raise click.ClickException(error.message) from None


async def _main(source: Source, host: str | None, port: int | None) -> None:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.server import bind
    from jackfield_gateway.server import serve as run

    first = Gateway(source.config, profile=source.profile)
    settings = first.settings.but(host=host, port=port)
    await first.client.close()
    gateway = Gateway(source.config, profile=source.profile, settings=settings)
    await _check(gateway, settings)
    listener = bind(settings.host, settings.port, settings.limits.reader_stall)
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{shown}:{listener.getsockname()[1]}"
    stop = asyncio.Event()
    _listen_to_signals(stop, gateway)
    await run(gateway, listener, stop, opened=lambda: say(url))


async def _check(gateway: Gateway, settings: GatewaySettings) -> None:
    """Refuse to serve other machines without keys."""
    if _is_loopback(settings.host):
        return
    if settings.keys == "never":
        raise ConfigError("gateway.keys: never is only for loopback; other machines could ask whatever they like")
    await gateway.store.open()
    try:
        made = await gateway.store.has_keys()
    finally:
        await gateway.store.close()
    if not made:
        raise ConfigError(f"{settings.host} can be reached by other machines: make a key first: jackfield keys create")


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found)


def _listen_to_signals(stop: asyncio.Event, gateway: Gateway) -> None:
    loop = asyncio.get_running_loop()

    def end() -> None:
        if stop.is_set():
            os._exit(1)  # whoever asks twice does not want to wait
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(_reload(gateway))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, reload)


async def _reload(gateway: Gateway) -> None:
    try:
        await gateway.client.reload()
    except JackfieldError as error:
        log.error("the configuration was not taken: %s", error)  # noqa: TRY400 - the message tells all
    else:
        log.info("the configuration was read again")
