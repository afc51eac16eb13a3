"""Body: a request in generateContent's own format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.models import UNSET, CreateChatCompletionRequest
from jackfield.parameters import Fitting
from jackfield_gemini.besides import tell_besides
from jackfield_gemini.conversation import Conversation
from jackfield_gemini.fields import PARAMETERS
from jackfield_gemini.generation import generation
from jackfield_gemini.model import family
from jackfield_gemini.tools import tools

_TIERS = {"default": "standard", "flex": "flex", "priority": "priority", "standard": "standard"}


def body(
    request: CreateChatCompletionRequest,
    fitting: Fitting,
    *,
    safety_settings: Mapping[str, str],
    include_thoughts: bool,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """The body for a request, as plain JSON.

    Args:
        request: of the host.
        fitting: takes what cannot be said.
        safety_settings: thresholds by category.
        include_thoughts: ask for summaries of the thoughts.
        extra: the host's own fields; objects are merged with what was translated, everything else wins over it.

    Raises:
        UnsupportedParameterError: something in it cannot be said.
    """
    fitting.unsaid(request, PARAMETERS)
    models = family(request.model)
    conversation = Conversation(fitting, models)
    conversation.add(request.messages)
    written: dict[str, Any] = {"contents": conversation.contents}
    if conversation.system:
        written["systemInstruction"] = {"parts": conversation.system}
    written |= tools(request, fitting)
    if safety_settings:
        written["safetySettings"] = [
            {"category": category, "threshold": threshold} for category, threshold in safety_settings.items()
        ]
    config = generation(request, models, fitting, include_thoughts=include_thoughts)
    if config:
        written["generationConfig"] = config
    written |= _switches(request, fitting)
    tell_besides(request, fitting)
    return merged(merged(written, request.extra), extra)


def _switches(request: CreateChatCompletionRequest, fitting: Fitting) -> dict[str, Any]:
    if request.parallel_tool_calls is False:
        fitting.lacks("parallel_tool_calls", "leave it out, and take the calls one after the other")
    options = request.stream_options
    if options is not UNSET and options is not None and options.include_obfuscation is True:
        fitting.lacks("stream_options.include_obfuscation", "leave it out")
    tier = request.service_tier
    if tier is UNSET or tier is None or tier == "auto":
        return {}
    if tier not in _TIERS:
        fitting.lacks("service_tier", "give auto, default, flex or priority")
        return {}
    return {"serviceTier": _TIERS[tier]}


def merged(body: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a body and further ones, which win; objects that both have are merged."""
    both = dict(body)
    for name, value in extra.items():
        known = both.get(name)
        is_both = isinstance(known, Mapping) and isinstance(value, Mapping)
        both[name] = merged(known, value) if is_both else value  # type: ignore[arg-type]  # mypy does not follow is_both
    return both
