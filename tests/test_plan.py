"""Plans: layers in their places."""

from __future__ import annotations

import attrs
import pytest

from engine_fakes import Chunks, HttpLayer, Layer, in_turn
from jackfield import NotFoundError, PluginError, hookimpl
from jackfield.plan import Layer as PlanLayer
from jackfield.testing import Echo, plan
from jackfield.wire import build_request


@attrs.define(eq=False)
class Closing:
    """Notes when it is closed."""

    closed: list = attrs.field(factory=list)

    @hookimpl
    def on_chunk(self):
        return None

    @hookimpl
    def close(self):
        self.closed.append(True)


def test_a_layer_is_told_by_name_class_and_distribution():
    """Whoever reads a fault knows which plugin to look at."""
    assert str(PlanLayer("retry#0", Echo(), "jackfield-retry 1.0", {})) == "retry#0 (Echo of jackfield-retry 1.0)"


def test_layers_stand_where_their_hooks_are_asked():
    """Only layers with a hook are asked for it: chunks innermost first, the rest outermost first."""
    chat, http, chunk = Layer(None), HttpLayer(None), Chunks(None)
    own_chat, own_http, own_chunk = Layer(None), HttpLayer(None), Chunks(None)
    the_plan = plan(Echo(), middleware=[chat, http, chunk], backend_middleware=[own_chat, own_http, own_chunk])
    route = the_plan.routes["test"]
    assert [layer.plugin for layer in the_plan.chat] == [chat]
    assert [layer.plugin for layer in the_plan.chunk] == [chunk]
    assert [layer.plugin for layer in route.chat] == [own_chat]
    assert [layer.plugin for layer in route.http] == [http, own_http]
    assert [layer.plugin for layer in route.chunk] == [own_chunk, chunk]


def test_hook_close_is_there_for_every_layer_once():
    """Closing all layers of a plan closes each plugin once, whatever else it does."""
    plugins = [Closing(), Closing(), Closing()]
    the_plan = plan(Echo(), middleware=plugins[:2], backend_middleware=plugins[2:])
    for layer in the_plan.layers:
        layer.hooks.get("close", lambda: None)()
    assert [plugin.closed for plugin in plugins] == [[True]] * 3


def test_model_names_are_routed_by_their_backend():
    """``backend/model`` names a backend; a bare name goes to the first; an unknown one is an error."""
    the_plan = plan(Echo(), backends={"other": in_turn()})
    assert the_plan.route("m")[1] == the_plan.route("test/m")[1] == "m"
    assert the_plan.route("m")[0].backend.name == "test"
    route, model = the_plan.route("other/a/b")
    assert (route.backend.name, model) == ("other", "a/b")
    with pytest.raises(NotFoundError, match="no backend is named 'nobody'"):
        the_plan.route("nobody/m")


def test_a_plugin_with_a_hook_that_is_none_is_refused():
    """A misspelt hook fails when the plan is made."""

    @attrs.define(eq=False)
    class Misspelt:
        @hookimpl
        def wrap_chat_completions(self, request):
            yield request

    with pytest.raises(PluginError, match=r"Misspelt of this program: .*wrap_chat_completions"):
        plan(Echo(), middleware=[Misspelt()])


def test_a_request_comes_to_each_layer_and_then_to_the_provider():
    """The host's layers, outermost first, under the host's name; then the backend's, under the backend's own."""
    outer, inner = Layer(None), Layer(None)
    the_plan = plan(Echo(), middleware=[outer], backend_middleware=[inner])
    request = build_request({"model": "test/m", "messages": [{"role": "user", "content": "x"}]})

    first, route, level, layer = the_plan.inward(request, None, 0)
    assert (first.model, route, level, layer.plugin) == ("test/m", None, 0, outer)
    second, route, level, layer = the_plan.inward(first, None, 1)
    assert (second.model, route, level, layer.plugin) == ("m", the_plan.routes["test"], 0, inner)
    assert the_plan.inward(second, route, 1) == (second, route, 1, None)
