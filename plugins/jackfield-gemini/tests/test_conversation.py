"""Messages as contents: roles, parts, tools and their answers, signatures, and what cannot be said."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.errors import UnsupportedParameterError

SYSTEM = {"role": "system", "content": "Be brief."}
PNG = "data:image/png;base64,aWNvbg=="
DUMMY = "skip_thought_signature_validator"


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "text": content}


def image(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def file(**members: Any) -> dict[str, Any]:
    return {"type": "file", "file": members}


def calls(*calls: tuple[str, str, str], content: str | None = None, **more: Any) -> dict[str, Any]:
    made = [
        {"id": each, "type": "function", "function": {"name": name, "arguments": args}} for each, name, args in calls
    ]
    return {"role": "assistant", "content": content, "tool_calls": made, **more}


def tool(identity: str, content: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identity, "content": content}


def said(role: str, *parts: Any) -> dict[str, Any]:
    return {"role": role, "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}


def called(name: str, args: dict[str, Any], identity: str | None = None, **more: Any) -> dict[str, Any]:
    given = {} if identity is None else {"id": identity}
    return {"functionCall": {"name": name, "args": args, **given}, **more}


def returned(name: str, response: Any, identity: str | None = None) -> dict[str, Any]:
    given = {} if identity is None else {"id": identity}
    return {"functionResponse": {"name": name, "response": response, **given}}


CASES: dict[str, tuple[list[Any], list[Any], list[str]]] = {
    "roles": (
        [SYSTEM, user(text("A")), {"role": "assistant", "content": "B"}, {"role": "user", "content": "C"}],
        [said("user", "A"), said("model", "B"), said("user", "C")],
        ["Be brief."],
    ),
    "instructions wherever they stand": (
        [{"role": "user", "content": "A"}, SYSTEM, {"role": "developer", "content": [text("B"), text("C")]}],
        [said("user", "A")],
        ["Be brief.", "BC"],
    ),
    "neighbours of one role": (
        [user(text("A")), SYSTEM, user(text("B")), {"role": "assistant", "content": "C"}, {"role": "assistant", "content": "D"}],
        [said("user", "A", "B"), said("model", "C", "D")],
        ["Be brief."],
    ),
    "empty texts": (
        [user(text("")), {"role": "assistant", "content": ""}, user(text(""), text("A")), {"role": "system", "content": ""}],
        [said("user", "A")],
        [],
    ),
    "nothing but instructions": ([SYSTEM], [said("user", "")], ["Be brief."]),
    "refusal": (
        [user(text("A")), {"role": "assistant", "content": None, "refusal": "No."},
         {"role": "assistant", "content": [text("B"), {"type": "refusal", "refusal": "C"}]}],
        [said("user", "A"), said("model", "No.", "BC")],
        [],
    ),
    "thoughts": (
        [user(text("A")), {"role": "assistant", "content": "C", "reasoning_content": "B"}, {"role": "assistant", "content": "", "reasoning": "D"}],
        [said("user", "A"), said("model", {"text": "B", "thought": True}, "C", {"text": "D", "thought": True})],
        [],
    ),
    "media": (
        [user(text("A"), image(PNG), image("DATA:image/jpg;base64,aWNvbg=="), image("data:,a%20b"), image("https://a.example/b.webp?c=d"),
              image("gs://b/c"), image("https://[broken"), {"type": "input_audio", "input_audio": {"data": "c291bmQ=", "format": "wav"}},
              {"type": "video_url", "video_url": {"url": "https://a.example/b.mp4"}})],
        [said("user", "A", {"inlineData": {"mimeType": "image/png", "data": "aWNvbg=="}}, {"inlineData": {"mimeType": "image/jpeg", "data": "aWNvbg=="}},
              {"inlineData": {"mimeType": "text/plain", "data": "YSBi"}}, {"fileData": {"fileUri": "https://a.example/b.webp?c=d", "mimeType": "image/webp"}},
              {"fileData": {"fileUri": "gs://b/c"}}, {"fileData": {"fileUri": "https://[broken"}},
              {"inlineData": {"mimeType": "audio/wav", "data": "c291bmQ="}}, {"fileData": {"fileUri": "https://a.example/b.mp4", "mimeType": "video/mp4"}})],
        [],
    ),
    "files": (
        [user(file(file_data="data:application/pdf;base64,cGRm", filename="a.txt"), file(file_data="cGRm", filename="A.PDF"),
              file(file_id="https://generativelanguage.googleapis.com/v1beta/files/abc"))],
        [said("user", {"inlineData": {"mimeType": "application/pdf", "data": "cGRm"}}, {"inlineData": {"mimeType": "application/pdf", "data": "cGRm"}},
              {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}})],
        [],
    ),
    "parallel calls, whose answers come in another order": (
        [user(text("A")), calls(("c1", "f", '{"a": 1}'), ("c2", "g", ""), content="B"), tool("c2", "two"), tool("c1", '{"one": 1}'), user(text("D"))],
        [said("user", "A"), said("model", "B", called("f", {"a": 1}, "c1"), called("g", {}, "c2")),
         said("user", returned("f", {"one": 1}, "c1"), returned("g", {"result": "two"}, "c2")), said("user", "D")],
        [],
    ),
    "calls of two messages in a row": (
        [user(text("A")), calls(("c1", "f", "{}")), calls(("c2", "g", "{}")), tool("c2", "2"), tool("c1", "1")],
        [said("user", "A"), said("model", called("f", {}, "c1"), called("g", {}, "c2")),
         said("user", returned("f", {"result": "1"}, "c1"), returned("g", {"result": "2"}, "c2"))],
        [],
    ),
    "one id twice": (
        [user(text("A")), calls(("c", "f", "{}")), tool("c", "1"), calls(("c", "g", "{}")), tool("c", "2")],
        [said("user", "A"), said("model", called("f", {}, "c")), said("user", returned("f", {"result": "1"}, "c")),
         said("model", called("g", {}, "c")), said("user", returned("g", {"result": "2"}, "c"))],
        [],
    ),
    "ids that were made here": (
        [user(text("A")), calls(("call_made_r_0_0", "f", "{}"), ("call_made_r_0_1", "f", "{}")), tool("call_made_r_0_1", "2"), tool("call_made_r_0_0", "1")],
        [said("user", "A"), said("model", called("f", {}), called("f", {})), said("user", returned("f", {"result": "1"}), returned("f", {"result": "2"}))],
        [],
    ),
    "what functions return": (
        [user(text("A")), calls(*((str(n), "f", "{}") for n in range(6))), tool("0", "[1]"), tool("1", ' {"a": []}'), tool("2", "{broken"),
         tool("3", ""), tool("4", [text("a"), text("b")]), tool("5", "7")],
        [said("user", "A"), said("model", *(called("f", {}, str(n)) for n in range(6))),
         said("user", *(returned("f", response, str(n)) for n, response in enumerate(
             [{"result": "[1]"}, {"a": []}, {"result": "{broken"}, {"result": ""}, {"result": "ab"}, {"result": "7"}])))],
        [],
    ),
    "what other services answered": (
        [user(text("A")), {"role": "assistant", "audio": {"id": "x", "transcript": "B"}},
         {"role": "assistant", "content": "C", "tool_calls": [
             {"id": "c", "type": "custom", "custom": {"name": "f", "input": "i"}},
             {"id": "d", "type": "function", "function": {"name": "g", "arguments": "{broken"}},
             {"id": "e", "type": "function", "function": {"name": "h", "arguments": "[1]"}}]}],
        [said("user", "A"), said("model", "B", "C", called("f", {"input": "i"}, "c"), called("g", {"invalid_json": "{broken"}, "d"),
                                 called("h", {"invalid_json": "[1]"}, "e"))],
        [],
    ),
    "deprecated functions": (
        [user(text("A")), {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}, {"role": "function", "name": "f", "content": None}],
        [said("user", "A"), said("model", called("f", {})), said("user", returned("f", {"result": ""}))],
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_messages_become_contents(sent: Any, case: str) -> None:
    """Whole contents, and the instructions apart."""
    messages, contents, system = CASES[case]

    body = sent(messages=messages)

    assert body == {"contents": contents} | (
        {"systemInstruction": {"parts": [{"text": each} for each in system]}} if system else {}
    )


def test_gemma_is_instructed_by_the_user(sent: Any) -> None:
    """It takes no system instruction."""
    asked = sent(model="gemma-3-27b-it", messages=[SYSTEM, {"role": "assistant", "content": "A"}, user(text("B"))])
    alone = sent(model="gemma-3-27b-it", messages=[SYSTEM])
    led = sent(model="gemma-3-27b-it", messages=[SYSTEM, {"role": "assistant", "content": "A"}])

    assert asked == {"contents": [said("model", "A"), said("user", "Be brief.", "B")]}
    assert alone == {"contents": [said("user", "Be brief.")]}
    assert led == {"contents": [said("user", "Be brief."), said("model", "A")]}


def test_detail_is_said_to_models_that_know_it(sent: Any) -> None:
    """Gemini 3 and newer; to look as closely as one likes asks for nothing."""
    shown = {"inlineData": {"mimeType": "image/png", "data": "aWNvbg=="}}

    for detail, level in (("low", "MEDIA_RESOLUTION_LOW"), ("high", "MEDIA_RESOLUTION_HIGH")):
        body = sent(model="gemini-3.5-flash", messages=[user(image(PNG, detail=detail))])
        assert body["contents"] == [said("user", {**shown, "mediaResolution": {"level": level}})]
        with pytest.raises(UnsupportedParameterError, match=r"messages\[0\]\.content\[0\]\.image_url\.detail"):
            sent(messages=[user(image(PNG, detail=detail))])
    assert sent(messages=[user(image(PNG, detail="auto"))])["contents"] == [said("user", shown)]


UNSAID: dict[str, tuple[list[Any], list[Any]]] = {
    "messages[0].name": ([{"role": "user", "content": "A", "name": "ann"}], [said("user", "A")]),
    "messages[1].name": ([user(text("A")), {"role": "assistant", "content": "B", "name": "bot"}], [said("user", "A"), said("model", "B")]),
    "messages[1].tool_call_id": ([user(text("A")), tool("x", "B")], [said("user", "A")]),
    "messages[1]": ([user(text("A")), {"role": "narrator", "content": "B"}], [said("user", "A")]),
    "messages[0].content[1]": ([user(text("A"), {"type": "hologram"})], [said("user", "A")]),
    "messages[0].content[1].image_url.url": ([user(text("A"), image("http://a.example/b.png"))], [said("user", "A")]),
    "messages[0].content[1].video_url.url": ([user(text("A"), {"type": "video_url"})], [said("user", "A")]),
    "messages[0].content[1].file": ([user(text("A"), file(filename="a.pdf"))], [said("user", "A")]),
    "messages[0].content[1].file.file_id": ([user(text("A"), file(file_id="file-abc"))], [said("user", "A")]),
    "messages[0].content[1].file.file_data": ([user(text("A"), file(file_data="cGRm", filename="a.xyz"))], [said("user", "A")]),
    "messages[0].content[0].prompt_cache_breakpoint": (
        [user({**text("A"), "prompt_cache_breakpoint": {"mode": "explicit"}})],
        [said("user", "A")],
    ),
    "messages[2].content[1]": (
        [user(text("A")), calls(("a", "f", "{}")), tool("a", [text("B"), image(PNG)])],
        [said("user", "A"), said("model", called("f", {}, "a")), said("user", returned("f", {"result": "B"}, "a"))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", UNSAID)
def test_what_cannot_be_said_in_a_message_is_refused_or_dropped(sent: Any, path: str) -> None:
    """By its path; all the rest is said."""
    messages, contents = UNSAID[path]

    with pytest.raises(UnsupportedParameterError) as caught:
        sent(messages=messages)

    assert caught.value.param == path
    assert sent({"on_unsupported": "drop"}, messages=messages)["contents"] == contents


def signed(signature: str) -> dict[str, Any]:
    return {"extra_content": {"google": {"thought_signature": signature}}}


def test_signatures_go_where_they_came_from(sent: Any) -> None:
    """To the text of a message and to each call, by the names of Google's OpenAI-compatible endpoint."""
    message = calls(("a", "f", "{}"), ("b", "g", "{}"), content="B", **signed("s1"))
    message["tool_calls"][1] |= signed("s2")

    body = sent(messages=[user(text("A")), message])

    assert body["contents"][1] == said(
        "model",
        {"text": "B", "thoughtSignature": "s1"},
        called("f", {}, "a"),
        called("g", {}, "b", thoughtSignature="s2"),
    )


