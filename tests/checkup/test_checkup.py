"""A checkup finds what keeps a program from its answers, with real servers on this machine, and shows no secret."""

from __future__ import annotations

import datetime as dt
import json
import socket
import ssl
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest
import trustme

from jackfield import Secret, hookimpl
from jackfield.checkup import Row, Scope, checkup
from jackfield.checkup.service import model_of
from jackfield.config.load import load
from jackfield.http import Origin
from jackfield.provider import HttpProvider
from jackfield.testing.leaks import leaks
from server import CLOSE, Serve, answer, certified, tunnel

KEY = "sk-canary-ch3ckup-0123456789"
MODELS = json.dumps(
    {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "o"}]}
).encode()
CHAT = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "Hi"}}],
    }
).encode()


@attrs.define(eq=False)
class Inside:
    """A provider inside this process, with secrets at every depth.

    Attributes:
        keys: any.
    """

    one: Secret | None = None
    keys: dict[str, Secret] = attrs.field(factory=dict)
    more: tuple[Secret, ...] = ()
    closed: ClassVar[int] = 0

    @hookimpl
    def create_chat_completion(self, request, call):
        raise RuntimeError(f"no {request.model}")
        yield  # makes it a generator

    @hookimpl
    def close(self):
        Inside.closed += 1
        raise RuntimeError("does not close")


@attrs.define(eq=False)
class Bare(HttpProvider):
    """A dialect without a list of models."""


@attrs.define(eq=False)
class NoList:
    """A provider of a service that has no hook for its models."""

    origin: ClassVar[Origin] = Origin("http", "127.0.0.1", 1)
    port: int

    def __attrs_post_init__(self) -> None:
        NoList.origin = Origin("http", "127.0.0.1", self.port)

    @hookimpl
    def create_chat_completion(self, request, call):
        yield from ()


@attrs.define(eq=False)
class Misspelt:
    @hookimpl
    def wrap_chat_completions(self, request, call):
        return (yield request)


@attrs.define(eq=False)
class Around:
    """A layer of the host that would answer in the place of every backend.

    Attributes:
        key: a secret.
    """

    key: Secret | None = None

    @hookimpl
    def wrap_http(self, http_request, call):
        raise RuntimeError("a layer of the host was asked")
        yield  # makes it a generator


PLUGINS = {"inside": Inside, "bare": Bare, "nolist": NoList, "misspelt": Misspelt, "around": Around}


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CANARY", KEY)
    monkeypatch.chdir(tmp_path)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE", "JACKFIELD_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def found(config: Any, **scope: Any) -> list[Row]:
    """All rows, none of which shows the key, or a piece of it."""
    rows = list(checkup(config, plugins=PLUGINS, scope=Scope(**{"timeout": 20.0, **scope})))
    assert leaks(repr(rows), KEY) == []
    return rows


def of(rows: list[Row], about: str) -> dict[str, tuple[str, str]]:
    """Status and detail by what was looked at."""
    return {row.what: (row.status, row.detail) for row in rows if row.about == about}


def statuses(rows: list[Row], about: str = "b") -> dict[str, str]:
    """Status by what was looked at."""
    return {row.what: row.status for row in rows if row.about == about}


def remedy(rows: list[Row], what: str) -> str:
    """What to do about the one row."""
    (row,) = [row for row in rows if row.what == what and row.about == "b"]
    return row.remedy or ""


def config(url: str, *, key: str | None = "env:CANARY", **backend: Any) -> dict[str, Any]:
    """A configuration with one backend ``b``."""
    layers = [] if key is None else [{"use": "bearer", "token": key}]
    table = {"provider": "openai", "base_url": f"{url}/v1", "middleware": layers, **backend}
    return {"default_model": "b/m", "backends": {"b": table}}


# -- all is well -----------------------------------------------------------------------------------------------------


