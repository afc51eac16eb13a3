"""The models in a program: sync and async, against a service whose answers a test writes."""

from __future__ import annotations

import asyncio
import json

import click
import llm
import pytest
from command import KEY, configuration
from llm_jackfield.failure import FailedError
from scripted import USAGE, call

import jackfield

STREAM = pytest.mark.parametrize("stream", [True, False])


def shout(word: str) -> str:
    """Say it loud."""
    return word.upper()


def ask(**asked):
    """What a model says: the text, and the response that llm has of it."""
    response = llm.get_model("fast").prompt("Hello", **asked)
    return response.text(), response


def ask_async(**asked):
    """The same of the async model."""

    async def answered():
        response = llm.get_async_model("fast").prompt("Hello", **asked)
        return await response.text(), await response.to_sync_response()

    return asyncio.run(answered())


ASK = (ask, ask_async)


@pytest.mark.usefixtures("asked_here")
@STREAM
def test_an_answer_is_told_whole(dialect, stream):
    """Text and thoughts apart, tokens with their details, the model that answered, and the answer for the log."""
    dialect.script += [{"reasoning": "let me think", "content": "Hi there"}] * 2
    for way in ASK:
        text, response = way(stream=stream)
        assert text == "Hi there"
        assert (response.input_tokens, response.output_tokens) == (11, 7)
        assert response.token_details == {"completion_tokens_details": {"reasoning_tokens": 4}}
        assert response.resolved_model == "one/ok-2026"
        assert response.response_json["choices"][0]["message"]["content"] == "Hi there"
        assert response.response_json["usage"] == USAGE
        assert "null" not in json.dumps(response.response_json)


@pytest.mark.usefixtures("asked_here")
@STREAM
def test_thoughts_that_are_counted_only_are_told_of(dialect, stream):
    """The tokens say that the model thought, though not what."""
    dialect.script.append({"content": "Hi"})
    events = list(llm.get_model("fast").prompt("Hello", stream=stream).stream_events())

    assert [event.chunk for event in events if event.type == "text"] == ["Hi"]
    assert [(event.chunk, event.redacted) for event in events if event.type == "reasoning"] == [("", True)]


@pytest.mark.usefixtures("asked_here")
@STREAM
def test_a_program_runs_tools(dialect, bodies, stream):
    """A chain asks again with the results, until the model calls no more."""
    dialect.script += [{"tool_calls": [call("shout", '{"word": "a"}')]}, {"content": "Done"}]
    chain = llm.get_model("fast").chain("Hello", tools=[shout], stream=stream)

    assert chain.text() == "Done"
    assert bodies()[1]["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": "A"}


@pytest.mark.usefixtures("asked_here")
@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"tool_calls": [call("shout", '{"word": ')]}, "the model called the tool shout with arguments that are no JSON: "),
        ({"tool_calls": [call("shout", "[1]")]}, "the model called the tool shout with arguments that are no JSON object"),
        ({"tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "x", "input": "y"}}]}, "'custom', which llm cannot run"),
    ],
)  # fmt: skip
@STREAM
def test_a_call_that_cannot_be_run_is_an_error(dialect, stream, message, why):
    """And no success that says nothing."""
    dialect.script += [message]
    with pytest.raises(llm.ModelError, match=why):
        llm.get_model("fast").prompt("Hello", tools=[shout], stream=stream).text()


@pytest.mark.parametrize(
    "fault", ["status?code=401", "status?code=404", "status?code=429", "echo-key", "html", "reset?at=20"]
)
@STREAM
def test_a_failure_is_llm_s_and_click_s(here, service, fault, stream):
    """One line without the key; its cause is jackfield's error, for programs that want to know more."""
    bearer = '[[backends.one.middleware]]\nuse = "bearer"\ntoken = "env:ONE_KEY"\n'
    (here / "jackfield.toml").write_text(configuration(service.url, fault) + bearer, encoding="utf-8")
    for way in ASK:
        with pytest.raises(FailedError) as told:
            way(stream=stream)
        assert isinstance(told.value, llm.ModelError)
        assert isinstance(told.value, click.ClickException)
        assert isinstance(told.value.__cause__, jackfield.CallError)
        assert len(str(told.value).splitlines()) == 1
        assert KEY not in str(told.value)
        assert "[one/" in str(told.value)


@pytest.mark.usefixtures("asked_here")
@STREAM
def test_a_key_is_refused(bodies, stream):
    """It would not be sent, and whoever gave it would not know."""
    for way in ASK:
        with pytest.raises(FailedError, match="configuration: --key is not for them") as told:
            way(stream=stream, key=KEY)
        assert KEY not in str(told.value)
    assert bodies() == []


def test_a_stream_that_is_left_is_closed(here, service):
    """Who has read enough does not keep the backend busy."""
    (here / "jackfield.toml").write_text(configuration(service.url, "break?how=stall&events=5"), encoding="utf-8")
    pieces = iter(llm.get_model("fast").prompt("Hello " * 50))
    next(pieces)
    (received,) = service.ledger.requests
    pieces.close()

    assert received.left.wait(30)
