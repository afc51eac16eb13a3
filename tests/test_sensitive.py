"""Names whose values are secrets, and what becomes of those."""

from __future__ import annotations

import pytest

from jackfield.redaction import scrub
from jackfield.sensitive import names_secret, remember_credentials


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("Authorization", "Bearer canary-aaa", "canary-aaa"),
        ("x-own-token", "canary-bbb", "canary-bbb"),
        ("authorization", "Basic dXNlcjpjYW5hcnktY2Nj", "canary-ccc"),
    ],
)
def test_credentials_are_known_by_the_names_of_their_headers(name: str, value: str, secret: str) -> None:
    """With their scheme and without it; of user and password the password."""
    remember_credentials({name: value, "x-title": "a title", "x-count-token": 3})

    assert secret not in scrub(f"say {secret}, {value}")
    assert value.rpartition(" ")[2] not in scrub(value)
    assert scrub("a title") == "a title"


@pytest.mark.parametrize("name", ["sig", "X-Sig", "pw", "user_pw", "key", "client_auth"])
def test_short_words_for_secrets_are_known_where_they_stand_alone(name: str) -> None:
    """As in the query of a signed URL."""
    assert names_secret(name)
    assert not names_secret(f"{name}design")


@pytest.mark.parametrize(
    "name",
    [
        "token_url",
        "client_id",
        "keyring_name",
        "tokenizer",
        "monkey",
        "secret_file",
        "author",
        "keep",
        "url",
        "Idempotency-Key",
        "X-Idempotency-Key",
        "idempotencyKey",
    ],
)
def test_names_that_only_speak_of_a_secret_are_none(name: str) -> None:
    """Where it is, how it is called, or which call it is."""
    assert not names_secret(name)


def test_the_name_of_a_call_is_no_credential() -> None:
    """An ``Idempotency-Key`` is another for each call: as a secret it would cost every text, and be bound to an origin."""
    remember_credentials({"Idempotency-Key": "canary-fff-666"})

    assert scrub("call canary-fff-666") == "call canary-fff-666"