def test_a_backend_that_is_well_is_ok_throughout(serve: Serve) -> None:
    """Secret, name, port, answer, clock and a call; nothing is sent for a token before it is asked for."""
    server = serve([answer(MODELS, date=formatdate(usegmt=True))], [answer(CHAT)])
    rows = found(config(server.url), live=True)

    assert of(rows, "b") == {
        "secret bearer.token": ("ok", "env:CANARY resolves"),
        "dns": ("ok", "127.0.0.1 is 127.0.0.1"),
        "tcp": ("ok", f"127.0.0.1 takes connections on port {server.port}"),
        "http": ("ok", "it answers, and lists 1 model"),
        "clock": ("ok", "it differs from this machine's by less than 30 s"),
        "call": ("ok", "m answers"),
    }
    assert [request.split(b" HTTP")[0] for request, _ in server.requests] == [
        b"GET /v1/models",
        b"POST /v1/chat/completions",
    ]
    assert json.loads(server.requests[1][1])["max_completion_tokens"] == 1
    assert all(
        b"authorization: bearer " + KEY.encode() in request.lower().replace(KEY.lower().encode(), KEY.encode())
        for request, _ in server.requests
    )
    assert {row.status for row in rows} == {"ok", "skipped"}


def test_without_live_nothing_costs_a_token(serve: Serve) -> None:
    """Only the list of models is asked for."""
    server = serve([answer(MODELS)])
    rows = found(config(server.url))

    assert len(server.requests) == 1
    assert "call" not in statuses(rows)
    assert of(rows, "b")["clock"] == ("skipped", "the answer has no date")


def test_layers_of_the_host_do_not_stand_in_the_way(serve: Serve) -> None:
    """A cache or a fallback among them would answer in the place of a backend; their secrets are looked at."""
    server = serve([answer(MODELS)])
    rows = found({**config(server.url), "middleware": [{"use": "around", "key": "env:CANARY"}]})

    assert statuses(rows)["http"] == "ok"
    assert of(rows, "host") == {"secret around.key": ("ok", "env:CANARY resolves")}


# -- the network -----------------------------------------------------------------------------------------------------


def test_a_port_where_nobody_listens() -> None:
    """Refused: the service is not running."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    rows = found(config(f"http://127.0.0.1:{port}"), live=True)

    assert statuses(rows) == {
        "secret bearer.token": "ok",
        "dns": "ok",
        "tcp": "failed",
        "http": "skipped",
        "call": "skipped",
    }
    assert "Connection refused" in of(rows, "b")["tcp"][1]
    assert remedy(rows, "tcp").startswith("start the service")
    assert of(rows, "b")["call"][1] == "it is not reached"


def test_a_name_that_no_one_knows() -> None:
    """The top-level domain invalid has no names (RFC 6761)."""
    rows = found(config("https://nobody.invalid"))

    assert of(rows, "b")["dns"] == ("failed", "the name nobody.invalid cannot be resolved")
    assert remedy(rows, "dns").startswith("mend the host in base_url")
    assert "tcp" not in statuses(rows)


def test_tls_that_can_be_trusted(serve: Serve, authority: trustme.CA, ca_file: Path) -> None:
    """By the authority that the backend's transport names; when the certificate ends is told."""
    leaf = authority.issue_cert("127.0.0.1", not_after=dt.datetime.now(dt.UTC) + dt.timedelta(days=100, hours=1))
    server = serve([answer(MODELS)], tls=certified(leaf))
    rows = found(config(server.url, transport={"ca_file": str(ca_file)}))

    assert of(rows, "b")["tls"][0] == "ok"
    assert of(rows, "b")["tls"][1].endswith("with 127.0.0.1; its certificate is valid for 100 days")
    assert statuses(rows)["http"] == "ok"


def test_a_certificate_that_ends_soon(serve: Serve, authority: trustme.CA, ca_file: Path) -> None:
    """A warning, and the rest goes on."""
    leaf = authority.issue_cert("127.0.0.1", not_after=dt.datetime.now(dt.UTC) + dt.timedelta(days=3, hours=1))
    server = serve([answer(MODELS)], tls=certified(leaf))
    rows = found(config(server.url, transport={"ca_file": str(ca_file)}))

    assert of(rows, "b")["tls"][0] == "warning"
    assert "ends in 3 days" in of(rows, "b")["tls"][1]
    assert statuses(rows)["http"] == "ok"


