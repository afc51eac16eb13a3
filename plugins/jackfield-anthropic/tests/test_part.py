"""Parts of a message to blocks: text, images, files, and what only this service has."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from jackfield.errors import UnsupportedParameterError

PNG = "iVBORw0KGgo="
PDF = base64.b64encode(b"%PDF-1.7").decode()
TEXT = base64.b64encode("Grüße".encode()).decode()


def blocks(sent, *parts: dict[str, Any]) -> Any:
    """The blocks of a user's message with a text and these parts."""
    (turn,) = sent(messages=[{"role": "user", "content": [{"type": "text", "text": "See:"}, *parts]}])["messages"]
    return turn["content"] if isinstance(turn["content"], str) else turn["content"][1:]


def image(url: str, **besides: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **besides}}


def file(**members: Any) -> dict[str, Any]:
    return {"type": "file", "file": members}


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://a.example/b.png", {"type": "url", "url": "https://a.example/b.png"}),
        ("HTTP://a.example/b", {"type": "url", "url": "HTTP://a.example/b"}),
        (f"data:image/png;base64,{PNG}", {"type": "base64", "media_type": "image/png", "data": PNG}),
        (f"data:image/JPG;base64,{PNG}", {"type": "base64", "media_type": "image/jpeg", "data": PNG}),
        ("DATA:image/gif;x=1;BASE64,R0lG%2B", {"type": "base64", "media_type": "image/gif", "data": "R0lG+"}),
        ("data:image/webp,%52I,FF", {"type": "base64", "media_type": "image/webp", "data": "UkksRkY="}),
        ("data:image/webp,%52IFF", {"type": "base64", "media_type": "image/webp", "data": "UklGRg=="}),
    ],
)
def test_an_image_has_a_source(sent, url, source):
    """A URL, or base64 without what stands before it in a data: URL."""
    assert blocks(sent, image(url)) == [{"type": "image", "source": source}]


@pytest.mark.parametrize("url", ["data:image/svg+xml;base64,PHN2", "data:image/png", "file:///etc/passwd", "b.png", ""])
def test_an_image_that_the_service_takes_not_is_refused(sent, dropped, url):
    """With its path; dropped, the rest of the message goes."""
    path = "messages[0].content[1].image_url.url"
    with pytest.raises(UnsupportedParameterError) as caught:
        blocks(sent, image(url))
    assert caught.value.param == path

    body, left = dropped(messages=[{"role": "user", "content": [{"type": "text", "text": "See:"}, image(url)]}])
    assert (body["messages"], left) == ([{"role": "user", "content": "See:"}], (path,))


def test_a_detail_is_refused_unless_it_asks_for_nothing(sent, dropped):
    """So is any other member of an image."""
    url = "https://a.example/b.png"
    assert blocks(sent, image(url, detail="auto")) == blocks(sent, image(url))
    with pytest.raises(UnsupportedParameterError, match=r"messages\[0\]\.content\[1\]\.image_url\.detail"):
        blocks(sent, image(url, detail="high"))

    _, left = dropped(messages=[{"role": "user", "content": [image(url, detail="low", format="x")]}])
    assert left == ("messages[0].content[0].image_url.detail", "messages[0].content[0].image_url.format")


@pytest.mark.parametrize(
    ("members", "block"),
    [
        ({"file_id": "file_01"}, {"type": "document", "source": {"type": "file", "file_id": "file_01"}}),
        (
            {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "a.pdf"},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}, "title": "a.pdf"},
        ),
        (
            {"file_data": PDF},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
        ),
        (
            {"file_data": TEXT, "filename": "Notes.MD"},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}, "title": "Notes.MD"},
        ),
        (
            {"file_data": f"data:text/csv;charset=utf-8;base64,{TEXT}"},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}},
        ),
        (
            {"file_data": "data:,a%20b"},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a b"}},
        ),
        (
            {"file_data": f"data:image/png;base64,{PNG}", "filename": "a.png"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        ),
        (
            {"file_data": "https://a.example/b.pdf"},
            {"type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"}},
        ),
    ],
)  # fmt: skip
def test_a_file_is_a_document_or_an_image(sent, members, block):
    """By its media type, its first bytes or its name."""
    assert blocks(sent, file(**members)) == [block]


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"file_data": "AAAA"},
        {"file_data": "AAAA", "filename": "a.exe"},
        {"file_data": "data:application/zip;base64,AAAA"},
        {"file_data": "data:text/plain;base64,/w=="},
        {"file_data": "data:text/plain;base64,é"},
    ],
)
def test_a_file_that_the_service_takes_not_is_refused(sent, members):
    """With what it takes."""
    with pytest.raises(UnsupportedParameterError, match="send a PDF, an image") as caught:
        blocks(sent, file(**members))
    assert caught.value.param == "messages[0].content[1].file"


