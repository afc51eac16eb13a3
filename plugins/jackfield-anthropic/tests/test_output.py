"""The form of the answer, and how long the model thinks."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.errors import UnsupportedParameterError, ValidationError

NOTE = {"type": "string", "description": "n"}


def form(schema: Any, **besides: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, **besides}}


def schema_of(body: dict[str, Any]) -> Any:
    return body["output_config"]["format"]["schema"]


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": "string"}, {"type": "string"}),
        ({"type": "object"}, {"type": "object", "additionalProperties": False}),
        (
            {"properties": {"minimum": NOTE}, "required": ["minimum"]},
            {"properties": {"minimum": NOTE}, "required": ["minimum"], "additionalProperties": False},
        ),
        (
            {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "object"}}}, "minItems": 1},
            {"type": "array", "minItems": 1, "items": {"type": "object", "additionalProperties": False,
             "properties": {"a": {"type": "object", "additionalProperties": False}}}},
        ),
        (
            {"oneOf": [{"type": "object"}, {"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "object"}}},
            {"anyOf": [{"type": "object", "additionalProperties": False}, {"$ref": "#/$defs/a"}],
             "$defs": {"a": {"type": "object", "additionalProperties": False}}},
        ),
        (
            {"allOf": [{"type": "string", "format": "date-time"}], "enum": ["minimum"], "default": {"not": 1}},
            {"allOf": [{"type": "string", "format": "date-time"}], "enum": ["minimum"], "default": {"not": 1}},
        ),
    ],
)  # fmt: skip
def test_a_schema_is_one_that_the_model_can_be_held_to(sent, schema, wanted):
    """Objects are closed, which the service demands; ``oneOf`` is said as ``anyOf``."""
    body = sent(response_format=form(schema, strict=True))

    assert body["output_config"] == {"format": {"type": "json_schema", "schema": wanted}}


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "integer", "maximum": 3}, "maximum"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "additionalProperties"),
        ({"type": "object", "properties": {"a": {"type": "array", "minItems": 2}}}, "properties.a.minItems"),
        ({"anyOf": [{"type": "string"}, {"type": "string", "format": "iri"}]}, "anyOf[1].format"),
        ({"oneOf": [{"not": {}}]}, "oneOf[0].not"),
        ({"type": "array", "items": {"type": "string", "minLength": 1}}, "items.minLength"),
        ({"$defs": {"a": {"if": {}}}}, "$defs.a.if"),
    ],
)
def test_a_keyword_that_the_model_cannot_be_held_to_is_refused(sent, dropped, schema, path):
    """With its path in the request; dropped, the rest of the schema holds."""
    whole = f"response_format.json_schema.schema.{path}"
    with pytest.raises(UnsupportedParameterError) as caught:
        sent(response_format=form(schema))
    body, left = dropped(response_format=form(schema))

    assert caught.value.param == whole
    assert left == (whole,)
    assert path.rpartition(".")[2] not in str(schema_of(body)).replace("'additionalProperties': False", "")


def test_the_schema_of_the_request_is_not_changed(sent):
    """The host may ask again with it."""
    schema = {"type": "object", "oneOf": [{"type": "object"}]}
    sent(response_format=form(schema))

    assert schema == {"type": "object", "oneOf": [{"type": "object"}]}


def test_a_schema_that_is_nested_too_deeply_is_refused(sent):
    """As any other request that is."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(400):
        schema = {"type": "array", "items": schema}

    with pytest.raises(ValidationError, match="nested too deeply"):
        sent(response_format=form(schema))


def test_the_description_of_a_schema_goes_into_it(sent):
    """Unless it has one."""
    assert schema_of(sent(response_format=form({"type": "string"}, description="d")))["description"] == "d"
    assert schema_of(sent(response_format=form(NOTE, description="d")))["description"] == "n"


@pytest.mark.parametrize(
    "response_format", [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "x"}}, {"type": "grammar"}]
)  # fmt: skip
def test_a_form_that_the_model_cannot_be_held_to_is_refused(sent, dropped, response_format):
    """Any JSON is none, since objects are closed."""
    with pytest.raises(UnsupportedParameterError, match="give a `json_schema` with a schema") as caught:
        sent(response_format=response_format)

    assert caught.value.param == "response_format"
    assert "output_config" not in dropped(response_format=response_format)[0]
    assert "output_config" not in sent(response_format={"type": "text"})


