"""Deviations: what the rows of the table of services have in common."""

from __future__ import annotations

from jackfield.parameters import Parameter, no, partly
from jackfield_openai.fields import FIELDS

MEDIA = ("audio", "modalities")
EXTRAS = ("moderation", "prediction", "service_tier", "store", "verbosity", "web_search_options")
LIMIT = {"max_completion_tokens": "max_tokens"}
NO_NAMES = {"name": "put the name into the text"}
AS_SYSTEM = {"developer": "system"}
REFUSED = no("the service refuses it: leave it out")
PASSED_OVER = no("the server passes over it: leave it out")
NO_EFFECT = partly("without effect while the model thinks")
UNTOLD = partly("its documentation does not tell of it; it is sent, and the service judges")
FEW_MODELS = partly("models that reason refuse it")
USAGE_UNASKED = partly("not sent: the usage of a stream is told unasked")
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
