"""The real ``llm`` command, the real llama.cpp server."""

from __future__ import annotations

import json

import attrs
import pytest

from system.tiny_model import REPLY


@pytest.mark.parametrize("way", [[], ["--no-stream"], ["--async"], ["--async", "--no-stream"]], ids=str)
def test_a_model_answers(real, way):
    """The answer is printed and logged with its tokens and the model that gave it, in every way to ask."""
    done = real("-m", "fast", "Hello", "-u", *way)
    (logged,) = real.logged()

    assert done.stdout.strip() == REPLY
    assert logged["response"] == REPLY
    assert logged["resolved_model"] == "one/tiny"
    assert logged["input_tokens"] > 5
    assert logged["output_tokens"] > 5
    assert f"{logged['output_tokens']} output" in done.stderr


@pytest.mark.parametrize("way", [[], ["--no-stream"], ["--async"]], ids=str)
def test_a_model_calls_a_tool(real, way):
    """Llm runs the tool that the model calls, and the model answers to its result."""
    done = real("-m", "fast", "Which version?", "-T", "llm_version", "--td", *way)
    first, second = real.logged()

    assert done.stdout.strip().endswith(REPLY)
    assert [called["name"] for called in first["tool_calls"]] == ["llm_version"]
    assert second["tool_results"][0]["output"] in done.stderr
    assert second["tool_results"][0]["tool_call_id"] == first["tool_calls"][0]["tool_call_id"]


@pytest.mark.parametrize("way", [[], ["--no-stream"]], ids=str)
def test_a_schema_binds_the_answer(real, way):
    """The answer is JSON of the schema."""
    done = real("-m", "fast", "A dog", "--schema", "name, age int", *way)

    assert json.loads(done.stdout).keys() == {"name", "age"}


def test_a_conversation_goes_on(real):
    """``-c`` sends what was said before: the prompt grows."""
    real("-m", "fast", "Hello", "-s", "Be short")
    real("-c", "And again")
    first, second = real.logged()

    assert second["conversation_id"] == first["conversation_id"]
    assert second["input_tokens"] > first["input_tokens"] + first["output_tokens"]


def test_chat_answers_line_by_line(real):
    """``llm chat`` holds one conversation."""
    done = real("chat", "-m", "fast", said="Hello\nAgain\nquit\n")
    first, second = real.logged()

    assert done.stdout.count(REPLY) == 2
    assert second["input_tokens"] > first["input_tokens"]


def test_refresh_lists_what_the_backend_has(real):
    """``llm jackfield refresh`` asks the backends; their models can then be named."""
    real.configure((real.directory / "jackfield.toml").read_text().replace("one/tiny", "one/other"))
    listing = attrs.evolve(real, fresh=False)
    before = listing("models").stdout
    told = real("jackfield", "refresh").stdout
    after = listing("models").stdout

    assert told == "one: 1 model\n"
    assert "jackfield/one/tiny" not in before
    assert "jackfield/one/tiny (aliases: one/tiny)" in after
    assert real("-m", "one/tiny", "Hello").stdout.strip() == REPLY
