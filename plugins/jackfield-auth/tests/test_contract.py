"""The auth middleware keep the contract of middleware."""

from __future__ import annotations

import itertools

import pytest

from jackfield.testing import MiddlewareContract, Reply
from jackfield_auth import Bearer, Header, OAuth2


class TestBearer(MiddlewareContract):
    """A token in the header Authorization."""

    @pytest.fixture
    def middleware(self):
        return Bearer, {"token": "env:CONTRACT_TOKEN"}


class TestHeader(MiddlewareContract):
    """A key in a header of any name."""

    @pytest.fixture
    def middleware(self):
        return Header, {"name": "x-api-key", "value": "env:CONTRACT_KEY", "prefix": "Key "}


class TestOAuth2(MiddlewareContract):
    """A token that is fetched, and fetched again where the backend refuses it."""

    numbers = itertools.count(1)

    @pytest.fixture
    def middleware(self):
        settings = {"client_id": "me", "client_secret": "env:CONTRACT_SECRET", "scope": "chat"}
        return OAuth2, {"token_url": "https://login.example/token", **settings}

    def service(self, http_request):
        """The token endpoint: another token each time."""
        token = f"token-{next(self.numbers)}-zW4kQ9"
        return Reply.of_json({"access_token": token, "token_type": "Bearer", "expires_in": 3600})
