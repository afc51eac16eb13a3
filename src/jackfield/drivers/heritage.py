"""Heritage: what a forked child has of its parent's drivers, and must not so much as free.

Sockets and selectors are shared by both. A child that lets go of a driver would have the garbage collector close them,
with a warning for each. No later moment than the fork will do: whatever is garbage already is finalized as a whole.
"""

from __future__ import annotations

import functools
import os
from weakref import WeakSet

_living: WeakSet[object] = WeakSet()
_kept: list[object] = []


def bequeath(driver: object) -> None:
    """Have the children that are forked while a driver is there keep it as long as they live."""
    _living.add(driver)
    _prepare()


@functools.cache
def _prepare() -> None:
    if hasattr(os, "register_at_fork"):  # pragma: no branch - where processes cannot fork, nothing is inherited
        os.register_at_fork(after_in_child=_keep)


def _keep() -> None:
    _kept[:] = _living  # pragma: no cover - runs in forked children only, which tests/lifecycle/test_fork.py looks into
