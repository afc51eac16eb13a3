"""From a plugin's TOML table to an instance of its attrs class: strict, and with every fault at its place.

cattrs dispatches on types; what it would let pass (1.9 as an integer, a string as an array, ``None`` as text) is
replaced here. No message repeats a text that stands in the settings: it may be a key.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from itertools import count, repeat
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import attrs
from cattrs import BaseConverter

from jackfield.config.hints import closest, did_you_mean, kind
from jackfield.refusal import Reason, refusals
from jackfield.secret import EXPECTED, Secret

if TYPE_CHECKING:
    from jackfield.config.place import Place
    from jackfield.errors import Fault

SCALARS = (bool, int, float, str)
ARRAYS: dict[Any, Callable[[Iterable[Any]], Any]] = {
    list: list,
    tuple: tuple,
    Sequence: tuple,
    set: set,
    frozenset: frozenset,
    AbstractSet: frozenset,
}
TABLES = (dict, Mapping, MutableMapping)


class Unfit(Exception):  # noqa: N818 - reads as what it says; it never leaves this module
    """A value is not what a setting takes.

    Attributes:
        reasons: everything wrong in it.
        expected: what it should have been, where it is of another type altogether; else None.
    """

    def __init__(self, reasons: list[Reason], expected: str | None = None) -> None:
        super().__init__(reasons)
        self.reasons, self.expected = reasons, expected


def construct(cls: type, settings: Mapping[str, Any], place: Place) -> tuple[Any, list[Fault]]:
    """The plugin with these settings, or None, and what is wrong with them.

    A value that already is of the setting's type is taken as it is, so that a program may give a ``Secret`` or an
    object of its own in a mapping. Attributes that begin with ``_`` or have ``init=False`` are no settings.

    Args:
        cls: an attrs class.
        settings: by the names of its attributes; unknown ones are faults.
        place: where they were written.
    """
    try:
        return _build(settings, cls), []
    except Unfit as unfit:
        return None, [place.fault(reason.path, reason.text, reason.hint) for reason in unfit.reasons]


# -- attrs classes ---------------------------------------------------------------------------------------------------


def _build(table: Any, cls: type) -> Any:
    """An attrs class of a table."""
    if not isinstance(table, Mapping):
        raise _mismatch("a table", table)
    fields = settings_of(cls)
    reasons = [
        Reason((name,), "unknown setting", did_you_mean(str(name), fields)) for name in table if name not in fields
    ]
    reasons += [
        Reason((), f"setting {name!r} is missing")
        for name, field in fields.items()
        if field.default is attrs.NOTHING and name not in table
    ]
    values, wrong = _each((name, table[name], field.type) for name, field in fields.items() if name in table)
    if reasons or wrong:
        raise Unfit(reasons + wrong + refusals(cls, values, table))
    try:
        return cls(**values)
    except Exception as error:  # noqa: BLE001 - a plugin's validators may raise anything
        raise Unfit(refusals(cls, values, table, error)) from None


def settings_of(cls: type) -> dict[str, attrs.Attribute[Any]]:
    """The settings of an attrs class by name, their types resolved.

    Raises:
        Unfit: a type that it names is not there when it runs.
    """
    try:
        attrs.resolve_types(cls)
    except Exception as error:  # noqa: BLE001 - an annotation may be any expression
        text = f"a type that {cls.__name__} names is not there when it runs: {error}"
        raise Unfit([Reason((), text, "import it outside of TYPE_CHECKING")]) from None
    return {field.alias: field for field in attrs.fields(cls) if field.init and not field.name.startswith("_")}


# -- values ----------------------------------------------------------------------------------------------------------


def _fit(value: Any, wanted: Any) -> Any:
    """The value as the type that is wanted."""
    if wanted is Any or wanted is None:
        return value
    origin = get_origin(wanted) or wanted
    try:
        checked = origin in SCALARS or origin in ARRAYS or origin in TABLES
        if not checked and isinstance(origin, type) and isinstance(value, origin):
            return value
        if isinstance(origin, type) and issubclass(origin, Enum):  # cattrs takes one of texts for a text
            return _choice(value, {member.value: member for member in origin})
        return _converter.structure(value, wanted)
    except Unfit:
        raise
    except Exception:  # noqa: BLE001 - cattrs and foreign types raise what they like, and repeat the value
        raise _mismatch(getattr(origin, "__name__", str(origin)), value) from None


def _each(items: Iterable[tuple[Any, Any, Any]]) -> tuple[dict[Any, Any], list[Reason]]:
    """Values by key, and all that is wrong with them; of triples: key, value, type."""
    values, reasons = {}, []
    for key, value, wanted in items:
        try:
            values[key] = _fit(value, wanted)
        except Unfit as unfit:
            reasons += [reason._replace(path=(key, *reason.path)) for reason in unfit.reasons]
    return values, reasons


def _mismatch(expected: str, value: Any, got: str | None = None, hint: str | None = None) -> Unfit:
    return Unfit([Reason((), f"expected {expected}, got {got or kind(value)}", hint)], expected)


def _exact(accepted: type, expected: str) -> Callable[[Any, Any], Any]:
    def take(value: Any, _: Any) -> Any:
        if (type(value) is bool and accepted is not bool) or not isinstance(value, accepted):
            raise _mismatch(expected, value)
        return value

    return take


def _float(value: Any, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch("a number", value)
    if value != value:  # noqa: PLR0124 - NaN, which passes every comparison that a validator negates
        raise _mismatch("a number", value, "nan")
    return float(value)


def _secret(value: Any, _: Any) -> Secret:
    if not isinstance(value, str):
        raise _mismatch(EXPECTED, value)
    try:
        return Secret(value)
    except ValueError as error:
        raise Unfit([Reason((), str(error))], EXPECTED) from None


def _choice(value: Any, choices: Mapping[Any, Any]) -> Any:
    """What stands for a value among choices; ``True`` is not 1."""
    for choice, meant in choices.items():
        if type(choice) is type(value) and choice == value:
            return meant
    got = f"another {kind(value)}" if any(type(choice) is type(value) for choice in choices) else None
    near = closest(value, map(str, choices)) if isinstance(value, str) else None
    hint = None if near is None else f'did you mean "{near}"?'
    raise _mismatch(" or ".join(repr(choice) for choice in choices), value, got, hint)


def _literal(value: Any, wanted: Any) -> Any:
    return _choice(value, {choice: choice for choice in get_args(wanted)})


def _union(value: Any, wanted: Any) -> Any:
    arms = [arm for arm in get_args(wanted) if arm is not types.NoneType]
    if value is None and len(arms) < len(get_args(wanted)):
        return None
    if type(value) in arms:  # 1 is an int before it is a float
        return _fit(value, type(value))
    failures = []
    for arm in arms:
        try:
            return _fit(value, arm)
        except Unfit as unfit:
            failures.append(unfit)
    for failure in failures:
        if failure.expected is None:  # of the right type, but something in it is wrong: that tells more
            raise failure
    hint = next((reason.hint for failure in failures for reason in failure.reasons if reason.hint), None)
    raise _mismatch(" or ".join(dict.fromkeys(failure.expected or "" for failure in failures)), value, hint=hint)


def _array(value: Any, wanted: Any) -> Any:
    if not isinstance(value, list | tuple | AbstractSet):
        raise _mismatch("an array", value)
    origin, arguments = get_origin(wanted) or wanted, get_args(wanted)
    items: Iterable[Any] = repeat(arguments[0] if arguments else Any)
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        items = arguments
        if len(value) != len(arguments):
            raise _mismatch(f"an array of {len(arguments)}", value, f"one of {len(value)}")
    values, reasons = _each(zip(count(), value, items, strict=False))
    if reasons:
        raise Unfit(reasons)
    return ARRAYS[origin](values.values())


def _table(value: Any, wanted: Any) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise _mismatch("a table", value)
    key_type, item_type = get_args(wanted) or (Any, Any)
    _, reasons = _each((key, key, key_type) for key in value)
    values, wrong = _each((key, item, item_type) for key, item in value.items())
    if reasons or wrong:
        raise Unfit(reasons + wrong)
    return values


def _make_converter() -> BaseConverter:
    converter = BaseConverter()
    shapes: tuple[tuple[Callable[[Any], bool], Callable[[Any, Any], Any]], ...] = (
        (attrs.has, _build),
        (lambda wanted: get_origin(wanted) in {Union, types.UnionType}, _union),
        (lambda wanted: get_origin(wanted) is Literal, _literal),
        (lambda wanted: get_origin(wanted) is Annotated, lambda value, wanted: _fit(value, get_args(wanted)[0])),
        (lambda wanted: (get_origin(wanted) or wanted) in ARRAYS, _array),
        (lambda wanted: (get_origin(wanted) or wanted) in TABLES, _table),
    )
    for suits, hook in shapes:
        converter.register_structure_hook_func(suits, hook)
    converter.register_structure_hook(bool, _exact(bool, "true or false"))
    converter.register_structure_hook(int, _exact(int, "an integer"))
    converter.register_structure_hook(str, _exact(str, "a string"))
    converter.register_structure_hook(float, _float)
    converter.register_structure_hook(Secret, _secret)
    return converter


_converter = _make_converter()
