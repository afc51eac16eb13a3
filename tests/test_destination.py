"""Where a model name leads, as a layer may ask before it passes a request inward."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from jackfield import NotFoundError, hookimpl
from jackfield.plan import Route
from jackfield.testing import Echo, make_call, plan, run_call
from jackfield.wire import build_request

ASK = build_request({"model": "other/m", "messages": [{"role": "user", "content": "Hello"}]})


@attrs.define(eq=False)
class Asking:
    """Asks where names lead, and notes the answers."""

    names: tuple[str, ...]
    told: list[Any] = attrs.field(factory=list)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        self._ask(call)
        response = yield request
        self._ask(call)
        return response

    def _ask(self, call):
        for name in self.names:
            try:
                route, model = call.destination(name)
            except NotFoundError as error:
                self.told.append(error.code)
            else:
                assert isinstance(route, Route)
                self.told.append((route.backend.name, model))


def test_a_layer_of_the_host_is_told_what_the_routing_says():
    """Before the request goes inward and after it came back, each name leads where a request for it would go."""
    asking = Asking(("m", "other/m", "nobody/m"))

    run_call(plan(Echo(), middleware=[asking], backends={"other": Echo()}), ASK)

    assert asking.told == [("test", "m"), ("other", "m"), "model_not_found"] * 2


def test_a_layer_of_a_backend_stays_there():
    """Whatever the name, a layer of a backend cannot leave it."""
    asking = Asking(("m", "test/m"))

    run_call(plan(Echo(), backend_middleware=[asking], backends={"other": Echo()}), ASK)

    assert asking.told == [("other", "m"), ("other", "test/m")] * 2


@pytest.mark.parametrize("inner", [Asking(("m",)), Asking(())])
def test_the_layer_that_asks_counts_and_no_other(inner: Asking):
    """What stands inside does not change what the host's layer is told when its request has come back."""
    outer = Asking(("m",))

    run_call(plan(Echo(), middleware=[outer], backend_middleware=[inner], backends={"other": Echo()}), ASK)

    assert outer.told == [("test", "m")] * 2


def test_a_call_that_no_engine_drives_has_no_destination():
    """A hook that is driven by hand is told so."""
    assert make_call().destination is None
