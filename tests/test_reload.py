"""Reload: a new configuration without a restart, while calls run on the former one."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import weakref
from typing import Any

import attrs
import pytest

import jackfield
from jackfield import AsyncClient, Client, ClientClosedError, ConfigError
from jackfield.retired import Retired

HELLO = [{"role": "user", "content": "Hello, old friend of mine"}]


class Book:
    """What the instances of a plugin did."""

    def __init__(self) -> None:
        book = self
        self.made: list[str] = []
        self.passed: list[str] = []
        self.closed: list[str] = []

        @attrs.define(eq=False)
        class Counter:
            """Notes the name of each instance that is made, passed, closed."""

            name: str = "a"
            fails: bool = False
            value: Any = None

            def __attrs_post_init__(self):
                book.made.append(self.name)

            @jackfield.hookimpl
            def wrap_chat_completion(self, request, call):
                book.passed.append(self.name)
                return (yield request)

            @jackfield.hookimpl
            def close(self):
                book.closed.append(self.name)
                if self.fails:
                    raise OSError(f"cannot close {self.name}")

        self.plugins = {"counter": Counter}


@pytest.fixture
def book() -> Book:
    return Book()


def config(*names: str, model: str = "echo/any", **more: Any) -> dict[str, Any]:
    """Echo behind counters of these names."""
    middleware = [{"use": "counter", "name": name, **more} for name in names]
    return {"default_model": model, "backends": {"echo": {"provider": "echo"}}, "middleware": middleware}


TOML = """
default_model = "echo/any"
[backends.echo]
provider = "echo"
[[middleware]]
use = "counter"
name = "{}"
"""


def test_a_file_is_read_again(tmp_path, book):
    """Calls that begin afterwards follow what stands there now; what is gone is closed when the next call begins."""
    path = tmp_path / "jackfield.toml"
    path.write_text(TOML.format("a"))
    with Client(path, plugins=book.plugins) as client:
        client.create_chat_completion(messages=HELLO)
        path.write_text(TOML.format("b"))
        client.reload()
        client.create_chat_completion(messages=HELLO)
    assert book.passed == ["a", "b"]
    assert book.closed == ["a", "b"]


def test_the_file_that_was_found_is_read_again_wherever_the_program_is_now(tmp_path, monkeypatch, book):
    """Another directory has another file, which is not the client's."""
    (tmp_path / "here").mkdir()
    path = tmp_path / "jackfield.toml"
    path.write_text(TOML.format("a"))
    (tmp_path / "here" / "jackfield.toml").write_text(TOML.format("other"))
    monkeypatch.chdir(tmp_path)
    with Client(plugins=book.plugins) as client:
        monkeypatch.chdir(tmp_path / "here")
        path.write_text(TOML.format("b"))
        client.reload()
        client.create_chat_completion(messages=HELLO)
    assert book.passed == ["b"]


def test_a_broken_file_leaves_the_former_configuration_in_force(tmp_path, book):
    """All faults are told, and calls go on as before; once it is mended, it holds."""
    path = tmp_path / "jackfield.toml"
    path.write_text(TOML.format("a"))
    with Client(path, plugins=book.plugins) as client:
        path.write_text(TOML.format("b").replace("use =", "usse =") + "colour = 1\n")
        with pytest.raises(ConfigError) as caught:
            client.reload()
        assert f"{path}:5" in str(caught.value)
        client.create_chat_completion(messages=HELLO)
        path.unlink()
        with pytest.raises(ConfigError):
            client.reload()
        client.create_chat_completion(messages=HELLO)
        path.write_text(TOML.format("b"))
        client.reload()
        client.create_chat_completion(messages=HELLO)
    assert book.passed == ["a", "a", "b"]


def test_what_was_built_for_a_broken_configuration_is_closed_again(book):
    """Not what was taken over from the former one; what fails in that is told with the faults."""
    with Client(config("a"), plugins=book.plugins) as client:
        broken = config("a", "b") | {"backends": {"echo": {"provider": "ecco"}}}
        broken["middleware"].append({"use": "counter", "name": "c", "fails": True})
        with pytest.raises(ConfigError, match="ecco") as caught:
            client.reload(broken)
        assert book.closed == ["b", "c"]
        client.create_chat_completion(messages=HELLO)
    assert book.made == ["a", "b", "c"]
    assert book.passed == ["a"]
    assert book.closed == ["b", "c", "a"]
    assert [note.partition(" (")[0] for note in caught.value.__notes__] == ["OSError in close, raised in counter#2"]


def test_what_was_only_asked_for_its_names_is_closed_too(book):
    """A layer with a faulty setting is built of the sound ones, so that its names of models are looked at."""
    layers = [{"use": "named", "models": ["nowhere/x"], "size": 0}]

    class Named(book.plugins["counter"]):
        """Names models."""

        models: list[str] = attrs.field(factory=list)
        size: int = attrs.field(default=1, validator=attrs.validators.ge(1))

        @property
        def model_names(self):
            return [(("models", index), name) for index, name in enumerate(self.models)]

    named = attrs.define(eq=False)(Named)
    for fails in (False, True):
        with pytest.raises(ConfigError, match="nowhere") as caught:
            Client(config() | {"middleware": [{**layers[0], "fails": fails}]}, plugins={"named": named})
        assert len(caught.value.faults) == 2
        assert len(getattr(caught.value, "__notes__", [])) == fails
    assert book.closed == book.made == ["a", "a"]


