"""Preset: a service that speaks OpenAI's chat completions, and where it departs from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from jackfield.parameters import Parameter
from jackfield_openai.strict import Strict

PresetName = Literal[
    "cerebras",
    "cohere",
    "deepseek",
    "fireworks",
    "github",
    "groq",
    "huggingface",
    "llama.cpp",
    "lm-studio",
    "mistral",
    "moonshot",
    "nvidia",
    "ollama",
    "openrouter",
    "perplexity",
    "together",
    "vllm",
    "xai",
]
"""The names of the table, for type checkers and editors."""


@attrs.frozen(kw_only=True)
class Preset:
    """One service, as its documentation describes it. All of it is data; ``fit`` and the provider read it.

    Attributes:
        title: the name of the service.
        base_url: of its chat completions.
        key: the environment variable that its documentation has for the key; None for a server that needs none.
        sources: where that documentation is.
        parameters: fields of a request that it takes otherwise than OpenAI; those not named mean the same.
        renamed: fields that it knows by another name; where a request has both, the first one stands.
        roles: roles of messages that it knows by another name.
        unsaid: fields of messages that it refuses, with what to do instead.
        arrays: fields that it takes as an array only.
        defaults: fields of its own, for what OpenAI does unasked; the request's own value stands above them.
        stream_options: whether it takes that field; one that does not tells the usage of streams unasked.
        thoughts: the field of a message in which it tells its reasoning, and takes it back; ``content`` for parts of
            the text's own field, which the provider takes apart and puts together again; None where it does not say.
        demands_thoughts: whether it refuses messages that call tools without them; where there are none, an empty text
            stands for them.
        strict: what it takes in messages, if it refuses all else.
        notes: what else is different, a sentence each.
    """

    title: str
    base_url: str
    key: str | None = None
    sources: tuple[str, ...]
    parameters: Mapping[str, Parameter] = attrs.field(factory=dict)
    renamed: Mapping[str, str] = attrs.field(factory=dict)
    roles: Mapping[str, str] = attrs.field(factory=dict)
    unsaid: Mapping[str, str] = attrs.field(factory=dict)
    arrays: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = attrs.field(factory=dict)
    stream_options: bool = True
    thoughts: Literal["reasoning_content", "reasoning", "content"] | None = None
    demands_thoughts: bool = False
    strict: Strict | None = None
    notes: tuple[str, ...] = ()
