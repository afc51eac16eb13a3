"""The wire classes against the names and flags of OpenAI's schema."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

import jackfield.models
from jackfield import wire
from jackfield.errors import ValidationError
from jackfield.models import UNSET, CreateChatCompletionRequest, RequestFields, WireValue
from jackfield.models.base import ALWAYS
from strategies import wire_classes

# Facts of the specification: for each class the properties of its schema. ``!`` required, ``?`` may be null.
INPUTS = {
    "AssistantAudio": "id!",
    "ChatCompletionAllowedTools": "mode! tools!",
    "ChatCompletionAllowedToolsChoice": "allowed_tools! type!",
    "ChatCompletionAudioParam": "format! voice!",
    "ChatCompletionFunctionCallOption": "name!",
    "ChatCompletionFunctions": "description name! parameters",
    "ChatCompletionNamedToolChoice": "function! type!",
    "ChatCompletionNamedToolChoiceCustom": "custom! type!",
    "ChatCompletionRequestAssistantMessage": "audio? content? function_call? name refusal? role! tool_calls",
    "ChatCompletionRequestDeveloperMessage": "content! name role!",
    "ChatCompletionRequestFunctionMessage": "content!? name! role!",
    "ChatCompletionRequestMessageContentPartAudio": "input_audio! prompt_cache_breakpoint type!",
    "ChatCompletionRequestMessageContentPartFile": "file! prompt_cache_breakpoint type!",
    "ChatCompletionRequestMessageContentPartImage": "image_url! prompt_cache_breakpoint type!",
    "ChatCompletionRequestMessageContentPartRefusal": "refusal! type!",
    "ChatCompletionRequestMessageContentPartText": "prompt_cache_breakpoint text! type!",
    "ChatCompletionRequestSystemMessage": "content! name role!",
    "ChatCompletionRequestToolMessage": "content! role! tool_call_id!",
    "ChatCompletionRequestUserMessage": "content! name role!",
    "ChatCompletionStreamOptions": "include_obfuscation include_usage",
    "ChatCompletionTool": "function! type!",
    "CreateChatCompletionRequest": (
        "audio? frequency_penalty? function_call functions logit_bias? logprobs? max_completion_tokens? max_tokens? "
        "messages! metadata? modalities? model! moderation? n? parallel_tool_calls prediction? presence_penalty? "
        "prompt_cache_key? prompt_cache_options prompt_cache_retention? reasoning_effort? response_format "
        "safety_identifier? seed? service_tier? stop? store? stream? stream_options? temperature? tool_choice tools "
        "top_logprobs top_p? user verbosity? web_search_options"
    ),
    "CustomToolChatCompletions": "custom! type!",
    "CustomToolGrammar": "definition! syntax!",
    "CustomToolGrammarFormat": "grammar! type!",
    "CustomToolProperties": "description format name!",
    "CustomToolTextFormat": "type!",
    "CustomVoice": "id!",
    "FunctionObject": "description name! parameters strict?",
    "ImageURL": "detail url!",
    "InputAudio": "data! format!",
    "InputFile": "file_data file_id filename",
    "JsonSchemaFormat": "description name! schema strict?",
    "ModerationConfigParam": "mode!",
    "ModerationParam": "model! policy?",
    "ModerationPolicyParam": "input? output?",
    "PredictionContent": "content! type!",
    "PromptCacheBreakpointParam": "mode!",
    "PromptCacheOptionsParam": "mode ttl",
    "ResponseFormatJsonObject": "type!",
    "ResponseFormatJsonSchema": "json_schema! type!",
    "ResponseFormatText": "type!",
    "ToolName": "name!",
    "WebSearchLocation": "city country region timezone",
    "WebSearchOptions": "search_context_size user_location?",
    "WebSearchUserLocation": "approximate! type!",
}
OUTPUTS = {
    "ChatCompletionAnnotation": "type! url_citation!",
    "ChatCompletionAudio": "data! expires_at! id! transcript!",
    "ChatCompletionChoice": "finish_reason! index! logprobs!? message!",
    "ChatCompletionChunkChoice": "delta! finish_reason!? index! logprobs?",
    "ChatCompletionLogprobs": "content!? refusal!?",
    "ChatCompletionMessageCustomToolCall": "custom! id! type!",
    "ChatCompletionMessageToolCall": "function! id! type!",
    "ChatCompletionMessageToolCallChunk": "function id index! type",
    "ChatCompletionModeration": "input! output!",
    "ChatCompletionModerationError": "code! message! type!",
    "ChatCompletionModerationResults": "model! results! type!",
    "ChatCompletionResponseMessage": "annotations audio? content!? function_call refusal!? role! tool_calls",
    "ChatCompletionStreamResponseDelta": "content? function_call refusal? role tool_calls",
    "ChatCompletionTokenLogprob": "bytes!? logprob! token! top_logprobs!",
    "CompletionTokensDetails": (
        "accepted_prediction_tokens audio_tokens reasoning_tokens rejected_prediction_tokens text_tokens"
    ),
    "CompletionUsage": (
        "completion_tokens! completion_tokens_details prompt_tokens! prompt_tokens_details total_tokens!"
    ),
    "CreateChatCompletionResponse": (
        "choices! created! id! metadata? model! moderation? object! service_tier? system_fingerprint usage"
    ),
    "CreateChatCompletionStreamResponse": (
        "choices! created! id! model! moderation? obfuscation object! service_tier? system_fingerprint usage?"
    ),
    "CustomCall": "input! name!",
    "ErrorObject": "code!? message! param!? type!",
    "ErrorResponse": "error!",
    "FunctionCall": "arguments! name!",
    "FunctionCallDelta": "arguments name",
    "Model": "created! id! object! owned_by! shutdown_date?",
    "ModelList": "data! object!",
    "ModerationResultBody": ("categories! category_applied_input_types! category_scores! flagged! model! type!"),
    "PromptTokensDetails": "audio_tokens cache_write_tokens cached_tokens image_tokens text_tokens",
    "TopLogprob": "bytes!? logprob! token!",
    "URLCitation": "end_index! start_index! title! url!",
}
# What servers are known to send, or to want back, besides.
ADDITIONS = {
    "ChatCompletionMessageToolCallChunk": {"custom"},
    "ChatCompletionRequestAssistantMessage": {"reasoning", "reasoning_content"},
    "ChatCompletionResponseMessage": {"reasoning", "reasoning_content"},
    "ChatCompletionStreamResponseDelta": {"annotations", "audio", "reasoning", "reasoning_content"},
    "CreateChatCompletionStreamResponse": {"metadata"},
}
NO_SCHEMA = {"AudioDelta", "CustomCallDelta"}


# Fields of requests with one known value: null, which is no other, stands for it.
CONSTANT = {"PromptCacheBreakpointParam.mode", "WebSearchUserLocation.type"}


def flags(table: dict[str, str]) -> list[Any]:
    """(class, property, required, may be null) for each property of a table."""
    return [
        pytest.param(
            getattr(jackfield.models, name), entry.rstrip("!?"), "!" in entry, "?" in entry, id=f"{name}.{entry}"
        )
        for name, entries in table.items()
        for entry in entries.split()
    ]


def is_tag(cls: type[WireValue], name: str) -> bool:
    """Whether a union tells its classes apart by this field."""
    return str(attrs.fields_dict(cls)[name].type).startswith("Literal[")


def test_every_class_is_in_a_table_or_stands_for_the_unknown() -> None:
    """No class is forgotten by these tests."""
    named = {cls.__name__ for cls in wire_classes() if not cls.__name__.startswith("Unknown")}

    assert named == INPUTS.keys() | OUTPUTS.keys() | NO_SCHEMA


@pytest.mark.parametrize(("name", "entries"), (INPUTS | OUTPUTS).items())
def test_the_fields_of_a_class_are_the_properties_of_its_schema(name: str, entries: str) -> None:
    """Each property has a field, and there are no others but those that are named as additions."""
    properties = {entry.rstrip("!?") for entry in entries.split()}

    assert set(getattr(jackfield.models, name).__wire_fields__) == properties | ADDITIONS.get(name, set())


def test_the_keyword_arguments_are_the_requests_fields() -> None:
    """What a type checker lets a host give is what the request has, but for what the client's signature names."""
    assert set(RequestFields.__annotations__) == set(wire.request_fields()) - {"messages", "model", "stream"}


