"""From a plugin's TOML table to an instance of its attrs class: strict, and with every fault at its place."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import attrs
import cattrs

from jackfield.config.hints import did_you_mean, kind
from jackfield.errors import ConfigError
from jackfield.secret import EXPECTED, Secret

if TYPE_CHECKING:
    from jackfield.config.place import Place
    from jackfield.errors import Fault


class Unfit(ValueError):  # noqa: N818 - reads as what it says; it never leaves this module
    """A value is not what a setting takes."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(f"expected {expected}, got {kind(value)}")


def construct(cls: type, settings: Mapping[str, Any], place: Place) -> tuple[Any, list[Fault]]:
    """The plugin with these settings, or None, and what is wrong with them.

    A value that already is of the setting's type is taken as it is, so that a program may give a ``Secret`` or an
    object of its own in a mapping.

    Args:
        cls: an attrs class.
        settings: by the names of its attributes; unknown ones are faults.
        place: where they were written.
    """
    attrs.resolve_types(cls)
    fields = {field.alias: field for field in attrs.fields(cls) if field.init}
    faults = [
        place.fault(name, "unknown setting", did_you_mean(name, fields)) for name in settings if name not in fields
    ]
    faults += [
        place.fault("", f"setting {name!r} is missing")
        for name, field in fields.items()
        if field.default is attrs.NOTHING and name not in settings
    ]
    values: dict[str, Any] = {}
    for name, value in settings.items():
        if name in fields:
            try:
                values[name] = _converter.structure(value, fields[name].type or Any)
            except Exception as error:  # noqa: BLE001 - cattrs raises a type for each kind of value
                faults.append(place.fault(name, _words(error)))
    if faults:
        return None, faults
    try:
        return cls(**values), []
    except ConfigError as error:
        return None, [place.fault("", str(error))]
    except (ValueError, TypeError) as error:
        name = next((name for name in fields if str(error).startswith((f"{name}:", f"'{name}'"))), "")
        return None, [place.fault(name, str(error).removeprefix(f"{name}: "))]


def _words(error: BaseException) -> str:
    """The innermost reason that is ours; values are never shown."""
    while isinstance(error, cattrs.BaseValidationError):
        error = error.exceptions[0]
    if isinstance(error, cattrs.ForbiddenExtraKeysError):
        return f"unknown key {sorted(error.extra_fields)[0]!r}"
    if isinstance(error, KeyError):
        return f"key {error} is missing"
    return str(error) if isinstance(error, ValueError) else f"does not fit ({type(error).__name__})"


def _exact(*accepted: type, name: str) -> Any:
    def take(value: Any, _: Any) -> Any:
        if isinstance(value, accepted) and (bool in accepted or not isinstance(value, bool)):
            return value
        raise Unfit(name, value)

    return take


def _union(value: Any, wanted: Any) -> Any:
    arms = get_args(wanted)
    if value is None and type(None) in arms:
        return None
    failure: Exception = Unfit("another type", value)
    for arm in arms:
        if arm is not type(None):
            try:
                return _converter.structure(value, arm)
            except Exception as error:  # noqa: BLE001 - the last arm's reason is told
                failure = error
    raise failure


def _literal(value: Any, wanted: Any) -> Any:
    if value in get_args(wanted):
        return value
    choices = " or ".join(repr(choice) for choice in get_args(wanted))
    raise ValueError(f"expected {choices}")


def _secret(value: Any, _: Any) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise Unfit(EXPECTED, value)
    return Secret(value)


def _list(value: Any, wanted: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise Unfit("an array", value)
    (item, *_) = get_args(wanted) or (Any,)
    return get_origin(wanted)([_converter.structure(one, item) for one in value])


def _dict(value: Any, wanted: Any) -> Any:
    if not isinstance(value, Mapping):
        raise Unfit("a table", value)
    _, item = get_args(wanted) or (str, Any)
    return {_converter.structure(key, str): _converter.structure(one, item) for key, one in value.items()}


def _is_union(wanted: Any) -> bool:
    return get_origin(wanted) in {Union, types.UnionType}


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook(bool, _exact(bool, name="true or false"))
    converter.register_structure_hook(int, _exact(int, name="an integer"))
    converter.register_structure_hook(float, _exact(int, float, name="a number"))
    converter.register_structure_hook(str, _exact(str, name="a string"))
    converter.register_structure_hook(Secret, _secret)
    converter.register_structure_hook_func(_is_union, _union)
    converter.register_structure_hook_func(lambda wanted: get_origin(wanted) is Literal, _literal)
    converter.register_structure_hook_func(lambda wanted: get_origin(wanted) in {list, tuple}, _list)
    converter.register_structure_hook_func(
        lambda wanted: get_origin(wanted) in {dict, Mapping} or str(get_origin(wanted)).endswith("abc.Mapping'>"), _dict
    )
    return converter


_converter = _make_converter()
