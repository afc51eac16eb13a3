"""LangChain's standard integration tests, on a real server."""

from __future__ import annotations

from typing import Any

import pytest
from jackfield_langchain import ChatJackfield
from langchain_tests.integration_tests import ChatModelIntegrationTests


class TestChatJackfield(ChatModelIntegrationTests):
    """What is left out is said at its property. Media are not told to be supported, since those tests fetch their files.

    They ask the internet for them, whatever the model can do; ``test_content.py`` has every kind of block.
    """

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
    def supports_image_inputs(self) -> bool:
        """Not for the suite, which fetches its image from the internet: see ``test_content.py``."""
        return False

    @property
    def supports_pdf_inputs(self) -> bool:
        """Not for the suite, which fetches its file from the internet: see ``test_content.py``."""
        return False

    @property
    def supports_audio_inputs(self) -> bool:
        """Not for the suite, which fetches its sound from the internet: see ``test_content.py``."""
        return False

    @property
    def supports_image_tool_message(self) -> bool:
        """Not for the suite, which fetches its image from the internet: see ``test_content.py``."""
        return False

    @property
    def supports_pdf_tool_message(self) -> bool:
        """Not for the suite, which fetches its file from the internet: see ``test_content.py``."""
        return False

    @property
    def enable_vcr_tests(self) -> bool:
        """No: they measure a stream from a recording, and here is a real server to ask."""
        return False

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
