"""Sections: tables of the configuration that belong to other programs, which jackfield only finds, checks and hands on.

A program that reads its own settings from the same file (``[gateway]``, say) has an attrs class for them as an entry
point in the group ``jackfield.sections``, named like the table. Such a table is checked like the settings of a plugin:
with file, line and remedy, by ``jackfield config validate`` too, and editors complete it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from jackfield.construct import construct
from jackfield.registry import SECTIONS, Registry

if TYPE_CHECKING:
    from jackfield.config.settings import SectionSettings
    from jackfield.errors import Fault


def section_of(section: SectionSettings, registry: Registry) -> tuple[object, list[Fault]]:
    """A table as a value of its class, or None, and what is wrong with it.

    Args:
        section: the table.
        registry: where its class is found.
    """
    found = registry.find(SECTIONS, section.name)
    if len(found) != 1:
        claims = " and ".join(one.distribution for one in found) or "no distribution that is installed"
        return None, [section.place.fault((), f"this table is claimed by {claims}")]
    cls, unfit = found[0].take()
    if unfit is not None:
        return None, [section.place.fault((), f"{section.name} of {found[0].distribution} {unfit}")]
    return construct(cls, section.settings, section.place)


def sections_of(sections: Iterable[SectionSettings], registry: Registry, faults: list[Fault]) -> dict[str, object]:
    """All tables, by name, that have no fault.

    Args:
        sections: the tables.
        registry: where their classes are found.
        faults: what is wrong with them is added.
    """
    values = {}
    for section in sections:
        value, wrong = section_of(section, registry)
        faults += wrong
        if not wrong:
            values[section.name] = value
    return values
