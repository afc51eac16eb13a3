"""The format: any exchange is written and read again, and a person can read it."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield import errors
from jackfield_replay.exchange import Block, Exchange, Failure, Request, Response, block, shown
from jackfield_replay.text import END, HEAD, read, split, write

TEXTS = st.text(st.characters(codec="utf-8"))
PIECES = [
    *"a #'\"{[|>%&*\\👋é\n\r\t\0\x7f\x85\u00a0\u2028\ufeff\uffff\U0010ffff",
    ": ",
    "- ",
    "null",
    "yes",
    "1e5",
    "0",
    ":",
    "---",
]
AWKWARD = st.lists(st.sampled_from([*PIECES, "...", "\n...\n"])).map("".join)
WORDS = st.one_of(TEXTS, AWKWARD)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=10,
)
DATA = st.one_of(
    st.binary(),
    WORDS.map(str.encode),
    VALUES.map(msgspec.json.encode),
    VALUES.map(lambda value: json.dumps(value).encode()),
    VALUES.map(lambda value: json.dumps(value, indent=2).encode()),
    VALUES.map(lambda value: b"data: " + msgspec.json.encode(value) + b"\n\n"),
)
SECONDS = st.integers(0, 10**6).map(lambda thousandths: thousandths / 1000)
HEADERS = st.dictionaries(WORDS, WORDS, max_size=3)
NAMES = sorted(
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.APIError | errors.DeadlineExceededError)
)
MAYBE = st.none() | WORDS
FAILURES = st.builds(
    Failure,
    error=st.sampled_from(NAMES),
    message=WORDS,
    after=SECONDS,
    stage=st.sampled_from([None, "not_sent", "ambiguous", "answered"]),
    code=MAYBE,
    type=MAYBE,
    param=MAYBE,
    request_id=MAYBE,
    status_code=st.none() | st.integers(100, 599),
    retry_after=st.none() | st.floats(0, 1e9),
    should_retry=st.none() | st.booleans(),
)


@st.composite
def exchanges(draw) -> Exchange:
    body = draw(st.just(b"") | DATA)
    request = Request(
        method=draw(st.sampled_from(["GET", "POST"])),
        url=draw(WORDS),
        headers=draw(HEADERS),
        withheld=draw(st.lists(WORDS, max_size=2)),
        **(shown(body) if body else {}),
    )
    failure = draw(st.none() | FAILURES)
    response = Response(
        status=draw(st.integers(100, 599)),
        after=draw(SECONDS),
        headers=draw(HEADERS),
        withheld=draw(st.lists(WORDS, max_size=2)),
        blocks=[block(data, after) for data, after in draw(st.lists(st.tuples(DATA, SECONDS), max_size=4))],
    )
    end = "failed" if failure else draw(st.sampled_from(["whole", "left"]))
    has_answer = failure is None or draw(st.booleans())
    return Exchange(
        backend=draw(MAYBE),
        model=draw(MAYBE),
        request=request,
        response=response if has_answer else None,
        end=end,
        failure=failure,
    )


@given(exchanges())
@example(
    Exchange(request=Request(method="GET", url="/"), end="failed", failure=Failure(error="APIError", message="wait..."))
)
def test_any_exchange_is_read_as_it_was_written(exchange):
    """Also among others in a file."""
    document = write(exchange)

    assert document.endswith(END)
    assert read(document[: 1 - len(END)]) == exchange
    documents, rest = split(HEAD + document + document)
    assert [read(one) for one in documents[1:]] == [exchange, exchange]
    assert rest == b""


@given(DATA)
@example(b"{")
@example(b'{"a": 1,"b":2}')
@example(b"[" * 5000)
@example(b'{"a":1} ')
@example(b"\xff")
def test_bytes_are_the_same_again(data):
    """Whatever they are shown as."""
    assert Block(**shown(data)).data == data


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        (b'{"a":[1,2.50],"b":"\\u00e9"}', "json", '{\n  "a": [\n    1,\n    2.50\n  ],\n  "b": "\\u00e9"\n}\n'),
        (b'{"a": 1}', "json_spaced", '{\n  "a": 1\n}\n'),
        (b'{\n  "a": 1\n}', "text", '{\n  "a": 1\n}'),
        ("data: é\n\n".encode(), "text", "data: é\n\n"),
        (b"\xff\x00", "base64", "/wA="),
    ],
)
def test_bytes_are_shown_as_a_reader_wants_them(data, kind, text):
    """JSON is laid out, other text stands as it is, and what is no text is in base64."""
    assert shown(data) == {kind: text}


def test_a_document_is_read_by_people():
    """Each thing stands on a line of its own; a text of several lines is not escaped; pauses that are none are left out."""
    request = Request(method="POST", url="https://a.example/v1?x=1", headers={"accept": "*/*"}, **shown(b'{"n":1}'))
    blocks = [block("data: é\n\ndata: 2\n\n".encode()), block(b"\xff", 0.25)]
    response = Response(status=200, after=0.0, headers={"retry-after": "2"}, withheld=["set-cookie"], blocks=blocks)
    document = write(Exchange(backend="b", model="m", request=request, response=response, end="whole"))

    assert (
        document.decode()
        == """\
