"""The page on screens of all kinds, and for people who hear it."""

from __future__ import annotations

import pytest

from jackfield_gateway.settings import Inspector

pytestmark = [pytest.mark.system, pytest.mark.long]
INNER = """(of) => [...document.querySelectorAll(of)]
    .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0).map((one) => one.outerHTML.slice(0, 200))"""
LONG = "averylongwordwithoutanyspaceinit" * 8


@pytest.fixture
def full(gateway, service, answers):
    """A gateway whose answers have all that the page can show: text, reasoning, a call of a tool; long words too."""
    call = {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": f'{{"a": "{LONG}"}}'},
    }
    service.answer = lambda request: (
        (500, {"error": {"message": f"no {LONG}", "type": "x"}})
        if request["model"] == "500"
        else answers.streamed({"content": f"yes {LONG}", "reasoning_content": "hm", "tool_calls": [call]})
    )
    service.models = ["m", LONG]
    return gateway([{"use": "retry", "max_attempts": 2}], inspector=Inspector(content=True))


def filled(page, say):
    """The playground after an answer and an error."""
    say(page, f"hello {LONG}")
    page.select_option("#model", "\x00other")
    page.fill("#model-other", "b/500")
    say(page, "again")
    page.select_option("#response_format", "json_schema")


def inspected(page):
    """The inspector with the call that failed."""
    page.click("#tab-inspector")
    page.locator("#calls tr").first.click()
    page.locator(".waterfall").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(full, visit, say, scheme, picture):
    """In both views, the dialog too, in light and dark: names, contrast, roles."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(full, color_scheme=scheme, viewport={"width": 1440, "height": 900})
    filled(page, say)

    def serious():
        found = axe.run(page).response["violations"]
        return [
            (one["id"], [node["html"][:200] for node in one["nodes"]])
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]

    assert serious() == []
    picture(page, f"playground-{scheme}")
    inspected(page)
    assert serious() == []
    picture(page, f"inspector-{scheme}")
    page.click("#key-button")
    assert serious() == []


def test_a_narrow_screen_needs_no_sideways_scroll(full, visit, say, picture):
    """At 360 pixels, with words that nothing breaks."""
    page = visit(full, viewport={"width": 360, "height": 640})
    page.click("#parameters-box summary")
    filled(page, say)
    wide = "[document.documentElement.scrollWidth, window.innerWidth]"
    assert page.evaluate(wide) == [360, 360]
    assert page.evaluate(INNER, "#conversation, #parameters, .wire pre:not([hidden]), .message .body") == []
    picture(page, "playground-narrow")
    inspected(page)
    assert page.evaluate(wide) == [360, 360]
    picture(page, "inspector-narrow")
    assert page.evaluate(INNER, "#detail, #detail *:not(.hidden, pre, svg, svg *, .waterfall th)") == []
    for one in ("#calls-box", "#detail"):
        assert page.locator(one).bounding_box()["width"] <= 360


@pytest.mark.parametrize("view", ["", "#playground", "#inspector"])
def test_it_opens_at_its_top(gateway, visit, view):
    """The address names the view, which is no place to scroll to, also where the page is longer than the window."""
    page = visit(f"{gateway()}/{view}", viewport={"width": 360, "height": 740})
    page.wait_for_load_state("load")
    page.evaluate("new Promise((resume) => requestAnimationFrame(() => requestAnimationFrame(resume)))")
    assert page.evaluate("window.scrollY") == 0
    page.reload()
    page.locator("#model option").first.wait_for(state="attached")
    assert page.evaluate("window.scrollY") == 0


def test_it_is_dark_where_the_system_is_and_can_be_turned(gateway, visit):
    """The choice is kept."""
    url = gateway()
    page = visit(url, color_scheme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(ground)
    page.click("#theme-button")
    light = page.evaluate(ground)
    assert sum(map(int, dark[4:-1].split(","))) < 150
    assert sum(map(int, light[4:-1].split(","))) > 600
    page.reload()
    assert page.evaluate(ground) == light
    page.click("#theme-button")
    assert page.evaluate(ground) == dark


def test_the_focus_is_seen(gateway, visit):
    """Whatever the tab key comes to has an outline."""
    page = visit(gateway())
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        style = "(() => { const one = document.activeElement; return [one.id || one.tagName, getComputedStyle(one).outlineStyle]; })()"
        name, outline = page.evaluate(style)
        assert outline != "none" or name == "BODY", name
        seen.add(name)
    assert {"tab-playground", "key-button", "model", "conversation", "prompt", "send", "tab-request"} <= seen


def test_it_works_where_the_browser_keeps_nothing(full, visit, say):
    """As where all cookies are blocked: theme and key live as long as the page."""
    page = visit(full)
    refuse = "{ get() { throw new DOMException('refused', 'SecurityError'); } }"
    page.add_init_script(
        f"for (const n of ['localStorage', 'sessionStorage']) Object.defineProperty(window, n, {refuse});"
    )
    page.reload()
    page.click("#theme-button")
    assert page.get_attribute("html", "data-theme") == "light"
    page.click("#key-button")
    page.fill("#key-input", "jf-x")
    page.press("#key-input", "Enter")
    assert page.text_content("#key-button") == "Key set"
    say(page, "hello")
    page.get_by_text("yes").first.wait_for()
