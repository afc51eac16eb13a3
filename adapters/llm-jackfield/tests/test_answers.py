"""What a service may say, and what comes back to it, through the real ``llm`` command."""

from __future__ import annotations

import base64
import json

import attrs
import pytest
from scripted import call

WAYS = pytest.mark.parametrize("way", [[], ["--no-stream"], ["--async"]], ids=str)
TOOLS = "def shout(word: str) -> str:\n    return word.upper()\n\ndef fail() -> str:\n    raise ValueError('no luck')\n"
SIGNED = [{"type": "thinking", "thinking": "hmm", "signature": "c2lnbmVk"}]


@WAYS
def test_thoughts_are_kept_apart_and_come_back(asking, dialect, bodies, way):
    """Thoughts go to stderr and the log; they and their signatures are in the next request of the conversation."""
    dialect.script.append({"reasoning_content": "let me think", "content": "Hi there", "thinking_blocks": SIGNED})
    done = asking("-m", "fast", "Hello", *way)
    (logged,) = asking.logged()
    asking("-c", "Go on")
    answered = bodies()[-1]["messages"][1]

    assert done.stdout.strip() == "Hi there"
    assert ("let me think" in done.stderr) is (way != ["--no-stream"])  # llm shows them in streams only
    assert logged["reasoning"] == "let me think"
    assert json.loads(logged["token_details"]) == {"completion_tokens_details": {"reasoning_tokens": 4}}
    assert logged["resolved_model"] == "one/ok-2026"
    assert answered == {
        "role": "assistant",
        "content": "Hi there",
        "reasoning_content": "let me think",
        "thinking_blocks": SIGNED,
    }


def test_thoughts_can_be_hidden(asking, dialect):
    """``-R`` shows the answer only."""
    dialect.script.append({"reasoning": "let me think", "content": "Hi"})
    done = asking("-m", "fast", "Hello", "-R")

    assert done.stdout.strip() == "Hi"
    assert "think" not in done.stderr


@WAYS
def test_tools_are_called_together(asking, dialect, bodies, way):
    """Several calls of one answer are all run; results, errors and what the service added to a call go back."""
    calls = [call("shout", '{"word": "é"}', "a", extra_content={"sign": "x"}), call("fail", "", "b")]
    dialect.script += [{"tool_calls": calls}, {"content": "Done"}]
    done = asking("-m", "fast", "Hello", "--functions", TOOLS, *way)
    _, answered, *results = bodies()[1]["messages"]

    assert done.stdout.strip() == "Done"
    assert [tool["function"]["name"] for tool in bodies()[0]["tools"]] == ["shout", "fail"]
    assert [(one["id"], json.loads(one["function"]["arguments"])) for one in answered["tool_calls"]] == [
        ("a", {"word": "é"}),
        ("b", {}),
    ]
    assert answered["tool_calls"][0]["extra_content"] == {"sign": "x"}
    assert results == [
        {"role": "tool", "tool_call_id": "a", "content": "É"},
        {"role": "tool", "tool_call_id": "b", "content": "Error: no luck"},
    ]


@WAYS
def test_broken_arguments_are_an_error(asking, dialect, way):
    """A call whose arguments are no JSON object is not run, and no success."""
    dialect.script.append({"tool_calls": [call("shout", '{"word": ')]})
    done = asking("-m", "fast", "Hello", "--functions", TOOLS, *way, code=1)

    assert "Error: the model called the tool shout with arguments that are no JSON" in done.stderr
    assert asking.logged() == []


def test_calls_without_an_id_are_told_apart(asking, dialect, bodies):
    """A service that gives no ids has its calls answered all the same."""
    dialect.script += [{"tool_calls": [call("shout", '{"word": "a"}', "")]}, {"content": "Done"}]
    asking("-m", "fast", "Hello", "--functions", TOOLS)
    _, answered, result = bodies()[1]["messages"]

    assert answered["tool_calls"][0]["id"] == result["tool_call_id"] != ""


