"""Parameters: how the Messages API takes each field of a request.

Source: https://platform.claude.com/docs/en/api/messages/create.
"""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.parameters import YES, Parameter, no, partly

PARAMETERS: Mapping[str, Parameter] = {
    "audio": no("the model does not speak"),
    "frequency_penalty": no("leave it out"),
    "function_call": no("use `tool_choice`"),
    "functions": no("use `tools`"),
    "logit_bias": no("leave it out"),
    "logprobs": no("the model tells no probabilities"),
    "max_completion_tokens": YES,
    "max_tokens": YES,
    "messages": partly("no audio, no `name` and no `detail` of an image; later system messages as `later_system` says"),
    "metadata": partly("only `user_id`"),
    "modalities": no("the model answers with text"),
    "model": YES,
    "moderation": no("leave it out"),
    "n": no("ask several times"),
    "parallel_tool_calls": YES,
    "prediction": no("leave it out"),
    "presence_penalty": no("leave it out"),
    "prompt_cache_key": no("leave it out: the cache needs no key"),
    "prompt_cache_options": no("give a message, a part or a tool `cache_control`, or all by `extra_body`"),
    "prompt_cache_retention": no("give `cache_control` with a `ttl`"),
    "reasoning_effort": partly("newer models by their effort, older ones by a share of the most tokens"),
    "response_format": partly("no `json_object`; a schema has fewer keywords, and closed objects; see `json_by`"),
    "safety_identifier": YES,
    "seed": no("leave it out"),
    "service_tier": partly("only `auto` and `default`"),
    "stop": partly("no text that is only white space"),
    "store": no("leave it out: nothing is stored"),
    "stream": YES,
    "stream_options": partly("no obfuscation"),
    "temperature": partly("0 to 1; newer models refuse it"),
    "tool_choice": partly("no custom tools; of allowed tools, the others are left out of `tools`"),
    "tools": partly("functions, and the service's own tools; no custom tools"),
    "top_logprobs": no("the model tells no probabilities"),
    "top_p": partly("newer models refuse it, and some take no `temperature` beside it"),
    "user": partly("where there is no `safety_identifier`"),
    "verbosity": no("ask for it in the prompt"),
    "web_search_options": no("put the service's own tool `web_search_20250305` among `tools`"),
}
"""Every field of ``CreateChatCompletionRequest``, by name."""
