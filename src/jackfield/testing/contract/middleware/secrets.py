"""Checks of secrets: no setting of the type Secret is shown by anything but the request that needs it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from jackfield.redaction import remember
from jackfield.refusal import texts
from jackfield.testing.contract.middleware.onion import Onion, onion
from jackfield.testing.contract.middleware.service import KitDriver, Service
from jackfield.testing.contract.middleware.source import FAILING, WELL
from jackfield.testing.contract.middleware.subject import Subject
from jackfield.testing.contract.middleware.trial import MODES, Trial, ask
from jackfield.testing.contract.middleware.weight import own
from jackfield.testing.leaks import Capture, artefacts, leaks

MARK = "qZ7-"
HIDDEN = "no secret is in a repr, a pickle, a log, an error or the ledger"


def plant(settings: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each variable that a setting refers to by ``env:`` a made-up value that can be recognised.

    It is another one each time: what was revealed once is scrubbed from every text. A value of the author's own is no
    business of a test; it is scrubbed too, as the plugin may have read it when it was imported.
    """
    for name in _variables(settings):
        if os.environ.get(name):
            remember(os.environ[name])
        monkeypatch.setenv(name, _canary())


def rotate(settings: Mapping[str, Any]) -> None:
    """Give those variables other values, as where keys are renewed; the fixture of the checks puts them back."""
    for name in _variables(settings):
        os.environ[name] = _canary()


def _canary() -> str:
    return MARK + token_hex(12)


def _variables(value: Any) -> Iterator[str]:
    yield from (text.removeprefix("env:") for text in texts(value) if text.startswith("env:"))


def values(subject: Subject) -> list[str]:
    """The values of the plugin's secrets, read without the help of what is to be proved."""
    found = []
    for secret in subject.secrets.values():
        source, _, name = secret.reference.partition(":")
        if source == "env":
            found.append(os.environ[name])
        elif source == "file":
            found.append(Path(name).expanduser().read_text(encoding="utf-8").strip())
    return found


def require(subject: Subject) -> list[str]:
    """The values of the plugin's secrets; skips the check where there are none."""
    found = values(subject)
    if not found:
        pytest.skip("it has no setting of the type Secret")
    return found


def search(subject: Subject, secrets: Sequence[str], sinks: Iterator[tuple[str, str]], place: str) -> None:
    """Fail the test if a secret is in one of the texts."""
    for sink, text in sinks:
        for secret in secrets:
            if leaks(text, secret):
                subject.fail(f"shows a secret in {sink}", place, wants=HIDDEN)


def shown(instance: Any) -> Iterator[tuple[str, str]]:
    """What an instance shows."""
    yield "its repr", repr(instance)
    yield "its str", f"{instance}"
    for name, value in own(instance).items():
        yield f"the repr of its attribute {name}", repr(value)
    with suppress(Exception):  # what cannot be pickled shows nothing
        yield "its pickle", pickle.dumps(instance).decode("latin-1")


def ledger(one: Trial) -> Iterator[tuple[str, str]]:
    """What the ledger of a call shows."""
    for attempt in one.call.attempts:
        yield "the ledger", repr(attempt)
        yield "the headers of an attempt", repr(attempt.headers)
    yield "the faults of a call", repr(one.call.faults)


class SecretChecks:
    """The values of secrets are nowhere but where they are used."""

    def test_instance_shows_no_secret(self, subject: Subject) -> None:
        """Neither repr nor str, the attributes or the pickle of an instance have it, before calls and after them."""
        secrets = require(subject)
        layers = onion(subject)
        for instance in layers.instances:
            search(subject, secrets, shown(instance), "before the first call")
        for mode in MODES:
            _calls(layers, mode)
        for instance in layers.instances:
            search(subject, secrets, shown(instance), "after some calls")

    def test_logs_and_errors_show_no_secret(self, subject: Subject) -> None:
        """Neither logs, warnings, output, errors that pass through, nor the ledger have it, whatever happens."""
        secrets = require(subject)
        trials = []
        with Capture() as capture:
            layers = onion(subject)
            for mode in MODES:
                trials += _calls(layers, mode)
            subject.close_all()
        search(subject, secrets, capture.texts(), "some calls")
        for one in trials:
            outcome = one.outcome
            if isinstance(outcome, BaseException):
                name = type(outcome).__name__
                seen = ((f"{name}, {sink}", text) for sink, text in artefacts(outcome) if ": local " not in sink)
                search(subject, secrets, seen, one.place)
            search(subject, secrets, ledger(one), one.place)


def _calls(layers: Onion, mode: str) -> list[Trial]:
    """Calls of all kinds: answered, refused, failed, taken down."""
    trials = []
    for act, statuses in ((WELL, (200,)), (WELL, (401,)), (WELL, (401, 200)), (WELL, (500,)), (FAILING, (200,))):
        layers.source.acts = (act,)
        where = f"status {statuses[0]}" if act is WELL else "failing"
        one = Trial(layers, where, ask(mode=mode), driver=KitDriver(Service(layers, statuses)))
        one.run()
        trials.append(one)
    layers.source.acts = (WELL,)
    one = Trial(layers, "cancelled", ask(mode=mode))
    one.on(1)
    one.cancel()
    return [*trials, one]
