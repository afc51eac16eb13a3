"""Tools for tests of plugins and hosts: the scripted driver, a plan without configuration, the echo provider.

The contract classes need the extra: ``pip install 'jackfield[testing]'``. They are imported when they are asked for, so
that nothing else here needs pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jackfield.drivers.scripted import Reply, ScriptedBody, ScriptedDriver
from jackfield.testing.driver import make_call, plan, run_call, run_flow
from jackfield.testing.echo import Echo

if TYPE_CHECKING:
    from jackfield.testing.contract.inprocess import InProcessContract as InProcessContract
    from jackfield.testing.contract.middleware import MiddlewareContract as MiddlewareContract
    from jackfield.testing.contract.provider import ProviderContract as ProviderContract
    from jackfield.testing.contract.server import Endpoint as Endpoint
    from jackfield.testing.contract.server import ServerContract as ServerContract

__all__ = ["Echo", "Reply", "ScriptedBody", "ScriptedDriver", "make_call", "plan", "run_call", "run_flow"]

_CONTRACTS = {
    "Endpoint": "server",
    "InProcessContract": "inprocess",
    "MiddlewareContract": "middleware",
    "ProviderContract": "provider",
    "ServerContract": "server",
}
"""The modules in ``jackfield.testing.contract`` of the classes that tests subclass, and of what those are given."""


def __getattr__(name: str) -> Any:
    module = _CONTRACTS.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"jackfield.testing.contract.{module}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_CONTRACTS])
