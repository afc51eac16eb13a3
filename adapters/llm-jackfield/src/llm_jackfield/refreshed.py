"""Refreshed: the models that backends listed when they were last asked, in a file of the user's ``llm`` directory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import llm

FILE = "jackfield-models.json"
"""For each backend the names of its models, as jackfield's ``model=`` takes them."""


def refreshed(backends: Iterable[str]) -> list[str]:
    """The names of the models that those backends listed, as far as they are known.

    Args:
        backends: those of the configuration; the file may know of others.
    """
    kept = load()
    return [name for backend in backends for name in kept.get(backend, ())]


def load() -> dict[str, list[str]]:
    """What the file says; nothing where there is none, or where it is broken."""
    try:
        data = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {
        backend: [name for name in names if _fit(name, backend)]
        for backend, names in data.items()
        if isinstance(names, list)
    }


def save(found: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Write what backends listed; of the others the file keeps what it knew.

    Args:
        found: names by backend; one that would upset a terminal, or a command line, is left out.

    Returns:
        All that the file says now.

    Raises:
        OSError: the file cannot be written.
    """
    data = load() | {backend: sorted(name for name in names if _fit(name, backend)) for backend, names in found.items()}
    path = _path()
    draft = path.with_name(f"{FILE}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(data, indent=2), encoding="utf-8")
        draft.replace(path)  # at once: another command may read it meanwhile
    finally:
        draft.unlink(missing_ok=True)
    return data


def _fit(name: object, backend: str) -> bool:
    return isinstance(name, str) and name.startswith(f"{backend}/") and name.isprintable() and " " not in name


def _path() -> Path:
    directory: Path = llm.user_dir()  # type: ignore[no-untyped-call]  # llm does not annotate it
    return directory / FILE
