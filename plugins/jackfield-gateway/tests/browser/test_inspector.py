"""The inspector, as somebody watches with it."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request

import pytest

from jackfield_gateway.settings import Inspector, Price

pytestmark = [pytest.mark.system, pytest.mark.long]
ROWS = "#calls tr"


@pytest.fixture
def ask():
    """Asks a gateway for a completion, besides the page: ``ask(url, model, **fields)`` returns the status."""

    def post(url: str, model: str = "fast", **fields: object) -> int:
        body = {"model": model, "messages": [{"role": "user", "content": "a secret of mine"}], **fields}
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    return post


@pytest.fixture
def faults(service, answers):
    """The service answers with the status that the model's name is, where that is a number; else well."""

    def answer(request):
        name = request["model"]
        if name.isdecimal():
            return int(name), {"error": {"message": f"told to fail with {name}", "type": "x"}}
        return answers.streamed({"content": "a"}) if request.get("stream") else (200, answers.whole("a"))

    service.answer = answer


def asking_for_a_stream(ask, url: str) -> threading.Thread:
    """What asks a gateway, beside the page; it ends with the answer."""
    asking = threading.Thread(target=ask, args=(url,), kwargs={"stream": True})
    asking.start()
    return asking


def test_calls_are_followed_live(gateway, service, visit, ask, answers):
    """One appears as it begins, while it runs, and turns as it ends: nobody loads the page again."""
    service.answer, go_on = answers.held("a", "b")
    url = gateway()
    page = visit(f"{url}/#inspector")
    page.locator("#version:not(:empty)").wait_for()
    assert page.locator("#no-calls").is_visible()
    asking = asking_for_a_stream(ask, url)
    page.locator(f"{ROWS} .state.running").wait_for()
    assert "1 running" in page.inner_text("#figures")
    go_on.set()
    page.locator(f"{ROWS} .state.success").wait_for()
    asking.join()
    assert page.locator(ROWS).count() == 1
    page.locator("#figures", has_text="0 running").wait_for()
    page.uncheck("#follow")
    service.answer = lambda _: (200, answers.whole("x"))
    ask(url)
    page.wait_for_timeout(300)
    assert page.locator(ROWS).count() == 1
    page.check("#follow")
    page.locator(ROWS).nth(1).wait_for()


def test_the_waterfall_shows_layers_attempts_and_waits(gateway, visit, ask, faults, picture):
    """A failed call with two attempts: the layer around them, each attempt, and the wait between."""
    url = gateway([{"use": "retry", "max_attempts": 2}])
    assert ask(url, "b/500") == 500
    page = visit(f"{url}/#inspector")
    page.locator(ROWS).click()
    names = page.locator(".waterfall tbody .name")
    names.first.wait_for()
    assert names.all_inner_texts() == ["retry#1", "attempt 1", "attempt 2"]
    rows = page.locator(".waterfall tbody tr")
    assert rows.nth(2).locator("rect.wait").count() == 1
    assert rows.nth(1).locator("rect.wait").count() == 0
    boxes = [rows.nth(at).locator("rect.bar:not(.wait)").bounding_box() for at in range(3)]
    layer, first, second = [(box["x"], box["x"] + box["width"]) for box in boxes]
    assert layer[0] - 1 <= first[0] < first[1] <= second[0] + 1 <= second[1] + 2 <= layer[1] + 4
    assert "told to fail with 500" in page.inner_text("#detail > .failure")
    assert page.locator(".attempts li").count() == 2
    assert "waited" in rows.nth(2).inner_text()
    picture(page, "waterfall")


def test_calls_are_filtered(gateway, visit, ask, faults):
    """By state, model and words; what comes later is filtered too."""
    url = gateway()
    for model in ("fast", "b/400", "b/404"):
        ask(url, model)
    page = visit(f"{url}/#inspector")
    page.locator(ROWS).nth(2).wait_for()

    def models():
        return page.locator(f"{ROWS} td:nth-child(3)").all_inner_texts()

    assert models() == ["b/404", "b/400", "fast"]
    page.select_option("#filter-state", "error")
    assert models() == ["b/404", "b/400"]
    page.fill("#filter-text", "WITH 400")
    assert models() == ["b/400"]
    page.fill("#filter-text", "nothing like it")
    assert models() == []
    assert page.inner_text("#no-calls") == "No call passes the filters."
    page.fill("#filter-text", "")
    page.select_option("#filter-state", "")
    page.select_option("#filter-model", "fast")
    assert models() == ["fast"]
    ask(url, "b/400")
    ask(url, "fast")
    page.locator(ROWS).nth(1).wait_for()
    assert models() == ["fast", "fast"]


def test_tokens_costs_and_what_is_kept_are_shown(gateway, visit, ask, faults):
    """Prompts and answers only where the operator keeps them."""
    url = gateway(inspector=Inspector(content=True), prices={"b/m": Price(input=500_000, output=1_000_000)})
    ask(url)
    page = visit(f"{url}/#inspector")
    page.locator(ROWS).click()
    page.locator("#detail details").first.wait_for()
    cells = page.locator(f"{ROWS} td").all_inner_texts()
    assert cells[7:9] == ["7", "5.50"]
    page.locator("#detail summary", has_text="Request").click()
    assert "a secret of mine" in page.inner_text("#detail details >> nth=0")


def test_nothing_of_a_prompt_is_shown_unless_kept(gateway, visit, ask, faults):
    """The page says why."""
    url = gateway()
    ask(url)
    page = visit(f"{url}/#inspector")
    page.locator(ROWS).click()
    page.locator("#detail", has_text="not kept").wait_for()
    assert "secret of mine" not in page.content()


