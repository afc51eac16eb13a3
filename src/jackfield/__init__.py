"""jackfield patches a host application to any LLM backend: one call, one TOML file, plugins for the rest."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers know the name; importing typing would cost more than all of this module
if TYPE_CHECKING:
    from typing import Any

    from jackfield.achat_stream import AsyncChatStream as AsyncChatStream
    from jackfield.aclient import AsyncClient as AsyncClient
    from jackfield.call import Attempt as Attempt
    from jackfield.call import Call as Call
    from jackfield.chat_stream import ChatStream as ChatStream
    from jackfield.client import Client as Client
    from jackfield.errors import APIConnectionError as APIConnectionError
    from jackfield.errors import APIError as APIError
    from jackfield.errors import APIStatusError as APIStatusError
    from jackfield.errors import APITimeoutError as APITimeoutError
    from jackfield.errors import AuthenticationError as AuthenticationError
    from jackfield.errors import BadRequestError as BadRequestError
    from jackfield.errors import CallCancelled as CallCancelled
    from jackfield.errors import CallError as CallError
    from jackfield.errors import ClientClosedError as ClientClosedError
    from jackfield.errors import ConfigError as ConfigError
    from jackfield.errors import ConflictError as ConflictError
    from jackfield.errors import ContentFilterError as ContentFilterError
    from jackfield.errors import ContextLengthExceededError as ContextLengthExceededError
    from jackfield.errors import DeadlineExceededError as DeadlineExceededError
    from jackfield.errors import InternalServerError as InternalServerError
    from jackfield.errors import InvalidResponseError as InvalidResponseError
    from jackfield.errors import JackfieldError as JackfieldError
    from jackfield.errors import NotFoundError as NotFoundError
    from jackfield.errors import PermissionDeniedError as PermissionDeniedError
    from jackfield.errors import PluginError as PluginError
    from jackfield.errors import RateLimitError as RateLimitError
    from jackfield.errors import StreamInterruptedError as StreamInterruptedError
    from jackfield.errors import UnexpectedRedirectError as UnexpectedRedirectError
    from jackfield.errors import UnprocessableEntityError as UnprocessableEntityError
    from jackfield.errors import UnsupportedParameterError as UnsupportedParameterError
    from jackfield.errors import ValidationError as ValidationError
    from jackfield.flow import Acquire as Acquire
    from jackfield.flow import Deliver as Deliver
    from jackfield.flow import Flow as Flow
    from jackfield.flow import Read as Read
    from jackfield.flow import Run as Run
    from jackfield.flow import Send as Send
    from jackfield.flow import Sleep as Sleep
    from jackfield.gate import Gate as Gate
    from jackfield.hookspecs import hookimpl as hookimpl
    from jackfield.http import HttpRequest as HttpRequest
    from jackfield.http import HttpResponse as HttpResponse
    from jackfield.provider import HttpProvider as HttpProvider
    from jackfield.secret import Secret as Secret
    from jackfield.testing.driver import run_flow as run_flow
    from jackfield.wire import from_dict as from_dict
    from jackfield.wire import to_dict as to_dict
    from jackfield.wire import to_json as to_json

_HOMES = {
    "achat_stream": ("AsyncChatStream",),
    "aclient": ("AsyncClient",),
    "call": ("Attempt", "Call"),
    "chat_stream": ("ChatStream",),
    "client": ("Client",),
    "errors": (
        "APIConnectionError",
        "APIError",
        "APIStatusError",
        "APITimeoutError",
        "AuthenticationError",
        "BadRequestError",
        "CallCancelled",
        "CallError",
        "ClientClosedError",
        "ConfigError",
        "ConflictError",
        "ContentFilterError",
        "ContextLengthExceededError",
        "DeadlineExceededError",
        "InternalServerError",
        "InvalidResponseError",
        "JackfieldError",
        "NotFoundError",
        "PermissionDeniedError",
        "PluginError",
        "RateLimitError",
        "StreamInterruptedError",
        "UnexpectedRedirectError",
        "UnprocessableEntityError",
        "UnsupportedParameterError",
        "ValidationError",
    ),
    "flow": ("Acquire", "Deliver", "Flow", "Read", "Run", "Send", "Sleep"),
    "gate": ("Gate",),
    "hookspecs": ("hookimpl",),
    "http": ("HttpRequest", "HttpResponse"),
    "provider": ("HttpProvider",),
    "secret": ("Secret",),
    "testing.driver": ("run_flow",),
    "wire": ("from_dict", "to_dict", "to_json"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME, "__version__"])  # noqa: PLE0605 - the table above is the list


def __getattr__(name: str) -> Any:
    """A public name; its module is imported when it is first asked for."""
    import importlib

    if name == "__version__":
        from importlib.metadata import version

        return version("jackfield")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
