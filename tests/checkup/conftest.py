"""A key in the environment, and nothing in it that leads elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from findings import KEY


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CANARY", KEY)
    monkeypatch.chdir(tmp_path)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE", "JACKFIELD_PROFILE"):
        monkeypatch.delenv(name, raising=False)
