"""The playground, as somebody uses it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest

pytestmark = [pytest.mark.system, pytest.mark.long]
LAST = ".message.assistant >> nth=-1"


def test_an_answer_streams(gateway, service, visit, say, answers, picture):
    """Text stands on the page while the rest has not come yet; at the end the tokens are told."""
    service.answer, go_on = answers.held("Once upon ", "a time")
    page = visit(gateway())
    say(page, "a tale", wait=False)
    page.locator(LAST).locator(".content").filter(has_text="Once upon").wait_for()
    assert page.locator("#conversation").get_attribute("aria-busy") == "true"
    assert page.locator("#halt").is_visible()
    go_on.set()
    page.locator(".message .foot a").wait_for()
    assert page.locator(LAST).locator(".content").text_content() == "Once upon a time"
    assert "3 + 4 tokens" in page.inner_text("#chat-status")
    assert service.requests[0]["messages"] == [{"role": "user", "content": "a tale"}]
    page.click("#tab-response")
    shown = page.inner_text("#response")
    assert json.loads(shown[shown.index("{") :])["choices"][0]["message"]["content"] == "Once upon a time"
    picture(page, "playground")


def test_a_whole_answer_shows(gateway, service, visit, say, answers):
    """Where no stream was asked for; reasoning is set apart, and an answer can be asked for again."""
    service.answer = lambda _: (200, answers.whole("the answer", reasoning_content="let me see"))
    page = visit(gateway())
    page.uncheck("#stream")
    say(page, "well?")
    assert page.locator(LAST).locator(".body > .content").text_content() == "the answer"
    assert page.locator(LAST).locator(".thought .content").text_content() == "let me see"
    page.click("#again")
    page.locator(".message .foot a").wait_for()
    assert page.locator(".message.assistant").count() == 1
    assert [len(request["messages"]) for request in service.requests] == [1, 1]
    assert "stream" not in service.requests[1] or service.requests[1]["stream"] is False


def test_an_error_shows_and_the_talk_goes_on(gateway, service, visit, say, answers, picture):
    """In the service's words; the failed answer is not sent with the next message."""
    service.answer = lambda _: (400, {"error": {"message": "that is too hot", "type": "invalid_request_error"}})
    page = visit(gateway())
    say(page, "first")
    assert "that is too hot" in page.inner_text(".message.failed")
    assert "that is too hot" in page.inner_text("#chat-status[role=status]")
    picture(page, "error")
    service.answer = lambda _: answers.streamed({"content": "fine"})
    say(page, "second")
    assert [one["content"] for one in service.requests[-1]["messages"]] == ["first", "second"]


@pytest.mark.parametrize(
    "end", [{"error": {"message": "out of steam", "type": "server_error"}}, None], ids=["error", "break"]
)
def test_a_stream_that_fails_shows_what_came_and_the_error(gateway, service, visit, say, answers, end):
    """Both stay on the page."""
    service.answer = lambda _: iter([answers.chunk(content="half"), end])
    page = visit(gateway())
    say(page, "go")
    failed = page.locator(".message.failed")
    assert failed.locator(".content").text_content() == "half"
    assert failed.locator(".wrong").inner_text()
    if end:
        assert "out of steam" in failed.locator(".wrong").inner_text()


@pytest.mark.parametrize("by", ["button", "escape"])
def test_stop_ends_the_call(gateway, service, visit, say, answers, by):
    """The service sees its client leave; what had come stays, and the next message can be sent."""
    closing = threading.Event()

    def endless(_):
        while not closing.wait(0.02):
            yield answers.chunk(content="on and ")

    service.answer = endless
    page = visit(gateway())
    say(page, "talk", wait=False)
    page.locator(LAST).locator(".content").filter(has_text="on and on").wait_for()
    page.click("#halt") if by == "button" else page.press("#prompt", "Escape")
    try:
        assert service.left.wait(20)
    finally:
        closing.set()
    page.locator("#send").wait_for()
    assert page.inner_text("#chat-status") == "Stopped."
    service.answer = lambda _: answers.streamed({"content": "fine"})
    say(page, "more")
    assert service.requests[-1]["messages"][1]["content"].startswith("on and on")


