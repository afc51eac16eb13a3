"""The body of a request: each field of OpenAI's as Gemini's, and what it cannot say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.call import Attempt
from jackfield.errors import UnsupportedParameterError
from jackfield.http import Backend
from jackfield.models import CreateChatCompletionRequest
from jackfield.testing import ScriptedDriver, make_call, plan, run_call
from jackfield_gemini import GeminiProvider

CONTENTS = [{"role": "user", "parts": [{"text": "Hello."}]}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False}
FUNCTION = {"type": "function", "function": {"name": "f", "description": "Does.", "parameters": SCHEMA}}
STRICT = {"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": True}}
DECLARED = {"functionDeclarations": [{"name": "f", "description": "Does.", "parametersJsonSchema": SCHEMA}]}
NAMED = {"type": "function", "function": {"name": "f"}}
JSON = "application/json"


def config(**members: Any) -> dict[str, Any]:
    return {"generationConfig": members}


def calling(**members: Any) -> dict[str, Any]:
    return {"toolConfig": {"functionCallingConfig": members}}


def allowed(mode: str, *names: str) -> dict[str, Any]:
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


SAID: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"temperature": 0, "top_p": 0.5}, config(temperature=0, topP=0.5)),
    ({"temperature": None, "top_p": None, "stop": None, "seed": None, "n": None}, {}),
    ({"max_tokens": 5}, config(maxOutputTokens=5)),
    ({"max_completion_tokens": 5}, config(maxOutputTokens=5)),
    ({"max_completion_tokens": 5, "max_tokens": 5}, config(maxOutputTokens=5)),
    ({"stop": "END"}, config(stopSequences=["END"])),
    ({"stop": ["a", "b"]}, config(stopSequences=["a", "b"])),
    ({"stop": []}, {}),
    ({"seed": 7}, config(seed=7)),
    ({"seed": 2**31 - 1}, config(seed=2**31 - 1)),
    ({"seed": -(2**31)}, config(seed=-(2**31))),
    ({"n": 1}, {}),
    ({"n": 2}, config(candidateCount=2)),
    ({"presence_penalty": 0, "frequency_penalty": 0.0}, {}),
    ({"presence_penalty": 1, "frequency_penalty": -1}, config(presencePenalty=1, frequencyPenalty=-1)),
    ({"logprobs": False, "top_logprobs": 0}, {}),
    ({"logprobs": True, "top_logprobs": 3}, config(responseLogprobs=True, logprobs=3)),
    ({"modalities": ["text"]}, {}),
    ({"modalities": ["text", "image"]}, config(responseModalities=["TEXT", "IMAGE"])),
    (
        {"modalities": ["audio"], "audio": {"voice": "Kore", "format": "pcm16"}},
        config(
            responseModalities=["AUDIO"],
            speechConfig={"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
        ),
    ),
    ({"response_format": {"type": "text"}}, {}),
    ({"response_format": {"type": "json_object"}}, config(responseMimeType=JSON)),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}, config(responseMimeType=JSON)),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "strict": True}}},
        config(responseMimeType=JSON, responseJsonSchema=SCHEMA),
    ),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "description": "d"}}},
        config(responseMimeType=JSON, responseJsonSchema={"description": "d", **SCHEMA}),
    ),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"$ref": "#/$defs/a"}, "description": "d"}}},
        config(responseMimeType=JSON, responseJsonSchema={"$ref": "#/$defs/a"}),
    ),
    ({"tools": [FUNCTION]}, {"tools": [DECLARED]}),
    ({"tools": [FUNCTION], "tool_choice": "auto"}, {"tools": [DECLARED], **calling(mode="AUTO")}),
    ({"tools": [FUNCTION], "tool_choice": "none"}, {"tools": [DECLARED], **calling(mode="NONE")}),
    ({"tools": [FUNCTION], "tool_choice": "required"}, {"tools": [DECLARED], **calling(mode="ANY")}),
    ({"tools": [FUNCTION], "tool_choice": NAMED}, {"tools": [DECLARED], **calling(mode="ANY", allowedFunctionNames=["f"])}),
    (
        {"tools": [FUNCTION], "tool_choice": allowed("auto", "f", "g")},
        {"tools": [DECLARED], **calling(mode="VALIDATED", allowedFunctionNames=["f", "g"])},
    ),
    (
        {"tools": [FUNCTION], "tool_choice": allowed("required", "f")},
        {"tools": [DECLARED], **calling(mode="ANY", allowedFunctionNames=["f"])},
    ),
    ({"tools": [FUNCTION], "parallel_tool_calls": True}, {"tools": [DECLARED]}),
    (
        {"tools": [STRICT]},
        {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}], **calling(mode="VALIDATED")},
    ),
    (
        {"tools": [STRICT], "tool_choice": "required"},
        {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}], **calling(mode="ANY")},
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "g", "parameters": {}}}, FUNCTION]},
        {"tools": [{"functionDeclarations": [{"name": "g"}, *DECLARED["functionDeclarations"]]}]},
    ),
    (
        {"functions": [{"name": "f", "description": "Does.", "parameters": SCHEMA}], "function_call": {"name": "f"}},
        {"tools": [DECLARED], **calling(mode="ANY", allowedFunctionNames=["f"])},
    ),
    ({"functions": [{"name": "f"}], "function_call": "none"}, {"tools": [{"functionDeclarations": [{"name": "f"}]}], **calling(mode="NONE")}),
    ({"tool_choice": "auto"}, {}),
    ({"tools": [], "tool_choice": "none"}, {}),
    ({"tools": [{"type": "urlContext"}]}, {"tools": [{"urlContext": {}}]}),
    (
        {"tools": [FUNCTION, {"type": "googleSearch", "googleSearch": {"timeRangeFilter": {}}}]},
        {"tools": [DECLARED, {"googleSearch": {"timeRangeFilter": {}}}]},
    ),
    ({"web_search_options": {}}, {"tools": [{"googleSearch": {}}]}),
    ({"web_search_options": {"search_context_size": "medium", "user_location": None}}, {"tools": [{"googleSearch": {}}]}),
    ({"service_tier": "auto"}, {}),
    ({"service_tier": "default"}, {"serviceTier": "standard"}),
    ({"service_tier": "flex"}, {"serviceTier": "flex"}),
    ({"service_tier": "priority"}, {"serviceTier": "priority"}),
    ({"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}}, {}),
    ({"store": False, "moderation": None, "metadata": None, "verbosity": None}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "members"), SAID, ids=str)
def test_what_can_be_said_is_said_and_nothing_else(sent: Any, fields: dict[str, Any], members: dict[str, Any]) -> None:
    """The whole body for each field, and for values that ask for nothing."""
    assert sent(**fields) == {"contents": CONTENTS, **members}


UNSAID: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"max_completion_tokens": 5, "max_tokens": 6}, "max_tokens", config(maxOutputTokens=5)),
    ({"seed": 2**31}, "seed", {}),
    ({"seed": -(2**31) - 1, "top_p": 0.5}, "seed", config(topP=0.5)),
    ({"stop": list("abcdef")}, "stop", config(stopSequences=list("abcde"))),
    ({"response_format": {"type": "grammar"}}, "response_format", {}),
    ({"audio": {"voice": "Kore", "format": "mp3"}}, "audio.format", config(speechConfig={"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}})),
    ({"audio": {"voice": {"id": "v"}, "format": "pcm16"}}, "audio.voice", {}),
    ({"parallel_tool_calls": False}, "parallel_tool_calls", {}),
    ({"stream_options": {"include_obfuscation": True}}, "stream_options.include_obfuscation", {}),
    ({"service_tier": "scale"}, "service_tier", {}),
    ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools[0]", {}),
    ({"tools": [FUNCTION, {"type": "shell"}]}, "tools[1]", {"tools": [DECLARED]}),
    ({"tool_choice": "required"}, "tool_choice", {}),
    ({"function_call": {"name": "f"}}, "function_call", {}),
    ({"tools": [FUNCTION], "tool_choice": {"type": "custom", "custom": {"name": "c"}}}, "tool_choice", {"tools": [DECLARED]}),
    ({"tools": [FUNCTION], "tool_choice": "sometimes"}, "tool_choice", {"tools": [DECLARED]}),
    ({"tools": [FUNCTION], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "custom", "custom": {"name": "c"}}]}}}, "tool_choice", {"tools": [DECLARED]}),
    ({"web_search_options": {"search_context_size": "low"}}, "web_search_options.search_context_size", {"tools": [{"googleSearch": {}}]}),
    ({"web_search_options": {"user_location": {"type": "approximate", "approximate": {"country": "DE"}}}}, "web_search_options.user_location", {"tools": [{"googleSearch": {}}]}),
    ({"logit_bias": {"1": 5}}, "logit_bias", {}),
    ({"metadata": {"a": "b"}}, "metadata", {}),
    ({"moderation": {"model": "m"}}, "moderation", {}),
    ({"prediction": {"type": "content", "content": "x"}}, "prediction", {}),
    ({"prompt_cache_key": "k"}, "prompt_cache_key", {}),
    ({"prompt_cache_options": {"mode": "explicit"}}, "prompt_cache_options", {}),
    ({"prompt_cache_retention": "24h"}, "prompt_cache_retention", {}),
    ({"safety_identifier": "s"}, "safety_identifier", {}),
    ({"store": True}, "store", {}),
    ({"user": "u"}, "user", {}),
    ({"verbosity": "low"}, "verbosity", {}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "path", "members"), UNSAID, ids=str)
def test_what_cannot_be_said_is_refused_before_anything_is_sent(
    asked: Any, fields: dict[str, Any], path: str, members: dict[str, Any]
) -> None:
    """With the path of the parameter, and what to do instead."""
    driver = ScriptedDriver()

    with pytest.raises(UnsupportedParameterError) as caught:
        run_call(plan(GeminiProvider()), asked(**fields), driver)

    assert (caught.value.param, caught.value.stage, driver.requests) == (path, "not_sent", [])
    assert caught.value.message.startswith(f"{path}: gemini has no way to say it; ")


@pytest.mark.parametrize(("fields", "path", "members"), UNSAID, ids=str)
def test_what_is_dropped_is_told_by_the_attempt(
    asked: Any, fields: dict[str, Any], path: str, members: dict[str, Any]
) -> None:
    """All the rest of the request is sent."""
    call = make_call()
    call.attempts.append(Attempt(1, Backend("test", "gemini"), "m"))

    http_request = GeminiProvider(on_unsupported="drop").encode(asked(**fields), call)

    assert json.loads(http_request.body) == {"contents": CONTENTS, **members}
    assert [attempt.dropped for attempt in call.attempts] == [(path,)]


THINKING: list[tuple[str, str, dict[str, Any] | None]] = [
    ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
    ("gemini-2.5-flash-lite", "none", {"thinkingBudget": 0}),
    ("gemini-2.5-flash", "minimal", {"thinkingBudget": 1024}),
    ("gemini-2.5-pro", "low", {"thinkingBudget": 1024}),
    ("models/gemini-2.5-pro", "medium", {"thinkingBudget": 8192}),
    ("gemini-2.5-flash-preview-09-2025", "high", {"thinkingBudget": 24576}),
    ("gemini-3-flash-preview", "minimal", {"thinkingLevel": "minimal"}),
    ("gemini-3.6-flash", "minimal", {"thinkingLevel": "minimal"}),
    ("gemini-3.7-flash", "minimal", {"thinkingLevel": "low"}),
    ("gemini-3.1-pro-preview", "minimal", {"thinkingLevel": "low"}),
    ("gemini-3.8-flash-lite", "minimal", {"thinkingLevel": "minimal"}),
    ("gemini-flash-latest", "minimal", {"thinkingLevel": "low"}),
    ("gemini-3.7-flash", "low", {"thinkingLevel": "low"}),
    ("gemini-3.7-flash", "medium", {"thinkingLevel": "medium"}),
    ("gemini-4-pro", "high", {"thinkingLevel": "high"}),
    ("gemini-2.0-flash", "none", {}),
    ("gemini-2.5-pro", "none", None),
    ("gemini-3.7-flash", "none", None),
    ("gemini-2.0-flash", "low", None),
    ("gemini-2.5-flash", "xhigh", None),
    ("gemini-3.7-flash", "max", None),
]


@pytest.mark.parametrize(("model", "effort", "thinking"), THINKING)
def test_effort_is_a_budget_or_a_level_by_the_model(
    sent: Any, model: str, effort: str, thinking: dict[str, Any] | None
) -> None:
    """As Google's own OpenAI-compatible endpoint takes it; None is refused."""
    if thinking is None:
        with pytest.raises(UnsupportedParameterError, match="reasoning_effort"):
            sent(model=model, reasoning_effort=effort)
        thinking = {}

    body = sent({"on_unsupported": "drop"}, model=model, reasoning_effort=effort)
    told = sent({"on_unsupported": "drop", "include_thoughts": True}, model=model, reasoning_effort=effort)

    assert body == {"contents": CONTENTS, **(config(thinkingConfig=thinking) if thinking else {})}
    assert told["generationConfig"] == {"thinkingConfig": {"includeThoughts": True, **thinking}}


