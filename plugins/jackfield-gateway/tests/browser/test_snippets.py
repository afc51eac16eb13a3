"""The command and the program that the page gives ask for the same as the page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.system, pytest.mark.long]
NASTY = (
    "it's \"quoted\" $(touch x) `touch x` $HOME \\n \\ %s ! 'x' {y} \t tab\nline two \u2028 é 😀 '''\n@file --help #"
)
OPENAI = """
import json, pathlib
class OpenAI:
    def __init__(self, **given):
        pathlib.Path("client.json").write_text(json.dumps(given))
        self.chat = self.completions = self
    def create(self, **given):
        pathlib.Path("given.json").write_text(json.dumps(given))
        return []
"""


@pytest.fixture
def asked(gateway, service, visit, say, answers):
    """A page on which everything nasty was written, its address, and the request that it shows."""
    service.answer = lambda _: answers.streamed({"content": "fine"})
    url = gateway()
    page = visit(url)
    page.evaluate("sessionStorage.setItem('jackfield-key', 'jf-CANARY')")
    page.fill("#system", NASTY)
    page.fill("#stop", "it's\n\\")
    page.fill(
        "#tools", json.dumps([{"type": "function", "function": {"name": "f", "description": NASTY, "strict": True}}])
    )
    page.fill("#extra", json.dumps({"top_k": 3, "metadata": None, "seed": None, "logprobs": False}))
    page.fill("#prompt", NASTY)
    return page, url, json.loads(page.text_content("#request"))


def test_the_command_asks_the_same(asked, service, tmp_path):
    """Run by a shell, with the key from the environment."""
    page, _, request = asked
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    command = page.text_content("#curl")
    assert "CANARY" not in command
    environ = {**os.environ, "JACKFIELD_API_KEY": "jf-x"}
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environ, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b'"fine"' in done.stdout
    assert b"[DONE]" in done.stdout
    sent = service.requests[-1]
    assert (sent["messages"], sent["tools"], sent["top_k"]) == (request["messages"], request["tools"], 3)
    assert request["messages"][1]["content"] == NASTY
    assert list(tmp_path.iterdir()) == []


def test_the_program_asks_the_same(asked, tmp_path):
    """Run by Python: what it gives to OpenAI's library is the request, with unknown fields where these go."""
    page, url, request = asked
    program = page.text_content("#python")
    assert "CANARY" not in program
    (tmp_path / "openai.py").write_text(OPENAI)
    environ = {**os.environ, "JACKFIELD_API_KEY": "jf-x", "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environ, timeout=60, check=True)
    given = json.loads((tmp_path / "given.json").read_text())
    others = given.pop("extra_body")
    assert {**given, **others} == request
    assert others == {"top_k": 3}
    assert json.loads((tmp_path / "client.json").read_text()) == {"base_url": f"{url}/v1", "api_key": "jf-x"}
    assert not (tmp_path / "x").exists()


def test_what_is_shown_can_be_copied(asked):
    """By the button, into the clipboard."""
    page, url, _ = asked
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    page.click("#tab-python")
    page.click("#copy")
    page.locator("#copy", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.text_content("#python")
