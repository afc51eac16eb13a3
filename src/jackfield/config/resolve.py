"""From the name that a host gives to a backend and its own model name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from jackfield.redaction import scrub

if TYPE_CHECKING:
    from jackfield.config.settings import Settings
    from jackfield.errors import ConfigError


LONGEST = 100
"""So much of an unknown name is repeated in the message: a gateway's clients send what they like."""


def resolve(settings: Settings, name: str | None = None) -> tuple[str, str]:
    """Name of the backend and its own model name.

    ``backend/model`` wins over an alias of the same text; a model name may hold further slashes
    (``openai/meta/llama-3``). An alias may name another alias. A name without a slash that is no alias goes to the
    only backend, where there is only one.

    Args:
        settings: the configuration.
        name: as the host gave it; None takes ``default_model``.

    Raises:
        ConfigError: nothing of that name is configured; the message guesses what was meant.
    """
    wanted = settings.default_model if name is None else name
    if wanted is None:
        raise _error(settings, "no model is named, and the configuration has no default_model", "")
    for _ in range(len(settings.models) + 1):
        backend, slash, model = wanted.partition("/")
        if model and backend in settings.backends:
            return backend, model
        if wanted not in settings.models:
            break
        wanted = settings.models[wanted]
    else:  # load() lets no such settings through
        raise _error(settings, "the aliases go round in a circle", wanted)
    if wanted and not slash and len(settings.backends) == 1:
        return next(iter(settings.backends)), wanted
    shown = scrub(wanted)[:LONGEST]
    raise _error(settings, f"no backend and no alias is meant by {shown!r}", shown)


def points_to_backend(name: str, backends: Collection[str]) -> bool:
    """Whether a name is ``backend/model`` with one of these backends."""
    backend, _, model = name.partition("/")
    return bool(model) and backend in backends


def circle(alias: str, models: Mapping[str, str], backends: Collection[str]) -> list[str]:
    """The aliases from ``alias`` back to itself, or nothing where they do not come back to it."""
    trail = [alias]
    while trail[-1] in models and not points_to_backend(trail[-1], backends):
        target = models[trail[-1]]
        if target == alias:
            return [*trail, alias]
        if target in trail:  # a circle further on, which is the fault of those in it
            break
        trail.append(target)
    return []


def guess(name: str, models: Mapping[str, str], backends: Collection[str]) -> str | None:
    """A hint for a name that leads nowhere."""
    from jackfield.config.hints import closest, did_you_mean

    backend, slash, model = name.partition("/")
    if not model and backend in backends:
        return f'"{backend}" is a backend: write "{backend}/MODEL"'
    if not slash and len(backends) == 1 and name and closest(name, models) is None:
        return f'did you mean "{next(iter(backends))}/{name}"?'
    near = closest(backend, backends) if model else None
    if near is not None:
        return f'did you mean "{near}/{model}"?'
    return did_you_mean(name, [*models, *(f"{backend}/…" for backend in backends)])


def _error(settings: Settings, message: str, name: str) -> ConfigError:
    from jackfield.errors import ConfigError, Fault

    return ConfigError([Fault("", message, hint=guess(name, settings.models, settings.backends))])
