"""Which failures another model need not have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jackfield.errors import APIError, InternalServerError
from jackfield_routing.elsewhere import OF_THE_BACKEND, is_ambiguous, may_pass

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
STAYS = {"400", "bad request inside an answer", "418", "422", "unprocessable inside an answer"}
FILTERED = {"filter", "filter before sending"}
AMBIGUOUS = {"reset", "first byte", "stream broke", "no answer"}


def test_every_failure_but_the_faults_of_a_request_may_pass(kinds):
    """What is wrong with the request, and what a filter refused, stays; all else may pass elsewhere."""
    assert {name for name, make in kinds.items() if not may_pass(make(), store=False)} == STAYS | FILTERED


def test_what_may_have_been_stored_stays(kinds):
    """With ``store`` what may have been carried out stays, too; what the backend refused or never got may pass."""
    assert {name for name, make in kinds.items() if not may_pass(make(), store=True)} == STAYS | FILTERED | AMBIGUOUS


@pytest.mark.parametrize(("on", "stays"), [("content_filter", STAYS), ("bad_request", FILTERED)])
def test_what_is_asked_for_may_pass(kinds, on: str, stays: set[str]):
    """Each condition lets its own failures pass, and no others."""
    assert {name for name, make in kinds.items() if not may_pass(make(), store=False, on=(on,))} == stays


def test_conditions_do_not_let_stored_requests_pass(kinds):
    """No condition has a request sent again that may have been stored."""
    both = ("content_filter", "bad_request")

    assert {name for name, make in kinds.items() if not may_pass(make(), store=True, on=both)} == AMBIGUOUS


def test_what_is_ambiguous_is_known_by_stage_and_by_class(kinds):
    """A status that came late, and what is no whole answer, are both ambiguous."""
    assert is_ambiguous(InternalServerError("?", status_code=500, stage="ambiguous"))
    assert is_ambiguous(APIError("?", stage="ambiguous"))
    assert {name for name, make in kinds.items() if is_ambiguous(make())} == AMBIGUOUS


def test_the_readme_lists_the_statuses():
    """The statuses of a backend's own failures are those of the code."""
    (row,) = re.findall(r"^\| HTTP (401, .*?) \|", README, re.MULTILINE)

    assert {int(status) for status in re.findall(r"\d+", row)} == OF_THE_BACKEND
