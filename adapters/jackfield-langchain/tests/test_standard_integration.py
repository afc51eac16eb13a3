"""LangChain's standard integration tests, on a real server."""

from __future__ import annotations

from typing import Any

import pytest
from jackfield_langchain import ChatJackfield
from langchain_tests.integration_tests import ChatModelIntegrationTests


class TestChatJackfield(ChatModelIntegrationTests):
    """Tests of media are skipped, since they fetch their files from the internet: test_content.py has every kind."""

    @pytest.fixture(autouse=True)
    def _on_the_server(self, llama_config: dict[str, Any]) -> None:
        self.config = llama_config

    @property
    def chat_model_class(self) -> type[ChatJackfield]:
        return ChatJackfield

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "llama/talkative", "config": self.config, "temperature": 0, "max_tokens": 300}

    @property
    def model_override_value(self) -> str:
        return "talkative"

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True


class TestByFunctionCalling(TestChatJackfield):
    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "function_calling"}
