"""What is logged of calls, driven by the engine with a clock of its own."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.call import Call
from jackfield.engine import Engine
from jackfield.errors import APIError, InternalServerError, NotFoundError, RateLimitError, StreamInterruptedError
from jackfield.flow import Flow, Sleep
from jackfield.hookspecs import hookimpl
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.redaction import remember
from jackfield.testing import Echo, ScriptedDriver, make_call, plan, run_call
from jackfield.wire import from_dict
from jackfield_logging import Logging, fields

README = Path(__file__).parents[1] / "README.md"
STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
STRUCTLOG = {"event", "level", "logger", "timestamp", "exception", "stack", "positional_args"}


def request(content: Any = "Hello.", **more: Any) -> CreateChatCompletionRequest:
    data = {"model": "m", "messages": [{"role": "user", "content": content}], **more}
    return from_dict(data, CreateChatCompletionRequest)


class Keep(logging.Handler):
    """Keeps the records."""

    def __init__(self) -> None:
        super().__init__(0)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def extras(self) -> list[dict[str, Any]]:
        return [
            {name: value for name, value in vars(record).items() if name not in STANDARD} for record in self.records
        ]


def keeping(name: str) -> Keep:
    keep = Keep()
    logger = logging.getLogger(name)
    logger.handlers = [keep]
    logger.propagate = False
    logger.setLevel(1)
    return keep


@pytest.fixture
def kept() -> Iterator[Keep]:
    """What the logger ``jackfield`` gets, at every level."""
    logger = logging.getLogger("jackfield")
    before = logger.handlers, logger.propagate, logger.level
    yield keeping("jackfield")
    logger.handlers, logger.propagate = before[:2]
    logger.setLevel(before[2])


@attrs.define(eq=False)
class Failing:
    """Sleeps a second, then fails with the given errors in order, then answers."""

    errors: list[Exception] = attrs.field(factory=list)

    @hookimpl
    def create_chat_completion(self, request: CreateChatCompletionRequest, call: Call) -> Flow[Any]:
        yield Sleep(1.0)
        attempt = call.attempt
        assert attempt is not None
        attempt.request_id = f"req-{attempt.number}"
        attempt.status_code = 503 if self.errors else 200
        if self.errors:
            raise self.errors.pop(0)
        return CreateChatCompletionResponse(id="x", choices=[])


@attrs.define(eq=False)
class Again:
    """Tries again after half a second, as often as it takes."""

    @hookimpl
    def wrap_chat_completion(self, request: CreateChatCompletionRequest) -> Flow[CreateChatCompletionResponse]:
        while True:
            try:
                return (yield request)
            except APIError:
                yield Sleep(0.5)


def test_a_call_is_a_start_an_attempt_and_an_end(kept: Keep):
    """Three records, all at INFO, with the fields that the README promises."""
    run_call(plan(Failing(), middleware=[Logging()]), request(), labels={"team": "blue"})

    start, attempt, end = kept.extras()
    call_id = start["call_id"]
    assert [record.levelname for record in kept.records] == ["INFO"] * 3
    assert start == {
        "event_name": "call_started",
        "call_id": call_id,
        "model_name": "m",
        "labels": {"team": "blue"},
        "stream": False,
    }
    assert attempt == {
        "event_name": "attempt_ended",
        "call_id": call_id,
        "model_name": "m",
        "labels": {"team": "blue"},
        "backend": "test",
        "attempt": 1,
        "outcome": "success",
        "status_code": 200,
        "request_id": "req-1",
        "error": None,
        "error_class": None,
        "wait": 0.0,
        "duration": 1.0,
        "time_to_first_chunk": None,
    }
    assert end == {
        "event_name": "call_ended",
        "call_id": call_id,
        "model_name": "m",
        "labels": {"team": "blue"},
        "stream": False,
        "backend": "test",
        "attempts": 1,
        "outcome": "success",
        "request_id": "req-1",
        "error": None,
        "error_class": None,
        "duration": 1.0,
        "time_to_first_chunk": None,
        "prompt_tokens": None,
        "completion_tokens": None,
    }


def test_messages_tell_the_same(kept: Keep):
    """A plain formatter shows what matters."""
    run_call(
        plan(Failing([InternalServerError("HTTP 503: busy", status_code=503)]), middleware=[Logging(), Again()]),
        request(),
    )

    assert [record.getMessage() for record in kept.records] == [
        "chat completion started: m",
        "chat completion attempt 1 at test ended: InternalServerError: HTTP 503: busy",
        "chat completion attempt 2 at test ended: success",
        "chat completion ended after 2.500 s: success",
    ]


def test_tokens_and_content_of_a_whole_answer(kept: Keep):
    """Usage is logged; content only where it is switched on."""
    run_call(plan(Echo(), middleware=[Logging(content=True)]), request("two words"))

    start, _, end = kept.extras()
    assert (end["prompt_tokens"], end["completion_tokens"]) == (2, 2)
    assert json.loads(start["request_messages"]) == [{"role": "user", "content": "two words"}]
    (message,) = json.loads(end["response_messages"])
    assert message["content"] == "two words"


@attrs.define(eq=False)
class Slow:
    """Delivers its chunks after two seconds."""

    echo: Echo = attrs.field(factory=Echo)

    @hookimpl
    def create_chat_completion(self, request: CreateChatCompletionRequest, call: Call) -> Flow[None]:
        yield Sleep(2.0)
        yield from self.echo.create_chat_completion(request, call)
        yield Sleep(3.0)


def test_a_stream_is_logged_when_it_has_ended(kept: Keep):
    """The time to the first chunk, the whole duration and the tokens are those of the stream."""
    driver = ScriptedDriver()

    run_call(plan(Slow(), middleware=[Logging()]), request("two words", stream=True), driver)

    start, attempt, end = kept.extras()
    assert start["stream"] is end["stream"] is True
    assert attempt["time_to_first_chunk"] == end["time_to_first_chunk"] == 2.0
    assert end["duration"] == 5.0
    assert (end["prompt_tokens"], end["completion_tokens"]) == (2, 2)


def test_the_first_chunk_counts_from_the_start_of_the_call(kept: Keep):
    """An attempt that failed before delays the first chunk of the call, not of the attempt."""

    @attrs.define(eq=False)
    class Second:
        failed: bool = False

        @hookimpl
        def create_chat_completion(self, request: CreateChatCompletionRequest, call: Call) -> Flow[None]:
            if not self.failed:
                self.failed = True
                yield Sleep(4.0)
                raise InternalServerError("busy", status_code=503)
            yield from Slow().create_chat_completion(request, call)

    run_call(plan(Second(), middleware=[Logging(), Again()]), request(stream=True))

    *_, last, end = kept.extras()
    assert last["time_to_first_chunk"] == 2.0
    assert end["time_to_first_chunk"] == 6.5


def test_failures_are_warnings(kept: Keep):
    """A failed attempt and a failed call are warnings; a success after a failure is none."""
    errors: list[Exception] = [RateLimitError("HTTP 429: slow down", status_code=429)]
    run_call(plan(Failing(errors), middleware=[Logging(), Again()]), request())

    assert [record.levelname for record in kept.records] == ["INFO", "WARNING", "INFO", "INFO"]
    failed, well = kept.extras()[1:3]
    assert failed["outcome"] == "error"
    assert failed["error_class"] == "RateLimitError"
    assert failed["error"] == "RateLimitError: HTTP 429: slow down"
    assert (failed["attempt"], well["attempt"]) == (1, 2)
    assert well["wait"] == 0.5
    assert kept.extras()[3]["attempts"] == 2


def test_an_error_that_is_raised_is_logged_and_unchanged(kept: Keep):
    """The end record tells of the error that the host gets."""
    error = InternalServerError("HTTP 503", status_code=503)

    with pytest.raises(InternalServerError) as caught:
        run_call(plan(Failing([error]), middleware=[Logging()]), request())

    assert caught.value is error
    end = kept.extras()[-1]
    assert kept.records[-1].levelname == "WARNING"
    assert (end["outcome"], end["error_class"], end["error"]) == (
        "error",
        "InternalServerError",
        "InternalServerError: HTTP 503",
    )


def test_a_call_without_an_attempt_is_logged(kept: Keep):
    """An unknown backend is an end without an attempt."""
    with pytest.raises(NotFoundError):
        run_call(plan(Failing(), middleware=[Logging()]), request(model="nobody/m"))

    start, end = kept.extras()
    assert start["model_name"] == "nobody/m"
    assert (end["attempts"], end["backend"], end["request_id"]) == (0, None, None)


def test_a_call_that_the_host_leaves_is_cancelled(kept: Keep):
    """It is logged with its attempt, at the usual level, and is cancelled to the end."""
    driver = ScriptedDriver()
    layers = plan(Slow(), middleware=[Logging()])
    engine = Engine(layers, make_call(driver, stream=True))
    effect = engine.begin_chat(request(stream=True))
    while not driver.delivered:
        assert effect is not None
        effect = driver.step(engine, effect)

    engine.cancel()

    assert engine.done
    assert engine.call.faults == []
    with pytest.raises(StreamInterruptedError):
        engine.result()
    attempt, end = kept.extras()[1:]
    assert attempt["outcome"] == end["outcome"] == "cancelled"
    assert end["error_class"] == "CallCancelled"
    assert kept.records[-1].levelname == "INFO"


def test_inside_a_retry_each_passage_is_logged(kept: Keep):
    """Listed after the layer that tries again, it logs each try when it ends, and no attempt twice."""
    errors: list[Exception] = [InternalServerError("HTTP 503", status_code=503)]
    run_call(plan(Failing(errors), middleware=[Again(), Logging()]), request())

    assert [extra["event_name"] for extra in kept.extras()] == ["call_started", "attempt_ended", "call_ended"] * 2
    assert [extra["attempt"] for extra in kept.extras() if "attempt" in extra] == [1, 2]
    assert [extra["duration"] for extra in kept.extras() if extra["event_name"] == "call_ended"] == [1.0, 1.0]


@pytest.mark.parametrize(("level", "names"), [("INFO", ["WARNING", "WARNING"]), ("DEBUG", ["WARNING", "WARNING"])])
def test_what_the_logger_does_not_take_is_not_made(level: str, names: list[str], kept: Keep):
    """With a logger at WARNING only failures are logged, and nothing is built for the rest."""
    logging.getLogger("jackfield").setLevel(logging.WARNING)
    layer = Logging(level=level, content=True)
    layer_request = request()
    errors: list[Exception] = [InternalServerError("HTTP 503", status_code=503)]

    with pytest.raises(InternalServerError):
        run_call(plan(Failing(errors), middleware=[layer]), layer_request)
    run_call(plan(Failing(), middleware=[layer]), layer_request)

    assert [record.levelname for record in kept.records] == names


def test_a_higher_level_raises_failures_too(kept: Keep):
    """Failures are never below the level of the rest."""
    with pytest.raises(InternalServerError):
        run_call(
            plan(Failing([InternalServerError("HTTP 503", status_code=503)]), middleware=[Logging(level="ERROR")]),
            request(),
        )

    assert [record.levelname for record in kept.records] == ["ERROR"] * 3


def test_another_logger_may_be_named():
    """The setting ``logger`` names where the records go."""
    kept = keeping("tests.elsewhere")

    run_call(plan(Echo(), middleware=[Logging(logger="tests.elsewhere")]), request())

    assert [record.name for record in kept.records] == ["tests.elsewhere"] * 3


def test_content_is_not_logged_unless_switched_on(kept: Keep):
    """What users write stays out of the log."""
    run_call(plan(Echo(), middleware=[Logging()]), request("canary-content-7f3a"))

    assert "canary-content-7f3a" not in repr([vars(record) for record in kept.records])


def test_content_is_capped(kept: Keep):
    """A long message is cut at ``max_content`` characters, question and answer each."""
    run_call(plan(Echo(), middleware=[Logging(content=True, max_content=100)]), request("x" * 5000))

    start, _, end = kept.extras()
    assert len(start["request_messages"]) == len(end["response_messages"]) == 101
    assert start["request_messages"].endswith("x…")


def test_secrets_are_masked(kept: Keep):
    """A key that a backend, a label or a message repeats is not logged."""
    remember("canary-key-51d0e2")

    @attrs.define(eq=False)
    class Repeating:
        @hookimpl
        def create_chat_completion(self, request: CreateChatCompletionRequest, call: Call) -> Flow[Any]:
            assert call.attempt is not None
            call.attempt.request_id = "id of canary-key-51d0e2"
            raise ZeroDivisionError("canary-key-51d0e2 is wrong")
            yield

    with pytest.raises(ZeroDivisionError):
        run_call(
            plan(Repeating(), middleware=[Logging(content=True)]),
            request("my key is canary-key-51d0e2", model="canary-key-51d0e2"),
            labels={"canary-key-51d0e2": "canary-key-51d0e2"},
        )

    assert len(kept.records) == 3
    assert "canary-key-51d0e2" not in repr([(record.getMessage(), vars(record)) for record in kept.records])
    assert "***" in kept.records[0].getMessage()


TEXT = st.text(st.characters(codec=None) | st.sampled_from("\r\n\x1b\x85\u2028\u2029\u202e\u2066%"), max_size=30)
FORMAT = logging.Formatter(" ".join(["%(levelname)s %(message)s", *(f"%({name})s" for name in fields.CALL)]))
END = logging.Formatter("%(message)s " + " ".join(f"%({name})s" for name in fields.END))


@settings(deadline=None)  # other processes may want the processor
@given(content=TEXT, model=TEXT.map(lambda text: text.replace("/", "")), label=TEXT, error=TEXT)
def test_a_record_is_always_one_line(content: str, model: str, label: str, error: str):
    """Whatever users, hosts and backends write, each record is formatted to one printable line."""
    kept = keeping("tests.lines")
    layer = Logging(logger="tests.lines", content=True)
    asked = CreateChatCompletionRequest(
        model=model, messages=request(content.encode("utf-8", "replace").decode()).messages
    )
    failing = Failing([InternalServerError(error, status_code=503)])

    with pytest.raises(InternalServerError):
        run_call(plan(failing, middleware=[layer]), asked, labels={label: label})
    run_call(plan(Echo(prefix=content.encode("utf-8", "replace").decode()), middleware=[layer]), asked)

    assert len(kept.records) == 6
    for record in kept.records:
        line = (END if record.event_name == "call_ended" else FORMAT).format(record)  # type: ignore[attr-defined]
        assert line.isprintable()
        for value in vars(record).values():
            assert not isinstance(value, str) or value.isprintable()


def test_no_field_has_a_name_that_is_taken(kept: Keep):
    """``logging`` refuses names of its own, and structlog would overwrite its own."""
    run_call(plan(Echo(), middleware=[Logging(content=True)]), request())

    names = {name for extra in kept.extras() for name in extra}
    assert names.isdisjoint(STANDARD | STRUCTLOG)
    assert names == {*fields.START, *fields.ATTEMPT, *fields.END, "request_messages", "response_messages"}


def test_records_can_be_written_as_json(kept: Keep):
    """All values of ``extra`` are plain."""
    run_call(plan(Echo(), middleware=[Logging(content=True)]), request(), labels={"a": "b"})

    assert [json.loads(json.dumps(extra)) for extra in kept.extras()] == kept.extras()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("logger", ""),
        ("logger", None),
        ("level", "info"),
        ("level", 20),
        ("content", 1),
        ("content", "yes"),
        ("max_content", 0),
        ("max_content", True),
        ("max_content", 2.5),
    ],
)
def test_settings_are_checked(setting: str, value: Any):
    """A value that does not fit is refused with the setting's name and what was expected."""
    with pytest.raises(ValueError, match=f"{setting}: expected"):
        Logging(**{setting: value})


def test_the_readme_lists_settings_and_fields():
    """Its tables are complete, and the defaults are those of the class."""
    text = README.read_text()
    settings = text.partition("| setting |")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| `?([^`|]+?)`? \|", settings, re.MULTILINE))
    told = set(
        re.findall(
            r"`(\w+)`",
            re.sub(r"^(\|[^|]*\|).*", r"\1", text.partition("| field |")[2].partition("\n\n")[0], flags=re.MULTILINE),
        )
    )

    assert rows == {
        field.name: str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        for field in attrs.fields(Logging)
        if field.init
    }
    assert told == {*fields.START, *fields.ATTEMPT, *fields.END, "request_messages", "response_messages"}
