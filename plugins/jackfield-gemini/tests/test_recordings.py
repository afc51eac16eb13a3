"""Recorded exchanges: what is sent for the same conversation, and what is made of the answers, whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import APIError
from jackfield.testing import Reply, make_call
from jackfield.wire import to_dict
from jackfield_gemini import GeminiProvider

DATA = Path(__file__).parent / "data"
NAMES = sorted(path.stem for path in DATA.glob("*.json"))
FAILURES = ("message", "code", "type", "param", "status_code", "request_id", "retry_after", "should_retry")


def exchanges(name: str) -> list[dict[str, Any]]:
    content: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return content["exchanges"]  # type: ignore[no-any-return]  # it is one


EXCHANGES = [(name, number) for name in NAMES for number, _ in enumerate(exchanges(name))]
STREAMS = [(name, number) for name, number in EXCHANGES if "blocks" in exchanges(name)[number]["response"]]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def function(name: str, description: str, parameters: Any = None) -> dict[str, Any]:
    given = {} if parameters is None else {"parameters": parameters}
    return {"type": "function", "function": {"name": name, "description": description, **given}}


def called(identity: str, name: str, arguments: str) -> dict[str, Any]:
    call = {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def returned(identity: str, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identity, "content": text}


def operands(x: str, y: str) -> dict[str, Any]:
    properties = {"x": {"description": x, "type": "number"}, "y": {"description": y, "type": "number"}}
    return {"properties": properties, "required": ["x", "y"], "type": "object"}


RECORD = {"properties": {"record": {"type": "string"}}, "required": ["record"], "type": "object"}
CITY = {"properties": {"city": {"type": "string"}, "country": {"type": "string"}}, "required": ["city", "country"],
        "title": "CityLocation", "type": "object"}  # fmt: skip
CALCULATOR = (
    "You are a calculator assistant. You MUST use the provided tools for every arithmetic operation instead of computing "
    "results yourself. Once you have all the tool results you need, reply with the final numeric answer in plain text."
)
SUM = (
    "Compute 3 + 4 and 10 - 2. You MUST call the add tool and the subtract tool together in your first response, as two "
    "parallel function calls, then report both results."
)
PARALLEL: dict[str, Any] = {
    "messages": [{"role": "system", "content": CALCULATOR}, user(SUM)],
    "temperature": 0.0,
    "tools": [
        function("add", "Add x and y together", operands("The first operand", "The second operand")),
        function("subtract", "Subtract y from x (i.e. x - y)", operands("The first operand", "The second operand")),
    ],
}
COUNTRY: dict[str, Any] = {
    "messages": [user("What is the capital of the user country? Call the tool")],
    "tools": [function("get_country", "", {"additionalProperties": False, "properties": {}, "type": "object"})],
}


def told(name: str, number: int) -> Any:
    """The message of an answer, as the host gives it back."""
    return exchanges(name)[number]["told"]["choices"][0]["message"]


CONVERSATIONS: dict[str, list[dict[str, Any]]] = {
    "blocked": [{"messages": [user("A prompt that is not let through.")]}],
    "chat": [{"messages": [user("Reply with exactly OK.")]}],
    "code": [{
        "messages": [user("Use the code execution tool twice, in two separate runs: first compute 6*7, then in a second run compute 6*7 plus 100. State both numbers in your answer.")],
        "max_completion_tokens": 2000, "temperature": 0.0, "tools": [{"type": "codeExecution"}],
    }],
    "forced": [{
        "messages": [user("Call the ping tool with no arguments. Do not answer with normal text before the tool call.")],
        "tools": [function("ping", "A zero-argument tool named ping.", {"properties": {}, "required": [], "type": "object"})], "tool_choice": "required",
    }],
    "foreign": [{
        "messages": [
            user("Look up record alpha."), called("call_dup", "lookup_code", '{"record":"alpha"}'), returned("call_dup", "record alpha: code amber-5521"),
            user("Now look up record beta."), called("call_du1", "lookup_code", '{"record":"beta"}'), returned("call_du1", "record beta: code cobalt-7730"),
            user("Without calling any tool, reply exactly `alpha=<code> beta=<code>` using the lookups above."),
        ],
        "tools": [function("lookup_code", "Return the code stored for one record.", RECORD)], "max_tokens": 2048,
    }],
    "image": [{"messages": [{"role": "user", "content": [
        {"type": "text", "text": "Which colour has this image? One word."},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{exchanges('image')[0]['request']['json']['contents'][0]['parts'][1]['inlineData']['data']}"}}]}]}],
    "length": [{"messages": [{"role": "system", "content": "You are a helpful chatbot."}, user("What is the capital of France?")], "max_tokens": 5}],
    "long": [{"messages": [user("Count from 0 to 1999, with blanks between.")]}],
    "parallel": [PARALLEL, {**PARALLEL, "messages": [
        *PARALLEL["messages"], told("parallel", 0), returned("call_made_-QPBaqqzE_6CmtkPpIqh4AE_0_1", '{"result": 8}'),
        returned("call_made_-QPBaqqzE_6CmtkPpIqh4AE_0_0", '{"result": 7}')]}],
    "recitation": [{"messages": [user("Recite a long text.")]}],
    "safety": [{"messages": [{"role": "system", "content": "You hate the world!"}, user("Tell me a joke about a Brazilians.")]}],
    "schema": [{"messages": [user("What is the largest city in Mexico?")], "response_format": {
        "type": "json_schema", "json_schema": {"name": "CityLocation", "description": "A city and its country.", "schema": CITY}}}],
    "signed": [{"messages": [user("Reply with exactly: fixture ok")]}],
    "stream": [{"messages": [user("Count from 1 to 30, one number per line, digits only.")]}],
    "thoughts": [{"messages": [user("How many days until New Year's Eve?")], "tools": [function("now", "The current date.")]}],
    "tools": [COUNTRY, {**COUNTRY, "messages": [
        *COUNTRY["messages"], told("tools", 0), returned("call_made_SVV8aY6uBqe6qtsPmJbEuAM_0_0", '{"return_value": "Mexico"}')]}],
    "unicode": [{
        "messages": [user("Use the code execution tool to run exactly `print('θερμοκρασία 🌡️ 25°C')` and then repeat its output verbatim in your answer.")],
        "max_tokens": 2000, "temperature": 0, "tools": [{"type": "codeExecution"}],
    }],
    **{name: [{"messages": [user("Hello.")]}] for name in NAMES if name.startswith("error_")},
}  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {
    "safety": {"safety_settings": {"HARM_CATEGORY_HATE_SPEECH": "BLOCK_LOW_AND_ABOVE"}},
    "thoughts": {"include_thoughts": True},
}
MADE_ID = "pyd_ai_2c58246573624ed1a963f429338ded57"
"""What the recorder gave a call that had no id."""


def plainly(value: Any) -> Any:
    """A recorded body without what other programs write and what says nothing."""
    if isinstance(value, list):
        return [plainly(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {
        name: plainly(each) for name, each in value.items() if each is not None and (name, each) != ("thought", False)
    }
    kept = {
        ("parametersJsonSchema" if name in {"parameters", "parameters_json_schema"} else name): each
        for name, each in kept.items()
    }
    if kept.get("id") == MADE_ID:
        del kept["id"]
    return kept


def bare(body: dict[str, Any]) -> dict[str, Any]:
    """The same without defaults that are written out."""
    body = plainly(body)
    config = {name: each for name, each in body.pop("generationConfig", {}).items() if name != "responseModalities"}
    if "systemInstruction" in body:
        body["systemInstruction"].pop("role", None)
    return {**body, **({"generationConfig": config} if config else {})}


def unpadded(body: Any) -> Any:
    """In one alphabet of base64 (RFC 4648, sections 4 and 5): the recorder wrote signatures in the other."""
    return json.loads(json.dumps(body).replace("_", "/").replace("-", "+"))


@pytest.mark.parametrize(("name", "number"), EXCHANGES)
def test_the_same_conversation_makes_the_recorded_request(asked: Any, name: str, number: int) -> None:
    """The whole body, and where it goes."""
    recorded = exchanges(name)[number]["request"]
    model = recorded["url"].rpartition("/models/")[2].partition(":")[0]
    fields = {**CONVERSATIONS[name][number], "model": model, "stream": "stream" in recorded["url"]}

    http_request = GeminiProvider(**SETTINGS.get(name, {})).encode(asked(**fields), make_call())

    assert (http_request.method, http_request.url) == (recorded["method"], recorded["url"])
    assert unpadded(json.loads(http_request.body)) == unpadded(bare(recorded["json"]))


def outcome(ask: Any, name: str, number: int, answer: Reply | None = None) -> Any:
    """What comes of a recorded answer: the response, or the failure, as plain JSON."""
    recorded = exchanges(name)[number]
    content = recorded["response"]
    body = content["blocks"] if "blocks" in content else [json.dumps(content["json"])]
    if answer is None:
        answer = Reply(content["status"], content["headers"], [block.encode() for block in body])
    try:
        return to_dict(ask(answer, stream="stream" in recorded["request"]["url"]).response)
    except APIError as error:
        return {"error": type(error).__name__, **{field: getattr(error, field) for field in FAILURES}}


@pytest.mark.parametrize(("name", "number"), EXCHANGES)
def test_recorded_answer_tells_all_that_it_told(ask: Any, name: str, number: int) -> None:
    """The whole response, or the whole failure."""
    assert outcome(ask, name, number) == exchanges(name)[number]["told"]


@pytest.mark.parametrize(("name", "number"), STREAMS)
def test_stream_tells_the_same_however_it_is_cut(ask: Any, name: str, number: int) -> None:
    """In two at each place, and byte by byte."""
    content = exchanges(name)[number]
    data = "".join(content["response"]["blocks"]).encode()
    head = content["response"]["headers"]
    step = 1 if name == "stream" else max(1, len(data) // 50)

    singly = outcome(ask, name, number, Reply(200, head, [data[at : at + 1] for at in range(len(data))]))
    halves = [outcome(ask, name, number, Reply(200, head, [data[:at], data[at:]])) for at in range(1, len(data), step)]

    assert singly == content["told"]
    assert all(half == content["told"] for half in halves)


@pytest.mark.parametrize(("name", "number"), STREAMS)
def test_stream_that_ends_early_is_no_answer(ask: Any, name: str, number: int) -> None:
    """Wherever it ends before its last event is whole, and with all that had come before it in the error."""
    content = exchanges(name)[number]
    blocks = [block.encode() for block in content["response"]["blocks"]]
    data, needed = b"".join(blocks), sum(map(len, blocks[:-1])) + len(blocks[-1].rstrip())
    step = 1 if name == "stream" else max(1, needed // 50)

    ends = {
        at: outcome(ask, name, number, Reply(200, content["response"]["headers"], [data[:at]] if at else []))
        for at in range(0, needed, step)
    }

    assert {at: end.get("error") for at, end in ends.items()} == dict.fromkeys(ends, "StreamInterruptedError")
