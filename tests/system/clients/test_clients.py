"""Client libraries as they are published, against ``jackfield serve`` in front of a real llama.cpp server."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from system.clients.environments import HERE
from system.clients.serving import BACKEND_KEY
from system.tiny_model import REPLY

pytestmark = [pytest.mark.system, pytest.mark.long]

SOON = 1.0
"""Seconds in which the gateway has to let go of an answer that nobody waits for: that is the promise."""
PATIENCE = 20.0
"""Seconds to wait for it, so that a failure tells how late it was."""


LIBRARIES = {
    "openai2": ("openai2", "with_openai.py"),
    "openai3": ("openai3", "with_openai.py"),
    "npm-openai": ("node", "with_openai.mjs"),
    "litellm": ("openai2", "with_litellm.py"),
    "langchain": ("openai3", "with_langchain.py"),
}
"""Of each, the environment that has it, and the script that has its conversations."""
INVALID = "invalid_request_error"
REFUSED = {
    "401": ("AuthenticationError", 401, "no valid key", "invalid_api_key", "authentication_error", None),
    "404": ("NotFoundError", 404, "the model does not exist", "model_not_found", INVALID, "model"),
    "400": ("BadRequestError", 400, "temperature: expected", "invalid_value", INVALID, None),
    "400 of the backend": ("BadRequestError", 400, "context size", "400", "exceed_context_size_error", None),
}


@pytest.fixture(scope="module", params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    """Each library."""
    return request.param


@pytest.fixture(scope="module")
def told(library, run) -> dict[str, Any]:
    """What its script told, by case."""
    environment, script = LIBRARIES[library]
    done = run(environment, HERE / "scripts" / script, library)
    assert done.returncode == 0, done.stderr
    assert BACKEND_KEY not in done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]  # litellm prints other things besides
    return {told.pop("case"): told for told in map(json.loads, lines)}


@pytest.fixture(scope="module")
def counted(relay) -> list[int]:
    """The tokens of a conversation as the server itself counts them, asked without a gateway."""
    body = json.dumps({"model": "tiny", "messages": [{"role": "user", "content": "Hello."}]}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {BACKEND_KEY}"}
    asked = urllib.request.Request(f"{relay.base_url}/v1/chat/completions", body, headers)
    with urllib.request.urlopen(asked, timeout=60) as response:
        usage = json.load(response)["usage"]
    return [usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]]


def test_plain(told):
    """The model's sentence."""
    assert (told["plain"]["text"], told["plain"]["finish"]) == (REPLY, "stop")


def test_stream(told):
    """The same sentence, word by word."""
    assert ("".join(told["stream"]["pieces"]), told["stream"]["finish"]) == (REPLY, "stop")
    assert len(told["stream"]["pieces"]) > 5


@pytest.mark.parametrize("case", ["plain", "stream"])
def test_usage(told, counted, case):
    """As the server counts, whole and streamed."""
    assert told[case]["usage"] == counted


def test_tools(told):
    """The model calls the tool, whole and streamed; given the result, it answers."""
    for case in ("tools", "streamed tools"):
        name, arguments = told[case]["call"]
        assert (name, arguments.keys()) == ("get_weather", {"city"})
    assert told["tools"]["then"] == REPLY


def test_json_schema(told):
    """The library makes a value of its own of the answer."""
    assert told["schema"]["parsed"].keys() == {"city", "country"}


@pytest.mark.parametrize("case", REFUSED)
def test_refusal(told, library, case):
    """The library raises the error that it has for the status, with what the gateway says."""
    kind, status, words, code, type_, param = REFUSED[case]
    error = told[case]
    assert kind in error["raised"]
    assert error["status_code"] == status
    assert words in error["message"]
    if library != "litellm":  # which keeps no more of it
        assert (error["code"], error["type"], error["param"]) == (code, type_, param)
        assert error["request_id"].startswith("req_")


@pytest.mark.parametrize("case", ["abort", "give up"])
def test_whoever_leaves_ends_what_was_asked_for(told, library, relay, case):
    """Within a second the gateway lets go of the backend, which is silent: in a stream, and before a whole answer."""
    at = told[case]["at"]
    left = relay.left(f"{library}-{case.replace(' ', '-')}", PATIENCE)
    assert left is not None
    assert left - at < SOON
