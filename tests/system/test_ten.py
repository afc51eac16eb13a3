"""One host program, unchanged, has the same ten conversations on five backends, switched by JACKFIELD_PROFILE alone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from system.llama import LlamaServer
from system.tiny_model import REPLY, write_tiny_model

pytestmark = pytest.mark.system

HERE = Path(__file__).parent
CONFIG = """\
default_model = "main"

[models]
main = "embedded/tiny"

[backends.embedded]
provider = "local"
model_path = '{model}'
model_name = "tiny"

[backends.server]
provider = "openai"
preset = "llama.cpp"
base_url = "{url}"

[backends.messages]
provider = "anthropic"
base_url = "{url}"
json_by = "tool"                       # the server does not know schemas in this format

[backends.gemini]
provider = "gemini"

[backends.broken]
provider = "openai"
base_url = "http://127.0.0.1:{closed}/v1"

[[middleware]]
use = "retry"                              # the server closes connections after streams, and a request may meet that

[profiles.openai.models]
main = "server/tiny"

[profiles.anthropic.models]
main = "messages/tiny"

[profiles.gemini]
models.main = "gemini/gemini-2.5-flash"
middleware = [{{ use = "replay", file = '{recording}', unused = "error" }}]

[profiles.fallback]
models.main = "broken/tiny"
middleware = [{{ use = "fallback", models = {{ main = ["server/tiny"] }} }}, {{ use = "retry", max_attempts = 2 }}]
"""
LEFT = {"cancelled", "success"}
"""Outcomes of a stream that was left: the tiny model may have said all that it has to say by then."""


@pytest.fixture(scope="module")
def config(tmp_path_factory, llama_server: LlamaServer) -> Path:
    """The one configuration."""
    directory = tmp_path_factory.mktemp("ten")
    model = directory / "tiny.gguf"
    write_tiny_model(model)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    file = directory / "jackfield.toml"
    recording = HERE / "data" / "gemini.yaml"
    file.write_text(CONFIG.format(model=model, url=llama_server.base_url, recording=recording, closed=port))
    return file


def outcomes(config: Path, profile: str, mode: str) -> dict[str, Any]:
    """What the host program prints."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("JACKFIELD")}
    environ |= {"JACKFIELD_CONFIG": str(config), "JACKFIELD_PROFILE": profile}
    command = [sys.executable, "-W", "error", str(HERE / "ten.py"), mode]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    ("profile", "backends", "image"),
    [
        ("", ["embedded"], {"error": "UnsupportedParameterError", "param": "messages[0].content[1]"}),
        ("openai", ["server"], {"error": "InternalServerError", "param": None}),
        ("anthropic", ["messages"], {"error": "InternalServerError", "param": None}),
        ("fallback", ["broken", "server"], {"error": "InternalServerError", "param": None}),
    ],
)
def test_a_tiny_model_answers_alike_whatever_the_format(config, profile, backends, image, mode):
    """Embedded, by OpenAI's format, by Anthropic's, and where the first backend of a chain is not there."""
    told = outcomes(config, profile, mode)
    for name in ("chat", "stream", "long", "unicode"):
        assert told[name]["text"] == REPLY, name
        assert told[name]["finish"] == "stop", name
    for name in ("stream", "tools", "unicode"):
        assert told[name]["same"], name
    assert told["tools"]["calls"] == [["get_country", {}]]
    assert told["tools"]["finish"] == told["parallel"]["finish"] == "tool_calls"
    assert [name for name, _ in told["parallel"]["calls"]] in (["add"], ["subtract"], ["add", "subtract"])
    assert all(set(numbers) == {"x", "y"} for _, numbers in told["parallel"]["calls"])
    assert told["parallel"]["then"] == REPLY
    assert set(json.loads(told["schema"]["text"])) == {"city", "country"}
    assert told["schema"]["finish"] == "stop"
    assert told["image"] == image  # the model has no eyes: whoever finds that out says so
    assert told["long"]["prompt"] > 2000
    assert told["error"]["error"] == "ContextLengthExceededError"
    assert told["cancel"]["outcome"] in LEFT
    assert told["cancel"]["seconds"] < 10
    answered = [one for name, one in told.items() if name not in {"image", "error", "cancel"}]
    assert all(one["usage"] for one in answered)
    assert all(list(dict.fromkeys(one["backends"])) == backends for one in answered)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_recorded_gemini_answers_without_a_network_or_a_key(config, mode):
    """What it was asked is what was recorded, to the last field; the thoughts' signatures go back with the results."""
    told = outcomes(config, "gemini", mode)
    assert told["chat"]["text"] == "OK."
    assert told["stream"]["text"] == "\n".join(map(str, range(1, 31)))
    assert told["stream"]["same"]
    assert told["tools"]["calls"] == [["get_country", {}]]
    assert told["parallel"]["calls"] == [["add", {"x": 3, "y": 4}], ["subtract", {"x": 10, "y": 2}]]
    assert told["parallel"]["then"] == "7\n8"
    assert json.loads(told["schema"]["text"]) == {"city": "Mexico City", "country": "Mexico"}
    assert told["image"]["text"] == "Red"
    assert told["long"]["text"] == "OK."
    assert "θερμοκρασία 🌡️" in told["unicode"]["text"]
    assert told["error"]["error"] == "ContextLengthExceededError"
    assert told["cancel"]["outcome"] == "cancelled"
    assert all(one["backends"] == ["gemini"] for name, one in told.items() if name not in {"error", "cancel"})


def test_the_host_program_names_no_backend():
    """Configuration alone tells them apart."""
    program = (HERE / "ten.py").read_text(encoding="utf-8").lower()
    for word in ("openai", "anthropic", "gemini", "local/", "llama", "base_url", "extra_"):
        assert word not in program, word
