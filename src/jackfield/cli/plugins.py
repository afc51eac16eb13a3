"""``jackfield plugins``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import attrs
import click

from jackfield.cli.output import document, say, table
from jackfield.cli.source import Source, source_options

HEAD = ("NAME", "KIND", "ENABLED", "DISTRIBUTION", "VERSION", "FAULT")


@attrs.frozen
class Row:
    """A plugin, installed or only named by the configuration.

    Attributes:
        name: as used in configuration.
        kind: ``provider`` or ``middleware``.
        enabled: whether the configuration names it.
        distribution, version: of what brings it; None where it is not installed.
        fault: why it cannot be used, or None.
    """

    name: str
    kind: str
    enabled: bool
    distribution: str | None
    version: str | None
    fault: str | None

    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        enabled = "yes" if self.enabled else "no"
        return self.name, self.kind, enabled, self.distribution or "-", self.version or "-", self.fault or ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--check", is_flag=True, help="Import those that are not enabled too, to find what is wrong with them.")
@source_options
@click.pass_context
def plugins(context: click.Context, *, as_json: bool, check: bool) -> None:
    """List the plugins.

    All that are installed are listed, which of them are enabled, and what is wrong with those.
    Columns: name, kind, enabled, distribution, version, fault. What is not enabled is not imported, unless you say so.
    """
    loaded = context.ensure_object(Source).load()
    rows = list(_rows(loaded.settings.plugins, everything=check))
    if as_json:
        document([attrs.asdict(row) for row in rows])
    else:
        table(HEAD, [row.cells() for row in rows])
    if loaded.faults:
        say("The configuration is faulty, so what is enabled may be incomplete; see jackfield config validate.")


def _rows(wanted: frozenset[tuple[str, str]], *, everything: bool) -> Iterator[Row]:
    from jackfield.registry import KIND, installed

    found = installed()
    claims = Counter((KIND[one.group], one.name) for one in found)
    for one in found:
        key = KIND[one.group], one.name
        distribution, _, version = one.distribution.rpartition(" ")
        fault = one.check() if everything or key in wanted else None
        if fault is None and claims[key] > 1:
            fault = "several distributions claim this name"
        yield Row(one.name, key[0], key in wanted, distribution, version, fault)
    for kind, name in sorted(wanted - claims.keys()):
        yield Row(name, kind, enabled=True, distribution=None, version=None, fault="is not installed")
