"""Parameters: how the engine takes each field of a request."""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.parameters import YES, Parameter, no, partly

ELSEWHERE = "use another backend"
ONE_OWNER = partly("without effect: the engine answers this process alone")
PARAMETERS: Mapping[str, Parameter] = {
    "audio": no("ask for text"),
    "frequency_penalty": YES,
    "function_call": no("use `tool_choice`"),
    "functions": no("use `tools`"),
    "logit_bias": YES,
    "logprobs": partly("not together with tools"),
    "max_completion_tokens": YES,
    "max_tokens": YES,
    "messages": partly("text and calls of functions; no images, audio, files or `name`"),
    "metadata": ONE_OWNER,
    "modalities": no("ask for text"),
    "model": YES,
    "moderation": no("use a middleware, or another backend"),
    "n": no("send the request n times"),
    "parallel_tool_calls": YES,
    "prediction": partly("without effect: it would change the speed, not the answer"),
    "presence_penalty": YES,
    "prompt_cache_key": ONE_OWNER,
    "prompt_cache_options": ONE_OWNER,
    "prompt_cache_retention": ONE_OWNER,
    "reasoning_effort": no("give `chat_template_kwargs` what the model's template knows"),
    "response_format": partly("not together with a call that is demanded"),
    "safety_identifier": ONE_OWNER,
    "seed": YES,
    "service_tier": partly("without effect: there is one"),
    "stop": YES,
    "store": no("keep the answer yourself"),
    "stream": YES,
    "stream_options": YES,
    "temperature": YES,
    "tool_choice": partly("`required` and a named function give one call"),
    "tools": partly("functions only"),
    "top_logprobs": YES,
    "top_p": YES,
    "user": ONE_OWNER,
    "verbosity": no("ask for it in the prompt"),
    "web_search_options": no(ELSEWHERE),
}
"""By name. What is refused is so before the engine is asked, see ``body``."""
