"""Attachments: what a file becomes."""

from __future__ import annotations

import base64

import llm
import pytest
from llm_jackfield.attachments import IMAGES, PDF, SOUND, TYPES, part
from llm_jackfield.failure import FailedError


@pytest.mark.parametrize("kind", sorted(IMAGES))
def test_an_image_is_a_data_url(kind):
    """With how closely to look at it, where that was said."""
    attachment = llm.Attachment(content=b"\x00\xff", type=kind)
    url = f"data:{kind};base64,AP8="

    assert part(attachment, None) == {"type": "image_url", "image_url": {"url": url}}
    assert part(attachment, "low") == {"type": "image_url", "image_url": {"url": url, "detail": "low"}}


@pytest.mark.parametrize(("kind", "called"), sorted(SOUND.items()))
def test_sound_is_named_by_its_format(kind, called):
    """As the wire names it."""
    told = {"data": base64.b64encode(b"\x00\xff").decode(), "format": called}

    assert part(llm.Attachment(content=b"\x00\xff", type=kind), "low") == {"type": "input_audio", "input_audio": told}


def test_a_pdf_is_a_file_with_a_name(tmp_path):
    """From a path too, whose own name is nobody's business."""
    (tmp_path / "secret plans.pdf").write_bytes(b"%PDF-1.4")
    said = part(llm.Attachment(path=str(tmp_path / "secret plans.pdf"), type=PDF), None)

    assert said["type"] == "file"
    assert said["file"]["file_data"] == "data:application/pdf;base64,JVBERi0xLjQ="
    assert said["file"]["filename"].endswith(".pdf")
    assert "secret" not in said["file"]["filename"]


def test_only_a_bare_url_of_an_image_is_left_to_the_backend():
    """No byte of it is fetched here."""
    url = "http://127.0.0.1:9/a.png"

    assert part(llm.Attachment(url=url, type="image/png"), None)["image_url"] == {"url": url}


@pytest.mark.parametrize("kind", ["video/mp4", "text/plain", "image/svg+xml"])
def test_other_types_are_refused(kind):
    """With those that are not."""
    with pytest.raises(
        FailedError, match=rf"^attachments of type {kind.replace('+', '.')} cannot be sent; only .*image/png"
    ) as told:
        part(llm.Attachment(content=b"x", type=kind), None)

    assert all(known in str(told.value) for known in TYPES)