def test_calls_of_one_id_are_told_apart(asking, dialect, bodies):
    """Some services give both of them the same."""
    dialect.script += [{"tool_calls": [call("shout", '{"word": "a"}', "x"), call("shout", '{"word": "b"}', "x")]}, {}]
    asking("-m", "fast", "Hello", "--functions", TOOLS)
    _, answered, *results = bodies()[1]["messages"]

    assert [json.loads(one["function"]["arguments"]) for one in answered["tool_calls"]] == [
        {"word": "a"},
        {"word": "b"},
    ]
    assert [one["id"] for one in answered["tool_calls"]] == [one["tool_call_id"] for one in results]
    assert [one["content"] for one in results] == ["A", "B"]


@WAYS
@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({"content": '{"a":', "finish_reason": "length"}, "not whole: it was cut short at the limit of tokens"),
        ({"content": '{"a": 1}', "finish_reason": "content_filter"}, "not whole: the content filter"),
        ({"content": "A dog"}, "no JSON"),
        ({"content": '{"a": 1} as you wished'}, "no JSON"),
        ({"content": ""}, "no JSON"),
        ({"refusal": "Not\nthat"}, "the model refused: Not; that"),
    ],
)
def test_what_is_no_value_of_a_schema_is_an_error(asking, dialect, way, says, why):
    """It is told, and not logged as an answer."""
    dialect.script.append(says)
    done = asking("-m", "fast", "A dog", "--schema", "a int", *way, code=1)

    assert why in done.stderr
    assert asking.logged() == []


@WAYS
def test_a_value_of_a_schema_is_the_answer(asking, dialect, way):
    """As it came; whether it has the shape is the backend's matter. A model may call a tool before."""
    dialect.script += [{"tool_calls": [call("shout", '{"word": "a"}', "x")]}, {"content": '{"b": 1}'}]
    done = asking("-m", "fast", "A dog", "--schema", "a int", "--functions", TOOLS, *way)

    assert done.stdout.strip() == '{"b": 1}'


def test_what_a_tool_shows_is_shown_once(asking, dialect, bodies):
    """An attachment of a tool's result is in the user's message after it."""
    tool = "import llm\ndef draw():\n    return llm.ToolOutput('here', [llm.Attachment(content=b'GIF89a', type='image/gif')])\n"
    dialect.script += [{"tool_calls": [call("draw", "{}")]}, {"content": "Nice"}]
    asking("-m", "fast", "Draw", "--functions", tool)

    assert [message["role"] for message in bodies()[1]["messages"]] == ["user", "assistant", "tool", "user"]
    assert [part["type"] for part in bodies()[1]["messages"][3]["content"]] == ["image_url"]


def test_a_refusal_is_the_text(asking, dialect, bodies):
    """A model that refuses is heard, and reads it once when the conversation goes on."""
    dialect.script.append({"content": None, "refusal": "I will not"})

    assert asking("-m", "fast", "Hello").stdout.strip() == "I will not"
    asking("-c", "Why?")
    assert bodies()[-1]["messages"][1] == {"role": "assistant", "refusal": "I will not"}


def test_options_and_attachments_are_said(asking, bodies):
    """Options go under their own names, unknown ones of ``extra`` into the body; files become parts."""
    for kind in ("image/png", "audio/wav", "audio/mpeg", "application/pdf"):
        (asking.directory / kind.replace("/", ".")).write_bytes(kind.encode())
    files = [
        f
        for kind in ("image/png", "audio/wav", "audio/mpeg", "application/pdf")
        for f in ("--at", kind.replace("/", "."), kind)
    ]
    options = {
        "temperature": "0.5",
        "max_tokens": "9",
        "stop": "x",
        "seed": "3",
        "image_detail": "low",
        "timeout": "50",
    }
    given = [word for name, value in options.items() for word in ("-o", name, value)]
    extra = '{"top_logprobs": 1, "logprobs": true, "mirostat": 2}'
    asking("-m", "fast", "Look", "-s", "Be short", *files, *given, "-o", "extra", extra, "-o", "json_object", "1")
    (body,) = bodies()
    said = base64.b64encode

    assert {name: body[name] for name in ("temperature", "max_tokens", "stop", "seed", "logprobs", "top_logprobs", "mirostat")} == {
        "temperature": 0.5, "max_tokens": 9, "stop": "x", "seed": 3, "logprobs": True, "top_logprobs": 1, "mirostat": 2,
    }  # fmt: skip
    assert {"timeout", "extra", "image_detail", "json_object"}.isdisjoint(body)
    assert body["response_format"] == {"type": "json_object"}
    assert body["messages"][0] == {"role": "system", "content": "Be short"}
    text, image, wav, mp3, pdf = body["messages"][1]["content"]
    assert text == {"type": "text", "text": "Look"}
    assert image["image_url"] == {"url": "data:image/png;base64," + said(b"image/png").decode(), "detail": "low"}
    assert wav["input_audio"] == {"data": said(b"audio/wav").decode(), "format": "wav"}
    assert mp3["input_audio"]["format"] == "mp3"
    assert pdf["file"]["file_data"] == "data:application/pdf;base64," + said(b"application/pdf").decode()


