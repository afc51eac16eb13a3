"""The command line with no file at all, against a server that speaks OpenAI's protocol."""

from __future__ import annotations

import pytest

from chat_server import KEY, serving


@pytest.fixture
def service(world):
    """OpenAI's own two variables, and nothing else."""
    pytest.importorskip("jackfield_openai")
    (world.directory / "jackfield.toml").unlink()
    with serving() as url:
        world.monkeypatch.setenv("OPENAI_BASE_URL", url)
        world.monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield world


@pytest.mark.parametrize("options", [[], ["--no-stream"]])
def test_two_variables_are_configuration_enough(service, options: list[str]) -> None:
    """The answer comes from the server that the environment names, streamed or whole."""
    result = service.run("chat", "-m", "openai/loud", *options, "hello there")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "HELLO THERE\n", "")


def test_the_models_of_the_service_are_listed(service) -> None:
    """Under the names that chat -m takes."""
    assert "openai/quiet\t\ttest\nopenai/loud\t\ttest\n" in service.run("models").stdout


def test_a_wrong_key_is_told_and_not_shown(service) -> None:
    """The server's refusal is one message; the key is nowhere."""
    service.monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-canary")
    result = service.run("chat", "-m", "openai/loud", "hello")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "HTTP 401" in result.stderr
    assert "canary" not in result.stderr


def test_a_model_that_is_not_named_is_not_guessed(service) -> None:
    """With a service of one's own, no other backend answers instead."""
    result = service.run("chat", "hello")

    assert result.exit_code == 1
    assert "no model is named" in result.stderr
