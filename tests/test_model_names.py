"""The names of models in a layer's settings: each leads somewhere, or is a fault of the configuration."""

from __future__ import annotations

import attrs
import pytest

import jackfield
from jackfield import Client, ConfigError


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
    assert "no backend and no alias is meant by 'ecco/b'" in fault.expected
    assert 'did you mean "echo/b"?' in fault.expected


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