def test_the_request_has_37_fields() -> None:
    """All parameters of the operation are fields."""
    assert len(wire.request_fields()) == 37
    assert wire.request_fields() == CreateChatCompletionRequest.__wire_fields__


@pytest.mark.parametrize(("cls", "name", "required", "nullable"), flags(INPUTS))
def test_a_field_of_a_request_is_required_as_its_property_is(
    cls: type[WireValue], name: str, required: bool, nullable: bool
) -> None:
    """Required properties must be given, or are a fixed tag; all others are unset by default."""
    default = attrs.fields_dict(cls)[name].default

    if required:
        assert default is attrs.NOTHING or isinstance(default, str)
    else:
        assert default is UNSET


@pytest.mark.parametrize(
    ("cls", "name", "required", "nullable"), [flag for flag in flags(INPUTS) if flag.id.rstrip("!?") not in CONSTANT]
)
def test_null_is_taken_in_a_request_where_the_schema_takes_it(
    cls: type[WireValue], name: str, required: bool, nullable: bool
) -> None:
    """An explicit null stays null where it is allowed, and is a fault at the field's path elsewhere."""
    try:
        value: Any = wire.from_dict({name: None}, cls)
    except ValidationError as error:
        lines = str(error).splitlines()
    else:
        lines = []
        assert getattr(value, name) is None
        assert wire.to_dict(value)[name] is None

    assert any(line.startswith(f"{name}: expected ") and "got null" in line for line in lines) is not nullable


