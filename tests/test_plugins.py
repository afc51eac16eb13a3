"""Plugins are found by their entry points, checked when a configuration names them, and put in its order."""

# mypy: allow-untyped-defs, allow-incomplete-defs
# Plugins are written here as their authors write them, and what hooks get is not looked at.

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from jackfield import hookimpl
from jackfield.config.load import load
from jackfield.errors import ConfigError, NotFoundError
from jackfield.hookspecs import MiddlewareSpec
from jackfield.plan import Plan
from jackfield.plugins import MAX_NAMES, assemble
from jackfield.registry import MIDDLEWARE, PROVIDERS, Registry, installed
from jackfield.testing.echo import Echo
from sites import Site

IMPORTS = "import attrs\nfrom jackfield import hookimpl\n"
GOOD = IMPORTS + "@attrs.define(eq=False)\nclass Layer:\n    @hookimpl\n    def on_chunk(self, chunk): ...\n"


def built(config: Any, **plugins: type) -> Plan:
    """The plan of a configuration."""
    registry = Registry(plugins)
    loaded = load(config, environ={}, installed=registry)
    return assemble(loaded.settings, loaded.faults, registry)


def faulty(config: Any, **plugins: type) -> list[str]:
    """What is wrong with a configuration."""
    with pytest.raises(ConfigError) as caught:
        built(config, **plugins)
    return [str(fault) for fault in caught.value.faults]


def using(*names: str, backend: tuple[str, ...] = ()) -> dict[str, Any]:
    """A configuration of the echo with these layers."""
    return {
        "backends": {"b": {"provider": "echo", "middleware": [{"use": name} for name in backend]}},
        "middleware": [{"use": name} for name in names],
    }


# -- found -----------------------------------------------------------------------------------------------------------


def test_a_plugin_is_found_by_its_entry_point(site: Site) -> None:
    """Its name in configuration is that of the entry point; its layer knows the distribution."""
    site.install("acme-layers", {"acme": "acme_layers:Layer"}, version="1.2", acme_layers=GOOD)

    (layer,) = built(using("acme")).chunk

    assert str(layer) == "acme#0 (Layer of acme-layers 1.2)"


def test_what_is_installed_is_not_imported(site: Site) -> None:
    """A list of plugins, and a configuration that does not name one, leave it alone; so a broken one harms no one."""
    site.install("acme", {"acme": "acme_broken:Layer"}, acme_broken="raise RuntimeError('boom')")

    found = [one for one in installed() if one.name == "acme"]
    plan = built(using())

    assert [(one.group, one.distribution) for one in found] == [(MIDDLEWARE, "acme 1.0")]
    assert list(plan.routes) == ["b"]
    assert "acme_broken" not in sys.modules


def test_what_is_installed_is_listed_by_kind_and_name(site: Site) -> None:
    """Middleware before providers, as the groups sort; two distributions of one name are both there."""
    site.install("zeta", {"zz": "m:X"}, group=PROVIDERS)
    site.install("beta", {"same": "m:X"})
    site.install("alpha", {"same": "m:X", "aa": "m:X"})

    ours = [f"{one.name} {one.distribution}" for one in installed() if one.name in {"zz", "same", "aa"}]

    assert ours == ["aa alpha 1.0", "same alpha 1.0", "same beta 1.0", "zz zeta 1.0"]


def test_two_distributions_that_claim_one_name_are_a_fault(site: Site) -> None:
    """None of them is taken, and none is imported."""
    site.install("acme-one", {"acme": "acme_one:Layer"}, acme_one=GOOD)
    site.install("acme-two", {"acme": "acme_two:Layer"}, acme_two=GOOD)

    (text,) = faulty(using("acme"))

    assert text.startswith("middleware[0].use: middleware 'acme' is claimed by acme-")
    assert "acme-one 1.0" in text
    assert "acme-two 1.0" in text
    assert "acme_one" not in sys.modules


