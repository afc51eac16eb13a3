"""Settings are shown in the shape of the file, and no secret is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.config.load import load
from jackfield.config.settings import Settings
from jackfield.config.show import show
from jackfield.redaction import MASK, remember
from jackfield.secret import Secret


def settings_of(data: dict[str, Any]) -> Settings:
    """Settings of a mapping that must be without fault."""
    loaded = load(data, environ={})
    assert loaded.faults == []
    return loaded.settings


class Everything:
    """Settings of a plugin that takes any."""

    def __contains__(self, _: object) -> bool:
        return True

    def __getitem__(self, name: str) -> tuple[str, ...]:
        return ("body", "basic") if name == "client_auth" else ()


def known(kind: str, name: str) -> Any:
    """Every plugin but ``unknown`` takes any setting but one that is misspelt."""
    return {"token": ()} if name in {"bearer", "unknown"} else Everything()


def shown(**settings: Any) -> dict[str, Any]:
    """How a middleware with these settings is shown."""
    layer = show(settings_of({"backends": {"a": {"provider": "p"}}, "middleware": [{"use": "m", **settings}]}), known)
    table: dict[str, Any] = layer["middleware"][0]
    assert table.pop("use") == "m"
    return table


def test_the_shape_is_that_of_the_file() -> None:
    """Nothing is lost, limits that were not written are told, what is empty is left out."""
    data = {
        "default_model": "fast",
        "models": {"fast": "a/m"},
        "backends": {
            "a": {
                "provider": "p",
                "base_url": "https://host/v1",
                "timeout": {"total": 5},
                "transport": {"proxy": "http://proxy:3128"},
                "middleware": [{"use": "bearer", "token": "env:KEY"}],
            }
        },
        "middleware": [{"use": "retry", "max_attempts": 3}],
    }

    assert show(settings_of(data), known) == {
        "default_model": "fast",
        "models": {"fast": "a/m"},
        "backends": {
            "a": {
                "provider": "p",
                "base_url": "https://host/v1",
                "timeout": {"connect": 5.0, "first_byte": 120.0, "idle": 60.0, "total": 5.0},
                "transport": {
                    "proxy": "http://proxy:3128",
                    "max_connections": 1000,
                    "max_response_bytes": 64 * 2**20,
                    "max_line_bytes": 2**20,
                },
                "middleware": [{"use": "bearer", "token": "env:KEY"}],
            }
        },
        "middleware": [{"use": "retry", "max_attempts": 3}],
    }
    assert set(show(settings_of({"backends": {"a": {"provider": "p"}}}), known)) == {"backends"}


names = st.sampled_from(["alpha", "beta", "x-1"])
plain = st.integers(0, 9) | st.booleans() | st.sampled_from(["text", "env:KEY", "https://h/v1?a=b"])
own = st.dictionaries(st.sampled_from(["url", "deep", "list"]), plain | st.lists(plain) | st.dictionaries(names, plain))
layers = st.lists(own.map(lambda settings: {"use": "m", **settings}), max_size=2)
backends = st.builds(lambda settings, middleware: {"provider": "p", "middleware": middleware, **settings}, own, layers)
configurations = st.fixed_dictionaries(
    {"backends": st.dictionaries(names, backends, min_size=1)}, optional={"middleware": layers}
)


@given(configurations)
def test_what_is_shown_means_the_same(data: dict[str, Any]) -> None:
    """Where nothing had to be hidden, what is shown can be loaded again."""
    settings = settings_of(data)

    assert settings_of(show(settings, known)) == settings


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "api_key",
        "apikey",
        "API-Key",
        "apiKey",
        "key",
        "keys",
        "password",
        "passwd",
        "client_secret",
        "Authorization",
        "Proxy-Authorization",
        "credentials",
        "Helicone-Auth",
        "Cookie",
        "accessToken",
        "token_v2",
        "value",
    ],
)
def test_under_the_name_of_a_secret_only_a_reference_is_shown(name: str) -> None:
    """In a table of headers too, and whatever it is inside."""
    table = {name: "plain text", "deep": {name: ["one", {"inner": "two"}]}, "other": "seen"}

    assert shown(**table) == {name: MASK, "deep": {name: [MASK, {"inner": MASK}]}, "other": "seen"}
    assert shown(**{name: "file:/run/key"}) == {name: "file:/run/key"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bearer abc", MASK),
        ("sk-abcdefghij", MASK),
        ("sk-proj-abc-defghij", MASK),
        ("sk-ant-api03-abcdefgh", MASK),
        ("AQ.Ab8RN6C4n4ry", MASK),
        ("ghp_abcdefghij", MASK),
        ("eyJhbGciOiJIUzI1NiJ9.e30.x", MASK),
        ("sk-8", "sk-8"),
        ("https://me:pw@host/v1", f"https://{MASK}@host/v1"),
        ("https://h/v1?api-key=abc&v=2#f", f"https://h/v1?api-key={MASK}&v=2#f"),
        ("bearer", "bearer"),
    ],
)
def test_what_looks_like_a_key_is_hidden_under_any_name(text: str, expected: str) -> None:
    """A key is often written where it does not belong."""
    assert shown(thing=text) == {"thing": expected}


def test_known_secrets_and_secret_objects_are_never_shown() -> None:
    """A value that was read as a secret is taken out of any text; an object shows its reference."""
    remember("hunter22-known")

    assert shown(note="it is hunter22-known!", one=Secret("env:KEY"), two=Secret.of("hunter22")) == {
        "note": f"it is {MASK}!",
        "one": "env:KEY",
        "two": MASK,
    }


def test_values_are_plain() -> None:
    """Dates become text, a program's objects their class, sets and tuples lists."""
    assert shown(since=date(2026, 1, 2), hook=object(), pair=(1, 2.5), flags=frozenset({True}), none=None) == {
        "since": "2026-01-02",
        "hook": "<object>",
        "pair": [1, 2.5],
        "flags": [True],
        "none": "<NoneType>",
    }


