"""Client credentials: how a token is asked for, kept, shared and renewed."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import attrs
import pytest

from jackfield.errors import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    ConfigError,
    InternalServerError,
    InvalidResponseError,
    RateLimitError,
    UnexpectedRedirectError,
)
from jackfield.flow import Acquire, Read, Send
from jackfield.http import HttpRequest
from jackfield.secret import Secret
from jackfield.testing import Reply
from jackfield_auth import OAuth2

CLIENT_SECRET = "canary+client/secret"
URL = "https://login.example.com/oauth2/token"


def layer(**settings: Any) -> OAuth2:
    return OAuth2(**{"token_url": URL, "client_id": "my app", "client_secret": Secret.of(CLIENT_SECRET), **settings})


@attrs.define(eq=False)
class Endpoint:
    """Gives out token-1, token-2, … and has the backend accept each."""

    bench: Any
    answer: dict[str, Any] = attrs.field(factory=lambda: {"token_type": "Bearer", "expires_in": 3600})
    asked: list[HttpRequest] = attrs.field(factory=list)

    def __call__(self, request: HttpRequest) -> Reply:
        self.asked.append(request)
        token = f"canary-token-{len(self.asked)}"
        self.bench.accepted = {f"Bearer {token}"}
        return Reply.of_json({"access_token": token, **self.answer})


@pytest.fixture
def endpoint(bench: Any) -> Endpoint:
    """A token endpoint that always gives a new token, and a backend that accepts only the newest."""
    bench.endpoint = Endpoint(bench)
    return bench.endpoint


def answering(bench: Any, *replies: Reply | BaseException) -> None:
    left = iter(replies)
    bench.endpoint = lambda _request: next(left)


# -- what is asked ---------------------------------------------------------------------------------------------------


def test_a_token_is_asked_for_and_sent(bench: Any, endpoint: Endpoint):
    """One form by POST with the client's credentials in a header, and the token with the request."""
    assert bench.call(layer()) == "200"

    (asked,) = endpoint.asked
    assert (asked.method, asked.url) == ("POST", URL)
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")) == b"my+app:canary%2Bclient%2Fsecret"
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"]}
    assert bench.sent() == ["Bearer canary-token-1"]
    assert bench.all_released()


def test_credentials_may_stand_in_the_form(bench: Any, endpoint: Endpoint):
    """With ``client_auth = "body"`` no header is sent; scope, audience and parameters join the form."""
    bench.call(layer(client_auth="body", scope="a b", audience="https://api", parameters={"resource": "urn:x"}))

    (asked,) = endpoint.asked
    assert "authorization" not in asked.headers
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["my app"],
        "client_secret": [CLIENT_SECRET],
        "scope": ["a b"],
        "audience": ["https://api"],
        "resource": ["urn:x"],
    }


def test_the_secret_may_be_a_file(bench: Any, endpoint: Endpoint, tmp_path: Path):
    """What may block is read by an effect, before the token is asked for."""
    (tmp_path / "secret").write_text("canary-of-a-file\n")

    bench.call(layer(client_auth="body", client_secret=Secret(f"file:{tmp_path / 'secret'}")))

    assert parse_qs(endpoint.asked[0].body.decode())["client_secret"] == ["canary-of-a-file"]


def test_a_rotated_client_secret_is_read_again(bench: Any, tmp_path: Path):
    """Where the endpoint answers 401, and the secret has changed, it is asked once more."""
    path = tmp_path / "secret"
    path.write_text("canary-old")
    one = layer(client_auth="body", client_secret=Secret(f"file:{path}"))
    asked: list[str] = []

    def endpoint(request: HttpRequest) -> Reply:
        asked.append(parse_qs(request.body.decode())["client_secret"][0])
        if asked[-1] != "canary-new":
            path.write_text("canary-new")
            return Reply.of_json({"error": "invalid_client"}, 401)
        bench.accepted = {"Bearer t0ken"}
        return Reply.of_json({"access_token": "t0ken"})

    bench.endpoint = endpoint

    assert bench.call(one) == "200"
    assert asked == ["canary-old", "canary-new"]


