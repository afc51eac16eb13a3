"""Every fault of a configuration is found, with its place and without its values."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from jackfield.config.check import BACKEND_KEYS, KEYS, check, check_profile
from jackfield.config.find import parse
from jackfield.config.place import Place, Places
from jackfield.config.settings import BackendSettings, LayerSettings, Settings, Timeouts, Transport

WHOLE = """
default_model = "fast"
[models]
fast = "openai/gpt-5"
quick = "fast"
[backends.openai]
provider = "openai"
base_url = "https://x/v1"
timeout = { connect = 1, total = 9.5 }
[backends.openai.transport]
proxy = "http://proxy:3128"
ca_file = "ca.pem"
max_connections = 2
max_response_bytes = 3
max_line_bytes = 4
[[backends.openai.middleware]]
use = "bearer"
token = "env:X"
[backends.local]
provider = "local"
timeout = 30
[[middleware]]
use = "retry"
max_attempts = 5
[[middleware]]
use = "logging"
"""


def checked(data: dict[str, Any]) -> tuple[Settings, list[str]]:
    """The settings of a mapping, and its faults as text."""
    settings, faults = check(data, Places())
    return settings, [str(fault) for fault in faults]


def faults_of(**more: Any) -> list[str]:
    """The faults of a good configuration with these keys besides or instead."""
    return checked({"backends": {"a": {"provider": "p"}, "b": {"provider": "p"}}, **more})[1]


def backend_faults(**more: Any) -> list[str]:
    """The faults of one backend with these keys."""
    return faults_of(backends={"a": {"provider": "p", **more}})


def test_a_whole_file_becomes_settings() -> None:
    """Everything is there, with its place; what is a plugin's own stays as it was written."""
    document = parse(WHOLE, "/etc/x.toml")
    assert document.data is not None
    settings, faults = check(document.data, document.places, document.files)

    assert faults == []
    assert settings == Settings(
        default_model="fast",
        models={"fast": "openai/gpt-5", "quick": "fast"},
        backends={
            "openai": BackendSettings(
                name="openai",
                provider="openai",
                timeout=Timeouts(connect=1.0, total=9.5),
                transport=Transport("http://proxy:3128", "/etc/ca.pem", 2, 3, 4),
                middleware=(
                    LayerSettings(
                        "bearer", {"token": "env:X"}, Place("/etc/x.toml", 16, "backends.openai.middleware[0]")
                    ),
                ),
                settings={"base_url": "https://x/v1"},
                place=Place("/etc/x.toml", 6, "backends.openai"),
            ),
            "local": BackendSettings(
                name="local",
                provider="local",
                timeout=Timeouts(total=30.0),
                transport=Transport(),
                middleware=(),
                settings={},
                place=Place("/etc/x.toml", 19, "backends.local"),
            ),
        },
        middleware=(
            LayerSettings("retry", {"max_attempts": 5}, Place("/etc/x.toml", 22, "middleware[0]")),
            LayerSettings("logging", {}, Place("/etc/x.toml", 25, "middleware[1]")),
        ),
        files=("/etc/x.toml",),
    )
    place = settings.middleware[0].place
    assert str(place.fault("max_attempts", "no")) == "/etc/x.toml:24: middleware[0].max_attempts: no"


def test_settings_of_plugins_are_not_in_a_repr() -> None:
    """They may hold a key that somebody wrote there."""
    settings, _ = checked(
        {"backends": {"a": {"provider": "p", "key": "sk-1", "middleware": [{"use": "m", "token": "sk-2"}]}}}
    )

    assert "sk-" not in repr(settings)


