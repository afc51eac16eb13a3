"""A Redis database of each test's own, and a user of it whose password must not be seen."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis as library


@pytest.fixture
def redis(redis_url: str) -> Iterator[library.Redis]:
    """The tests' server, empty."""
    with library.Redis.from_url(redis_url, decode_responses=True) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def password() -> str:
    """Of the user ``limits``; another one each time, so that none is known already."""
    return "pW-" + secrets.token_hex(12)


@pytest.fixture
def url_file(redis: library.Redis, redis_url: str, password: str, tmp_path: Path) -> str:
    """A reference to a URL with a password in it."""
    redis.acl_setuser(
        "limits", enabled=True, reset=True, passwords=[f"+{password}"], keys=["jackfield:*"], commands=["+@all"]
    )
    file = tmp_path / "url"
    file.write_text(redis_url.replace("redis://", f"redis://limits:{password}@") + "\n", encoding="utf-8")
    return f"file:{file}"