# -- how long it is kept ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("life", "kept"),
    [(3600, 3540.0), (600, 540.0), (100, 90.0), ("100", 90.0), (10.0, 9.0), (0, 0.0), (-5, 0.0)],
)
def test_a_token_is_kept_until_shortly_before_it_expires(bench: Any, endpoint: Endpoint, life: Any, kept: float):
    """A minute before its end, or a tenth of its life, another one is fetched; not earlier."""
    endpoint.answer["expires_in"] = life
    one = layer()
    bench.call(one)
    if kept:
        bench.driver.now += kept - 0.01
        bench.call(one)
        assert len(endpoint.asked) == 1

    bench.driver.now += 0.02

    assert bench.call(one) == "200"
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize("life", [None, "soon", True, [], float("inf"), "nan", "9" * 400])
def test_a_token_of_unknown_life_is_used_until_it_is_refused(bench: Any, endpoint: Endpoint, life: Any):
    """Without a usable ``expires_in`` the backend's 401 decides."""
    endpoint.answer["expires_in"] = life
    one = layer()
    bench.call(one)
    bench.driver.now += 1e9
    bench.call(one)
    assert len(endpoint.asked) == 1

    bench.accepted = set()

    assert bench.call(one) == "200"
    assert len(endpoint.asked) == 2


def test_a_lifetime_that_no_number_can_hold_is_unknown(bench: Any):
    """An integer of a thousand digits does not raise."""
    bench.accepted = {"Bearer t0ken"}
    answering(bench, Reply(200, {}, [b'{"access_token": "t0ken", "expires_in": ' + b"9" * 1000 + b"}"]))
    one = layer()

    assert bench.call(one) == "200"
    assert bench.call(one) == "200"


def test_the_life_counts_from_the_question(bench: Any, endpoint: Endpoint):
    """A slow endpoint does not lengthen the life of its token."""
    slow = endpoint
    bench.endpoint = lambda request: attrs.evolve(slow(request), after=50.0)
    endpoint.answer["expires_in"] = 100
    one = layer()
    bench.call(one)
    bench.driver.now += 39.9
    bench.call(one)
    assert len(endpoint.asked) == 1
    bench.driver.now += 0.2
    bench.call(one)
    assert len(endpoint.asked) == 2


# -- what a 401 does -------------------------------------------------------------------------------------------------


def test_a_refused_token_is_replaced_once(bench: Any, endpoint: Endpoint):
    """After a 401 another token is fetched and sent; the first answer's connection is given back."""
    one = layer()
    bench.call(one)
    bench.accepted = set()

    assert bench.call(one) == "200"
    assert bench.sent() == ["Bearer canary-token-1"] * 2 + ["Bearer canary-token-2"]
    assert bench.all_released()


def test_a_backend_that_refuses_every_token_is_believed(bench: Any):
    """The second 401 is returned."""
    answering(bench, Reply.of_json({"access_token": "t1xx"}), Reply.of_json({"access_token": "t2xx"}))

    assert bench.call(layer()) == "401"
    assert bench.sent() == ["Bearer t1xx", "Bearer t2xx"]


def test_the_refused_answer_is_given_back_before_a_token_is_fetched(bench: Any, endpoint: Endpoint):
    """A gateway with a token endpoint of its own and one connection is not waited for by itself."""
    one = layer()
    bench.call(one)
    bench.accepted = set()
    left: list[int] = []

    def watching(request: HttpRequest) -> Reply:
        left.append(len(bench.driver.unreleased))
        return endpoint(request)

    bench.endpoint = watching

    assert bench.call(one) == "200"
    assert left == [0]


# -- many calls ------------------------------------------------------------------------------------------------------


