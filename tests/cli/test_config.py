"""``jackfield config``: show, validate, path."""

from __future__ import annotations

import json
import tomllib


def test_show_prints_a_configuration_without_its_secrets(world) -> None:
    """TOML that can be read again, with all limits; the key is not there."""
    result = world.run("config", "show")
    data = tomllib.loads(result.stdout)

    assert (result.exit_code, result.stderr) == (0, "")
    assert data["backends"]["zoo"]["timeout"]["connect"] == 5
    assert data["backends"]["zoo"]["token"] == "***"
    assert data["models"] == {"fast": "zoo/parrot"}
    assert "canary" not in result.stdout


def test_show_as_json_is_the_same(world) -> None:
    """--json prints the same values as one document."""
    assert json.loads(world.run("config", "show", "--json").stdout) == tomllib.loads(world.run("config", "show").stdout)


def test_show_has_profile_and_environment_in_it(world) -> None:
    """What is shown is what holds."""
    world.configure('[backends.zoo]\nprovider = "parrot"\n[profiles.p]\ndefault_model = "zoo/x"\n')
    world.monkeypatch.setenv("JACKFIELD__BACKENDS__ZOO__TIMEOUT__IDLE", "7")
    data = tomllib.loads(world.run("config", "show", "--profile", "p").stdout)

    assert data["default_model"] == "zoo/x"
    assert data["backends"]["zoo"]["timeout"]["idle"] == 7


def test_show_tells_faults_after_what_is_sound(world) -> None:
    """The sound part is on stdout, the faults on stderr, and it is a failure."""
    world.configure('nonsense = 1\n[backends.zoo]\nprovider = "parrot"\n')
    result = world.run("config", "show")

    assert result.exit_code == 1
    assert "zoo" in tomllib.loads(result.stdout)["backends"]
    assert "nonsense" in result.stderr


def test_validate_names_the_file_that_is_valid(world) -> None:
    """The file, and exit code 0."""
    result = world.run("config", "validate")

    assert (result.exit_code, result.stdout) == (0, f"{world.directory / 'jackfield.toml'}: valid\n")


def test_validate_lists_all_faults_of_the_settings_of_plugins_too(world) -> None:
    """Two faults in one error, each with file and line."""
    world.configure('nonsense = 1\n[backends.zoo]\nprovider = "parrot"\ntokn = "x"\n')
    result = world.run("config", "validate")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "jackfield.toml:1: nonsense" in result.stderr
    assert "jackfield.toml:4: backends.zoo.tokn" in result.stderr


def test_show_prints_nothing_where_nothing_is_sound(world) -> None:
    """A file that is no TOML leaves nothing to be shown."""
    world.configure("[backends")
    result = world.run("config", "show")
    assert (result.exit_code, result.stdout) == (1, "")


def test_a_secret_in_a_setting_that_is_misspelt_is_not_shown(world) -> None:
    """Whoever mistypes a name looks at the configuration next."""
    world.configure(
        '[backends.zoo]\nprovider = "parrot"\ntokn = "plain-canary"\n[[middleware]]\nuse = "nope"\nx = "canary"\n'
    )
    for form in ((), ("--json",)):
        result = world.run("config", "show", *form)
        assert "canary" not in result.stdout
        assert "tokn" in result.stdout


def test_validate_looks_at_every_profile(world) -> None:
    """Each is tried by itself; what is wrong in all of them is told once."""
    world.configure(
        '[backends.zoo]\nprovider = "parrot"\nbogus = 0\n'
        '[profiles.p]\ndefault_model = "nope/x"\n[profiles.q.backends.z]\nprovider = "nobody"\n'
    )
    result = world.run("config", "validate")
    assert result.exit_code == 1
    assert result.stderr.count("bogus") == 1
    assert "default_model: expected backend/model" in result.stderr
    assert "no provider is named 'nobody'" in result.stderr


def test_validate_tells_a_fault_once_and_which_profile_has_it(world) -> None:
    """A guess at what was meant may be another in each profile; the fault is the same. They stand as in the file."""
    world.configure(
        'default_model = "zo/x"\n[backends.zoo]\nprovider = "parrot"\n'
        '[[middleware]]\nuse = "balance"\n[middleware.models]\nfast = { alone = 1 }\n'
        '[profiles.p.models]\nzo = "zoo/x"\n[profiles.q.backends.z]\nprovider = "parrot"\nbogus = 1\n'
    )
    result = world.run("config", "validate")
    file = world.directory / "jackfield.toml"
    alone = "no backend and no alias is meant by 'alone' (known: z/…, zoo/…)"
    assert [line.strip() for line in result.stderr.splitlines()] == [
        "Error: 3 faults in the configuration:",
        f'{file}:1: default_model: expected backend/model with a configured backend, or an alias (did you mean "zoo/x"?)',
        f"{file}:7: middleware[0].models.fast.alone: with profile q: {alone}",
        f"{file}:12: profiles.q.backends.z.bogus: unknown setting (known: broken_list, token)",
    ]


def test_validate_as_json(world) -> None:
    """A document for programs, valid or not; the exit code is the same as without."""
    good = world.run("config", "validate", "--json")
    file = world.configure('[backends.zoo]\nprovider = "parrot"\ntokn = "x"\n')
    bad = world.run("config", "validate", "--json")

    assert (good.exit_code, json.loads(good.stdout)) == (0, {"valid": True, "faults": []})
    assert (bad.exit_code, bad.stderr) == (1, "")
    assert json.loads(bad.stdout) == {
        "valid": False,
        "faults": [
            {
                "file": str(file),
                "line": 3,
                "path": "backends.zoo.tokn",
                "expected": "unknown setting",
                "hint": 'did you mean "token"?',
            }
        ],
    }


def test_the_built_in_default_is_named(world) -> None:
    """Without a file the default is what is checked, and there is no path."""
    (world.directory / "jackfield.toml").unlink()
    world.monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    valid, path = world.run("config", "validate"), world.run("config", "path")

    assert valid.stdout == "the built-in default: valid\n"
    assert (path.exit_code, path.stdout) == (1, "")
    assert "the built-in default holds" in path.stderr


def test_path_prints_the_file_in_use(world) -> None:
    """The file that is found, or the one that is named, as an absolute path."""
    other = world.configure("", "other.toml")

    assert world.run("config", "path").stdout == f"{world.directory / 'jackfield.toml'}\n"
    assert world.run("config", "path", "--config", "other.toml").stdout == f"{other}\n"


def test_path_of_a_file_that_cannot_be_read_is_a_failure(world) -> None:
    """A named file that is missing is told."""
    result = world.run("--config", "missing.toml", "config", "path")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "missing.toml: the file cannot be read" in result.stderr


def test_what_show_prints_can_be_read_again(world) -> None:
    """A word that a setting may only be is no secret, though the setting is called like one."""
    world.configure(
        '[backends.a]\nprovider = "openai"\nbase_url = "https://api.example/v1"\n[[backends.a.middleware]]\n'
        'use = "oauth2"\ntoken_url = "https://l.example/"\nclient_id = "me"\nclient_secret = "env:S"\n'
        'client_auth = "body"\n'
    )
    shown = world.run("config", "show").stdout
    world.configure(shown, "again.toml")

    assert 'client_auth = "body"' in shown
    assert world.run("config", "validate", "--config", "again.toml").exit_code == 0
