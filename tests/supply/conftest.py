"""Distributions that were built for these tests: twice, under circumstances as different as can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from builds import NAMES, TOX, Build, build, export, stem, tracked


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Build, Build]:
    """Two builds of one state of the repository, on two machines so to speak."""
    pytest.importorskip("hatchling")
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("another-machine-and-a-longer-path")
    export(one / "src", time=1_600_000_000)
    export(other / "src", time=1_700_000_001, files=reversed(tracked()))
    first = build(one / "src", one / "out", umask=0o022, TZ="UTC", LC_ALL="C", PYTHONHASHSEED="1")
    second = build(other / "src", other / "out", umask=0o077, TZ="Asia/Tokyo", LC_ALL="C.UTF-8", PYTHONHASHSEED="2")
    return first, second


@pytest.fixture(scope="session")
def wheels(request: pytest.FixtureRequest) -> dict[str, Path]:
    """The wheels by the names of their distributions: those of tox, which are what is tested, or else our own."""
    if TOX is None:
        return dict(request.getfixturevalue("builds")[0].wheels)
    return {name: next(Path(TOX).glob(f"{stem(name)}-*.whl")) for name in NAMES}
