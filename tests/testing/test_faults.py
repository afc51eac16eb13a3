"""The fault server: it does what it is asked to do, the same for the same seed, and counts what it received."""

from __future__ import annotations

import json
import random
import re
import runpy
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
import urllib3

from jackfield.testing.contract.wire import fetch
from jackfield.testing.faults import DOORS, FAULTS, M20, Ask, FaultServer, Mix, OpenAIDialect, fault, name_of, parse
from jackfield.testing.faults.__main__ import main
from jackfield.testing.faults.cases import Case, cases
from jackfield.testing.faults.status import FORMS
from jackfield.testing.leaks import leaks
from rig import wait_until

TEXT = "say this"
PATIENCE = 0.15
"""Seconds after which silence is taken for silence."""
ENOUGH = 300_000
"""Bytes after which we have seen enough."""


def request(model: str, *, stream: bool = False, key: str = "", text: str = TEXT, **fields: Any) -> bytes:
    """A request as bytes."""
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": text}], **fields}
    data = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n"
    return (head + (f"Authorization: Bearer {key}\r\n" if key else "") + "\r\n").encode() + data


def speak(server: FaultServer, data: bytes, door: str = "plain", patience: float = PATIENCE) -> tuple[bytes, str]:
    """What comes for these bytes, and how it ended: ``fin``, ``reset``, or ``open``."""
    port = int(server.door(door).split(":")[2].split("/")[0])
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            return hear(sock, data, patience)
    except ConnectionResetError:
        return b"", "reset"


def hear(sock: socket.socket, data: bytes, patience: float, *, last: bool = False) -> tuple[bytes, str]:
    """The same on a connection; ``last`` tells the server that no more will be asked."""
    received, until = bytearray(), time.monotonic() + patience
    try:
        sock.sendall(data)
        if last:
            sock.shutdown(socket.SHUT_WR)
        while len(received) < ENOUGH and (left := until - time.monotonic()) > 0:
            sock.settimeout(left)
            block = sock.recv(65536)
            if not block:
                return bytes(received), "fin"
            received += block
    except TimeoutError:
        pass
    except OSError:
        return bytes(received), "reset"
    return bytes(received), "open"


def answer(server: FaultServer, model: str, **fields: Any) -> bytes:
    """The body of what comes for a model."""
    return speak(server, request(model, **fields))[0].partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("case", cases(OpenAIDialect()), ids=str)
def test_fault_answers_or_ends_the_connection(fault_server: FaultServer, case: Case) -> None:
    """Every fault answers something, or ends the connection."""
    port = int(fault_server.url.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        received, how = hear(sock, request(case.model, stream=case.stream), 0.3 if case.slow else 10, last=True)

    assert received or how != "open" or case.slow
    assert [received.model for received in fault_server.ledger.requests] == [case.model]
    assert fault_server.ledger.requests[0].stream is case.stream


@pytest.mark.parametrize("fault_name", ["reset", "eof", "split"])
def test_what_is_drawn_is_drawn_by_the_seed(fault_name: str) -> None:
    """The same requests in the same order get the same answers; with another seed, others."""

    def lengths(seed: int) -> list[int]:
        with FaultServer(seed=seed) as server:
            return [len(speak(server, request(fault_name))[0]) for _ in range(6)]

    if fault_name == "split":
        assert len(set(lengths(1))) == 1
    else:
        assert lengths(1) == lengths(1) != lengths(2)
        assert len(set(lengths(1))) > 1


@pytest.mark.parametrize(("at", "how"), [(0, "reset"), (70, "reset"), (0, "fin"), (70, "fin")])
def test_connection_ends_after_so_many_bytes(fault_server: FaultServer, at: int, how: str) -> None:
    """``reset`` and ``eof`` send so many bytes of the answer, and not one more."""
    model = name_of("reset" if how == "reset" else "eof", at=at)
    received, ended = speak(fault_server, request(model))

    assert (len(received), ended) == (at, how)
    assert b"HTTP/1.1 200 OK\r\n"[:at] == received[: min(at, 17)]


def test_silence_ends_when_the_client_leaves(fault_server: FaultServer) -> None:
    """The ledger tells how long after the request the client closed the connection."""
    speak(fault_server, request(name_of("stall", at=30)), patience=0.2)
    (received,) = fault_server.ledger.requests

    assert received.left.wait(5)
    assert received.left_after is not None
    assert received.left_after >= 0.1


def test_client_that_leaves_in_the_middle_is_noted(fault_server: FaultServer) -> None:
    """Also where the server finds out by sending."""
    speak(fault_server, request("pings", stream=True), patience=0.1)

    assert fault_server.ledger.requests[0].left.wait(5)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("retry-after", {"retry_after": "7"}),
        ("retry-after-ms", {"retry_after_ms": "70"}),
        ("x-should-retry", {"x_should_retry": "true"}),
    ],
)
def test_wait_is_in_the_head(fault_server: FaultServer, name: str, wanted: dict[str, str]) -> None:
    """Waits come as they were asked for, and only those."""
    head = speak(fault_server, request(name_of("status", code=429, **wanted)))[0].partition(b"\r\n\r\n")[0].decode()
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])

    assert head.startswith("HTTP/1.1 429 Too Many Requests\r\n")
    assert headers[name] == next(iter(wanted.values()))
    assert {"retry-after", "retry-after-ms", "x-should-retry"} & set(headers) == {name}
    assert not fault_server.ledger.requests[0].executed


