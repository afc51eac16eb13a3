"""Whatever others send is text: payloads of all kinds, wherever the page shows something, do nothing.

Each fixture of a page fails at its end where a dialog opened, a script failed or the content security policy was
broken; the tests here look for elements that were made of text besides.
"""

from __future__ import annotations

import json

import pytest

from jackfield_gateway.settings import Inspector

pytestmark = [pytest.mark.system, pytest.mark.long]
RUN = "window.__ran=(window.__ran||0)+1,alert(1)"
ELEMENTS = [
    f"<script>{RUN}</script>",
    f"<script>{RUN}//",
    f"<ScRiPt/x>{RUN}</sCrIpT>",
    "<script src=//127.0.0.1:9/x.js></script>",
    "<script src='data:text/javascript,alert(1)'></script>",
    f"<script type=module>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'<img src="x" onerror="{RUN}">',
    f"<img/src=x/onerror={RUN}//",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<svg><set onbegin={RUN} attributename=x>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'>",
    f"<body onload={RUN}>",
    f"<iframe src='javascript:{RUN}'></iframe>",
    f"<iframe srcdoc='<script>{RUN}</script>'></iframe>",
    "<object data='javascript:alert(1)'></object>",
    "<embed src='javascript:alert(1)'>",
    f"<a href='javascript:{RUN}' autofocus onfocus={RUN}>x</a>",
    f"<input autofocus onfocus={RUN}>",
    f"<select autofocus onfocus={RUN}>",
    f"<textarea autofocus onfocus={RUN}>",
    f"<details open ontoggle={RUN}>x</details>",
    f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>",
    f"<marquee onstart={RUN}>x</marquee>",
    f"<style>@import 'x';</style><p style=animation:x onanimationstart={RUN}>",
    "<link rel=stylesheet href=data:text/css,*{display:none}>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href='//127.0.0.1:9/'>",
    "<form action='javascript:alert(1)'><button>x</button></form>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}>",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<template><script>{RUN}</script></template>",
    f"<xss contenteditable onbeforeinput={RUN} tabindex=1 onfocus={RUN} autofocus>",
    f"<dialog open onclose={RUN}>",
    f"<button popovertarget=x>x</button><xss onbeforetoggle={RUN} popover id=x>",
]
WORDS = [
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "![x](x){onerror=alert(1)}",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "`-alert(1)-`",
    "';alert(1)//",
    '"onmouseover=alert(1) x="',
    "\\u003cimg src=x onerror=alert(1)\\u003e",
    "&lt;img src=x onerror=alert(1)&gt;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "\u202e<img src=x onerror=alert(1)>",
    "\u2028<script>alert(1)</script>\u2029",
    "__proto__",
    "constructor",
    "\ufeff<svg/onload=alert(1)>",
]
WRAPS = ["{}", "\"'>{}", "</textarea></title></script></style>-->{}"]
PAYLOADS = [*WORDS, *(wrap.format(one) for wrap in WRAPS for one in ELEMENTS)]
MADE = """(() => {
    const own = ["/page/main.js"];
    const bad = [...document.querySelectorAll("script, iframe, object, embed, base, style, marquee, video, audio, template, math, xss")]
        .filter((one) => !own.includes(one.getAttribute("src")));
    const marked = [...document.querySelectorAll("*")].filter((one) =>
        [...one.attributes].some(({ name, value }) => name.startsWith("on") || name === "style" || /^\\s*javascript:/i.test(value) && name === "href"));
    const images = [...document.querySelectorAll("img")].filter((one) => one.getAttribute("src") !== "/page/icon.svg");
    return [...bad, ...marked, ...images].map((one) => one.outerHTML);
})()"""
CLEAN = "[window.__ran, Object.keys(Object.prototype), Object.keys(Array.prototype)]"


def check(page):
    """Nothing was made of text, nothing ran, and no prototype was touched."""
    page.wait_for_timeout(100)
    assert page.evaluate(MADE) == []
    assert page.evaluate(CLEAN) == [None, [], []]


def test_there_are_a_hundred():
    """Each once."""
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 100