def drive(one: OAuth2, bench: Any) -> Any:
    """A flow of ``wrap_http``, to be driven by hand."""
    from jackfield.call import Attempt
    from jackfield.http import Backend, split_url
    from jackfield.testing import make_call

    call = make_call(bench.driver)
    call.attempts.append(Attempt(1, Backend("test", "test", split_url("https://api.example.com")[0]), "m"))
    return one.wrap_http(HttpRequest("POST", "https://api.example.com/v1"), call)


def up_to_send(flow: Any) -> Any:
    """Drive a flow whose gate is free up to its ``Send``."""
    acquire = next(flow)
    assert isinstance(acquire, Acquire)
    assert acquire.gate.line_up(lambda: None).granted
    send = flow.send(None)
    assert isinstance(send, Send)
    return send


def waiting(flow: Any, entered: list[Any]) -> None:
    """Drive a flow up to the gate, which is full."""
    acquire = next(flow)
    assert isinstance(acquire, Acquire)
    assert not acquire.gate.line_up(lambda: entered.append(flow)).granted


def test_many_waiting_calls_share_one_fetch(bench: Any, endpoint: Endpoint):
    """Of 50 calls at once, one asks and 49 use what it got."""
    one = layer()
    first, rest = drive(one, bench), [drive(one, bench) for _ in range(49)]
    entered: list[Any] = []
    send = up_to_send(first)
    for flow in rest:
        waiting(flow, entered)

    response = bench.driver.perform(send)
    read = first.send(response)
    assert isinstance(read, Read)
    requests = [first.send(bench.driver.perform(read))]
    for flow in rest:
        assert entered[-1] is flow
        requests.append(flow.send(None))

    assert len(endpoint.asked) == 1
    assert {request.headers["authorization"] for request in requests} == {"Bearer canary-token-1"}
    assert len(requests) == 50


def test_many_waiting_calls_share_one_failure(bench: Any):
    """Who waited for a fetch that failed does not ask an endpoint that is down again; who comes later does."""
    answering(bench, Reply.of_json({}, 503), Reply.of_json({"access_token": "t0ken"}))
    one = layer()
    first, second = drive(one, bench), drive(one, bench)
    send = up_to_send(first)
    waiting(second, [])
    read = first.send(bench.driver.perform(send))

    with pytest.raises(InternalServerError) as of_first:
        first.send(bench.driver.perform(read))
    with pytest.raises(InternalServerError) as of_second:
        second.send(None)

    assert len(bench.driver.responses) == 1
    assert of_second.value is not of_first.value
    assert of_second.value.message == of_first.value.message
    bench.accepted = {"Bearer t0ken"}
    assert bench.call(one) == "200"


def test_a_call_that_is_cancelled_lets_the_next_one_ask(bench: Any, endpoint: Endpoint):
    """The gate is left, and the cancellation is nobody else's failure."""
    one = layer()
    first, second = drive(one, bench), drive(one, bench)
    up_to_send(first)
    entered: list[Any] = []
    waiting(second, entered)

    first.close()

    assert entered == [second]
    assert isinstance(second.send(None), Send)


def test_a_call_whose_deadline_passes_at_the_gate_leaves_it_free(bench: Any, endpoint: Endpoint):
    """What is raised at ``Acquire`` releases nothing, since nothing was entered."""
    one = layer()
    flow = drive(one, bench)
    next(flow)

    with pytest.raises(TimeoutError):
        flow.throw(TimeoutError())

    assert bench.call(one) == "200"


def test_calls_in_many_threads_share_one_fetch(bench: Any):
    """Eight threads with drivers of their own get the same token by one question."""
    asked: list[HttpRequest] = []
    barrier = threading.Barrier(8)
    one = layer()
    seen: list[str] = []

    def call() -> None:
        flow = drive(one, bench)
        barrier.wait()
        value: Any = None
        while True:
            out = flow.send(value)
            if isinstance(out, HttpRequest):
                seen.append(out.headers["authorization"])
                return
            if isinstance(out, Acquire):
                free = threading.Event()
                if not out.gate.line_up(free.set).granted:
                    assert free.wait(30)
                value = None
            elif isinstance(out, Send):
                asked.append(out.request)
                value = bench.driver.perform(out)
            else:
                value = bench.driver.perform(out)

    bench.endpoint = lambda _request: Reply.of_json({"access_token": "shared", "expires_in": 60})
    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == ["Bearer shared"] * 8
    assert len(asked) == 1