def test_date_to_wait_for_counts_from_the_servers_own_clock(fault_server: FaultServer) -> None:
    """``date:n`` is n seconds after the answer's own ``Date``, which is not ours."""
    from email.utils import parsedate_to_datetime

    head = speak(fault_server, request(name_of("status", code=503, retry_after="date:90")))[0].decode()
    dates = [parsedate_to_datetime(text) for text in re.findall(r"(?:date|retry-after): (.*)\r\n", head)]

    assert abs((dates[1] - dates[0]).total_seconds()) == 90


def test_redirect_leads_to_the_door_that_was_asked_for(fault_server: FaultServer) -> None:
    """To the same origin, to another one, and from https to http."""
    hosts = {}
    for to in ("same", "other", "plain"):
        head = speak(fault_server, request(name_of("redirect", code=307, to=to)))[0].decode()
        hosts[to] = re.findall(r"location: (.*)/chat/completions\r\n", head)[0]

    assert hosts == {"same": fault_server.url, "other": fault_server.door("other"), "plain": fault_server.url}
    assert fault_server.door("other") != fault_server.url


def test_first_requests_fail_and_the_others_do_not(fault_server: FaultServer) -> None:
    """``first=n`` counts the requests with the same body."""
    model = name_of("status", code=500, first=2)

    def statuses(text: str) -> list[bytes]:
        return [speak(fault_server, request(model, text=text))[0][9:12] for _ in range(3)]

    assert statuses("a") == statuses("b") == [b"500", b"500", b"200"]
    assert [received.executed for received in fault_server.ledger.requests] == [False, False, True] * 2


def test_good_answer_says_what_was_asked(fault_server: FaultServer) -> None:
    """The text of the user's last message comes back, from parts too; without one, a text of every size of character."""
    parts = [{"role": "user", "content": [{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]}]
    said = [
        json.loads(answer(fault_server, "ok", **fields))["choices"][0]["message"]["content"]
        for fields in ({}, {"messages": parts}, {"messages": [{"role": "system", "content": "x"}]})
    ]

    assert said[:2] == [TEXT, "in parts"]
    assert {len(char.encode()) for char in said[2]} == {1, 2, 3, 4}


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"messages": []}', b'{"messages": [1]}', b'{"messages": [{"role": "x"}]}']
)
def test_request_that_is_none_is_refused(fault_server: FaultServer, body: bytes) -> None:
    """What is no chat completion gets 400, and an error of the dialect."""
    head = f"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    received, _ = speak(fault_server, head + body)

    assert received.startswith(b"HTTP/1.1 400 ")
    assert json.loads(received.partition(b"\r\n\r\n")[2])["error"]["message"]
    assert not fault_server.ledger.requests[0].executed


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.only_streams])
def test_fault_of_streams_is_a_good_answer_without_one(fault_server: FaultServer, name: str) -> None:
    """What can only go wrong in a stream does not go wrong elsewhere."""
    assert json.loads(answer(fault_server, name))["choices"][0]["message"]["content"] == TEXT


