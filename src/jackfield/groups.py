"""Groups: names of models that layers of the host replace by others, before a name leads to a backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from jackfield.config.place import Path
    from jackfield.plan import Layer


@attrs.frozen
class Group:
    """A name that a layer replaces.

    Attributes:
        name: as a host gives it.
        members: the names that it may become, in the order of the settings; never empty.
        path: keys in the layer's settings down to the first of them.
        layer: whose it is.
    """

    name: str
    members: tuple[str, ...]
    path: Path
    layer: Layer


def told(layer: Layer, attribute: str) -> Iterable[Any]:
    """What a plugin tells in an attribute that not every plugin has; nothing where it has none."""
    values: Iterable[Any] = getattr(layer.plugin, attribute, ())
    return values


def groups(layers: Iterable[Layer]) -> Iterator[Group]:
    """The groups of those layers that belong to the host, outermost layer first.

    What a group may become are those ``model_names`` of its layer that stand in the group: its name is the last key but
    one of their paths.
    """
    for layer in layers:
        names = [] if layer.backend else list(told(layer, "model_names"))
        for group in told(layer, "model_groups") if names else ():
            own = [(path, name) for path, name in names if path[-2:-1] == (group,)]
            if own:
                yield Group(group, tuple(name for _, name in own), own[0][0], layer)


def chosen(name: str, layers: Iterable[Layer]) -> Iterator[Group]:
    """The groups that a name passes through, where each gives the first of its members."""
    for group in groups(layers):
        if group.name == name:
            yield group
            name = group.members[0]


def becomes(name: str, layers: Iterable[Layer]) -> tuple[str, ...]:
    """All names that a name may become, itself where no layer replaces it."""
    names: tuple[str, ...] = (name,)
    for group in groups(layers):
        names = tuple(other for one in names for other in (group.members if one == group.name else (one,)))
    return tuple(dict.fromkeys(names))