def test_thresholds_are_said_for_each_category(sent: Any) -> None:
    """As the setting has them."""
    body = sent({"safety_settings": {"HARM_CATEGORY_HARASSMENT": "OFF", "HARM_CATEGORY_HATE_SPEECH": "BLOCK_NONE"}})

    assert body["safetySettings"] == [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"},
        {"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE"},
    ]


def test_own_fields_of_the_service_are_merged_and_win(sent: Any) -> None:
    """Unknown fields of the request, and over them the members of extra_body; what is no object is replaced."""
    extra = {"generationConfig": {"topK": 40, "topP": 0.1}, "cachedContent": "cachedContents/a"}

    body = sent(
        call={"extra_body": extra}, temperature=1, top_p=0.9, generationConfig={"topK": 1, "seed": 3}, cachedContent="b"
    )
    replaced = sent(call={"extra_body": {"contents": []}}, tools=[FUNCTION])

    assert body == {
        "contents": CONTENTS,
        "cachedContent": "cachedContents/a",
        "generationConfig": {"temperature": 1, "topP": 0.1, "topK": 40, "seed": 3},
    }
    assert replaced == {"contents": [], "tools": [DECLARED]}


def test_every_field_of_a_request_is_accounted_for() -> None:
    """The table in the documentation is made of it."""
    assert set(GeminiProvider.parameters) == set(CreateChatCompletionRequest.__wire_fields__)
    assert [name for name, how in GeminiProvider.parameters.items() if (how.taken == "yes") == bool(how.note)] == []