def test_in_answers_and_reasoning(gateway, service, visit, say, answers):
    """Streamed in pieces that cut tags, what is said comes back as it was; so it stands in what was sent and came."""

    def answer(request):
        said = request["messages"][-1]["content"]
        return answers.streamed(
            *({"content": said[at : at + 3], "reasoning_content": said[at : at + 3]} for at in range(0, len(said), 3))
        )

    service.answer = answer
    page = visit(gateway())
    for payload in PAYLOADS:
        say(page, payload)
        page.click("#clear") if payload == PAYLOADS[len(PAYLOADS) // 2] else None
    half = PAYLOADS[len(PAYLOADS) // 2 + 1 :]
    for where in (
        ".message.user .body > .content",
        ".message.assistant .body > .content",
        ".message.assistant .thought .content",
    ):
        assert page.locator(where).all_text_contents() == half
    page.fill("#system", "\n".join(PAYLOADS))
    for tab in ("request", "response", "curl", "python"):
        page.click(f"#tab-{tab}")
        assert half[-1][:8] in page.text_content(f"#{tab}").replace('\\"', '"').replace("'\\''", "'")
    check(page)


def test_in_calls_of_tools(gateway, service, visit, say, answers):
    """In names, ids and arguments, in JSON and not."""
    calls = [
        {"index": at, "id": payload, "type": "function", "function": {"name": payload, "arguments": wrap(payload)}}
        for at, payload in enumerate(PAYLOADS)
        for wrap in [json.dumps if at % 2 else str]
    ]
    service.answer = lambda _: answers.streamed({"tool_calls": calls}, finish="<img src=x onerror=alert(1)>")
    page = visit(gateway())
    say(page, "go")
    assert page.locator(".call > p code").all_text_contents() == PAYLOADS
    assert page.locator(".call > p .dim").all_text_contents() == PAYLOADS
    shown = page.locator(".call > pre").all_text_contents()
    assert [json.loads(one) if at % 2 else one for at, one in enumerate(shown)] == PAYLOADS
    check(page)


@pytest.mark.parametrize("stream", [True, False])
def test_in_errors(gateway, service, visit, say, stream):
    """In the messages, types and codes of errors before an answer and within a stream; then in the inspector."""

    def answer(request):
        told = request["messages"][-1]["content"]
        error = {"error": {"message": told, "type": told, "code": told, "param": told}}
        return iter([error]) if stream else (400, error)

    service.answer = answer
    page = visit(gateway(inspector=Inspector(content=True)))
    for payload in PAYLOADS:
        say(page, payload)
    shown = page.locator(".message .wrong").all_text_contents()
    assert len(shown) == len(PAYLOADS)
    assert [payload for payload, one in zip(PAYLOADS, shown, strict=True) if payload.strip() not in one] == []
    page.click("#tab-inspector")
    rows = page.locator("#calls tr")
    rows.nth(len(PAYLOADS) - 1).wait_for()
    for payload in PAYLOADS[::5]:
        page.locator("#calls tr button").nth(len(PAYLOADS) - 1 - PAYLOADS.index(payload)).click()
        page.locator("#detail > .failure", has_text=payload.strip()).wait_for()
        page.locator(".attempts .failure", has_text=payload.strip()).wait_for()
    check(page)


def test_in_names_of_models_and_in_the_inspector(gateway, service, visit, say, answers):
    """In the list of models, and in calls of them: rows, filters, details, waterfall, request and response."""
    service.models = PAYLOADS
    service.answer = lambda request: answers.streamed({"content": request["model"]})
    page = visit(gateway(inspector=Inspector(content=True)))
    offered = page.locator("#model option").all_text_contents()
    assert {f"b/{payload}" for payload in PAYLOADS} <= set(offered) or set(PAYLOADS) <= set(offered)
    page.select_option("#model", "\x00other")
    for payload in PAYLOADS:
        page.fill("#model-other", f"b/{payload}")
        say(page, payload)
    titles = page.locator(".message.assistant header strong").all_text_contents()
    sent = [f"b/{payload}".strip() for payload in PAYLOADS]
    assert titles == sent
    page.click("#tab-inspector")
    page.locator("#calls tr").nth(len(PAYLOADS) - 1).wait_for()
    assert page.locator("#calls td:nth-child(3)").all_text_contents() == [text[:256] for text in reversed(sent)]
    assert sorted(page.locator("#filter-model option").all_text_contents()) == sorted(["all", *sent])
    for text in sent[::5]:
        page.locator("#calls tr button").nth(len(sent) - 1 - sent.index(text)).click()
        page.locator("#detail h2").get_by_text(text, exact=True).wait_for()
        page.locator(".waterfall small", has_text=text.removeprefix("b/").strip()).first.wait_for()
    page.locator("#detail summary", has_text="Response").click()
    page.fill("#filter-text", "<script>")
    assert page.locator("#calls tr").count() > 3
    check(page)
