"""GET /inspector/…: the last calls, for the page and for programs."""

from __future__ import annotations

import itertools
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from jackfield.wire import encode
from jackfield_gateway.chat import EVENTS
from jackfield_gateway.database import StoreError
from jackfield_gateway.outbound import Reply
from jackfield_gateway.refusal import Refusal

if TYPE_CHECKING:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.inbound import Inbound
    from jackfield_gateway.outbound import Outbound
    from jackfield_gateway.record import Record

PING = 15.0
"""Seconds of silence after which a comment keeps the connection awake."""
TURN = 1.0
"""Seconds after which a live answer looks whether the gateway drains: an open page shall not hold that up."""
LISTED = 1000
"""Calls that one answer lists: more would keep the event loop from others."""
DIGITS = 18
FILTERS = frozenset({"after", "state", "model", "key", "text"})
STATES = ("running", "success", "error", "cancelled")


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
    """The last calls, the newest first, that pass the filters; 1,000 at most. Raises ``Refusal``."""
    wanted = dict(inbound.query)
    number = wanted.get("after", "0")
    if not wanted.keys() <= FILTERS:
        raise Refusal(400, f"expected {', '.join(sorted(FILTERS))}", code="unknown_parameter")
    if not number.isdecimal() or len(number) > DIGITS:
        raise Refusal(400, "expected the sequence number of a call", code="invalid_value", param="after")
    if wanted.get("state", "") not in {"", *STATES}:
        told = f"expected {', '.join(STATES[:-1])} or {STATES[-1]}"
        raise Refusal(400, told, code="invalid_value", param="state")
    after, prices = int(wanted.pop("after", "0")), gateway.settings.prices
    newer = itertools.takewhile(lambda record: record.sequence > after, gateway.recorder.newest())
    passed = (record for record in newer if _passes(record, wanted))
    shown = [record.shown(prices, whole=False) for record in itertools.islice(passed, LISTED)]
    return Reply(encode({"calls": shown, "sequence": gateway.recorder.sequence}))


async def call(gateway: Gateway, inbound: Inbound) -> Reply:
    """One of them, with its spans. Raises ``Refusal``."""
    record = gateway.recorder.find(inbound.parameters["id"])
    if record is None:
        raise Refusal(404, "there is no such call, or it is no longer kept", code="not_found")
    return Reply(encode(record.shown(gateway.settings.prices, whole=True)))


async def live(gateway: Gateway, inbound: Inbound, outbound: Outbound) -> None:
    """Each call from now on as it begins, gets its first chunk and ends, as server-sent events.

    It ends where the client reads too slowly, where its key is revoked or one is demanded since, and where the gateway
    drains; the page comes again by itself, and is told.
    """
    await inbound.body()
    async with outbound.watched():
        with gateway.recorder.followed() as follower:
            await outbound.start(200, EVENTS)
            await outbound.write(b": follows\n\n")
            silent = time.monotonic()
            while not (follower.lost or gateway.draining):
                record = await follower.next(TURN)
                if not await _still_may(gateway, inbound):
                    break
                if record is not None:
                    await outbound.write(b"data: %b\n\n" % encode(record.shown(gateway.settings.prices, whole=False)))
                elif time.monotonic() - silent < PING:
                    continue
                else:
                    await outbound.write(b": ping\n\n")
                silent = time.monotonic()
        await outbound.end()


async def _still_may(gateway: Gateway, inbound: Inbound) -> bool:
    """Whether a request that was let in would be let in now."""
    try:
        await gateway.guard.check_key(inbound, inspects=True)
    except (Refusal, StoreError):
        return False
    return True


def _passes(record: Record, wanted: dict[str, str]) -> bool:
    key, label = record.key or ("", "")
    fits = {"state": record.state, "model": record.model, "key": key}
    text = wanted.get("text", "").lower()
    words = " ".join([record.id, *fits.values(), label, *(record.error or ("", ""))[:2]]).lower()
    return all(fits[name] == value for name, value in wanted.items() if name != "text" and value) and text in words