# -- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (
            Reply.of_json({"error": "invalid_client", "error_description": "no\nsuch  app"}, 400),
            AuthenticationError,
            "no such app",
        ),
        (Reply.of_json({"error": "invalid_client"}, 401), AuthenticationError, "invalid_client"),
        (Reply.of_json({"error": "access_denied"}, 403), AuthenticationError, "access_denied"),
        (Reply.of_json({"error": {"message": "odd", "code": "x"}}, 404), AuthenticationError, "odd"),
        (Reply.of_json({"error": "slow_down"}, 429, retry_after="7"), RateLimitError, "slow_down"),
        (Reply(500, {}, [b"<html>oops</html>"]), InternalServerError, "oops"),
        (Reply(503, {}, []), InternalServerError, "HTTP 503"),
        (Reply(302, {"location": "https://elsewhere.example/x"}, []), UnexpectedRedirectError, "elsewhere.example"),
        (Reply(200, {}, [b"access_token=form&expires_in=5"]), InvalidResponseError, "access_token"),
        (Reply(200, {}, []), InvalidResponseError, "access_token"),
        (Reply(200, {}, [b"\xff\xfe"]), InvalidResponseError, "access_token"),
        (Reply(200, {}, [b"[" * 100_000]), InvalidResponseError, "access_token"),
        (Reply.of_json([]), InvalidResponseError, "access_token"),
        (Reply.of_json({"access_token": ""}), InvalidResponseError, "access_token"),
        (Reply.of_json({"access_token": 5}), InvalidResponseError, "access_token"),
        (Reply.of_json({"access_token": "canary token"}), InvalidResponseError, "characters"),
        (Reply.of_json({"access_token": "canary\nx-evil: 1"}), InvalidResponseError, "characters"),
        (Reply.of_json({"access_token": "canary-ü"}), InvalidResponseError, "characters"),
        (Reply.of_json({"access_token": "canary-mac", "token_type": "mac"}), InvalidResponseError, "token_type"),
        (Reply.of_json({"access_token": "canary-mac", "token_type": 5}), InvalidResponseError, "token_type"),
        (APIConnectionError("refused", code="refused", stage="not_sent"), APIConnectionError, "refused"),
    ],
)
def test_an_endpoint_that_fails_is_a_typed_error(bench: Any, reply: Any, kind: type[APIError], words: str):
    """Each failure has its class, and says what was wrong in one line."""
    answering(bench, reply)

    with pytest.raises(kind, match=words) as caught:
        bench.call(layer())

    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert "canary" not in f"{caught.value!r} {vars(caught.value)} {caught.value.__context__!r}"
    assert bench.sent() == []
    assert bench.all_released()


def test_the_error_tells_what_a_retry_needs(bench: Any):
    """Status, code, request id and the wish for a wait are those of the endpoint."""
    answering(bench, Reply.of_json({"error": "busy"}, 503, retry_after="7", x_request_id="r1", x_should_retry="true"))

    with pytest.raises(InternalServerError) as caught:
        bench.call(layer())

    error = caught.value
    assert (error.status_code, error.code, error.retry_after, error.request_id) == (503, "busy", 7.0, "r1")
    assert error.should_retry is True
    assert str(error).startswith("no token from https://login.example.com: HTTP 503: busy")


@pytest.mark.parametrize(
    "reply",
    [
        APIConnectionError("reset", code="reset"),
        Reply(200, {}, [b'{"access', APIConnectionError("cut", code="reset")]),
        Reply(200, {}, [b"no token"]),
    ],
)
def test_the_request_itself_was_not_sent(bench: Any, reply: Any):
    """A broken exchange with the token endpoint leaves nothing ambiguous about the request."""
    answering(bench, reply)

    with pytest.raises(APIError) as caught:
        bench.call(layer())

    assert caught.value.stage == "not_sent"