EXPIRED = {"not_before": dt.datetime(2000, 1, 1, tzinfo=dt.UTC), "not_after": dt.datetime(2001, 1, 1, tzinfo=dt.UTC)}


@pytest.mark.parametrize(
    ("own", "host", "dates", "why", "what_to_do"),
    [
        (False, "127.0.0.1", {}, "certificate", "name the file of the authority"),
        (True, "127.0.0.1", EXPIRED, "expired", "have the certificate of the service renewed"),
        (True, "elsewhere.example", {}, "mismatch", "name the host in base_url"),
    ],
    ids=["self-signed", "expired", "wrong host"],
)
def test_a_certificate_that_no_one_may_trust(
    serve: Serve, authority: trustme.CA, ca_file: Path, own: bool, host: str, dates: Any, why: str, what_to_do: str
) -> None:
    """Each with its own remedy; nothing is sent."""
    issuer = authority if own else trustme.CA()
    server = serve([answer(MODELS)], tls=certified(issuer.issue_cert(host, **dates)))
    rows = found(config(server.url, transport={"ca_file": str(ca_file)}))

    assert of(rows, "b")["tls"][0] == "failed"
    assert why in of(rows, "b")["tls"][1]
    assert remedy(rows, "tls").startswith(what_to_do)
    assert statuses(rows)["http"] == "skipped"
    assert server.requests == []


def test_a_port_that_speaks_no_tls(serve: Serve) -> None:
    """The usual slip: https where http is spoken."""
    server = serve([answer(MODELS)], opening=[b"HTTP/1.1 400 Bad Request\r\n\r\n", CLOSE])
    rows = found(config(server.url.replace("http:", "https:")))

    assert statuses(rows)["tls"] == "failed"


def test_a_handshake_that_never_comes_is_given_up(serve: Serve) -> None:
    """No look takes longer than it may."""
    server = serve([answer(MODELS)], opening=[60.0])
    rows = found(config(server.url.replace("http:", "https:")), timeout=0.3)

    assert of(rows, "b")["tls"][1] == f"no TLS handshake with https://127.0.0.1:{server.port} within 0.3 s"
    assert "--timeout" in remedy(rows, "tls")


def test_an_authority_that_cannot_be_read(serve: Serve, tls: ssl.SSLContext) -> None:
    """The file is named."""
    server = serve([answer(MODELS)], tls=tls)
    rows = found(config(server.url, transport={"ca_file": "/nowhere/ca.pem"}))

    assert of(rows, "b")["tls"] == ("failed", "ca_file /nowhere/ca.pem cannot be used: FileNotFoundError")


def test_where_a_proxy_stands_between_it_is_looked_at(serve: Serve, tls: ssl.SSLContext, ca_file: Path) -> None:
    """Name and port are the proxy's; the answer comes through it."""
    server = serve([answer(MODELS)], tls=tls)
    proxy = serve([tunnel])
    rows = found(config(server.url, transport={"proxy": proxy.url, "ca_file": str(ca_file)}))

    assert of(rows, "b")["tcp"] == ("ok", f"the proxy 127.0.0.1 takes connections on port {proxy.port}")
    assert "tls" not in statuses(rows)
    assert statuses(rows)["http"] == "ok"


def test_a_proxy_over_tls(serve: Serve, tls: ssl.SSLContext, ca_file: Path) -> None:
    """Its certificate is looked at."""
    proxy = serve([answer(MODELS)], tls=tls)
    rows = found(config("http://127.0.0.1:1", transport={"proxy": proxy.url, "ca_file": str(ca_file)}, key=None))

    assert statuses(rows) == {"dns": "ok", "tcp": "ok", "tls": "ok", "http": "ok", "clock": "skipped"}


