"""Fields: how Gemini takes each field of a request."""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.parameters import YES, Parameter, no, partly

_LEAVE_OUT = no("leave it out")
_CACHE = no("leave it out: the service caches by itself; or name a cache by cachedContent in extra_body")

PARAMETERS: Mapping[str, Parameter] = {
    "messages": partly(
        "system and developer messages go before all others; names of participants, audio of earlier answers and "
        "breakpoints of a cache cannot be said, names of files are not sent, nor are fields that are not known, which "
        "the attempt tells"
    ),
    "model": YES,
    "audio": partly("voices of the service, and only the format pcm16"),
    "frequency_penalty": partly("Gemini 2.5 and newer refuse it"),
    "function_call": partly("the answer calls by tool_calls; not beside tool_choice"),
    "functions": partly("the answer calls by tool_calls"),
    "logit_bias": _LEAVE_OUT,
    "logprobs": partly("most models refuse it"),
    "max_completion_tokens": YES,
    "max_tokens": partly("not beside another max_completion_tokens; tokens of thoughts count"),
    "metadata": no("leave it out; Vertex AI takes labels in extra_body"),
    "modalities": YES,
    "moderation": no("set safety_settings"),
    "n": partly("current models refuse more than 1"),
    "parallel_tool_calls": partly("only true"),
    "prediction": _LEAVE_OUT,
    "presence_penalty": partly("Gemini 2.5 and newer refuse it"),
    "prompt_cache_key": _CACHE,
    "prompt_cache_options": _CACHE,
    "prompt_cache_retention": _CACHE,
    "reasoning_effort": partly(
        "minimal to high; none only for Gemini 2.5 Flash; the least that a model knows stands for minimal"
    ),
    "response_format": partly("the name of a schema is not sent, and it is always strict"),
    "safety_identifier": _LEAVE_OUT,
    "seed": partly("from -2147483648 to 2147483647"),
    "service_tier": partly("auto, default, flex, priority"),
    "stop": partly("at most 5 texts"),
    "store": no("leave it out, or give the service's own store in extra_body"),
    "stream": YES,
    "stream_options": partly("only include_usage"),
    "temperature": partly("Gemini 3.6 and newer ignore it"),
    "tool_choice": partly("no custom tools; auto among allowed_tools holds the model to their schemas"),
    "tools": partly("functions, and tools of the service by their own names; no custom tools"),
    "top_logprobs": partly("most models refuse it"),
    "top_p": partly("Gemini 3.6 and newer ignore it"),
    "user": _LEAVE_OUT,
    "verbosity": no("ask for it in a message"),
    "web_search_options": partly("searches by Google; neither user_location nor search_context_size"),
}
"""By name, for every field of a request."""