@pytest.mark.parametrize(
    ("cls", "name", "required", "nullable"), [flag for flag in flags(OUTPUTS) if not is_tag(*flag.values[:2])]
)
def test_what_a_reply_leaves_out_reads_as_null_does(
    cls: type[WireValue], name: str, required: bool, nullable: bool
) -> None:
    """In a reply a field that has a default may be missing or null, and both read alike."""
    field = attrs.fields_dict(cls)[name]
    given: dict[str, Any] = {}
    for other in attrs.fields(cls):
        if other.default is attrs.NOTHING and other.name != name:
            given[other.name] = MINIMAL[other.name]
    if field.default is attrs.NOTHING:
        with pytest.raises(ValidationError, match=f"{name}: expected .*, got nothing"):
            wire.from_dict(given, cls)
        return

    assert wire.from_dict({**given, name: None}, cls) == wire.from_dict(given, cls)


MINIMAL: dict[str, Any] = {
    "choices": [],
    "custom": {"name": "n"},
    "data": [],
    "error": {},
    "flagged": True,
    "function": {"name": "n"},
    "id": "i",
    "logprob": -1,
    "message": {},
    "name": "n",
    "token": "t",
}


@pytest.mark.parametrize(("cls", "name", "required", "nullable"), flags(OUTPUTS))
def test_a_nullable_field_that_the_schema_requires_is_always_written(
    cls: type[WireValue], name: str, required: bool, nullable: bool
) -> None:
    """None is written where the key must be there, and left out where it need not."""
    field = attrs.fields_dict(cls)[name]
    if required and nullable:
        assert field.metadata[ALWAYS]
    if not required and nullable:
        assert ALWAYS not in field.metadata


def test_twelve_parameters_may_not_be_null() -> None:
    """The parameters whose null the service refuses are refused here already."""
    refused = []
    for name in wire.request_fields():
        try:
            wire.build_request({"model": "m", "messages": [], name: None})
        except ValidationError:
            refused.append(name)

    assert sorted(refused) == [
        "function_call",
        "functions",
        "messages",
        "model",
        "parallel_tool_calls",
        "prompt_cache_options",
        "response_format",
        "tool_choice",
        "tools",
        "top_logprobs",
        "user",
        "web_search_options",
    ]