def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment, say."""
    monkeypatch.setenv("HTTPS_PROXY", f"socks5://user:{KEY}@h:1")
    rows = found(config("https://nobody.invalid"))

    assert of(rows, "b")["proxy"] == ("failed", "proxy: expected an http:// or https:// URL")


# -- the answer ------------------------------------------------------------------------------------------------------


def test_a_credential_that_is_refused(serve: Serve) -> None:
    """401 is a failure with its remedy; the clock is looked at all the same, for it may be the cause."""
    server = serve([answer(b'{"error":{"message":"no"}}', "401 Unauthorized", date=formatdate(usegmt=True))])
    rows = found(config(server.url), live=True)

    assert of(rows, "b")["http"] == ("failed", "the credential is refused: HTTP 401: no")
    assert remedy(rows, "http").startswith("renew the secret")
    assert statuses(rows)["clock"] == "ok"
    assert of(rows, "b")["call"] == ("skipped", "it did not answer as it should")


def test_a_service_that_repeats_the_key(serve: Serve) -> None:
    """It is scrubbed from what is told."""
    server = serve([answer(json.dumps({"error": {"message": f"wrong key {KEY}"}}).encode(), "401 Unauthorized")])
    rows = found(config(server.url))

    assert of(rows, "b")["http"][1].endswith("wrong key ***")


@pytest.mark.parametrize(("offset", "words"), [(-300, "300 s ahead of"), (300, "300 s behind")])
def test_clocks_that_differ(serve: Serve, offset: int, words: str) -> None:
    """A warning that says which of the two is behind."""
    server = serve([answer(MODELS, date=formatdate(time.time() + offset, usegmt=True))])
    status, text = of(found(config(server.url)), "b")["clock"]

    assert status == "warning"
    assert int(text.removeprefix("this machine is ").split(" ")[0]) == pytest.approx(300, abs=20)
    assert words.split(" s ")[1] in text


def test_a_service_without_a_list_of_models(serve: Serve) -> None:
    """It is reached, and a call is made."""
    server = serve([answer(b"nothing here", "404 Not Found")], [answer(CHAT)])
    rows = found(config(server.url), live=True)

    assert of(rows, "b")["http"][0] == "warning"
    assert statuses(rows)["call"] == "ok"


def test_a_service_that_says_nothing(serve: Serve) -> None:
    """It is given up after the time of a look, and no clock is told of."""
    server = serve([60.0])
    rows = found(config(server.url), timeout=0.3)

    assert statuses(rows)["http"] == "failed"
    assert "--timeout" in remedy(rows, "http")
    assert "clock" not in statuses(rows)


def test_a_dialect_that_cannot_ask_for_models(serve: Serve) -> None:
    """That is no failure: skipped, and a call is made all the same."""
    server = serve([answer(CHAT)])
    bare = {"backends": {"b": {"provider": "bare", "base_url": server.url}}}
    rows = found({**bare, "default_model": "b/m"}, live=True)
    nolist = found({"backends": {"b": {"provider": "nolist", "port": server.port}}})

    assert of(rows, "b")["http"] == ("skipped", "its provider has no way to ask for models")
    assert of(rows, "b")["call"] == ("failed", "Bare does not implement encode")
    assert of(nolist, "b")["http"] == ("skipped", "its provider has no way to ask for models")


def test_a_model_that_is_not_there(serve: Serve) -> None:
    """The call says which."""
    server = serve([answer(MODELS)], [answer(b'{"error":{"message":"no such model"}}', "404 Not Found")])
    rows = found(config(server.url), live=True, model="b/other")

    assert of(rows, "b")["call"] == ("failed", "HTTP 404: no such model")
    assert "other" in remedy(rows, "call")
    assert json.loads(server.requests[1][1])["model"] == "other"


# -- secrets ---------------------------------------------------------------------------------------------------------


def test_a_variable_that_is_not_set(serve: Serve) -> None:
    """Nothing is sent without the key, and the way to the service is looked at all the same."""
    server = serve([answer(MODELS)])
    rows = found(config(server.url, key="env:NOT_SET_ANYWHERE"), live=True)

    assert of(rows, "b")["secret bearer.token"] == ("failed", "environment variable NOT_SET_ANYWHERE is not set")
    assert remedy(rows, "secret bearer.token").startswith("set the variable")
    assert statuses(rows)["tcp"] == "ok"
    assert of(rows, "b")["http"] == ("skipped", "a secret of it does not resolve")
    assert of(rows, "b")["call"] == ("skipped", "a secret of it does not resolve")
    assert server.requests == []


def inside(**settings: Any) -> dict[str, Any]:
    """A backend in this process."""
    return {"backends": {"b": {"provider": "inside", **settings}}}


def test_files_of_secrets(tmp_path: Path) -> None:
    """One that only its owner may read is well, one that all may read is warned of, one that is not there has failed."""
    good, loose = tmp_path / "good", tmp_path / "loose"
    for file, mode in ((good, 0o600), (loose, 0o644)):
        file.write_text(KEY)
        file.chmod(mode)
    rows = found(inside(keys={"a": f"file:{good}", "b": f"file:{loose}", "c": f"file:{tmp_path / 'none'}"}))

    assert of(rows, "b") | {"service": None} == {
        "secret inside.keys.a": ("ok", f"file:{good} resolves"),
        "secret inside.keys.b": ("warning", f"file:{loose} can be read by every user of this machine"),
        "secret inside.keys.c": ("failed", f"secret file {tmp_path / 'none'} cannot be read: FileNotFoundError"),
        "service": None,
    }
    assert remedy(rows, "secret inside.keys.b") == f"chmod 600 {loose}"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read any, so what the system says is played here."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    rows = found(inside(one="file:/a"))

    assert of(rows, "b")["secret inside.one"] == ("failed", "secret file /a cannot be read: PermissionError")
    assert "let the user of the program read it" in remedy(rows, "secret inside.one")


def test_commands_of_secrets(tmp_path: Path) -> None:
    """They are run, as for any call, but not offline; only the program's name is shown, and one that hangs is given up."""
    mark = tmp_path / "mark"
    rows = found(inside(more=[f"command:echo {KEY}", f"command:false {KEY}", f"command:echo {KEY[:9]}\u00e4"]))
    offline = found(inside(one=f"command:touch {mark} {KEY}"), offline=True)
    hangs = found(inside(one="command:sleep 2"), timeout=0.1)

    assert of(rows, "b")["secret inside.more.0"] == ("ok", "command:echo resolves")
    assert of(rows, "b")["secret inside.more.1"] == ("failed", "secret command 'false' ended with exit code 1")
    assert of(rows, "b")["secret inside.more.2"][1].startswith("secret command:echo has a character at position 10")
    assert of(offline, "b")["secret inside.one"] == ("skipped", "command:touch is not run offline")
    assert not mark.exists()
    assert of(hangs, "b")["secret inside.one"] == ("failed", "command:sleep took longer than 0.1 s")


