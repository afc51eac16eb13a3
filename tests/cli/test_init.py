"""``jackfield config init``."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any, ClassVar, Literal

import attrs
import pytest
from jsonschema import Draft202012Validator

from jackfield import Client, ConfigError, Secret, hookimpl
from jackfield.catalogue import Catalogue
from jackfield.cli.newfile import write_new
from jackfield.cli.starter import left_out, starter
from jackfield.cli.template import template
from jackfield.config.schema import schema
from jackfield.testing.echo import Echo

FILE = "jackfield.toml"


@attrs.define(eq=False)
class Zoo(Echo):
    """Answer as an animal.

    Attributes:
        animal: which one it is.
        level: how high it is.
        any: whatever it is.
    """

    animal: str = attrs.field(kw_only=True)
    level: Literal["a", "b"] = attrs.field(kw_only=True)
    key: Secret = attrs.field(kw_only=True)
    any: Any = None
    choice: Literal["x", "y"] | None = None
    nice: str | None = None


@attrs.define(eq=False)
class Loud:
    """Shout."""

    volume: int = 3

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@attrs.define(eq=False)
class Key(Loud):
    """Send a key."""

    backend_only: ClassVar[bool] = True


@attrs.define(eq=False)
class Served(Echo):
    """Answer from a service.

    Attributes:
        place: where it is; None takes here.
        way: how it is. None takes well.
        choice: which one.
    """

    origin: ClassVar[None] = None
    place: str | None = None
    way: str | None = None
    choice: (
        Literal[
            "choice-0", "choice-1", "choice-2", "choice-3", "choice-4", "choice-5", "choice-6", "choice-7", "choice-8"
        ]
        | None
    ) = None


Zoo.__doc__ = f"\x1b[31m{Zoo.__doc__}"
FOUND = Catalogue(
    {"echo": Echo, "openai": Echo, "zoo": Zoo}, {"bearer": Key, "loud": Loud, "odd name": Loud, "retry": Loud}
)


def of(environ: dict[str, str], found: Catalogue = FOUND) -> dict[str, Any]:
    """What a first configuration names in this environment, without what is empty."""
    return {key: value for key, value in starter(environ, found).items() if value}


def valid(text: str, found: Catalogue = FOUND) -> None:
    """Fail unless a client takes the configuration."""
    with Client(config=tomllib.loads(text), plugins={**found.providers, **found.middleware}):
        pass


def test_a_first_file_is_written_and_is_valid(world) -> None:
    """It is where jackfield looks for it, its path is on stdout, and it works at once."""
    (world.directory / FILE).unlink()
    result = world.run("config", "init")

    assert (result.exit_code, result.stdout) == (0, f"{FILE}\n")
    assert "jackfield config schema > jackfield.schema.json" in result.stderr
    assert world.run("config", "validate").stdout == f"{world.directory / FILE}: valid\n"
    assert (world.directory / FILE).read_text(encoding="utf-8").startswith("#:schema ./jackfield.schema.json\n")
    assert os.listdir(world.directory).count(FILE) == 1
    assert [name for name in os.listdir(world.directory) if name.endswith(".new")] == []


def test_a_file_that_is_there_is_not_replaced_unasked(world) -> None:
    """A failure that names the remedy, and the old file; with --force the new one."""
    before = (world.directory / FILE).read_text(encoding="utf-8")
    refused = world.run("config", "init")

    assert refused.exit_code == 1
    assert refused.stderr == f"Error: {FILE} is there already; --force replaces it\n"
    assert (world.directory / FILE).read_text(encoding="utf-8") == before

    assert world.run("config", "init", "--force").exit_code == 0
    assert (world.directory / FILE).read_text(encoding="utf-8") != before


def test_another_path_can_be_given(world) -> None:
    """By --path, or by the option of every command."""
    assert world.run("config", "init", "--path", "a.toml").stdout == "a.toml\n"
    assert world.run("--config", "b.toml", "config", "init").stdout == "b.toml\n"
    assert (world.directory / "a.toml").read_text() == (world.directory / "b.toml").read_text()


def test_a_path_that_cannot_be_written_is_a_failure(world) -> None:
    """One message, no traceback, nothing left behind."""
    result = world.run("config", "init", "--path", "nowhere/a.toml")

    assert result.exit_code == 1
    assert result.stderr == "Error: nowhere/a.toml cannot be written: No such file or directory\n"


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_directory_is_no_file_to_write(world, force: tuple[str, ...]) -> None:
    """It is not there already as a file, and nothing replaces it."""
    result = world.run("config", "init", "--path", ".", *force)

    assert (result.exit_code, result.stderr) == (1, "Error: . cannot be written: Is a directory\n")


def test_broken_plugins_and_missing_ones_are_told(world) -> None:
    """What is left out is told with its reason; so is what the key of the environment is for."""
    world.install("sick", "0.1", "[jackfield.providers]\nsick = nowhere:Sick\n")
    world.install("other", "0.1", "[jackfield.middleware]\nbearer = nowhere:Bearer\n")
    world.monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    result = world.run("config", "init", "--force")

    assert result.exit_code == 0
    assert "provider 'sick' of sick 0.1 cannot be imported" in result.stderr
    assert "pip install jackfield-auth" in result.stderr
    assert "canary" not in result.stderr + (world.directory / FILE).read_text(encoding="utf-8")
    assert world.run("config", "validate").exit_code == 0


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({}, {"backends": {"openai": "bearer"}, "middleware": "retry"}),
        ({"OPENAI_API_KEY": "k"}, {"backends": {"openai": "bearer"}, "middleware": "retry"}),
        ({"OPENAI_API_KEY": "k", "OPENAI_MODEL": "m"}, {"default_model": "openai/m"}),
    ],
)
def test_it_names_what_the_built_in_default_does(environ: dict[str, str], names: dict[str, Any]) -> None:
    """OpenAI by its key, which is referred to and not written."""
    tree = of(environ)
    told = {
        "default_model": tree.get("default_model"),
        "backends": {name: table["middleware"][0]["use"] for name, table in tree["backends"].items()},
        "middleware": tree["middleware"][0]["use"],
    }

    assert {key: told[key] for key in names} == names
    assert tree["backends"]["openai"]["middleware"][0]["token"] == "env:OPENAI_API_KEY"


def test_the_local_model_is_the_default_where_it_is_the_only_backend() -> None:
    """As the built-in default has it."""
    found = Catalogue({"local": Echo, "openai": Echo}, {})

    assert of({}, found) == {
        "default_model": "local/smollm2",
        "backends": {"local": {"provider": "local", "middleware": []}},
    }
    assert list(of({"OPENAI_API_KEY": "k"}, found)["backends"]) == ["openai", "local"]


def test_where_neither_is_installed_another_provider_is_named() -> None:
    """The first that needs no settings; a default model of one that is not there is left out."""
    found = Catalogue({"a": Zoo, "echo": Echo}, {})

    assert of({"OPENAI_API_KEY": "k", "OPENAI_MODEL": "m"}, found) == {"backends": {"echo": {"provider": "echo"}}}
    assert of({}, Catalogue({"a": Zoo}, {})) == {}


@pytest.mark.parametrize(
    ("url", "copied", "told"),
    [
        ("https://h/v1", "https://h/v1", []),
        ("http://127.0.0.1:1/v1?api-version=3", "http://127.0.0.1:1/v1?api-version=3", []),
        ("https://h/v1?api-key=canary", "https://h/v1", ["behind the ?"]),
        ("https://h/v1?a=canary&version=3", "https://h/v1?version=3", ["behind the ?"]),
        ("https://user:canary@h:1/v1", "https://h:1/v1", ["user and the password"]),
        ("https://canary@h/v1?canary", "https://h/v1", ["user and the password", "behind the ?"]),
    ],
)
def test_no_secret_of_a_url_is_written_and_its_host_is_kept(url: str, copied: str, told: list[str]) -> None:
    """The key of that server must not go to another one; what is left out is told, with where it is to be put."""
    environ = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "canary"}
    notes = left_out(environ, FOUND)

    assert of(environ)["backends"]["openai"]["base_url"] == copied
    assert len(notes) == len(told)
    assert all(words in note for words, note in zip(told, notes, strict=True))
    assert "canary" not in str(of(environ)) + str(notes)


@pytest.mark.parametrize(
    "url", ["https://h/\ncanary", "canary", "http://[canary", "https://h:canary/v1", "https://h/#canary"]
)
def test_a_url_that_is_none_stops_it(url: str) -> None:
    """Nothing is written, and least of all OpenAI's own URL for the key of another server."""
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL: expected a URL") as caught:
        starter({"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "k"}, FOUND)

    assert "canary" not in str(caught.value)
    assert list(starter({"OPENAI_BASE_URL": url}, Catalogue({"echo": Echo}, {}))["backends"]) == ["echo"]


def test_ids_of_the_account_are_copied_and_headers_are_told() -> None:
    """Without them the calls would be another account's; a header may hold a secret."""
    environ = {
        "OPENAI_API_KEY": "canary",
        "OPENAI_ORG_ID": "org-1",
        "OPENAI_PROJECT_ID": "proj-1",
        "OPENAI_CUSTOM_HEADERS": "x: canary",
    }
    openai = of(environ)["backends"]["openai"]
    (note,) = left_out(environ, FOUND)

    assert (openai["organization"], openai["project"]) == ("org-1", "proj-1")
    assert note.startswith("OPENAI_CUSTOM_HEADERS is not copied")
    assert "canary" not in str(openai) + note
    assert left_out(environ, Catalogue({"echo": Echo}, {})) == []
    assert left_out({"OPENAI_CUSTOM_HEADERS": "x: canary"}, FOUND) == []


def test_a_url_that_is_none_is_a_failure_of_the_command(world) -> None:
    """One message with the remedy, and no file."""
    (world.directory / FILE).unlink()
    world.monkeypatch.setenv("OPENAI_BASE_URL", "http://[canary")
    world.monkeypatch.setattr("jackfield.catalogue.catalogue", lambda _: FOUND)
    result = world.run("config", "init")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: OPENAI_BASE_URL: expected a URL")
    assert "mend the variable, or unset it" in result.stderr
    assert not (world.directory / FILE).exists()


def test_what_is_not_copied_is_told_in_the_file_and_on_stderr(world) -> None:
    """Whoever reads the file later has not seen the messages."""
    world.monkeypatch.setenv("OPENAI_API_KEY", "k")
    world.monkeypatch.setenv("OPENAI_BASE_URL", "https://h/v1?key=canary")
    result = world.run("config", "init", "--force")
    text = (world.directory / FILE).read_text(encoding="utf-8")
    told = "What stands behind the ? in OPENAI_BASE_URL is not copied"

    assert result.exit_code == 0
    assert told in result.stderr
    assert f"\n# {told}" in text
    assert "canary" not in result.output + text
    assert tomllib.loads(text)["backends"]["openai"]["base_url"] == "https://h/v1"


TREE = {
    "default_model": "echo/x",
    "backends": {"echo": {"provider": "echo", "prefix": "> ", "middleware": [{"use": "bearer"}]}},
    "middleware": [{"use": "loud", "volume": 4}],
}
SETTING = re.compile(r"^#(?=[a-z])", re.MULTILINE)


def test_settings_that_are_given_stand_and_all_others_are_off() -> None:
    """Each with its help above it."""
    lines = template(TREE, FOUND).splitlines()

    assert lines[lines.index('prefix = "> "') - 1] == "# stands before the text."
    assert lines[lines.index("#chunk_size = 0") - 1].startswith("# characters in each chunk")
    assert "volume = 4" in lines
    assert tomllib.loads("\n".join(lines)) == {**TREE, "models": {}}


def test_any_setting_that_is_off_can_be_put_on() -> None:
    """The value that is shown is the default: with it the file is as valid as without."""
    text = "\n\n".join(part for part in template(TREE, FOUND).split("\n\n") if not part.startswith("##"))
    places = [match.start() for match in SETTING.finditer(text)]

    assert [text[place:].split(" = ")[0] for place in places] == [
        "#chunk_size",
        "#models",
        "#timeout",
        "#transport",
        "#volume",
    ]
    for place in places:
        valid(text[:place] + text[place + 1 :])
    valid(SETTING.sub("", text))


def test_any_part_that_is_off_can_be_put_on() -> None:
    """With one mark less on each of its lines it is a part like the others; its name is that of the plugin."""
    text = template(TREE, FOUND)
    parts = [part for part in text.split("\n\n") if part.startswith("##")]
    names = set()
    for part in parts:
        on = re.sub("^#", "", part, flags=re.MULTILINE)
        names.add(re.search(r'^(?:use|provider) = "(.*)"$', on, re.MULTILINE)[1])
        if "zoo" not in on:
            valid(text.replace(part, on))
            valid(text.replace(part, SETTING.sub("", on)))

    assert names == {"openai", "zoo", "odd name", "retry"}


def test_what_is_needed_has_a_value_of_its_type() -> None:
    """The reader is to give another one; its shape is right."""
    text = template(TREE, FOUND)
    part = next(part for part in text.split("\n\n") if 'provider = "zoo"' in part)
    on = re.sub("^#", "", part, flags=re.MULTILINE)
    zoo = tomllib.loads(on)["backends"]["zoo"]

    assert zoo == {"provider": "zoo", "animal": "", "level": "a", "key": "env:NAME"}
    assert "# zoo: \\x1b[31mAnswer as an animal." in on
    assert "# any = (a value)" in on
    assert '# choice = ("x" or "y")' in on
    assert "# nice = (a string)" in on
    assert Draft202012Validator(schema(FOUND.providers, {})).is_valid({"backends": {"zoo": zoo}})


def part_of(text: str, name: str) -> list[str]:
    """The lines of the part of a plugin."""
    (part,) = [part for part in text.split("\n\n") if f' = "{name}"' in part]
    return part.splitlines()


@pytest.mark.parametrize(
    ("backends", "providers", "keyed"),
    [
        ({"mine": "echo", "far": "served"}, {"echo": Echo, "served": Served, "openai": Served}, "far"),
        ({"mine": "echo"}, {"a": Served, "echo": Echo, "openai": Served}, "openai"),
        ({"mine": "echo"}, {"a": Served, "echo": Echo}, "a"),
        ({"mine": "echo"}, {"echo": Echo}, "NAME"),
    ],
)
def test_a_credential_is_shown_for_a_backend_that_asks_a_service(
    backends: dict[str, str], providers: dict[str, type], keyed: str
) -> None:
    """In a backend inside this process it would do nothing; one that is off is to be put on too, and that is told."""
    tree = {"backends": {name: {"provider": use} for name, use in backends.items()}}
    text = template(tree, Catalogue(providers, {"bearer": Key}))

    assert f"#[[backends.{keyed}.middleware]]" in part_of(text, "bearer")
    assert (f"# bearer: put on a backend too, and write its name for {keyed}" in text) == (keyed not in backends)


def test_the_head_tells_which_parts_need_values() -> None:
    """Of those that are off; the others are valid as soon as they are put on."""
    parts = "Of these parts some need values of yours in the place of the examples: zoo (animal, level, key)."

    assert f"# {parts}" in template(TREE, FOUND).splitlines()
    assert "need values" not in template(TREE, Catalogue({"echo": Echo}, {"bearer": Key, "loud": Loud}))


def test_help_is_for_those_who_write_toml() -> None:
    """It has no None, and many choices stand on lines that can be read."""
    text = template({"backends": {"a": {"provider": "served"}}}, Catalogue({"served": Served}, {}))
    lines = part_of(text, "served")

    assert "# where it is; without it: here." in lines
    assert "# how it is. Without it: well." in lines
    assert "# choice = (one of them)" in lines
    assert 'one of "choice-0", "choice-1",' in text
    assert max(map(len, lines)) <= 112
    assert "None" not in text


def test_without_any_backend_the_text_says_where_one_goes() -> None:
    """Nothing is installed that can stand by itself."""
    text = template({"backends": {}}, Catalogue({"zoo": Zoo}, {"bearer": Key}))

    assert '# default_model = "NAME/MODEL"' in text
    assert "#[[backends.NAME.middleware]]" in text


def test_a_link_stays_one(tmp_path: Path) -> None:
    """What it leads to is replaced."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_new(str(tmp_path / "link"), "new", force=True)

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_the_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    """Others of the service may read it: there is no secret in it."""
    write_new(str(tmp_path / "a"), "new", force=False)
    (tmp_path / "b").write_text("")

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "b").stat().st_mode)


def test_without_hard_links_it_works_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems have none: a file that is there is still not replaced."""

    def refuse(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    write_new(str(tmp_path / "a"), "new", force=False)
    with pytest.raises(FileExistsError):
        write_new(str(tmp_path / "a"), "newer", force=False)

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "new"}
