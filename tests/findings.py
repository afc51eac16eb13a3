"""Checkups of one backend, with plugins of their own; no row of them shows the key."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import attrs

from jackfield import Secret, hookimpl
from jackfield.checkup import Row, Scope, checkup
from jackfield.http import Origin
from jackfield.provider import HttpProvider
from jackfield.testing.leaks import leaks

KEY = "sk-canary-ch3ckup-0123456789"
MODELS = json.dumps(
    {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "o"}]}
).encode()
CHAT = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "Hi"}}],
    }
).encode()


@attrs.define(eq=False)
class Inside:
    """A provider inside this process, with secrets at every depth.

    Attributes:
        keys: any.
    """

    one: Secret | None = None
    keys: dict[str, Secret] = attrs.field(factory=dict)
    more: tuple[Secret, ...] = ()
    closed: ClassVar[int] = 0

    @hookimpl
    def create_chat_completion(self, request, call):
        raise RuntimeError(f"no {request.model}")
        yield  # makes it a generator

    @hookimpl
    def close(self):
        Inside.closed += 1
        raise RuntimeError("does not close")


@attrs.define(eq=False)
class Bare(HttpProvider):
    """A dialect without a list of models."""


@attrs.define(eq=False)
class NoList:
    """A provider of a service that has no hook for its models."""

    origin: ClassVar[Origin] = Origin("http", "127.0.0.1", 1)
    port: int

    def __attrs_post_init__(self) -> None:
        NoList.origin = Origin("http", "127.0.0.1", self.port)

    @hookimpl
    def create_chat_completion(self, request, call):
        yield from ()


@attrs.define(eq=False)
class Misspelt:
    @hookimpl
    def wrap_chat_completions(self, request, call):
        return (yield request)


@attrs.define(eq=False)
class Around:
    """A layer of the host that would answer in the place of every backend.

    Attributes:
        key: a secret.
    """

    key: Secret | None = None

    @hookimpl
    def wrap_http(self, http_request, call):
        raise RuntimeError("a layer of the host was asked")
        yield  # makes it a generator


@attrs.define(eq=False)
class Elsewhere:
    """A layer that asks other models.

    Attributes:
        models: their names.
        groups: names of models that may become one of several others.
    """

    models: tuple[str, ...] = ()
    groups: dict[str, tuple[str, ...]] = attrs.field(factory=dict)

    @property
    def model_names(self):
        yield from ((("models", index), name) for index, name in enumerate(self.models))
        for group, names in self.groups.items():
            yield from ((("groups", group, index), name) for index, name in enumerate(names))

    @property
    def model_groups(self):
        return self.groups.keys()

    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield request)


PLUGINS = {
    "elsewhere": Elsewhere,
    "inside": Inside,
    "bare": Bare,
    "nolist": NoList,
    "misspelt": Misspelt,
    "around": Around,
}


def found(config: Any, **scope: Any) -> list[Row]:
    """All rows, none of which shows the key, or a piece of it."""
    rows = list(checkup(config, plugins=PLUGINS, scope=Scope(**{"timeout": 20.0, **scope})))
    assert leaks(repr(rows), KEY) == []
    return rows


def of(rows: list[Row], about: str) -> dict[str, tuple[str, str]]:
    """Status and detail by what was looked at."""
    return {row.what: (row.status, row.detail) for row in rows if row.about == about}


def statuses(rows: list[Row], about: str = "b") -> dict[str, str]:
    """Status by what was looked at."""
    return {row.what: row.status for row in rows if row.about == about}


def remedy(rows: list[Row], what: str) -> str:
    """What to do about the one row."""
    (row,) = [row for row in rows if row.what == what and row.about == "b"]
    return row.remedy or ""


def config(url: str, *, key: str | None = "env:CANARY", **backend: Any) -> dict[str, Any]:
    """A configuration with one backend ``b``."""
    layers = [] if key is None else [{"use": "bearer", "token": key}]
    table = {"provider": "openai", "base_url": f"{url}/v1", "middleware": layers, **backend}
    return {"default_model": "b/m", "backends": {"b": table}}


def inside(**settings: Any) -> dict[str, Any]:
    """A backend in this process."""
    return {"backends": {"b": {"provider": "inside", **settings}}}