def test_a_secret_that_the_program_holds() -> None:
    """It has no reference that could fail."""
    rows = found(inside(one=Secret.of(KEY)))

    assert of(rows, "b")["secret inside.one"] == ("ok", "the program holds it")


def test_a_key_in_the_place_of_a_reference() -> None:
    """It is refused where it stands, and not shown."""
    rows = found(inside(one=KEY))
    faults = [row for row in rows if row.what == "fault"]

    assert [row.detail.split(":")[0] for row in faults] == ["backends.b.one"]
    assert of(rows, "b")["service"] == ("skipped", "its configuration is at fault")


# -- plugins and configuration ---------------------------------------------------------------------------------------


def test_plugins_that_cannot_be_used(serve: Serve) -> None:
    """A hook that is misspelt, a provider and a middleware that are not installed; the way to the service is seen yet."""
    server = serve([answer(MODELS)])
    data = config(server.url, middleware=[{"use": "misspelt"}, {"use": "bearr"}])
    data["backends"]["c"] = {"provider": "azzure", "middleware": [{"use": "misspelt"}]}
    data["middleware"] = [{"use": "misspelt"}]
    rows = found(data, live=True)
    plugins = of(rows, "plugins")

    assert plugins["middleware misspelt"][0] == "failed"
    assert "no hook is named 'wrap_chat_completions'" in plugins["middleware misspelt"][1]
    assert plugins["middleware bearr"] == ("failed", "is not installed")
    assert plugins["provider azzure"] == ("failed", "is not installed")
    assert plugins["provider openai"][0] == "ok"
    assert statuses(rows) == {"dns": "ok", "tcp": "ok", "http": "skipped", "call": "skipped"}
    assert of(rows, "b")["http"][1] == "a plugin of it cannot be used: misspelt, bearr"
    assert of(rows, "c")["service"] == ("skipped", "a plugin of it cannot be used: azzure, misspelt")
    assert [row for row in rows if row.what == "fault"] == []
    assert server.requests == []


