"""jackfield-gateway: an OpenAI-compatible gateway in front of whatever jackfield is configured for.

``jackfield serve`` runs it; ``running(config)`` runs it inside a program or a test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jackfield_gateway.running import running
    from jackfield_gateway.settings import GatewaySettings

__all__ = ["GatewaySettings", "running"]


_HOMES = {"GatewaySettings": "settings", "running": "running"}


def __getattr__(name: str) -> Any:
    """The public names, loaded when they are asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value  # importing put the module of the same name there
    return value