def test_one_name_may_be_a_provider_and_a_middleware(site: Site) -> None:
    """The two kinds have their own names."""
    site.install("acme", {"echo": "acme_layers:Layer"}, acme_layers=GOOD)

    plan = built(using("echo"))

    assert [layer.distribution for layer in plan.chunk] == ["acme 1.0"]
    assert plan.routes["b"].provider.distribution.startswith("jackfield ")


def test_a_distribution_without_metadata_breaks_nothing(site: Site) -> None:
    """What a broken installation left behind is a plugin of an unknown distribution."""
    site.install("acme", {"acme": "acme_layers:Layer"}, acme_layers=GOOD)
    (site.folder / "acme-1.0.dist-info" / "METADATA").unlink()

    (layer,) = built(using("acme")).chunk

    assert layer.distribution == "an unknown distribution"


def test_an_entry_point_of_no_distribution_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finders other than the usual may give such ones."""
    point = importlib.metadata.EntryPoint("lonely", "m:X", MIDDLEWARE)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda: importlib.metadata.EntryPoints([point]))

    assert [one.distribution for one in installed()] == ["an unknown distribution"]


def test_a_program_may_bring_plugins_of_its_own(site: Site) -> None:
    """They hide installed ones of their name and kind, and need no distribution."""
    site.install("acme", {"acme": "acme_broken:Layer"}, acme_broken="raise RuntimeError('boom')")

    (layer,) = built(using("acme"), acme=Chunks).chunk

    assert str(layer) == "acme#0 (Chunks of this program)"


def test_a_programs_provider_does_not_hide_an_installed_middleware(site: Site) -> None:
    """Each kind is looked for by itself."""
    site.install("acme", {"acme": "acme_layers:Layer"}, acme_layers=GOOD)

    plan = built({"backends": {"b": {"provider": "acme"}}, "middleware": [{"use": "acme"}]}, acme=Echo)

    assert [layer.distribution for layer in plan.chunk] == ["acme 1.0"]
    assert plan.routes["b"].provider.distribution == "this program"


def test_registries_know_their_names(site: Site) -> None:
    """What can be used for each kind, and whether something is there at all."""
    site.install("acme", {"acme": "acme_layers:Layer"})
    registry = Registry({"mine": Echo})

    assert registry.has("mine")
    assert registry.has("acme")
    assert registry.has("echo")
    assert not registry.has("nothing-of-this-name")
    assert "mine" in registry.names(PROVIDERS)
    assert "mine" not in registry.names(MIDDLEWARE)
    assert "acme" in registry.names(MIDDLEWARE)


# -- not found, or unfit ---------------------------------------------------------------------------------------------


def test_an_unknown_name_gets_a_guess_and_the_remedy(site: Site) -> None:
    """A slip of the pen, or a distribution that is missing."""
    site.install("acme", {"tracing": "m:X"})

    assert faulty(using("traceing")) == [
        "middleware[0].use: no middleware is named 'traceing' (did you mean \"tracing\"?)"
    ]
    assert faulty({"backends": {"b": {"provider": "ecco"}}}) == [
        "backends.b.provider: no provider is named 'ecco' (did you mean \"echo\"?)"
    ]


def test_what_is_published_with_jackfield_is_told_by_its_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of any other name nobody knows who has published a package of that name."""

    def fault(name: str) -> str:
        return next(fault for fault in faulty(using(name)) if fault.startswith("middleware"))

    monkeypatch.setattr(Registry, "find", lambda self, group, name: [])
    monkeypatch.setattr(Registry, "names", lambda self, group: [])
    assert fault("tracing") == "middleware[0].use: no middleware is named 'tracing'"
    assert fault("bearer") == "middleware[0].use: no middleware is named 'bearer' (pip install jackfield-auth)"
    monkeypatch.setattr(Registry, "names", lambda self, group: ["bearded"])
    assert fault("bearer").endswith('(did you mean "bearded"?; or pip install jackfield-auth)')


def test_the_settings_of_a_plugin_can_be_told() -> None:
    """Of one that is not there, or is none, there are none."""

    @attrs.define(eq=False)
    class Mine:
        tone: str = "high"
        _inner: int = attrs.field(init=False, default=0)

        @hookimpl
        def on_chunk(self, chunk):
            return None

    registry = Registry({"mine": Mine, "none": int})
    assert registry.settings("middleware", "mine") == {"tone": ()}
    assert registry.settings("middleware", "none") == registry.settings("provider", "nothing") == {}


