"""Sections: tables of other programs in the same file are found, checked and handed on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import jackfield
from jackfield.catalogue import catalogue
from jackfield.checkup import Scope, checkup
from jackfield.config.load import load
from jackfield.config.schema import schema
from jackfield.config.show import show
from jackfield.errors import ConfigError
from jackfield.registry import SECTIONS, Registry, installed
from jackfield.secret import EXPECTED
from sites import Site

DOOR = """
import attrs
from jackfield import Secret

def positive(instance, attribute, value):
    if value < 1:
        raise ValueError(f"{attribute.name}: expected an integer above 0")

@attrs.frozen
class Door:
    \"\"\"A door.

    Attributes:
        width: centimetres.
        key: what opens it.
    \"\"\"

    width: int = attrs.field(default=80, validator=positive)
    key: Secret | None = None
"""
TOML = """
default_model = "echo/any"
[backends.echo]
provider = "echo"
"""


@pytest.fixture
def door(site: Site) -> Site:
    """A site with a program that has a table of its own."""
    site.install("acme-door", {"door": "acme_door:Door"}, group=SECTIONS, acme_door=DOOR)
    return site


def config(**more: Any) -> dict[str, Any]:
    """A configuration of the echo."""
    return {"backends": {"echo": {"provider": "echo"}}, **more}


@pytest.mark.usefixtures("door")
def test_a_table_of_another_program_is_a_value_of_its_class() -> None:
    """From both clients; with its defaults where it was not written."""
    with jackfield.Client(config(door={"width": 90})) as client:
        assert client.section("door").width == 90
    with jackfield.Client(config()) as client:
        assert client.section("door").width == 80

    async def width() -> int:
        async with jackfield.AsyncClient(config(door={"width": 70})) as client:
            found: int = client.section("door").width
            return found

    assert asyncio.run(width()) == 70


@pytest.mark.usefixtures("door")
def test_its_faults_are_told_like_those_of_a_plugin(tmp_path: Path) -> None:
    """With file, line and remedy, and all at once."""
    path = tmp_path / "jackfield.toml"
    path.write_text(TOML + '[door]\nwidth = 0\nheigth = 2\nkey = "sk-1"\n')
    with pytest.raises(ConfigError) as caught:
        jackfield.Client(path)
    told = sorted(str(fault).replace(str(path), "F") for fault in caught.value.faults)
    assert told == [
        "F:6: door.width: expected an integer above 0",
        "F:7: door.heigth: unknown setting (known: key, width)",
        f"F:8: door.key: expected {EXPECTED}, got string",
    ]
    assert "sk-1" not in str(caught.value)


@pytest.mark.usefixtures("door")
def test_a_table_has_to_be_one() -> None:
    """A number is none."""
    with pytest.raises(ConfigError, match="door: expected a table, got integer"):
        jackfield.Client(config(door=1))


@pytest.mark.usefixtures("door")
def test_profiles_and_the_environment_reach_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they reach all else; a profile that is not chosen is looked at, too."""
    path = tmp_path / "jackfield.toml"
    path.write_text(TOML + "[door]\nwidth = 1\n[profiles.wide.door]\nwidth = 200\n")
    with jackfield.Client(path, profile="wide") as client:
        assert client.section("door").width == 200
    monkeypatch.setenv("JACKFIELD__DOOR__WIDTH", "33")
    with jackfield.Client(path, profile="wide") as client:
        assert client.section("door").width == 33
    monkeypatch.delenv("JACKFIELD__DOOR__WIDTH")
    path.write_text(TOML + "[profiles.wide]\ndoor = 4\n[profiles.odd.dor]\n")
    with pytest.raises(ConfigError) as caught:
        jackfield.Client(path)
    assert "profiles.wide.door: expected a table" in str(caught.value)
    assert 'profiles.odd.dor: unknown key (did you mean "door"?)' in str(caught.value)


@pytest.mark.usefixtures("door")
def test_it_is_taken_anew_with_the_configuration() -> None:
    """``reload`` gives another value; a faulty one leaves the former in force."""
    with jackfield.Client(config(door={"width": 1})) as client:
        with pytest.raises(ConfigError):
            client.reload(config(door={"width": 0}))
        assert client.section("door").width == 1
        client.reload(config(door={"width": 2}))
        assert client.section("door").width == 2


def test_a_table_that_nobody_has_is_an_unknown_key() -> None:
    """One of a program that is published with jackfield names its package."""
    with pytest.raises(ConfigError, match="dor: unknown key"):
        jackfield.Client(config(dor={}))
    faults = load(config(gateway={}), environ={}).faults
    assert [str(fault) for fault in faults] == ["gateway: this table needs a package (pip install jackfield-gateway)"]
    with jackfield.Client(config()) as client, pytest.raises(ConfigError, match=r"dor: .* no distribution"):
        client.section("dor")


def test_a_table_that_two_programs_have_or_that_is_broken_is_told(site: Site) -> None:
    """With the names of who brings it."""
    site.install("acme-door", {"door": "acme_door:Door", "gate": "acme_door:Nothing"}, group=SECTIONS, acme_door=DOOR)
    site.install("other-door", {"door": "acme_door:Door"}, group=SECTIONS)
    with pytest.raises(ConfigError) as caught:
        jackfield.Client(config(door={}, gate={}))
    assert "door: this table is claimed by" in str(caught.value)
    assert "acme-door 1.0 and other-door 1.0" in str(caught.value) or "other-door 1.0 and acme" in str(caught.value)
    assert "gate: gate of acme-door 1.0 cannot be imported: AttributeError" in str(caught.value)


@pytest.mark.usefixtures("door")
def test_it_is_shown_without_its_secrets_and_described_for_editors() -> None:
    """``config show`` and ``config schema``."""
    registry = Registry()
    settings = load(
        config(door={"width": 5, "key": "env:DOOR", "kee": "sk-1"}), environ={}, installed=registry
    ).settings
    assert show(settings, registry.settings)["door"] == {"width": 5, "key": "env:DOOR", "kee": "***"}
    found = catalogue(registry)
    whole = schema(found.providers, found.middleware, found.sections)
    Draft202012Validator.check_schema(whole)
    assert whole["properties"]["door"]["properties"]["width"]["description"] == "centimetres."
    valid = Draft202012Validator(whole).is_valid
    assert valid(config(door={"width": 5}, profiles={"a": {"door": {}}}))
    assert not valid(config(door={"width": "5"}))
    assert not valid(config(profiles={"a": {"door": {"widht": 1}}}))


@pytest.mark.usefixtures("door")
def test_it_is_no_plugin() -> None:
    """It is not among what can be a layer, and no layer can be one."""
    assert "door" not in {found.name for found in installed()}
    assert not Registry().has("door")
    with pytest.raises(ConfigError, match="no middleware is named 'door'"):
        jackfield.Client(config(middleware=[{"use": "door"}]))


@pytest.mark.usefixtures("door")
def test_doctor_looks_at_it() -> None:
    """Its faults are those of the configuration."""
    rows = list(checkup(config(door={"width": 0}), scope=Scope()))
    assert any("expected an integer above 0" in str(row) for row in rows)
