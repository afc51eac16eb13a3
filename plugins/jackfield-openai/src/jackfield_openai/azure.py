"""AzureProvider: models of Azure OpenAI, at an endpoint with a version or at the one that needs none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from jackfield.errors import ContentFilterError, ValidationError
from jackfield.failure import MAX_WORD, sentence
from jackfield.parameters import Parameter, no, partly
from jackfield.service import model_path, under
from jackfield.wire import parse
from jackfield_openai.dialect import ChatCompletions
from jackfield_openai.fields import ALL
from jackfield_openai.preset import Preset
from jackfield_openai.strict import AZURE, Strict

if TYPE_CHECKING:
    from jackfield.errors import APIError
    from jackfield.models import CreateChatCompletionRequest

DATED = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
UNDATED = ("preview", "latest", "v1")
"""Versions of the endpoint that needs none."""
SINCE = {
    "parallel_tool_calls": "2024-09-01-preview",
    "stream_options": "2024-09-01-preview",
    "metadata": "2024-12-01-preview",
    "reasoning_effort": "2024-12-01-preview",
    "store": "2024-12-01-preview",
    "audio": "2025-01-01-preview",
    "modalities": "2025-01-01-preview",
    "prediction": "2025-01-01-preview",
}
"""The version since which a field is taken: https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle."""
LIMIT = "2024-09-01"
"""The date since which there is ``max_completion_tokens``; before, it is called ``max_tokens``."""
DEVELOPER = "2024-12-01"
"""The date since which there is a role ``developer``; before, it is called ``system``."""
UNDATED_ONLY = (
    *("moderation", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
    *("safety_identifier", "service_tier", "verbosity", "web_search_options"),
)
"""Fields of which the documentation of no dated version tells."""


def _version(_: Any, attribute: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None and value not in UNDATED and DATED.fullmatch(value) is None:
        raise ValueError(f"{attribute.name}: expected a date like 2024-10-21, or one of {', '.join(UNDATED)}")


@attrs.define(eq=False, slots=False)
class AzureProvider(ChatCompletions):
    """Azure OpenAI. The model of a request is the name of a deployment.

    Attributes:
        base_url: the endpoint of the resource, as ``https://NAME.openai.azure.com``; a query is kept.
        api_version: a date, as ``2024-10-21``, takes the endpoint of the deployment with that version; none, or
            ``v1``, takes ``/openai/v1``, where no version is needed, ``preview`` and ``latest`` the same with it.
        headers: sent with every request. Credentials belong to an auth middleware: ``header`` with ``api-key``, or
            ``oauth2``.
        include_usage: ask for the usage of streams too; versions before 2024-09-01-preview are not asked.
        on_unsupported: ``error`` refuses a parameter that the version has no way to say, ``drop`` leaves it out, and
            the attempt tells.
    """

    parameters: ClassVar[Mapping[str, Parameter]] = {
        **ALL,
        **{name: partly(f"with a dated api_version only since {version}") for name, version in SINCE.items()},
        **dict.fromkeys(UNDATED_ONLY, partly("not documented for a dated api_version; the service judges")),
        "max_completion_tokens": partly(f"with a dated api_version before {LIMIT} sent as max_tokens"),
        "response_format": partly("with a dated api_version json_schema only since 2024-08-01-preview"),
    }

    api_version: str | None = attrs.field(default=None, validator=_version)

    def __attrs_post_init__(self) -> None:
        path = self.base_url.partition("?")[0].rstrip("/")
        if path.endswith("/chat/completions") or "/openai/v1" in path or "/openai/deployments" in path:
            raise ValueError("base_url: expected the endpoint of the resource, without /openai and what follows it")
        super().__attrs_post_init__()

    def chat_url(self, request: CreateChatCompletionRequest) -> str:
        """That of the deployment, or the same for all."""
        if self._dated:
            return self._at(f"/openai/deployments{model_path(request.model)}/chat/completions")
        return self._at("/openai/v1/chat/completions")

    def models_url(self) -> str:
        """That of the resource: it lists models that could be deployed, not the deployments."""
        return self._at("/openai/models" if self._dated else "/openai/v1/models")

    def departs(self) -> Preset | None:
        """What the version does not take."""
        version = self.api_version
        if version is None or version in UNDATED:
            return None
        lacking = {
            name: no(f"set api_version to {since} or later")
            for name, since in SINCE.items()
            if version[:10] < since[:10]
        }
        return Preset(
            title=f"Azure's version {version}",
            base_url=self.base_url,
            sources=(),
            parameters={name: no(f"set api_version to {SINCE[name]} or later") for name in lacking},
            renamed={"max_completion_tokens": "max_tokens"} if version < LIMIT else {},
            roles={"developer": "system"} if version < DEVELOPER else {},
            stream_options="stream_options" not in lacking,
        )

    def refuses(self) -> Strict | None:
        """As OpenAI; what it found in the host's data is its own."""
        return AZURE

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        """As any service's; where the filter refused, the message names what it found."""
        error = super().failure(status, headers, body)
        found = list(_found(body)) if status == 400 else []
        if isinstance(error, ContentFilterError) and found:
            told = {name: getattr(error, name) for name in ("code", "type", "param", "request_id", "body_excerpt")}
            return ContentFilterError(
                f"{error.message} (found: {sentence(', '.join(found), MAX_WORD)})", status_code=status, **told
            )
        return error

    @property
    def _dated(self) -> bool:
        return self.api_version is not None and self.api_version not in UNDATED

    def _at(self, path: str) -> str:
        url = under(self.base_url, path)
        if self.api_version in {None, "v1"}:
            return url
        return f"{url}{'&' if '?' in url else '?'}api-version={self.api_version}"


def _found(body: bytes) -> Iterator[str]:
    """What a content filter says that it found: the categories that it filtered."""
    try:
        inner = parse(body)["error"]["innererror"]
        results = inner.get("content_filter_results") or inner.get("content_filter_result") or {}
        for name, result in results.items():
            if result.get("filtered") is True:
                yield f"{name} {result.get('severity', '')}".strip()
    except (AttributeError, KeyError, TypeError, ValidationError):
        return
