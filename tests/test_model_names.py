"""The names of models in a layer's settings: each leads somewhere, or is a fault of the configuration."""

from __future__ import annotations

import attrs
import pytest

import jackfield
from jackfield import Client, ConfigError
from jackfield.config.load import load
from jackfield.groups import becomes, chosen, groups
from jackfield.plugins import assemble
from jackfield.registry import Registry


@attrs.define(eq=False)
class Names:
    """Asks for models, in the place of others."""

    models: dict[str, list[str]] = attrs.field(factory=dict)
    replaces: bool = False

    @property
    def model_names(self):
        return [
            (("models", name, index), asked) for name in self.models for index, asked in enumerate(self.models[name])
        ]

    @property
    def model_groups(self):
        return self.models.keys() if self.replaces else ()

    @jackfield.hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


@attrs.define(eq=False)
class Needs(Names):
    """Is not there without a setting."""

    needed: int = attrs.field(kw_only=True)


def test_a_name_of_a_model_that_leads_nowhere_is_a_fault_at_its_place(tmp_path):
    """A fallback to a backend that is not there would be found out when it is needed; a hint tells what was meant."""
    path = tmp_path / "jackfield.toml"
    path.write_text(
        '[backends.echo]\nprovider = "echo"\n[backends.other]\nprovider = "echo"\n[[middleware]]\nuse = "names"\n'
        '[middleware.models]\nfast = [\n  "echo/a",\n  "ecco/b",\n]\n'
    )
    with pytest.raises(ConfigError) as caught:
        Client(path, plugins={"names": Names})
    (fault,) = caught.value.faults
    assert fault.path == "middleware[0].models.fast[1]"
    assert fault.file == str(path)
    assert fault.expected == "no backend and no alias is meant by 'ecco/b'"
    assert fault.hint == 'did you mean "echo/b"?'


def test_a_name_that_another_layer_replaces_leads_somewhere():
    """A fallback to a group that is balanced inside, say; a layer's own groups are no such names."""
    backends = {"echo": {"provider": "echo"}, "other": {"provider": "echo"}}
    outer = {"use": "names", "models": {"fast": ["pool"]}}
    inner = {"use": "names", "models": {"pool": ["echo/a", "other/b"]}, "replaces": True}
    Client({"backends": backends, "middleware": [outer, inner]}, plugins={"names": Names}).close()
    with pytest.raises(ConfigError, match="by 'pool'"):
        Client(
            {"backends": backends, "middleware": [{**inner, "models": {"pool": ["pool"]}}]}, plugins={"names": Names}
        )


def test_the_groups_of_the_host_are_told_with_what_they_may_become():
    """From the outermost layer inward; a layer of a backend has none, and a name that becomes nothing is none."""
    backends = {"echo": {"provider": "echo"}, "other": {"provider": "echo"}}
    outer = {"use": "names", "models": {"all": ["pool", "echo/x"], "none": []}, "replaces": True}
    inner = {"use": "names", "models": {"pool": ["other/b", "echo/a"]}, "replaces": True}
    plain = {"use": "names", "models": {"pool": ["echo/c"]}}
    loaded = load({"backends": backends, "middleware": [outer, plain, inner]}, environ={})
    plan = assemble(loaded.settings, loaded.faults, Registry({"names": Names}))
    found = [(group.name, group.members, group.path, group.layer.name) for group in groups(plan.layers)]
    assert found == [
        ("all", ("pool", "echo/x"), ("models", "all", 0), "names#0"),
        ("pool", ("other/b", "echo/a"), ("models", "pool", 0), "names#2"),
    ]
    assert [group.name for group in chosen("all", plan.layers)] == ["all", "pool"]
    assert list(chosen("echo/a", plan.layers)) == []
    assert becomes("all", plan.layers) == ("other/b", "echo/a", "echo/x")
    assert becomes("echo/a", plan.layers) == ("echo/a",)


def test_a_layer_of_a_backend_replaces_no_names_of_the_host():
    """It gets the backend's own names."""
    own = {"use": "names", "models": {"pool": ["echo/a"]}, "replaces": True}
    loaded = load({"backends": {"echo": {"provider": "echo", "middleware": [own]}}}, environ={})
    plan = assemble(loaded.settings, loaded.faults, Registry({"names": Names}))
    assert list(groups(plan.layers)) == []


def test_a_name_that_leads_nowhere_is_told_beside_other_faults_of_its_layer():
    """Whatever stands in the settings that are sound; what stands in those at fault is not looked at."""
    backends = {"echo": {"provider": "echo"}, "other": {"provider": "echo"}}
    layers = [
        {"use": "names", "models": {"fast": ["pool", "ecco/b"]}, "replaces": 3, "modes": 1},
        {"use": "names", "models": {"pool": ["echo/a"]}, "replaces": True, "colour": 1},
        {"use": "names", "models": {"x": [1, "ecco/c"], "y": ["ecco/d"]}},
        {"use": "needs", "modls": {}},
    ]
    loaded = load({"backends": backends, "middleware": layers}, environ={})
    with pytest.raises(ConfigError) as caught:
        assemble(loaded.settings, loaded.faults, Registry({"names": Names, "needs": Needs}))
    assert [fault.path for fault in caught.value.faults] == [
        "middleware[0].modes",
        "middleware[0].replaces",
        "middleware[1].colour",
        "middleware[2].models.x[0]",
        "middleware[3].modls",
        "middleware[3]",
        "middleware[0].models.fast[1]",
    ]