def test_an_async_hook_is_refused() -> None:
    """It would never run: nothing but a driver awaits."""

    @attrs.define(eq=False)
    class Awaits:
        @hookimpl
        async def wrap_chat_completion(self, request):
            return request

    @attrs.define(eq=False)
    class Streams:
        @hookimpl
        async def wrap_http(self, http_request):
            yield http_request

    for cls in (Awaits, Streams):
        (fault,) = faulty(using("mine"), mine=cls)
        assert "is async: make it a plain function that yields effects" in fault


BAD = {
    "raise RuntimeError('boom')": "cannot be imported: RuntimeError: boom",
    "import nothing_of_this_name": "cannot be imported: ModuleNotFoundError: No module named 'nothing_of_this_name'",
    "": "cannot be imported: AttributeError: module 'acme_bad' has no attribute 'Layer'",
    "class Layer:\n    pass": "is not an attrs class: make it one with @attrs.define(eq=False)",
    "def Layer(): ...": "is not an attrs class: make it one with @attrs.define(eq=False)",
    "import attrs\n@attrs.define\nclass Layer: ...": (
        "compares by value, which pluggy cannot use: make it with @attrs.define(eq=False)"
    ),
    "from jackfield.testing.echo import Echo as Layer": "is no middleware: it has a create_chat_completion",
}


@pytest.mark.parametrize("source", BAD)
def test_a_class_that_is_no_plugin_names_itself_its_distribution_and_the_remedy(site: Site, source: str) -> None:
    """Whoever reads the error knows what to change, and whom to tell; so does the list of plugins."""
    site.install("acme", {"acme": "acme_bad:Layer"}, acme_bad=source)

    texts = faulty(using("acme"))
    (found,) = Registry().find(MIDDLEWARE, "acme")

    assert texts == [f"middleware[0].use: middleware 'acme' of acme 1.0 {BAD[source]}"]
    assert found.check() == BAD[source]


def test_a_middleware_is_no_provider(site: Site) -> None:
    """A name in the wrong place is told, whoever brings it."""
    site.install("acme", {"acme": "acme_layers:Layer"}, group=PROVIDERS, acme_layers=GOOD)
    config = {"backends": {"b": {"provider": "acme"}}}
    reason = "is no provider: it has no create_chat_completion"

    assert faulty(config) == [f"backends.b.provider: provider 'acme' of acme 1.0 {reason}"]
    assert faulty({"backends": {"b": {"provider": "mine"}}}, mine=Chunks) == [
        f"backends.b.provider: provider 'mine' of this program {reason}"
    ]


HOOKS = {
    "@hookimpl\n    def on_chunc(self, chunk): ...": "no hook is named 'on_chunc' (did you mean \"on_chunk\"?)",
    "@hookimpl\n    def a_hook(self): ...\n    @hookimpl\n    def wrap_htp(self, call): ...": (
        "no hook is named 'a_hook' (known: close, create_chat_completion, end_of_stream, list_models, on_chunk, "
        "wrap_chat_completion, wrap_http); no hook is named 'wrap_htp' (did you mean \"wrap_http\"?)"
    ),
    "@hookimpl\n    def on_chunk(self, chunk, cal): ...": (
        "Argument(s) {'cal'} are declared in the hookimpl but can not be found in the hookspec"
    ),
    "@hookimpl(tryfirst=True)\n    def on_chunk(self): ...": (
        "on_chunk is marked tryfirst: the order comes from configuration only"
    ),
    "@hookimpl(trylast=True)\n    def on_chunk(self): ...": (
        "on_chunk is marked trylast: the order comes from configuration only"
    ),
    "@hookimpl(wrapper=True)\n    def on_chunk(self): yield": (
        "on_chunk is marked wrapper: the order comes from configuration only"
    ),
    "@hookimpl(hookwrapper=True)\n    def on_chunk(self): yield": (
        "on_chunk is marked hookwrapper: the order comes from configuration only"
    ),
    "@hookimpl\n    def on_chunk(self): ...\n    @hookimpl(specname='on_chunk')\n    def other(self): ...": (
        "on_chunk is implemented by several methods"
    ),
    "def on_chunk(self): ...": "implements no hook: mark its methods with @jackfield.hookimpl",
    "@hookimpl\n    def close(self): ...": "implements no hook: mark its methods with @jackfield.hookimpl",
    "@hookimpl\n    def on_chunk(self): ...\n    @hookimpl\n    def list_models(self): ...": (
        "is a middleware, so list_models would never be called: only a provider has it"
    ),
}