@pytest.mark.parametrize(
    "wrong", [7, None, [], {"google": 7}, {"google": {"thought_signature": 7, "parts": 7}}, {"google": {"parts": [7]}}]
)
def test_what_stands_in_the_place_of_a_signature_and_is_none_is_passed_over(sent: Any, wrong: Any) -> None:
    """A history may come from anywhere."""
    body = sent(messages=[user(text("A")), {"role": "assistant", "content": "B", "extra_content": wrong}])

    assert body["contents"][1] == said("model", "B")


@pytest.mark.parametrize(
    ("model", "first"),
    [
        ("gemini-3-flash-preview", {"thoughtSignature": DUMMY}),
        ("models/gemini-3.8-flash", {"thoughtSignature": DUMMY}),
        ("gemini-flash-latest", {"thoughtSignature": DUMMY}),
        ("gemini-2.5-flash", {}),
        ("tunedModels/mine", {}),
        ("gemma-3-27b-it", {}),
    ],
)
def test_calls_of_other_models_get_the_documented_stand_in(sent: Any, model: str, first: dict[str, Any]) -> None:
    """The first of each turn, for models that refuse a call without; a signed one is left alone."""
    own = calls(("c", "h", "{}"))
    own["tool_calls"][0] |= signed("s")

    body = sent(
        model=model,
        messages=[user(text("A")), calls(("a", "f", "{}"), ("b", "g", "{}")), tool("a", "1"), tool("b", "2"), own],
    )

    assert body["contents"][1] == said("model", called("f", {}, "a", **first), called("g", {}, "b"))
    assert body["contents"][3] == said("model", called("h", {}, "c", thoughtSignature="s"))


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [("b.jpg", "image/jpeg"), ("b.JPEG", "image/jpeg"), ("b.c.png", "image/png"), ("b.mp3", "audio/mp3"), ("b.webm", "video/webm"), ("b.csv", "text/csv"), ("b", None), ("b.", None), ("jpg/b", None)],
)  # fmt: skip
def test_the_type_of_a_file_is_told_by_its_extension(sent: Any, name: str, mime_type: str | None) -> None:
    """Where that does not tell it the service has to find out."""
    (part,) = sent(messages=[user(image(f"https://a.example/{name}?c=d.png#e.gif"))])["contents"][0]["parts"]

    assert part["fileData"].get("mimeType") == mime_type