def test_parameters_are_sent(gateway, service, visit, say, answers):
    """Each in its field, and nothing that was not set."""
    service.answer = lambda _: answers.streamed({"content": "{}"})
    page = visit(gateway())
    say(page, "plain")
    assert set(service.requests[0]) <= {"model", "messages", "stream", "stream_options"}
    schema = {"name": "answer", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
    for name, value in {
        "system": "Be short.",
        "temperature": "0.5",
        "max_completion_tokens": "64",
        "top_p": "0.9",
        "seed": "7",
        "stop": "END\nSTOP",
        "extra": '{"verbosity": "low"}',
    }.items():
        page.fill(f"#{name}", value)
    page.select_option("#reasoning_effort", "low")
    page.select_option("#response_format", "json_schema")
    page.fill("#schema", json.dumps(schema))
    say(page, "full")
    sent = service.requests[1]
    assert sent["messages"][0] == {"role": "system", "content": "Be short."}
    wanted = {"temperature": 0.5, "max_completion_tokens": 64, "top_p": 0.9, "seed": 7, "stop": ["END", "STOP"]}
    wanted |= {"reasoning_effort": "low", "verbosity": "low"}
    assert {name: sent[name] for name in wanted} == wanted
    assert sent["response_format"] == {"type": "json_schema", "json_schema": schema}


def test_what_cannot_be_read_is_not_sent(gateway, service, visit, say):
    """The field says so, and so does the status."""
    page = visit(gateway())
    page.fill("#tools", "[{")
    say(page, "go", wait=False)
    assert page.get_attribute("#tools", "aria-invalid") == "true"
    assert page.inner_text("#tools-note") == "Not a JSON list."
    assert "cannot be read" in page.inner_text("#chat-status")
    assert service.requests == []
    assert page.input_value("#prompt") == "go"


def test_again_with_what_cannot_be_read_keeps_the_answer(gateway, service, visit, say, answers):
    """It is told as at any other time, and nothing is taken away for an answer that will not come."""
    service.answer = lambda _: answers.streamed({"content": "the answer"})
    page = visit(gateway())
    say(page, "well?")
    page.fill("#tools", "[{")
    page.click("#again")
    assert "cannot be read" in page.inner_text("#chat-status")
    assert page.locator(LAST).locator(".content").text_content() == "the answer"
    assert len(service.requests) == 1


def test_a_result_waits_for_the_answer_that_runs(gateway, service, visit, say, answers):
    """It stays where it was typed, and can be sent once that has ended."""
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    service.answer = lambda _: answers.streamed({"tool_calls": [call]}, finish="tool_calls")
    page = visit(gateway())
    say(page, "how is it?")
    service.answer, go_on = answers.held("One moment", ".")
    say(page, "and?", wait=False)
    page.locator(".content").filter(has_text="One moment").wait_for()
    page.fill(".call textarea", "rain")
    page.click(".results button")
    go_on.set()
    page.locator(".message .foot a").nth(1).wait_for()
    service.answer = lambda _: answers.streamed({"content": "It rains."})
    page.click(".results button")
    page.locator(".content").filter(has_text="It rains.").wait_for()
    assert service.requests[-1]["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": "rain"}


def test_tools_are_called_and_answered(gateway, service, visit, say, answers, picture):
    """A call comes in pieces; the result goes out with its id, and the model answers."""
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    pieces = [
        {
            "tool_calls": [
                {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"ci'}}
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": 'ty": "Bath"}'}}]},
    ]
    service.answer = lambda _: answers.streamed(*pieces, finish="tool_calls")
    page = visit(gateway())
    page.fill("#tools", json.dumps(tools))
    say(page, "how is it?")
    assert page.locator(".call pre").inner_text() == '{\n  "city": "Bath"\n}'
    picture(page, "tools")
    service.answer = lambda _: answers.streamed({"content": "It rains."})
    page.fill(".call textarea", "rain")
    page.click(".results button")
    page.locator(".content").filter(has_text="It rains.").wait_for()
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Bath"}'}}
    _, asked, result = service.requests[1]["messages"]
    assert (asked["role"], asked["tool_calls"]) == ("assistant", [call])
    assert result == {"role": "tool", "tool_call_id": "call_1", "content": "rain"}


def test_a_message_can_be_edited(gateway, service, visit, say, answers):
    """It goes back to where it was written, and all after it is gone."""
    service.answer = lambda _: answers.streamed({"content": "yes"})
    page = visit(gateway())
    say(page, "one")
    say(page, "two")
    page.locator(".message.user button", has_text="Edit").first.click()
    assert page.input_value("#prompt") == "one"
    assert page.locator(".message").count() == 0


def test_an_answer_that_is_removed_is_not_waited_for(gateway, service, visit, say, answers):
    """Its call ends, as by Stop: nobody would see the rest."""

    def endless(_):
        while True:
            yield answers.chunk(content="more ")
            time.sleep(0.02)

    service.answer = endless
    page = visit(gateway())
    say(page, "go", wait=False)
    page.locator(LAST).locator(".content").wait_for()
    page.locator(LAST).locator("button", has_text="Remove").click()
    page.locator("#send").wait_for()
    assert service.left.wait(20)
    assert page.locator(".message").count() == 1


def test_a_key_is_asked_for_and_kept_in_the_tab(gateway, service, visit, say, answers, tmp_path, browser):
    """A wrong one is asked for again; with a right one all works, but the inspector needs one that may inspect."""
    store = f"sqlite:{tmp_path / 'keys.db'}"
    config = tmp_path / "jackfield.toml"
    config.write_text(f'[backends.e]\nprovider = "echo"\n[gateway]\nstore = "{store}"\n')

    def made(*more):
        command = [sys.executable, "-m", "jackfield", "--config", str(config), "keys", "create", "--label", "t", *more]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()[-1]

    plain, inspecting = made(), made("--inspect")
    service.answer = lambda _: answers.streamed({"content": "hello"})
    page = visit(gateway(keys="always", store=store))
    for given in ("jf-wröng", plain):
        page.locator("#key-dialog[open]").wait_for()
        page.fill("#key-input", given)
        page.press("#key-input", "Enter")
    page.locator("#model option[value=fast]").wait_for(state="attached")
    assert not page.locator("#key-dialog").is_visible()
    say(page, "hi")
    assert page.locator(LAST).locator(".content").text_content() == "hello"
    everything = page.inner_html("html") + page.evaluate("JSON.stringify([localStorage, document.cookie])")
    assert plain not in everything
    page.click("#tab-inspector")
    page.locator("#inspector-notice", has_text="may not inspect").wait_for()
    page.click("#key-button")
    page.fill("#key-input", inspecting)
    page.press("#key-input", "Enter")
    page.locator("#calls tr").wait_for()
    assert page.locator("#calls tr td").last.inner_text() == "t"
