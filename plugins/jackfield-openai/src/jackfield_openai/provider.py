"""OpenAIProvider: OpenAI's service, and the services that speak its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import attrs

from jackfield.models import CreateChatCompletionRequest
from jackfield.parameters import Parameter
from jackfield.service import is_base, scrubbed, under
from jackfield_openai.dialect import ChatCompletions
from jackfield_openai.fields import ALL
from jackfield_openai.preset import Preset, PresetName
from jackfield_openai.presets import PRESETS
from jackfield_openai.strict import OPENAI as STRICT
from jackfield_openai.strict import Strict

OPENAI = "https://api.openai.com/v1"


def _usual_url(provider: OpenAIProvider) -> str:
    preset = PRESETS.get(provider.preset or "")
    return OPENAI if preset is None else preset.base_url


def _known(_: Any, attribute: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None and value not in PRESETS:
        raise ValueError(f"{attribute.name}: expected one of {', '.join(PRESETS)}")


@attrs.define(eq=False, slots=False)
class OpenAIProvider(ChatCompletions):
    """OpenAI, or anything that speaks its protocol.

    Attributes:
        preset: the service, if it is one that is known to depart from OpenAI: its URL, and what it takes otherwise.
        base_url: up to and with the version, without ``/chat/completions``; a query is kept. The preset's, or OpenAI's.
        organization, project: sent as ``OpenAI-Organization`` and ``OpenAI-Project``.
        headers: sent with every request. Credentials belong to an auth middleware.
        include_usage: ask for the usage of streams too; switch it off for servers that refuse ``stream_options``.
        on_unsupported: ``error`` refuses a parameter that the preset's service has no way to say, ``drop`` leaves it
            out, and the attempt tells.
    """

    parameters: ClassVar[Mapping[str, Parameter]] = ALL

    preset: PresetName | None = attrs.field(default=None, validator=_known)
    base_url: str = attrs.field(
        default=attrs.Factory(_usual_url, takes_self=True),
        validator=is_base("/chat/completions", "/v1/models"),  # some services have all below /models
        repr=scrubbed,
    )
    organization: str | None = None
    project: str | None = None

    def chat_url(self, request: CreateChatCompletionRequest) -> str:
        """The same for every model."""
        del request
        return self._chat_url

    def models_url(self) -> str:
        """Beside that of chat completions."""
        return under(self.base_url, "/models")

    def own_headers(self) -> Mapping[str, str]:
        """Those that say on whose account."""
        own = {"openai-organization": self.organization, "openai-project": self.project}
        return {name: value for name, value in own.items() if value}

    def departs(self) -> Preset | None:
        """The preset."""
        return None if self.preset is None else PRESETS[self.preset]

    def refuses(self) -> Strict | None:
        """What the preset tells; without one, OpenAI's own service, in any of its regions."""
        if self.preset is not None:
            return PRESETS[self.preset].strict
        return STRICT if f".{self.origin.host}".endswith(".api.openai.com") else None

    @cached_property
    def _chat_url(self) -> str:
        return under(self.base_url, "/chat/completions")
