"""Options: what ``-o`` takes, and what becomes of it."""

from __future__ import annotations

import llm
import pytest
from llm_jackfield.failure import FailedError
from llm_jackfield.model import Jackfield
from llm_jackfield.options import OWN, Options
from llm_jackfield.request import asked
from pydantic import ValidationError

MODEL = Jackfield("jackfield/fast", "fast")


def fields(schema=None, tools=(), **options):
    prompt = llm.Prompt("Hello", model=MODEL, options=Options(**options), schema=schema, tools=list(tools))
    return asked("fast", prompt)


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("temperature", "0.5", 0.5),
        ("top_p", "1", 1.0),
        ("max_tokens", "9", 9),
        ("max_completion_tokens", "9", 9),
        ("frequency_penalty", "-2", -2.0),
        ("presence_penalty", "2", 2.0),
        ("stop", "x", "x"),
        ("seed", "-3", -3),
        ("logit_bias", '{"1712": -100}', {"1712": -100}),
        ("reasoning_effort", "low", "low"),
        ("verbosity", "low", "low"),
        ("service_tier", "flex", "flex"),
        ("parallel_tool_calls", "false", False),
        ("timeout", "1.5", 1.5),
    ],
)
def test_an_option_goes_under_its_own_name(option, text, value):
    """As the text of a command line, and as a value of a program."""
    assert fields(**{option: text})[option] == fields(**{option: value})[option] == value


def test_what_is_not_given_is_not_said():
    """It is left to the backend."""
    assert fields() == {"model": "fast", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("temperature", "2.1", "less than or equal to 2"),
        ("temperature", "warm", "valid number"),
        ("top_p", "-0.1", "greater than or equal to 0"),
        ("max_tokens", "0", "greater than or equal to 1"),
        ("max_tokens", "1.5", "valid integer"),
        ("timeout", "0", "greater than 0"),
        ("logit_bias", "{", "expected a JSON object"),
        ("logit_bias", "[1]", "valid dictionary"),
        ("logit_bias", '{"1": -101}', "1: expected a number from -100 to 100"),
        ("logit_bias", '{"1": "5"}', "1: expected a number from -100 to 100"),
        ("logit_bias", '{"1": true}', "1: expected a number from -100 to 100"),
        ("image_detail", "weird", "'auto', 'low' or 'high'"),
        ("extra", "[1]", "valid dictionary"),
        ("extra", '{"temperature": 0}', "expected no temperature: give it as -o temperature"),
        ("extra", '{"n": 2}', "expected no n: these come from llm"),
        ("nope", "1", "Extra inputs are not permitted"),
    ],
)
def test_wrong_options_are_refused(option, value, why):
    """With what was expected."""
    with pytest.raises(ValidationError, match=why):
        Options(**{option: value})


@pytest.mark.parametrize("field", sorted(OWN))
def test_what_llm_says_itself_is_no_extra(field):
    """A second word on it would win, or not, in ways that none would guess."""
    with pytest.raises(ValidationError, match=f"expected no {field}"):
        Options(extra={field: 1})


def test_extra_fields_are_checked_where_they_are_known():
    """Unknown ones go into the body as they are; a schema goes before ``json_object``."""
    told = fields(extra={"top_logprobs": 1, "mirostat": 2}, json_object=True)

    assert told["top_logprobs"] == 1
    assert told["extra_body"] == {"mirostat": 2}
    assert told["response_format"] == {"type": "json_object"}
    assert {"extra", "json_object", "image_detail"}.isdisjoint(told)
    assert fields(json_object=True, schema={"type": "object"})["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "output", "schema": {"type": "object"}},
    }


@pytest.mark.parametrize("how", [{"json_object": True}, {"schema": {"type": "object"}}])
def test_an_answer_has_one_format(how):
    """``extra`` may say it where nothing else does."""
    text = {"response_format": {"type": "text"}}

    assert fields(extra=text)["response_format"] == {"type": "text"}
    with pytest.raises(FailedError, match="expected no response_format"):
        fields(extra=text, **how)


def test_tools_are_functions():
    """With a description where there is one."""

    def shout(word: str) -> str:
        """Say it loud"""  # noqa: D415 - it is the description
        return word.upper()

    def bare():
        return ""

    (one, other) = fields(tools=[llm.Tool.function(shout), llm.Tool.function(bare)])["tools"]

    assert one["type"] == "function"
    assert one["function"]["name"] == "shout"
    assert one["function"]["description"] == "Say it loud"
    assert one["function"]["parameters"]["properties"] == {"word": {"type": "string"}}
    assert "description" not in other["function"]
