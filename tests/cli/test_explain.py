"""``jackfield explain``."""

from __future__ import annotations

import json

CANARY = "sk-canary-explain-9876543210"
FILE = """\
default_model = "fast"
[models]
fast = "main/m"
[backends.main]
provider = "openai"
base_url = "https://api.example/v1"
[[backends.main.middleware]]
use = "bearer"
token = "env:EXPLAIN_KEY"
[[middleware]]
use = "retry"
max_attempts = 2
[profiles.other]
default_model = "main/o"
"""
OAUTH2 = """\
default_model = "main/m"
[backends.main]
provider = "openai"
base_url = "https://api.example/v1"
[[backends.main.middleware]]
use = "oauth2"
token_url = "https://login.example/token"
client_id = "me"
client_secret = "env:EXPLAIN_KEY"
"""


def test_the_onion_is_a_tree_and_the_request_stands_innermost(world) -> None:
    """A line each; what stands inside stands further right, and a place stands behind what was written."""
    world.configure(FILE)
    world.monkeypatch.setenv("EXPLAIN_KEY", CANARY)
    result = world.run("explain", "Why?")

    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[:5] == [
        "configuration: jackfield.toml",
        "default_model = fast  (jackfield.toml:1)",
        "fast = main/m  (jackfield.toml:3)",
        lines[3],
        "    max_attempts = 2  (jackfield.toml:12)",
    ]
    assert lines[3].startswith("retry#0 (Retry of jackfield-retry ")
    assert "  backend main" in lines
    assert '        token = "env:EXPLAIN_KEY"  (jackfield.toml:9)' in lines
    assert "        transport.proxy = none" not in lines
    assert "          authorization: Bearer <env:EXPLAIN_KEY>" in lines
    assert '                "content": "Why?"' in lines
    assert CANARY not in result.stdout


def test_a_profile_and_the_environment_are_named(world) -> None:
    """Behind the values that come from them."""
    world.configure(FILE)
    world.monkeypatch.setenv("JACKFIELD__BACKENDS__MAIN__ORGANIZATION", "mine")
    result = world.run("explain", "--profile", "other", "--stream")

    assert "configuration: jackfield.toml, profile other" in result.stdout
    assert "default_model = main/o  (jackfield.toml:14, profile other)" in result.stdout
    assert 'organization = "mine"  (JACKFIELD__BACKENDS__MAIN__ORGANIZATION)' in result.stdout
    assert "accept: text/event-stream" in result.stdout


def test_json_is_one_document(world) -> None:
    """With all that the tree has."""
    world.configure(FILE)
    result = world.run("explain", "--json", "-m", "main/x", "-o", "temperature=0.1")

    plain = json.loads(result.stdout)
    assert plain["model"] == "x"
    assert plain["request"]["body"]["temperature"] == 0.1
    assert plain["request"]["headers"]["authorization"] == "Bearer <env:EXPLAIN_KEY>"


def test_the_messages_are_as_the_arguments_say(world) -> None:
    """The system message first; without a prompt it is one that help tells of."""
    world.configure(FILE)
    plain = json.loads(world.run("explain", "--json", "--system", "Be brief.").stdout)

    assert plain["request"]["body"]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    ]
    assert "Hello" in world.run("explain", "--help").stdout


def test_what_is_asked_first_and_what_is_missing_is_told(world) -> None:
    """A token is fetched before, so it cannot be shown in the request."""
    world.configure(OAUTH2)
    result = world.run("explain")

    assert "asks first:" in result.stdout
    assert "POST https://login.example/token" in result.stdout
    assert "grant_type=client_credentials" in result.stdout
    assert "(a layer asks something else first; what it adds to the request is not shown)" in result.stdout


def test_a_backend_in_this_process_and_no_file_are_told(world) -> None:
    """The built-in default is no file."""
    (world.directory / "jackfield.toml").unlink()
    result = world.run("explain", "-m", "local/smollm2")

    assert result.stdout.startswith("configuration: no file\n")
    assert "(the backend answers in this process: nothing is sent)" in result.stdout


def test_a_file_elsewhere_stands_with_its_whole_path(world) -> None:
    """One below the working directory does not."""
    (world.directory / "below").mkdir()
    file = world.configure(FILE)
    world.monkeypatch.chdir(world.directory / "below")
    result = world.run("explain")

    assert result.stdout.startswith(f"configuration: {file}\n")


def test_what_is_wrong_with_the_configuration_is_the_error(world) -> None:
    """With its place."""
    world.configure(FILE.replace("max_attempts", "max_tries"))
    result = world.run("explain")

    assert result.exit_code == 1
    assert "jackfield.toml:12: middleware[0].max_tries: unknown setting" in result.stderr


SHARED = """\
[backends.main]
provider = "anthropic"
base_url = "https://api.example"
on_unsupported = "drop"
[[middleware]]
use = "balance"
models.sh = { "main/a" = 2, "main/b" = 1 }
models.one = { "main/c" = 1 }
"""


def test_a_name_that_is_shared_out_is_one_of_several(world) -> None:
    """It is told which; a name that always becomes the same one is like an alias."""
    world.configure(SHARED)

    assert "sh = main/a, one of 2: main/a, main/b  (jackfield.toml:7)" in world.run("explain", "-m", "sh").stdout
    assert "one = main/c  (jackfield.toml:8)" in world.run("explain", "-m", "one").stdout


def test_what_is_left_out_is_told(world) -> None:
    """Below the request."""
    world.configure(SHARED)
    result = world.run("explain", "-m", "main/a", "-o", "seed=1", "-o", "logprobs=true")

    assert "left out: logprobs, seed\n" in result.stdout
    assert "left out" not in world.run("explain", "-m", "main/a").stdout