PDF = {"file_data": "data:application/pdf;base64,AAAA"}


@pytest.mark.parametrize(
    ("members", "name"),
    [({**PDF, "own": 1}, "own"), ({**PDF, "file_id": "file_1"}, "file_data")],
    ids=["unknown", "both"],
)
def test_what_a_file_has_too_much_is_refused(sent, members, name):
    """Nothing of it is passed over."""
    with pytest.raises(UnsupportedParameterError) as caught:
        blocks(sent, file(**members))
    assert caught.value.param == f"messages[0].content[1].file.{name}"


def test_members_of_a_file_are_refused_in_their_order_and_a_null_says_nothing(sent, dropped):
    """The error names the first, in every process the same."""
    besides = dict.fromkeys("zyxwvutsrq", 1)
    paths = tuple(f"messages[0].content[0].file.{name}" for name in besides)
    content = [file(**PDF, null=None, **besides)]
    with pytest.raises(UnsupportedParameterError) as caught:
        sent(messages=[{"role": "user", "content": content}])
    assert caught.value.param == paths[0]
    assert dropped(messages=[{"role": "user", "content": content}])[1] == paths
    assert blocks(sent, file(**PDF, null=None)) == blocks(sent, file(**PDF))
    assert blocks(sent, image("https://h/a.png", null=None)) == blocks(sent, image("https://h/a.png"))


def test_the_name_of_an_image_is_left_out_and_told_of(attempted):
    """Only a document has a title."""
    part = file(file_data="data:image/png;base64,AAAA", filename="a.png")
    assert attempted(messages=[{"role": "user", "content": [part]}])[1].dropped == (
        "messages[0].content[0].file.filename",
    )


def test_audio_is_refused(sent):
    """With the remedy."""
    with pytest.raises(UnsupportedParameterError, match=r"messages\[0\]\.content\[1\]: .*transcript"):
        blocks(sent, {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}})


@pytest.mark.parametrize(
    "part",
    [
        {"type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"}, "citations": {"enabled": True}},
        {"type": "search_result", "source": "x", "title": "t", "content": []},
        {"type": "image", "source": {"type": "file", "file_id": "file_01"}},
        {"type": "text", "text": "x", "citations": None, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ],
)  # fmt: skip
def test_blocks_and_members_of_the_services_own_go_as_they_are(sent, part):
    """Whatever OpenAI does not have."""
    assert blocks(sent, part) == [part]


def test_where_the_cache_ends_is_told_in_either_way(sent):
    """OpenAI's breakpoint, and the service's own, which wins."""
    url, own = "https://a.example/b.png", {"type": "ephemeral", "ttl": "1h"}
    end = {"prompt_cache_breakpoint": {"mode": "explicit"}}

    assert [block["cache_control"] for block in blocks(
        sent, {**image(url), **end}, {"type": "text", "text": "x", **end}, {**image(url), **end, "cache_control": own}
    )] == [{"type": "ephemeral"}, {"type": "ephemeral"}, own]  # fmt: skip
    assert all("prompt_cache_breakpoint" not in block for block in blocks(sent, {**image(url), **end}))


@pytest.mark.parametrize(
    "part", [{"type": "image_url"}, {"type": "image_url", "image_url": 7}, {"type": "file", "file": []}]
)
def test_a_part_in_a_result_that_is_none_is_refused(sent, part):
    """OpenAI's format has only text there, so it may be anything."""
    message = {"role": "tool", "tool_call_id": "c", "content": [part]}
    with pytest.raises(UnsupportedParameterError, match=r"messages\[0\]\.content\[0\]"):
        sent(messages=[message])


def test_an_image_in_a_result_may_be_its_url(sent):
    """As some hosts give it."""
    message = {
        "role": "tool",
        "tool_call_id": "c",
        "content": [{"type": "image_url", "image_url": "https://a.example/b"}],
    }

    (turn,) = sent(messages=[message])["messages"]

    source = {"type": "url", "url": "https://a.example/b"}
    assert turn["content"][0]["content"] == [{"type": "image", "source": source}]
