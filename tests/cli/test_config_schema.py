"""``jackfield config schema``."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

SICK = "[jackfield.providers]\nsick = nowhere:Sick\n[jackfield.middleware]\nshout = parrot:Shout\n"


def test_the_schema_of_the_file_with_everything_installed(world) -> None:
    """One JSON document: providers and middleware, their settings, help and defaults; enabled or not."""
    result = world.run("config", "schema")
    schema = json.loads(result.stdout)
    parrot = schema["$defs"]["provider.parrot"]["properties"]

    assert result.exit_code == 0
    assert "parrot" not in result.stderr
    Draft202012Validator.check_schema(schema)
    assert parrot["token"] == {"type": "string", "description": "a setting that no one may see.", "default": ""}
    assert {"provider.echo", "middleware.shout"} <= schema["$defs"].keys()


def test_a_plugin_that_is_broken_is_left_out_and_told(world) -> None:
    """One that cannot be imported, and a name claimed twice: the schema is there all the same."""
    world.install("sick", "0.1", SICK)
    result = world.run("config", "schema")
    definitions = json.loads(result.stdout)["$defs"]

    assert result.exit_code == 0
    assert "provider.sick" not in definitions
    assert "middleware.shout" not in definitions
    assert "provider.parrot" in definitions
    assert "provider 'sick' of sick 0.1 cannot be imported: ModuleNotFoundError" in result.stderr
    assert "middleware 'shout' is claimed by jackfield-zoo 1.2 and sick 0.1" in result.stderr


def test_the_schema_needs_no_configuration(world) -> None:
    """It is there before the first file is, and whatever is wrong with one."""
    world.configure("[broken")

    assert world.run("config", "schema").exit_code == 0
