"""Plugins: each that the configuration names, and those that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from jackfield.checkup.row import Row
from jackfield.config.hints import did_you_mean
from jackfield.plugins import OWN
from jackfield.registry import KIND, MIDDLEWARE, PROVIDERS, Registry

ABOUT = "plugins"
GROUP = {"provider": PROVIDERS, "middleware": MIDDLEWARE}
Key = tuple[str, str]
"""Kind and name."""


def plugin_rows(keys: AbstractSet[Key], registry: Registry) -> Iterator[tuple[Key, Row]]:
    """A row for each plugin that is named: by which distribution it is brought, or why it cannot be used."""
    for kind, name in _sorted(keys):
        yield (kind, name), _row(kind, name, registry)


def idle_row(keys: AbstractSet[Key], registry: Registry) -> Row | None:
    """What is installed and not named; None where there is nothing."""
    idle = _sorted({(KIND[one.group], one.name) for one in registry.everything()} - keys)
    text = ", ".join(f"{kind} {name}" for kind, name in idle)
    return Row(ABOUT, "not enabled", "skipped", f"the configuration does not name: {text}") if idle else None


def _row(kind: str, name: str, registry: Registry) -> Row:
    what = f"{kind} {name}"
    found = registry.find(GROUP[kind], name)
    if not found:
        return Row(ABOUT, what, "failed", "is not installed", _missing(kind, name, registry))
    brought = " and ".join(one.distribution for one in found)
    if len(found) > 1:
        return Row(ABOUT, what, "failed", f"is claimed by {brought}", "uninstall all of them but one")
    wrong = found[0].check()
    if wrong is None:
        return Row(ABOUT, what, "ok", brought)
    return Row(ABOUT, what, "failed", f"{brought}: {wrong}", _again(brought, wrong))


def _missing(kind: str, name: str, registry: Registry) -> str:
    """What may bring a plugin that is not installed, or what may have been meant."""
    hint = did_you_mean(name, registry.names(GROUP[kind]))
    install = f"pip install {OWN[name]}" if name in OWN else "install the distribution that brings it"
    return install if hint is None else f"{hint}; or {install}"


def _again(distribution: str, wrong: str) -> str:
    """What may mend a plugin that is broken."""
    name, _, version = distribution.rpartition(" ")
    if not version[:1].isdigit():  # of the program's own, say
        return "mend it, or tell its author"
    return f"pip install --force-reinstall {name}" if "imported" in wrong else f"upgrade {name}, or tell its author"


def _sorted(keys: AbstractSet[Key]) -> list[Key]:
    """Providers first."""
    return sorted(keys, key=lambda key: (list(GROUP).index(key[0]), key[1]))
