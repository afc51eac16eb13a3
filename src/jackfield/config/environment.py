"""Single values from the environment: ``JACKFIELD__BACKENDS__OPENAI__BASE_URL=…``, and ``JACKFIELD_MODEL``.

Two underscores separate keys. A key is matched with those that are there, letters' case aside and with ``_`` for each
character that a variable's name cannot have; a key that is not there yet is made, in lower case. An entry of
``middleware`` is reached by its ``use``, or by its index, from 0. A table is merged with the one that is there.

``JACKFIELD_OUTERMOST`` puts middleware before all that is configured: an inline table, as
``{use = "record", file = "calls.yaml"}``, or an array of them.

A value is text, unless it is written as a TOML boolean, number, quoted string, array or inline table: ``5`` is a
number, ``"5"`` in double quotes is text. A variable that is empty counts as not set; ``""`` is the empty text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from jackfield.config.hints import did_you_mean, kind
from jackfield.config.merge import merge, plain
from jackfield.config.place import Origin, Path, Places
from jackfield.errors import Fault

PREFIX = "JACKFIELD__"
MODEL = "JACKFIELD_MODEL"
"""Sets ``default_model``, always as text; ``JACKFIELD__DEFAULT_MODEL`` is stronger."""
OUTERMOST = "JACKFIELD_OUTERMOST"
"""Puts middleware before all other middleware of the host; what else is laid over it finds the places that it had."""
TOP = ("default_model", "models", "backends", "middleware")
LONGEST_INDEX = 10
"""Digits; Python refuses to read very many."""
_SCALAR = re.compile(r"true|false|[+-]?[0-9][0-9A-Fa-f_xo.eE+-]*")


class _UnreachableError(Exception):
    """The variable's name leads nowhere; the arguments are those of a fault."""

    def __init__(self, path: Path, expected: str, hint: str | None = None) -> None:
        super().__init__(expected)
        self.path, self.expected, self.hint = path, expected, hint


def overlay(
    tree: dict[str, Any], environ: Mapping[str, str], places: Places, sections: Collection[str] = ()
) -> list[Fault]:
    """Lay the variables of the environment on ``tree``, in place, and say what each value's place is now.

    Args:
        tree: changed; it must be plain (see ``merge.plain``).
        environ: the environment.
        places: changed too: the variable's name stands for the file.
        sections: names of tables that are other programs', which are reached, too.

    Returns:
        a fault for each variable whose name leads nowhere.
    """
    if environ.get(MODEL):
        tree["default_model"] = environ[MODEL]
        places.put(("default_model",), Origin(MODEL, None, ("default_model",)))
    faults = []
    names = [name for name, value in environ.items() if value and name.startswith(PREFIX)]
    for name in sorted(names, key=lambda name: (name.count("__"), name)):  # a whole table before what is in it
        try:
            _set(tree, name, value_of(environ[name]), places, (*TOP, *sections))
        except _UnreachableError as error:
            place = Places(name).place(error.path)
            faults.append(place.fault((), error.expected, error.hint))
    if environ.get(OUTERMOST):
        put_before(tree, value_of(environ[OUTERMOST]), places, OUTERMOST)
    return faults


def put_before(tree: dict[str, Any], value: Any, places: Places, source: str) -> None:
    """Put one middleware or several before those of the host; what they are is checked with all others.

    Args:
        tree: changed.
        value: a table, or several.
        places: changed too.
        source: who puts them there: it stands for the file.
    """
    layers = value if isinstance(value, list) else [value]
    known = tree.get("middleware", [])
    if not isinstance(known, list | tuple):  # a fault by itself
        return
    for index in reversed(range(len(known))):
        places.move(("middleware", index), ("middleware", index + len(layers)))
    for index in range(len(layers)):
        places.put(("middleware", index), Origin(source, None, ("middleware", index)))
    tree["middleware"] = [*map(plain, layers), *known]


def value_of(text: str) -> Any:
    """What the text of a variable means: see the module's own text."""
    if not (_SCALAR.fullmatch(text.strip()) or text.lstrip().startswith(('"', "'", "[", "{"))):
        return text
    import tomllib

    try:
        parsed = tomllib.loads(f"value = {text.strip()}")
    except (ValueError, RecursionError):
        return text
    value = parsed.pop("value")
    # More keys come from further lines, dates from what looks like a number: both are ordinary text.
    return text if parsed or not isinstance(value, bool | int | float | str | list | dict) else value


def _set(tree: dict[str, Any], name: str, value: Any, places: Places, top: Collection[str]) -> None:
    segments = name.removeprefix(PREFIX).split("__")
    if not all(segments):
        raise _UnreachableError((), "expected names of keys, two underscores between them")
    node: Any = tree
    path: Path = ()
    for segment in segments[:-1]:
        path = (*path, _key(node, segment, path, top))
        if isinstance(node, dict) and path[-1] not in node:
            node[path[-1]] = [] if _is_middleware(path) else {}
            places.put(path, Origin(name, None, path))
        node = node[path[-1]]
    key = _key(node, segments[-1], path, top)
    for replaced in _put(node, key, value):
        where = (*path, *replaced)
        places.put(where, Origin(name, None, where))


def _put(node: Any, key: str | int, value: Any) -> list[Path]:
    """Set one value in a table or a list of tables; the paths in ``node`` of what was replaced."""
    old = node[key] if isinstance(key, int) else node.get(key)
    if isinstance(value, dict) and isinstance(old, dict):
        return [(key, *path) for path in merge(old, value)]
    node[key] = plain(value)
    return [(key,)]


def _is_middleware(path: Path) -> bool:
    return path == ("middleware",) or (len(path) == 3 and path[0] == "backends" and path[2] == "middleware")


def _key(node: Any, segment: str, path: Path, top: Collection[str]) -> str | int:
    """The key in ``node``, which is at ``path``, that a part of a variable's name means."""
    if isinstance(node, list) and _is_middleware(path):
        return _entry(node, segment, path)
    if not isinstance(node, dict):
        raise _UnreachableError(path, f"expected a table to put {segment.lower()} in, got {kind(node)}")
    known = node if path else top
    found = [key for key in known if _same(key, segment)]
    if len(found) > 1:
        raise _UnreachableError(path, f"more than one key is meant: {', '.join(sorted(found))}")
    if not found and not path:
        hint = did_you_mean(segment.lower(), top)
        raise _UnreachableError((segment.lower(),), "nothing of that name can be set by the environment", hint)
    return found[0] if found else segment.lower()


def _entry(layers: list[Any], segment: str, path: Path) -> int:
    """The index of a middleware, by its ``use`` or its own number."""
    uses = [str(layer.get("use", "")) if isinstance(layer, dict) else "" for layer in layers]
    found = [index for index, use in enumerate(uses) if _same(use, segment)]
    if not found and segment.isdecimal() and len(segment) < LONGEST_INDEX and int(segment) < len(layers):
        found = [int(segment)]
    if len(found) > 1:
        raise _UnreachableError(path, "more than one middleware is meant", f"give its index, one of {found}")
    if not found:
        hint = did_you_mean(segment.lower(), filter(None, uses))
        raise _UnreachableError((*path, segment.lower()), "no middleware of that name is configured", hint)
    return found[0]


def _same(key: object, segment: str) -> bool:
    return isinstance(key, str) and re.sub(r"[^0-9a-z]", "_", key.lower()) == re.sub(r"[^0-9a-z]", "_", segment.lower())
