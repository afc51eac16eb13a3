"""Row: one finding."""

from __future__ import annotations

from typing import Literal

import attrs

from jackfield.redaction import scrub

Status = Literal["ok", "warning", "failed", "skipped"]


def _scrubbed(text: str | None) -> str | None:
    return None if text is None else scrub(text)


@attrs.frozen
class Row:
    """One thing that was looked at. Its texts are scrubbed.

    Attributes:
        about: ``configuration``, ``plugins``, ``host`` (what stands around all backends), or the name of a backend.
        what: was looked at.
        status: ``ok``; ``warning``, it works, but may not for long or not for all; ``failed``; or ``skipped``: it was
            not looked at.
        detail: what was found, or why nothing was looked for.
        remedy: what to do about it, where that is known.
    """

    about: str
    what: str
    status: Status
    detail: str = attrs.field(converter=scrub)
    remedy: str | None = attrs.field(default=None, converter=_scrubbed)