def test_it_works_by_keyboard(gateway, visit, ask, faults):
    """Arrows go over tabs and calls, Enter opens one, Escape closes it and gives the focus back."""
    url = gateway()
    ask(url, "fast")
    ask(url, "b/400")
    page = visit(url)
    page.focus("#tab-playground")
    page.keyboard.press("ArrowRight")
    assert page.locator("#inspector").is_visible()
    assert page.evaluate("document.activeElement.id") == "tab-inspector"
    page.locator(ROWS).nth(1).wait_for()
    page.locator(f"{ROWS} button").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("#detail h2", has_text="fast").wait_for()
    assert page.evaluate("document.activeElement.id") == "detail"
    page.keyboard.press("Escape")
    assert page.locator("#detail").is_hidden()
    assert "fast" in page.evaluate("document.activeElement.closest('tr').textContent")


def test_escape_closes_what_is_in_front(gateway, visit, ask, faults):
    """The dialog for the key first; the call behind it stays."""
    url = gateway()
    ask(url, "fast")
    page = visit(f"{url}/#inspector")
    page.locator(ROWS).first.click()
    page.locator("#detail h2").wait_for()
    page.click("#key-button")
    page.keyboard.press("Escape")
    page.locator("#key-dialog").wait_for(state="hidden")
    assert page.locator("#detail").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#detail").is_hidden()


def test_a_stream_of_calls_that_fails_is_told(gateway, visit, ask, faults):
    """Its last event is an error and no call: the list stays as it is, and it is followed again."""
    url = gateway()
    ask(url, "fast")
    page = visit(url)
    event = 'data: {"error": {"message": "the gateway is shutting down", "code": "shutting_down"}}\n\n'
    page.route("**/inspector/live", lambda route: route.fulfill(content_type="text/event-stream", body=event))
    page.click("#tab-inspector")
    page.locator("#inspector-notice", has_text="trying again").wait_for()
    assert page.locator(ROWS).count() == 1
    page.unroute("**/inspector/live")
    page.locator("#inspector-notice").wait_for(state="hidden")
    assert page.inner_text("#figures").startswith("1 call ")


def test_calls_of_several_workers_stand_beside_each_other(gateway, visit, ask, faults):
    """Each counts its own: the list may come of one, and what follows of another."""
    one, other = gateway(), gateway()
    ask(one, "fast")
    with urllib.request.urlopen(f"{one}/inspector/calls") as listed:
        body = listed.read().decode()
    page = visit(other)
    page.route("**/inspector/calls", lambda route: route.fulfill(content_type="application/json", body=body))
    page.click("#tab-inspector")
    page.locator(ROWS).wait_for()
    ask(other, "b/400")
    page.locator(ROWS).nth(1).wait_for()
    assert [row.split("\t")[2] for row in page.locator(ROWS).all_inner_texts()] == ["b/400", "fast"]


def test_a_call_can_be_opened_while_others_come(gateway, visit, ask, faults):
    """The one on which the button was pressed, though the list has moved when it is released."""
    url = gateway()
    ask(url, "fast")
    page = visit(f"{url}/#inspector")
    page.locator(f"{ROWS} .success").hover()
    page.mouse.down()
    ask(url, "b/400")
    page.locator(f"{ROWS} .error").wait_for()
    page.mouse.up()
    page.locator("#detail h2", has_text="fast").wait_for()


def test_a_call_can_be_opened_while_it_ends(gateway, service, visit, ask, answers):
    """Its row is another one then."""
    service.answer, go_on = answers.held("a", "b")
    url = gateway()
    asking = asking_for_a_stream(ask, url)
    page = visit(f"{url}/#inspector")
    page.locator(f"{ROWS} .running").hover()
    page.mouse.down()
    go_on.set()
    asking.join()
    page.locator(f"{ROWS} .success").wait_for()
    page.mouse.up()
    page.locator("#detail h2", has_text="fast").wait_for()


def test_marked_text_of_a_running_call_stays_marked(gateway, service, visit, ask, answers):
    """What it took meanwhile is not drawn until it ends, or another call is looked at."""
    service.answer, go_on = answers.held("a", "b")
    url = gateway()
    asking = asking_for_a_stream(ask, url)
    page = visit(f"{url}/#inspector")
    page.locator(f"{ROWS} .running").click()
    page.locator("#detail dd code").first.dblclick()
    marked = page.evaluate("String(getSelection())")
    assert marked
    for _ in range(2):
        page.wait_for_event("requestfinished", lambda request: "/inspector/calls/" in request.url)
    assert page.evaluate("String(getSelection())") == marked
    go_on.set()
    asking.join()
    page.locator("#detail header .state.success").wait_for()


def test_an_answer_leads_to_its_call(gateway, visit, say, service, answers):
    """By the link below it; the address can be opened again."""
    service.answer = lambda _: answers.streamed({"content": "a"})
    page = visit(gateway())
    say(page, "hi")
    page.click(".message .foot a")
    page.locator("#detail h2", has_text="fast").wait_for()
    page.reload()
    page.locator("#detail h2", has_text="fast").wait_for()


def test_it_follows_again_after_the_gateway_was_away(gateway, visit, ask, faults):
    """The page says so meanwhile."""
    url = gateway()
    page = visit(url)
    page.route("**/inspector/live", lambda route: route.abort())
    page.click("#tab-inspector")
    page.locator("#inspector-notice", has_text="does not answer").wait_for()
    page.unroute("**/inspector/live")
    ask(url)
    page.locator(ROWS).wait_for()
    page.locator("#inspector-notice").wait_for(state="hidden")
