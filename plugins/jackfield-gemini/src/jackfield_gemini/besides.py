"""Besides: unknown fields inside of a request, which the format has no place for."""

from __future__ import annotations

from collections.abc import Iterator

from jackfield.models import CreateChatCompletionRequest
from jackfield.models.base import EMPTY, WireValue, unread_extra
from jackfield.models.parts import UnknownContentPart
from jackfield.models.tools import UnknownTool
from jackfield.parameters import Fitting

_GOOGLES = "extra_content"
"""The field of messages and calls in which Google's services tell what OpenAI's fields do not."""


def tell_besides(request: CreateChatCompletionRequest, fitting: Fitting) -> None:
    """Enter in the attempt which unknown fields of messages, parts, tools and options are not sent.

    They are never refused: what another service said besides stands in a history too. Those of the request itself are
    the service's own, and are sent.
    """
    if fitting.attempt is not None:
        left_out = set(fitting.attempt.dropped)
        for name, value in vars(request).items():
            for path in _besides(value, name, left_out):
                fitting.leave_out(path)


def _besides(value: object, place: str, left_out: set[str]) -> Iterator[str]:
    """The paths of the unknown fields in a value, unless all of it is left out."""
    if value.__class__ is tuple:
        for number, each in enumerate(value):
            yield from _besides(each, f"{place}[{number}]", left_out)
    elif isinstance(value, WireValue) and place not in left_out:
        if unread_extra(value) is not EMPTY:
            others = Fitting.others(value.extra, _taken(value), place)
            yield from (path for path in others if path not in left_out)
        for name, inner in vars(value).items():
            yield from _besides(inner, f"{place}.{name}", left_out)


def _taken(value: WireValue) -> tuple[str, ...]:
    """The names of unknown fields that are sent: of what is the service's own, those under the name of its type."""
    return (_GOOGLES, value.type) if isinstance(value, UnknownTool | UnknownContentPart) else (_GOOGLES,)