def test_what_is_not_enabled_is_listed() -> None:
    """As information: it is installed, and no one names it."""
    plugins = of(found(inside()), "plugins")

    assert plugins["not enabled"][0] == "skipped"
    assert "provider echo" in plugins["not enabled"][1]


def test_where_all_is_enabled_nothing_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line without content."""
    monkeypatch.setattr("jackfield.registry.Registry.everything", lambda _: [])

    assert "not enabled" not in of(found(inside()), "plugins")


def test_faults_are_told_with_their_place_and_the_rest_is_looked_at(serve: Serve, tmp_path: Path) -> None:
    """Each once, also one of a plugin's settings; a backend that is sound is looked at."""
    server = serve([answer(MODELS)])
    file = tmp_path / "jackfield.toml"
    file.write_text(
        f"""\
nonsense = 1
[backends.b]
provider = "openai"
base_url = "{server.url}/v1"
[backends.bad]
provider = "echo"
chunk = 4
"""
    )
    rows = found(str(file))
    faults = {row.detail: row.remedy for row in rows if row.what == "fault"}

    assert faults == {
        f"{file}:1: nonsense: unknown key": "known: backends, default_model, middleware, models, profiles",
        f"{file}:7: backends.bad.chunk: unknown setting": 'did you mean "chunk_size"?',
    }
    assert of(rows, "configuration")["file"] == ("ok", str(file))
    assert statuses(rows)["http"] == "ok"
    assert of(rows, "bad")["service"] == ("skipped", "its configuration is at fault")


def test_without_a_layer_of_its_own_a_backend_is_asked_nothing(serve: Serve) -> None:
    """What the layer would have done (send the key, say) is missing; the way to the service is looked at."""
    server = serve([answer(MODELS)])
    rows = found(config(server.url, middleware=[{"use": "bearer", "tokn": "env:CANARY"}]), live=True)

    assert statuses(rows) == {"dns": "ok", "tcp": "ok", "http": "skipped", "call": "skipped"}
    assert of(rows, "b")["http"][1] == "its configuration is at fault"
    assert server.requests == []


def test_a_fault_around_all_backends_is_told_once() -> None:
    """However many backends there are."""
    data = {
        "backends": {"a": {"provider": "inside"}, "b": {"provider": "inside"}},
        "middleware": [{"use": "around", "kee": 1}],
    }
    rows = found(data)

    assert [row.detail for row in rows if row.what == "fault"] == ["middleware[0].kee: unknown setting"]


def test_which_profile_holds_is_told(tmp_path: Path) -> None:
    """Besides the file."""
    file = tmp_path / "a.toml"
    file.write_text('[backends.b]\nprovider = "echo"\n[profiles.p]\ndefault_model = "b/x"\n')
    (row, *_) = checkup(str(file), profile="p")

    assert row == Row("configuration", "file", "ok", f"{file}, profile p")


def test_a_file_that_cannot_be_read() -> None:
    """That is the finding, and not that there is none."""
    rows = found("missing.toml")

    assert of(rows, "configuration") == {
        "fault": ("failed", "missing.toml: the file cannot be read: No such file or directory")
    }


