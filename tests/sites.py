"""Distributions that are installed for one test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from jackfield.registry import MIDDLEWARE


@attrs.define(eq=False)
class Site:
    """A folder of installed distributions, first on ``sys.path``."""

    folder: Path

    def install(
        self, name: str, points: Mapping[str, str], *, group: str = MIDDLEWARE, version: str = "1.0", **modules: str
    ) -> None:
        """A distribution with these entry points, and the source of these modules."""
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(
            f"[{group}]\n" + "".join(f"{point} = {value}\n" for point, value in points.items())
        )
        for module, source in modules.items():
            (self.folder / f"{module}.py").write_text(source)
