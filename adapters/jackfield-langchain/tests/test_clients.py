"""Clients: whose they are, of which configuration, and how long; what tells one configuration from another."""

from __future__ import annotations

import asyncio
import copy
import pickle
import subprocess
import sys

import pytest
from jackfield_langchain import ChatJackfield
from langchain_core.runnables import ConfigurableField

import jackfield
from conftest import KEY


def test_configurations_have_different_keys_of_caches(config):
    """Equal ones the same, so that an answer of one backend is not given for another's."""
    other = {**config, "default_model": "one/other"}
    keys = [ChatJackfield(config=one)._get_llm_string() for one in (config, dict(config), other)]

    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("how", ["given", "found", "environment", "profile", "headers"])
def test_what_changes_an_answer_changes_the_key_of_a_cache(tmp_path, monkeypatch, how):
    """What a file says and not only its name, wherever it is found; and headers, whose values are not told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JACKFIELD_CONFIG", raising=False)
    file = tmp_path / "jackfield.toml"

    def key(headers="a"):
        model = ChatJackfield(config=file if how == "given" else None, extra_headers={"x-tenant": headers + KEY})
        return model._get_llm_string()

    text = 'default_model = "e/%s"\n[backends.e]\nprovider = "echo"\n[profiles.p]\ndefault_model = "e/p"\n'
    file.write_text(text % "one")
    first, same = key(), key()
    match how:
        case "environment":
            monkeypatch.setenv("JACKFIELD_MODEL", "e/two")
        case "profile":
            monkeypatch.setenv("JACKFIELD_PROFILE", "p")
        case "given" | "found":
            file.write_text(text % "two")
    other = key("b" if how == "headers" else "a")

    assert first == same != other
    assert [one for one in (first, other) if KEY in one or str(file) in one] == []


def test_the_hosts_clients_stay_open(config):
    """They are shared by models, and closed by the host only."""

    async def awaited(client):
        async with client:
            model = ChatJackfield(model="one/ok", async_client=client)
            await model.ainvoke("Hi")
            await model.aclose()
            with pytest.raises(TypeError, match="give client= too"):
                model.invoke("Hi")
            return (await ChatJackfield(model="one/ok", async_client=client).ainvoke("Hi")).content

    with jackfield.Client(config) as client:
        model = ChatJackfield(model="one/ok", client=client)
        model.invoke("Hi")
        model.close()
        assert client.create_chat_completion(messages=[{"role": "user", "content": "Hi"}]).choices
        with pytest.raises(TypeError, match="give async_client= too"):
            asyncio.run(model.ainvoke("Hi"))
    assert asyncio.run(awaited(jackfield.AsyncClient(config))) == "Hi"
    with pytest.raises(ValueError, match="clients or a configuration, got both"):
        ChatJackfield(client=client, config=config)


def test_own_clients_are_closed(model):
    """Once closed a model fails loudly, and its copies with it."""
    copied = model.model_copy()
    model.invoke("Hi")
    asyncio.run(model.aclose())

    with pytest.raises(jackfield.ClientClosedError):
        copied.invoke("Hi")


@pytest.mark.parametrize("how", ["copied", "set"])
@pytest.mark.parametrize("what", ["config", "config_profile", "client"])
def test_another_configuration_is_no_copy_of_the_clients(config, bodies, how, what):
    """A copy with one, and a model to which one is given later, ask it, and have its key of caches."""
    other = {**config, "default_model": "one/slow?gap=0"}
    config["profiles"] = {"other": {"default_model": "one/slow?gap=0"}}
    model = ChatJackfield(config=config)
    model.invoke("Hi")
    key = model._get_llm_string()
    with jackfield.Client(other) as client:
        update = {
            "config": {"config": other},
            "config_profile": {"config_profile": "other"},
            "client": {"client": client, "config": None},
        }[what]
        if how == "copied":
            changed = model.model_copy(update=update)
        else:
            changed = model
            for name, value in update.items():
                setattr(model, name, value)
        changed.invoke("Hi")

    assert [body["model"] for body in bodies()] == ["ok", "slow?gap=0"]
    assert changed._get_llm_string() != key


def test_a_profile_that_is_chosen_by_call_keeps_its_connections(config, service):
    """They are the model's, and closed with it."""
    config["profiles"] = {"other": {"default_model": "one/slow?gap=0"}}
    model = ChatJackfield(config=config)
    chosen = model.configurable_fields(config_profile=ConfigurableField(id="profile"))
    bound = chosen.with_config(configurable={"profile": "other"})
    answers = [bound.invoke("Hi").response_metadata["model_name"] for _ in range(3)]
    model.close()

    assert answers == ["slow?gap=0"] * 3
    assert service.ledger.connections["plain"] == 1
    with pytest.raises(jackfield.ClientClosedError):
        bound.invoke("Hi")


def test_plugins_are_closed_at_the_end_of_the_process(tmp_path):
    """Of both clients, with no word, where the program closes nothing."""
    (tmp_path / "closing-1.dist-info").mkdir()
    (tmp_path / "closing-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: closing\nVersion: 1\n")
    (tmp_path / "closing-1.dist-info" / "entry_points.txt").write_text(
        "[jackfield.middleware]\nclosing = closing:Closing\n"
    )
    (tmp_path / "closing.py").write_text(
        "import attrs, jackfield\n"
        "@attrs.define(eq=False)\n"
        "class Closing:\n"
        "    @jackfield.hookimpl\n"
        "    def close(self):\n"
        "        print('closed')\n"
        "    @jackfield.hookimpl\n"
        "    def wrap_chat_completion(self, request, call):\n"
        "        return (yield request)\n"
    )
    (tmp_path / "main.py").write_text(
        "import asyncio\n"
        "from jackfield_langchain import ChatJackfield\n"
        "config = {'default_model': 'e/any', 'backends': {'e': {'provider': 'echo'}},\n"
        "          'middleware': [{'use': 'closing'}]}\n"
        "model = ChatJackfield(config=config)\n"
        "print(model.invoke('Hi').content, asyncio.run(model.ainvoke('you')).content)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "main.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.stdout, done.stderr, done.returncode) == ("Hi you\nclosed\nclosed\n", "", 0)


def test_a_model_can_be_copied_and_pickled(model):
    """It makes clients of its own then."""
    model.invoke("Hi")

    assert pickle.loads(pickle.dumps(model)).invoke("a").content == "a"
    assert copy.deepcopy(model).invoke("b").content == "b"


def test_a_profile_of_the_configuration_is_used(config, bodies):
    """``config_profile`` names it."""
    config["profiles"] = {"other": {"default_model": "one/slow?gap=0"}}
    ChatJackfield(config=config, config_profile="other").invoke("Hi")

    assert bodies()[0]["model"] == "slow?gap=0"
    with pytest.raises(jackfield.ConfigError):
        ChatJackfield(config=config, config_profile="nope").invoke("Hi")
