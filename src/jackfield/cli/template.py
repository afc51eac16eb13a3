"""Template: the text of a first configuration, with everything that is installed explained in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

import attrs

from jackfield.catalogue import Catalogue
from jackfield.cli.output import harmless
from jackfield.cli.toml import key_text, value_text
from jackfield.config.default import builtin
from jackfield.config.schema import DIRECTIVE
from jackfield.config.settings import Timeouts, Transport
from jackfield.config.shape import table_of
from jackfield.docstring import summary
from jackfield.plugins import OWN

WIDTH = 110
HEAD = """\
Which backends answer, and what stands between them and the program. `jackfield config validate` checks this file.
Editors complete it once its schema lies beside it: jackfield config schema > jackfield.schema.json

#name = value     is a setting that is not written; the value is what holds without it.
# name = (kind)   is a setting without a value of its own accord; give it one.
A part in which every line begins with # is what is installed besides: take one # away from each of its lines.
"""
_KINDS = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "an array",
    "object": "a table",
}
_FIRST = {"string": "", "integer": 1, "number": 1.0, "boolean": False, "array": [], "object": {}}
Tree = Mapping[str, Any]


def starter(environ: Mapping[str, str], found: Catalogue) -> dict[str, Any]:
    """What a first configuration names: what the built-in default would, of what is installed and sound.

    Where that is no backend at all, it is ``openai``, whose key is then to be set, or else whichever provider needs no
    settings. Values of the environment that may be secret are not taken.

    Args:
        environ: the environment.
        found: what is installed.
    """
    wanted = {name: environ.get(name, "") for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL")}
    if not wanted["OPENAI_BASE_URL"].isprintable() or set("?@") & set(wanted["OPENAI_BASE_URL"]):
        del wanted["OPENAI_BASE_URL"]
    tree = _sound(builtin(wanted, {*found.providers, *found.middleware}.__contains__).data or {}, found)
    if not tree["backends"]:
        tree = _sound(builtin({"OPENAI_API_KEY": "set"}, {"retry"}.__contains__).data or {}, found)
    if not tree["backends"]:
        easy = [name for name, cls in found.providers.items() if not table_of(cls)["required"]]
        tree["backends"] = {name: {"provider": name} for name in easy[:1]}
    return tree


def lacking(environ: Mapping[str, str], found: Catalogue) -> list[str]:
    """The distributions that the environment's key is for, and that are not installed."""
    wanted = ("openai", "bearer") if environ.get("OPENAI_API_KEY") else ()
    return [OWN[name] for name in wanted if name not in {*found.providers, *found.middleware}]


def _sound(data: Tree, found: Catalogue) -> dict[str, Any]:
    """A tree without plugins that are not there, and without a default model that leads to one."""
    backends = {
        name: {
            **table,
            "middleware": [layer for layer in table.get("middleware", ()) if layer["use"] in found.middleware],
        }
        for name, table in data["backends"].items()
        if table["provider"] in found.providers
    }
    layers = [layer for layer in data.get("middleware", ()) if layer["use"] in found.middleware]
    tree = {"backends": backends, "middleware": layers}
    default = data.get("default_model", "")
    return {"default_model": default, **tree} if default.partition("/")[0] in backends else tree


def template(tree: Tree, found: Catalogue) -> str:
    """TOML text of a configuration with remarks: what it names, and what else is installed as parts that are off.

    Args:
        tree: what it names; see ``starter``.
        found: what is installed.
    """
    first = next(iter(tree["backends"]), "NAME")
    used = {layer["use"] for table in (tree, *tree["backends"].values()) for layer in table.get("middleware", ())}
    parts = [[DIRECTIVE, *(f"# {line}".rstrip() for line in HEAD.splitlines())], list(_names(tree, first))]
    for name, table in tree["backends"].items():
        parts.append(list(_backend(name, table, found.providers[table["provider"]])))
        parts += [list(_layer((name,), layer, found)) for layer in table.get("middleware", ())]
    parts += [list(_layer((), layer, found)) for layer in tree.get("middleware", ())]
    off = [
        *(_backend(name, {"provider": name}, cls) for name, cls in found.providers.items() if name not in _used(tree)),
        *(
            _layer((first,) if getattr(cls, "backend_only", False) else (), {"use": name}, found)
            for name, cls in found.middleware.items()
            if name not in used
        ),
    ]
    parts += [[f"#{line}" for line in lines] for lines in off]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _used(tree: Tree) -> set[str]:
    return {table["provider"] for table in tree["backends"].values()}


def _names(tree: Tree, backend: str) -> Iterator[str]:
    """The keys at the top, which stand before the first table."""
    example = value_text(f"{backend}/MODEL")
    yield from _remark("backend/model or an alias, for calls that name no model.")
    default = tree.get("default_model")
    yield f"# default_model = {example}" if default is None else f"default_model = {value_text(default)}"
    yield ""
    yield from _remark("Aliases, each to backend/model or to another alias.")
    yield "[models]"
    yield f"# fast = {example}"


def _backend(name: str, table: Tree, cls: type) -> Iterator[str]:
    yield from _remark(f"{table['provider']}: {summary(cls)}")
    yield f"[backends.{key_text(name)}]"
    yield from _settings("provider", table, cls)
    yield from _remark(
        "Seconds: for connecting, for the first byte of the answer, between two events, for the whole call."
    )
    yield f"#timeout = {value_text(attrs.asdict(Timeouts()))}"
    yield from _remark("How it is reached, and how much of its answers is taken; also proxy and ca_file.")
    caps = {key: value for key, value in attrs.asdict(Transport()).items() if value is not None}
    yield f"#transport = {value_text(caps)}"


def _layer(backend: Sequence[str], table: Tree, found: Catalogue) -> Iterator[str]:
    cls = found.middleware[table["use"]]
    yield from _remark(f"{table['use']}: {summary(cls)}")
    yield f"[[{''.join(f'backends.{key_text(name)}.' for name in backend)}middleware]]"
    yield from _settings("use", table, cls)


def _settings(key: str, table: Tree, cls: type) -> Iterator[str]:
    """All settings of a plugin, each with its help: those that are given or needed, and those that are not written."""
    shape = table_of(cls, without=(key, "timeout", "transport", "middleware") if key == "provider" else (key,))
    yield f"{key} = {value_text(table[key])}"
    for name, setting in shape["properties"].items():
        yield from _remark(setting.get("description", ""))
        if name in table:
            yield f"{key_text(name)} = {value_text(table[name])}"
        elif name in shape["required"]:
            yield f"{key_text(name)} = {value_text(_example(setting))}"
        elif "default" in setting:
            yield f"#{key_text(name)} = {value_text(setting['default'])}"
        else:
            yield f"# {key_text(name)} = ({_kind(setting)})"


def _example(setting: Mapping[str, Any]) -> Any:
    """A value of the right type, for one that only the reader knows."""
    if "pattern" in setting:
        return "env:NAME"
    return setting["enum"][0] if "enum" in setting else _FIRST.get(setting.get("type", "string"))


def _kind(setting: Mapping[str, Any]) -> str:
    if "enum" in setting:
        return " or ".join(map(value_text, setting["enum"]))
    return _KINDS.get(setting.get("type", ""), "a value")


def _remark(text: str) -> Iterator[str]:
    """A text from a docstring as remarks; control characters would end the file's being TOML."""
    yield from (f"# {line}" for line in wrap(harmless(text, one_line=True), WIDTH))
