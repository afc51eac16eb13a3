"""``jackfield keys``: what people type, and what they see."""

from __future__ import annotations

import json
import time

import click
import pytest
from click.testing import CliRunner

from jackfield.cli.source import Source
from jackfield_gateway.cli.keys import keys

BACKEND = '[backends.e]\nprovider = "echo"\n'


@pytest.fixture
def run(tmp_path):
    """What ``jackfield keys …`` comes to with a store of the test's own."""
    path = tmp_path / "jackfield.toml"
    path.write_text(f'{BACKEND}[gateway]\nstore = "sqlite:{tmp_path / "g.db"}"\n')
    return lambda *arguments: CliRunner().invoke(keys, list(arguments), obj=Source(str(path)))


def listed(run):
    """The keys that ``list --json`` gives."""
    return json.loads(run("list", "--json").stdout)["keys"]


def test_every_option_is_kept(run):
    """As it was typed; the token alone is on stdout, and nowhere else."""
    numbers = ["--requests-per-minute", "1", "--tokens-per-minute", "2", "--tokens-per-day", "3", "--concurrency", "4"]
    made = run(
        *["create", "--label", "ü <b>", "--model", "a", "--model", "b/*", "--inspect", "--expires", "2h"], *numbers
    )
    assert made.exit_code == 0
    token = made.stdout.strip()
    assert (token[:3], len(token), token in made.stderr) == ("jf-", 46, False)
    (one,) = listed(run)
    limits = {"requests_per_minute": 1, "tokens_per_minute": 2, "tokens_per_day": 3, "concurrency": 4}
    assert (one["label"], one["models"], one["limits"], one["inspect"]) == ("ü <b>", ["a", "b/*"], limits, True)
    assert 7100 < one["expires"] - time.time() <= 7200
    assert token not in run("list").stdout
    assert token not in json.dumps(one)


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "--label", " "],
        ["create", "--label", "x", "--model", ""],
        ["create"],
        ["create", "--label", "a", "--expires", "30"],
        ["create", "--label", "a", "--expires", "0d"],
        ["create", "--label", "a", "--concurrency", "0"],
        ["create", "--label", "a", "--tokens-per-day", "x"],
        ["revoke"],
    ],
)
def test_what_cannot_be_meant_makes_no_key(run, arguments):
    """It is a fault of use, told with exit code 2."""
    assert run(*arguments).exit_code == 2
    assert listed(run) == []


def test_the_configuration_may_be_named_anywhere(run, tmp_path):
    """Before ``keys``, behind it and behind its commands."""
    run("create", "--label", "a")
    (one,) = listed(run)
    named = ("--config", str(tmp_path / "jackfield.toml"))
    for arguments in [(*named, "list"), ("list", *named)]:
        assert CliRunner().invoke(keys, arguments).stdout == run("list").stdout
    for arguments in [("create", "--label", "b", *named), ("revoke", one["id"], *named)]:
        assert CliRunner().invoke(keys, arguments).exit_code == 0
    assert {key["label"]: key["state"] for key in listed(run)} == {"a": "revoked", "b": "valid"}


def test_a_key_is_revoked_once(run):
    """Another is not; the list says which."""
    for label in ("a", "b"):
        run("create", "--label", label)
    first = listed(run)[0]["id"]
    assert [run("revoke", first).exit_code, run("revoke", first).exit_code, run("revoke", "key_none").exit_code] == [
        0,
        1,
        1,
    ]
    assert [(one["label"], one["state"]) for one in listed(run)] == [("a", "revoked"), ("b", "valid")]


def test_a_store_that_cannot_be_opened_is_told(tmp_path):
    """Without a traceback."""
    path = tmp_path / "jackfield.toml"
    path.write_text(f'{BACKEND}[gateway]\nstore = "sqlite:{tmp_path}"\n')
    told = CliRunner().invoke(keys, ["list"], obj=Source(str(path)))
    assert (told.exit_code, isinstance(told.exception, SystemExit)) == (1, True)
    assert "cannot be opened" in told.stderr
    assert click.unstyle(told.stdout) == ""


def test_a_store_in_memory_makes_no_key(tmp_path):
    """It would open nothing, and people would look for the reason elsewhere."""
    path = tmp_path / "jackfield.toml"
    path.write_text(f'{BACKEND}[gateway]\nstore = "sqlite::memory:"\n')
    done = CliRunner().invoke(keys, ["create", "--label", "x"], obj=Source(str(path)))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "gateway.store: keys that are made here need a file" in done.stderr


def test_the_list_tells_until_when_and_who_inspects(run):
    """Which people ask, who look at it."""
    run("create", "--label", "x", "--inspect", "--expires", "30d")
    assert (
        f"valid, inspects, until {time.strftime('%Y-', time.localtime(time.time() + 30 * 86_400))}"
        in run("list").stdout
    )
