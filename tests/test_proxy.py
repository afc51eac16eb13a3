"""The password of a proxy stands in its URL, and nowhere that anyone looks."""

from __future__ import annotations

import pickle

import attrs
import pytest

from jackfield.http import Backend, Transport
from jackfield.proxy import ProxyURL
from jackfield.redaction import MASK, scrub


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pa55%3Aword@proxy:3128",
        "user:pa55%3Aword@proxy:3128",
        "http://user:pa55%3Aword@[proxy:3128",
    ],
)
def test_a_password_is_scrubbed_from_the_first_moment(url: str) -> None:
    """As it is written and decoded, also where the URL is none."""
    ProxyURL(url)

    assert scrub("pa55%3Aword or pa55:word") == f"{MASK} or {MASK}"


def test_no_view_of_a_transport_shows_it() -> None:
    """Neither repr, dict nor pickle; who connects has all of it."""
    transport = Transport(proxy="http://user:pa55word@proxy:3128")
    backend = Backend("b", "p", transport=transport)
    assert isinstance(transport.proxy, ProxyURL)
    shown = f"{transport!r} {transport.proxy} {attrs.asdict(backend)} {pickle.dumps(backend)!r}"

    assert "pa55word" not in shown
    assert "http://***@proxy:3128" in shown
    assert transport.proxy.url == "http://user:pa55word@proxy:3128"
    assert pickle.loads(pickle.dumps(transport)).proxy.url == "http://***@proxy:3128"


def test_one_without_a_user_is_a_text() -> None:
    """There is nothing to hide."""
    assert Transport(proxy="http://proxy:3128").proxy == "http://proxy:3128"
    assert Transport(proxy="").proxy == ""
    assert Transport().proxy is None


def test_equality_is_that_of_the_url() -> None:
    """Backends with one proxy share its connections."""
    one, same, other = ProxyURL("http://u:p@a"), ProxyURL("http://u:p@a"), ProxyURL("http://u:p@b")

    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != "http://u:p@a"


def test_copy_keeps_the_password() -> None:
    """A copy reaches the proxy as the original does."""
    import copy

    url = ProxyURL("http://user:passw0rd@proxy.example:3128")

    assert copy.copy(url).url == copy.deepcopy(url).url == url.url
