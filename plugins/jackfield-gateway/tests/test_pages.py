"""The files of the page over HTTP: their headers, their tags, and nothing else of the disk."""

from __future__ import annotations

import pytest

from jackfield_gateway import pages
from jackfield_gateway.settings import GatewaySettings

OPEN = GatewaySettings(keys="never", store="sqlite::memory:")


@pytest.fixture
def page(monkeypatch):
    """Files in place of the page's own."""
    held = {"index.html": (b"<!doctype html>", '"one"'), "app.js": (b"export {}", '"two"')}
    monkeypatch.setattr(pages, "contents", lambda: held)


@pytest.mark.parametrize(("path", "kind"), [("/", "text/html"), ("/page/app.js", "text/javascript")])
@pytest.mark.usefixtures("page")
def test_a_file_is_served_with_a_strict_policy(gateway, path, kind):
    """No script, style, frame or form of elsewhere."""
    told = gateway(OPEN)(path)
    assert (told.status, told.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
    policy = dict(one.split(" ", 1) for one in told.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert told.headers["x-content-type-options"] == "nosniff"
    assert told.headers["referrer-policy"] == "no-referrer"
    assert told.headers["cross-origin-opener-policy"] == told.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("condition", ['"one"', 'W/"one"', '"x", "one"', "*"])
@pytest.mark.usefixtures("page")
def test_what_the_browser_has_is_not_sent_again(gateway, condition):
    """A list of tags, and weak ones, are understood."""
    told = gateway(OPEN)("/", headers={"if-none-match": condition})
    assert (told.status, told.body, told.headers["etag"]) == (304, b"", '"one"')


@pytest.mark.usefixtures("page")
def test_what_has_changed_is_sent(gateway):
    """Another tag is another file."""
    assert gateway(OPEN)("/", headers={"if-none-match": '"two"'}).body == b"<!doctype html>"


@pytest.mark.parametrize(
    "name", ["pages.py", "..%2fpages.py", "%2e%2e%2fpages.py", "..%5cpages.py", "%00", "INDEX.HTML"]
)
@pytest.mark.usefixtures("page")
def test_nothing_else_is_served(gateway, name):
    """Names are looked up among those of the page, never on the disk."""
    assert gateway(OPEN)(f"/page/{name}").status == 404


def test_a_package_without_a_page_has_none(gateway, monkeypatch, tmp_path):
    """Which is no fault of the program."""
    monkeypatch.setattr(pages, "files", lambda _: tmp_path)
    pages.contents.cache_clear()
    try:
        assert gateway(OPEN)("/").status == 404
    finally:
        pages.contents.cache_clear()


def test_files_of_unknown_kinds_are_no_part_of_it(monkeypatch, tmp_path):
    """Each that is has a tag of its bytes."""
    (tmp_path / "page").mkdir()
    for name in ("a.js", "b.js", "notes.txt"):
        (tmp_path / "page" / name).write_bytes(name.encode())
    monkeypatch.setattr(pages, "files", lambda _: tmp_path)
    read = pages.contents.__wrapped__()
    assert sorted(read) == ["a.js", "b.js"]
    assert read["a.js"][1] != read["b.js"][1]