def test_an_unknown_member_of_a_schemas_table_is_refused(sent):
    """Its name and whether it is strict are passed over: here it always is."""
    table = {"name": "x", "strict": False, "schema": {"type": "object", "properties": {}}}
    sent(response_format={"type": "json_schema", "json_schema": {**table, "null": None}, "null": None})
    for json_by in ("format", "tool"):
        with pytest.raises(UnsupportedParameterError) as caught:
            sent({"json_by": json_by}, response_format={"type": "json_schema", "json_schema": {**table, "own": 1}})
        assert caught.value.param == "response_format.json_schema.own"


# -- thinking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effort", "wanted"),
    [("minimal", "low"), ("low", "low"), ("medium", "medium"), ("high", "high"), ("xhigh", "xhigh"), ("max", "max")],
)
def test_newer_models_are_told_an_effort(sent, effort, wanted):
    """They decide themselves how much they think."""
    body = sent(model="claude-opus-5", reasoning_effort=effort)

    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": wanted})


@pytest.mark.parametrize(
    ("effort", "most", "tokens"),
    [("minimal", 16000, 1600), ("low", 2000, 1024), ("medium", 4096, 2048), ("high", 10000, 8000), ("xhigh", 2000, 1900), ("max", 1025, 1024)],
)  # fmt: skip
def test_older_models_are_told_a_number_of_tokens(sent, effort, most, tokens):
    """A share of all, at least the 1024 that the service demands, and fewer than all."""
    body = sent(model="claude-sonnet-4-5", reasoning_effort=effort, max_completion_tokens=most)

    assert body["thinking"] == {"type": "enabled", "budget_tokens": tokens}
    assert "output_config" not in body
    assert 1024 <= tokens < most


def test_an_effort_without_tokens_for_it_is_refused(sent, dropped):
    """The service would say the same in other words."""
    fields: dict[str, Any] = {"model": "claude-sonnet-4-5", "reasoning_effort": "low", "max_completion_tokens": 1024}
    with pytest.raises(UnsupportedParameterError, match=r"reasoning_effort: .*more than 1024 tokens"):
        sent(**fields)
    assert "thinking" not in dropped(**fields)[0]
    with pytest.raises(UnsupportedParameterError, match="reasoning_effort"):
        sent(model="claude-sonnet-4-5", reasoning_effort="enormous")


OLD = [
    "claude-3-opus-20240229", "claude-3-7-sonnet-latest", "claude-2.1", "claude-instant-1.2", "claude-sonnet-4",
    "claude-opus-4-0", "claude-opus-4-20250514", "claude-opus-4-1-20250805", "claude-opus-4-5", "claude-haiku-4-5-20251001",
    "anthropic/claude-sonnet-4.5", "anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4@20250514",
]  # fmt: skip
NEW = [
    "claude-opus-4-6", "claude-sonnet-4-6", "claude-opus-4-8-20260301", "claude-opus-5", "claude-opus-5-5", "claude-fable-5",
    "claude-haiku-5-5-20261001", "anthropic/claude-opus-4.7", "tiny", "qwen-3",
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "kind"), [*((name, "enabled") for name in OLD), *((name, "adaptive") for name in NEW)]
)
def test_the_name_tells_how_a_model_thinks(sent, model, kind):
    """Only the old ones are named: there will be no more of them."""
    assert sent(model=model, reasoning_effort="high")["thinking"]["type"] == kind


def test_the_settings_win_over_the_name(sent):
    """A gateway may have names of its own."""
    assert sent({"thinking": "budget"}, reasoning_effort="low")["thinking"]["type"] == "enabled"
    assert sent({"thinking": "adaptive"}, model=OLD[0], reasoning_effort="low")["thinking"]["type"] == "adaptive"


def test_no_effort_is_no_thinking(sent):
    """And nothing is said where nothing was asked for."""
    assert sent(reasoning_effort="none")["thinking"] == {"type": "disabled"}
    assert "thinking" not in sent()


@pytest.mark.parametrize("model", ["claude-opus-5", "claude-sonnet-4-5"])
def test_thoughts_are_told_where_the_settings_say_so(sent, model):
    """Whichever way the model thinks."""
    body = sent({"thinking_display": "summarized"}, model=model, reasoning_effort="high")

    assert body["thinking"]["display"] == "summarized"


def test_effort_and_form_stand_together(sent):
    """They are members of one object."""
    body = sent(model="claude-opus-5", reasoning_effort="low", response_format=form({"type": "string"}))

    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "string"}}}