def test_all_faults_are_told_at_once_with_their_lines() -> None:
    """One look at the list is enough to repair the file."""
    document = parse(
        'defualt_model = "x"\n'
        "[models]\n"
        "fast = 5\n"
        'slow = "opnai/gpt"\n'
        "[backends.openai]\n"
        "timeout = { conect = 1,\tidle = 0 }\n"
        "[[backends.openai.middleware]]\n"
        'token = "sk-secret"\n'
        "[[middleware]]\n"
        'use = ""\n',
        "x.toml",
    )
    assert document.data is not None
    settings, faults = check(document.data, document.places, document.files)

    assert [str(fault) for fault in faults] == [
        'x.toml:1: defualt_model: unknown key (did you mean "default_model"?)',
        "x.toml:3: models.fast: expected a string that is not empty, got integer",
        "x.toml:5: backends.openai.provider: expected the name of a provider, got nothing",
        'x.toml:6: backends.openai.timeout.conect: unknown key (did you mean "connect"?)',
        "x.toml:6: backends.openai.timeout.idle: expected a number of seconds above 0 and at most 100000000",
        "x.toml:7: backends.openai.middleware[0].use: expected the name of a middleware, got nothing",
        "x.toml:10: middleware[0].use: expected a string that is not empty, got an empty string",
        (
            "x.toml:4: models.slow: expected backend/model with a configured backend, or an alias "
            '(did you mean "openai/gpt"?)'
        ),
    ]
    assert settings == Settings(files=("x.toml",))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"default_model": 1}, "default_model: expected a string that is not empty, got integer"),
        ({"default_model": None}, "default_model: expected a string that is not empty, got null"),
        ({"models": []}, "models: expected a table, got array"),
        ({"models": {"": "a/x"}}, 'models."": expected a name that is not empty'),
        ({"models": {1: "a/x"}}, "models[1]: expected a name that is not empty"),
        ({"models": {"m": {"model": "x"}}}, "models.m: expected a string that is not empty, got table"),
        ({"backends": "a"}, "backends: expected a table, got string"),
        ({"backends": {"a": "openai"}}, "backends.a: expected a table, got string"),
        ({"backends": {" ": {"provider": "p"}}}, 'backends." ": expected a name that is not empty'),
        (
            {"backends": {"a/b": {"provider": "p"}}},
            'backends."a/b": the name of a backend must not contain /',
        ),
        ({"middleware": {"use": "x"}}, "middleware: expected an array of tables, got table"),
        ({"middleware": "retry"}, "middleware: expected an array of tables, got string"),
        (
            {"middleware": ["retry"]},
            "middleware[0]: expected a table with the name of a middleware as use, got string",
        ),
        ({"middleware": [{"use": 1}]}, "middleware[0].use: expected a string that is not empty, got integer"),
        ({"profiles": {}}, "profiles: this key cannot stand here"),
        ({5: 1}, "[5]: unknown key"),
    ],
)
def test_wrong_shapes_are_told_by_what_was_expected(more: dict[str, Any], expected: str) -> None:
    """Type names in TOML's words, never the value."""
    (fault,) = (
        faults_of(**more)
        if all(isinstance(key, str) for key in more)
        else checked({"backends": {"a": {"provider": "p"}}, **more})[1]
    )

    assert fault.partition(" (")[0] == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"provider": ""}, "provider: expected a string that is not empty, got an empty string"),
        ({"provider": []}, "provider: expected a string that is not empty, got array"),
        ({"timeout": "5"}, "timeout: expected a number of seconds or a table of them, got string"),
        ({"timeout": True}, "timeout: expected a number of seconds, got boolean"),
        ({"timeout": -1}, "timeout: expected a number of seconds above 0 and at most 100000000"),
        ({"timeout": float("nan")}, "timeout: expected a number of seconds above 0 and at most 100000000"),
        ({"timeout": float("inf")}, "timeout: expected a number of seconds above 0 and at most 100000000"),
        ({"timeout": 10**400}, "timeout: expected a number of seconds above 0 and at most 100000000"),
        ({"timeout": {"total": "5s"}}, "timeout.total: expected a number of seconds, got string"),
        ({"transport": "http://proxy"}, "transport: expected a table, got string"),
        ({"transport": {"proxi": 1}}, 'transport.proxi: unknown key (did you mean "proxy"?)'),
        ({"transport": {"proxy": "proxy:80"}}, "transport.proxy: expected a URL that begins with http:// or https://"),
        ({"transport": {"proxy": 80}}, "transport.proxy: expected a string that is not empty, got integer"),
        ({"transport": {"ca_file": 1}}, "transport.ca_file: expected a string that is not empty, got integer"),
        ({"transport": {"max_connections": 1.0}}, "transport.max_connections: expected an integer, got float"),
        ({"transport": {"max_line_bytes": True}}, "transport.max_line_bytes: expected an integer, got boolean"),
        (
            {"transport": {"max_response_bytes": 0}},
            f"transport.max_response_bytes: expected an integer from 1 to {2**53}",
        ),
        ({"middleware": 1}, "middleware: expected an array of tables, got integer"),
    ],
)
def test_wrong_values_of_a_backend_are_told(more: dict[str, Any], expected: str) -> None:
    """Each key that is jackfield's own has its type and range."""
    assert backend_faults(**more) == [f"backends.a.{expected}"]


def test_null_leaves_out_what_may_be_null() -> None:
    """A program may pass None for what is optional."""
    settings, faults = checked(
        {"backends": {"a": {"provider": "p", "transport": {"proxy": None, "ca_file": None, "max_line_bytes": 1}}}}
    )

    assert faults == []
    assert settings.backends["a"].transport == Transport(max_line_bytes=1)


