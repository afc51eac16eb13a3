"""GET /inspector/…: the last calls, for the page and for programs."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from jackfield.wire import encode
from jackfield_gateway.chat import EVENTS
from jackfield_gateway.outbound import Reply
from jackfield_gateway.refusal import Refusal

if TYPE_CHECKING:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.inbound import Inbound
    from jackfield_gateway.outbound import Outbound
    from jackfield_gateway.record import Record

PING = 15.0
"""Seconds of silence after which a comment keeps the connection awake."""
FILTERS = frozenset({"after", "state", "model", "key", "text"})


async def about(gateway: Gateway, _: Inbound) -> Reply:
    """What this gateway is."""
    told = {
        "version": version("jackfield-gateway"),
        "models": [name for name in gateway.client.names.models if gateway.serves(name, None)],
        "content": gateway.recorder.content,
        "keys": await gateway.ring.demanded(),
        "started": gateway.recorder.started,
        "active": gateway.active,
    }
    return Reply(encode(told))


async def calls(gateway: Gateway, inbound: Inbound) -> Reply:
    """The last calls, the newest first, that pass the filters. Raises ``Refusal``."""
    wanted = dict(inbound.query)
    if not wanted.keys() <= FILTERS or not wanted.get("after", "0").isdecimal():
        raise Refusal(400, f"expected {', '.join(sorted(FILTERS))}", code="unknown_parameter")
    after, prices = int(wanted.pop("after", "0")), gateway.settings.prices
    shown = [
        record.shown(prices, whole=False)
        for record in gateway.recorder.newest()
        if record.sequence > after and _passes(record, wanted)
    ]
    return Reply(encode({"calls": shown, "sequence": gateway.recorder.sequence}))


async def call(gateway: Gateway, inbound: Inbound) -> Reply:
    """One of them, with its spans. Raises ``Refusal``."""
    record = gateway.recorder.find(inbound.parameters["id"])
    if record is None:
        raise Refusal(404, "there is no such call, or it is no longer kept", code="not_found")
    return Reply(encode(record.shown(gateway.settings.prices, whole=True)))


async def live(gateway: Gateway, inbound: Inbound, outbound: Outbound) -> None:
    """Every change of a call from now on, as server-sent events."""
    await inbound.body()
    async with outbound.watched():
        await outbound.start(200, EVENTS)
        await outbound.write(b": follows\n\n")
        async for record in gateway.recorder.follow(PING):
            if record is None:
                await outbound.write(b": ping\n\n")
            else:
                await outbound.write(b"data: %b\n\n" % encode(record.shown(gateway.settings.prices, whole=False)))
        await outbound.end()


def _passes(record: Record, wanted: dict[str, str]) -> bool:
    labels = record.call.labels
    fits = {
        "state": record.state,
        "model": record.call.model,
        "key": labels.get("key", ""),
    }
    text = wanted.get("text", "").lower()
    words = " ".join([record.id, *fits.values(), labels.get("key_label", ""), *(record.error or ("", ""))[:2]]).lower()
    return all(fits[name] == value for name, value in wanted.items() if name != "text" and value) and text in words