@pytest.mark.parametrize("name", list(OpenAIDialect().variants(Ask(""))))
def test_variant_calls_the_tools(fault_server: FaultServer, name: str) -> None:
    """Every form of a stream has it that each function is called once, with all of its arguments."""
    tools = [{"type": "function", "function": {"name": name}} for name in ("one", "two")]
    body = answer(fault_server, name_of("variant", name=name), stream=True, tools=tools)
    chunks = [json.loads(data) for data in re.findall(rb"data: (\{.*\})\n", body)]
    pieces = [
        piece for chunk in chunks for choice in chunk["choices"] for piece in choice["delta"].get("tool_calls") or ()
    ]

    assert [piece["function"]["name"] for piece in pieces if piece.get("id")] == ["one", "two"]
    assert "".join(piece["function"]["arguments"] for piece in pieces).count("Zürich") == 2


def test_whole_answer_calls_the_tools(fault_server: FaultServer) -> None:
    """The same without a stream."""
    tools = [{"type": "function", "function": {"name": "one"}}]
    choice = json.loads(answer(fault_server, "ok", tools=tools))["choices"][0]

    assert choice["finish_reason"] == "tool_calls"
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["one"]


@pytest.mark.parametrize("form", list(FORMS))
def test_key_comes_back_as_it_was_asked_for(fault_server: FaultServer, form: str) -> None:
    """The credential of the request is in the answer, in the form that was asked for."""
    key = 'sk-/+"\\-0123456789abcdef'
    received, _ = speak(fault_server, request(name_of("echo-key", form=form), key=key))

    assert received.startswith(b"HTTP/1.1 401 ")
    assert leaks(received, key)


@pytest.mark.parametrize("model", ["large?bytes=131072", "huge-line?bytes=131072"])
def test_what_is_too_large_never_ends(fault_server: FaultServer, model: str) -> None:
    """So many bytes come, and then silence."""
    received, how = speak(fault_server, request(model, stream=True), patience=0.5)

    assert how == "open"
    assert len(received) > 131072


def test_drip_comes_to_its_end(fault_server: FaultServer) -> None:
    """Whoever has the patience gets it all."""
    body = answer(fault_server, name_of("drip", gap=0, at=10))

    assert json.loads(body)["object"] == "chat.completion"


def test_unauthorised_until_the_key_is_right(fault_server: FaultServer) -> None:
    """One key is good, others and none are not."""
    model = name_of("unauthorised", key="sk-right")
    statuses = [speak(fault_server, request(model, key=key))[0][9:12] for key in ("sk-right", "sk-wrong", "")]

    assert statuses == [b"200", b"401", b"401"]


@pytest.mark.parametrize("model", ["no-such-fault", "reset?to=5", "ok?at=1", "ok?first=x"])
def test_unknown_fault_is_told(fault_server: FaultServer, model: str) -> None:
    """A model name that asks for no fault gets 404, and is told what there is."""
    received, _ = speak(fault_server, request(model))

    assert received.startswith(b"HTTP/1.1 404 ")
    assert re.search(rb"no fault is named|has no argument|first: expected", received)
    with pytest.raises(ValueError, match=r"no fault is named|has no argument|first: expected"):
        parse(model)


def test_models_are_listed(fault_server: FaultServer) -> None:
    """Other requests get the list of models, and are in the ledger."""
    received, _ = speak(fault_server, b"GET /v1/models HTTP/1.1\r\n\r\n")

    assert json.loads(received.partition(b"\r\n\r\n")[2])["data"][0]["id"] == "ok"
    assert [received.target for received in fault_server.ledger.requests] == ["/v1/models"]


def test_client_that_leaves_is_borne(fault_server: FaultServer) -> None:
    """Half a request, a connection without one, nonsense, and a client that does not read on leave nothing behind."""
    speak(fault_server, request("ok")[:40], patience=0.01)
    speak(fault_server, b"", patience=0.01)
    speak(fault_server, b"nonsense\r\n\r\n", patience=0.01)
    speak(fault_server, b"POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n", patience=0.01)
    speak(fault_server, b"x" * 2**21, patience=0.2)
    speak(fault_server, request("large"), patience=0.01)

    assert json.loads(answer(fault_server, "ok"))["object"] == "chat.completion"


# -- the ledger -------------------------------------------------------------------------------------------------------


def test_ledger_counts_what_came(fault_server: FaultServer) -> None:
    """Requests by model and door, keys, connections, and what was carried out by the key of idempotency."""
    one = request("ok", key="sk-a").replace(b"Host: x", b"Idempotency-Key: i")
    for data in (one, one, request("status", key="sk-b"), request("ok")):
        speak(fault_server, data, patience=0.05)
    ledger = fault_server.ledger

    assert len(ledger.of("ok")) == 3
    assert len(ledger.through("plain")) == 4
    assert ledger.keys == Counter({"Bearer sk-a": 2, "Bearer sk-b": 1})
    assert ledger.executions == Counter({"i": 2, "": 1})
    assert ledger.connections["plain"] == 4
    assert len({received.connection for received in ledger.requests}) == 4