---
backend: b
model: m
request:
  method: POST
  url: https://a.example/v1?x=1
  headers:
    accept: '*/*'
  json: |
    {
      "n": 1
    }
response:
  status: 200
  headers:
    retry-after: '2'
  withheld:
  - set-cookie
  blocks:
  - text: |+
      data: é

      data: 2

  - after: 0.25
    base64: /w==
end: whole
...
"""
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("status: 200", "status: ok"), "Expected `int`, got `str` - at `$.response.status`"),
        (("status: 200", "stauts: 200"), "unknown field `stauts` - at `$.response`"),
        (("end: whole", "end: hole"), "Invalid enum value 'hole' - at `$.end`"),
        (("end: whole", "end: failed"), "expected failed where there is a failure"),
        (('"n": 1', '"n": '), "expected JSON under json"),
        (("text: b", "text: b\n    base64: YQ=="), "expected one of json, json_spaced, text and base64"),
        (("text: b", "base64: '!'"), "base64 under base64"),
        (("request:", "request: ["), "not YAML (line"),
        (("request:", "request: !!python/name:os.system"), "not YAML"),
    ],
)
def test_what_is_wrong_in_a_document_is_told(change, words):
    """With its place; nothing in it is run."""
    request = Request(method="POST", url="/", **shown(b'{"n":1}'))
    response = Response(status=200, blocks=[block(b"b")])
    text = write(Exchange(request=request, response=response, end="whole")).decode()
    assert change[0] in text

    with pytest.raises(ValueError) as caught:
        read(text.replace(*change).removesuffix("...\n").encode())
    assert words in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_an_error_is_raised_as_it_was(name):
    """Its class, words and details."""
    details = {"code": "c", "stage": "not_sent", "status_code": 429, "retry_after": 1.5, "should_retry": False}
    kind = getattr(errors, name)
    error = kind("words") if kind is errors.DeadlineExceededError else kind("words", **details)
    again = Failure.of(error).raised()

    assert (type(again), vars(again)) == (type(error), vars(error))


def test_an_error_of_another_class_is_that_which_it_is_one_of():
    """A plugin may have errors of its own; who replays need not have the plugin."""

    class OwnError(errors.RateLimitError):
        pass

    assert Failure.of(OwnError("x")).error == "RateLimitError"
    with pytest.raises(ValueError, match="name of an APIError"):
        Failure(error="ConfigError", message="x")
    with pytest.raises(ValueError, match="name of an APIError"):
        Failure(error="scrub", message="x")


def test_line_ends_at_the_end_of_a_document_are_read():
    """As some writers of YAML leave them to the end of the document."""
    document = "---\nrequest:\n  method: GET\n  url: /\nend: failed\nfailure:\n  error: APIError\n  message: |+\n    x\n\n...\n"
    (one,) = split(document.encode())[0]

    assert read(one).failure.message == "x\n\n"