def test_no_configuration_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The remedy is the command that writes one."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "JACKFIELD_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("jackfield.registry.Registry.has", lambda *_: False)
    rows = found(None)
    file = next(row for row in rows if row.what == "file")

    assert (file.status, file.remedy) == ("warning", "jackfield config init writes a first one")
    assert of(rows, "configuration")["fault"] == (
        "failed",
        "the built-in default: backends: at least one backend is needed",
    )


# -- how far it goes -------------------------------------------------------------------------------------------------


def two(serve: Serve) -> tuple[dict[str, Any], Any]:
    """A configuration with two backends of one server."""
    server = serve([answer(MODELS)])
    data = config(server.url)
    data["backends"]["c"] = data["backends"]["b"]
    data["models"] = {"fast": "c/x"}
    return data, server


def test_only_the_backends_that_are_named_are_looked_at(serve: Serve) -> None:
    """By name, by a model of theirs; a name that leads to none has failed."""
    data, server = two(serve)
    named = found(data, backends=("c", "bb"))
    by_model = found(data, model="fast")
    wrong = found(data, model="nope/x")

    assert {row.about for row in named} == {"configuration", "plugins", "c", "bb"}
    assert of(named, "bb") == {"backend": ("failed", "no backend of this name can be used")}
    assert {row.about for row in by_model} == {"configuration", "plugins", "c"}
    assert of(wrong, "configuration")["model"][0] == "failed"
    assert {row.about for row in wrong} == {"configuration", "plugins"}
    assert len(server.requests) == 2


def test_offline_no_network_is_used(serve: Serve) -> None:
    """Configuration, plugins and secrets are looked at."""
    data, server = two(serve)
    rows = found(data, offline=True, live=True)

    assert statuses(rows) == {"secret bearer.token": "ok", "service": "skipped", "call": "skipped"}
    assert of(rows, "b")["call"][1] == "no network is used offline"
    assert server.connections == 0


def test_a_backend_in_this_process_has_no_network(serve: Serve) -> None:
    """A call of it is made all the same, and what it raises is told."""
    rows = found({**inside(), "default_model": "b/m"}, live=True)

    assert of(rows, "b") == {
        "service": ("skipped", "it answers inside this process"),
        "call": ("failed", "RuntimeError: no m"),
    }


def test_a_call_needs_a_model_that_leads_to_the_backend() -> None:
    """Without one it is skipped, and why is told."""
    rows = found(inside(), live=True)

    assert of(rows, "b")["call"] == ("skipped", "neither default_model nor an alias leads to it; -m names a model")


def test_the_model_of_a_call_is_what_the_configuration_names() -> None:
    """The default first, then the aliases in their order, then none."""
    backends = {"a": {"provider": "x"}, "b": {"provider": "x"}}
    settings = load(
        {
            "backends": backends,
            "default_model": "a/one",
            "models": {"zero": "a/zero", "two": "b/two", "three": "b/three", "four": "two"},
        },
        environ={},
    ).settings

    assert model_of(settings, "a", None) == "one"
    assert model_of(settings, "b", None) == "two"
    assert model_of(settings, "b", "b/other") == "other"
    assert model_of(settings, "b", "nope") is None
    assert model_of(settings, "c", None) is None


def test_plugins_are_closed_when_it_is_over() -> None:
    """Also where it is not looked at to its end, and whatever closing raises."""
    before = Inside.closed
    rows: Iterator[Row] = checkup(inside(), plugins=PLUGINS)
    next(rows)
    rows.close()  # type: ignore[attr-defined]  # a generator

    assert Inside.closed == before + 1


def test_limits_of_time() -> None:
    """A look takes 5 s at most and a call 60 s, unless told."""
    assert (Scope().seconds, Scope().call_seconds) == (5.0, 60.0)
    assert (Scope(timeout=2.0).seconds, Scope(timeout=2.0).call_seconds) == (2.0, 2.0)