def test_ledger_is_served_and_cleared(fault_server: FaultServer) -> None:
    """A server in another process tells its counts, and forgets them when it is told to."""
    speak(fault_server, request("ok"), patience=0.05)
    told = [
        json.loads(speak(fault_server, f"{verb} /ledger HTTP/1.1\r\n\r\n".encode())[0].partition(b"\r\n\r\n")[2])
        for verb in ("GET", "DELETE", "GET")
    ]

    assert [counts["requests"] for counts in told] == [1, 1, 0]
    assert told[0]["models"] == {"ok": 1}
    assert told[0]["executed"] == 1


# -- doors ------------------------------------------------------------------------------------------------------------


def test_closed_doors_let_nothing_through(fault_server: FaultServer) -> None:
    """What each door without an answer does to a connection."""
    with pytest.raises(ConnectionRefusedError):
        speak(fault_server, b"hello", "refused")
    ends = {
        door: speak(fault_server, b"hello", door)
        for door in ("reset", "silent", "tls-silent", "tls-reset", "tls-eof", "tls-garbage")
    }

    assert ends == {
        "reset": (b"", "reset"),
        "silent": (b"", "open"),
        "tls-silent": (b"", "open"),
        "tls-reset": (b"", "reset"),
        "tls-eof": (b"", "fin"),
        "tls-garbage": (b"220 mail.example ESMTP\r\n", "fin"),
    }
    assert fault_server.ledger.requests == []


@pytest.mark.parametrize(
    ("door", "reason"),
    [
        ("tls", None),
        ("tls-self-signed", "self-signed certificate in certificate chain|unable to get local issuer"),
        ("tls-wrong-host", "IP address mismatch"),
        ("tls-expired", "certificate has expired"),
    ],
)
def test_certificates_are_good_or_bad_as_their_doors_say(
    fault_server: FaultServer, door: str, reason: str | None
) -> None:
    """One is trusted by who trusts the server's authority; each other fails for its own reason."""
    url = fault_server.door(door)
    with urllib3.PoolManager(ca_certs=str(fault_server.ca_file), retries=False) as pool:
        if reason is None:
            assert pool.request("GET", f"{url}/models").status == 200
            assert fault_server.ledger.handshakes[door] == 1
        else:
            with pytest.raises(urllib3.exceptions.SSLError, match=reason):
                pool.request("GET", f"{url}/models")
            assert fault_server.ledger.requests == []


def test_unknown_door_is_told(fault_server: FaultServer) -> None:
    """Whoever asks for a door that is none is told which there are."""
    with pytest.raises(ValueError, match="no door is named 'back'; there are plain, other, tls"):
        fault_server.door("back")


def test_close_ends_everything() -> None:
    """Afterwards nothing is left: no thread, no file, no socket, whoever is still waiting."""
    threads, server = threading.active_count(), FaultServer().start()
    for door in DOORS:
        server.door(door)
    waiting = socket.create_connection(("127.0.0.1", int(server.door("silent").split(":")[2].split("/")[0])))
    stalled = socket.create_connection(("127.0.0.1", int(server.url.split(":")[2].split("/")[0])))
    stalled.sendall(request("stall"))
    wait_until(lambda: server.ledger.requests)
    ca_file = server.ca_file
    server.close()

    assert threading.active_count() == threads
    assert not ca_file.parent.exists()
    for sock in (waiting, stalled):
        sock.settimeout(5)
        with sock, suppress(ConnectionError):  # reset or closed, but not silent any more
            while sock.recv(65536):
                pass
    FaultServer().close()  # one that never began


# -- mixes, new faults, and a process of its own ----------------------------------------------------------------------


def test_mix_has_its_proportions() -> None:
    """Over many draws each fault comes as often as the mix says, within the noise; the rest is well."""
    source = random.Random(5)
    drawn = Counter(Mix().draw(source) for _ in range(40_000))

    for name, percent in M20.items():
        assert abs(drawn[name] / 400 - percent) < 0.3, name
    assert abs(drawn["ok"] / 400 - (100 - sum(M20.values()))) < 1


