"""Fields: those of a request, as OpenAI's API has them."""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.models import CreateChatCompletionRequest
from jackfield.parameters import YES, Parameter, no

FIELDS = tuple(sorted(CreateChatCompletionRequest.__wire_fields__))
"""The names of all fields of a request."""
ALL: Mapping[str, Parameter] = dict.fromkeys(FIELDS, YES)
"""Each means what OpenAI says."""
UNLISTED = no("its documentation does not list it: leave it out")


def only(*names: str, **others: Parameter) -> dict[str, Parameter]:
    """The deviations of a service whose documentation lists what it takes: all else is not taken.

    Args:
        names: fields that mean the same there.
        others: fields that are taken otherwise.
    """
    unknown = {*names, *others} - set(FIELDS)
    if unknown:
        raise ValueError(f"no field of a request: {', '.join(sorted(unknown))}")
    return {name: UNLISTED for name in FIELDS if name not in names} | others