@pytest.mark.parametrize("methods", HOOKS)
def test_a_hook_that_would_not_be_called_as_meant_fails_at_load(site: Site, methods: str) -> None:
    """A misspelt hook or argument would be silent for ever, a mark would change the order that the file shows."""
    site.install(
        "acme", {"acme": "acme_bad:Layer"}, acme_bad=f"{IMPORTS}@attrs.define(eq=False)\nclass Layer:\n    {methods}\n"
    )

    texts = faulty(using("acme"))
    (found,) = Registry().find(MIDDLEWARE, "acme")

    assert len(texts) == 1
    assert texts[0].startswith("middleware[0].use: middleware 'acme' of acme 1.0: Layer: ")
    assert texts[0].endswith(HOOKS[methods])
    assert (found.check() or "").endswith(HOOKS[methods])


def test_a_provider_must_have_its_hook_marked_and_none_of_a_middleware() -> None:
    """Else it would fail at the first call, or a layer would silently be none."""

    @attrs.define(eq=False)
    class Unmarked:
        def create_chat_completion(self, request, call): ...

    @attrs.define(eq=False)
    class Both(Echo):
        @hookimpl
        def wrap_http(self, http_request): ...

    config = {"backends": {"a": {"provider": "unmarked"}, "b": {"provider": "both"}}}

    first, second = faulty(config, unmarked=Unmarked, both=Both)

    assert first == (
        "backends.a.provider: provider 'unmarked' of this program: Unmarked: does not implement "
        "create_chat_completion: mark the method with @jackfield.hookimpl"
    )
    assert second == (
        "backends.b.provider: provider 'both' of this program: Both: is a provider, so wrap_http would never be "
        "called: only a middleware has it"
    )


def test_a_faulty_plugin_is_not_blamed_on_its_neighbour() -> None:
    """Two faults in one plugin leave nothing behind that the next one would be charged with."""

    @attrs.define(eq=False)
    class Twice:
        @hookimpl
        def a_hook(self): ...

        @hookimpl
        def on_chunk(self, chunc): ...

    texts = faulty(using("twice", "fine"), twice=Twice, fine=Chunks)

    assert len(texts) == 1
    assert texts[0].startswith("middleware[0].use: middleware 'twice' of this program: Twice: ")


def test_no_fault_shows_a_setting_of_the_plugin() -> None:
    """A repr of the instance would."""

    @attrs.define(eq=False)
    class Holder:
        password: str

        @hookimpl
        def on_chunc(self): ...

        @hookimpl
        def on_chunk(self, chunc): ...

    config = {**using(), "middleware": [{"use": "holder", "password": "hunter2-hunter2"}]}

    assert "hunter2" not in "".join(faulty(config, holder=Holder))


def test_what_is_optional_may_be_unknown() -> None:
    """A plugin may implement a hook of a later jackfield, marked so; it is not called by this one."""

    @attrs.define(eq=False)
    class Modern:
        @hookimpl(optionalhook=True)
        def on_tool_call(self, tool): ...

        @hookimpl
        def on_chunk(self): ...

    (layer,) = built(using("modern"), modern=Modern).layers[:1]

    assert list(layer.hooks) == ["on_chunk"]


