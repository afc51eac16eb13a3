"""What the settings and requests of all providers have in common."""

from __future__ import annotations

from importlib.metadata import version

import attrs
import pytest

from jackfield.errors import BadRequestError
from jackfield.redaction import scrub
from jackfield.service import (
    head,
    is_base,
    is_url,
    model_path,
    no_credential,
    remember_plain,
    scrubbed,
    under,
    user_agent,
)


@attrs.define
class Settings:
    """As a provider has them."""

    base_url: str = attrs.field(default="https://a.example/v1", validator=is_url, repr=scrubbed)
    headers: dict[str, str] = attrs.field(factory=dict, validator=no_credential)


@pytest.mark.parametrize(
    "url", ["https://a.example", "http://127.0.0.1:8080/v1/", "https://a.example/v1?api-version=1"]
)
def test_a_url_is_taken(url: str) -> None:
    """With a port, a path, and a query."""
    assert Settings(base_url=url).base_url == url


@pytest.mark.parametrize(
    "url", ["", "a.example/v1", "ftp://a.example", "https://me:canary@a.example", "https://a.example/canary#x", "https://a.example/\n"]
)  # fmt: skip
def test_what_is_no_url_of_a_service_is_refused_without_repeating_it(url: str) -> None:
    """It may hold a password."""
    with pytest.raises(ValueError, match=r"^base_url: ") as caught:
        Settings(base_url=url)
    assert "canary" not in str(caught.value)


@attrs.define
class Based:
    """As a provider has it that adds a path."""

    base_url: str = attrs.field(validator=is_base("/messages", "/v1/models"))


@pytest.mark.parametrize(
    ("url", "end"),
    [
        ("https://a.example/v1/messages", "/messages"),
        ("https://a.example/v1/messages/?key=canary", "/messages"),
        ("https://a.example/v1/models", "/v1/models"),
        ("a.example/canary", None),
    ],
)
def test_a_base_with_what_is_added_to_it_is_refused_without_repeating_it(url: str, end: str | None) -> None:
    """The error names the end that is too much."""
    expected = "" if end is None else f"expected a URL without {end} at its end, which is added to it$"
    with pytest.raises(ValueError, match=rf"^base_url: {expected}") as caught:
        Based(url)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://a.example/v1", "https://a.example/models", "https://a.example/?x=/messages"])
def test_a_base_with_another_path_is_taken(url: str) -> None:
    """Also with such words elsewhere."""
    assert Based(url).base_url == url


@pytest.mark.parametrize("name", ["Authorization", "api-key", "X-Api-Key", "x-goog-api-key", "cookie"])
def test_a_header_that_carries_a_credential_is_refused_without_repeating_it(name: str) -> None:
    """The error names the middleware for it."""
    with pytest.raises(ValueError, match=f"^headers: {name} is a credential: use the middleware") as caught:
        Settings(headers={name: "canary"})
    assert "canary" not in str(caught.value)
    assert Settings(headers={"X-Title": "a"}).headers == {"X-Title": "a"}


def test_credentials_in_a_query_or_a_header_are_scrubbed_from_then_on() -> None:
    """And what is none is left alone."""
    settings = Settings(base_url="https://a.example/v1?key=canary-aaa-111&api-version=2024-10-21")

    remember_plain(settings.base_url, {"X-Subscription-Key": "canary-bbb-222", "X-Title": "plain"})

    assert scrub("canary-aaa-111 canary-bbb-222 2024-10-21 plain") == "*** *** 2024-10-21 plain"
    assert "canary" not in repr(settings)
    assert "https://a.example/v1?key=***" in repr(settings)


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://a.example", "https://a.example/models"),
        ("https://a.example/", "https://a.example/models"),
        ("https://a.example/v1//", "https://a.example/v1/models"),
        ("https://a.example/v1/?api-version=1&b=/", "https://a.example/v1/models?api-version=1&b=/"),
    ],
)
def test_a_path_comes_before_the_query_of_the_base(base_url: str, url: str) -> None:
    """With one slash between."""
    assert under(base_url, "/models") == url


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("m",), "/m"),
        (("models", "a b"), "/models/a%20b"),
        (("a/../b",), "/a%2F..%2Fb"),
        (("ü?#%.",), "/%C3%BC%3F%23%25."),
    ],
)
def test_a_name_of_a_model_stays_one_in_a_path(words: tuple[str, ...], path: str) -> None:
    """Quoted, a slash too."""
    assert model_path(*words) == path


@pytest.mark.parametrize("word", ["", ".", "..", "a\ud800"])
def test_a_name_of_a_model_that_leads_elsewhere_is_refused(word: str) -> None:
    """Or that cannot be said in a URL at all; before anything is sent."""
    with pytest.raises(BadRequestError, match=r"^model: ") as caught:
        model_path("models", word)
    assert (caught.value.param, caught.value.code, caught.value.stage) == ("model", "model_not_found", "not_sent")


def test_the_usual_headers_say_who_asks_and_what_is_taken() -> None:
    """No compression is asked for: it would hold back the events of a stream."""
    assert head() == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"jackfield/{version('jackfield')}",
    }
    assert head()["user-agent"] == user_agent()


def test_own_headers_win_over_the_usual_and_the_later_over_the_earlier() -> None:
    """Whatever the case in which they are written."""
    made = head({"X-Version": "1", "User-Agent": "a"}, {"x-version": "2", "USER-AGENT": "b"})

    assert (made["x-version"], made["user-agent"]) == ("2", "b")
    assert [name for name in made if name != name.lower()] == []
