"""What is wrong with a configuration and its plugins is told, and the rest is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from findings import MODELS, PLUGINS, config, found, inside, of, statuses
from jackfield import Client, ConfigError
from jackfield.checkup import Row, checkup
from server import Serve, answer


def test_plugins_that_cannot_be_used(serve: Serve) -> None:
    """A hook that is misspelt, a provider and a middleware that are not installed; the way to the service is seen yet."""
    server = serve([answer(MODELS)])
    data = config(server.url, middleware=[{"use": "misspelt"}, {"use": "bearr"}])
    data["backends"]["c"] = {"provider": "azzure", "middleware": [{"use": "misspelt"}]}
    data["middleware"] = [{"use": "misspelt"}]
    rows = found(data, live=True)
    plugins = of(rows, "plugins")

    assert plugins["middleware misspelt"][0] == "failed"
    assert "no hook is named 'wrap_chat_completions'" in plugins["middleware misspelt"][1]
    assert plugins["middleware bearr"] == ("failed", "is not installed")
    assert plugins["provider azzure"] == ("failed", "is not installed")
    assert plugins["provider openai"][0] == "ok"
    assert statuses(rows) == {"dns": "ok", "tcp": "ok", "http": "skipped", "call": "skipped"}
    assert of(rows, "b")["http"][1] == "a plugin of it cannot be used: misspelt, bearr"
    assert of(rows, "c")["service"] == ("skipped", "a plugin of it cannot be used: azzure, misspelt")
    assert [row for row in rows if row.what == "fault"] == []
    assert server.requests == []


def test_what_is_not_enabled_is_listed() -> None:
    """As information: it is installed, and no one names it."""
    plugins = of(found(inside()), "plugins")

    assert plugins["not enabled"][0] == "skipped"
    assert "provider echo" in plugins["not enabled"][1]


def test_where_all_is_enabled_nothing_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line without content."""
    monkeypatch.setattr("jackfield.registry.Registry.everything", lambda _: [])

    assert "not enabled" not in of(found(inside()), "plugins")


def test_faults_are_told_with_their_place_and_the_rest_is_looked_at(serve: Serve, tmp_path: Path) -> None:
    """Each once, also one of a plugin's settings; a backend that is sound is looked at."""
    server = serve([answer(MODELS)])
    file = tmp_path / "jackfield.toml"
    file.write_text(
        f"""\
nonsense = 1
[backends.b]
provider = "openai"
base_url = "{server.url}/v1"
[backends.bad]
provider = "echo"
chunk = 4
"""
    )
    rows = found(str(file))
    faults = {row.detail: row.remedy for row in rows if row.what == "fault"}

    assert faults == {
        f"{file}:1: nonsense: unknown key": "known: backends, default_model, gateway, middleware, models, profiles",
        f"{file}:7: backends.bad.chunk: unknown setting": 'did you mean "chunk_size"?',
    }
    assert of(rows, "configuration")["file"] == ("ok", str(file))
    assert statuses(rows)["http"] == "ok"
    assert of(rows, "bad")["service"] == ("skipped", "its configuration is at fault")


def test_without_a_layer_of_its_own_a_backend_is_asked_nothing(serve: Serve) -> None:
    """What the layer would have done (send the key, say) is missing; the way to the service is looked at."""
    server = serve([answer(MODELS)])
    rows = found(config(server.url, middleware=[{"use": "bearer", "tokn": "env:CANARY"}]), live=True)

    assert statuses(rows) == {"dns": "ok", "tcp": "ok", "http": "skipped", "call": "skipped"}
    assert of(rows, "b")["http"][1] == "its configuration is at fault"
    assert server.requests == []


def test_a_fault_around_all_backends_is_told_once() -> None:
    """However many backends there are."""
    data = {
        "backends": {"a": {"provider": "inside"}, "b": {"provider": "inside"}},
        "middleware": [{"use": "around", "kee": 1}],
    }
    rows = found(data)

    assert [row.detail for row in rows if row.what == "fault"] == ["middleware[0].kee: unknown setting"]


def test_a_layer_may_name_models_of_any_backend() -> None:
    """Each backend is looked at by itself, and yet the names are those of the whole configuration."""
    data = {
        "models": {"fast": "a/x"},
        "backends": {"a": {"provider": "inside"}, "b": {"provider": "inside"}},
        "middleware": [{"use": "elsewhere", "models": ["a/x", "b/y", "fast"]}],
    }
    rows = found(data)

    assert [row for row in rows if row.status == "failed"] == []


def test_the_faults_are_those_of_a_client() -> None:
    """A layer's name of a model that leads nowhere is one, and none is added for looking at backends one by one."""
    data = {
        "backends": {"a": {"provider": "inside", "odd": 1}, "b": {"provider": "inside"}},
        "middleware": [{"use": "elsewhere", "models": ["a/x", "bb/y"]}, {"use": "around", "kee": 1}],
    }
    with pytest.raises(ConfigError) as caught:
        Client(data, plugins=PLUGINS)
    told = sorted(row.detail for row in found(data) if row.what == "fault")

    assert told == sorted(f"{fault.path}: {fault.expected}" for fault in caught.value.faults)
    assert len(told) == 3


def test_which_profile_holds_is_told(tmp_path: Path) -> None:
    """Besides the file."""
    file = tmp_path / "a.toml"
    file.write_text('[backends.b]\nprovider = "echo"\n[profiles.p]\ndefault_model = "b/x"\n')
    (row, *_) = checkup(str(file), profile="p")

    assert row == Row("configuration", "file", "ok", f"{file}, profile p")


def test_a_file_that_cannot_be_read() -> None:
    """That is the finding, and not that there is none."""
    rows = found("missing.toml")

    assert of(rows, "configuration") == {
        "fault": ("failed", "missing.toml: the file cannot be read: No such file or directory")
    }


def test_no_configuration_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The remedy is the command that writes one."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "JACKFIELD_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("jackfield.registry.Registry.has", lambda *_: False)
    rows = found(None)
    file = next(row for row in rows if row.what == "file")

    assert (file.status, file.remedy) == ("warning", "jackfield config init writes a first one")
    assert of(rows, "configuration")["fault"] == (
        "failed",
        "the built-in default: backends: at least one backend is needed",
    )