def test_fragments_and_the_system_prompt_are_said(asking, bodies):
    """Files of ``-f`` and ``--sf`` are text of the prompt and of the system prompt, which is said once."""
    (asking.directory / "notes.txt").write_text("Notes.", encoding="utf-8")
    (asking.directory / "rules.txt").write_text("Rules.", encoding="utf-8")
    asking("-m", "fast", "Hello", "-f", "notes.txt", "-s", "Be short", "--sf", "rules.txt")
    asking("-c", "Go on")
    first, second = bodies()
    system, user = first["messages"]

    assert system["role"] == "system"
    assert {"Rules.", "Be short"} <= set(system["content"].split("\n"))
    assert {"Notes.", "Hello"} <= set(user["content"].split("\n"))
    assert second["messages"][:2] == first["messages"]
    assert [message["role"] for message in second["messages"]] == ["system", "user", "assistant", "user"]


@WAYS
def test_a_conversation_keeps_tools_and_attachments(asking, dialect, bodies, way):
    """``-c`` in another process says again what was called, answered and attached."""
    (asking.directory / "a.png").write_bytes(b"png")
    dialect.script += [
        {"content": "Wait", "tool_calls": [call("shout", '{"word": "é"}', "a")]},
        *({"content": text} for text in ("Done", "Yes")),
    ]
    asking("-m", "fast", "Look", "--at", "a.png", "image/png", "--functions", TOOLS, *way)
    asking("-c", "Go on", "--functions", TOOLS, *way)
    before, after = bodies()[1]["messages"], bodies()[2]["messages"]

    assert [message["role"] for message in after] == ["user", "assistant", "tool", "assistant", "user"]
    assert after[:3] == before
    assert [part["type"] for part in after[0]["content"]] == ["text", "image_url"]
    assert after[1]["content"] == "Wait"
    assert after[2] == {"role": "tool", "tool_call_id": "a", "content": "É"}
    assert after[3:] == [{"role": "assistant", "content": "Done"}, {"role": "user", "content": "Go on"}]


def test_the_environment_says_which_configuration_holds(asking, service, bodies):
    """``JACKFIELD_CONFIG`` names the file, and ``JACKFIELD_PROFILE`` the profile."""
    (asking.directory / "jackfield.toml").rename(asking.directory / "other.toml")
    with (asking.directory / "other.toml").open("a", encoding="utf-8") as file:
        file.write('\n[profiles.away]\ndefault_model = "one/bytes"\n')
    away = attrs.evolve(asking, more={"JACKFIELD_CONFIG": "other.toml", "JACKFIELD_PROFILE": "away"})
    away("-m", "jackfield", "Hello")

    assert bodies()[0]["model"] == "bytes"


def test_tokens_are_shown_with_their_details(asking, dialect):
    """``-u``."""
    dialect.script.append({"content": "Hi"})
    told = asking("-m", "fast", "Hello", "-u").stderr

    assert told == 'Token usage: 11 input, 7 output, {"completion_tokens_details": {"reasoning_tokens": 4}}\n'


def test_an_image_with_a_url_is_left_to_the_backend(asking, bodies):
    """It is not fetched here."""
    asking("-m", "fast", "Look", "--at", "http://127.0.0.1:9/a.png", "image/png")

    assert bodies()[0]["messages"][0]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": "http://127.0.0.1:9/a.png"},
    }


@pytest.mark.parametrize("option", [("extra", '{"model": "x"}'), ("extra", "[1]"), ("logit_bias", "{"), ("nope", "1")])
def test_wrong_options_are_refused(asking, bodies, option):
    """Nothing is sent."""
    assert "Error: " in asking("-m", "fast", "Hello", "-o", *option, code=1).stderr
    assert bodies() == []