def test_mix_is_drawn_for_each_request() -> None:
    """The model ``mix`` fails as the server's mix says."""
    with FaultServer(mix=Mix({"status?code=418": 50.0, "no-such-fault": 10.0})) as server:
        body = json.dumps({"model": "mix", "messages": [{"role": "user", "content": "x"}]}).encode()
        statuses = {fetch(f"{server.url}/chat/completions", body, {}, timeout=10).status for _ in range(60)}

    assert statuses == {418, 404, 200}


@pytest.mark.parametrize("parts", [{"ok": 0.5, "status?code=503": 0.4}, {"ok": 80.0, "eof": 30.0}, {}])
def test_mix_is_in_percent(parts: dict[str, float]) -> None:
    """Parts of one, or more than all, would silently be another mix."""
    with pytest.raises(ValueError, match="parts: expected percent"):
        Mix(parts)


def test_every_model_name_of_the_mix_is_a_fault() -> None:
    """Else the mix would be of 404s."""
    for name in M20:
        parse(name)


def test_fault_of_ones_own(fault_server: FaultServer) -> None:
    """A test may add a fault, with arguments."""

    @fault("teapot", "is a teapot of some `size`", the_size="3")
    async def teapot(x: Any) -> None:
        """Answer with a size."""
        await x.send(f"HTTP/1.1 418 I am\r\ncontent-length: 1\r\n\r\n{x.text('the-size')}".encode())

    with pytest.raises(ValueError, match="there is a fault named 'teapot' already"):
        fault("teapot", "another")
    try:
        assert [answer(fault_server, model) for model in ("teapot", name_of("teapot", the_size=5))] == [b"3", b"5"]
    finally:
        del FAULTS["teapot"]


@pytest.mark.parametrize("model", ["reset?at=x", "status?code=abc"])
def test_fault_that_cannot_be_carried_out_is_no_fault(model: str) -> None:
    """The client gets 500, and whoever closes the server the error: a mistake in a test is not taken for a fault."""
    server = FaultServer().start()
    received, _ = speak(server, request(model), patience=0.5)

    assert received.startswith(b"HTTP/1.1 500 ")
    with pytest.raises(ValueError, match=r"x|abc"):
        server.close()


def test_server_that_does_not_run_says_so() -> None:
    """Before it was started, and after it was closed, there is no door."""
    server = FaultServer()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url
    server.start().close()
    with pytest.raises(RuntimeError, match="not running"):
        server.door("silent")


def test_server_whose_port_is_taken_leaves_nothing(fault_server: FaultServer) -> None:
    """Neither a thread nor a socket."""
    threads = threading.active_count()
    with pytest.raises(OSError, match="in use"):
        FaultServer().start(int(fault_server.url.split(":")[2].split("/")[0]))

    assert threading.active_count() == threads


def test_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """``--list`` has a line for each fault, which begins with the model name that asks for it."""
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == len(FAULTS)
    for line in lines:
        parse(line.partition(": ")[0])


def test_program_serves_until_its_input_ends() -> None:
    """``python -m jackfield.testing.faults`` tells its doors, answers, and ends with what started it."""
    command = [sys.executable, "-m", "jackfield.testing.faults", "--seed", "5"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        doors = dict(program.stdout.readline().split() for _ in range(len(DOORS) + 1))
        with urllib3.PoolManager() as pool:
            models = pool.request("GET", f"{doors['plain']}/models").json()
        program.stdin.close()

        assert program.wait(10) == 0
    assert set(doors) == {*DOORS, "ca_file"}
    assert models["data"]


def test_package_is_a_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """``python -m`` runs it."""
    monkeypatch.setattr(sys, "argv", ["faults", "--list"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(main.__code__.co_filename, run_name="__main__")

    assert end.value.code == 0
    assert capsys.readouterr().out


def test_program_in_this_process(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, where its input is at its end from the first."""
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("a line\n"))

    assert main([]) == 0
    assert capsys.readouterr().out.startswith("plain http://127.0.0.1:")


def test_without_certificates_the_remedy_is_told(
    fault_server: FaultServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line, before any door is open; the doors without TLS need none."""
    monkeypatch.setitem(sys.modules, "trustme", None)

    assert main([]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "pip install 'jackfield[testing]'" in told.err
    assert fault_server.door("plain")
    for ask in (lambda: fault_server.door("tls"), lambda: fault_server.ca_file):
        with pytest.raises(ModuleNotFoundError, match=r"jackfield\[testing\]"):
            ask()