@pytest.mark.parametrize("data", [{}, {"backends": {}}])
def test_a_backend_is_needed(data: dict[str, Any]) -> None:
    """And it is told how one is written; that nothing can be named without one is no fault of its own."""
    assert checked({**data, "default_model": "a/b"})[1] == [
        'backends: at least one backend is needed (write [backends.NAME] and provider = "…")'
    ]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            {"default_model": "nothing"},
            ["default_model: expected backend/model with a configured backend, or an alias (known: a/…, b/…)"],
        ),
        (
            {"default_model": "a/"},
            [
                'default_model: expected backend/model with a configured backend, or an alias ("a" is a backend: write "a/MODEL")'
            ],
        ),
        (
            {"models": {"x": "y", "y": "x", "z": "x"}},
            [
                "models.x: the aliases go round in a circle: x -> y -> x",
                "models.y: the aliases go round in a circle: y -> x -> y",
            ],
        ),
        ({"models": {"x": "x"}}, ["models.x: the aliases go round in a circle: x -> x"]),
        (
            {"models": {"a/fast": "b/m"}},
            ['models."a/fast": an alias that begins with the name of a backend and / can never be reached'],
        ),
    ],
)
def test_names_that_lead_nowhere_are_faults(more: dict[str, Any], expected: list[str]) -> None:
    """``default_model`` and aliases end at a model of a configured backend."""
    assert faults_of(**more) == expected


def test_a_bare_name_gets_the_only_backend_as_a_hint() -> None:
    """In the file a name is written whole."""
    (fault,) = faults_of(backends={"a": {"provider": "p"}}, default_model="gpt-5")

    assert fault.endswith('(did you mean "a/gpt-5"?)')


def test_an_alias_of_a_faulty_backend_is_no_second_fault() -> None:
    """One mistake, one line."""
    assert faults_of(backends={"a": {}}, default_model="a/x") == [
        "backends.a.provider: expected the name of a provider, got nothing"
    ]


def test_what_is_unsound_is_left_out() -> None:
    """The settings hold what can be used."""
    settings, faults = checked(
        {
            "default_model": "x",
            "models": {"good": "a/m", "x": "x", "bad": "zzz/m"},
            "backends": {"a": {"provider": "p"}, "b": {}, "c/d": {"provider": "p"}},
            "middleware": [{"use": "one"}, {}],
        }
    )

    assert len(faults) == 5
    assert settings.models == {"good": "a/m"}
    assert list(settings.backends) == ["a"]
    assert [layer.use for layer in settings.middleware] == ["one"]


def test_a_profile_may_leave_out_what_the_file_has() -> None:
    """By itself it need not name a provider or a backend, but its keys and types are checked."""
    document = parse(
        '[profiles.p]\ndefault_model = "b/m"\ndefualt = 1\n'
        "[profiles.p.backends.a]\ntimeout = 0\nbase_url = 1\n[profiles.p.profiles]\n",
        "x.toml",
    )
    assert document.data is not None
    faults = check_profile(document.data["profiles"]["p"], document.places, ("profiles", "p"))

    assert [str(fault) for fault in faults] == [
        'x.toml:3: profiles.p.defualt: unknown key (did you mean "default_model"?)',
        "x.toml:5: profiles.p.backends.a.timeout: expected a number of seconds above 0 and at most 100000000",
        "x.toml:7: profiles.p.profiles: this key cannot stand here",
    ]


def test_every_field_of_the_limits_can_be_set() -> None:
    """No limit is added without a key for it, and the other way round."""
    timeouts = {field.name: number for number, field in enumerate(attrs.fields(Timeouts), 1)}
    transport = {"proxy": "http://p", "ca_file": "/ca"} | {
        field.name: 7 for field in attrs.fields(Transport) if field.name.startswith("max_")
    }
    settings, faults = checked({"backends": {"a": {"provider": "p", "timeout": timeouts, "transport": transport}}})

    assert faults == []
    assert attrs.asdict(settings.backends["a"].timeout) == timeouts
    assert attrs.asdict(settings.backends["a"].transport) == transport


def test_the_lists_of_keys_are_what_is_accepted() -> None:
    """Other parts may use them for their own hints."""
    assert (
        faults_of(**{key: {} for key in KEYS if key not in {"default_model", "middleware", "backends", "profiles"}})
        == []
    )
    assert "unknown" not in " ".join(backend_faults(**dict.fromkeys(BACKEND_KEYS, 0)))
    assert checked({"backends": {"a": {"provider": "p", "other": 1}}})[0].backends["a"].settings == {"other": 1}


@pytest.mark.parametrize(
    ("file", "written", "expected"),
    [
        ("/etc/jf/x.toml", "ca.pem", "/etc/jf/ca.pem"),
        ("/etc/jf/x.toml", "/abs/ca.pem", "/abs/ca.pem"),
        ("x.toml", "ca.pem", "ca.pem"),
        ("/etc/jf/x.toml", "~/ca.pem", "/home/me/ca.pem"),
    ],
)
def test_a_relative_ca_file_is_relative_to_its_file(
    file: str, written: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration may have been found in a directory above."""
    monkeypatch.setenv("HOME", "/home/me")
    document = parse(f'[backends.a]\nprovider = "p"\ntransport.ca_file = "{written}"', file)
    assert document.data is not None
    settings, _ = check(document.data, document.places, document.files)

    assert settings.backends["a"].transport.ca_file == expected
