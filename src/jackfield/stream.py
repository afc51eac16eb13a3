"""Chunks on their way to the host: through the hooks of the layers, and into a response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from jackfield.errors import JackfieldError, PluginError
from jackfield.flow import Acquire, Deliver, Flow, Read, Run, Send, Sleep
from jackfield.frame import blame
from jackfield.models.response import CreateChatCompletionResponse

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.fold import Folder
    from jackfield.frame import Frame
    from jackfield.models.chunks import CreateChatCompletionStreamResponse as Chunk
    from jackfield.plan import Layer


class Tail(Deliver):
    """Chunks that have been through the hooks already."""

    __slots__ = ()


EFFECTS = frozenset({Send, Read, Deliver, Tail, Sleep, Run, Acquire})
"""What drivers can do; a plugin cannot invent more."""


def given(provider: Layer, layers: Sequence[Layer], effect: Deliver, call: Call) -> list[Chunk]:
    """The chunks that a provider delivers, as the host is to see them.

    Raises:
        PluginError: the provider, or a layer, gave something else than chunks.
    """
    chunks, kind = list(effect.chunks), _chunk()
    if set(map(type, chunks)) != {kind}:
        for chunk in chunks:
            if not isinstance(chunk, kind):
                raise _no_chunk(provider, chunk)
    return through(layers, chunks, call) if layers and type(effect) is Deliver else chunks


def through(layers: Sequence[Layer], chunks: Iterable[Chunk], call: Call) -> list[Chunk]:
    """Pass chunks through ``on_chunk`` of the layers, innermost first."""
    chunks = list(chunks)
    for layer in layers:
        if "on_chunk" in layer.hooks:
            chunks = [chunk for before in chunks for chunk in _one(layer, before, call)]
    return chunks


def _one(layer: Layer, chunk: Chunk, call: Call) -> Iterable[Chunk]:
    with _blamed(layer):
        after = layer.hooks["on_chunk"](chunk, call)
        return (chunk,) if after is None else list(_checked(layer, after))


def _checked(layer: Layer, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    for chunk in chunks:
        if not isinstance(chunk, _chunk()):
            raise _no_chunk(layer, chunk)
        yield chunk


@cache
def _chunk() -> type[Chunk]:
    """The class of chunks, which only a stream needs."""
    from jackfield.models.chunks import CreateChatCompletionStreamResponse

    return CreateChatCompletionStreamResponse


def _no_chunk(layer: Layer, value: object) -> PluginError:
    return PluginError(f"{layer}: gave {type(value).__name__} for a chunk")


class _blamed:  # noqa: N801 - reads as a statement
    """Notes on a foreign exception which layer raised it."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None and not isinstance(error, JackfieldError):
            blame(error, self._layer)


def tail(layers: Sequence[Layer], call: Call) -> list[Chunk]:
    """What layers held back to the end of the stream, through ``on_chunk`` of the layers outside each."""
    chunks: list[Chunk] = []
    for layer in layers:
        if "on_chunk" in layer.hooks:
            chunks = through((layer,), chunks, call)
        if "end_of_stream" in layer.hooks:
            with _blamed(layer):
                chunks += _checked(layer, layer.hooks["end_of_stream"](call) or ())
    return chunks


def with_tail(
    flow: Flow[CreateChatCompletionResponse | None], layers: Sequence[Layer], call: Call
) -> Flow[CreateChatCompletionResponse | None]:
    """The provider's flow, followed by what layers held back; the flow itself where no layer holds anything."""
    if not any("end_of_stream" in layer.hooks for layer in layers):
        return flow
    return _with_tail(flow, layers, call)


def _with_tail(
    flow: Flow[CreateChatCompletionResponse | None], layers: Sequence[Layer], call: Call
) -> Flow[CreateChatCompletionResponse | None]:
    result = yield from flow
    if result is None:
        rest = tail(layers, call)
        if rest:
            yield Tail(rest, last=True)
    return result


def folder() -> Folder:
    """What puts the chunks of an attempt together as they come, so that none has to be kept."""
    from jackfield.fold import Folder  # only a stream needs it

    return Folder()


def answer(frame: Frame, result: Any) -> Any:
    """What a provider's flow came to; a ``PluginError`` where it is no answer."""
    attempt, request = frame.attempt, frame.request
    assert attempt is not None  # noqa: S101 - of a provider's frame
    if request is None:
        fits = isinstance(result, list)
    elif attempt.stream and result is None:
        result, fits = assemble(attempt.folder, request.model), True
    else:
        fits = isinstance(result, CreateChatCompletionResponse) and attempt.folder is None
    if fits:
        return result
    after = " after it had delivered chunks" if attempt.folder is not None else ""
    wanted = "which is not an answer" if request is not None else "expected a list of Model"
    return PluginError(f"{frame}: returned {type(result).__name__}{after}, {wanted}")


def assemble(folder: Folder | None, model: str) -> CreateChatCompletionResponse:
    """The response that the chunks make; an empty one where the layers dropped all of them."""
    if folder is not None:
        return folder.whole()
    return CreateChatCompletionResponse(id="", created=0, model=model, choices=[])


def replay(response: CreateChatCompletionResponse, layers: Sequence[Layer], call: Call) -> list[Chunk]:
    """A whole response as the chunks of a stream, for the layers of the host and the host."""
    from jackfield.unfold import unfold

    return through(layers, unfold(response), call) + tail(layers, call)
