"""Content: the parts of a message that a user, a developer or a tool wrote, as parts of generateContent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from jackfield.models import UNSET
from jackfield.models.base import WireValue
from jackfield.models.parts import (
    ChatCompletionRequestMessageContentPartAudio,
    ChatCompletionRequestMessageContentPartFile,
    ChatCompletionRequestMessageContentPartImage,
    ChatCompletionRequestMessageContentPartRefusal,
    ChatCompletionRequestMessageContentPartText,
    ImageURL,
    InputFile,
    UnknownContentPart,
)
from jackfield.parameters import Fitting
from jackfield_gemini import media
from jackfield_gemini.model import Family

Part = dict[str, Any]
_RESOLUTIONS = {"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"}


@attrs.frozen
class ContentWriter:
    """Writes the content of messages.

    Args:
        fitting: takes what cannot be said.
        family: of the model.
    """

    fitting: Fitting
    family: Family

    def parts(self, content: Any, place: str) -> list[Part]:
        """The parts for the content of a message; what is empty says nothing, and the service refuses it.

        Args:
            content: text, or parts.
            place: of the message, as ``messages[2]``.

        Raises:
            UnsupportedParameterError: a part cannot be said.
        """
        if content is None or content is UNSET:
            return []
        if isinstance(content, str):
            return [{"text": content}] if content else []
        written = (self._part(part, f"{place}.content[{number}]") for number, part in enumerate(content))
        return [part for part in written if part is not None]

    def text(self, content: Any, place: str) -> str:
        """The text of a content that can only be text.

        Raises:
            UnsupportedParameterError: a part is none.
        """
        if content is None or content is UNSET:
            return ""
        if isinstance(content, str):
            return content
        parts: Sequence[Any] = content
        return "".join(self._text(part, f"{place}.content[{number}]") for number, part in enumerate(parts))

    def _text(self, part: Any, place: str) -> str:
        if isinstance(part, ChatCompletionRequestMessageContentPartText):
            self._no_breakpoint(part, place)
            return part.text
        if isinstance(part, ChatCompletionRequestMessageContentPartRefusal):
            return part.refusal
        self.fitting.lacks(place, "give text here, and anything else in a message of the user")
        return ""

    def _part(self, part: Any, place: str) -> Part | None:
        self._no_breakpoint(part, place)
        if isinstance(part, ChatCompletionRequestMessageContentPartText):
            return {"text": part.text} if part.text else None
        if isinstance(part, ChatCompletionRequestMessageContentPartImage):
            return self._image(part.image_url, place)
        if isinstance(part, ChatCompletionRequestMessageContentPartAudio):
            return media.inline(f"audio/{part.input_audio.format}", part.input_audio.data)
        if isinstance(part, ChatCompletionRequestMessageContentPartFile):
            return self._file(part.file, place)
        if isinstance(part, UnknownContentPart) and part.type == "video_url":
            return self._video(part, place)
        self.fitting.lacks(place, "give text, image_url, input_audio, file or video_url")
        return None

    def _image(self, image: ImageURL, place: str) -> Part | None:
        part = self._media(image.url, f"{place}.image_url.url")
        level = _RESOLUTIONS.get(str(image.detail))
        if part is None or image.detail is UNSET or image.detail == "auto":
            return part
        if level is not None and self.family.new:
            return {**part, "mediaResolution": {"level": level}}
        self.fitting.lacks(f"{place}.image_url.detail", "leave it out, for low and high ask Gemini 3 or newer")
        return part

    def _video(self, part: UnknownContentPart, place: str) -> Part | None:
        video = part.extra.get("video_url")
        url = video.get("url") if isinstance(video, dict) else video
        return self._media(url if isinstance(url, str) else "", f"{place}.video_url.url")

    def _media(self, url: str, place: str) -> Part | None:
        part = media.of_url(url)
        if part is None:
            self.fitting.lacks(place, "give a data: URL, or one that begins with https:// or gs://")
        return part

    def _file(self, file: InputFile, place: str) -> Part | None:
        if isinstance(file.file_id, str):
            return self._media(file.file_id, f"{place}.file.file_id")
        data = file.file_data
        if not isinstance(data, str):
            self.fitting.lacks(f"{place}.file", "give file_data")
            return None
        mime_type = media.type_of(file.filename) if isinstance(file.filename, str) else None
        if mime_type is not None and data[:5].lower() != "data:":
            return media.inline(mime_type, data)
        part = media.of_data_url(data)
        if part is None:
            remedy = "give a data: URL with the type of the file, or a filename with a known extension"
            self.fitting.lacks(f"{place}.file.file_data", remedy)
        return part

    def _no_breakpoint(self, part: WireValue, place: str) -> None:
        if getattr(part, "prompt_cache_breakpoint", UNSET) is not UNSET:
            remedy = "leave it out: the service caches by itself; or name a cache by cachedContent in extra_body"
            self.fitting.lacks(f"{place}.prompt_cache_breakpoint", remedy)
