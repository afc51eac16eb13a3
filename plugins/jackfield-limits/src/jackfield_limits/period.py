"""Period: the hours, days and months that budgets go by, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import attrs

Kind = Literal["hour", "day", "month", "total"]
_SHOWN = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}


@attrs.frozen
class Period:
    """One period.

    Attributes:
        name: of it, unique.
        ends: seconds since 1970; None where it never does.
    """

    name: str
    ends: float | None


def period(kind: Kind, now: float) -> Period:
    """The period that a moment is in.

    Args:
        kind: ``hour``, ``day``, ``month`` or ``total``.
        now: seconds since 1970.
    """
    if kind == "total":
        return Period("total", None)
    moment = datetime.fromtimestamp(now, UTC)
    begin = moment.replace(minute=0, second=0, microsecond=0)
    if kind == "hour":
        end = begin + timedelta(hours=1)
    elif kind == "day":
        end = begin.replace(hour=0) + timedelta(days=1)
    else:
        end = (begin.replace(day=1, hour=0) + timedelta(days=32)).replace(day=1)
    return Period(moment.strftime(_SHOWN[kind]), end.timestamp())
