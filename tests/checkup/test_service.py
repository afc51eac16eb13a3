"""The answer of a service is looked at: credential, list of models, clock, and a call."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import pytest

from findings import CHAT, KEY, MODELS, config, found, of, remedy, statuses
from server import Serve, answer


def test_a_credential_that_is_refused(serve: Serve) -> None:
    """401 is a failure with its remedy; the clock is looked at all the same, for it may be the cause."""
    server = serve([answer(b'{"error":{"message":"no"}}', "401 Unauthorized", date=formatdate(usegmt=True))])
    rows = found(config(server.url), live=True)

    assert of(rows, "b")["http"] == ("failed", "the credential is refused: HTTP 401: no")
    assert remedy(rows, "http").startswith("renew the secret")
    assert statuses(rows)["clock"] == "ok"
    assert of(rows, "b")["call"] == ("skipped", "it did not answer as it should")


def test_a_service_that_repeats_the_key(serve: Serve) -> None:
    """It is scrubbed from what is told."""
    server = serve([answer(json.dumps({"error": {"message": f"wrong key {KEY}"}}).encode(), "401 Unauthorized")])
    rows = found(config(server.url))

    assert of(rows, "b")["http"][1].endswith("wrong key ***")


@pytest.mark.parametrize(("offset", "words"), [(-300, "300 s ahead of"), (300, "300 s behind")])
def test_clocks_that_differ(serve: Serve, offset: int, words: str) -> None:
    """A warning that says which of the two is behind."""
    server = serve([answer(MODELS, date=formatdate(time.time() + offset, usegmt=True))])
    status, text = of(found(config(server.url)), "b")["clock"]

    assert status == "warning"
    assert int(text.removeprefix("this machine is ").split(" ")[0]) == pytest.approx(300, abs=20)
    assert words.split(" s ")[1] in text


def test_a_service_without_a_list_of_models(serve: Serve) -> None:
    """It is reached, and a call is made."""
    server = serve([answer(b"nothing here", "404 Not Found")], [answer(CHAT)])
    rows = found(config(server.url), live=True)

    assert of(rows, "b")["http"][0] == "warning"
    assert statuses(rows)["call"] == "ok"


def test_a_service_that_says_nothing(serve: Serve) -> None:
    """It is given up after the time of a look, and no clock is told of."""
    server = serve([60.0])
    rows = found(config(server.url), timeout=0.3)

    assert statuses(rows)["http"] == "failed"
    assert "--timeout" in remedy(rows, "http")
    assert "clock" not in statuses(rows)


def test_a_dialect_that_cannot_ask_for_models(serve: Serve) -> None:
    """That is no failure: skipped, and a call is made all the same."""
    server = serve([answer(CHAT)])
    bare = {"backends": {"b": {"provider": "bare", "base_url": server.url}}}
    rows = found({**bare, "default_model": "b/m"}, live=True)
    nolist = found({"backends": {"b": {"provider": "nolist", "port": server.port}}})

    assert of(rows, "b")["http"] == ("skipped", "its provider has no way to ask for models")
    assert of(rows, "b")["call"] == ("failed", "Bare does not implement encode")
    assert of(nolist, "b")["http"] == ("skipped", "its provider has no way to ask for models")


def test_a_model_that_is_not_there(serve: Serve) -> None:
    """The call says which."""
    server = serve([answer(MODELS)], [answer(b'{"error":{"message":"no such model"}}', "404 Not Found")])
    rows = found(config(server.url), live=True, model="b/other")

    assert of(rows, "b")["call"] == ("failed", "HTTP 404: no such model")
    assert "other" in remedy(rows, "call")
    assert json.loads(server.requests[1][1])["model"] == "other"