def test_a_client_that_is_not_made_leaves_nothing_open(book):
    """The plugins that were built before a fault was found are closed."""
    with pytest.raises(ConfigError, match="ecco"):
        Client(config("a") | {"backends": {"echo": {"provider": "ecco"}}}, plugins=book.plugins)
    assert book.closed == book.made == ["a"]


def test_a_plugin_with_the_same_settings_in_the_same_place_keeps_its_state(book):
    """Two alike are two; one that is named anew, or changed, is made anew."""
    with Client(config("a", "a", "b"), plugins=book.plugins) as client:
        client.reload(config("a", "c", "a"))
        client.create_chat_completion(messages=HELLO)
        assert book.made == ["a", "a", "b", "c"]
        assert book.passed == ["a", "c", "a"]
        assert book.closed == ["b"]
        client.reload(config("a", "c", "a", value=1))
        assert book.made == ["a", "a", "b", "c", "a", "c", "a"]
        assert sorted(book.closed) == ["a", "a", "b", "c"]


def test_settings_that_cannot_be_compared_are_other_settings(book):
    """A program may put anything into its mapping."""

    class Odd:
        __hash__ = None

        def __eq__(self, other):
            raise TypeError("no")

    with Client(config("a", value=Odd()), plugins=book.plugins) as client:
        client.reload(config("a", value=Odd()))
    assert book.made == ["a", "a"]


def test_a_plugin_of_a_backend_is_none_of_the_host(book):
    """The same settings elsewhere are another plugin."""
    inside = config()
    inside["backends"]["echo"]["middleware"] = [{"use": "counter", "name": "a"}]
    with Client(config("a"), plugins=book.plugins) as client:
        client.reload(inside)
        client.create_chat_completion(messages=HELLO)
        assert book.made == ["a", "a"]
        assert book.closed == ["a"]


def test_models_and_the_default_are_the_new_ones(book):
    """An alias that is gone is a name like any other: the default backend's own."""
    with Client({**config(model="fast"), "models": {"fast": "echo/one"}}, plugins=book.plugins) as client:
        assert client.create_chat_completion(messages=HELLO).model == "one"
        client.reload({**config(model="slow"), "models": {"slow": "echo/two"}})
        assert client.create_chat_completion(messages=HELLO).model == "two"
        assert client.create_chat_completion(messages=HELLO, model="fast").model == "fast"


def test_a_mapping_is_taken_again_as_it_is_now(book):
    """A program may change what it gave, or give another one, which counts from then on."""
    given = config("a")
    with Client(given, plugins=book.plugins) as client:
        given["middleware"][0]["name"] = "b"
        client.reload()
        client.reload(config("c"))
        client.reload()
        client.create_chat_completion(messages=HELLO)
    assert book.passed == ["c"]
    assert book.made == ["a", "b", "c"]


def test_a_profile_stays_chosen(book):
    """The one that the client was made with."""
    given = {**config("a"), "profiles": {"other": {"middleware": [{"use": "counter", "name": "of the profile"}]}}}
    with Client(given, profile="other", plugins=book.plugins) as client:
        client.reload()
        client.create_chat_completion(messages=HELLO)
    assert book.passed == ["of the profile"]


def test_a_running_stream_ends_on_the_former_configuration(book):
    """Its plugins are closed after it, though others have begun and ended meanwhile."""
    with Client(config("a"), plugins=book.plugins) as client:
        stream = client.create_chat_completion(messages=HELLO, stream=True)
        next(stream)
        client.reload(config("b"))
        client.create_chat_completion(messages=HELLO)
        client.reload(config("c"))
        client.create_chat_completion(messages=HELLO)
        assert book.closed == []
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        assert stream.response.choices[0].finish_reason == "stop"
        client.create_chat_completion(messages=HELLO)
        assert book.closed == ["a", "b"]
    assert book.closed == ["a", "b", "c"]


def test_a_plugin_that_a_later_configuration_kept_is_not_closed_under_a_call_of_an_earlier_one(book):
    """It is gone with the second reload, but a call of before the first still needs it."""
    with Client(config("kept"), plugins=book.plugins) as client:
        stream = client.create_chat_completion(messages=HELLO, stream=True)
        client.reload(config("kept", "more"))
        client.reload(config("other"))
        client.create_chat_completion(messages=HELLO)
        assert book.closed == []
        stream.close()
        client.create_chat_completion(messages=HELLO)
        assert sorted(book.closed) == ["kept", "more"]


