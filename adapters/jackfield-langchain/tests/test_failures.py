"""Failures: jackfield's own errors, never a success; streams that are left; secrets that are not told."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import subprocess
import sys

import attrs
import pytest
from jackfield_langchain import ChatJackfield, ContextOverflow
from langchain_core.exceptions import ContextOverflowError
from langchain_core.load import dumps
from langchain_core.runnables import ConfigurableField
from langchain_core.tracers import BaseTracer
from test_answers import ways

import jackfield
from conftest import KEY


@ways
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("status?code=401", jackfield.AuthenticationError),
        ("status?code=429&retry-after=2", jackfield.RateLimitError),
        ("status?code=500", jackfield.InternalServerError),
        ("html", jackfield.InvalidResponseError),
    ],
)
def test_errors_are_jackfields(model, ask, fault, kind):
    """As they are, with their attempts."""
    with pytest.raises(kind) as caught:
        ask(model, "Hi", model=f"one/{fault}")

    assert [attempt.backend.name for attempt in caught.value.attempts] == ["one"]


@pytest.mark.parametrize("name", ["stream", "astream"])
@pytest.mark.parametrize("fault", ["cut", "error", "eof?at=400", "reset?at=400"])
def test_a_cut_stream_raises(model, name, fault):
    """After what had come; there is no last chunk, which would tell of an end."""
    seen = []

    async def awaited():
        async for chunk in model.astream("one two three four", model=f"one/{fault}"):
            seen.append(chunk)  # noqa: PERF401 - what comes before the error counts

    def read():
        for chunk in model.stream("one two three four", model=f"one/{fault}"):
            seen.append(chunk)  # noqa: PERF402 - as above

    with pytest.raises(jackfield.APIError):
        read() if name == "stream" else asyncio.run(awaited())

    assert all(chunk.chunk_position is None and "finish_reason" not in chunk.response_metadata for chunk in seen)


def test_a_cut_stream_is_no_answer_of_invoke(config):
    """A model that streams underneath does not take a part for the whole."""
    with pytest.raises(jackfield.StreamInterruptedError):
        ChatJackfield(model="one/cut", config=config, streaming=True).invoke("one two three four")


@pytest.mark.parametrize("way", ["closed", "dropped", "awaited", "cancelled"])
def test_a_stream_that_is_left_is_closed(model, service, way):
    """The service sees the client leave, whichever way it goes."""

    async def awaited():
        async for _ in model.astream("Hello you", model="one/break?events=3&how=stall"):
            break

    async def cancelled():
        async def read():
            async for _ in model.astream("Hello you", model="one/break?events=3&how=stall"):
                begun.set()

        begun = asyncio.Event()
        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    if way in ("awaited", "cancelled"):
        asyncio.run(awaited() if way == "awaited" else cancelled())
    else:
        stream = model.stream("Hello you", model="one/break?events=3&how=stall")
        next(stream)
        if way == "closed":
            stream.close()
        del stream

    assert service.ledger.requests[0].left.wait(20)


@attrs.define(eq=False)
class Refusing:
    """A middleware that fails as a service does whose model has too small a window."""

    @jackfield.hookimpl
    def wrap_chat_completion(self, request, call):
        raise jackfield.ContextLengthExceededError("too long")
        yield request


@ways
def test_a_prompt_that_is_too_long_is_langchains_error_too(config, ask):
    """An error of both, so that programs which shorten the conversation do."""
    config["middleware"] = [{"use": "refusing"}]
    client = jackfield.Client(config, plugins={"refusing": Refusing})
    async_client = jackfield.AsyncClient(config, plugins={"refusing": Refusing})
    with client, pytest.raises(ContextOverflowError) as caught:
        ask(ChatJackfield(client=client, async_client=async_client), "Hi")

    assert isinstance(caught.value, ContextOverflow)
    assert isinstance(caught.value, jackfield.ContextLengthExceededError)
    assert "too long" in str(caught.value)


@pytest.mark.parametrize(
    "arguments", [{"api_key": KEY}, {"openai_api_key": KEY}, {"base_url": KEY}, {"config": {"k": KEY}, "client": KEY}]
)
def test_what_is_refused_is_not_shown(arguments):
    """An argument that does not belong here may be a key: the error names it without its value."""
    with pytest.raises(ValueError, match="ChatJackfield") as caught:
        ChatJackfield(**arguments)

    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        *("extra_headers", "extra_body", "labels", "messages", "stream", "model", "temperature", "stop", "timeout"),
        *("max_tokens", "max_completion_tokens", "api_key", "openai_api_key", "base_url", "x_auth_token"),
    ],
)
def test_what_has_a_place_of_its_own_is_no_field_besides(config, name):
    """It would be dropped without a word, or win over the argument, and a key in it be shown."""
    with pytest.raises(ValueError, match=f"model_kwargs: .*{name}") as caught:
        ChatJackfield(config=config, model_kwargs={name: {"x-tenant": KEY}})

    assert KEY not in str(caught.value)


@ways
@pytest.mark.parametrize("name", ["api_key", "openai_api_key", "base_url", "x_auth_token", "extra_headers"])
def test_no_trace_has_a_key_that_is_given_with_a_call(model, ask, name):
    """It is refused where it would not be used; headers, which are sent, are not in keys of caches either."""
    runs = []

    class Traced(BaseTracer):
        def _persist_run(self, run):
            runs.append(run.model_dump_json(exclude={"parent_run"}, fallback=str))

    given = {name: {"x-tenant": KEY + "-own"} if name == "extra_headers" else KEY + "-own"}
    traced = model.with_config(callbacks=[Traced()])
    if name == "extra_headers":
        ask(traced, "Hi", **given)
        runs.append(model._get_llm_string(**given))
    else:
        with pytest.raises(TypeError, match=name):
            ask(traced, "Hi", **given)

    assert len(runs) == {"x_auth_token": 1, "extra_headers": 2}.get(name, 0)
    assert [text for text in runs if KEY in text] == []


def test_keys_are_never_told(config, service, caplog):
    """Not by repr, dumps, traces, keys of caches, nor by errors, even where the service repeats them.

    Nor is anything else of the configuration.
    """
    runs = []

    class Traced(BaseTracer):
        def _persist_run(self, run):
            runs.append(run.model_dump_json(exclude={"parent_run"}, fallback=str))

    model = ChatJackfield(config=config, extra_headers={"x-tenant": KEY + "-own"}, model="one/ok")
    with caplog.at_level(logging.DEBUG):
        model.invoke("Hi", config={"callbacks": [Traced()]})
        with pytest.raises(jackfield.AuthenticationError) as caught:
            model.invoke("Hi", model="one/echo-key", config={"callbacks": [Traced()]})
    told = [repr(model), str(model), dumps(model), model.model_dump_json(), str(model.asdict()), *runs]
    told += [repr(caught.value), str(caught.value), caplog.text, str(model._get_llm_string())]

    assert service.ledger.keys[f"Bearer {KEY}"] == 2
    assert service.ledger.requests[0].headers["x-tenant"] == KEY + "-own"
    assert len(runs) == 2
    assert [text for text in told if KEY in text or "ONE_KEY" in text or service.url in text] == []


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
