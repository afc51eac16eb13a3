"""GeminiProvider: Google's generateContent and streamGenerateContent, by the Gemini API or by Vertex AI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl

import attrs

from jackfield import Call, HttpProvider, HttpRequest
from jackfield.models import UNSET, CreateChatCompletionRequest, CreateChatCompletionResponse
from jackfield.parameters import Fitting, OnUnsupported, Parameter
from jackfield.service import head, is_base, no_credential, remember_plain, scrubbed, under
from jackfield.wire import encode
from jackfield_gemini.body import body
from jackfield_gemini.fields import PARAMETERS
from jackfield_gemini.model import path

if TYPE_CHECKING:
    from jackfield.errors import APIError
    from jackfield.models import Model
    from jackfield_gemini.reader import GeminiReader

NAME = "gemini"
MOST_MODELS = 1000
"""As many as the service lists at once."""
_KEYS = frozenset({"access_token", "api_key", "apikey", "key"})


def _no_key(_: Any, attribute: attrs.Attribute[str], value: str) -> None:
    query = parse_qsl(value.partition("?")[2], keep_blank_values=True)
    if any(name.lower() in _KEYS for name, _ in query):
        raise ValueError(
            f"{attribute.name}: expected a URL without a key in its query; "
            "send it in x-goog-api-key, by the middleware header"
        )


def _thresholds(_: Any, attribute: attrs.Attribute[Any], value: Mapping[str, str]) -> None:
    if not all(category.startswith("HARM_CATEGORY_") and threshold for category, threshold in value.items()):
        text = "a table of thresholds, each under the name of a category, HARM_CATEGORY_…"
        raise ValueError(f"{attribute.name}: expected {text}")


@attrs.define(eq=False)
class GeminiProvider(HttpProvider):
    """Google's Gemini models, in their own format.

    Attributes:
        base_url: up to and with the version, without ``/models``; a query is kept. For Vertex AI it ends with
            ``/publishers/google``.
        headers: sent with every request. Credentials belong to an auth middleware.
        safety_settings: thresholds such as ``BLOCK_ONLY_HIGH``, by category such as ``HARM_CATEGORY_HARASSMENT``.
        include_thoughts: ask for summaries of what the model thought, which come as ``reasoning_content``.
        on_unsupported: ``error`` refuses a parameter that the format has no way to say, ``drop`` leaves it out, and the
            attempt tells.
    """

    parameters: ClassVar[Mapping[str, Parameter]] = PARAMETERS

    base_url: str = attrs.field(
        default="https://generativelanguage.googleapis.com/v1beta",
        validator=[is_base("/models", ":generateContent", ":streamGenerateContent"), _no_key],
        repr=scrubbed,
    )
    headers: dict[str, str] = attrs.field(factory=dict, validator=no_credential, repr=False)
    safety_settings: dict[str, str] = attrs.field(factory=dict, validator=_thresholds)
    include_thoughts: bool = False
    on_unsupported: OnUnsupported = attrs.field(default="error", validator=attrs.validators.in_(("error", "drop")))

    def __attrs_post_init__(self) -> None:
        remember_plain(self.base_url, self.headers)

    def encode(self, request: CreateChatCompletionRequest, call: Call) -> HttpRequest:
        """POST …:generateContent, or for a stream …:streamGenerateContent.

        Raises:
            UnsupportedParameterError: the request asks for what the format has no way to say.
            BadRequestError: the model's name is none.
        """
        streams = request.stream is True
        url = under(self.base_url, f"{path(request.model)}:{'streamGenerateContent' if streams else 'generateContent'}")
        own = {"content-type": "application/json", **({"accept": "text/event-stream"} if streams else {})}
        written = body(
            request,
            Fitting(NAME, self.on_unsupported, call.attempt),
            safety_settings=self.safety_settings,
            include_thoughts=self.include_thoughts,
            extra=call.extra_body,
        )
        return HttpRequest(
            "POST",
            _asking(url, "alt=sse") if streams else url,
            head(own, self.headers, call.extra_headers),
            encode(written),
        )

    def decode(self, body: bytes) -> CreateChatCompletionResponse:
        """The response in a body.

        Raises:
            ContentFilterError: the prompt was blocked, or nothing of the answer was let through.
            InvalidResponseError: the service itself calls the answer broken.
        """
        from jackfield_gemini.answer import read  # the first call pays, not the import
        from jackfield_gemini.response import response

        return response(read(body))

    def reader(self, request: CreateChatCompletionRequest, max_line_bytes: int) -> GeminiReader:
        """Reads the stream."""
        from jackfield_gemini.reader import GeminiReader  # only a stream needs it

        options = request.stream_options
        return GeminiReader(
            max_line_bytes,
            choices=request.n if isinstance(request.n, int) else 1,
            include_usage=options is not UNSET and options is not None and options.include_usage is True,
        )

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        """The exception for an error object, with what its details tell."""
        from jackfield_gemini.failure import failure  # only a failure needs it

        return failure(status, headers, body)

    def encode_models(self, call: Call) -> HttpRequest:
        """GET /models."""
        url = _asking(under(self.base_url, "/models"), f"pageSize={MOST_MODELS}")
        return HttpRequest("GET", url, head(self.headers, call.extra_headers))

    def decode_models(self, body: bytes) -> list[Model]:
        """The models that answer by generateContent, the first thousand of them."""
        from jackfield_gemini.listing import listing  # few ask for it

        return listing(body)


def _asking(url: str, query: str) -> str:
    """The URL with a further member of its query."""
    return f"{url}{'&' if '?' in url else '?'}{query}"
