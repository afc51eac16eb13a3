"""``jackfield models``."""

from __future__ import annotations

import json

TWO = """\
[models]
fast = "zoo/parrot"
[backends.zoo]
provider = "parrot"
[backends.mute]
provider = "parrot"
broken_list = true
"""


def test_aliases_and_models_are_listed_a_line_each(world) -> None:
    """Every line begins with a name that chat -m takes."""
    result = world.run("models")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "fast\tzoo/parrot\nzoo/parrot\t\tthe [red]zoo[/red]\nzoo/hangs\n"


def test_on_a_terminal_a_table_is_drawn(world) -> None:
    """There are titles and columns, and a name that looks like markup stands as it is."""
    world.monkeypatch.setenv("NO_COLOR", "1")
    code, screen = world.on_terminal("models")

    assert code == 0
    assert screen.splitlines()[0].split() == ["MODEL", "ALIAS", "OF", "OWNER"]
    assert "the [red]zoo[/red]" in screen
    assert "\t" not in screen


def test_json_is_one_document(world) -> None:
    """Aliases, models and failures are in it."""
    world.configure(TWO)
    result = world.run("models", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "aliases": {"fast": "zoo/parrot"},
        "groups": {},
        "models": [
            {"id": "zoo/parrot", "object": "model", "created": 0, "owned_by": "the [red]zoo[/red]"},
            {"id": "zoo/hangs", "object": "model", "created": 0, "owned_by": ""},
        ],
        "failures": [{"backend": "mute", "error": "RateLimitError", "message": "no list"}],
    }


def test_a_backend_that_fails_is_told_and_the_others_are_listed(world) -> None:
    """One failure is no failure of the command."""
    world.configure(TWO)
    result = world.run("models")

    assert result.exit_code == 0
    assert "zoo/parrot" in result.stdout
    assert result.stderr == "mute: no list [mute, HTTP 429]\n"


def test_it_is_a_failure_where_no_backend_answers(world) -> None:
    """All backends failed: exit code 1."""
    world.configure('[backends.mute]\nprovider = "parrot"\nbroken_list = true\n')

    assert world.run("models").exit_code == 1


def test_a_timeout_is_taken(world) -> None:
    """The limit of each backend is an option."""
    assert world.run("models", "--timeout", "5").exit_code == 0


def test_names_that_middleware_shares_out_are_listed(world) -> None:
    """Before the aliases, for they win over one of the same name; the outermost layer has a name."""
    shared = """
[[middleware]]
use = "balance"
models.sh = { "zoo/parrot" = 1, "zoo/hangs" = 1 }
models.fast = { "zoo/hangs" = 1 }
[[middleware]]
use = "balance"
models.sh = { "zoo/inner" = 1 }
"""
    world.configure(TWO + shared)

    assert world.run("models").stdout == (
        "sh\tone of zoo/parrot, zoo/hangs\nfast\tone of zoo/hangs\nzoo/parrot\t\tthe [red]zoo[/red]\nzoo/hangs\n"
    )
    assert json.loads(world.run("models", "--json").stdout)["groups"] == {
        "sh": ["zoo/parrot", "zoo/hangs"],
        "fast": ["zoo/hangs"],
    }


def test_names_that_a_backend_shares_out_among_its_own_models_are_none_of_the_hosts(world) -> None:
    """They are not what ``-m`` takes."""
    inside = '[[backends.zoo.middleware]]\nuse = "balance"\nmodels.sh = { parrot = 1, hangs = 1 }\n'
    world.configure(TWO + inside)

    assert json.loads(world.run("models", "--json").stdout)["groups"] == {}
