"""From file, mapping or nothing, through profile and environment, to settings and faults."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from jackfield.config.default import REMEDY
from jackfield.config.load import load
from jackfield.config.place import Place
from jackfield.config.settings import Timeouts
from jackfield.errors import ConfigError
from jackfield.secret import Secret

FILE = """\
default_model = "a/one"

[backends.a]
provider = "pa"
base_url = "https://file"
timeout = { connect = 1, idle = 2 }

[[middleware]]
use = "logging"
[[middleware]]
use = "retry"

[profiles.test]
default_model = "a/two"
middleware = [{ use = "logging" }]
[profiles.test.backends.a]
base_url = "https://profile"
timeout = { idle = 3 }
[profiles.test.backends.b]
provider = "pb"

[profiles.offline]
default_model = "a/three"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good file."""
    path = tmp_path / "x.toml"
    path.write_text(FILE)
    return path


def said(faults: list[Any]) -> list[str]:
    """Faults as text."""
    return [str(fault) for fault in faults]


def test_environment_is_stronger_than_profile_than_file(file: Path) -> None:
    """Each lays its own values over the weaker ones, and leaves the rest."""
    plain = load(file, environ={})
    assert plain.faults == []
    assert (plain.settings.default_model, plain.settings.profile) == ("a/one", None)
    assert plain.settings.backends["a"].settings == {"base_url": "https://file"}
    loaded = load(
        str(file), profile="test", environ={"JACKFIELD__BACKENDS__A__TIMEOUT__CONNECT": "4", "JACKFIELD_MODEL": "b/x"}
    )
    settings = loaded.settings

    assert loaded.faults == []
    assert (settings.default_model, settings.profile, settings.files) == ("b/x", "test", (str(file),))
    assert settings.backends["a"].settings == {"base_url": "https://profile"}
    assert settings.backends["a"].timeout == Timeouts(connect=4.0, idle=3.0)
    assert [layer.use for layer in settings.middleware] == ["logging"]
    assert list(settings.backends) == ["a", "b"]


def test_places_tell_which_of_them_said_it(file: Path) -> None:
    """File, profile and variable are each named for what they said."""
    variable = "JACKFIELD__BACKENDS__A__ORGANIZATION"
    settings = load(file, profile="test", environ={variable: "o"}).settings
    place = settings.backends["a"].place

    assert place == Place(str(file), 3, "backends.a")
    assert place.at("base_url") == Place(str(file), 17, "profiles.test.backends.a.base_url")
    assert place.at("organization") == Place(variable, None, "backends.a.organization")
    assert place.at("missing") == Place(str(file), 3, "backends.a.missing")
    assert settings.backends["b"].place == Place(str(file), 19, "profiles.test.backends.b")
    assert settings.middleware[0].place.at("use") == Place(str(file), 15, "profiles.test.middleware[0].use")


def test_the_profile_is_taken_from_the_environment_unless_it_is_given(file: Path) -> None:
    """The argument is stronger; an empty variable counts as not set."""
    assert load(file, environ={"JACKFIELD_PROFILE": "offline"}).settings.default_model == "a/three"
    assert load(file, profile="test", environ={"JACKFIELD_PROFILE": "offline"}).settings.default_model == "a/two"
    assert load(file, environ={"JACKFIELD_PROFILE": ""}).settings.default_model == "a/one"


def test_an_unknown_profile_is_a_fault(file: Path) -> None:
    """With a guess, at the variable or the file."""
    assert said(load(file, profile="offlin", environ={}).faults) == [
        f'{file}: profiles: no profile is named "offlin" (did you mean "offline"?)'
    ]
    assert said(load({"backends": {"a": {"provider": "p"}}}, environ={"JACKFIELD_PROFILE": "zz"}).faults) == [
        'JACKFIELD_PROFILE: profiles: no profile is named "zz" (none is configured)'
    ]


def test_profiles_that_were_not_chosen_are_checked_too(tmp_path: Path) -> None:
    """A typo does not wait until the profile is needed; the chosen one is told once."""
    path = tmp_path / "x.toml"
    path.write_text(FILE.replace("[profiles.offline]\n", "[profiles.offline]\ndefault = 1\n") + "[profiles]\nodd = 1\n")
    expected = [
        f"{path}:26: profiles.odd: expected a table, got integer",
        f'{path}:23: profiles.offline.default: unknown key (did you mean "default_model"?)',
    ]

    assert said(load(path, environ={}).faults) == expected
    assert said(load(path, profile="offline", environ={}).faults) == expected


def test_profiles_must_be_a_table() -> None:
    """Anything else is one fault."""
    assert said(load({"backends": {"a": {"provider": "p"}}, "profiles": ["x"]}, environ={}).faults) == [
        "profiles: expected a table, got array"
    ]


def test_a_broken_file_is_the_only_fault(tmp_path: Path) -> None:
    """What follows from it is not told."""
    path = tmp_path / "none.toml"
    loaded = load(path, environ={"JACKFIELD__NOWHERE": "1", "JACKFIELD_PROFILE": "x"})

    assert said(loaded.faults) == [f"{path}: the file cannot be read: No such file or directory"]
    assert loaded.settings.backends == {}


def test_faults_of_the_environment_are_among_them(file: Path) -> None:
    """They make one list for one error."""
    loaded = load(file, environ={"JACKFIELD__BAKENDS__A": "1", "JACKFIELD__BACKENDS__A__TIMEOUT": "sk-secret"})
    error = ConfigError(loaded.faults)

    assert str(error) == (
        "2 faults in the configuration:\n"
        "  JACKFIELD__BAKENDS__A: bakends: nothing of that name can be set by the environment "
        '(did you mean "backends"?)\n'
        "  JACKFIELD__BACKENDS__A__TIMEOUT: backends.a.timeout: "
        "expected a number of seconds or a table of them, got string"
    )


def test_a_mapping_is_taken_as_a_file_is_and_left_alone() -> None:
    """Same checks and same strength of the environment; a program's objects pass through untouched."""
    token, hook = Secret.of("hunter22"), object()
    source = MappingProxyType(
        {
            "backends": MappingProxyType({"a": MappingProxyType({"provider": "p", "hook": hook})}),
            "middleware": ({"use": "bearer", "token": token, "nested": {"token": token}},),
            "profiles": {"p": {"backends": {"a": {"more": [token]}}}},
        }
    )
    loaded = load(source, profile="p", environ={"JACKFIELD__MIDDLEWARE__BEARER__EXTRA": "1"})
    layer = loaded.settings.middleware[0]

    assert loaded.faults == []
    assert loaded.settings.files == ()
    assert loaded.settings.backends["a"].settings["hook"] is hook
    assert loaded.settings.backends["a"].settings["more"][0] is token
    assert layer.settings["token"] is layer.settings["nested"]["token"] is token
    assert layer.settings["extra"] == 1
    assert layer.place == Place(None, None, "middleware[0]")
    assert source["middleware"] == ({"use": "bearer", "token": token, "nested": {"token": token}},)


