"""Refusal: what a class says of settings that it does not like, each at its setting, and without their texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import attrs

from jackfield.errors import ConfigError
from jackfield.redaction import MASK

if TYPE_CHECKING:
    from jackfield.config.place import Path

LONG = 8
"""Texts of so many characters are masked wherever a message repeats them, shorter ones only between quotes."""

_Fields: TypeAlias = "Mapping[str, attrs.Attribute[Any]]"


class Reason(NamedTuple):
    """One thing that is wrong: keys and indexes down to it, what was expected, and a guess at what was meant."""

    path: Path
    text: str
    hint: str | None = None


def refusals(
    cls: type, values: Mapping[str, Any], table: Mapping[str, Any], error: Exception | None = None
) -> list[Reason]:
    """All that a class has against settings: what stopped it, and what its other validators say.

    Each validator is asked by itself, for an instance that was never built. What it says counts where it is a
    ``ValueError``, a ``TypeError`` or a ``ConfigError`` and names a setting: it may only have missed what is wrong too.

    Args:
        cls: an attrs class whose types are resolved.
        values: its settings that have the right types.
        table: what was written, for it must not be repeated.
        error: what stopped it, where that was tried.
    """
    fields = {str(field.alias): field for field in attrs.fields(cls) if field.init}
    first = [] if error is None else _reasons(error, fields, table)
    known = {reason.text for reason in first}
    others = [
        reason
        for objection in _objections(cls, fields, values)
        for reason in _reasons(objection, fields, table)
        if reason.path and reason.text not in known
    ]
    return first + others


def _objections(
    cls: type, fields: Mapping[str, attrs.Attribute[Any]], values: Mapping[str, Any]
) -> Iterator[Exception]:
    try:
        unbuilt: Any = object.__new__(cls)
    except TypeError:  # it is made of C, as an exception is
        return
    for name, field in fields.items():
        plain = field.converter is None and not isinstance(field.default, attrs.Factory)  # type: ignore[arg-type]  # attrs' stub has it as a function
        if name in values and plain:
            object.__setattr__(unbuilt, field.name, values[name])
        elif name not in values and plain:
            object.__setattr__(unbuilt, field.name, field.default)
    for name, field in fields.items():
        if name in values and field.validator is not None and field.converter is None:
            try:
                field.validator(unbuilt, field, values[name])
            except (ValueError, TypeError, ConfigError) as error:
                yield error
            except Exception:  # noqa: BLE001, S112 - a validator may raise anything where it is asked out of turn
                continue


def _reasons(error: Exception, fields: _Fields, table: Mapping[str, Any]) -> list[Reason]:
    if isinstance(error, ConfigError):
        return [Reason((), _masked(str(fault), table)) for fault in error.faults]
    return [_reason(error, fields, table)]


def _reason(error: Exception, fields: _Fields, table: Mapping[str, Any]) -> Reason:
    """What a validator said, at the setting that it is about."""
    first, *others = error.args or ("",)
    text = first if isinstance(first, str) else str(error)  # attrs' own validators give more than a text
    named = [str(other.alias) for other in others if isinstance(other, attrs.Attribute)]
    named += [name for name in fields if text.startswith((f"{name}:", f"'{name}'", f"Length of '{name}'"))]
    if not isinstance(error, ValueError | TypeError):
        text = f"{type(error).__name__}: {text}"
    for name in named[:1]:
        return Reason((name,), _masked(text.removeprefix(f"{name}: "), table))
    return Reason((), _masked(text, table))


def _masked(text: str, settings: Any) -> str:
    """The text without the texts that stand in the settings."""
    for value in sorted(texts(settings), key=len, reverse=True):
        text = text.replace(repr(value), MASK)
        if len(value) >= LONG:
            text = text.replace(value, MASK)
    return text


def texts(value: Any) -> Iterator[str]:
    """The texts in settings, however deep; keys are none of them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)
