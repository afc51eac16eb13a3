"""What holds for both clients alike: each scenario runs with the synchronous and with the asynchronous one."""

from __future__ import annotations

import gc
import json
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

import fakeserver
import jackfield
from both import ASK, Async, Sync, config, recorders, said, settings
from fakeserver import EVENTS, Server, answer, completion, event, in_pieces, reply
from jackfield import Acquire, Gate, Run, Sleep, hookimpl

KEY = "sk-canary-5ecre7-0123456789"
SLACK = 0.25
"""Seconds by which a call may outlive its deadline."""
SOON = 5.0
"""Seconds in which a server sees that it was left: one, on a machine that does nothing else."""


@pytest.fixture
def server() -> Iterator[Server]:
    with fakeserver.serving(answer) as server:
        yield server


@pytest.fixture(params=[Sync, Async], ids=["sync", "async"])
def kind(request):
    return request.param


@pytest.fixture
def opened(kind) -> Iterator[Callable[..., Any]]:
    """Makes clients that are closed in the end."""
    with ExitStack() as stack:

        def make(configuration: Any, plugins: Any = None) -> Any:
            mode = kind(configuration, plugins)
            stack.callback(mode.end)
            stack.callback(mode.close)
            return mode

        yield make


@pytest.fixture
def mode(opened, server):
    return opened(config(server))


