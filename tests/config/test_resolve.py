"""A model name leads to a backend and its own model, or to an error that helps."""

from __future__ import annotations

import attrs
import pytest

from jackfield.config.load import load
from jackfield.config.resolve import resolve
from jackfield.config.settings import Settings
from jackfield.errors import ConfigError


def configured(*backends: str, default: str | None = None, **models: str) -> Settings:
    """Settings with these backends and aliases, without fault."""
    data = {"models": models, "backends": {name: {"provider": "x"} for name in backends}}
    loaded = load(data if default is None else {**data, "default_model": default}, environ={})
    assert loaded.faults == []
    return loaded.settings


TWO = configured("openai", "local", fast="openai/gpt-5", quick="fast", **{"team/best": "quick"}, default="quick")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai/gpt-5", ("openai", "gpt-5")),
        ("openai/meta/llama-3", ("openai", "meta/llama-3")),
        ("fast", ("openai", "gpt-5")),
        ("quick", ("openai", "gpt-5")),
        ("team/best", ("openai", "gpt-5")),
        (None, ("openai", "gpt-5")),
    ],
)
def test_names_and_aliases_lead_to_their_backend(name: str | None, expected: tuple[str, str]) -> None:
    """``backend/model``, an alias, an alias of an alias, one with a slash, and the default."""
    assert resolve(TWO, name) == expected


def test_a_bare_name_goes_to_the_only_backend() -> None:
    """Unless it is an alias, and only where there is one backend."""
    one = configured("local", fast="local/a")

    assert resolve(one, "smollm2") == ("local", "smollm2")
    assert resolve(one, "fast") == ("local", "a")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gtp", "no backend and no alias is meant by 'gtp' (known: fast, local/…, openai/…, quick, team/best)"),
        ("fats", "no backend and no alias is meant by 'fats' (did you mean \"fast\"?)"),
        ("opnai/gpt-5", "no backend and no alias is meant by 'opnai/gpt-5' (did you mean \"openai/gpt-5\"?)"),
        ("openai/", 'no backend and no alias is meant by \'openai/\' ("openai" is a backend: write "openai/MODEL")'),
        ("local", 'no backend and no alias is meant by \'local\' ("local" is a backend: write "local/MODEL")'),
        ("", "no backend and no alias is meant by '' (known: fast, local/…, openai/…, quick, team/best)"),
        ("x\ny", "no backend and no alias is meant by 'x\\ny' (known: fast, local/…, openai/…, quick, team/best)"),
    ],
)
def test_an_unknown_name_is_an_error_that_guesses(name: str, expected: str) -> None:
    """On one line, whatever the name holds."""
    with pytest.raises(ConfigError) as caught:
        resolve(TWO, name)

    assert str(caught.value) == expected


def test_an_unknown_name_is_not_repeated_at_length() -> None:
    """A gateway's client may send a name of any size."""
    with pytest.raises(ConfigError) as caught:
        resolve(TWO, "openai2/" + "x" * 10**6)

    assert len(str(caught.value)) < 400


def test_a_slash_name_does_not_go_to_the_only_backend() -> None:
    """It may be a typo of the backend's name; the message says how to write it otherwise."""
    one = configured("local")
    with pytest.raises(ConfigError, match='did you mean "local/m"'):
        resolve(one, "locall/m")
    with pytest.raises(ConfigError, match="known: local/…"):
        resolve(one, "meta/llama")
    with pytest.raises(ConfigError, match="known: local/…"):
        resolve(one, "")


def test_without_a_default_a_model_must_be_named() -> None:
    """The message lists what there is."""
    with pytest.raises(ConfigError) as caught:
        resolve(configured("openai", fast="openai/x"))

    assert str(caught.value) == "no model is named, and the configuration has no default_model (known: fast, openai/…)"


def test_a_circle_made_by_hand_ends() -> None:
    """``load`` lets none through, but settings are a value that anyone can make."""
    with pytest.raises(ConfigError, match="circle"):
        resolve(attrs.evolve(TWO, models={"a": "b", "b": "a"}), "a")
    with pytest.raises(ConfigError, match=r"no default_model$"):
        resolve(Settings())
