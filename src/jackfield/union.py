"""One of several types: told apart by the JSON type of the value, objects by their tag."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, Union, get_args, get_origin

import attrs

from jackfield.annotation import evaluate
from jackfield.mismatch import MismatchError, in_fields
from jackfield.models.base import UNSET, UnsetType, WireValue

Hook: TypeAlias = Callable[[Any, Any], Any]
"""A cattrs hook; the second argument, the type, is ignored by all of ours."""
UNIONS = (Union, types.UnionType)
_SCALARS: Mapping[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (float, int),
    bool: (bool,),
    None: (type(None),),
    type(None): (type(None),),
    UnsetType: (UnsetType,),
}
"""For each scalar type the classes whose values are taken as they are."""
_EXACT: Sequence[tuple[type, Callable[[Any], Any]]] = ((str, str.__str__), (int, int), (float, float))
"""Values of subclasses (enumerations, numpy's numbers) are taken too, as what they are."""
_SCALAR_NAMES = {"str": str, "int": int, "float": float, "bool": bool, "None": None, "UnsetType": UnsetType}


class OneOf:
    """Takes a value of one of several types, told apart by their JSON types, and objects by their tag.

    Args:
        arms: types, or the source text of types; what is not a scalar is looked at when a value first needs it.
        module: in which to evaluate source text.
        hook: finds the hook of another type.
    """

    def __init__(self, arms: Sequence[Any], module: str, hook: Callable[[Any], Hook]) -> None:
        self._module, self._hook = module, hook
        self._plain: set[type] = set()
        self._object: Hook | None = None
        self._array: Hook | None = None
        self._pending = tuple(arm for arm in arms if not self._add_scalar(arm))

    def structure(self, value: Any, _: Any = None) -> Any:
        """The value, if one of the types takes it."""
        kind = value.__class__
        if kind in self._plain:
            return value
        if self._pending:
            self._resolve()
            return self.structure(value)
        if self._object is not None and (kind is dict or isinstance(value, (WireValue, Mapping))):
            return self._object(value, None)
        if self._array is not None and isinstance(value, (list, tuple)):
            return self._array(value, None)
        for exact, convert in _EXACT:
            if exact in self._plain and isinstance(value, exact) and kind is not bool:
                return convert(value)
        raise MismatchError(self._expected(), value)

    def _add_scalar(self, arm: Any) -> bool:
        arm = _SCALAR_NAMES.get(arm, arm) if isinstance(arm, str) else arm
        if arm not in _SCALARS:
            return False
        self._plain.update(_SCALARS[arm])
        return True

    def _resolve(self) -> None:
        classes = []
        for kind in _members(evaluate(arm, self._module) for arm in self._pending):
            origin = get_origin(kind) or kind
            if origin in (tuple, list, Sequence):
                self._array = self._hook(kind)
            elif origin in (Mapping, dict):
                self._object = self._hook(kind)
            elif not self._add_scalar(kind):
                classes.append(kind)
        if classes:
            self._object = self._hook(classes[0]) if len(classes) == 1 else _tagged(classes, self._hook)
        self._pending = ()

    def _expected(self) -> str:
        names = [kind.__name__ for kind in (str, bool, int, float) if kind in self._plain]
        if float in self._plain:
            names.remove("int")
        names += ["array"] * (self._array is not None) + ["object"] * (self._object is not None)
        names += ["null"] * (type(None) in self._plain)
        return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _tagged(classes: Sequence[type[WireValue]], hook: Callable[[Any], Hook]) -> Hook:
    """Takes an object for the class that its ``role`` or ``type`` names, or for the one that takes what is unknown.

    Some servers leave the type out; then the key that is named like the type tells it.
    """
    tag = "role" if "role" in classes[0].__wire_fields__ else "type"
    tags = {cls: attrs.fields_dict(cls)[tag].default for cls in classes}
    hooks = {name: hook(cls) for cls, name in tags.items()}
    unknown = hooks.pop(attrs.NOTHING)

    def structure(data: Any, _: Any) -> Any:
        if isinstance(data, WireValue):
            if tag in data.__wire_fields__:
                return data
            raise MismatchError(f"object with {tag}", data)
        name = data.get(tag)
        if name is None and tag == "type":
            name = next((key for key in hooks if key in data), None)
            data = {key: value for key, value in data.items() if key != tag or value is not None}
        if not isinstance(name, str):
            raise in_fields(classes[-1], {tag: MismatchError("str", data.get(tag, UNSET))})
        return hooks.get(name, unknown)(data, None)

    return structure


def _members(kinds: Iterable[Any]) -> Iterator[Any]:
    for kind in kinds:
        if get_origin(kind) in UNIONS:
            yield from _members(get_args(kind))
        else:
            yield kind
