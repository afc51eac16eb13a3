"""Structured output: the value, or an error; never a part, and never None for an answer that is none."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.exceptions import ModelRefusalError, OutputParserException
from pydantic import BaseModel
from scripted import call
from typing_extensions import TypedDict

import jackfield

GOOD = '{"name": "Rex", "age": 3}'


class Dog(BaseModel):
    """A dog."""

    name: str
    age: int


class Told(TypedDict):
    """A dog."""

    name: str
    age: int


TOLD = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
METHODS = pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])


def said(method, text, **others):
    """An answer of which a value is to be made."""
    return {**({"tool_calls": [call("Dog", text)]} if method == "function_calling" else {"content": text}), **others}


def _last(model):
    return list(model.stream("Dog?"))[-1]


async def _alast(model):
    return [value async for value in model.astream("Dog?")][-1]


WAYS = pytest.mark.parametrize(
    "ask",
    [
        lambda model: model.invoke("Dog?"),
        lambda model: asyncio.run(model.ainvoke("Dog?")),
        _last,
        lambda model: asyncio.run(_alast(model)),
    ],
    ids=["invoke", "ainvoke", "stream", "astream"],
)


@WAYS
@METHODS
def test_a_value_comes_of_an_answer(model, dialect, bodies, method, ask):
    """Of the class, or a dict; the request asks as the method says."""
    dialect.script += [said(method, GOOD)] * 3
    assert ask(model.with_structured_output(Dog, method=method)) == Dog(name="Rex", age=3)
    raw = ask(model.with_structured_output(Dog, method=method, include_raw=True)) if ask is not _last else None
    asked = bodies()[0]

    assert raw is None or raw.get("parsing_error") is None
    match method:
        case "json_schema":
            assert asked["response_format"]["json_schema"]["schema"]["required"] == ["name", "age"]
        case "json_mode":
            assert asked["response_format"] == {"type": "json_object"}
        case _:
            assert asked["tool_choice"] == {"type": "function", "function": {"name": "Dog"}}
            assert asked["parallel_tool_calls"] is False


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
def test_a_typed_dict_gives_a_dict(model, dialect, method):
    dialect.script.append(said(method, GOOD))

    assert model.with_structured_output(Told, method=method).invoke("Dog?") == {"name": "Rex", "age": 3}


@WAYS
@METHODS
@pytest.mark.parametrize(
    ("text", "reason"),
    [('{"name": "Rex"', "stop"), ('{"name": "Rex", "age": "old"}', "stop"), ("[1]", "stop"), (GOOD, "length")],
)
def test_what_is_no_value_raises(model, dialect, method, ask, text, reason):
    """Broken JSON, a wrong shape, and an answer that was cut short, though it be whole JSON."""
    dialect.script.append(said(method, text, finish_reason=reason))
    with pytest.raises((OutputParserException, ValueError)):
        ask(model.with_structured_output(Dog, method=method))


@WAYS
@METHODS
@pytest.mark.parametrize("schema", [Told, {"title": "Told", **TOLD}])
@pytest.mark.parametrize(
    "text", ["[1]", '"Rex"', "null", '{"name": "Rex"}', "", '{"name": "Rex", "age": 3', GOOD + " and", GOOD + GOOD]
)
def test_what_is_no_value_of_a_dict_raises(model, dialect, method, ask, schema, text):
    """JSON that is broken or followed by something, no object, and one that lacks a member, with no limit reached."""
    dialect.script.append({"tool_calls": [call("Told", text)]} if method == "function_calling" else {"content": text})
    with pytest.raises(OutputParserException):
        ask(model.with_structured_output(schema, method=method))


@WAYS
@pytest.mark.parametrize("schema", [Dog, Told])
@pytest.mark.parametrize("text", [GOOD + " and", GOOD[:-1], '{"name": "Rex", "age": 3, "owner": "An'])
def test_json_that_is_not_whole_raises(model, dialect, ask, schema, text):
    """For classes too, though the part have the shape."""
    dialect.script.append({"content": text})
    with pytest.raises(OutputParserException):
        ask(model.with_structured_output(schema))


@WAYS
@pytest.mark.parametrize("text", [f"```json\n{GOOD}\n```", f"```\n{GOOD}\n```\n", f"Here:\n```json\n{GOOD}```"])
@pytest.mark.parametrize("schema", [Dog, Told])
def test_json_in_a_fence_is_a_value(model, dialect, ask, schema, text):
    """As models write it that know no better."""
    dialect.script.append({"content": text})

    assert dict(ask(model.with_structured_output(schema, method="json_mode"))) == {"name": "Rex", "age": 3}


@WAYS
def test_no_call_is_no_value(model, dialect, ask):
    """A model that talks in place of calling the tool gives an error, not None."""
    dialect.script.append({"content": "I had rather talk"})
    with pytest.raises(OutputParserException, match="did not call the tool 'Dog'"):
        ask(model.with_structured_output(Dog, method="function_calling"))


@WAYS
@METHODS
def test_a_refusal_raises(model, dialect, method, ask):
    """LangChain's own error of a refusal."""
    dialect.script.append({"refusal": "I will not"})
    with pytest.raises(ModelRefusalError):
        ask(model.with_structured_output(Dog, method=method))


