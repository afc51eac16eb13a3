"""What all wire values share: immutability, unknown fields kept, equality by content, a repr of what is set.

The classes have no slots. msgspec decodes a chunk straight into them, and for every field that an event leaves out it
first asks the object whether it has one: an empty slot answers with an exception, which made a chunk of 25 fields cost
more than twice as much. A default that stands on the class answers at once, and then nothing needs to be set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import attrs
from msgspec import UNSET, UnsetType

__all__ = [
    "EMPTY",
    "UNSET",
    "Array",
    "Extra",
    "ExtraSource",
    "UnsetType",
    "WireValue",
    "always_written",
    "replaced",
    "source_of",
    "unread_extra",
    "wire",
]

C = TypeVar("C", bound=type)

if TYPE_CHECKING:
    from collections.abc import Sequence as Array

    from attrs import frozen as wire  # under its own name checkers know what it makes
else:

    class Array:
        """A JSON array: any sequence where a value is made, a tuple in the value."""

        def __class_getitem__(cls, item: Any) -> Any:
            return tuple[item, ...]

    def wire(*, kw_only: bool) -> Callable[[C], C]:
        """Make an attrs class of a wire value: frozen, keyword-only; equality and repr come from ``WireValue``.

        Args:
            kw_only: always true; written out because type checkers read it.
        """

        def make(cls: C) -> C:
            made = attrs.frozen(
                kw_only=kw_only, eq=False, repr=False, slots=False, field_transformer=_arrays_to_tuples
            )(cls)
            fields = attrs.fields(made)
            made.__wire_fields__ = tuple(field.name for field in fields if not field.name.startswith("_"))
            for field in fields:
                if field.default is not attrs.NOTHING and not isinstance(field.default, attrs.Factory):
                    setattr(made, field.name, field.default)
            return made

        return make


def _arrays_to_tuples(_: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    return [
        field.evolve(converter=_tuple) if field.converter is None and "Array[" in str(field.type) else field
        for field in fields
    ]


def _tuple(value: Any) -> Any:
    return tuple(value) if value.__class__ is list else value


ALWAYS = "always written"


def always_written() -> Any:
    """A field whose default is None and that is written even then: the schema requires it and lets it be null."""
    return attrs.field(default=None, metadata={ALWAYS: True})


class ExtraSource:
    """Where the unknown fields of a wire value are; they may be read when they are asked for."""

    __slots__ = ()

    def of(self, owner: type[WireValue]) -> Extra:
        """The unknown fields of a value of the class ``owner``."""
        # Each source has its own; no abstract class, for making values would pay for it.
        raise TypeError(f"{type(self).__name__} does not say where the unknown fields of {owner.__name__} are")

    def detached(self) -> ExtraSource:
        """The same for a changed copy of the value, which is no longer what came over the wire."""
        return self


class Extra(Mapping[str, Any], ExtraSource):
    """The unknown fields of one wire value: an immutable mapping."""

    __slots__ = ("_data",)

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = dict(data)

    def __getitem__(self, key: str) -> Any:
        return self._data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return repr(self._data)

    def of(self, owner: type[WireValue]) -> Extra:  # noqa: ARG002 - whatever the class
        """These; they are one value's own."""
        return self


EMPTY = Extra({})


def _kept(extra: Mapping[str, Any] | ExtraSource | bytes) -> ExtraSource:
    if isinstance(extra, bytes):
        return _event(extra).detached()
    if isinstance(extra, ExtraSource):
        return extra.detached()
    return Extra(extra) if extra else EMPTY


@wire(kw_only=True)
class WireValue:
    """Base of everything that goes over the wire: an immutable value that keeps the fields it does not know.

    Two values are equal if they are of one class and have equal fields and equal ``extra``. ``attrs.evolve`` makes a
    changed copy. Plain JSON inside a value (a tool's schema, metadata) is not copied: do not change it afterwards.

    Attributes:
        extra: fields that came over the wire, or were given, and that the class has no attribute for.
    """

    __wire_fields__: ClassVar[tuple[str, ...]] = ()
    _extra: ExtraSource = attrs.field(default=EMPTY, converter=_kept)

    @property
    def extra(self) -> Mapping[str, Any]:
        """The unknown fields, by name; immutable."""
        return source_of(self).of(type(self))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if other.__class__ is not self.__class__:
            return NotImplemented
        assert isinstance(other, WireValue)  # noqa: S101 - for the type checker
        return all(getattr(self, name) == getattr(other, name) for name in self.__wire_fields__) and (
            self._extra is other._extra or self.extra == other.extra
        )

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # equal by content, which may hold mutable JSON

    def __repr__(self) -> str:
        defaults = {field.name: field.default for field in attrs.fields(type(self))}
        shown = [
            f"{name}={value!r}"
            for name in self.__wire_fields__
            if (value := getattr(self, name)) is not UNSET and not _same(value, defaults[name])
        ]
        if self.extra:
            shown.append(f"extra={self.extra!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def __getstate__(self) -> dict[str, Any]:
        """The fields and what is in ``extra``; not the event's bytes, nor the call."""
        return {name: getattr(self, name) for name in self.__wire_fields__} | {"_extra": self.extra}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _same(value: Any, default: Any) -> bool:
    """Whether a field has its default; 0 and False are different values."""
    return value is default or (value.__class__ is default.__class__ and bool(value == default))


unread_extra: Callable[[WireValue], ExtraSource | bytes] = attrgetter("_extra")
"""What ``extra`` is read from, without reading it: a source, or the bytes of the event."""


def source_of(value: WireValue) -> ExtraSource:
    """The source of a value's unknown fields."""
    unread = unread_extra(value)
    return _event(unread) if isinstance(unread, bytes) else unread


W = TypeVar("W", bound="WireValue")


def replaced(value: W, name: str, item: Any) -> W:
    """What ``attrs.evolve`` makes, at a tenth of its cost: for one field, and a value that is known to fit."""
    copy = object.__new__(type(value))
    copy.__dict__.update(value.__dict__)
    copy.__dict__[name] = item
    return copy


def _event(data: bytes) -> ExtraSource:
    from jackfield.event import EventExtra  # only a chunk that came over the wire has one

    return EventExtra(data)