def test_faults_of_a_mapping_have_no_file() -> None:
    """The key path is all there is."""
    assert said(load({"backends": {"a": {"provider": 1}}}, environ={}).faults) == [
        "backends.a.provider: expected a string that is not empty, got integer"
    ]


def test_without_any_file_the_built_in_default_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is installed, and with the environment over it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    everything = load(environ={"OPENAI_API_KEY": "sk-x", "JACKFIELD_MODEL": "local/smollm2"})
    asked: list[str] = []

    class Nothing:
        sections = ()

        def has(self, name: str) -> bool:
            asked.append(name)
            return False

    little = load(environ={"OPENAI_BASE_URL": "http://h"}, installed=Nothing())

    assert everything.faults == []
    assert list(everything.settings.backends) == ["openai", "local"]
    assert everything.settings.default_model == "local/smollm2"
    assert [layer.use for layer in everything.settings.middleware] == ["retry"]
    assert little.faults == []
    assert list(little.settings.backends) == ["openai"]
    assert little.settings.default_model is None
    assert sorted(asked) == ["local", "retry"]
    assert said(load(environ={}, installed=Nothing()).faults) == [
        f"the built-in default: backends: at least one backend is needed ({REMEDY})"
    ]


def test_a_file_is_found_by_search(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file leaves no room for the built-in default."""
    file.rename(tmp_path / "jackfield.toml")
    monkeypatch.chdir(tmp_path)
    loaded = load(environ={"OPENAI_API_KEY": "sk-x"})

    assert list(loaded.settings.backends) == ["a"]


def test_settings_can_be_pickled(file: Path) -> None:
    """A batch may send them to other processes."""
    settings = load(file, environ={}).settings

    assert pickle.loads(pickle.dumps(settings)) == settings


def test_dear_imports_wait_until_they_are_needed() -> None:
    """A mapping needs neither a TOML parser nor the user's directories, and a good one no guesses."""
    code = (
        "import sys; from jackfield.config.load import load\n"
        "load({'backends': {'a': {'provider': 'p'}}}, environ={})\n"
        "print({'tomllib', 'platformdirs', 'difflib', 'datetime'} & set(sys.modules))"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
