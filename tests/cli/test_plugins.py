"""``jackfield plugins``."""

from __future__ import annotations

import json
from typing import Any

SICK = "[jackfield.providers]\nsick = nowhere:Sick\n[jackfield.middleware]\nshout = parrot:Shout\n"


def rows(world, *arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
    listed = json.loads(world.run("plugins", "--json", *arguments).stdout)
    return {(row["name"], row["distribution"]): row for row in listed}


def test_what_is_installed_is_listed_with_what_is_enabled(world) -> None:
    """Name, kind, whether it is enabled, distribution and version."""
    listed = rows(world)

    assert listed["parrot", "jackfield-zoo"] == {
        "name": "parrot",
        "kind": "provider",
        "enabled": True,
        "distribution": "jackfield-zoo",
        "version": "1.2",
        "fault": None,
    }
    assert listed["shout", "jackfield-zoo"]["enabled"] is False
    assert listed["echo", "jackfield"]["kind"] == "provider"


def test_layers_of_the_host_and_of_a_backend_are_enabled(world) -> None:
    """A middleware is enabled wherever it is named."""
    layer = '[[backends.zoo.middleware]]\nuse = "shout"\n'
    for text in (layer, layer.replace("backends.zoo.", "")):
        world.configure(f'[backends.zoo]\nprovider = "parrot"\n{text}')

        assert rows(world)["shout", "jackfield-zoo"]["enabled"] is True


def test_what_is_wrong_with_a_plugin_is_told(world) -> None:
    """A plugin that cannot be imported, a name claimed twice, and one that is missing: each with its reason.

    What is not enabled is imported only where that is asked for: a list must not run what it warns of.
    """
    world.install("sick", "0.1", SICK)
    world.configure('[backends.a]\nprovider = "absent"\n')
    assert rows(world)["sick", "sick"]["fault"] is None
    listed = rows(world, "--check")

    assert listed["sick", "sick"]["fault"] == "cannot be imported: ModuleNotFoundError: No module named 'nowhere'"
    assert listed["shout", "sick"]["fault"] == "several distributions claim this name"
    assert listed["absent", None] == {
        "name": "absent",
        "kind": "provider",
        "enabled": True,
        "distribution": None,
        "version": None,
        "fault": "is not installed",
    }


def test_a_line_for_each_plugin(world) -> None:
    """For programs and people: cells parted by tabs, in the order of the title."""
    world.configure('[backends.a]\nprovider = "absent"\n')
    lines = world.run("plugins").stdout.splitlines()

    assert "parrot\tprovider\tno\tjackfield-zoo\t1.2" in lines
    assert "absent\tprovider\tyes\t-\t-\tis not installed" in lines


def test_plugins_are_listed_whatever_the_configuration(world) -> None:
    """A faulty configuration is told on stderr; the list is there."""
    world.configure("nonsense = 1")
    result = world.run("plugins")

    assert result.exit_code == 0
    assert "parrot\tprovider\tno" in result.stdout
    assert "jackfield config validate" in result.stderr
