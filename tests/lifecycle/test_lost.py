"""What an interrupt, or a host that forgets to close, leaves behind is found: single cases of it."""

from __future__ import annotations

import gc
from typing import Any

import attrs
import pytest

import fakeserver
from both import config
from engine_fakes import Driven, Layer, Recorder
from engine_fakes import ask as ask_engine
from jackfield import Client, Sleep
from jackfield.drivers import connection
from jackfield.testing import Echo, plan
from lifecycle.scene import ask, connections, echo, nothing_left, until


def whole(client: Client) -> None:
    """A call, and its own answer."""
    response = client.create_chat_completion(messages=ask("a b"), timeout=5)
    assert response.choices[0].message.content == "a b"


def test_a_layer_that_is_interrupted_between_two_steps_hears_of_it() -> None:
    """The interrupt came when its step was over: it has not ended, and gets ``CallCancelled``."""
    outer, heard = Recorder(), []

    def sleeping(request: Any, call: Any) -> Any:
        try:
            yield Sleep(1)
            yield Sleep(1)
        except BaseException as error:
            heard.append(type(error).__name__)
            raise
        return (yield request)

    driven = Driven(plan(Echo(), middleware=[outer, Layer(sleeping)])).begin(ask_engine())

    @attrs.define
    class Interrupted:
        """A generator whose step is followed by an interrupt."""

        flow: Any

        @property
        def gi_frame(self) -> Any:
            return self.flow.gi_frame

        def send(self, value: Any) -> None:
            self.flow.send(value)
            raise KeyboardInterrupt

        def throw(self, error: BaseException) -> Any:
            return self.flow.throw(error)

    frame = driven.engine._stack.frames[-1]
    frame.flow = Interrupted(frame.flow)
    driven.engine.step(None)
    with pytest.raises(KeyboardInterrupt):
        driven.engine.result()
    assert outer.words == heard == ["CallCancelled"]
    assert driven.engine.call.faults == []


def test_a_connection_that_was_lost_to_an_interrupt_is_found_when_its_call_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The interrupt came when the head was read and nobody had the response yet."""
    made = connection.SyncBody

    def interrupt(*_: Any) -> Any:
        monkeypatch.setattr(connection, "SyncBody", made)
        raise KeyboardInterrupt

    one = {"transport": {"max_connections": 1}}
    with fakeserver.serving(echo) as server, nothing_left(server), Client(config(server, backend=one)) as client:
        monkeypatch.setattr(connection, "SyncBody", interrupt)
        with pytest.raises(KeyboardInterrupt):
            whole(client)
        whole(client)


def test_a_pool_that_nobody_closed_closes_its_connections() -> None:
    """One that is left to the garbage collector, as at the end of a program: there is no warning."""
    with fakeserver.serving(echo) as server, Client(config(server)) as client:
        whole(client)
        client._driver._pools.clear()
        gc.collect()
        assert until(lambda: connections(server) == 0)
