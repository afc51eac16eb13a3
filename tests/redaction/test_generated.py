"""No secret is left in any text, whatever it is, however it is written and wherever it stands: 20,000 cases."""

from __future__ import annotations

import functools
import logging
import re
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from jackfield import redaction
from jackfield.call import Attempt
from jackfield.chain import scrub_chain
from jackfield.errors import APIError, ConfigError, Fault, JackfieldError
from jackfield.failure import answer_error, body_excerpt, excerpt
from jackfield.http import Backend
from jackfield.ledger import end_attempt
from jackfield.redaction import MASK, scrub
from jackfield.testing import make_call
from jackfield.testing.leaks import artefacts, leaks
from keys import ENCODED, FORMS, SPLITS

pytestmark = pytest.mark.long
USUAL = string.ascii_letters + string.digits + "-_./+="
usual = st.lists(st.sampled_from(USUAL), min_size=8, max_size=64).map("".join)
word = st.lists(st.sampled_from(USUAL), min_size=2, max_size=12).map("".join)
other = st.one_of(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=8, max_size=24),
).filter(lambda text: not re.search("[A-Za-z_]{4}", text))  # a word of the program under test is no secret
secrets = st.one_of(usual, st.lists(word, min_size=2, max_size=5).map(" ".join), other).filter(
    lambda text: len(set(text)) > 4 and len(text) >= 8 and "*" not in text
)
"""Keys of services, passphrases, passwords, words of any script."""
around = st.text(st.characters(codec="utf-8"), max_size=40).map(
    lambda text: text.rstrip("\\%0123456789abcdefABCDEFuUx")
)
"""What stands around one: nothing that would be an escape together with it, for then it is another text."""
ways = st.sampled_from([*FORMS.values(), *ENCODED.values()])
splits = st.sampled_from(list(SPLITS.values()))
widths = st.integers(1, 80)
many = settings(
    max_examples=1,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)


TRIED: dict[str, int] = {}
"""How many cases of each test came to their end."""
Test = Callable[..., None]


def cases(count: int) -> Callable[[Test], Test]:
    """Try so many; they are counted, for a case that is drawn may still be refused."""

    def run(test: Any) -> Test:
        body = test.hypothesis.inner_test

        @functools.wraps(body)
        def counted(*args: Any, **named: Any) -> None:
            body(*args, **named)
            TRIED[body.__name__] += 1

        TRIED[body.__name__] = 0
        test.hypothesis.inner_test = counted
        proved: Test = settings(many, max_examples=count)(test)
        return proved

    return run


def known(secret: str, *beside: str) -> None:
    """Have one secret, and no other, known; what stands beside it has no part of it."""
    assume(not any(leaks(text, secret, 6) for text in beside))
    redaction._known = redaction._Known()
    redaction.remember(secret)


def clean(text: str, secret: str) -> None:
    """No part of the secret of eight characters is in the text."""
    assert leaks(text, secret.strip()) == [], "a secret is left"


@cases(10_500)
@given(secrets, around, around, ways, splits, widths)
def test_no_form_of_a_secret_is_left(
    secret: str, before: str, after: str, way: Callable[[str], str], split: Callable[[str, int], str], width: int
) -> None:
    """In any surroundings, its lines broken anywhere."""
    known(secret, before, after)
    text = f"{before}<{split(way(secret), width)}>{after}"
    scrubbed = scrub(text)

    assert MASK in scrubbed
    clean(scrubbed, secret)
    assert len(scrubbed) <= len(text)


@cases(1500)
@given(st.lists(secrets, min_size=2, max_size=6), st.data())
def test_many_secrets_leave_nothing_of_each_other(values: list[str], data: st.DataObject) -> None:
    """Also such as overlap: what is cut out is never a part of one only."""
    redaction._known = redaction._Known()
    first = values[0]
    cut = data.draw(st.integers(1, len(first) - 1))
    values.append(first[cut:] + values[1])
    for value in values:
        redaction.remember(value)
    beside = data.draw(around)
    assume(not any(leaks(beside, value) for value in values))
    text = beside + "|".join(data.draw(st.permutations(values))) + first[:cut] + values[-1]
    scrubbed = scrub(text)

    for value in values:
        clean(scrubbed, value)


