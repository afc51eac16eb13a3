"""Which requests are looked up."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.testing import make_call
from jackfield_cache.policy import cacheable


@pytest.fixture
def looked_up(kit):
    """Whether a request is looked up, with the setting ``only_deterministic`` and without."""

    def look(extra_body: dict[str, Any] | None = None, **fields: Any) -> tuple[bool, bool]:
        request, call = kit.question(**fields), make_call(extra_body=extra_body or {})
        return cacheable(request, call, only_deterministic=True), cacheable(request, call, only_deterministic=False)

    return look


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"temperature": 0.0},
        {"n": 1},
        {"n": None},
        {"store": False},
        {"store": None},
        {"modalities": ["text"]},
        {"modalities": None},
        {"audio": None},
        {"stream": True},
        {"seed": 1},
        {"tools": []},
        {"tools": [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "c"}}]},
        {"extra_body": {"x": 1}},
        {"temperature": 1, "extra_body": {"temperature": 0}},
    ],
    ids=str,
)
def test_what_has_one_answer_is_looked_up(looked_up, fields):
    """The temperature is 0, and nothing else makes the answer another one."""
    assert looked_up(**fields) == (True, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0.01},
        {"temperature": 1, "seed": 1},
        {"temperature": None},
        {"n": 2},
        {"web_search_options": {}},
        {"tools": [{"type": "function", "function": {"name": "f"}}, {"type": "web_search"}]},
        {"extra_body": {"temperature": 1}},
        {"extra_body": {"temperature": None}},
        {"extra_body": {"temperature": False}},
        {"extra_body": {"temperature": "0"}},
        {"extra_body": {"n": 2}},
        {"extra_body": {"tools": [{"type": "web_search"}]}},
        {"extra_body": {"tools": ["web_search"]}},
        {"extra_body": {"web_search_options": {}}},
    ],
    ids=str,
)
def test_what_has_many_answers_is_looked_up_only_if_told(looked_up, fields):
    """What is drawn, or found elsewhere, may be another answer the next time."""
    assert looked_up(**fields) == (False, True)


def test_without_a_temperature_it_is_the_service_that_chooses(kit):
    """Most take 1 then."""
    import attrs

    from jackfield.models.base import UNSET

    request = attrs.evolve(kit.question(), temperature=UNSET)

    assert not cacheable(request, make_call(), only_deterministic=True)
    assert cacheable(request, make_call(), only_deterministic=False)


@pytest.mark.parametrize(
    "fields",
    [
        {"store": True},
        {"extra_body": {"store": True}},
        {"extra_body": {"store": 1}},
        {"audio": {"voice": "ash", "format": "mp3"}},
        {"modalities": ["text", "audio"]},
        {"extra_body": {"modalities": ["audio"]}},
        {"extra_body": {"audio": {}}},
    ],
    ids=str,
)
def test_what_does_more_than_answer_is_never_looked_up(looked_up, fields):
    """The service was asked to keep the completion, or to speak."""
    assert looked_up(**fields) == (False, False)


@pytest.mark.parametrize(
    "extra_body", [{"temperature": [0]}, {"store": []}, {"n": {}}, {"audio": []}, {"store": {}}], ids=str
)
def test_nonsense_does_not_fail_here(looked_up, extra_body):
    """It is for the service to refuse."""
    assert looked_up(extra_body=extra_body)[0] is False