SHAPE = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name"]}
WRAPPED = {"name": "Dog", "description": "A dog", "schema": SHAPE}


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("schema", [WRAPPED, {"type": "json_schema", "json_schema": WRAPPED}])
def test_a_schema_may_be_wrapped_as_openai_has_it(model, dialect, bodies, method, schema):
    """It is asked for whole, by its name, and made strict where that is asked for."""
    dialect.script += [said(method, GOOD)] * 2
    values = [model.with_structured_output(schema, method=method, strict=it).invoke("Dog?") for it in (None, True)]
    sent = [_sent(body) for body in bodies()]

    assert values == [{"name": "Rex", "age": 3}] * 2
    assert sent[0] == ("Dog", "A dog", None, SHAPE)
    assert sent[1] == ("Dog", "A dog", True, {**SHAPE, "required": ["name", "age"], "additionalProperties": False})


def _sent(body):
    asked = body["tools"][0]["function"] if "tools" in body else body["response_format"]["json_schema"]
    return asked["name"], asked["description"], asked.get("strict"), asked.get("schema") or asked.get("parameters")


class Node(BaseModel):
    """A node."""

    value: int
    children: list[Node] = []


class Tree(BaseModel):
    """A tree."""

    root: Node


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("schema", [Node, Tree])
@pytest.mark.parametrize("strict", [None, True])
def test_a_recursive_class_keeps_its_schema(model, dialect, bodies, method, schema, strict):
    """It refers to itself by its definition, in which strict holds too; the root is an object."""
    text = '{"value": 1, "children": [{"value": 2, "children": []}]}'
    text = text if schema is Node else f'{{"root": {text}}}'
    dialect.script.append({"content": text, "tool_calls": [call(schema.__name__, text)]})
    value = model.with_structured_output(schema, method=method, strict=strict).invoke("?")
    name, _, _, shape = _sent(bodies()[0])
    node = shape["$defs"]["Node"]

    assert value == schema.model_validate_json(text)
    assert (name, shape["type"]) == (schema.__name__, "object")
    assert node["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert [one.get("additionalProperties") for one in (shape, node)] == [False if strict else None] * 2
    assert node["required"] == (["value", "children"] if strict else ["value"])


def test_a_class_may_be_the_response_format(model, bodies):
    """Bound with tools, or given with a call: the answer is a message, whose text is of that shape."""
    model.bind_tools([], response_format=Dog).invoke("Dog?")
    model.invoke("Dog?", response_format=Dog)

    assert [body["response_format"]["json_schema"]["name"] for body in bodies()] == ["Dog", "Dog"]
    assert bodies()[0]["response_format"]["json_schema"]["schema"]["required"] == ["name", "age"]


def _joined(pieces):
    """As a reader of a stream has it that keeps what came last; messages are added."""
    told = {}
    for piece in pieces:
        told |= {**piece, "raw": told["raw"] + piece["raw"]} if "raw" in piece and "raw" in told else piece
    return told


async def _ajoined(model):
    return _joined([piece async for piece in model.astream("Dog?")])


RAW_WAYS = pytest.mark.parametrize(
    "ask",
    [
        WAYS.args[1][0],
        WAYS.args[1][1],
        lambda model: _joined(model.stream("Dog?")),
        lambda model: asyncio.run(_ajoined(model)),
    ],
    ids=["invoke", "ainvoke", "stream", "astream"],
)


@RAW_WAYS
@METHODS
@pytest.mark.parametrize("schema", [Dog, {"title": "Dog", **TOLD}])
@pytest.mark.parametrize("answer", [{"refusal": "no"}, None, {"content": "talk"}])
def test_raw_tells_what_was_wrong(model, dialect, method, schema, answer, ask):
    """With ``include_raw`` nothing is raised: the answer and the error are both there, in streams at their end."""
    dialect.script.append(said(method, '{"name"') if answer is None else answer)
    told = ask(model.with_structured_output(schema, method=method, include_raw=True))

    assert told["parsed"] is None
    assert isinstance(told["parsing_error"], (OutputParserException, ModelRefusalError))
    assert told["raw"].usage_metadata["total_tokens"] == 18


@RAW_WAYS
@METHODS
@pytest.mark.parametrize("schema", [Dog, Told])
def test_raw_has_the_value(model, dialect, method, schema, ask):
    """And no error."""
    dialect.script.append(
        {"tool_calls": [call(schema.__name__, GOOD)]} if method == "function_calling" else {"content": GOOD}
    )
    told = ask(model.with_structured_output(schema, method=method, include_raw=True))

    assert (dict(told["parsed"]), told["parsing_error"]) == ({"name": "Rex", "age": 3}, None)
    assert told["raw"].usage_metadata["total_tokens"] == 18


def test_raw_shows_the_answer_and_the_value_as_they_come(model, dialect):
    """Before its end a stream has pieces of both."""
    dialect.script.append(said("function_calling", GOOD))
    structured = model.with_structured_output({"title": "Dog", **TOLD}, method="function_calling", include_raw=True)
    pieces = list(structured.stream("Dog?"))
    values = [piece["parsed"] for piece in pieces if "parsed" in piece]

    assert values[0] == {}
    assert {"name": "R"} in values
    assert [piece for piece in pieces if "parsing_error" in piece] == pieces[-1:]


@pytest.mark.parametrize("fault", ["cut", "status?code=500"])
@RAW_WAYS
def test_a_failure_is_no_error_of_parsing(model, ask, fault):
    """It is raised with ``include_raw`` too: there is no answer."""
    with pytest.raises(jackfield.APIError):
        ask(
            model.model_copy(update={"model_name": f"one/{fault}", "streaming": True}).with_structured_output(
                Dog, include_raw=True
            )
        )


@pytest.mark.parametrize(
    ("schema", "options"),
    [(Dog, {"method": "guess"}), (None, {}), (Dog, {"method": "json_mode", "strict": True})],
)
def test_wrong_arguments_are_refused(model, schema, options):
    with pytest.raises(ValueError, match=r"^(method|schema|strict): "):
        model.with_structured_output(schema, **options)
