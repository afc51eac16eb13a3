"""Modules of the page by themselves, for what no real gateway sends."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.system, pytest.mark.long]
EVENTS = """async ([text, size]) => {
    const { events } = await import("/page/events.js");
    const bytes = new TextEncoder().encode(text);
    const pieces = new ReadableStream({ start(out) {
        for (let at = 0; at < bytes.length; at += size) out.enqueue(bytes.slice(at, at + size));
        out.close();
    } });
    const found = [];
    for await (const data of events(new Response(pieces))) found.push(data);
    return found;
}"""
FOLD = """async (deltas) => {
    const { Answer } = await import("/page/answer.js");
    const answer = new Answer();
    for (const delta of deltas) answer.add({ choices: [{ delta }] });
    return [answer.sent, Object.keys(Array.prototype), Object.keys(Object.prototype)];
}"""


def test_events_are_read_however_they_are_cut(gateway, visit):
    """All ends of lines, data of several lines, comments, other fields; a last event that was cut off is none."""
    page = visit(gateway())
    text = 'data: {"é": "😀"}\n\n: ping\n\ndata:b\r\ndata: c\r\n\r\nevent: x\rid: 1\rdata:  d\r\rdata\n\ndata: cut'
    for size in (1, 2, 3, 5, 1000):
        assert page.evaluate(EVENTS, [text, size]) == ['{"é": "😀"}', "b\nc", " d"], size


def test_calls_of_tools_at_strange_places_are_left_out(gateway, visit):
    """They change no prototype, and make no list of a billion."""
    page = visit(gateway())
    places: list[object] = ["__proto__", "length", -1, 1e9, 0.5, {}]
    strange = [{"index": at, "id": "x", "function": {"name": "x"}} for at in places]
    good = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": "{}"}}
    sent, *prototypes = page.evaluate(FOLD, [{"tool_calls": [*strange, good]}])
    assert [call["id"] for call in sent["tool_calls"]] == ["call_1"]
    assert prototypes == [[], []]


def test_calls_of_custom_tools_are_put_together(gateway, visit):
    """Their input is text, and they go out again as what they were."""
    page = visit(gateway())
    pieces = [
        {"index": 0, "id": "call_1", "type": "custom", "custom": {"name": "sql", "input": ""}},
        {"index": 0, "custom": {"input": "select "}},
        {"index": 0, "custom": {"input": "1"}},
    ]
    sent, *_ = page.evaluate(FOLD, [{"tool_calls": [piece]} for piece in pieces])
    assert sent["tool_calls"] == [{"id": "call_1", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}]


def test_a_stream_without_its_end_is_an_error(gateway, visit, say):
    """Where something between page and gateway broke it."""
    page = visit(gateway())
    body = 'data: {"choices": [{"delta": {"content": "half"}}]}\n\n'
    page.route(
        "**/v1/chat/completions",
        lambda route: route.fulfill(content_type="text/event-stream", body=body, headers={"x-request-id": "req_1"}),
    )
    say(page, "go", wait=False)
    page.locator(".message.failed .wrong", has_text="broke off").wait_for()
    assert page.inner_text(".message.failed .content") == "half"
