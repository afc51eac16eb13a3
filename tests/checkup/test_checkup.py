"""A checkup finds what keeps a program from its answers, as far as it is to go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

from findings import CHAT, KEY, MODELS, PLUGINS, Inside, config, found, inside, of, statuses
from jackfield.checkup import Row, Scope, checkup
from jackfield.checkup.service import model_of
from jackfield.config.load import load
from server import Serve, answer


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


def test_of_a_name_that_is_shared_out_all_backends_are_looked_at() -> None:
    """Each is asked for its own model."""
    echo = {"provider": "echo"}
    shared = {"use": "balance", "models": {"sh": {"a/x": 1, "b/y": 1}}}
    data = {"backends": {"a": echo, "b": echo, "c": echo}, "middleware": [shared]}
    rows = found(data, model="sh", live=True)

    assert {row.about for row in rows} == {"configuration", "plugins", "a", "b"}
    assert of(rows, "a")["call"] == ("ok", "x answers")
    assert of(rows, "b")["call"] == ("ok", "y answers")


def test_names_that_lead_nowhere_come_with_what_there_is() -> None:
    """Few are listed, of many the command that lists them is told."""
    few = {"backends": {"a": {"provider": "inside"}, "b": {"provider": "inside"}}}
    many = {"backends": {f"{one}x": {"provider": "inside"} for one in "abcdefghij"}}
    command = "jackfield config show lists those that are there"

    def remedies(data: dict[str, Any]) -> list[str | None]:
        return [row.remedy for row in found(data, backends=("zzz",), model="yyy") if row.status == "failed"]

    assert remedies(few) == ["known: a, b", "known: a/…, b/…"]
    assert remedies(many) == [command, command]


def test_a_name_that_may_become_several_is_asked_of_each_of_their_backends() -> None:
    """As a layer shares it out; layers inside may share out what it becomes."""
    data = {
        "backends": {name: {"provider": "inside"} for name in "abc"},
        "middleware": [
            {"use": "elsewhere", "groups": {"pool": ["a/x", "inner"], "other": ["c/z"]}},
            {"use": "elsewhere", "groups": {"inner": ["b/y"]}},
        ],
    }
    rows = found(data, live=True, model="pool")

    assert {row.about: row.detail for row in rows if row.what == "call"} == {
        "a": "RuntimeError: no x",
        "b": "RuntimeError: no y",
    }
    assert "model" not in of(rows, "configuration")


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