def failure(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """The error that a function raises."""
    with pytest.raises(jackfield.JackfieldError) as caught:
        function(*args, **options)
    return caught.value


def overrun(deadline: float, run: Callable[[], Any]) -> float:
    """By how many seconds ``run`` outlives the deadline, the best of five: other programs share the machine."""
    best = float("inf")
    for _ in range(5):
        before = time.monotonic()
        run()
        best = min(best, time.monotonic() - before - deadline)
        if best <= SLACK:
            break
    return best


def until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether the condition comes true within the time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


# -- ordinary calls ---------------------------------------------------------------------------------------------------


def test_a_call_returns_the_response_and_what_it_took(mode, server):
    """A call gives the response, whose ``call`` holds the ledger."""
    response = mode.call(labels={"tenant": "t1"})
    assert response.choices[0].message.content == "hello"
    assert response.usage.total_tokens == 7
    (attempt,) = response.call.attempts
    assert (attempt.outcome, attempt.status_code, attempt.request_id) == ("success", 200, "req-1")
    assert attempt.backend.name == "main"
    assert response.call.labels == {"tenant": "t1"}


def test_a_stream_gives_chunks_and_then_the_response(mode):
    """The chunks come one by one, and the response is their sum, with the usage."""
    handle = mode.stream()
    assert handle.text() == "abc"
    assert handle.stream.response.choices[0].message.content == "abc"
    assert handle.stream.response.usage.total_tokens == 7
    assert handle.stream.response.call is handle.stream.call
    assert handle.stream.response is handle.stream.response
    assert handle.next() is None
    assert mode.live() == 0


def test_a_whole_request_may_be_given(mode, server):
    """A request value is sent as it is; ``stream=`` besides it wins; other fields beside it are refused."""
    request = jackfield.from_dict({"messages": ASK, "model": "main/x", "temperature": 0}, _request_type())
    assert mode.call(request).choices[0].message.content == "hello"
    assert server.exchanges[-1].json == {"messages": ASK, "model": "x", "temperature": 0}
    assert mode.call(attrs.evolve(request, stream=True), stream=False).choices[0].finish_reason == "stop"
    with pytest.raises(TypeError, match="temperature"):
        mode.call(request, temperature=1)
    with pytest.raises(TypeError, match="expected a CreateChatCompletionRequest"):
        mode.call(ASK)


def _request_type() -> type:
    from jackfield.models import CreateChatCompletionRequest

    return CreateChatCompletionRequest


@pytest.mark.parametrize("timeout", [0, -1, True, float("nan"), "5"])
def test_a_timeout_is_a_number_above_zero(mode, timeout):
    """A timeout that is no time is refused before anything is sent."""
    with pytest.raises(ValueError, match="timeout"):
        mode.call(timeout=timeout)


@pytest.mark.parametrize("headers", [{1: "x"}, [("a", "b")]])
def test_headers_that_are_none_are_told(mode, server, headers):
    """They are a mapping of names; nothing is sent."""
    with pytest.raises(TypeError, match="extra_headers: expected a mapping"):
        mode.call(extra_headers=headers)
    assert server.exchanges == []


def test_a_credential_that_is_none_is_sent_as_it_is(mode, server):
    """What calls itself Basic and is not is a header like any other."""
    mode.call(extra_headers={"Authorization": "Basic a"})
    assert server.exchanges[0].headers["authorization"] == "Basic a"


def test_a_credential_that_no_header_can_hold_is_told(mode, server):
    """Without the credential, and before anything is sent."""
    error = failure(mode.call, extra_headers={"Authorization": "Basic \N{SNOWMAN}\N{SNOWMAN}\N{SNOWMAN}\N{SNOWMAN}"})
    assert "\N{SNOWMAN}" not in str(error)
    assert server.exchanges == []


def test_extra_headers_and_extra_body_are_sent(mode, server):
    """What the host wants sent besides is sent, and wins over the request's own."""
    mode.call(extra_headers={"X-Trace": "t"}, extra_body={"model": "forced", "top_k": 5})
    exchange = server.exchanges[-1]
    assert exchange.headers["x-trace"] == "t"
    assert exchange.json == {"messages": ASK, "model": "forced", "top_k": 5}


def test_models_are_listed_under_the_names_that_calls_take(opened, server):
    """Models come with their backend's name before them, of all backends or of one."""
    two = config(server)
    two["backends"]["other"] = dict(two["backends"]["main"])
    mode = opened(two)
    assert [model.id for model in mode.models()] == ["main/m", "other/m"]
    assert [model.id for model in mode.models("other", timeout=5)] == ["other/m"]
    error = failure(mode.models, "othr")
    assert isinstance(error, jackfield.ConfigError)
    assert 'did you mean "other"?' in str(error)
    assert "did you" not in str(failure(mode.models, "zzzzzz"))


def test_models_that_cannot_be_listed_are_an_error(mode, server):
    """A failure of the backend is raised, with the ledger."""
    server.script = lambda exchange: exchange.send(reply({"error": {"message": "no"}}, "500 Oops"))
    error = failure(mode.models)
    assert isinstance(error, jackfield.InternalServerError)
    assert error.attempts[0].status_code == 500


def test_model_names_lead_to_backends(opened, server):
    """Default, alias and ``backend/model`` are resolved; the backend gets its own name of the model."""
    mode = opened(config(server, models={"fast": "main/quick"}))
    for given, sent in [({}, "m"), ({"model": "fast"}, "quick"), ({"model": "main/a/b"}, "a/b")]:
        mode.call(**given)
        assert server.exchanges[-1].json["model"] == sent


def test_an_unknown_model_is_not_found_and_guessed_at(opened, server):
    """A name that leads nowhere is an error that guesses what was meant, and nothing is sent."""
    mode = opened(config(server, models={"fast": "main/quick"}))
    error = failure(mode.call, model="mian/m")
    assert isinstance(error, jackfield.NotFoundError)
    assert "main/m" in str(error)
    assert error.attempts == ()
    assert not server.exchanges


# -- connections ------------------------------------------------------------------------------------------------------


def test_calls_in_a_row_use_one_connection(mode, server):
    """Fifty calls need one connection."""
    for _ in range(50):
        mode.call()
    assert server.accepted == 1


def test_streams_in_a_row_use_one_connection(mode, server):
    """Fifty streams, read to their end, need one connection."""
    for _ in range(50):
        assert mode.stream().text() == "abc"
    assert server.accepted == 1


def test_a_stream_closed_after_its_last_block_keeps_the_connection(opened, server):
    """Closing a stream whose answer is whole completes the call and gives the connection back."""
    outer, inner, around, within = recorders()
    mode = opened(_recorded(server), {"outer": outer, "inner": inner})
    for _ in range(5):
        handle = mode.stream()
        assert [said(handle.next()) for _ in range(4)] == ["a", "b", "c", ""]
        handle.close()
        assert handle.stream.response.choices[0].message.content == "abc"
    assert server.accepted == 1
    assert around.outcomes == within.outcomes == ["response"] * 5


def test_chunks_can_be_asked_for_one_by_one(mode, server):
    """However they come."""
    server.script = in_pieces(EVENTS, 0.05)
    handle = mode.stream()
    assert [said(handle.next()) for _ in range(3)] == ["a", "b", "c"]
    while handle.next() is not None:
        pass
    assert handle.stream.response.choices[0].message.content == "abc"


def test_a_large_request_is_sent_whole(mode):
    """Head and body in two pieces where one would have to be copied."""
    text = "x" * 300_000
    request = jackfield.from_dict({"messages": [{"role": "user", "content": text}], "model": "main/m"}, _request_type())
    assert mode.call(request).choices[0].message.content == text


def test_a_connection_on_which_more_came_than_asked_for_is_not_used_again(mode, server):
    """Else what came would be taken for the next answer."""

    def script(exchange: fakeserver.Exchange) -> None:
        exchange.send(reply(completion("first" if len(server.exchanges) == 1 else "second")))
        if len(server.exchanges) == 1:
            exchange.send(reply(completion("forged")), 0.1)

    server.script = script
    assert mode.call().choices[0].message.content == "first"
    time.sleep(0.2)
    assert mode.call().choices[0].message.content == "second"


def test_what_came_behind_an_answer_is_not_the_next_one_wherever_it_ends(mode, server):
    """Also where the answer ends with a block that was received."""

    def script(exchange: fakeserver.Exchange) -> None:
        if len(server.exchanges) > 1:
            exchange.send(reply(completion("mine")))
            return
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n"
        body = json.dumps(completion("first")).encode()
        size = 16384 - len(head % 16384)
        exchange.send(head % size + body + b" " * (size - len(body)) + reply(completion("forged")), 0.1)

    server.script = script
    assert mode.call().choices[0].message.content == "first"
    assert mode.call().choices[0].message.content == "mine"


@attrs.define(eq=False)
class Discards:
    """Sends once for nothing."""

    @hookimpl
    def wrap_http(self, http_request):
        response = yield http_request
        yield Sleep(0.1)
        response.body.release()
        return (yield http_request)


@pytest.mark.parametrize(("length", "connections"), [(100, 1), (40_000, 1), (None, 2)])
def test_an_answer_that_is_not_wanted_costs_its_connection_only_if_it_is_not_here(opened, server, length, connections):
    """What has come already is read and forgotten; what has not is not waited for."""

    def script(exchange: fakeserver.Exchange) -> bool:
        if len(server.exchanges) > 1:
            exchange.send(reply(completion("hi")))
        elif length is None:
            exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345")
        else:
            exchange.send(reply(b"x" * length))
        return True

    server.script = script
    mode = opened(config(server, backend={"middleware": [{"use": "discards"}]}), {"discards": Discards})
    assert mode.call().choices[0].message.content == "hi"
    assert server.accepted == connections


def test_closing_a_whole_stream_does_not_wait_for_a_server_that_never_ends_it(mode, server):
    """The answer is whole, the usage does not come: closing completes the call soon, and closes the connection."""
    server.script, seen = fakeserver.stuck_after(event("a") + event("b") + event(finish="stop"))
    handle = mode.stream()
    assert said(handle.next()) == "a"
    began = time.monotonic()
    handle.close()
    assert time.monotonic() - began < 10  # the limit of silence is a minute
    assert handle.stream.response.choices[0].message.content == "ab"
    assert until(lambda: bool(seen))


# -- exactly one outcome ----------------------------------------------------------------------------------------------


def _recorded(server: Server, **backend: Any) -> dict[str, Any]:
    return config(server, middleware=[{"use": "outer"}], backend={"middleware": [{"use": "inner"}], **backend})


@pytest.fixture
def recorded(opened, server):
    """A client whose middleware, of the host and of the backend, keeps its outcomes; and those lists."""
    outer, inner, around, within = recorders()
    mode = opened(_recorded(server), {"outer": outer, "inner": inner})

    def outcomes() -> list[str]:
        assert around.passed == len(around.outcomes)
        assert within.passed == len(within.outcomes)
        assert around.outcomes == within.outcomes
        return around.outcomes

    return mode, outcomes


def test_success_is_one_outcome(recorded):
    """A call and a stream that go well end each layer once."""
    mode, outcomes = recorded
    mode.call()
    mode.stream().text()
    assert outcomes() == ["response"] * 2


def test_an_error_is_one_outcome(recorded, server):
    """A call and a stream that the backend refuses end each layer once."""
    mode, outcomes = recorded
    server.script = lambda exchange: exchange.send(reply({"error": {"message": "busy"}}, "429 Busy", retry_after="7"))
    for begin in (mode.call, mode.stream):
        error = failure(begin)
        assert isinstance(error, jackfield.RateLimitError)
        assert (error.retry_after, error.status_code, error.backend, error.model) == (7.0, 429, "main", "m")
    assert outcomes() == ["RateLimitError"] * 2


@pytest.mark.parametrize("whole", range(4))
def test_a_stream_cut_before_its_end_is_interrupted(recorded, server, whole):
    """Wherever a stream is cut before its finish reason, it is no success and holds what had arrived."""
    mode, outcomes = recorded
    server.script = in_pieces(EVENTS[:whole], 0.0, end=False)
    error = failure(lambda: mode.stream().text())
    assert type(error) is (jackfield.StreamInterruptedError if whole else jackfield.APIConnectionError)
    assert said_in(getattr(error, "partial", None)) == "abc"[:whole]
    assert outcomes() == [type(error).__name__]


@pytest.mark.parametrize("whole", range(4, 7))
def test_a_stream_cut_after_its_finish_reason_is_whole(recorded, server, whole):
    """What follows the finish reason may be missing."""
    mode, outcomes = recorded
    server.script = in_pieces(EVENTS[:whole], 0.0, end=False)
    assert mode.stream().text() == "abc"
    assert outcomes() == ["response"]


@pytest.mark.parametrize("read", range(3))
def test_a_closed_stream_is_cancelled_once_and_closes_its_connection(recorded, server, read):
    """Closing before or amid the chunks cancels the call for each layer, and the server sees it within a second."""
    mode, outcomes = recorded
    server.script, seen = fakeserver.stuck_after(event("a"), event("b"), event("c"))
    handle = mode.stream()
    for _ in range(read):
        handle.next()
    handle.close()
    handle.close()
    assert until(lambda: bool(seen))
    assert seen[0] < SOON
    error = failure(lambda: handle.stream.response)
    assert isinstance(error, jackfield.StreamInterruptedError)
    assert "closed by the host" in str(error)
    assert failure(handle.next) is error
    assert outcomes() == ["CallCancelled"]
    assert mode.live() == 0


@pytest.mark.usefixtures("quick_collector")
def test_a_dropped_stream_is_cancelled_once_and_closes_its_connection(recorded, server):
    """An iterator that becomes garbage takes its call down; the server sees it within a second."""
    mode, outcomes = recorded
    server.script, seen = fakeserver.stuck_after(event("a"))
    handle = mode.stream()
    handle.next()
    del handle
    gc.collect()
    assert until(lambda: bool(seen))
    assert seen[0] < SOON
    assert until(lambda: mode.live() == 0)
    assert outcomes() == ["CallCancelled"]


def test_the_response_of_a_stream_is_there_only_in_the_end(mode):
    """Asking for it too early is the host's mistake."""
    handle = mode.stream()
    with pytest.raises(RuntimeError, match="not ended"):
        _ = handle.stream.response
    handle.text()


def test_closing_a_stream_from_elsewhere_ends_the_wait(recorded, server):
    """A thread or task that waits for a chunk gets an error when another closes the stream."""
    mode, outcomes = recorded
    server.script, _ = fakeserver.stuck_after(event("a"))
    handle = mode.stream()
    handle.next()
    errors: list[Any] = []
    waiting = threading.Thread(target=lambda: errors.append(failure(handle.next)))
    waiting.start()
    time.sleep(0.2)
    handle.close()
    handle.close()
    waiting.join(2)
    assert [type(error) for error in errors] == [jackfield.StreamInterruptedError]
    assert "closed by the host" in str(errors[0])
    assert outcomes() == ["CallCancelled"]


def test_two_cannot_read_one_stream(mode, server):
    """A second thread or task on a stream is the host's mistake, and does the first no harm."""
    server.script = in_pieces(EVENTS, 0.3)
    handle = mode.stream()
    handle.next()
    first: list[str] = []
    reading = threading.Thread(target=lambda: first.append(handle.text()))
    reading.start()
    time.sleep(0.1)
    with pytest.raises(RuntimeError, match="driven by another"):
        handle.next()
    reading.join()
    assert first == ["bc"]


def test_closing_the_client_takes_its_calls_down(recorded, server):
    """Calls that run, and streams that stand, end with an error; later calls are refused."""
    mode, outcomes = recorded
    server.script, seen = fakeserver.stuck_after(event("a"))
    standing = mode.stream()
    standing.next()
    errors: list[Any] = []
    running = threading.Thread(target=lambda: errors.append(failure(mode.call)))
    running.start()
    assert until(lambda: len(server.exchanges) == 2)
    mode.close()
    mode.close()
    running.join(2)
    errors += [failure(standing.next), failure(mode.call), failure(mode.models)]
    assert [type(error) for error in errors] == [jackfield.ClientClosedError] * 4
    assert outcomes() == ["CallCancelled"] * 2
    assert until(lambda: len(seen) == 2)


@attrs.define(eq=False)
class Awkward:
    """Fails to close."""

    @hookimpl
    def on_chunk(self, chunk):
        return None

    @hookimpl
    def close(self):
        raise OSError("the disk is full")


@attrs.define(eq=False)
class Closes:
    """Is seen to close."""

    @hookimpl
    def on_chunk(self, chunk):
        return None

    @hookimpl
    def close(self):
        CLOSED.append(self)


CLOSED: list[Closes] = []


def test_every_plugin_is_closed_once_even_after_one_that_fails(kind, server):
    """The first failure is told when all plugins and connections are closed, with the name of the plugin."""
    CLOSED.clear()
    layers = [{"use": "closes"}, {"use": "awkward"}, {"use": "closes"}]
    mode = kind(config(server, middleware=layers), {"closes": Closes, "awkward": Awkward})
    try:
        mode.call()
        with pytest.raises(OSError, match="disk") as caught:
            mode.close()
        assert "Awkward" in caught.value.__notes__[0]
        mode.close()
        assert len(CLOSED) == 2
    finally:
        mode.end()


# -- deadlines --------------------------------------------------------------------------------------------------------


def _drip(head: bytes) -> Any:
    def script(exchange: Any) -> bool:
        exchange.send(head)
        while not exchange.server.closing.is_set():
            exchange.send(b"x", 0.03)
        return False

    return script


DRIPS = {
    "head": _drip(b"HTTP/1.1 200 OK\r\nx-slow: "),
    "body": _drip(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n"),
    "error": _drip(b"HTTP/1.1 500 Oops\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n"),
    "stalled": lambda exchange: exchange.wait(30),
}


@pytest.mark.parametrize("way", DRIPS)
def test_no_call_outlives_its_deadline(mode, server, way):
    """Whatever the server drips, the call ends with the deadline."""
    server.script = DRIPS[way]
    errors: list[Any] = []
    assert overrun(0.5, lambda: errors.append(failure(mode.call, timeout=0.5))) <= SLACK
    assert type(errors[-1]) is jackfield.DeadlineExceededError
    assert errors[-1].attempts[0].outcome == "error"


def test_no_stream_outlives_its_deadline(mode, server):
    """A stream that drips comments for ever ends with the deadline."""
    server.script = _drip(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + event("a") + b": ")
    errors: list[Any] = []
    assert overrun(0.5, lambda: errors.append(failure(lambda: mode.stream(timeout=0.5).text()))) <= SLACK
    assert type(errors[-1]) is jackfield.DeadlineExceededError


def test_the_backend_sets_the_deadline_where_the_host_does_not(opened, server):
    """``timeout.total`` holds for calls without a timeout of their own."""
    mode = opened(config(server, backend={"timeout": {"total": 0.4}}))
    server.script = DRIPS["stalled"]
    assert type(failure(mode.call)) is jackfield.DeadlineExceededError
    assert type(failure(mode.models)) is jackfield.DeadlineExceededError


def test_slow_names_do_not_hold_a_call(opened, monkeypatch):
    """A resolver that does not answer costs no more than the deadline, or the limit of connecting."""
    let_go = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: let_go.wait(20) and [])
    try:
        mode = opened(settings("http://slow.example/v1", backend={"timeout": {"connect": 0.4}}))
        errors: list[Any] = []
        assert overrun(0.2, lambda: errors.append(failure(mode.call, timeout=0.2))) <= SLACK
        assert type(errors[-1]) is jackfield.DeadlineExceededError
        assert overrun(0.4, lambda: errors.append(failure(mode.call))) <= SLACK
        assert (type(errors[-1]), errors[-1].code) == (jackfield.APITimeoutError, "connect")
        assert errors[-1].stage == "not_sent"
    finally:
        let_go.set()


def test_names_that_do_not_exist_are_told(opened, monkeypatch):
    """A name without an address is an error of its own kind."""

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure(opened(settings("http://nowhere.example/v1")).call)
    assert (type(error), error.code, error.stage) == (jackfield.APIConnectionError, "dns", "not_sent")


def test_a_port_that_nobody_listens_on_is_refused(opened):
    """A refused connection is provably not sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(opened(settings(f"http://127.0.0.1:{port}/v1")).call)
    assert (type(error), error.code, error.stage) == (jackfield.APIConnectionError, "refused", "not_sent")


def test_waiting_for_a_connection_counts(opened, server):
    """Where all connections are in use, the wait for one ends with the deadline."""
    mode = opened(config(server, backend={"transport": {"max_connections": 1}}))
    server.script, _ = fakeserver.stuck_after(event("a"))
    handle = mode.stream()
    errors: list[Any] = []
    assert overrun(0.3, lambda: errors.append(failure(mode.call, timeout=0.3))) <= SLACK
    assert type(errors[-1]) is jackfield.DeadlineExceededError
    handle.close()
    server.script = answer
    assert mode.call(timeout=5).choices


def test_a_full_pool_has_a_limit_of_its_own(opened, server, kind, monkeypatch):
    """Long before the deadline, waiting for a connection is given up."""
    import jackfield.drivers.aio
    import jackfield.drivers.sync

    monkeypatch.setattr(jackfield.drivers.aio, "POOL_WAIT", 0.2)
    monkeypatch.setattr(jackfield.drivers.sync, "POOL_WAIT", 0.2)
    mode = opened(config(server, backend={"transport": {"max_connections": 1}}))
    server.script, _ = fakeserver.stuck_after(event("a"))
    handle = mode.stream()
    error = failure(mode.call)
    assert (type(error), error.code, error.stage) == (jackfield.APITimeoutError, "pool", "not_sent")
    handle.close()


def test_the_first_byte_has_a_limit(opened, server):
    """A server that takes the request and says nothing is given up, and may have worked."""
    mode = opened(config(server, backend={"timeout": {"first_byte": 0.3}}))
    server.script = DRIPS["stalled"]
    for begin in (mode.call, mode.stream):
        error = failure(begin)
        assert (type(error), error.code, error.stage) == (jackfield.APITimeoutError, "first_byte", "ambiguous")


def test_silence_between_events_has_a_limit(opened, server):
    """A body that stops coming is given up."""
    mode = opened(config(server, backend={"timeout": {"idle": 0.3}}))
    server.script, _ = fakeserver.stuck_after(event("a"))
    handle = mode.stream()
    assert said(handle.next()) == "a"
    error = failure(handle.next)
    assert (type(error), error.code, said_in(error.partial)) == (jackfield.StreamInterruptedError, "idle", "a")
    server.script, _ = fakeserver.stuck_after()
    error = failure(mode.stream)
    assert (type(error), error.code) == (jackfield.APITimeoutError, "idle")


def test_a_host_that_takes_its_time_is_not_an_idle_backend(opened, server):
    """The idle limit counts while bytes are waited for, not while the host works on a chunk."""
    mode = opened(config(server, backend={"timeout": {"idle": 0.2}}))
    server.script = in_pieces(EVENTS, 0.02)
    handle = mode.stream()
    handle.next()
    time.sleep(0.5)
    assert handle.text() == "bc"


def said_in(response: Any) -> str:
    """The text of a response, or nothing where there is none."""
    return "" if response is None else response.choices[0].message.content


@attrs.define(eq=False)
class Does:
    """Yields one effect first; ``kind`` says which."""

    kind: str = "sleep"
    seconds: float = 60.0
    let_go: ClassVar[threading.Event]

    @hookimpl
    def wrap_chat_completion(self, request, call):
        if self.kind == "gate":
            gate = Gate(1)
            yield Acquire(gate)
            yield Acquire(gate)
        elif self.kind == "run":
            yield Run(time.sleep, self.seconds)
        elif self.kind == "held":
            yield Run(self.let_go.wait, self.seconds)
        elif self.kind == "stop":
            yield Run(next, iter(()))
        else:
            yield Sleep(self.seconds)
        return (yield request)


@pytest.fixture
def doing(opened, server):
    return lambda **does: opened(config(server, middleware=[{"use": "does", **does}]), {"does": Does})


@pytest.mark.parametrize("does", [{}, {"kind": "gate"}])
def test_waits_of_layers_end_with_the_deadline(doing, does):
    """A sleep that would end after the deadline fails at once; a gate that stays shut, with the deadline."""
    mode = doing(**does)
    errors: list[Any] = []
    assert overrun(0.3, lambda: errors.append(failure(mode.call, timeout=0.3))) <= SLACK
    assert type(errors[-1]) is jackfield.DeadlineExceededError


@pytest.mark.parametrize("does", [{}, {"kind": "gate"}])
def test_waits_of_layers_end_when_the_client_is_closed(doing, does):
    """A sleeping call does not hold ``close``."""
    mode = doing(**does)
    errors: list[Any] = []
    running = threading.Thread(target=lambda: errors.append(failure(mode.call)))
    running.start()
    assert until(lambda: mode.live() == 1)
    time.sleep(0.05)
    mode.close()
    running.join(2)
    assert [type(error) for error in errors] == [jackfield.ClientClosedError]


def test_layers_sleep_and_run(doing):
    """Effects of a layer are carried out, and the call goes on."""
    assert doing(seconds=0.01).call().call.attempts[0].wait == pytest.approx(0.01)
    runs = doing(kind="run", seconds=0.01)
    assert runs.call().choices
    assert runs.call().choices


def test_a_run_function_that_outlives_the_deadline_ends_the_call(doing):
    """``Run`` is not interrupted, but what comes after it is not done."""
    assert type(failure(doing(kind="run", seconds=0.3).call, timeout=0.2)) is jackfield.DeadlineExceededError


def test_a_run_function_that_outlives_its_client_ends_the_call(doing, monkeypatch):
    """The client closes without waiting for a function that does not end; its call fails once it does."""
    monkeypatch.setattr(Does, "let_go", threading.Event(), raising=False)
    mode = doing(kind="held")
    errors: list[Any] = []
    running = threading.Thread(target=lambda: errors.append(failure(mode.call)))
    running.start()
    assert until(lambda: mode.live() == 1)
    time.sleep(0.05)
    mode.close()
    assert running.is_alive()
    Does.let_go.set()
    running.join()
    assert [type(error) for error in errors] == [jackfield.ClientClosedError]


def test_stop_iteration_out_of_a_run_function_is_the_plugins_fault(doing):
    """``StopIteration`` would end a generator without a word."""
    error = failure(doing(kind="stop").call)
    assert isinstance(error, jackfield.PluginError)
    assert "Run(next, iterator, None)" in str(error)


# -- answers that are none --------------------------------------------------------------------------------------------


def test_a_large_answer_is_cut_off(opened, server):
    """No more than the cap is taken, of a body or of a line of a stream."""
    mode = opened(config(server, backend={"transport": {"max_response_bytes": 5000, "max_line_bytes": 500}}))
    server.script = lambda exchange: exchange.send(reply(completion("x" * 10000)))
    error = failure(mode.call)
    assert isinstance(error, jackfield.InvalidResponseError)
    assert "max_response_bytes" in str(error)
    server.script = in_pieces([event("x" * 1000)], 0.0)
    assert isinstance(failure(mode.stream), jackfield.InvalidResponseError)


ANSWERS = [
    (reply(b"", "302 Found", location=f"https://elsewhere.example/{KEY}"), jackfield.UnexpectedRedirectError),
    (reply(f"<html>{KEY}</html>".encode(), "502 Bad", content_type="text/html"), jackfield.InternalServerError),
    (reply(f"<html>{KEY}</html>".encode(), content_type="text/html"), jackfield.InvalidResponseError),
    (reply(f"{{{KEY}".encode()), jackfield.InvalidResponseError),
    (reply(b""), jackfield.InvalidResponseError),
    (reply({"error": {"message": KEY, "code": 401}}), jackfield.AuthenticationError),
    (reply({"error": {"message": KEY, "code": KEY}}, "401 No", x_request_id=KEY), jackfield.AuthenticationError),
    (b"\x00\x01 garbage " + KEY.encode() + b"\r\n\r\n", jackfield.APIConnectionError),
    (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n" + b"{", jackfield.APIConnectionError),
    (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n" + KEY.encode(), jackfield.APIConnectionError),
    (b"", jackfield.APIConnectionError),
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("case", range(len(ANSWERS)))
def test_answers_that_are_none_are_typed_errors_without_a_secret(opened, server, monkeypatch, case, stream):
    """Each is the error that says what is wrong, within the deadline, and the key is nowhere in it."""
    body, expected = ANSWERS[case]
    monkeypatch.setenv("CANARY", KEY)
    mode = opened(config(server, backend={"middleware": [{"use": "keyed"}]}), {"keyed": Keyed})

    def script(exchange: Any) -> bool:
        exchange.send(body)
        return False

    server.script = script
    error = failure(mode.stream if stream else mode.call, timeout=5)
    assert type(error) is expected or (stream and isinstance(error, jackfield.APIError))
    assert server.exchanges[-1].headers["authorization"] == f"Bearer {KEY}"
    assert_clean(error)


def test_json_in_place_of_a_stream_is_an_error(mode, server):
    """A whole answer where a stream was asked for is not zero chunks."""
    server.script = lambda exchange: exchange.send(reply(completion()))
    error = failure(mode.stream)
    assert isinstance(error, jackfield.InvalidResponseError)
    assert "stream of events" in str(error)


@pytest.mark.parametrize("key", [f"{KEY}\nx: y", f"{KEY}\u201d"])
def test_a_key_that_no_header_can_hold_is_not_shown(opened, server, monkeypatch, key):
    """A key with a line end in it is a fault of the configuration, and stays unseen and unsent."""
    monkeypatch.setenv("CANARY", key)
    mode = opened(config(server, backend={"middleware": [{"use": "keyed"}]}), {"keyed": Keyed})
    for begin in (mode.call, mode.stream):
        assert_clean(failure(begin))
    assert not server.exchanges


def test_a_refused_connection_shows_no_key(opened, monkeypatch):
    """Errors of the transport hold no object of its library."""
    monkeypatch.setenv("CANARY", KEY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    backend = {"middleware": [{"use": "keyed"}]}
    assert_clean(failure(opened(settings(f"http://127.0.0.1:{port}/v1", backend=backend), {"keyed": Keyed}).call))


@attrs.define(eq=False)
class Keyed:
    """Sends a key, as an auth middleware does."""

    token: jackfield.Secret = attrs.field(factory=lambda: jackfield.Secret("env:CANARY"), init=False)

    @hookimpl
    def wrap_http(self, http_request, call):
        headers = {"authorization": f"Bearer {yield from self.token.reveal()}"}
        return (yield http_request.with_headers(headers))


def assert_clean(error: BaseException) -> None:
    """No secret in the error, in what it came of, and in the variables of the frames it passed in jackfield."""
    assert isinstance(error, jackfield.JackfieldError)
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        assert type(link).__module__.partition(".")[0] in {"jackfield", "builtins"}, f"{link!r} is foreign"
        told = [repr(link), str(link), repr(link.args), repr(vars(link)), *getattr(link, "__notes__", ())]
        trace = link.__traceback__
        while trace is not None:
            if trace.tb_frame.f_globals["__name__"].startswith("jackfield"):
                told += [f"{trace.tb_frame}.{name}: {value!r}" for name, value in trace.tb_frame.f_locals.items()]
            trace = trace.tb_next
        for text in told:
            assert KEY not in text
        link = link.__cause__ or link.__context__
    assert KEY.encode() not in pickle.dumps(error)


def test_errors_can_be_pickled_with_their_attempts(mode, server):
    """An error crosses a process boundary with its ledger."""
    server.script = lambda exchange: exchange.send(reply({"error": {"message": "no", "code": "c"}}, "400 Bad"))
    error = failure(mode.call)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.code, copy.backend) == (type(error), str(error), "c", "main")
    assert copy.attempts[0].error == error.attempts[0].error
    assert copy.attempts[0].status_code == 400


# -- many at once -----------------------------------------------------------------------------------------------------


def test_many_calls_at_once(recorded, server):
    """Thirty-two threads with calls and streams: each gets its own answer, each layer one outcome for each."""
    mode, outcomes = recorded
    wrong: list[Any] = []

    def work(name: int) -> None:
        for turn in range(10):
            text = f"{name}-{turn}"
            got = mode.call(_ask(text)).choices[0].message.content
            if got != text or mode.stream().text() != "abc":
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert outcomes() == ["response"] * 640
    assert server.accepted <= 64


def _ask(text: str) -> Any:
    return jackfield.from_dict({"messages": [{"role": "user", "content": text}], "model": "main/m"}, _request_type())


def test_nothing_is_left_behind(kind, server):
    """After many calls of every outcome, descriptors and threads are as many as before."""

    def count() -> tuple[int, int]:
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    def settled() -> bool:
        server.threads[:] = [thread for thread in server.threads if thread.is_alive()]
        return all(now <= then for now, then in zip(count(), before, strict=True))

    before = count()
    mode = kind(config(server))
    for turn in range(200):
        server.script = [answer, in_pieces(EVENTS[:2], 0.0, end=False), DRIPS_ERROR][turn % 3]
        try:
            if turn % 2:
                mode.call()
            else:
                handle = mode.stream()
                handle.next()
                handle.close() if turn % 4 else handle.text()
        except jackfield.APIError:
            pass
    mode.close()
    mode.end()
    assert until(settled), (before, count())


def DRIPS_ERROR(exchange: Any) -> None:  # noqa: N802 - a script among scripts
    """Refuse."""
    exchange.send(reply({"error": {"message": "no"}}, "500 Oops"))


# -- chunks made here -------------------------------------------------------------------------------------------------


@attrs.define(eq=False)
class Canned:
    """Answers by itself."""

    @hookimpl
    def wrap_chat_completion(self, request, call):
        yield Sleep(0)
        return jackfield.from_dict(completion("canned"), _response_type())


def _response_type() -> type:
    from jackfield.models import CreateChatCompletionResponse

    return CreateChatCompletionResponse


def test_an_answer_of_a_layer_is_streamed_too(opened, server):
    """Where nobody delivered, the response comes as chunks; closing amid them is no failure."""
    mode = opened(config(server, middleware=[{"use": "canned"}]), {"canned": Canned})
    handle = mode.stream()
    assert handle.text() == "canned"
    assert handle.stream.response.choices[0].message.content == "canned"
    assert not server.exchanges
    assert [attempt.number for attempt in mode.call().call.attempts] == []


@attrs.define(eq=False)
class Held:
    """Gives one response to every call, as a cache does."""

    kept: list[Any] = attrs.field(factory=list, init=False)

    @hookimpl
    def wrap_chat_completion(self, request, call):
        if not self.kept:
            self.kept.append((yield request))
        return self.kept[0]


def test_a_response_given_twice_tells_of_each_call(opened, server):
    """A cache may hand one response to many calls: each host sees its own call."""
    mode = opened(config(server, middleware=[{"use": "held"}]), {"held": Held})
    first, second = mode.call(labels={"n": "1"}), mode.call(labels={"n": "2"})
    assert first.call.labels == {"n": "1"}
    assert second.call.labels == {"n": "2"}
    assert first == second


def test_names_are_looked_up_where_they_must_be(kind, server, opened, monkeypatch):
    """A name that resolves leads to the server."""
    real = socket.getaddrinfo
    names: list[Any] = []

    def look_up(host: Any, *args: Any, **options: Any) -> Any:
        names.append(host)
        return real("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    mode = opened(settings(f"http://named.example:{server.port}/v1"))
    assert mode.call().choices
    assert "named.example" in names
