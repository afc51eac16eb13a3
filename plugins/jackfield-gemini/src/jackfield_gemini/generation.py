"""Generation: the generationConfig of a body: how the answer is made, and in which form."""

from __future__ import annotations

from typing import Any

from jackfield.models import UNSET, CreateChatCompletionRequest
from jackfield.models.formats import ResponseFormatJsonObject, ResponseFormatJsonSchema, ResponseFormatText
from jackfield.parameters import Fitting
from jackfield_gemini.model import Family
from jackfield_gemini.thinking import thinking

MOST_STOPS = 5
_SAME = {
    "temperature": "temperature",
    "top_p": "topP",
    "n": "candidateCount",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
"""Fields that only have another name."""
_UNSAID: dict[str, Any] = {
    "n": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logprobs": False,
    "top_logprobs": 0,
}
"""Values that ask for nothing; many models refuse the parameters even then."""
_JSON = "application/json"


def generation(
    request: CreateChatCompletionRequest, family: Family, fitting: Fitting, *, include_thoughts: bool
) -> dict[str, Any]:
    """The ``generationConfig`` for a request; empty where there is nothing to say.

    Raises:
        UnsupportedParameterError: something cannot be said.
    """
    config: dict[str, Any] = {}
    for field, name in _SAME.items():
        value = getattr(request, field)
        if value is not UNSET and value is not None and value != _UNSAID.get(field, UNSET):
            config[name] = value
    config |= _limits(request, fitting)
    config |= _format(request, fitting)
    config |= _modalities(request, fitting)
    effort = request.reasoning_effort if isinstance(request.reasoning_effort, str) else None
    thoughts = thinking(effort, family, fitting, include_thoughts=include_thoughts)
    return {**config, "thinkingConfig": thoughts} if thoughts else config


def _limits(request: CreateChatCompletionRequest, fitting: Fitting) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    most, old = _number(request.max_completion_tokens), _number(request.max_tokens)
    if most is not None and old is not None and most != old:
        fitting.lacks("max_tokens", "give max_completion_tokens alone")
    if most is not None or old is not None:
        limits["maxOutputTokens"] = old if most is None else most
    if (seed := _number(request.seed)) is not None:
        if -(2**31) <= seed < 2**31:
            limits["seed"] = seed
        else:
            fitting.lacks("seed", "give a number of 32 bits, from -2147483648 to 2147483647")
    stops = [request.stop] if isinstance(request.stop, str) else list(_listed(request.stop))
    if len(stops) > MOST_STOPS:
        fitting.lacks("stop", f"give at most {MOST_STOPS} texts")
    return {**limits, "stopSequences": stops[:MOST_STOPS]} if stops else limits


def _format(request: CreateChatCompletionRequest, fitting: Fitting) -> dict[str, Any]:
    wanted = request.response_format
    if wanted is UNSET or isinstance(wanted, ResponseFormatText):
        return {}
    if isinstance(wanted, ResponseFormatJsonObject):
        return {"responseMimeType": _JSON}
    if isinstance(wanted, ResponseFormatJsonSchema):
        schema, description = wanted.json_schema.schema, wanted.json_schema.description
        if schema is UNSET:
            return {"responseMimeType": _JSON}
        if description is not UNSET and "$ref" not in schema:
            schema = {"description": description, **schema}
        return {"responseMimeType": _JSON, "responseJsonSchema": schema}
    fitting.lacks("response_format", "give text, json_object or json_schema")
    return {}


def _modalities(request: CreateChatCompletionRequest, fitting: Fitting) -> dict[str, Any]:
    wanted = [modality.upper() for modality in _listed(request.modalities)]
    said: dict[str, Any] = {"responseModalities": wanted} if wanted not in ([], ["TEXT"]) else {}
    audio = request.audio
    if audio is UNSET or audio is None:
        return said
    if audio.format != "pcm16":
        fitting.lacks("audio.format", "give pcm16, the only format that the service speaks in")
    if not isinstance(audio.voice, str):
        fitting.lacks("audio.voice", "give the name of a voice of the service, such as Kore")
        return said
    return {**said, "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": audio.voice}}}}


def _number(value: Any) -> int | None:
    return None if value is UNSET else value


def _listed(value: Any) -> Any:
    return () if value is UNSET or value is None else value
