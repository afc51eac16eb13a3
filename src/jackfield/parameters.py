"""Parameters: what of a request a wire format can say, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs

from jackfield.errors import UnsupportedParameterError
from jackfield.models.base import UNSET

if TYPE_CHECKING:
    from jackfield.call import Attempt
    from jackfield.models.request import CreateChatCompletionRequest

Taken = Literal["yes", "partly", "no"]
OnUnsupported = Literal["error", "drop"]
"""What becomes of a parameter that cannot be said: the request is refused, or it is left out and the attempt tells."""


@attrs.frozen
class Parameter:
    """How a provider takes one field of a request.

    Attributes:
        taken: ``yes``; ``partly``, where some of its values cannot be said, or mean something slightly else; ``no``.
        note: for ``partly`` what is different, for ``no`` what to do instead.
    """

    taken: Taken
    note: str = ""


YES = Parameter("yes")
"""The field means the same there."""


def partly(note: str) -> Parameter:
    """Some of its values cannot be said, or mean something slightly else.

    Args:
        note: what is different.
    """
    return Parameter("partly", note)


def no(remedy: str) -> Parameter:
    """It cannot be said at all.

    Args:
        remedy: what to do instead.
    """
    return Parameter("no", remedy)


_NEUTRAL: Mapping[str, Any] = {
    "frequency_penalty": 0,
    "logprobs": False,
    "modalities": ("text",),
    "n": 1,
    "parallel_tool_calls": True,
    "presence_penalty": 0,
    "service_tier": "auto",
    "store": False,
    "tool_choice": "auto",
    "top_logprobs": 0,
}
"""Values that ask for what every service does anyhow."""


@attrs.frozen(eq=False)
class Fitting:
    """One request on its way into a format that cannot say all of it.

    Args:
        provider: its name, for messages.
        on_unsupported: refuse, or leave out.
        attempt: where it is entered what was left out.
    """

    provider: str
    on_unsupported: OnUnsupported
    attempt: Attempt | None

    def lacks(self, param: str, remedy: str) -> None:
        """Refuse a parameter, or enter that it is left out; its caller then leaves it out.

        Args:
            param: its path, as ``seed`` or ``messages[2].content[0]``.
            remedy: what to do instead.

        Raises:
            UnsupportedParameterError: where what cannot be said is not dropped.
        """
        if self.on_unsupported == "drop":
            self.leave_out(param)
            return
        text = f"{param}: {self.provider} has no way to say it; {remedy}, or set on_unsupported to drop it"
        raise UnsupportedParameterError(text, code="unsupported_parameter", param=param)

    def leave_out(self, path: str) -> None:
        """Enter that something is left out which is never refused, for the host did not ask for it.

        Args:
            path: of what another service's answer, which stands in the history, says besides.
        """
        if self.attempt is not None:
            self.attempt.dropped += (path,)

    @staticmethod
    def others(members: Mapping[str, Any], known: Container[str], path: str) -> Iterator[str]:
        """The paths of the members of an object that a format has no place for, in their order; a null says nothing.

        Args:
            members: of the object, as JSON.
            known: names of those that it has a place for, or that something else becomes of.
            path: of the object in the request.
        """
        return (f"{path}.{name}" for name, value in members.items() if value is not None and name not in known)

    def unsaid(self, request: CreateChatCompletionRequest, parameters: Mapping[str, Parameter]) -> list[str]:
        """The fields of a request that are to be left out, all of which the format cannot say.

        What asks for nothing special, such as ``n=1`` or a null, is left out without a word.

        Raises:
            UnsupportedParameterError: as ``lacks``.
        """
        unsaid = []
        for name in _refused(parameters):
            value = getattr(request, name)
            if value is UNSET:
                continue
            unsaid.append(name)
            if value is not None and _plain(value) != _NEUTRAL.get(name, UNSET):
                self.lacks(name, parameters[name].note)
        return unsaid


def _refused(parameters: Mapping[str, Parameter]) -> Iterator[str]:
    return (name for name, parameter in parameters.items() if parameter.taken == "no")


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