def test_an_integer_of_thousands_of_digits_stands_as_its_class() -> None:
    """TOML takes one in hexadecimal digits, and Python refuses to write it in decimal ones."""
    assert shown(seed=int("f" * 4400, 16), other=2**63) == {"seed": "<int>", "other": 2**63}


def test_what_is_no_setting_may_be_a_secret_misspelt() -> None:
    """Whoever mistypes a name looks at the configuration next."""
    data = {
        "backends": {
            "a": {"provider": "unknown", "base": "sk", "middleware": [{"use": "bearer", "tokn": "sk", "n": 1}]}
        },
    }
    backend = show(settings_of(data), known)["backends"]["a"]
    assert backend["base"] == MASK
    assert backend["middleware"] == [{"use": "bearer", "tokn": MASK, "n": 1}]


def test_long_values_in_a_query_may_be_keys() -> None:
    """Whatever they are called; short ones are versions."""
    assert shown(url="https://h/v1?k=0123456789abcdef0&v=2024-10-21") == {"url": f"https://h/v1?k={MASK}&v=2024-10-21"}


@pytest.mark.parametrize("name", ["token_url", "client_id", "monkey", "secret_file", "Idempotency-Key"])
def test_names_that_only_speak_of_a_secret_hide_nothing(name: str) -> None:
    """What helps to find a mistake stays visible."""
    assert shown(**{name: "text"}) == {name: "text"}


def test_one_of_the_words_that_a_setting_takes_is_no_secret() -> None:
    """Whatever the setting is called; any other text may be one that stands in the wrong place."""
    assert shown(client_auth="body") == {"client_auth": "body"}
    assert shown(client_auth="canary") == {"client_auth": MASK}
    assert shown(client_auth=["body"]) == {"client_auth": [MASK]}
