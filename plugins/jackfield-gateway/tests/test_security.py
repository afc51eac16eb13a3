"""Who gets in: over real HTTP, with keys in a store."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from jackfield_gateway import ring
from jackfield_gateway.ring import digest, make_token
from jackfield_gateway.store import store_of

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "hello"}]
BODY = {"model": "fast", "messages": MESSAGES}
SHAPE = {"message", "type", "param", "code"}


def bearer(token: str) -> dict[str, str]:
    """The header with a key."""
    return {"authorization": f"Bearer {token}"}


def raw(url: str, *lines: str, path: str = "/v1/models", method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """What is answered to a request with exactly these header lines."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for line in lines:
            name, _, value = line.partition(": ")
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def revoke(keys: Any) -> None:
    """Revoke the only key."""

    async def main() -> None:
        store = store_of(keys.settings)
        await store.open()
        (key,) = await store.keys()
        await store.revoke_key(key.id, time.time())
        await store.close()

    asyncio.run(main())


HOST = "host: localhost"
DENIED: dict[str, Callable[[Any], list[str]]] = {
    "no key": lambda _: [],
    "an empty header": lambda _: ["authorization: "],
    "no token": lambda _: ["authorization: Bearer"],
    "an empty token": lambda _: ["authorization: Bearer  "],
    "a wrong token": lambda _: [f"authorization: Bearer {make_token()}"],
    "half a token": lambda keys: [f"authorization: Bearer {keys.make()[:-1]}"],
    "a token and more": lambda keys: [f"authorization: Bearer {keys.make()} x"],
    "its digest": lambda keys: [f"authorization: Bearer {digest(keys.make())}"],
    "a revoked one": lambda keys: [f"authorization: Bearer {keys.make(revoked=True)}"],
    "an expired one": lambda keys: [f"authorization: Bearer {keys.make(expires=time.time() - 1)}"],
    "another scheme": lambda keys: [f"authorization: Basic {keys.make()}"],
    "no scheme": lambda keys: [f"authorization: {keys.make()}"],
    "two headers": lambda keys: [f"authorization: Bearer {keys.make()}"] * 2,
    "another header": lambda keys: [f"x-api-key: {keys.make()}", f"api-key: {keys.make()}"],
    "a cookie": lambda keys: [f"cookie: authorization=Bearer {keys.make()}; key={keys.make()}"],
    "bytes that are no text": lambda _: ["authorization: Bearer \xff\xfe"],
    "what SQL would mean": lambda _: ["authorization: Bearer ' OR ''='"],
    "a very long one": lambda _: [f"authorization: Bearer {'x' * 50_000}"],
}


@pytest.mark.parametrize("case", DENIED)
@pytest.mark.parametrize("path", ["/v1/models", CHAT, "/metrics", "/inspector/calls"])
def test_all_that_is_wrong_with_a_key_is_answered_alike(gateway, keys, case, path):
    """Status, headers and body say nothing of which keys there are, or were."""
    keys.make()
    url = gateway(keys.settings).url
    status, headers, body = raw(url, HOST, *DENIED[case](keys), path=path)
    plain = raw(url, HOST, path="/v1/models")
    for one in (headers, plain[1]):
        assert one.pop("x-request-id").startswith("req_")
        one.pop("date")
    assert (status, headers, body) == (401, plain[1], plain[2])
    assert (headers["www-authenticate"], json.loads(body)["error"]["code"]) == ("Bearer", "invalid_api_key")


def test_a_key_in_the_address_opens_nothing(gateway, keys):
    """Addresses are kept in logs everywhere: a key in one is not looked at."""
    token = keys.make()
    ask = gateway(keys.settings)
    for name in ("key", "api_key", "api-key", "authorization", "access_token", "token"):
        assert ask(f"/v1/models?{name}={token}").status == 401


def test_keys_are_compared_by_their_digests_in_constant_time(gateway, keys, monkeypatch):
    """The token itself is compared with nothing."""
    compared: list[tuple[bytes, bytes]] = []

    token = keys.make()
    monkeypatch.setattr(ring.hmac, "compare_digest", lambda one, other: compared.append((one, other)) or one == other)
    assert gateway(keys.settings)("/v1/models", headers=bearer(token)).status == 200
    assert compared == [(digest(token).encode(), digest(token).encode())]


def test_a_key_that_is_revoked_opens_nothing_a_second_later(gateway, keys):
    """Of one that works already."""
    token = keys.make()
    ask = gateway(keys.settings)
    assert ask("/v1/models", headers=bearer(token)).status == 200
    revoke(keys)
    time.sleep(ring.KEPT + 0.1)
    assert ask("/v1/models", headers=bearer(token)).status == 401


