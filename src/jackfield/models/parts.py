"""Parts of a message's content: text, image, audio, file, refusal, and kinds that are not known yet."""

from __future__ import annotations

from typing import Literal, TypeAlias

from jackfield.models.base import UNSET, UnsetType, WireValue, wire
from jackfield.models.enums import ImageDetail, InputAudioFormat

__all__ = [
    "ChatCompletionRequestAssistantMessageContentPart",
    "ChatCompletionRequestDeveloperMessageContentPart",
    "ChatCompletionRequestMessageContentPartAudio",
    "ChatCompletionRequestMessageContentPartFile",
    "ChatCompletionRequestMessageContentPartImage",
    "ChatCompletionRequestMessageContentPartRefusal",
    "ChatCompletionRequestMessageContentPartText",
    "ChatCompletionRequestSystemMessageContentPart",
    "ChatCompletionRequestToolMessageContentPart",
    "ChatCompletionRequestUserMessageContentPart",
    "ImageURL",
    "InputAudio",
    "InputFile",
    "PromptCacheBreakpointParam",
    "UnknownContentPart",
]


@wire(kw_only=True)
class PromptCacheBreakpointParam(WireValue):
    """The prompt up to this part is to be cached. OpenAI API schema ``PromptCacheBreakpointParam``."""

    mode: str = "explicit"


@wire(kw_only=True)
class ChatCompletionRequestMessageContentPartText(WireValue):
    """Text. OpenAI API schema ``ChatCompletionRequestMessageContentPartText``."""

    type: Literal["text"] = "text"
    text: str
    prompt_cache_breakpoint: PromptCacheBreakpointParam | UnsetType = UNSET


@wire(kw_only=True)
class ImageURL(WireValue):
    """Where an image is. OpenAI API schema ``ChatCompletionRequestMessageContentPartImage.image_url``.

    Attributes:
        url: ``https:``, ``http:``, or the image itself as ``data:`` URL.
        detail: how closely to look; the backend's default is ``auto``.
    """

    url: str
    detail: ImageDetail | UnsetType = UNSET


@wire(kw_only=True)
class ChatCompletionRequestMessageContentPartImage(WireValue):
    """An image. OpenAI API schema ``ChatCompletionRequestMessageContentPartImage``."""

    type: Literal["image_url"] = "image_url"
    image_url: ImageURL
    prompt_cache_breakpoint: PromptCacheBreakpointParam | UnsetType = UNSET


@wire(kw_only=True)
class InputAudio(WireValue):
    """Recorded sound. OpenAI API schema ``ChatCompletionRequestMessageContentPartAudio.input_audio``.

    Attributes:
        data: in base64.
        format: of the data before base64.
    """

    data: str
    format: InputAudioFormat


@wire(kw_only=True)
class ChatCompletionRequestMessageContentPartAudio(WireValue):
    """Sound. OpenAI API schema ``ChatCompletionRequestMessageContentPartAudio``."""

    type: Literal["input_audio"] = "input_audio"
    input_audio: InputAudio
    prompt_cache_breakpoint: PromptCacheBreakpointParam | UnsetType = UNSET


@wire(kw_only=True)
class InputFile(WireValue):
    """A file, by its content or by its id. OpenAI API schema ``ChatCompletionRequestMessageContentPartFile.file``.

    Attributes:
        filename: its name, where the content is given.
        file_data: its content, in base64.
        file_id: the id of one that was uploaded before.
    """

    filename: str | UnsetType = UNSET
    file_data: str | UnsetType = UNSET
    file_id: str | UnsetType = UNSET


@wire(kw_only=True)
class ChatCompletionRequestMessageContentPartFile(WireValue):
    """A file. OpenAI API schema ``ChatCompletionRequestMessageContentPartFile``."""

    type: Literal["file"] = "file"
    file: InputFile
    prompt_cache_breakpoint: PromptCacheBreakpointParam | UnsetType = UNSET


@wire(kw_only=True)
class ChatCompletionRequestMessageContentPartRefusal(WireValue):
    """The text with which the model refused. OpenAI API schema ``ChatCompletionRequestMessageContentPartRefusal``."""

    type: Literal["refusal"] = "refusal"
    refusal: str


@wire(kw_only=True)
class UnknownContentPart(WireValue):
    """A part of a kind that is not known in its place; all but the type is in ``extra``."""

    type: str


ChatCompletionRequestDeveloperMessageContentPart: TypeAlias = (
    ChatCompletionRequestMessageContentPartText | UnknownContentPart
)
"""A part of a developer message; inline in OpenAI's schema ``ChatCompletionRequestDeveloperMessage``."""

ChatCompletionRequestSystemMessageContentPart: TypeAlias = (
    ChatCompletionRequestMessageContentPartText | UnknownContentPart
)
"""OpenAI API schema ``ChatCompletionRequestSystemMessageContentPart``."""

ChatCompletionRequestToolMessageContentPart: TypeAlias = (
    ChatCompletionRequestMessageContentPartText | UnknownContentPart
)
"""OpenAI API schema ``ChatCompletionRequestToolMessageContentPart``."""

ChatCompletionRequestUserMessageContentPart: TypeAlias = (
    ChatCompletionRequestMessageContentPartText
    | ChatCompletionRequestMessageContentPartImage
    | ChatCompletionRequestMessageContentPartAudio
    | ChatCompletionRequestMessageContentPartFile
    | UnknownContentPart
)
"""OpenAI API schema ``ChatCompletionRequestUserMessageContentPart``."""

ChatCompletionRequestAssistantMessageContentPart: TypeAlias = (
    ChatCompletionRequestMessageContentPartText | ChatCompletionRequestMessageContentPartRefusal | UnknownContentPart
)
"""OpenAI API schema ``ChatCompletionRequestAssistantMessageContentPart``."""
