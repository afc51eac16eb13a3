"""Names: the models that a configuration names by itself, without a word to a backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from jackfield.config.settings import Settings
    from jackfield.plan import Plan


@attrs.frozen
class Names:
    """What a configuration names.

    Attributes:
        default: the name that is asked where none is given; None where there is none.
        groups: names that a layer of the host shares out among others, each with those.
        aliases: names that stand for ``backend/model``, each with that; a group of the same name goes before it.
        backends: of the backends, whose own models go by ``backend/model``.
    """

    default: str | None
    groups: Mapping[str, tuple[str, ...]]
    aliases: Mapping[str, str]
    backends: tuple[str, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """All names of models that stand there, each once: groups, aliases, the default, and what they stand for."""
        names = [*self.groups, *self.aliases, *([] if self.default is None else [self.default])]
        names += [*self.aliases.values(), *(member for members in self.groups.values() for member in members)]
        return tuple(dict.fromkeys(names))


def names_of(settings: Settings, plan: Plan) -> Names:
    """The names of a configuration that was loaded.

    Args:
        settings: what was written.
        plan: what was built of it, whose layers tell their groups; of one name the outermost layer has it.
    """
    from jackfield.groups import groups

    shared = {group.name: group.members for group in reversed(list(groups(plan.layers)))}
    return Names(settings.default_model, shared, dict(settings.models), tuple(settings.backends))
