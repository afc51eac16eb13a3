"""Configuration: any file, profile and environment become settings and a list of faults, and nothing is raised."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import attrs

from fuzz.source import Source, tried
from jackfield.cli.toml import to_toml
from jackfield.config.default import builtin
from jackfield.config.load import Loaded, load
from jackfield.config.resolve import resolve
from jackfield.config.show import show
from jackfield.construct import construct
from jackfield.errors import ConfigError
from jackfield.secret import Secret

PIECES = (
    "\n", '[backends.openai]\nprovider = "openai"\n', '[backends.b]\nprovider = "echo"\n', '[[middleware]]\nuse = "retry"\n',
    '[[backends.openai.middleware]]\nuse = "bearer"\ntoken = "env:KEY"\n', "[models]\n", 'fast = "openai/gpt"\n',
    'slow = "fast"\n', 'fast = "slow"\n', 'default_model = "fast"\n', "[profiles.p]\n", "[profiles.p.backends.b]\ncount = 2\n",
    "timeout = 5\n", "timeout = { connect = 5, idle = inf }\n", "timeout = nan\n", 'transport = { proxy = "http://u:p@h" }\n',
    "[backends.openai.transport]\n", "max_line_bytes = 10\n", 'ca_file = "~/x.pem"\n', "count = 99999999999999999999\n",
    "[", "]", "{", "}", "=", '"', "'", '"""', "'''", ".", ",", "#", "\\", "a", "_", "-", "1", " ", "1979-05-27", "true", "inf",
    "é", "\r\n", "\0", "a.b = 1\n", '"a\\u0041".b = 2\n', "x = [1, {a = [2]}, 'b']\n", "ratio = 0.5\n", 'names = ["a", "b"]\n',
    "key = 'sk-fuzzcanary123'\n", "[backends.'a b']\nprovider = 'x'\n", "[backends.'a/b']\n", "x = " + "[" * 2000 + "\n",
    "n = " + "9" * 4400 + "\n", "n = 0x" + "F" * 4400 + "\n", "[profiles]\np = 1\n", "middleware = 1\n", '[[profiles.p.middleware]]\nuse = "logging"\n', "\ufeff",
)  # fmt: skip
PARTS = (
    "BACKENDS", "MIDDLEWARE", "MODELS", "DEFAULT_MODEL", "OPENAI", "B", "TIMEOUT", "CONNECT", "RETRY", "0", "1", "USE", "TOKEN",
    "FAST", "", "_", "a b", "PROFILES", "PROVIDER", "NEW", "²", "9" * 4400, "TRANSPORT", "A_B",
)  # fmt: skip
VALUES = (
    "5", "text", '"quoted"', "[1, 2]", "{ a = 1 }", '{ provider = "echo" }', "true", "1979-05-27", " ", "[" * 2000, "9" * 4400,
    "1\nx = 2", "{", "nan", "0x1F", "0x" + "F" * 4400, "''", "openai/x", '[{ use = "cache" }]', "\0", "1e400", " 5 ", '{ "é" = {} }',
)  # fmt: skip
VARIABLES = (
    "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "OPENAI_ORG_ID", "OPENAI_CUSTOM_HEADERS", "JACKFIELD_MODEL",
    "JACKFIELD_PROFILE",
)  # fmt: skip


@attrs.define(eq=False)
class Plugin:
    """A plugin with settings of most kinds."""

    token: Secret | None = None
    key: Secret | None = None
    count: int = 1
    ratio: float = 1.0
    names: list[str] = attrs.field(factory=list)
    table: Mapping[str, int | str] = attrs.field(factory=dict)
    x: tuple[int, ...] | bool = False
    kind: Literal["a", 1] = "a"


def check(data: bytes) -> None:
    """The first byte chooses where the configuration comes from and the second how much is in the environment."""
    source = Source(data)
    way, environ = source.byte(), variables(source)
    if way % 8 == 0:
        document, _ = tried((), builtin, environ, lambda _: way % 16 == 0)
        loaded, _ = tried((), load, document.data, environ=environ)
    elif way % 8 == 1:
        loaded, _ = tried((), load, written(source.rest()), environ=environ)
    else:
        text = "".join(source.pick(PIECES) for _ in range(60) if not source.ended)
        loaded, _ = tried((), load, written(text.encode()), environ=environ, profile="p" if way & 128 else None)
    sound(loaded, source)


def variables(source: Source) -> dict[str, str]:
    """An environment."""
    environ = {}
    for _ in range(source.byte() % 4):
        if source.byte() % 4 == 0:
            name = source.pick(VARIABLES)
        else:
            name = "__".join(["JACKFIELD", *(source.pick(PARTS) for _ in range(1 + source.count(4)))])
        environ[name] = source.word(VALUES, 30)
    return environ


@cache
def _file() -> str:
    return os.path.join(tempfile.mkdtemp(prefix="jackfield-fuzz-"), "jackfield.toml")


def written(content: bytes) -> str:
    """The path of a file with this content."""
    with open(_file(), "wb") as file:
        file.write(content)
    return _file()


def sound(loaded: Loaded, source: Source) -> None:
    """What is true of whatever was loaded."""
    for fault in loaded.faults:
        assert str(fault), "a fault says nothing"
        assert "fuzzcanary" not in fault.expected, "a fault repeats what may be a key"
    tried((), ConfigError, loaded.faults)
    settings = loaded.settings
    for name in (None, "fast", "openai/x", source.text(9), *settings.models):
        meant, _ = tried((ConfigError,), resolve, settings, name)
        assert meant is None or meant[0] in settings.backends, "a name leads to no backend"
    shown, _ = tried((), show, settings, lambda *_: dict.fromkeys(("token", "key", "names"), ()))
    text, _ = tried((), to_toml, shown)
    assert "fuzzcanary" not in text, "a key is shown"
    read, _ = tried((), tomllib.loads, text)
    assert alike(read, shown), "what is shown is no TOML of it"
    tried((), load, shown, environ={})
    for place in (*settings.backends.values(), *settings.middleware):
        plugin, faults = tried((), construct, Plugin, place.settings, place.place)[0]
        assert (plugin is None) == bool(faults), "a plugin is made or its faults are told"
        assert "fuzzcanary" not in f"{plugin!r} {faults}", "a key is told"


def alike(one: Any, other: Any) -> bool:
    """Whether two trees are equal, NaN being equal to itself and True another than 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
