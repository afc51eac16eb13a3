"""``jackfield serve``: the gateway as a process."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING

import click

from jackfield.cli.output import say
from jackfield.cli.source import Source, source_options
from jackfield.errors import ConfigError, JackfieldError
from jackfield_gateway.settings import MEMORY

if TYPE_CHECKING:
    from jackfield_gateway.settings import GatewaySettings

LEAVE = 5.0
"""Seconds beyond its drain after which a worker that has not ended is killed."""


@click.command()
@click.option("--host", help="Address to listen on, in place of the configured one.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that share the port.")
@source_options
@click.pass_context
def serve(context: click.Context, *, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the configured models over HTTP, as OpenAI's API has it.

    SIGTERM and Ctrl-C let running calls end; a second one ends at once. SIGHUP reads the configuration again.
    """
    from jackfield_gateway.process import prepare
    from jackfield_gateway.server import bind
    from jackfield_gateway.settings import read

    source = context.ensure_object(Source)
    prepare()
    changes = {"host": host, "port": port, "workers": workers}
    try:
        settings = read(source.config, source.profile).but(**changes)
        with bind(settings.host, settings.port, settings.limits.reader_stall) as listener:
            _check(settings, listener)
            well = _serve(source, settings, listener)
    except JackfieldError as error:
        raise click.ClickException(error.message) from None
    context.exit(0 if well else 1)


def _serve(source: Source, settings: GatewaySettings, listener: socket.socket) -> bool:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{listener.getsockname()[1]}"
    if settings.workers == 1:
        from jackfield_gateway.process import run

        run(_alone(source, settings, listener, url))
        return True
    from jackfield_gateway.workers import Workers, command_of, keep

    own = {"host": settings.host, "port": settings.port, "workers": settings.workers}
    command = command_of(listener, config=source.config, profile=source.profile, **own)
    patience = settings.limits.drain + LEAVE
    return asyncio.run(keep(Workers(command, settings.workers, listener, patience=patience), lambda: say(url)))


async def _alone(source: Source, settings: GatewaySettings, listener: socket.socket, url: str) -> None:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.process import attend

    gateway = Gateway(source.config, profile=source.profile, settings=settings)
    await attend(gateway, listener, lambda: say(url))


def _check(settings: GatewaySettings, listener: socket.socket) -> None:
    """Refuse what cannot go well: several processes without a store for all, and other machines without keys.

    What the socket got is looked at, since a name may mean anything.
    """
    if settings.workers > 1 and settings.store == MEMORY:
        raise ConfigError(
            "gateway.store: several workers need one for all: a file, sqlite:gateway.db say, or PostgreSQL"
        )
    address = listener.getsockname()[0]
    if ipaddress.ip_address(address.partition("%")[0]).is_loopback:
        return
    if settings.keys == "never":
        raise ConfigError("gateway.keys: never is only for loopback; other machines could ask whatever they like")
    if not asyncio.run(_has_keys(settings)):
        raise ConfigError(
            f"{settings.host} can be reached by other machines: make a key first: jackfield keys create --label NAME"
        )


async def _has_keys(settings: GatewaySettings) -> bool:
    from jackfield_gateway.store import store_of

    store = store_of(settings)
    try:
        await store.open()
        return await store.has_keys()
    finally:
        await store.close()