def test_a_stream_that_has_ended_keeps_no_plugin_of_a_former_configuration(book):
    """However long the host keeps it; nor does an answer."""
    seen: list[weakref.ref[Any]] = []

    @attrs.define(eq=False)
    class Watching:
        """Sees chunks."""

        def __attrs_post_init__(self):
            seen.append(weakref.ref(self))

        @jackfield.hookimpl
        def on_chunk(self, chunk, call):
            """Leave it as it is."""

    watching = config() | {"middleware": [{"use": "watching"}]}
    with Client(watching, plugins={**book.plugins, "watching": Watching}) as client:
        kept = [
            client.create_chat_completion(messages=HELLO),
            client.create_chat_completion(messages=HELLO, stream=True),
        ]
        assert list(kept[1])
        client.reload(config("b"))
        client.create_chat_completion(messages=HELLO)
        gc.collect()
        assert [one() for one in seen] == [None]


def test_no_call_waits_for_a_reload(book):
    """To read a configuration may take long; what is retired is closed by whoever comes later."""
    begun, go_on = threading.Event(), threading.Event()

    @attrs.define(eq=False)
    class Slow:
        """Takes its time to be made."""

        def __attrs_post_init__(self):
            begun.set()
            assert go_on.wait(30)

        @jackfield.hookimpl
        def on_chunk(self, chunk, call):
            """Leave it as it is."""

    with Client(config("a"), plugins={**book.plugins, "slow": Slow}) as client:
        stream = client.create_chat_completion(messages=HELLO, stream=True)
        client.reload(config("b"))
        reloading = threading.Thread(target=client.reload, args=(config("c") | {"middleware": [{"use": "slow"}]},))
        reloading.start()
        assert begun.wait(30)
        calling = threading.Thread(target=client.create_chat_completion, kwargs={"messages": HELLO})
        calling.start()
        calling.join(10)
        waits = calling.is_alive()
        go_on.set()
        reloading.join()
        calling.join()
        stream.close()
        assert not waits
        client.create_chat_completion(messages=HELLO)
        assert book.closed == ["a", "b"]


def test_closing_the_client_closes_what_is_retired_too(book):
    """Also what running calls need: they are taken down."""
    client = Client(config("a"), plugins=book.plugins)
    stream = client.create_chat_completion(messages=HELLO, stream=True)
    client.reload(config("b"))
    client.close()
    assert sorted(book.closed) == ["a", "b"]
    stream.close()


def test_what_fails_while_it_is_closed_is_told_when_the_client_is(book):
    """No call fails for it."""
    client = Client(config("a", fails=True), plugins=book.plugins)
    client.reload(config("b"))
    client.create_chat_completion(messages=HELLO)
    assert book.closed == ["a"]
    with pytest.raises(OSError, match="cannot close a"):
        client.close()
    assert book.closed == ["a", "b"]


def test_a_closed_client_takes_no_configuration(book):
    """It says so."""
    client = Client(config("a"), plugins=book.plugins)
    client.close()
    with pytest.raises(ClientClosedError):
        client.reload()


def test_an_async_client_reloads_alike(book):
    """Its running stream ends on the former configuration."""

    async def main():
        async with AsyncClient(config("a"), plugins=book.plugins) as client:
            async with client.create_chat_completion(messages=HELLO, stream=True) as stream:
                await anext(stream)
                await client.reload(config("b"))
                await client.create_chat_completion(messages=HELLO)
                assert book.closed == []
                async for _ in stream:
                    pass
            await client.create_chat_completion(messages=HELLO)
            assert book.closed == ["a"]
            with pytest.raises(ConfigError):
                await client.reload({"backends": {"x": {}}})
            await client.create_chat_completion(messages=HELLO)

    asyncio.run(main())
    assert book.passed == ["a", "b", "b", "b"]


def test_calls_of_many_threads_never_meet_half_a_configuration(book):
    """Each default model exists in its own configuration only."""
    ways = [{**config(name, model=name), "models": {name: f"echo/{name}"}} for name in ("one", "two")]
    failures: list[BaseException] = []
    stop = threading.Event()
    with Client(ways[0], plugins=book.plugins) as client:

        def call():
            try:
                while not stop.is_set():
                    assert client.create_chat_completion(messages=HELLO).model in {"one", "two"}
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        for turn in range(60):
            client.reload(ways[turn % 2])
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(book.closed) == len(book.made)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings(
    "ignore:.*fork.*:DeprecationWarning"
)  # the thread that reads waits for nothing of the child's
def test_a_child_that_was_forked_while_a_configuration_was_read_reloads_by_itself(book):
    """What another thread of the parent held is not held in the child."""
    reading, read_on = threading.Event(), threading.Event()

    class Slow(dict):
        def items(self):
            reading.set()
            read_on.wait(20)
            return super().items()

    client = Client(config("a"), plugins=book.plugins)
    thread = threading.Thread(target=client.reload, args=[Slow(config("b"))])
    thread.start()
    assert reading.wait(20)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        client.reload(config("c"))
        client.close()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    read_on.set()
    thread.join()
    client.close()
    assert status == 0


def test_another_process_has_another_lock(monkeypatch):
    """The one that a thread of the parent may hold is not waited for."""
    retired = Retired()
    lock = retired.lock
    assert retired.lock is lock
    monkeypatch.setattr(os, "getpid", lambda: -1)  # as a child finds it
    assert retired.lock is not lock
    assert retired.lock is retired.lock
