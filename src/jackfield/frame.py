"""Frame: one flow on the engine's stack, with the responses that belong to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from jackfield.errors import PluginError
from jackfield.http import HttpResponse
from jackfield.models.response import CreateChatCompletionResponse

if TYPE_CHECKING:
    from jackfield.call import Attempt
    from jackfield.flow import Flow, Read
    from jackfield.models.request import CreateChatCompletionRequest
    from jackfield.plan import Layer, Route
    from jackfield.span import Span

CHAT, PROVIDER, HTTP, BODY, PLAIN = "chat", "provider", "http", "body", "plain"
BLAME = "raised in "
_WANTED: dict[str, type] = {CHAT: CreateChatCompletionResponse, HTTP: HttpResponse, BODY: bytes}


class Frame:
    """A flow that has begun and not ended.

    Attributes:
        kind: what it may yield: ``chat`` a request, ``http`` an HTTP request, ``provider`` chunks; all of them effects.
        route, level: where it stands among the layers.
        error: the last exception that was thrown into it and not followed by a success.
        attempt, request: of a provider.
        answered: the last request that it passed inward was answered.
        span: what it takes, where somebody wants to know.
    """

    __slots__ = ("answered", "attempt", "error", "flow", "kind", "layer", "level", "owned", "request", "route", "span")

    def __init__(
        self,
        kind: str,
        flow: Flow[Any],
        *,
        layer: Layer | None = None,
        route: Route | None = None,
        level: int = 0,
        request: CreateChatCompletionRequest | None = None,
        attempt: Attempt | None = None,
    ) -> None:
        self.kind, self.flow, self.layer, self.route, self.level = kind, flow, layer, route, level
        self.request, self.attempt = request, attempt
        self.answered = False
        self.error: BaseException | None = None
        self.owned: list[HttpResponse] | None = None
        self.span: Span | None = None

    def own(self, response: HttpResponse) -> None:
        """Have the frame close ``response`` when it ends."""
        if self.owned is None:
            self.owned = [response]
        else:
            self.owned.append(response)

    def release(self, kept: object = None) -> None:
        """Close what belongs to the frame, but for the body of the response that it returned."""
        if self.owned is None:
            return
        body = kept.body if isinstance(kept, HttpResponse) else None  # to look into an answer would fold its chunks
        for response in self.owned:
            if response.body is not body:
                response.body.release()
        self.owned = None

    def __str__(self) -> str:
        if self.layer is None:
            return "the reader of a response" if self.kind is BODY else "a flow"
        return str(self.layer)


def begin(layer: Layer, hook: str, answer: type | None, *args: Any) -> Flow[Any]:
    """The flow of a layer's hook; one that is no generator may give an ``answer`` at once, or else broke the contract.

    Whatever happens in it happens when the flow is driven, so that one place deals with it.
    """
    function = layer.hooks.get(hook)
    if function is None:
        return _raise(PluginError(f"{layer}: does not implement {hook}"))
    flow = made(function, *args)
    if type(flow) is GeneratorType:
        return flow
    if answer is not None and isinstance(flow, answer):
        return _return(flow)
    return _raise(PluginError(f"{layer}: {hook} must be a generator function, but returned {_kind(flow)}"))


def misfit(frame: Frame, result: object) -> PluginError | None:
    """What is wrong with that which a layer returned; None where nothing is. A provider's is looked at elsewhere."""
    wanted = _WANTED.get(frame.kind)
    if wanted is None or isinstance(result, wanted):
        return None
    return PluginError(f"{frame}: returned {type(result).__name__}, expected {wanted.__name__}")


def begin_body(reader: Callable[[Read], Any], effect: Read) -> Flow[Any]:
    """The flow that reads a body before which a layer stands."""
    flow = made(reader, effect)
    if type(flow) is GeneratorType:
        return flow
    return _raise(PluginError(f"the reader of a response must be a generator function, but returned {_kind(flow)}"))


def made(function: Callable[..., Any], *args: Any) -> Any:
    """What a function of a layer returns; for what it raises a flow that raises it."""
    try:
        return function(*args)
    except BaseException as error:  # noqa: BLE001 - raised again where the flow is driven
        return _raise(error)


def _return(answer: Any) -> Flow[Any]:
    yield from ()  # makes it a generator
    return answer


def _raise(error: BaseException) -> Flow[Any]:
    yield from ()  # makes it a generator
    raise error


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__


def blame(error: BaseException, where: object) -> None:
    """Note on a foreign exception where it was raised, once."""
    notes = getattr(error, "__notes__", ())
    if not any(note.startswith(BLAME) for note in notes):
        with suppress(Exception):  # of a class that minds its attributes
            error.add_note(f"{BLAME}{where}")
