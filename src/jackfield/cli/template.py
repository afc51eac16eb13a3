"""Template: the text of a first configuration, with everything that is installed explained in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

import attrs

from jackfield.catalogue import Catalogue
from jackfield.cli.output import harmless
from jackfield.cli.toml import key_text, value_text
from jackfield.config.schema import DIRECTIVE
from jackfield.config.settings import Timeouts, Transport
from jackfield.config.shape import table_of
from jackfield.docstring import summary

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


def template(tree: Tree, found: Catalogue, notes: Sequence[str] = ()) -> str:
    """TOML text of a configuration with remarks: what it names, and what else is installed as parts that are off.

    Args:
        tree: what it names; see ``starter``.
        found: what is installed.
        notes: what the reader is to know of this file, a line or more each.
    """
    first = next(iter(tree["backends"]), "NAME")
    keyed = _keyed(tree, found)
    providers, middleware = _off(tree, found)
    head = [DIRECTIVE, *(f"# {line}".rstrip() for line in HEAD.splitlines())]
    for note in (
        *_first_of_all((*providers.items(), *middleware.items()), keyed, on=keyed in tree["backends"]),
        *notes,
    ):
        head += ["#", *_remark(note)]
    parts = [head, list(_names(tree, first))]
    for name, table in tree["backends"].items():
        parts.append(list(_backend(name, table, found.providers[table["provider"]])))
        parts += [list(_layer((name,), layer, found)) for layer in table.get("middleware", ())]
    parts += [list(_layer((), layer, found)) for layer in tree.get("middleware", ())]
    off = [
        *(_backend(name, {"provider": name}, cls) for name, cls in providers.items()),
        *(
            _layer((keyed,) if getattr(cls, "backend_only", False) else (), {"use": name}, found)
            for name, cls in middleware.items()
        ),
    ]
    parts += [[f"#{line}" for line in lines] for lines in off]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _keyed(tree: Tree, found: Catalogue) -> str:
    """The backend that parts with a credential are shown for: one that asks a service, or could be put on."""
    named = {name: table["provider"] for name, table in tree["backends"].items()}
    others = {name: name for name in ("openai", *found.providers) if name in found.providers}
    asking = (name for name, use in {**others, **named}.items() if hasattr(found.providers[use], "origin"))
    return min(asking, key=lambda name: name not in named, default="NAME")


def _off(tree: Tree, found: Catalogue) -> tuple[dict[str, type], dict[str, type]]:
    """The providers and the middleware that are installed and that it does not name."""
    tables = (tree, *tree["backends"].values())
    used = {layer["use"] for table in tables for layer in table.get("middleware", ())}
    asked = {table["provider"] for table in tree["backends"].values()}
    providers = {name: cls for name, cls in found.providers.items() if name not in asked}
    return providers, {name: cls for name, cls in found.middleware.items() if name not in used}


def _first_of_all(off: Sequence[tuple[str, type]], keyed: str, *, on: bool) -> Iterator[str]:
    """What is to be done before the parts that are off can be put on.

    Args:
        off: the parts.
        keyed: the backend that those are shown for which belong to one.
        on: it is there already.
    """
    needs = [(name, table_of(cls)["required"]) for name, cls in off]
    needy = [f"{name} ({', '.join(keys)})" for name, keys in needs if keys]
    if needy:
        yield f"Of these parts some need values of yours in the place of the examples: {', '.join(needy)}."
    bound = [name for name, cls in off if getattr(cls, "backend_only", False)]
    if bound and not on:
        yield f"{', '.join(bound)}: put on a backend too, and write its name for {keyed} if it is another one."


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
        yield from _remark(_in_toml(setting.get("description", "")))
        if name in table:
            yield f"{key_text(name)} = {value_text(table[name])}"
        elif name in shape["required"]:
            yield f"{key_text(name)} = {value_text(_example(setting))}"
        elif "default" in setting:
            yield f"#{key_text(name)} = {value_text(setting['default'])}"
        else:
            yield from _open(name, setting)


def _in_toml(text: str) -> str:
    """The help of a setting; what a docstring says of None, TOML says by leaving the setting out."""
    return text.replace("; None takes", "; without it:").replace("None takes", "Without it:")


def _open(name: str, setting: Mapping[str, Any]) -> Iterator[str]:
    """A setting without a value of its own accord. Many choices stand above it, on lines that can be read."""
    line = f"# {key_text(name)} = ({_kind(setting)})"
    if len(line) <= WIDTH:
        yield line
        return
    yield from _remark(f"one of {', '.join(map(value_text, setting['enum']))}")
    yield f"# {key_text(name)} = (one of them)"


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