def test_no_property_runs_while_hooks_are_searched() -> None:
    """It may be dear, or raise; and a hook may well be a class method or static."""

    @attrs.define(eq=False, slots=False)
    class Lazy:
        @property
        def dear(self):
            raise AssertionError("ran")

        @hookimpl
        @classmethod
        def close(cls):
            return "closed"

        @staticmethod
        @hookimpl
        def on_chunk(call):
            return call

    (layer,) = built(using("lazy"), lazy=Lazy).chunk

    assert layer.hooks["close"]() == "closed"
    assert layer.hooks["on_chunk"](1, 2) == 2


def test_a_layer_of_one_backend_cannot_stand_around_all() -> None:
    """A credential would be sent to every backend."""

    @attrs.define(eq=False)
    class Token:
        backend_only: ClassVar[bool] = True

        @hookimpl
        def wrap_http(self, http_request): ...

    assert faulty(using("token"), token=Token) == [
        "middleware[0].use: token belongs to one backend (list it in [[backends.NAME.middleware]])"
    ]
    assert len(built(using(backend=("token",)), token=Token).routes["b"].http) == 1


def test_an_origin_that_cannot_be_told_is_a_fault_of_the_backend() -> None:
    """Credentials are bound to it; what a plugin raises there does not pass through."""

    @attrs.define(eq=False)
    class Elsewhere(Echo):
        @property
        def origin(self):
            raise ConfigError("expected a URL") if self.prefix else KeyError("x")

    backends = {"a": {"provider": "x", "prefix": "p"}, "b": {"provider": "x"}}

    assert faulty({"backends": backends}, x=Elsewhere) == [
        "backends.a.base_url: expected a URL",
        "backends.b.base_url: KeyError in the property origin",
    ]


# -- all faults at once ----------------------------------------------------------------------------------------------

FAULTY = """\
default_model = "nowhere/x"
colour = "blue"

[backends.good]
provider = "echo"
chunk_size = -1

[backends.bad]
provider = "ecco"
timeout = { conect = 3 }
[[backends.bad.middleware]]
use = "chunks"
limit = "3"

[[middleware]]
use = "chunks"
[[middleware]]
use = "chunk"
[[middleware]]
use = "chunks"
limits = 3
"""


def test_one_error_lists_every_fault_with_file_and_line(tmp_path: Path) -> None:
    """Those of the file's shape, of names, of settings and of plugins; the operator mends them in one go."""
    path = tmp_path / "jackfield.toml"
    path.write_text(FAULTY)

    texts = faulty(path, chunks=Chunks)

    head = f"{path}:"
    assert sorted(text.removeprefix(head) for text in texts) == sorted(
        [
            "1: default_model: expected backend/model with a configured backend, or an alias (known: bad/…, good/…)",
            "2: colour: unknown key (known: backends, default_model, gateway, middleware, models, profiles)",
            "6: backends.good.chunk_size: 'chunk_size' must be >= 0: -1",
            '9: backends.bad.provider: no provider is named \'ecco\' (did you mean "echo"?)',
            '10: backends.bad.timeout.conect: unknown key (did you mean "connect"?)',
            "13: backends.bad.middleware[0].limit: expected an integer, got string",
            '18: middleware[1].use: no middleware is named \'chunk\' (did you mean "chunks"?)',
            '21: middleware[2].limits: unknown setting (did you mean "limit"?)',
        ]
    )  # fmt: skip


# -- the plan --------------------------------------------------------------------------------------------------------


@attrs.define(eq=False)
class Chunks:
    limit: int = 0

    @hookimpl
    def on_chunk(self, chunk, call): ...


@attrs.define(eq=False)
class All:
    name: str = ""

    @hookimpl
    def wrap_chat_completion(self, request, call): ...

    @hookimpl
    def wrap_http(self, http_request, call): ...

    @hookimpl
    def on_chunk(self, chunk, call): ...

    @hookimpl
    def end_of_stream(self, call): ...

    @hookimpl
    def close(self): ...


def names(layers: Any) -> list[str]:
    return [layer.name for layer in layers]


