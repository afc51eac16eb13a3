"""The page in a real Chromium, on a real gateway, in front of a service that answers as a test says.

Each page is watched: a dialog, an error of a script, a breach of the content security policy or a request to anywhere
else fails the test that opened it. Pictures go to the directory that ``JACKFIELD_TEST_ARTEFACTS`` names.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from jackfield_gateway import running
from jackfield_gateway.settings import GatewaySettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OPEN = GatewaySettings(keys="never", store="sqlite::memory:")
PATIENCE = 20_000
"""Milliseconds that a test waits for what is to appear."""
WATCH = """window.__breaches = []; document.addEventListener(
    "securitypolicyviolation", (event) => window.__breaches.push([event.effectiveDirective, event.blockedURI]));"""
HEAD = {"id": "chatcmpl-1", "created": 1, "model": "m"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


@attrs.define(eq=False)
class Service:
    """A service of OpenAI's format.

    Attributes:
        url: where it is.
        answer: what it says to a request: a status and a body, or an iterator of events, of which ``None`` breaks off.
        models: names that it lists.
        requests: bodies that came.
        left: set when a client closed its connection before the end.
    """

    url: str = ""
    answer: Callable[[Any], Any] = lambda _: (200, whole("hello"))
    models: list[str] = attrs.field(factory=lambda: ["m"])
    requests: list[Any] = attrs.field(factory=list)
    left: threading.Event = attrs.field(factory=threading.Event)


def whole(content: str | None, **message: Any) -> dict[str, Any]:
    """An answer that is no stream."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": "stop"}
    return {**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """An event of a stream."""
    return {
        **HEAD,
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def streamed(*deltas: Mapping[str, Any], finish: str = "stop") -> Iterator[Any]:
    """The events of a whole stream."""
    for delta in deltas:
        yield chunk(**delta)
    yield chunk(finish)
    yield {**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": USAGE}
    yield "[DONE]"


def held(first: str, rest: str) -> tuple[Callable[[Any], Iterator[Any]], threading.Event]:
    """A streamed answer to whatever is asked, and what lets it go on after its first words."""
    go_on = threading.Event()

    def answer(_: Any) -> Iterator[Any]:
        yield chunk(content=first)
        assert go_on.wait(30)
        yield from streamed({"content": rest})

    return answer, go_on


class Handler(BaseHTTPRequestHandler):
    service: Service

    def do_GET(self) -> None:
        listed = [{"id": name, "object": "model", "created": 1, "owned_by": "x"} for name in self.service.models]
        self.reply(200, {"object": "list", "data": listed})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.service.requests.append(request)
        answer = self.service.answer(request)
        if isinstance(answer, tuple):
            self.reply(*answer)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.close_connection = True
        try:
            for event in answer:
                if event is None:
                    return
                data = event if isinstance(event, str) else json.dumps(event)
                self.wfile.write(f"data: {data}\n\n".encode())
        except OSError:
            self.service.left.set()

    def reply(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def answers() -> Any:
    """Makers of answers: ``whole(content, **message)``, ``streamed(*deltas)``, ``held(first, rest)``, and ``chunk``."""

    class Makers:
        whole, chunk, streamed, held = map(staticmethod, (whole, chunk, streamed, held))

    return Makers


@pytest.fixture
def service() -> Iterator[Service]:
    """What answers behind the gateway."""
    service = Service()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Handler,), {"service": service}))
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield service
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def gateway(service: Service) -> Iterator[Callable[..., str]]:
    """Starts a gateway in front of the service, and tells its URL: ``gateway(middleware=(), **settings)``."""
    with ExitStack() as stack:

        def start(middleware: Any = (), **settings: Any) -> str:
            backend = {"provider": "openai", "base_url": service.url}
            config = {"models": {"fast": "b/m"}, "backends": {"b": backend}, "middleware": list(middleware)}
            return stack.enter_context(running(config, settings=attrs.evolve(OPEN, **settings)))

        yield start


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Of one module: while it is open, nothing else in this thread may run an event loop."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page of a gateway, with the options of a browser context: ``visit(url, **options)``."""
    found: list[Any] = []
    pages: list[Page] = []

    def go(url: str, **options: Any) -> Page:
        origin = "/".join(url.split("/")[:3])
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options}
        )
        context.set_default_timeout(PATIENCE)
        context.add_init_script(WATCH)

        def requested(request: Any) -> None:
            if not request.url.startswith(origin):
                found.append(request.url)

        def asked(dialog: Any) -> None:
            found.append(dialog.message)
            dialog.dismiss()  # else the page would stand still

        context.on("request", requested)
        page = context.new_page()
        page.on("dialog", asked)
        page.on("pageerror", lambda error: found.append(str(error)))
        pages.append(page)
        page.goto(url)
        page.locator("#model option").first.wait_for(state="attached")
        return page

    yield go
    for page in pages:
        found += page.evaluate("window.__breaches")
        page.context.close()
    assert found == []


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keeps a picture of a page, where pictures are wanted: ``picture(page, name)``."""

    def take(page: Page, name: str) -> None:
        directory = os.environ.get("JACKFIELD_TEST_ARTEFACTS")
        if directory:
            Path(directory).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(directory) / f"{name}.png")

    return take


@pytest.fixture
def say() -> Callable[..., None]:
    """Sends a message in the playground, and waits for the end of its answer: ``say(page, text, wait=True)``."""

    def send(page: Page, message: str, *, wait: bool = True) -> None:
        before = page.locator(".message .foot a").count()
        page.fill("#prompt", message)
        page.press("#prompt", "Control+Enter")
        if wait:
            page.locator(".message .foot a").nth(before).wait_for()

    return send
