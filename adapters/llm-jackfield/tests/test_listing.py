"""Listing: which models ``llm`` knows, in this process, and what a configuration that cannot be used does to it."""

from __future__ import annotations

import json

import llm
import pytest
from command import configuration
from llm_jackfield import refreshed
from llm_jackfield.model import AsyncJackfield, Jackfield

GROUPS = """
default_model = "fast"

[models]
fast = "one/a"
bare = "one/c"

[backends.one]
provider = "openai"
base_url = "http://127.0.0.1:9/v1"

[backends.two]
provider = "openai"
base_url = "http://127.0.0.1:9/v1"

[[middleware]]
use = "balance"
models = { cheap = { fast = 1, "two/b" = 2 } }
"""


def known():
    return {
        one.model.model_id: one for one in llm.get_models_with_aliases() if one.model.model_id.startswith("jackfield/")
    }


def write(directory, text):
    (directory / "jackfield.toml").write_text(text, encoding="utf-8")


def test_all_names_of_a_configuration_are_models(here):
    """Groups, aliases and what they stand for, each to be called with and without the prefix, sync and async."""
    write(here, GROUPS)
    models = known()

    assert {name: one.aliases for name, one in models.items()} == {
        "jackfield/cheap": ["cheap"],
        "jackfield/fast": ["fast", "jackfield"],
        "jackfield/bare": ["bare"],
        "jackfield/one/a": ["one/a"],
        "jackfield/one/c": ["one/c"],
        "jackfield/two/b": ["two/b"],
    }
    assert all(
        isinstance(one.model, Jackfield) and isinstance(one.async_model, AsyncJackfield) for one in models.values()
    )
    assert (llm.get_model("cheap").name, llm.get_async_model("jackfield").name) == ("cheap", "fast")


def test_what_backends_listed_is_listed(here):
    """What is known of backends that are not in this configuration is not."""
    write(here, GROUPS)
    refreshed.save({"two": ["two/z", "two/b"], "three": ["three/a"]})

    assert set(known()) >= {"jackfield/two/z", "jackfield/two/b"}
    assert "jackfield/three/a" not in known()


def test_a_refresh_keeps_what_was_known_of_others(here):
    """Names that are another backend's, or would upset a terminal, are left out."""
    refreshed.save({"one": ["one/b", "one/a"]})
    saved = refreshed.save({"two": ["two/a", "one/x", "two/b c", "two/\x1b[2J"]})

    assert saved == refreshed.load() == {"one": ["one/a", "one/b"], "two": ["two/a"]}
    assert [file.name for file in here.iterdir()] == [refreshed.FILE]


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"one": 3}', '{"one": [3, "two/x"]}'])
def test_a_damaged_file_is_taken_for_empty(here, text):
    """It is no reason to fail."""
    write(here, GROUPS)
    (here / refreshed.FILE).write_text(text, encoding="utf-8")

    assert len(known()) == 6


def test_no_name_of_others_is_taken_over(here):
    """A name that another model has is an alias of it still; the prefixed one is ours."""
    write(here, configuration("http://127.0.0.1:9/v1", "a").replace("fast", "4o"))

    assert known()["jackfield/4o"].aliases == ["jackfield"]
    assert not isinstance(llm.get_model("4o"), Jackfield)


@pytest.mark.parametrize("alias", ["fast", "jackfield"])
def test_an_alias_of_the_user_is_not_taken_over(here, alias):
    """``llm aliases set`` goes before what the configuration calls so."""
    write(here, configuration("http://127.0.0.1:9/v1", "a"))
    refreshed.save({"one": ["one/z"]})
    (here / "aliases.json").write_text(json.dumps({alias: "jackfield/one/z"}), encoding="utf-8")

    assert llm.get_model(alias).name == "one/z"
    assert alias not in known()["jackfield/fast"].aliases


def test_an_alias_of_the_user_goes_to_a_model_that_is_listed_first(here):
    """Of two models that have one alias, llm takes the last."""
    write(here, GROUPS)
    (here / "aliases.json").write_text(json.dumps({"two/b": "jackfield/cheap"}), encoding="utf-8")

    assert llm.get_model("two/b").name == "cheap"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[backends.one]\nprovider = 'nope'\n", "provider"),
        ("[backends.one\n", "jackfield.toml"),
        ("nope = 1\nmore = 2\n", "faults in the configuration: "),
        ("[backends.one]\nprovider = 'openai'\nbase_url = 'ftp://x'\n", "base_url"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_told_in_a_line(here, capfd, text, why):
    """Once in a process, however often llm asks; the other models are there."""
    write(here, text)

    assert known() == {}
    assert known() == {}
    assert llm.get_model("4o")
    out, told = capfd.readouterr()
    assert out == ""
    assert told.startswith("llm-jackfield: no models, since ")
    assert told.count("\n") == 1
    assert why in told


def test_whatever_a_plugin_raises_is_told_in_a_line(here, capfd, monkeypatch):
    """A plugin that fails when it is built takes no other models along."""
    from jackfield_openai.provider import OpenAIProvider

    def broken(self, **settings):
        raise RuntimeError("no\nluck\t\x1b[2J")

    write(here, GROUPS)
    monkeypatch.setattr(OpenAIProvider, "__init__", broken)

    assert known() == {}
    told = capfd.readouterr().err
    assert told.startswith("llm-jackfield: no models, since ")
    assert told.count("\n") == 1
    assert "no; luck\\t\\x1b[2J" in told
