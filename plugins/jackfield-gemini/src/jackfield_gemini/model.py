"""Model: what its name tells, which is where its requests go and what it can be told."""

from __future__ import annotations

import re
from functools import lru_cache

import attrs

from jackfield.service import model_path

_COLLECTIONS = frozenset({"models", "tunedModels", "dynamic", "endpoints", "publishers"})
"""First words of a name that is a path already: of the Gemini API, and of Vertex AI (endpoints, publishers)."""
_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?(?![\d.])")


def path(model: str) -> str:
    """The path of a model below the base URL, quoted: ``/models/gemini-2.5-flash``.

    Args:
        model: its name; ``models/`` may stand before it, or what else begins a path.

    Raises:
        BadRequestError: a part of the name is empty, ``.`` or ``..``, by which the request would go elsewhere.
    """
    words = model.split("/")
    return model_path(*(words if words[0] in _COLLECTIONS and len(words) > 1 else ("models", model)))


@attrs.frozen
class Family:
    """The models that are told things in one way.

    Attributes:
        version: of Gemini, as (2, 5); None where the name does not tell.
        gemini: the name is one of Gemini's; an alias without version, such as ``gemini-flash-latest``, is new.
        gemma: it is a Gemma model.
        pro, lite: it is a Pro, or a Flash-Lite.
    """

    version: tuple[int, int] | None
    gemini: bool
    gemma: bool
    pro: bool
    lite: bool

    @property
    def new(self) -> bool:
        """It is Gemini 3 or newer: thoughts have levels and signatures, which must come back."""
        return self.gemini and (self.version is None or self.version >= (3, 0))

    @property
    def thinks_by_budget(self) -> bool:
        """It is told how many tokens to think, and not how hard."""
        return self.version == (2, 5)

    @property
    def never_thinks(self) -> bool:
        """It is older than Gemini 2.5."""
        return self.version is not None and self.version < (2, 5)


@lru_cache(maxsize=512)
def family(model: str) -> Family:
    """The family of a model, by its name."""
    name = model.rpartition("/")[2]
    found = _VERSION.search(name)
    version = None if found is None else (int(found[1]), int(found[2] or 0))
    words = name.split("-")
    return Family(version, name.startswith("gemini"), name.startswith("gemma"), "pro" in words, "lite" in words)