def test_the_order_of_the_file_is_the_order_of_the_onion() -> None:
    """First is outermost; the host's layers stand around the backend's; chunks pass from the inside out."""
    plan = built(using("all", "chunks", "all", backend=("all", "chunks")), all=All, chunks=Chunks)
    route = plan.routes["b"]

    assert names(plan.chat) == ["all#0", "all#2"]
    assert names(plan.chunk) == ["all#2", "chunks#1", "all#0"]
    assert names(route.chat) == ["all#3"]
    assert names(route.http) == ["all#0", "all#2", "all#3"]
    assert names(route.chunk) == ["chunks#4", "all#3", "all#2", "chunks#1", "all#0"]
    assert route.provider.name == "echo"
    assert route.backend.name == "b"
    assert route.backend.origin is None


def test_a_plugin_used_twice_is_two_instances() -> None:
    """Each entry has its own settings and its own name."""
    config = {**using(), "middleware": [{"use": "all", "name": "a"}, {"use": "all", "name": "b"}]}

    first, second = built(config, all=All).chat

    assert (first.name, second.name) == ("all#0", "all#1")
    assert (first.plugin.name, second.plugin.name) == ("a", "b")  # type: ignore[attr-defined]  # of the test's class


def test_one_instance_of_a_host_layer_serves_all_backends() -> None:
    """A budget or a breaker must see every call; each layer is closed once."""
    config = {
        "backends": {name: {"provider": "echo", "middleware": [{"use": "all"}]} for name in "ab"},
        "middleware": [{"use": "all"}],
    }

    plan = built(config, all=All)
    a, b = plan.routes["a"], plan.routes["b"]

    assert a.http[0] is b.http[0] is plan.chat[0]
    assert a.http[1] is not b.http[1]
    assert a.provider.plugin is not b.provider.plugin
    assert len({id(layer.plugin) for layer in plan.layers}) == len(plan.layers) == 5


def test_hooks_are_called_with_what_they_declare() -> None:
    """Any subset of the arguments, in any order."""

    @attrs.define(eq=False)
    class Odd:
        @hookimpl
        def wrap_chat_completion(self, call, request):
            return ("chat", call, request)

        @hookimpl
        def wrap_http(self, call):
            return ("http", call)

        @hookimpl
        def on_chunk(self, chunk, call):
            return ("chunk", chunk, call)

        @hookimpl
        def end_of_stream(self):
            return ("end",)

    hooks = built(using("odd"), odd=Odd).chat[0].hooks

    assert hooks["wrap_chat_completion"]("R", "C") == ("chat", "C", "R")
    assert hooks["wrap_http"]("H", "C") == ("http", "C")
    assert hooks["on_chunk"]("K", "C") == ("chunk", "K", "C")
    assert hooks["end_of_stream"]("C") == ("end",)


def test_every_hook_of_the_contract_is_found() -> None:
    """A class that implements all of a middleware's hooks has them all in its layer."""
    (layer,) = built(using("all"), all=All).chat

    assert layer.hooks.keys() == {name for name in vars(MiddlewareSpec) if not name.startswith("_")} | {"close"}


def test_names_of_models_lead_to_a_backend_and_its_own_name() -> None:
    """Aliases, defaults, slashes; a name that leads nowhere is an error of the call, before anything is sent."""
    config = {
        "default_model": "fast",
        "models": {"fast": "b/one"},
        "backends": {"b": {"provider": "echo"}, "c": {"provider": "echo"}},
    }
    plan = built(config)

    assert [(route.backend.name, model) for route, model in map(plan.route, ["", "fast", "c/x/y", "fast"])] == [
        ("b", "one"),
        ("b", "one"),
        ("c", "x/y"),
        ("b", "one"),
    ]
    with pytest.raises(NotFoundError, match="no backend and no alias is meant by 'slow'") as caught:
        plan.route("slow")
    assert (caught.value.stage, caught.value.code) == ("not_sent", "model_not_found")


def test_model_names_beyond_the_memory_are_resolved_all_the_same() -> None:
    """A host that makes names up gets its answers, and the table does not grow without end."""
    plan = built(using())
    made_up = [f"b/model-{number}" for number in range(MAX_NAMES + 5)]

    found = [plan.route(name)[1] for name in made_up]

    assert found == [name.removeprefix("b/") for name in made_up]