def test_a_failed_fetch_is_not_kept(bench: Any):
    """The next call asks again."""
    answering(bench, Reply(503, {}, []), Reply.of_json({"access_token": "t0ken"}))
    bench.accepted = {"Bearer t0ken"}
    one = layer()
    with pytest.raises(InternalServerError):
        bench.call(one)

    assert bench.call(one) == "200"


def test_a_secret_that_cannot_be_read_is_an_error(bench: Any, endpoint: Endpoint, tmp_path: Path):
    """Nothing is asked without it, and the gate is free again."""
    one = layer(client_secret=Secret(f"file:{tmp_path / 'none'}"))
    for _ in range(2):
        with pytest.raises(ConfigError, match="secret file"):
            bench.call(one)

    assert endpoint.asked == []


@pytest.mark.parametrize("client_auth", ["basic", "body"])
def test_no_credential_is_shown(bench: Any, client_auth: Any, caplog: pytest.LogCaptureFixture):
    """An endpoint and a backend that repeat credentials put them into no error, repr, note or log."""
    caplog.set_level(logging.DEBUG)
    one = layer(client_auth=client_auth)
    shown: list[str] = []

    def repeating(request: HttpRequest) -> Reply:
        basic = request.headers.get("authorization", "")
        text = f"{basic} {request.body.decode()} {CLIENT_SECRET}"
        return Reply.of_json({"error": text, "error_description": text, "message": text}, 400)

    bench.endpoint = repeating
    with pytest.raises(AuthenticationError) as caught:
        bench.call(one)
    error = caught.value
    shown += [str(error), repr(error), repr(error.code), repr(error.body_excerpt), repr(vars(error))]
    bench.endpoint = Endpoint(bench)
    bench.call(one)
    shown += [repr(one), str(one), repr(one._token), repr(bench.driver.requests), caplog.text]

    encoded = base64.b64encode(b"my+app:canary%2Bclient%2Fsecret").decode()
    for text in shown:
        for canary in (CLIENT_SECRET, "canary%2Bclient%2Fsecret", encoded, "canary-token-1"):
            assert canary not in text


def test_the_token_goes_to_the_backend_only(bench: Any, endpoint: Endpoint):
    """A request to another origin is refused before any token is asked for."""
    bench.provider.send_to = "https://evil.example.net/v1"

    with pytest.raises(ConfigError, match=r"https://api\.example\.com.*https://evil\.example\.net"):
        bench.call(layer())

    assert bench.driver.requests == []


def test_a_token_endpoint_on_this_machine_may_be_plain(bench: Any):
    """Development needs no certificate."""
    assert layer(token_url="http://127.0.0.1:9000/token").token_url == "http://127.0.0.1:9000/token"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("token_url", value)
        for value in ("", "login", "http://login.example.com", "ftp://x", "https://u:p@x", None, 5, [])
    ]
    + [("client_id", value) for value in ("", " ", "a\nb", None)]
    + [("client_secret", value) for value in (CLIENT_SECRET, None)]
    + [("scope", value) for value in ("", "a\nb", 5)]
    + [("audience", value) for value in ("", 5)]
    + [("client_auth", value) for value in ("Basic", None)]
    + [("parameters", value) for value in (None, {"a": 1}, {1: "a"}, {"client_id": "x"})],
)
def test_settings_are_checked(setting: str, value: Any):
    """A value that does not fit is refused by the setting's name, and a secret is not repeated."""
    with pytest.raises(ValueError, match=f"{setting}: expected") as caught:
        layer(**{setting: value})

    assert CLIENT_SECRET not in str(caught.value)
    assert str(caught.value).count("expected") == 1


def test_reserved_fields_of_the_form_are_named():
    """Who sets one of them learns which are taken."""
    make: Callable[..., OAuth2] = layer

    with pytest.raises(ValueError, match="audience, client_id, client_secret, grant_type, scope"):
        make(parameters={"scope": "x"})
