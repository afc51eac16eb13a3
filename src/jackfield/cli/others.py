"""Commands that other distributions bring: click commands, as entry points in the group ``jackfield.commands``.

None of them is imported before it is called, or listed.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import NoReturn

import click

GROUP = "jackfield.commands"
OWN = {"keys": "jackfield-gateway", "serve": "jackfield-gateway"}
"""Commands of distributions that are published with jackfield."""


def names() -> list[str]:
    """The names of the commands that are installed."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def distributions() -> set[str]:
    """Those that bring commands, each with its version."""
    return {_brought_by(point) for point in entry_points(group=GROUP)}


def command(name: str) -> click.Command | None:
    """The command of that name; one that only says what is wrong, where it cannot be used; None where there is none."""
    points = list(entry_points(group=GROUP, name=name))
    if not points:
        return _unusable(name, f"{name} needs a package: pip install {OWN[name]}") if name in OWN else None
    if len(points) > 1:
        return _unusable(name, f"{name} is claimed by {' and '.join(map(_brought_by, points))}")
    try:
        found = points[0].load()
    except Exception as error:  # noqa: BLE001 - a module may raise anything when it is imported
        return _unusable(
            name, f"{name} of {_brought_by(points[0])} cannot be imported: {type(error).__name__}: {error}"
        )
    if not isinstance(found, click.Command):
        return _unusable(name, f"{name} of {_brought_by(points[0])} is no click command")
    return found


def _unusable(name: str, why: str) -> click.Command:
    def fail() -> NoReturn:
        raise click.ClickException(why)

    # Whatever is written behind its name, the answer is the same.
    settings = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
    return click.Command(name, callback=fail, short_help=f"({why})", context_settings=settings)


def _brought_by(point: EntryPoint) -> str:
    return "an unknown distribution" if point.dist is None else f"{point.dist.name} {point.dist.version}"