@cases(2000)
@given(secrets, around, ways, st.integers(0, 60))
def test_no_error_shows_one(secret: str, before: str, way: Callable[[str], str], place: int) -> None:
    """Ours, of the message and all details; with what it came of."""
    known(secret, before)
    text = f"{before}<{way(secret)}>"
    error = APIError(text, code=text, type=text, param=text, request_id=text, body_excerpt=text)
    error.__cause__ = ConfigError([Fault("here", text), Fault("there", "x" * place + text)])
    error.__context__ = JackfieldError(text)
    for _, shown in artefacts(error):
        clean(shown, secret)


@cases(2000)
@given(secrets, around, ways, st.sampled_from([ValueError, KeyError, OSError, LookupError]))
def test_no_error_of_others_shows_one(secret: str, before: str, way: Callable[[str], str], kind: Any) -> None:
    """As it leaves the client."""
    known(secret, before)
    text = f"{before}<{way(secret)}>"
    error: Exception = kind(text)
    error.add_note(text)
    error.args += ({text: [(text.encode("utf-8", "replace"),)]},)
    error.__context__ = ExceptionGroup(text, [kind(text)])
    error.__dict__["detail"] = text
    for _, shown in artefacts(scrub_chain(error)):
        clean(shown, secret)


@cases(2000)
@given(secrets, around, ways, st.integers(0, 2100))
def test_no_answer_shows_one(secret: str, before: str, way: Callable[[str], str], place: int) -> None:
    """Of a service that fails, wherever the text is cut."""
    known(secret, before)
    text = f"{before}{'x ' * (place // 2)}<{way(secret)}> {'y' * 5000}"
    error = answer_error(500, {"x-request-id": text}, text.encode("utf-8", "replace"))
    for shown in (error.message, error.request_id or "", error.body_excerpt or ""):
        clean(shown, secret)
    clean(excerpt(text, place), secret)
    clean(body_excerpt(text.encode("utf-8", "replace")), secret)


@cases(1000)
@given(secrets, around, ways)
def test_no_attempt_shows_one(secret: str, before: str, way: Callable[[str], str]) -> None:
    """Its error, and the headers of the answer."""
    known(secret, before)
    text = f"{before}<{way(secret)}>"
    call = make_call()
    attempt = Attempt(1, Backend("b", "p"), "m", head={"x-other": text, "x-ratelimit-limit": text})
    call.attempts.append(attempt)
    end_attempt(call, attempt, ValueError(text))
    for shown in (repr(attempt), str(attempt.error), *attempt.headers.values(), *attempt.rate_limit.values()):
        clean(shown, secret)


@cases(1000)
@given(secrets, around, ways)
def test_no_record_of_a_log_shows_one(secret: str, before: str, way: Callable[[str], str]) -> None:
    """Its message, its arguments and its fields."""
    from jackfield_logging.fields import end_fields
    from jackfield_logging.line import capped, one_line

    known(secret, before)
    text = f"{before}<{way(secret)}>"
    call = make_call(labels={"label": text, text: "label"})
    request: Any = type("Request", (), {"model": text})()
    fields = end_fields(request, call, [], 0.0, ValueError(text))
    record = logging.makeLogRecord({"msg": "%s", "args": (one_line(text),), **fields})
    for shown in (record.getMessage(), repr(fields), capped(text, len(text) // 2 + 1)):
        clean(shown, secret)


GENERATED = [value for value in list(globals().values()) if hasattr(value, "hypothesis")]


def test_so_many_cases_are_tried() -> None:
    """20,000 in all, of the tests that were run before this one; none was drawn and then refused."""
    asked = {test.__name__: test._hypothesis_internal_use_settings.max_examples for test in GENERATED}

    assert sum(asked.values()) >= 20_000
    assert {name: TRIED[name] for name in asked if 0 < TRIED[name] < asked[name]} == {}


@pytest.mark.parametrize("test", GENERATED, ids=lambda test: test.__name__)
def test_the_search_can_fail(test: Test, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a scrubber each of them finds a leak at once."""
    monkeypatch.setattr(redaction._Known, "scrub", lambda _, text: text + MASK)
    unshrunk = settings(many, max_examples=100, phases=[Phase.generate])
    monkeypatch.setattr(test, "_hypothesis_internal_use_settings", unshrunk)

    with pytest.raises(AssertionError, match="a secret is left"):
        test()
