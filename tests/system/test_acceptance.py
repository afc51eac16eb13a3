"""What jackfield promises to an operator and to a plugin's author, by programs of their own in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from system.llama import LlamaServer
from system.tiny_model import REPLY

pytestmark = pytest.mark.system

HOST = """\
import asyncio, contextlib, sys, time
import jackfield

fields = {"messages": [{"role": "user", "content": "Hello."}], "temperature": 0}
if sys.argv[1:]:
    fields["model"] = sys.argv[1]
# The tiny model would have said all it has to say before anyone could close its stream.
endless = {**fields, "max_tokens": 2000, "extra_body": {"ignore_eos": True}}
# This server closes a connection after a stream without a word; without a layer that retries, a request that is sent in
# that moment is lost with it.
PAUSE = 0.2

def text(response):
    return response.choices[0].message.content

def synchronous():
    with jackfield.Client() as client:
        print(text(client.create_chat_completion(**fields)))
        with client.create_chat_completion(stream=True, **fields) as stream:
            print("".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices))
        time.sleep(PAUSE)
        with client.create_chat_completion(stream=True, **endless) as stream:
            next(stream)
        with contextlib.suppress(jackfield.BadRequestError):
            client.create_chat_completion(extra_body={"temperature": "hot"}, **fields)

async def asynchronous():
    async with jackfield.AsyncClient() as client:
        print(text(await client.create_chat_completion(**fields)))
        async with client.create_chat_completion(stream=True, **fields) as stream:
            async for chunk in stream:
                pass
        print(text(stream.response))
        await asyncio.sleep(PAUSE)
        async with client.create_chat_completion(stream=True, **endless) as stream:
            await anext(stream)

synchronous()
asyncio.run(asynchronous())
"""
"""An application: it names no backend, or one by its argument, and knows nothing of the configuration."""

AUDIT = '''\
import attrs
from jackfield import hookimpl

@attrs.define(eq=False)
class Audit:
    """Write a line for each outcome."""

    path: str

    @hookimpl
    def wrap_chat_completion(self, request, call):
        outcome = "nothing"
        try:
            response = yield request
            outcome = response.choices[0].message.content
            return response
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            with open(self.path, "a") as file:
                print("stream" if call.stream else "whole", outcome, file=file)
'''
CONFIG = """\
default_model = "fake/echo"

[backends.fake]
provider = "echo"

[backends.real]
provider = "openai"
base_url = "{base_url}"
"""
USE = '[[middleware]]\nuse = "acme-audit"\npath = "audit.log"\n'


@attrs.define
class Home:
    """An empty home and working directory, and an environment that knows of no other."""

    folder: Path

    def run(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("JACKFIELD", "OPENAI"))}
        homes = {name: str(self.folder / "home") for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=clean | homes | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def host(self, *arguments: str, **environ: str) -> list[str]:
        """What the application prints."""
        (self.folder / "host.py").write_text(HOST)
        done = self.run("host.py", *arguments, **environ)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path)


def variables(server: LlamaServer) -> dict[str, str]:
    """The two variables that every OpenAI client knows."""
    return {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": server.api_key or ""}


def test_two_variables_and_no_file_make_a_client(llama_server_with_key: LlamaServer, home: Home) -> None:
    """``OPENAI_BASE_URL`` and ``OPENAI_API_KEY`` are enough for a host, sync, async and streamed."""
    printed = home.host("openai/tiny", **variables(llama_server_with_key))

    assert printed == [REPLY, REPLY, REPLY, REPLY]


def test_two_variables_and_no_file_make_the_command_line(llama_server_with_key: LlamaServer, home: Home) -> None:
    """The answer is on stdout and nothing else is anywhere."""
    done = home.run("-m", "jackfield", "chat", "-m", "openai/tiny", "Hello.", **variables(llama_server_with_key))

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{REPLY}\n", "")


def test_a_wrong_key_is_a_failure_of_the_command_line_without_a_traceback(
    llama_server_with_key: LlamaServer, home: Home
) -> None:
    """One message, exit code 1, and the key nowhere."""
    environ = variables(llama_server_with_key) | {"OPENAI_API_KEY": "sk-wrong-0123456789"}

    done = home.run("-m", "jackfield", "chat", "-m", "openai/tiny", "Hello.", **environ)

    assert (done.returncode, done.stdout) == (1, "")
    assert "401" in done.stderr
    assert "Traceback" not in done.stderr
    assert "sk-wrong" not in done.stderr


def test_one_variable_swaps_the_backend_and_the_host_stays_as_it_is(llama_server: LlamaServer, home: Home) -> None:
    """The same program, the same file."""
    (home.folder / "jackfield.toml").write_text(CONFIG.format(base_url=llama_server.base_url))

    fake = home.host()
    real = home.host(JACKFIELD__DEFAULT_MODEL="real/tiny")

    assert fake == ["Hello.", "Hello.", "Hello.", "Hello."]
    assert real == [REPLY, REPLY, REPLY, REPLY]


def install_audit(folder: Path) -> None:
    """A distribution of someone else's, as an installer would leave it: a module and its metadata."""
    info = folder / "acme_audit-2.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-audit\nVersion: 2.1\n")
    (info / "entry_points.txt").write_text("[jackfield.middleware]\nacme-audit = acme_audit:Audit\n")
    (info / "RECORD").write_text("")
    (folder / "acme_audit.py").write_text(AUDIT)


def test_a_third_partys_middleware_is_one_table_and_sees_one_outcome_of_each_call(
    llama_server: LlamaServer, home: Home
) -> None:
    """Sync, async, streamed, closed and refused: it has no line for any of them."""
    install_audit(home.folder / "site")
    (home.folder / "jackfield.toml").write_text(CONFIG.format(base_url=llama_server.base_url) + USE)
    paths = [str(home.folder / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]

    printed = home.host(JACKFIELD__DEFAULT_MODEL="real/tiny", PYTHONPATH=os.pathsep.join(paths))

    assert printed == [REPLY, REPLY, REPLY, REPLY]
    assert (home.folder / "audit.log").read_text().splitlines() == [
        f"whole {REPLY}",
        f"stream {REPLY}",
        "stream CallCancelled",
        "whole BadRequestError",
        f"whole {REPLY}",
        f"stream {REPLY}",
        "stream CallCancelled",
    ]


def test_a_middleware_that_is_not_installed_is_told_before_anything_is_sent(
    llama_server: LlamaServer, home: Home
) -> None:
    """With the file, the line and what to install."""
    (home.folder / "jackfield.toml").write_text(CONFIG.format(base_url=llama_server.base_url) + USE)

    done = home.run("-m", "jackfield", "chat", "-m", "real/tiny", "Hello.")

    assert (done.returncode, done.stdout) == (1, "")
    assert f"{home.folder / 'jackfield.toml'}:10: middleware[0].use: " in done.stderr.replace("\n", "")
    assert "acme-audit" in done.stderr
    assert "Traceback" not in done.stderr
