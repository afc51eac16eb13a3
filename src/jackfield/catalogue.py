"""Catalogue: the classes of all plugins that are installed, and why others cannot be used."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from jackfield.config.shape import table_of
from jackfield.construct import Unfit
from jackfield.registry import MIDDLEWARE, PROVIDERS, SECTIONS, WORD, Registry


@attrs.frozen
class Catalogue:
    """What can be named in a configuration here.

    Attributes:
        providers, middleware, sections: classes by the name that a configuration uses, in the order of the alphabet.
        faults: a line for each plugin that cannot be used: its kind, name, distribution, and what is wrong with it.
    """

    providers: Mapping[str, type] = attrs.field(factory=dict)
    middleware: Mapping[str, type] = attrs.field(factory=dict)
    sections: Mapping[str, type] = attrs.field(factory=dict)
    faults: tuple[str, ...] = ()


def catalogue(registry: Registry) -> Catalogue:
    """All plugins of a registry. They are imported; one that is broken harms no other.

    Args:
        registry: where plugins are found.
    """
    classes: dict[str, dict[str, type]] = {PROVIDERS: {}, MIDDLEWARE: {}, SECTIONS: {}}
    faults = []
    for group, known in classes.items():
        for name in sorted(set(registry.names(group))):
            found = registry.find(group, name)
            if len(found) > 1:
                claims = " and ".join(one.distribution for one in found)
                faults.append(f"{WORD[group]} {name!r} is claimed by {claims}")
                continue
            cls, wrong = found[0].take()
            wrong = wrong or found[0].check() or _unclear(cls)
            if wrong is None:
                known[name] = cls
            else:
                faults.append(f"{WORD[group]} {name!r} of {found[0].distribution} {wrong}")
    return Catalogue(classes[PROVIDERS], classes[MIDDLEWARE], classes[SECTIONS], tuple(faults))


def _unclear(cls: type) -> str | None:
    """Why nobody can tell which settings a plugin takes, or None."""
    try:
        table_of(cls)
    except Unfit as unfit:
        return "; ".join(reason.text for reason in unfit.reasons)
    except Exception as error:  # noqa: BLE001 - what a plugin has for types and defaults may raise anything
        return f"has settings that cannot be described: {type(error).__name__}"
    return None
