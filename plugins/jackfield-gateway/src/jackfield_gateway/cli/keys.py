"""``jackfield keys``: the keys of a gateway."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from jackfield.cli.output import document, say, table
from jackfield.cli.source import Source, source_options
from jackfield.client import Client
from jackfield.errors import ConfigError, JackfieldError
from jackfield_gateway.key import Key, KeyLimits
from jackfield_gateway.ring import digest, make_key, make_token
from jackfield_gateway.settings import MEMORY
from jackfield_gateway.store import Store, store_of

T = TypeVar("T")
HEAD = ("ID", "LABEL", "KEY", "MODELS", "LIMITS", "STATE")
UNITS = {"m": 60, "h": 3600, "d": 86_400}


@click.group()
@source_options
def keys() -> None:
    """Make, list and revoke the keys of the gateway."""


class Span(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """A time like 30d, 12h or 90m, in seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        found = re.fullmatch(r"([1-9]\d{0,5})([mhd])", str(value))
        if found is None:
            self.fail("expected a time like 30d, 12h or 90m", param, ctx)
        return float(int(found[1]) * UNITS[found[2]])


def _filled(_: click.Context, param: click.Parameter, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """Refuse a text that says nothing."""
    if not all(text.strip() for text in (value if isinstance(value, tuple) else (value,))):
        raise click.BadParameter("expected a text that is not empty", param=param)
    return value


@keys.command()
@click.option("--label", required=True, callback=_filled, help="What people call it.")
@click.option(
    "--model", "models", multiple=True, callback=_filled, help="A name that it may use, * for any text; all by default."
)
@click.option("--requests-per-minute", type=click.IntRange(1))
@click.option("--tokens-per-minute", type=click.IntRange(1))
@click.option("--tokens-per-day", type=click.IntRange(1))
@click.option("--concurrency", type=click.IntRange(1), help="Requests that may run at once.")
@click.option("--expires", type=Span(), help="After which time it is refused.")
@click.option("--inspect", is_flag=True, help="It may see the calls of all keys on the page, and the metrics.")
@source_options
@click.pass_context
def create(
    context: click.Context,
    *,
    label: str,
    models: tuple[str, ...],
    requests_per_minute: int | None,
    tokens_per_minute: int | None,
    tokens_per_day: int | None,
    concurrency: int | None,
    expires: float | None,
    inspect: bool,
) -> None:
    """Make a key. It is printed once, and nowhere kept."""
    token = make_token()
    limits = KeyLimits(requests_per_minute, tokens_per_minute, tokens_per_day, concurrency)
    until = None if expires is None else time.time() + expires
    key = make_key(token, label, models=models, limits=limits, inspect=inspect, expires=until)
    _with(context, lambda store: store.add_key(key, digest(token)))
    say(f"{key.id} ({label}); this is the only time that the key is shown:")
    click.echo(token)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@source_options
@click.pass_context
def list_keys(context: click.Context, *, as_json: bool) -> None:
    """List the keys, without what opens anything."""
    found = _with(context, lambda store: store.keys())
    if as_json:
        document({"keys": [_plain(key) for key in found]})
        return
    rows = [
        (key.id, key.label, f"{key.hint}…", ", ".join(key.models) or "all", _limits(key), _told(key)) for key in found
    ]
    table(HEAD, rows)


@keys.command()
@click.argument("id_", metavar="ID")
@source_options
@click.pass_context
def revoke(context: click.Context, *, id_: str) -> None:
    """Revoke a key: from a second later on it opens nothing."""
    if not _with(context, lambda store: store.revoke_key(id_, time.time())):
        raise click.ClickException(f"there is no key {id_} that could be revoked")
    say(f"{id_} is revoked")


def _with(context: click.Context, work: Callable[[Store], Awaitable[T]]) -> T:
    """What comes of it with the store of the configuration that the user chose."""
    source = context.ensure_object(Source)

    async def main() -> T:
        store = store_of(settings)
        try:
            await store.open()
            return await work(store)
        finally:
            await store.close()

    try:
        with Client(source.config, profile=source.profile) as client:
            settings = client.section("gateway")
        if settings.store == MEMORY:
            raise ConfigError(
                "gateway.store: keys that are made here need a file, sqlite:gateway.db say, or PostgreSQL"
            )
        return asyncio.run(main())
    except JackfieldError as error:
        raise click.ClickException(error.message) from None


def _limits(key: Key) -> str:
    limits = key.limits
    told = [
        (limits.requests_per_minute, "requests/min"),
        (limits.tokens_per_minute, "tokens/min"),
        (limits.tokens_per_day, "tokens/day"),
        (limits.concurrency, "at once"),
    ]
    return ", ".join(f"{value} {unit}" for value, unit in told if value is not None) or "none"


def _state(key: Key) -> str:
    if key.revoked is not None:
        return "revoked"
    return "valid" if key.valid(time.time()) else "expired"


def _told(key: Key) -> str:
    """Its state for people, with what it may besides and until when."""
    ends = [] if key.expires is None else [f"until {time.strftime('%Y-%m-%d %H:%M', time.localtime(key.expires))}"]
    return ", ".join([_state(key), *(["inspects"] if key.inspect else []), *(ends if key.revoked is None else [])])


def _plain(key: Key) -> dict[str, object]:
    import attrs

    return {**attrs.asdict(key), "state": _state(key)}
