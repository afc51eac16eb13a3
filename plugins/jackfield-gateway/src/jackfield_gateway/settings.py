"""The ``[gateway]`` table: everything that an operator can set about the gateway."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from jackfield.secret import Secret
from jackfield_gateway import checks

MIB = 1024 * 1024
MEMORY = "sqlite::memory:"
"""A store that is of one process, and ends with it."""


@attrs.frozen
class Price:
    """What a million tokens of a model cost, in any currency, the same for all.

    Attributes:
        input: of the prompt.
        output: of the answer.
        cached_input: of the prompt, read from a cache; the price of ``input`` unless told.
    """

    input: float = attrs.field(validator=checks.number(0, 1_000_000, "the price of a million tokens"))
    output: float = attrs.field(validator=checks.number(0, 1_000_000, "the price of a million tokens"))
    cached_input: float | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(checks.number(0, 1_000_000, "the price of a million tokens")),
    )


@attrs.frozen
class Limits:
    """How much the gateway takes on, and how long it waits.

    Attributes:
        body_bytes: the largest body of a request.
        body_stall: seconds between two pieces of a body.
        body_total: seconds for a whole body.
        reader_stall: seconds that a client may leave what was sent to it unread.
        concurrency: calls that run at once, in each worker.
        queue: calls that wait for others to end, in each worker; more are answered with 429.
        queue_wait: seconds that a call waits at most.
        drain: seconds that running calls get after SIGTERM.
    """

    body_bytes: int = attrs.field(default=20 * MIB, validator=checks.whole(1024, 1024 * MIB))
    body_stall: float = attrs.field(default=60.0, validator=checks.seconds)
    body_total: float = attrs.field(default=300.0, validator=checks.seconds)
    reader_stall: float = attrs.field(default=30.0, validator=checks.seconds)
    concurrency: int = attrs.field(default=2000, validator=checks.whole(1, 100_000))
    queue: int = attrs.field(default=1000, validator=checks.whole(0, 100_000))
    queue_wait: float = attrs.field(default=30.0, validator=checks.seconds)
    drain: float = attrs.field(default=30.0, validator=checks.number(0, 86_400, "seconds"))


@attrs.frozen
class Inspector:
    """What the page shows of calls.

    Attributes:
        calls: how many of the last calls are kept, in memory; 0 keeps none.
        content: whether prompts and answers are kept with them.
    """

    calls: int = attrs.field(default=500, validator=checks.whole(0, 100_000))
    content: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool))


def _where(value: Any) -> Any:
    """A reference as such: a file knows only texts."""
    if isinstance(value, str) and not value.startswith("sqlite:"):
        with contextlib.suppress(ValueError):
            return Secret(value)
    return value


@attrs.define(eq=False)
class GatewaySettings:
    """How ``jackfield serve`` listens, whom it serves, and what it keeps.

    Attributes:
        host: address to listen on. Other than loopback needs keys.
        port: TCP port; 0 takes a free one.
        workers: processes that share the port.
        keys: ``always`` demands a key of each request; ``never`` demands none, and is only for loopback; ``auto``
            demands one as soon as a key was made.
        models: names that clients may use, with ``*`` for any text; all where the list is empty.
        hosts: names under which clients reach it, besides its address and ``localhost``.
        origins: origins of other pages that browsers may let ask it, ``https://app.example`` say; none by default.
        store: where keys and stored completions are: ``sqlite:PATH``, or a reference to a ``postgresql://`` URL, as in
            ``env:DATABASE_URL``; a file in the user's data directory where it is left out.
        page: whether the playground and the inspector are served at ``/``.
        limits: how much it takes on, and how long it waits.
        inspector: what the page shows of calls.
        prices: what models cost, by ``backend/model`` or the name of the backend's model, for the costs that are shown.
    """

    host: str = attrs.field(default="127.0.0.1", validator=attrs.validators.instance_of(str))
    port: int = attrs.field(default=4000, validator=checks.whole(0, 65_535))
    workers: int = attrs.field(default=1, validator=checks.whole(1, 256))
    keys: Literal["auto", "always", "never"] = attrs.field(
        default="auto", validator=checks.one_of("auto", "always", "never")
    )
    models: tuple[str, ...] = attrs.field(default=(), validator=checks.filled)
    hosts: tuple[str, ...] = attrs.field(default=(), validator=checks.hosts)
    origins: tuple[str, ...] = attrs.field(default=(), validator=checks.origins)
    store: str | Secret | None = attrs.field(default=None, converter=_where, validator=checks.place)
    page: bool = attrs.field(default=True, validator=attrs.validators.instance_of(bool))
    limits: Limits = attrs.field(factory=Limits)
    inspector: Inspector = attrs.field(factory=Inspector)
    prices: Mapping[str, Price] = attrs.field(factory=dict)

    def but(self, **changes: Any) -> GatewaySettings:
        """The same with some settings changed; those that are None stay."""
        return attrs.evolve(self, **{name: value for name, value in changes.items() if value is not None})


def read(
    config: str | os.PathLike[str] | Mapping[str, Any] | None,
    profile: str | None = None,
    plugins: Mapping[str, type] | None = None,
) -> GatewaySettings:
    """The settings of a configuration. Arguments, and what is raised, as for ``jackfield.Client``."""
    from jackfield.client import Client

    with Client(config, profile=profile, plugins=plugins) as client:
        settings: GatewaySettings = client.section("gateway")
    return settings