@pytest.mark.parametrize("keyless", [False, True])
def test_nobody_follows_calls_after_the_key_was_revoked_or_one_is_demanded(gateway, keys, keyless):
    """What is open already ends, and who comes again is refused as all are."""
    token = "" if keyless else keys.make(inspect=True)
    ask = gateway(keys.settings)
    connection = http.client.HTTPConnection(urlsplit(ask.url).netloc, timeout=30)
    connection.request("GET", "/inspector/live", headers=bearer(token))
    events = connection.getresponse()
    assert events.readline() == b": follows\n"
    if keyless:
        keys.make()
    else:
        revoke(keys)
    assert (events.readline(), events.readline()) == (b"\n", b"")  # and no ping
    connection.close()
    assert ask("/inspector/live", headers=bearer(token)).status == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1", 200),
        ("[::1]:4000", 200),
        ("evil.example", 421),
        ("evil.example:80", 421),
        ("localhost.evil.example", 421),
        ("localhost@evil.example", 421),
        ("2130706433", 421),
        ("0x7f.1", 421),
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/healthz", "/", "/inspector/about", "/nowhere"])
def test_other_hosts_are_refused_everywhere(gateway, host, status, path):
    """A page whose name was bound to this address afterwards is that of a strange host."""
    answered, headers, body = raw(gateway().url, f"host: {host}", path=path)
    assert answered == (404 if status == 200 and path == "/nowhere" else status)
    assert headers["x-request-id"].startswith("req_")
    if status == 421:
        assert json.loads(body)["error"].keys() == SHAPE


@pytest.mark.parametrize(("version", "status"), [("1.0", 200), ("1.1", 400)])
@pytest.mark.parametrize("host", ["", "Host:\r\n"])
def test_a_request_without_a_host_is_of_http_1_0(gateway, version, host, status):
    """Load balancers ask so whether it is well; since HTTP/1.1 there has to be one (RFC 9112, section 3.2)."""
    address = urlsplit(gateway().url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(f"GET /healthz HTTP/{version}\r\n{host}Connection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        told = answer.read()
    assert answer.status == status
    assert (b"invalid_host" in told) is (status == 400)


@pytest.mark.parametrize("path", ["/v1/models", CHAT, "/inspector/about", "/inspector/live", "/nowhere"])
def test_pages_of_others_are_refused_before_and_after(gateway, service, path):
    """A browser that asks first is told nothing, and one that does not ask gets nothing done."""
    url = gateway().url
    for method in ("OPTIONS", "GET", "POST"):
        asked = ["origin: https://evil.example", "access-control-request-method: POST", "content-length: 0"]
        status, headers, body = raw(url, HOST, *asked, path=path, method=method)
        assert (status, json.loads(body)["error"]["code"]) == (403, "invalid_origin")
        assert not [name for name in headers if name.startswith("access-control")]
    assert not service.ledger.requests


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"])
def test_what_a_form_of_a_strange_page_can_send_is_no_request(gateway, service, kind):
    """Old browsers send no origin with it."""
    told = gateway()(CHAT, json.dumps(BODY).encode(), headers={"content-type": kind})
    assert told.status == 415
    assert not service.ledger.requests


def told_of(ask, model: str, token: str) -> list[tuple[int, bytes]]:
    """What a key is told of a model, wherever it may ask."""
    key = bearer(token)
    answers = [
        ask(CHAT, {"model": model, "messages": MESSAGES}, headers=key),
        ask(CHAT, {"model": model, "messages": MESSAGES, "stream": True}, headers=key),
        ask(f"/v1/models/{model}", headers=key),
    ]
    return [(answer.status, answer.body) for answer in answers]


def test_a_model_of_others_is_told_like_none(gateway, service, keys):
    """Nobody learns by asking which names there are."""
    token = keys.make(models=("fast",))
    ask = gateway(keys.settings, models={"fast": "b/ok", "secret": "b/ok"})
    assert told_of(ask, "secret", token) == told_of(ask, "no-such-model", token) == told_of(ask, "b/ok", token)
    assert {status for status, _ in told_of(ask, "secret", token)} == {404}
    assert [one["id"] for one in ask("/v1/models", headers=bearer(token)).json["data"]] == ["fast"]
    assert not [one for one in service.ledger.requests if one.method == "POST"]


def test_a_completion_of_another_key_is_told_like_none(gateway, keys):
    """To read, to list, to change and to delete; its own key still has it."""
    owner, thief = bearer(keys.make()), bearer(keys.make(inspect=True))
    ask = gateway(keys.settings)
    id_ = ask(CHAT, {**BODY, "store": True}, headers=owner).json["id"]

    def tried(name: str) -> list[tuple[int, bytes]]:
        path = f"{CHAT}/{name}"
        answers = [
            ask(path, headers=thief),
            ask(f"{path}/messages", headers=thief),
            ask(path, {"metadata": {"a": "b"}}, headers=thief),
            ask(path, method="DELETE", headers=thief),
            ask(f"{CHAT}?after={name}", headers=thief),
            ask(f"{CHAT}/{name}/messages?after={name}-0", headers=thief),
        ]
        return [(answer.status, answer.body) for answer in answers]

    assert tried(id_) == tried("chatcmpl-none")
    assert [status for status, _ in tried(id_)] == [404, 404, 404, 404, 404, 404]
    assert ask(CHAT, headers=thief).json["data"] == []
    assert ask(f"{CHAT}/{id_}", headers=owner).json["metadata"] is None


@pytest.mark.parametrize(
    "path", ["/metrics", "/inspector/calls", "/inspector/calls/x", "/inspector/about", "/inspector/live"]
)
def test_only_a_key_that_may_inspect_sees_calls_of_others(gateway, keys, path):
    """Another is told that it may not, whatever there is."""
    told = gateway(keys.settings)(path, headers=bearer(keys.make()))
    assert (told.status, told.error["code"]) == (403, "key_may_not_inspect")
