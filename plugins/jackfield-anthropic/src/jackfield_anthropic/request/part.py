"""Parts: the content of a message to blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jackfield_anthropic.request.block import Block, text_block
from jackfield_anthropic.request.source import file_source, guess, is_web, split_data, url_source

if TYPE_CHECKING:
    from jackfield.parameters import Fitting

Part = Mapping[str, Any]
CACHED = {"type": "ephemeral"}
_FILE = "send a PDF, an image (JPEG, PNG, GIF, WebP) or text, or the id of a file"
_FILE_MEMBERS = {"file_data", "file_id", "filename"}
_IMAGE = "give an http or https URL, or a JPEG, PNG, GIF or WebP in a data: URL"


def content_blocks(content: str | list[Part] | None, path: str, fitting: Fitting) -> list[Block]:
    """The blocks of the content of a message.

    Args:
        content: text, parts, or nothing.
        path: of the content in the request.
        fitting: takes what cannot be said.

    Raises:
        UnsupportedParameterError: a part cannot be said.
    """
    if isinstance(content, str):
        return [text_block(content)]
    made = [_block(part, f"{path}[{number}]", fitting) for number, part in enumerate(content or ())]
    return [block for block in made if block is not None]


def _block(part: Part, path: str, fitting: Fitting) -> Block | None:
    """The block of a part; a kind that OpenAI does not have is the service's own, and stays as it is."""
    known = _KINDS.get(part.get("type", ""))
    block = dict(part) if known is None else known(part, path, fitting)
    if block is not None and block.pop("prompt_cache_breakpoint", None) is not None:
        block.setdefault("cache_control", dict(CACHED))
    return block


def _text(part: Part, path: str, fitting: Fitting) -> Block:
    del path, fitting
    return dict(part)


def _refusal(part: Part, path: str, fitting: Fitting) -> Block:
    del path, fitting
    return {**text_block(str(part.get("refusal", ""))), **_besides(part, "refusal")}


def _audio(part: Part, path: str, fitting: Fitting) -> None:
    del part
    fitting.lacks(path, "send a transcript of the audio")


def _image(part: Part, path: str, fitting: Fitting) -> Block | None:
    image = _member(part, "image_url", "url")
    known = ("url", "detail") if image.get("detail") == "auto" else ("url",)
    for lost in fitting.others(image, known, f"{path}.image_url"):
        fitting.lacks(lost, "leave it out")
    source = url_source(str(image.get("url", "")))
    if source is None:
        fitting.lacks(f"{path}.image_url.url", _IMAGE)
        return None
    return {"type": "image", "source": source, **_besides(part, "image_url")}


def _file(part: Part, path: str, fitting: Fitting) -> Block | None:
    file = _member(part, "file", "file_data")
    for lost in fitting.others(file, _FILE_MEMBERS, f"{path}.file"):
        fitting.lacks(lost, "leave it out")
    if file.get("file_id") and file.get("file_data"):
        fitting.lacks(f"{path}.file.file_data", "give the id or the data")
    source = _source(file)
    if source is None:
        fitting.lacks(f"{path}.file", _FILE)
        return None
    kind = "image" if source.get("media_type", "").startswith("image/") else "document"
    title = {"title": file["filename"]} if isinstance(file.get("filename"), str) and kind == "document" else {}
    if not title and file.get("filename") is not None:
        fitting.leave_out(f"{path}.file.filename")  # an image has no title
    return {"type": kind, "source": source, **title, **_besides(part, "file")}


def _source(file: Mapping[str, Any]) -> dict[str, Any] | None:
    if file.get("file_id"):
        return {"type": "file", "file_id": file["file_id"]}
    data = str(file.get("file_data") or "")
    if is_web(data):
        return {"type": "url", "url": data}
    return file_source(*(split_data(data) or (guess(data, str(file.get("filename", ""))), data)))


def _member(part: Part, name: str, only: str) -> Mapping[str, Any]:
    """An object in a part; in tool messages it may be anything, and be given by its only member."""
    value = part.get(name)
    return value if isinstance(value, dict) else {only: value or ""}


def _besides(part: Part, own: str) -> Block:
    return {name: value for name, value in part.items() if name not in ("type", own)}


_KINDS: Mapping[str, Callable[[Part, str, Fitting], Block | None]] = {
    "text": _text,
    "refusal": _refusal,
    "input_audio": _audio,
    "image_url": _image,
    "file": _file,
}
