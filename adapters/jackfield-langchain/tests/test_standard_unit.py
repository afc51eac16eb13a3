"""LangChain's standard unit tests."""

from __future__ import annotations

from typing import Any

from jackfield_langchain import ChatJackfield
from langchain_tests.unit_tests import ChatModelUnitTests


class TestChatJackfield(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[ChatJackfield]:
        return ChatJackfield

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "echo/any", "config": {"backends": {"echo": {"provider": "echo"}}}}

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        """But for ``api_key`` and ``max_retries``, whose place is the configuration."""
        refused = {"api_key", "max_retries"}
        return {name: value for name, value in super().standard_chat_model_params.items() if name not in refused}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        """None: variables of the environment are the configuration's matter, so the test of them is skipped.

        The test of serialisation is skipped too: a dump would hold the configuration, and so a model has none.
        """
        return {}, {}, {}
