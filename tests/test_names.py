"""Names: what a configuration names by itself."""

from __future__ import annotations

import attrs
import pytest

from jackfield import AsyncClient, Client, hookimpl
from jackfield.names import Names


@attrs.define(eq=False)
class Share:
    """Shares a name out among models, as routing does."""

    name: str
    members: tuple[str, ...]

    @hookimpl
    def wrap_chat_completion(self, request, call):
        """Passes everything on."""
        return (yield request)

    @property
    def model_groups(self) -> tuple[str, ...]:
        """The names that it replaces."""
        return (self.name,)

    @property
    def model_names(self) -> list[tuple[tuple[str, ...], str]]:
        """Where its settings name models."""
        return [(("groups", self.name, str(number)), member) for number, member in enumerate(self.members)]


def share(name: str, *members: str) -> dict[str, object]:
    """A table of that layer."""
    return {"use": "share", "name": name, "members": list(members)}


CONFIG = {
    "default_model": "a/one",
    "models": {"fast": "a/two", "both": "b/one"},
    "backends": {"a": {"provider": "echo"}, "b": {"provider": "echo"}},
    "middleware": [share("both", "a/three", "b/four"), share("both", "b/five")],
}


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_a_client_tells_what_its_configuration_names(client):
    """Groups, of which the outermost layer has the name, aliases, the default and backends; no backend is asked."""
    names = client(CONFIG, plugins={"share": Share}).names
    assert names == Names(
        default="a/one",
        groups={"both": ("a/three", "b/four")},
        aliases={"fast": "a/two", "both": "b/one"},
        backends=("a", "b"),
    )


def test_all_names_of_models_stand_once():
    """What a host may offer its users to choose from, those first that stand for others."""
    names = Client(CONFIG, plugins={"share": Share}).names
    assert names.models == ("both", "fast", "a/one", "a/two", "b/one", "a/three", "b/four")


def test_without_a_default_nothing_is_made_up():
    """A configuration may leave every choice to its caller."""
    names = Client({"backends": {"a": {"provider": "echo"}}}).names
    assert (names.default, names.models) == (None, ())


def test_names_follow_a_reload():
    """They are those of the configuration in force."""
    client = Client(CONFIG, plugins={"share": Share})
    client.reload({"default_model": "c/x", "backends": {"c": {"provider": "echo"}}})
    assert client.names.models == ("c/x",)
